/**
 * One setting of an array after the other, shown and read: what a receiver hears of every RF chain, by pilots; or how strongly it hears one of them, by the SNR
 * that it reports where D drives that one alone. A setting that was not read because a frame,
 * the panel or the link was lost is shown again, once they are back; what cannot be had so is an error.
 */
import type { Clock } from '../../core/clock/clock.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';
import type { UserIndex } from '../../core/signal/indices.ts';
import { FIRST_SETTING_ID } from '../control/beam-ids.ts';
import { columnOf, powerOf, type DrivenChains } from '../control/driven-chains.ts';
import type { PanelRecovery } from '../control/panel-recovery.ts';
import { panelFailureMessage } from '../control/watch/failure-messages.ts';
import type { Panel, PanelFailure, Result } from '../panel/panel.ts';
import { requireWanted, type BeginRun } from './method-runs.ts';

/** What all chains show. */
export interface ArraySetting {
  /** N·M, (n, m) at n·M + m. */
  readonly words: Uint16Array;
  /** N·M of 0/1; absent: every element is on. */
  readonly enabled?: Uint8Array;
  /** Not all chains at once, but what D drives: heard by its power alone. */
  readonly driven?: DrivenChains;
}

export interface ArrayReaderOptions {
  readonly panel: Pick<Panel, 'apply' | 'measurePilots' | 'measureSnr'>;
  /** Knows when the panel is lost, and gets it back. */
  readonly recovery: Pick<PanelRecovery, 'lost' | 'arm' | 'lit' | 'worked' | 'failed' | 'recover'>;
  readonly clock: Clock;
  readonly phaseBits: number;
  readonly rfChains: number;
  /** K, the streams of D. */
  readonly users: number;
  /** Which receiver listens. */
  readonly receiver: UserIndex;
  /** That a reading is averaged over. */
  readonly pilots: number;
  /** Nothing more is to be shown. */
  readonly stop: AbortSignal;
}

export interface ArrayReader {
  /**
   * @returns one complex value a chain, M×1: what is heard of it when it carries power 1; of driven chains the power, as re of the chain whose reading it is
   * @throws {BeamrigError} 'stopped', or 'panel' where the array did not answer after all
   */
  read(setting: ArraySetting): Promise<CMatrix>;
  /** Settings shown so far, those that were shown again among them. */
  readonly commits: number;
}

/** What a method is carried out by. */
export interface SettingsReader extends Pick<ArrayReader, 'read'> {
  /** Where the method's runs take place; absent: here, and nobody is heard while they work out states. */
  readonly begin?: BeginRun;
}

/** How often a setting is shown to a panel that is there before it is given up. */
const ATTEMPTS = 6;
/** How long a panel that is lost is waited for. */
const PATIENCE_MS = 60_000;
/** A panel that answers at once lets nobody else come to word, a signal to stop neither: so often everybody does. */
const READINGS_BETWEEN_TURNS = 16;
/** Twice, for what has arrived meanwhile is looked at in between. */
const everybodysTurn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

export function createArrayReader(options: ArrayReaderOptions): ArrayReader {
  const { panel, recovery, clock, phaseBits, rfChains, users, receiver, pilots, stop } = options;
  /** Never begun anew: where one board of several was lost, the others have seen these in a session that goes on. */
  let newest = FIRST_SETTING_ID - 1;
  let commits = 0;
  const once = async ({ words, enabled, driven }: ArraySetting): Promise<Result<CMatrix>> => {
    newest++;
    commits++;
    const applied = await panel.apply({
      ...{ beamId: newest, phaseBits, words },
      ...(enabled === undefined ? {} : { enabled }),
      ...(driven === undefined ? {} : { digital: { users, weights: columnOf(driven, rfChains, users, receiver) } }),
    });
    if (!applied.ok) return applied;
    if (driven !== undefined) {
      const told = powerOf(await panel.measureSnr(newest, pilots), receiver);
      return told.ok ? { ok: true, value: powerOfChain(told.value, driven.chain, rfChains) } : told;
    }
    const heard = await panel.measurePilots(newest, receiver, pilots);
    return heard.ok ? { ok: true, value: complexOf(heard.value.values) } : heard;
  };
  const regain = async (failure: PanelFailure): Promise<void> => {
    const sinceMs = clock.nowMs();
    while (recovery.lost) {
      requireWanted(stop);
      if (clock.nowMs() - sinceMs > PATIENCE_MS) throw notRead(failure, `it was not back after ${PATIENCE_MS / 1000} s`);
      const outcome = await recovery.recover(stop);
      if (typeof outcome === 'object') throw notRead(failure, outcome.unusable);
    }
  };
  return {
    get commits() {
      return commits;
    },
    async read(setting) {
      if (commits % READINGS_BETWEEN_TURNS === 0) await everybodysTurn();
      for (let attempt = 1; ; attempt++) {
        requireWanted(stop);
        await recovery.arm();
        requireWanted(stop); // whoever stopped it meanwhile has made the array safe
        recovery.lit();
        const heard = await once(setting);
        if (heard.ok) {
          recovery.worked();
          return heard.value;
        }
        requireWanted(stop);
        const hopeless = recovery.failed(heard.failure);
        if (hopeless !== undefined) throw notRead(heard.failure, hopeless.unusable);
        if (attempt === ATTEMPTS || isHopeless(heard.failure)) throw notRead(heard.failure);
        if (recovery.lost) await regain(heard.failure);
      }
    },
  };
}

/** What another attempt would not mend. */
const isHopeless = ({ reason }: PanelFailure): boolean => reason === 'rejected' || reason === 'not-sent';

const notRead = (failure: PanelFailure, more?: string): BeamrigError =>
  new BeamrigError(
    'panel',
    `a reading could not be had: ${panelFailureMessage(failure)}${more === undefined ? '' : `; ${more}`}`,
    {
      wayOut: 'Repair what is named, then measure again and go on with the readings that were kept.',
    },
  );

function powerOfChain(power: number, chain: number, rfChains: number): CMatrix {
  const out = zeros(rfChains, 1);
  out.re[chain] = power;
  return out;
}

/** As the wire has them: re and im in turn. */
export function complexOf(values: Float32Array): CMatrix {
  const out = zeros(values.length / 2, 1);
  for (let m = 0; m < out.rows; m++) {
    out.re[m] = values[2 * m];
    out.im[m] = values[2 * m + 1];
  }
  return out;
}

/**
 * One setting of an array after the other, shown and read: what a receiver hears of every RF chain, by pilots. A setting that was not read because a frame,
 * the panel or the link was lost is shown again; a session that ended is begun anew. What cannot be had so is an error, and the array is safe then.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { UserIndex } from '../../core/signal/indices.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';
import type { Clock } from '../../core/clock/clock.ts';
import { panelFailureMessage } from '../control/watch/failure-messages.ts';
import type { Panel, PanelFailure, Result } from '../panel/panel.ts';

/** What all chains show. */
export interface ArraySetting {
  /** N·M, (n, m) at n·M + m. */
  readonly words: Uint16Array;
  /** N·M of 0/1; absent: every element is on. */
  readonly enabled?: Uint8Array;
}

export interface ArrayReaderOptions {
  readonly panel: Panel;
  readonly clock: Clock;
  readonly phaseBits: number;
  /** Which receiver listens. */
  readonly user: UserIndex;
  /** That a reading is averaged over. */
  readonly pilots: number;
  /** True once nothing more is to be shown. */
  readonly stopped: () => boolean;
}

export interface ArrayReader {
  /**
   * @returns one complex value a chain, M×1: what is heard of it when it carries power 1
   * @throws {BeamrigError} 'stopped', or 'panel' where the array did not answer after all
   */
  read(setting: ArraySetting): Promise<CMatrix>;
  /** Settings shown so far, those that were shown again among them. */
  readonly commits: number;
}

/** How often a setting is shown before it is given up, and the pause before a new handshake, which doubles. */
const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 200;

export function createArrayReader({ panel, clock, phaseBits, user, pilots, stopped }: ArrayReaderOptions): ArrayReader {
  let newest = 0;
  let commits = 0;
  const once = async ({ words, enabled }: ArraySetting): Promise<Result<CMatrix>> => {
    newest++;
    commits++;
    const applied = await panel.apply({ beamId: newest, phaseBits, words, ...(enabled === undefined ? {} : { enabled }) });
    if (!applied.ok) return applied;
    const heard = await panel.measurePilots(newest, user, pilots);
    return heard.ok ? { ok: true, value: complexOf(heard.value.values) } : heard;
  };
  return {
    get commits() {
      return commits;
    },
    async read(setting) {
      for (let attempt = 1, pauseMs = FIRST_PAUSE_MS; ; attempt++, pauseMs *= 2) {
        if (stopped()) throw new BeamrigError('stopped', 'the measurement was stopped');
        const heard = await once(setting);
        if (heard.ok) return heard.value;
        if (attempt === ATTEMPTS || isHopeless(heard.failure)) throw notRead(heard.failure, attempt);
        await clock.sleep(pauseMs);
        if (panel.capabilities === undefined && (await panel.connect()).ok) newest = 0;
      }
    },
  };
}

/** What another attempt would not mend. */
const isHopeless = ({ reason }: PanelFailure): boolean =>
  reason === 'rejected' ||
  reason === 'not-sent' ||
  reason === 'wrong-panel' ||
  reason === 'protocol-version' ||
  reason === 'not-authenticated';

const notRead = (failure: PanelFailure, attempts: number): BeamrigError =>
  new BeamrigError(
    'panel',
    `a reading could not be had in ${attempts === 1 ? 'one attempt' : `${attempts} attempts`}: ${panelFailureMessage(failure)}`,
    {
      wayOut: 'Repair what is named, and go on with --resume: what was read is kept.',
    },
  );

function complexOf(values: Float32Array): CMatrix {
  const out = zeros(values.length / 2, 1);
  for (let m = 0; m < out.rows; m++) {
    out.re[m] = values[2 * m];
    out.im[m] = values[2 * m + 1];
  }
  return out;
}

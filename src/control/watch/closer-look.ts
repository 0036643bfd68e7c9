/**
 * Listening closer. SINRs are few numbers a cycle, and many faults cost nearly the same of them; the pilots of the beam that is on the air are K×M complex
 * ones, and cost a request a user. Some looks in the first minute tell how well the array is known; one more comes when the bank of faults
 * suspects something, and decides what it is, or that it is nothing.
 *
 * The beam stays as it is: a look asks for pilots of the newest beam before the next one is shown, and takes no slot. Where panels report no pilots, or
 * the look fails, faults are named by SINRs alone.
 */
import { userIndex } from '../../../core/signal/indices.ts';
import { zeros, type CMatrix } from '../../../core/signal/complex-matrix.ts';
import type { MeasuredPilots, Result } from '../../panel/panel.ts';
import type { Source } from '../../telemetry/cycle-record.ts';
import type { BetweenCycles, Bench, NextCycle, WorkFailure } from '../between-cycles.ts';
import type { CycleView } from '../controller.ts';
import type { EffectiveChannel } from './effective-channel.ts';
import type { Look } from './look-parts.ts';
import { panelFailureMessage } from './failure-messages.ts';

export type LookWish = 'learn' | 'judge';

/** Looks that learn are so far apart, so that they see beams of users who walk. */
const LEARN_EVERY_MS = 6000;
/** No look at an alarm is sooner after another, nor one at a suspicion. */
const ALARM_EVERY_MS = 500;
const SUSPICION_EVERY_MS = 5000;
/** Pilots beside those of a reading of SINRs. */
const TIMES_AS_MANY = 16;
const MOST_FAILED = 3;

export interface LookPlan {
  /** Is a look due after this cycle, and what for? */
  due(timeMs: number, signs: { isAlarmed: boolean; isSuspicious: boolean }): LookWish | undefined;
}

export function createLookPlan(channel: () => Pick<EffectiveChannel, 'isLearned' | 'wants'> | undefined): LookPlan {
  let learnMs: number | undefined;
  let judgedMs = -Infinity;
  return {
    due(timeMs, { isAlarmed, isSuspicious }) {
      const known = channel();
      if (known === undefined) return undefined;
      learnMs ??= timeMs + LEARN_EVERY_MS;
      if (isAlarmed || isSuspicious) {
        if (!known.isLearned || timeMs < judgedMs + (isAlarmed ? ALARM_EVERY_MS : SUSPICION_EVERY_MS)) return undefined;
        judgedMs = timeMs;
        return 'judge';
      }
      if (known.wants <= 0 || timeMs < learnMs) return undefined;
      learnMs = timeMs + LEARN_EVERY_MS;
      return 'learn';
    },
  };
}

export interface CloserLook extends BetweenCycles {
  /** Before the next cycle, at the beam of this one. */
  wish(why: LookWish, view: CycleView): void;
}

export interface CloserLookOptions {
  /** Of a reading of SINRs. */
  pilots: number;
  /** σ², linear. */
  noise: number;
  /** What was heard, or nothing, where the look was not to be had. */
  onLook: (why: LookWish, look: Look | undefined) => void;
}

interface Wished {
  readonly why: LookWish;
  readonly beamId: number;
  readonly source: Source;
  readonly channel: CMatrix;
  readonly analog: CMatrix;
}

export function createCloserLook({ pilots, noise, onLook }: CloserLookOptions): CloserLook {
  let wished: Wished | undefined;
  let failed = 0;

  const canLook = ({ on }: NextCycle, { source }: Wished): boolean =>
    failed < MOST_FAILED && source === on.source && on.panel.capabilities?.features.includes('pilot-report') === true;

  const giveUp = (): void => {
    const { why } = wished ?? {};
    wished = undefined;
    if (why !== undefined) onLook(why, undefined);
  };

  return {
    name: 'closer-look',
    wish(why, { record, channel, analog }) {
      const { beamId, source } = record;
      wished = beamId === null ? undefined : { why, beamId, source, channel, analog };
    },
    due(next) {
      if (wished === undefined) return false;
      if (canLook(next, wished)) return true;
      giveUp();
      return false;
    },
    async work(bench: Bench): Promise<WorkFailure | undefined> {
      if (wished === undefined) return undefined;
      const { why, beamId, channel, analog } = wished;
      const reports = await Promise.all(
        Array.from({ length: channel.rows }, (_, user) =>
          bench.on.panel.measurePilots(beamId, userIndex(user), TIMES_AS_MANY * pilots),
        ),
      );
      if (bench.signal.aborted || wished === undefined) return undefined;
      const look = lookOf(reports, { channel, analog, noise });
      if (look !== undefined) {
        failed = 0;
        wished = undefined;
        bench.heard();
        onLook(why, look);
        return undefined;
      }
      failed++;
      giveUp();
      return failed < MOST_FAILED ? undefined : noMore(reports);
    },
    interrupted: giveUp,
  };
}

function lookOf(
  reports: readonly Result<MeasuredPilots>[],
  { channel, analog, noise }: Pick<Look, 'channel' | 'analog'> & { noise: number },
): Look | undefined {
  const heard = zeros(channel.rows, analog.cols);
  let pilots = Infinity;
  for (const [user, report] of reports.entries()) {
    if (!report.ok || report.value.values.length !== 2 * analog.cols) return undefined;
    pilots = Math.min(pilots, report.value.pilots);
    for (let m = 0, at = user * analog.cols; m < analog.cols; m++, at++) {
      heard.re[at] = report.value.values[2 * m];
      heard.im[at] = report.value.values[2 * m + 1];
    }
  }
  return { channel, analog, heard, variance: noise / pilots };
}

/** Nobody is told of one that fails: the next cycle meets the same panel, and says what is the matter with it. */
function noMore(reports: readonly Result<MeasuredPilots>[]): WorkFailure {
  const failure = reports.find((report) => !report.ok);
  const why = failure?.ok === false ? panelFailureMessage(failure.failure) : 'the reports are not of the chains of this array';
  return {
    message: `Pilots of the beam that is on the air were not to be had, ${MOST_FAILED} times in a row: ${why}.`,
    cause: 'no look',
    action: 'Faults of the array are named by SINRs alone from now on, which tell fewer of them apart.',
  };
}

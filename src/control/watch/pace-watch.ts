/**
 * A loop that cannot keep its rate says so, and which stage takes the time. Looked at over ten seconds in which all cycles were well, of one model
 * at one Q: one that waits for a lost panel is void, and told as that, and a mean of two models is the pace of neither. Counted in cycles that ended, so a cycle that is late once is not slow.
 */
import { STAGES, type CycleRecord, type Stage } from '../../telemetry/cycle-record.ts';

export interface SlowPace {
  askedPerSecond: number;
  perSecond: number;
  /** Mean of a whole cycle, ms. */
  cycleMs: number;
  /** The stage that takes most of it, and its mean, ms; 'other' is what is between the stages: this machine, busy with other things. */
  stage: Stage | 'other';
  stageMs: number;
}

export interface PaceWatch {
  /** What the last ten seconds came to; undefined while the rate is kept, or not known. */
  readonly slow: SlowPace | undefined;
  /** @returns true when ten seconds are over that were too slow */
  cycle(nowMs: number, record: CycleRecord): boolean;
  /** After a pause. */
  restart(): void;
}

const WINDOW_MS = 10_000;
const FEWEST_CYCLES = 5;
/** Less than this share of the rate is not kept. */
const KEPT = 0.95;

/** Who chooses the words, and of how many bits. */
export const settingOf = ({ modelId, phaseBits }: CycleRecord): string => `${modelId}, ${phaseBits} bits`;

/** @param rateHz 0: as fast as it goes, which is always kept */
export function createPaceWatch(rateHz: number): PaceWatch {
  let sinceMs: number | undefined;
  let cycles = 0;
  let slow: SlowPace | undefined;
  let setting = '';
  const sums = new Map<Stage | 'other' | 'cycle', number>();
  const add = (what: Stage | 'other' | 'cycle', ms: number): void => void sums.set(what, (sums.get(what) ?? 0) + ms);
  const restart = (): void => {
    sinceMs = undefined;
    cycles = 0;
    sums.clear();
  };
  return {
    get slow() {
      return slow;
    },
    restart,
    cycle(nowMs, record) {
      if (rateHz === 0) return false;
      const now = settingOf(record);
      if (now !== setting) {
        restart();
        slow = undefined;
        setting = now;
      }
      if (record.outcome === 'void') {
        restart();
        return false;
      }
      // The first only begins the count.
      if (sinceMs === undefined) {
        sinceMs = nowMs;
        return false;
      }
      cycles++;
      let between = record.cycleMs;
      for (const stage of STAGES) {
        add(stage, record.stageMs[stage]);
        between -= record.stageMs[stage];
      }
      add('other', Math.max(between, 0));
      add('cycle', record.cycleMs);
      const passedMs = nowMs - sinceMs;
      if (passedMs < WINDOW_MS || cycles < FEWEST_CYCLES) return false;
      const perSecond = (1000 * cycles) / passedMs;
      const [stage, sum] = [...sums].filter(([what]) => what !== 'cycle').reduce((most, one) => (one[1] > most[1] ? one : most));
      const cycleMs = (sums.get('cycle') ?? 0) / cycles;
      const isSlow = perSecond < KEPT * rateHz;
      slow = isSlow
        ? { askedPerSecond: rateHz, perSecond, cycleMs, stage: stage === 'cycle' ? 'other' : stage, stageMs: sum / cycles }
        : undefined;
      restart();
      sinceMs = nowMs;
      return isSlow;
    },
  };
}

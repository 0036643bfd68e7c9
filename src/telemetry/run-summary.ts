/** What a run came to, kept up with every cycle in bounded memory: counts, means by user, percentiles of times, changes of source. */
import { STAGES, type CycleRecord, type Source, type Stage } from './cycle-record.ts';

export interface TimePercentiles {
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

export interface RunSummary {
  /** How it ended: 'stopped', 'cycles-done', 'faulted', … */
  ended: string;
  cycles: number;
  ok: number;
  void: number;
  /** Void cycles by what failed, at most 50 kinds. */
  failures: Record<string, number>;
  bySource: Record<Source, number>;
  /** From the first record's time to the last one's. */
  seconds: number;
  cyclesPerSecond: number;
  /** Means over cycles that count, bit/s/Hz; null where there was none. */
  meanSumRate: { predicted: number | null; measured: number | null; zf: number | null };
  /** Means of dB values over cycles, by user. */
  users: { user: number; meanPredictedSnrDb: number | null; meanMeasuredSnrDb: number | null }[];
  /** Stages over cycles that were not void, whole cycles over all. */
  stageMs: Record<Stage | 'cycle', TimePercentiles | null>;
  /** Over all cycles. */
  link: { retries: number; timeouts: number; discarded: number };
  sourceTransitions: SourceTransition[];
  events: Record<'info' | 'warning' | 'error', number>;
  /** Records that the disk did not take. */
  lostLines: number;
}

export interface SourceTransition {
  cycle: number;
  time: string;
  from: Source;
  to: Source;
}

const MOST_KINDS = 50;
const MOST_TRANSITIONS = 1000;

/** Takes every record of a run and says at the end what it came to. */
export class SummaryTally {
  #ok = 0;
  #void = 0;
  #firstNs: bigint | undefined;
  #lastNs = 0n;
  #source: Source | undefined;
  readonly #failures = new Map<string, number>();
  readonly #bySource: Record<Source, number> = { hardware: 0, 'played-panel': 0, simulator: 0 };
  readonly #sumRate = { predicted: new Mean(), measured: new Mean(), zf: new Mean() };
  readonly #users: { predicted: Mean; measured: Mean }[] = [];
  readonly #times = new Map<Stage | 'cycle', Percentiles>(
    [...STAGES, 'cycle' as const].map((stage) => [stage, new Percentiles()]),
  );
  readonly #link = { retries: 0, timeouts: 0, discarded: 0 };
  readonly #transitions: SourceTransition[] = [];
  readonly #events = { info: 0, warning: 0, error: 0 };

  /** @returns the change of source that this record brings, if it does. */
  cycle(record: CycleRecord, timeNs: bigint): SourceTransition | undefined {
    this.#firstNs ??= timeNs;
    this.#lastNs = timeNs;
    this.#bySource[record.source] += 1;
    if (record.outcome === 'ok') this.#ok += 1;
    else {
      this.#void += 1;
      const kind = kindOf(record.failure ?? 'unknown');
      const known = this.#failures.has(kind) || this.#failures.size < MOST_KINDS ? kind : 'others';
      this.#failures.set(known, (this.#failures.get(known) ?? 0) + 1);
    }
    this.#sumRate.predicted.add(record.predictedSumRate);
    if (record.outcome === 'ok') this.#sumRate.measured.add(record.measuredSumRate);
    this.#sumRate.zf.add(record.zfSumRate);
    record.predictedSnrDb.forEach((predicted, user) => {
      const means = (this.#users[user] ??= { predicted: new Mean(), measured: new Mean() });
      means.predicted.add(predicted);
      means.measured.add(record.measuredSnrDb[user] ?? NaN);
    });
    // A void cycle may not have reached every stage, and a zero would pass for speed.
    if (record.outcome === 'ok') for (const stage of STAGES) this.#times.get(stage)?.add(record.stageMs[stage]);
    this.#times.get('cycle')?.add(record.cycleMs);
    this.#link.retries += record.link.retries;
    this.#link.timeouts += record.link.timeouts;
    this.#link.discarded += record.link.discarded;
    return this.#noteSource(record, timeNs);
  }

  event(level: 'info' | 'warning' | 'error'): void {
    this.#events[level] += 1;
  }

  summary(ended: string, lostLines: number): RunSummary {
    const seconds = this.#firstNs === undefined ? 0 : Number(this.#lastNs - this.#firstNs) / 1e9;
    const cycles = this.#ok + this.#void;
    return {
      ended,
      cycles,
      ok: this.#ok,
      void: this.#void,
      failures: Object.fromEntries(this.#failures),
      bySource: this.#bySource,
      seconds,
      cyclesPerSecond: seconds > 0 ? (cycles - 1) / seconds : 0,
      meanSumRate: {
        predicted: this.#sumRate.predicted.value(),
        measured: this.#sumRate.measured.value(),
        zf: this.#sumRate.zf.value(),
      },
      users: this.#users.map(({ predicted, measured }, user) => ({
        user,
        meanPredictedSnrDb: predicted.value(),
        meanMeasuredSnrDb: measured.value(),
      })),
      stageMs: Object.fromEntries([...this.#times].map(([stage, times]) => [stage, times.value()])) as RunSummary['stageMs'],
      link: this.#link,
      sourceTransitions: this.#transitions,
      events: this.#events,
      lostLines,
    };
  }

  #noteSource({ source, cycle }: CycleRecord, timeNs: bigint): SourceTransition | undefined {
    const from = this.#source;
    this.#source = source;
    if (from === undefined || from === source) return undefined;
    const transition = { cycle, time: isoTime(timeNs), from, to: source };
    if (this.#transitions.length < MOST_TRANSITIONS) this.#transitions.push(transition);
    return transition;
  }
}

/** Nanoseconds since 1970 as ISO time with milliseconds, UTC. */
export const isoTime = (timeNs: bigint): string => new Date(Number(timeNs / 1_000_000n)).toISOString();

/** A failure without what differs each time it happens, so that one cause is one line of the summary. */
const kindOf = (failure: string): string =>
  failure
    .replace(/ in \d+ ms/g, '')
    .replace(/\b(beam|detail|boot) \d+/g, '$1 …')
    .replace(/0x[0-9a-f]{8}/g, '…');

class Mean {
  #sum = 0;
  #count = 0;

  add(value: number): void {
    if (!Number.isFinite(value)) return;
    this.#sum += value;
    this.#count += 1;
  }

  value(): number | null {
    return this.#count === 0 ? null : this.#sum / this.#count;
  }
}

/** Percentiles of times from counts in buckets 1 % wide: right to 1 % over any run, in a few kilobytes. */
export class Percentiles {
  readonly #counts = new Map<number, number>();
  #count = 0;
  #max = 0;

  add(ms: number): void {
    if (!Number.isFinite(ms) || ms < 0) return;
    // One bucket below a nanosecond, then 1 % each up to a day: at most about 3,300 buckets.
    const bucket = Math.ceil(Math.log(Math.min(Math.max(ms, 1e-6), 8.64e7)) / STEP);
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
    this.#count += 1;
    this.#max = Math.max(this.#max, ms);
  }

  value(): TimePercentiles | null {
    if (this.#count === 0) return null;
    const buckets = [...this.#counts].sort(([a], [b]) => a - b);
    const at = (share: number): number => {
      let below = 0;
      for (const [bucket, count] of buckets) {
        below += count;
        if (below >= share * this.#count) return Math.min(Math.exp((bucket - 0.5) * STEP), this.#max);
      }
      return this.#max;
    };
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: this.#max };
  }
}

const STEP = Math.log(1.01);

/** What a run came to, kept up with every cycle in bounded memory: counts, means by user, percentiles of times, changes of source. */
import { FIGURES, USER_COLUMNS } from './cycle-columns.ts';
import { STAGES, type ChannelOrigin, type CycleRecord, type DoubtCause, type Source, type Stage } from './cycle-record.ts';

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
  /** From the first record's time to the last one's, steps of the machine's clock between them left out. */
  seconds: number;
  cyclesPerSecond: number;
  /** What the digital weights were best for; null where no cycle was run. */
  objective: string | null;
  /** Over the whole run: null where it has several parts, since a mean over two models, or two values of Q, is that of neither. */
  means: Means['means'];
  users: Means['users'];
  /** For each model, Q, objective, source and origin of channels by itself, in the order in which they came; at most 200. */
  parts: RunPart[];
  /** Cycles that are ok and whose readings cannot be what they say, by why: they count in no mean of what was measured. */
  doubtful: Record<string, number>;
  /** Where channels were sounded: slots that this took, and their share of all slots, those of data among them; else null. */
  sounding: { slots: number; beams: number; share: number } | null;
  /** Stages over cycles that were not void, whole cycles over all. */
  stageMs: Record<Stage | 'cycle', TimePercentiles | null>;
  /** Over all cycles. */
  link: { retries: number; timeouts: number; discarded: number };
  sourceTransitions: SourceTransition[];
  events: Record<'info' | 'warning' | 'error', number>;
  /** Lines of records that the disk did not take, or that are not in the file any more. */
  lostLines: number;
}

/** By the name of the column in records, with its unit: see docs/records.md. Null where no cycle counts. */
type ColumnMeans = Record<string, number | null>;

interface Means {
  /** Of the figures that a run is judged by, over cycles that count. */
  means: ColumnMeans;
  /** Means of dB values over cycles, by user. */
  users: ({ user: number } & ColumnMeans)[];
}

/** All cycles that one model steered with one Q and one objective on one source. */
export interface RunPart extends Means {
  modelId: string;
  phaseBits: number;
  objective: string;
  source: Source;
  channelSource: ChannelOrigin;
  firstCycle: number;
  cycles: number;
  void: number;
}

export interface SourceTransition {
  cycle: number;
  time: string;
  from: Source;
  to: Source;
}

const MOST_KINDS = 50;
const MOST_TRANSITIONS = 1000;
const MOST_PARTS = 200;

/** Takes every record of a run and says at the end what it came to. */
export class SummaryTally {
  #ok = 0;
  #void = 0;
  #firstNs: bigint | undefined;
  #lastNs = 0n;
  #steppedNs = 0n;
  #source: Source | undefined;
  readonly #failures = new Map<string, number>();
  readonly #bySource: Record<Source, number> = { hardware: 0, 'played-panel': 0, simulator: 0 };
  readonly #doubts = new Map<string, number>();
  readonly #parts = new Map<string, PartTally>();
  #sounded = { cycles: 0, slots: 0, beams: 0 };
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
      countUp(this.#failures, kindOf(record.failure ?? 'unknown'));
    }
    // The failures tell of void ones.
    if (record.doubtCause !== undefined && record.outcome === 'ok') countUp(this.#doubts, DOUBTS[record.doubtCause]);
    this.#partOf(record)?.cycle(record);
    if (record.channelSource === 'sounding') this.#sounded.cycles += 1;
    this.#sounded.slots += record.sounding?.slots ?? 0;
    this.#sounded.beams += record.sounding?.beams ?? 0;
    // A void cycle may not have reached every stage, and a zero would pass for speed.
    if (record.outcome === 'ok') for (const stage of STAGES) this.#times.get(stage)?.add(record.stageMs[stage]);
    this.#times.get('cycle')?.add(record.cycleMs);
    this.#link.retries += record.link.retries;
    this.#link.timeouts += record.link.timeouts;
    this.#link.discarded += record.link.discarded;
    return this.#noteSource(record, timeNs);
  }

  /** Time of records moved by so much at once. */
  stepped(movedNs: bigint): void {
    if (this.#firstNs !== undefined) this.#steppedNs += movedNs;
  }

  event(level: 'info' | 'warning' | 'error'): void {
    this.#events[level] += 1;
  }

  summary(ended: string, lostLines: number): RunSummary {
    const seconds = this.#firstNs === undefined ? 0 : Number(this.#lastNs - this.#firstNs - this.#steppedNs) / 1e9;
    const cycles = this.#ok + this.#void;
    const parts = [...this.#parts.values()].map((part) => part.value());
    const whole = parts.length === 1 ? parts[0] : undefined;
    const objectives = [...new Set(parts.map(({ objective }) => objective))];
    return {
      ended,
      cycles,
      ok: this.#ok,
      void: this.#void,
      failures: Object.fromEntries(this.#failures),
      bySource: this.#bySource,
      seconds,
      cyclesPerSecond: seconds > 0 ? (cycles - 1) / seconds : 0,
      objective: objectives.length === 0 ? null : objectives.join(', '),
      means: whole?.means ?? unknown(FIGURES),
      users: whole?.users ?? parts[0]?.users.map(({ user }) => ({ user, ...unknown(USER_COLUMNS) })) ?? [],
      parts,
      doubtful: Object.fromEntries(this.#doubts),
      sounding: this.#overhead(),
      stageMs: Object.fromEntries([...this.#times].map(([stage, times]) => [stage, times.value()])) as RunSummary['stageMs'],
      link: this.#link,
      sourceTransitions: this.#transitions,
      events: this.#events,
      lostLines,
    };
  }

  #overhead(): RunSummary['sounding'] {
    const { cycles, slots, beams } = this.#sounded;
    return cycles === 0 ? null : { slots, beams, share: slots / (slots + cycles) };
  }

  /** Undefined where there are too many, which no person reads. */
  #partOf(record: CycleRecord): PartTally | undefined {
    const { modelId, phaseBits, objective, source, channelSource } = record;
    const key = `${modelId}\n${phaseBits}\n${objective}\n${source}\n${channelSource}`;
    const known = this.#parts.get(key);
    if (known !== undefined || this.#parts.size >= MOST_PARTS) return known;
    const part = new PartTally(record);
    this.#parts.set(key, part);
    return part;
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

const DOUBTS: Record<DoubtCause, string> = {
  'out-of-reason': 'outside reason',
  'few-pilots': 'too few pilots',
  incomplete: 'incomplete',
};

function countUp(counts: Map<string, number>, kind: string): void {
  const known = counts.has(kind) || counts.size < MOST_KINDS ? kind : 'others';
  counts.set(known, (counts.get(known) ?? 0) + 1);
}

const unknown = (columns: readonly { name: string }[]): ColumnMeans =>
  Object.fromEntries(columns.map(({ name }) => [name, null]));

class PartTally {
  readonly #first: CycleRecord;
  #cycles = 0;
  #void = 0;
  readonly #figures = FIGURES.map((column) => ({ column, mean: new Mean() }));
  readonly #users: { column: (typeof USER_COLUMNS)[number]; mean: Mean }[][] = [];

  constructor(first: CycleRecord) {
    this.#first = first;
  }

  cycle(record: CycleRecord): void {
    this.#cycles++;
    if (record.outcome === 'void') this.#void++;
    const believed = record.outcome === 'ok' && record.doubt === undefined;
    for (const { column, mean } of this.#figures) if (believed || column.page === 'every') mean.add(Number(column.of(record)));
    for (let user = 0; user < record.predictedSnrDb.length; user++) {
      const means = (this.#users[user] ??= USER_COLUMNS.map((column) => ({ column, mean: new Mean() })));
      for (const { column, mean } of means) if (believed || column.page === 'every') mean.add(column.of(record, user) ?? NaN);
    }
  }

  value(): RunPart {
    const { modelId, phaseBits, objective, source, channelSource, cycle } = this.#first;
    return {
      modelId,
      phaseBits,
      objective,
      source,
      channelSource,
      firstCycle: cycle,
      cycles: this.#cycles,
      void: this.#void,
      means: meansOf(this.#figures),
      users: this.#users.map((means, user) => ({ user, ...meansOf(means) })),
    };
  }
}

const meansOf = (tallies: readonly { column: { name: string }; mean: Mean }[]): ColumnMeans =>
  Object.fromEntries(tallies.map(({ column, mean }) => [column.name, mean.value()]));

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

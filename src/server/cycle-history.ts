/**
 * The last cycles and events, kept for pages that connect now or were away: rings of fixed size, written once a cycle without allocating,
 * read by each page from its own place. A page that was away too long starts at the oldest row that is left.
 */
import { PAGE_COLUMNS, USER_COLUMNS, pageColumns, type PageColumn } from '../telemetry/cycle-columns.ts';
import type { CycleRecord, RigEvent } from '../telemetry/cycle-record.ts';
import type { CycleBatch, CycleTotals, LatestCycle, PageEvent } from './socket-contract.ts';

const EVENTS_KEPT = 200;

export class CycleHistory {
  readonly totals: CycleTotals = { cycles: 0, voidCycles: 0, retries: 0, timeouts: 0, discarded: 0 };
  #latest: { record: CycleRecord; endedMs: number } | undefined;
  #okEndedMs: number | null = null;
  #voidSinceMs: number | null = null;
  readonly #users: number;
  readonly #rows: number;
  readonly #columns: number;
  /** Of the columns of a row after the first, which is when its cycle ended. */
  readonly columns: readonly PageColumn[];
  readonly #endedMs: Float64Array;
  readonly #values: Float32Array;
  readonly #events: PageEvent[] = [];
  #eventCount = 0;

  /** @param rows cycles kept */
  constructor(users: number, rows: number) {
    this.#users = users;
    this.#rows = rows;
    this.columns = pageColumns(users);
    this.#columns = 1 + this.columns.length; // the first is the offset of its time
    this.#endedMs = new Float64Array(rows);
    this.#values = new Float32Array(rows * this.#columns);
  }

  /** Cycles written so far: the place a reader has reached when it has read them all. */
  get written(): number {
    return this.totals.cycles;
  }

  get rowBytes(): number {
    return this.#columns * Float32Array.BYTES_PER_ELEMENT;
  }

  get eventsWritten(): number {
    return this.#eventCount;
  }

  /** @param endedMs when the cycle ended, ms since 1970 */
  addCycle(record: CycleRecord, endedMs: number): void {
    const row = this.totals.cycles % this.#rows;
    this.#endedMs[row] = endedMs;
    const values = this.#values;
    let at = row * this.#columns + 1; // column 0, the offset, is only known when a batch is cut
    const valid = record.outcome === 'ok';
    for (let user = 0; user < this.#users; user++) {
      for (const { of, page } of USER_COLUMNS) values[at++] = valid || page === 'every' ? (of(record, user) ?? NaN) : NaN;
    }
    for (const { of, page } of PAGE_COLUMNS) values[at++] = valid || page === 'every' ? Number(of(record)) : NaN;
    this.totals.cycles++;
    if (valid) {
      this.#okEndedMs = endedMs;
      this.#voidSinceMs = null;
    } else {
      this.totals.voidCycles++;
      this.#voidSinceMs ??= endedMs - record.cycleMs;
    }
    this.totals.retries += record.link.retries;
    this.totals.timeouts += record.link.timeouts;
    this.totals.discarded += record.link.discarded;
    this.#latest = { record, endedMs };
  }

  addEvent(event: RigEvent): void {
    const { level, code, message, action } = event;
    this.#events.push({
      id: this.#eventCount++,
      timeMs: Number(event.timeNs / 1_000_000n),
      level,
      code,
      message,
      action: action ?? null,
    });
    if (this.#events.length > EVENTS_KEPT) this.#events.shift();
  }

  /** The newest record, which a void cycle without a beam has too. */
  get latestRecord(): CycleRecord | undefined {
    return this.#latest?.record;
  }

  latest(): LatestCycle | null {
    if (!this.#latest) return null;
    const { record, endedMs } = this.#latest;
    const { cycle, source, modelId, phaseBits, beamId, outcome } = record;
    const failure = record.failure ?? null;
    const [okEndedMs, voidSinceMs, { roundTripMs }] = [this.#okEndedMs, this.#voidSinceMs, record.link];
    const soundedSlotsAgo = record.sounding?.ageSlots ?? null;
    return {
      ...{ cycle, endedMs, source, modelId, phaseBits, beamId, outcome, failure, okEndedMs, voidSinceMs, roundTripMs },
      soundedSlotsAgo,
    };
  }

  /**
   * Rows from place `from` on, at most `limit`.
   * @returns the batch (null when there is nothing new) and the place to go on from
   */
  cyclesSince(from: number, limit: number): { batch: CycleBatch<Float32Array> | null; next: number } {
    const first = Math.max(from, this.written - this.#rows);
    const count = Math.min(limit, this.written - first);
    if (count <= 0) return { batch: null, next: this.written };
    const columns = this.#columns;
    const startMs = this.#endedMs[first % this.#rows];
    const values = new Float32Array(count * columns);
    for (let i = 0; i < count; i++) {
      const row = (first + i) % this.#rows;
      values.set(this.#values.subarray(row * columns, (row + 1) * columns), i * columns);
      values[i * columns] = this.#endedMs[row] - startMs;
    }
    return { batch: { startMs, count, columns, values }, next: first + count };
  }

  eventsSince(from: number): PageEvent[] {
    return this.#events.filter((event) => event.id >= from);
  }
}

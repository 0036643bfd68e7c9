/**
 * Virtual time: stands still while anybody has something to do, then jumps to the next timer. "Nothing to do" means that the event loop
 * has gone round without a microtask or an immediate left over, and that no work is held by `during`. Timers of the same instant fire in
 * the order in which they were set, each with its consequences before the next, so one seed gives one history.
 *
 * Work that waits for another thread or for the disk is invisible from here: hand its promise to `during`.
 */
import { BeamrigError } from '../errors/beamrig-error.ts';
import type { Clock } from './clock.ts';
import { sleepOn } from './sleep.ts';

/** Where every virtual clock starts: 2026-01-01T00:00:00Z, ns since 1970. */
export const VIRTUAL_EPOCH_NS = 1_767_225_600_000_000_000n;

export interface VirtualClock extends Clock {
  /** Resolves when virtual time has reached `ms` since the clock's start, after everything due earlier. */
  advanceTo(ms: number): Promise<void>;
  /** Resolves when no timer is set and nothing is held: the story is over. Never resolves while something keeps setting timers. */
  runUntilIdle(): Promise<void>;
  /** Timers set and neither fired nor cancelled. */
  pendingTimers(): number;
}

interface Timer {
  dueMs: number;
  /** Order of setting: breaks ties. */
  order: number;
  /** Undefined once fired or cancelled. */
  call: (() => void) | undefined;
}

/** A clock that starts at 0 ms and VIRTUAL_EPOCH_NS and advances by itself whenever the event loop is idle. */
export function createVirtualClock(): VirtualClock {
  const heap = new TimerHeap();
  let nowMs = 0;
  let order = 0;
  let held = 0;
  let turnPending = false;
  let idleWaiters: (() => void)[] = [];

  const wake = (): void => {
    if (turnPending || held > 0 || (heap.live === 0 && idleWaiters.length === 0)) return;
    turnPending = true;
    // Two rounds: an immediate set by a promise of this round is queued behind the first one and runs before the second.
    setImmediate(() => setImmediate(turn));
  };

  const turn = (): void => {
    turnPending = false;
    if (held > 0) return;
    const timer = heap.pop();
    if (timer === undefined) {
      const waiters = idleWaiters;
      idleWaiters = [];
      for (const resolve of waiters) resolve();
      return;
    }
    nowMs = Math.max(nowMs, timer.dueMs);
    const call = timer.call;
    timer.call = undefined;
    try {
      call?.();
    } finally {
      wake();
    }
  };

  const after = (ms: number, call: () => void): (() => void) => {
    if (Number.isNaN(ms)) throw new BeamrigError('argument', 'A wait of NaN ms was asked for; it must be a number.');
    if (ms === Infinity) return () => undefined;
    const timer: Timer = { dueMs: nowMs + Math.max(ms, 0), order: order++, call };
    heap.push(timer);
    wake();
    return () => heap.cancel(timer);
  };

  const release = (): void => {
    held--;
    wake();
  };

  return {
    nowMs: () => nowMs,
    epochNs: () => VIRTUAL_EPOCH_NS + BigInt(Math.round(nowMs * 1e6)),
    after,
    sleep: (ms, signal) => sleepOn(after, ms, signal),
    during: (work) => {
      held++;
      work.then(release, release);
      return work;
    },
    advanceTo: (ms) => sleepOn(after, ms - nowMs),
    runUntilIdle: () =>
      new Promise((resolve) => {
        idleWaiters.push(resolve);
        wake();
      }),
    pendingTimers: () => heap.live,
  };
}

const before = (a: Timer, b: Timer): boolean => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);

/** Binary heap; cancelled timers stay until they surface, or until they outnumber the living. */
class TimerHeap {
  live = 0;
  #timers: Timer[] = [];

  push(timer: Timer): void {
    this.live++;
    this.#timers.push(timer);
    this.#rise(this.#timers.length - 1);
  }

  /** The earliest living timer, taken out. */
  pop(): Timer | undefined {
    while (this.#timers.length > 0) {
      const first = this.#timers[0];
      const last = this.#timers.pop() as Timer;
      if (this.#timers.length > 0) {
        this.#timers[0] = last;
        this.#sink(0);
      }
      if (first.call === undefined) continue;
      this.live--;
      return first;
    }
    return undefined;
  }

  cancel(timer: Timer): void {
    if (timer.call === undefined) return;
    timer.call = undefined;
    this.live--;
    if (this.#timers.length > 64 && this.#timers.length > 2 * this.live) {
      this.#timers = this.#timers.filter((kept) => kept.call !== undefined).sort((a, b) => (before(a, b) ? -1 : 1));
    }
  }

  #rise(index: number): void {
    const timer = this.#timers[index];
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(timer, this.#timers[parent])) break;
      this.#timers[index] = this.#timers[parent];
      index = parent;
    }
    this.#timers[index] = timer;
  }

  #sink(index: number): void {
    const timer = this.#timers[index];
    for (;;) {
      let child = 2 * index + 1;
      if (child >= this.#timers.length) break;
      if (child + 1 < this.#timers.length && before(this.#timers[child + 1], this.#timers[child])) child++;
      if (!before(this.#timers[child], timer)) break;
      this.#timers[index] = this.#timers[child];
      index = child;
    }
    this.#timers[index] = timer;
  }
}

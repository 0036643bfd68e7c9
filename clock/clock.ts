/**
 * Time is handed in, never taken: the demo runs on the machine's clock, tests and regressions on virtual time, where the same seed gives
 * the same bytes faster than real time.
 */
export interface Clock {
  /** Monotonic time, ms, with fractions. */
  nowMs(): number;
  /** Wall-clock time of the same instant, ns since 1970 (virtual clocks start at a fixed epoch). */
  epochNs(): bigint;
  /** Resolves after `ms`; rejects with BeamrigError 'stopped' at once when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once after `ms`; the returned function cancels. Cheaper than sleep for deadlines that rarely fire. */
  after(ms: number, call: () => void): () => void;
  /**
   * Work that takes real time and none of this clock's (a model in a process of its own, a disk write): a virtual clock stands still until the
   * promise settles, so that no deadline fires because a thread was slow. A real clock just returns the promise.
   */
  during<T>(work: Promise<T>): Promise<T>;
}

/**
 * Time is handed in, never taken: the demo runs on the machine's clock, tests and regressions on virtual time, where the same seed gives
 * the same bytes faster than real time.
 */
export interface Clock {
  /** Monotonic time, ms, with fractions. */
  nowMs(): number;
  /**
   * Wall-clock time of the same instant, ns since 1970 (virtual clocks start at a fixed epoch). Never goes back, whatever the machine's
   * clock is set to.
   */
  epochNs(): bigint;
  /** Tells when the machine's clock was set, or the machine slept; the returned function ends that. Virtual clocks are never set. */
  onWallStep?(listener: (step: WallStep) => void): () => void;
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

/** The machine's clock went on by another amount than time did. */
export interface WallStep {
  /** suspended: the machine slept. set: somebody or something set its clock. */
  cause: 'set' | 'suspended';
  /** How far the clock moved: forward > 0, back < 0. */
  changeMs: number;
  /** How far `epochNs` moved with it: it follows forward and does not go back. */
  movedNs: bigint;
  /** How far `epochNs` is ahead of the machine's clock from now on. */
  aheadMs: number;
}

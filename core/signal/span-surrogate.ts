/**
 * What an objective tells the array quantiser: how good an array is *with D solved again*, as fast as a sweep over all states of all places
 * asks for it. It sees the array through array-span.ts alone, G = C·P·Cᴴ for rows C that it names.
 *
 *   settle ─► for each chain: liftChain ─► for each place: liftPlace ─► value(s) of each state ─► move(s) of one ─► settle …
 *
 * Between two `settle`s a surrogate may hold on to what D is made of (powers, directions), as long as `value` is what some D attains or nearly so.
 * An objective that has one offers it as `surrogate`; a file of its own in objectives/ is the place for it.
 */
import type { LiftedChain, LiftedPlace } from './array-span.ts';
import type { CMatrix } from './complex-matrix.ts';

export interface SpanSurrogate {
  /** C, p×N */
  readonly rows: CMatrix;
  /**
   * Solves D, or what stands for it, anew.
   * @param seen C·U, p×m, with U (N×m) an orthonormal basis of the span of A: G is this by its conjugate transpose
   * @returns what the objective is worth there, in its own unit
   */
  settle(seen: CMatrix): number;
  /** The chain whose places are tried next. */
  liftChain(chain: LiftedChain): void;
  /** The place whose states are tried next. */
  liftPlace(place: LiftedPlace): void;
  /** What the place is worth in this state; only compared with other states of the same place. Larger is better. */
  value(re: number, im: number): number;
  /** The place shows this state from here on. */
  move(re: number, im: number): void;
}

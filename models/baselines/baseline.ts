/** What a baseline is: a file of its own that exports one of these, and a line in baselines.ts. The recipe is in docs/recipes.md. */
import type { HybridPrecoder, Problem } from '../../core/signal/beam-contract.ts';

export interface Dimensions {
  elements: number;
  rfChains: number;
  users: number;
  connection?: 'full' | 'sub';
}

export interface Baseline {
  /** One line for lists and the page: what it does. */
  title: string;
  /** Whose it is, for tables: authors, where and when, and the part that is meant. */
  source: string;
  /**
   * A and D, ‖A·D‖²_F = P; the same phases in every unit of the channel. What it returns may be written over by the next call.
   * @param problem `requireProblem` has looked at it
   */
  run: (problem: Problem) => HybridPrecoder;
  /** Why it is not for arrays like this, in words; absent: it is for all. */
  misfit?: (dimensions: Dimensions) => string | undefined;
}

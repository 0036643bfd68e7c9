/** The layers of an unfolded ascent: one step function, scanned over the learned steps, with a guard and the choice of the answer. */
import type { Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import { scan } from '../graph/scan.ts';

/** Step sizes: μ [I, J, B|1] of the analog steps and λ [I, B|1] of the digital ones. */
export interface AscentSteps {
  mu: Tensor;
  lambda: Tensor;
}

/** The same as layers read them: μ [I, J, B|1, 1, 1], λ [I, B|1, 1, 1]. */
export const stepsByLayer = ({ mu, lambda }: AscentSteps): AscentSteps => ({
  mu: ops.unsqueeze(mu, [3, 4]),
  lambda: ops.unsqueeze(lambda, [2, 3]),
});

export interface ClimbOptions {
  /**
   * Past the papers: whether a layer may stand, channel by channel, from what it made of the value and what that was before. One that may not
   * is skipped for that channel, and its steps are shorter from then on: so steps that overshoot on one channel in fifty cost a layer and not
   * the beam. Absent: every layer stands.
   */
  stands?: (now: Tensor, before: Tensor) => Tensor;
  /** The 'last' beam, as in the papers, or the 'best' of start and layers: never below the start. */
  answer: 'last' | 'best';
}

/** What becomes of a channel's steps when a layer was skipped. */
const DAMPING = 0.25;

/**
 * @param start a beam and whatever is known of it, each [B, …]; its value, [B], comes last
 * @param steps from `stepsByLayer`
 * @param layer one layer: the next beam, as the start is. Steps are to be multiplied by `length`, [B]
 * @returns the answer, as the start is, and the values of start and layers, [I + 1, B]
 */
export function climb(
  start: readonly Tensor[],
  steps: AscentSteps,
  { stands, answer }: ClimbOptions,
  layer: (beam: Tensor[], steps: AscentSteps, length: Tensor) => Tensor[],
): { answer: Tensor[]; values: Tensor } {
  const size = start.length;
  const startValue = start[size - 1];
  const one = ops.expandLike(startValue.graph.constant(1), startValue);
  const state = [...start, ...(stands === undefined ? [] : [one]), ...(answer === 'best' ? start : [])];
  const layers = scan(state, [steps.mu, steps.lambda], (carried, [mu, lambda]) => {
    const [beam, others] = [carried.slice(0, size), carried.slice(size)];
    const length = stands === undefined ? one : others[0];
    let now = layer(beam, { mu, lambda }, length);
    const carries: Tensor[] = [];
    if (stands !== undefined) {
      const holds = stands(now[size - 1], beam[size - 1]);
      now = choose(holds, now, beam);
      carries.push(ops.select(holds, length, ops.multiply(length, length.graph.constant(DAMPING))));
    }
    if (answer === 'best') {
      const best = others.slice(carries.length);
      carries.push(...choose(ops.greaterOrEqual(now[size - 1], best[size - 1]), now, best));
    }
    return { carries: [...now, ...carries], outputs: [now[size - 1]] };
  });
  return {
    answer: answer === 'best' ? layers.carries.slice(-size) : layers.carries.slice(0, size),
    values: ops.concat([ops.unsqueeze(startValue, [0]), layers.outputs[0]], 0),
  };
}

/** Channel by channel: `yes` where the condition [B] holds, else `no`. Matrices first, numbers last. */
function choose(condition: Tensor, yes: readonly Tensor[], no: readonly Tensor[]): Tensor[] {
  const perEntry = ops.unsqueeze(condition, [1, 2]);
  return yes.map((tensor, i) => ops.select(tensor.shape.length === 1 ? condition : perEntry, tensor, no[i]));
}

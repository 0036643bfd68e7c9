/**
 * Slopes of a loss that jumps, as where phases are rounded and calculus finds none. Each channel has all numbers moved along a random direction
 * and against it, and what that makes of its loss is its word on the slope; the mean of a batch is that of a loss made smooth by such moves.
 *
 *   ∂loss∕∂numbers ≈ mean over channels of (loss(numbers + δ·u) − loss(numbers − δ·u))∕2δ · u,  u normal
 *
 * Source: Nesterov and Spokoiny, Random gradient-free minimization of convex functions, Found. Comput. Math. 17, 2017.
 */
import type { Random } from '../../core/signal/random.ts';
import type { LearnedParameter } from '../family.ts';

/** δ, in the parameters' units. */
const MOVE = 0.025;

/** What every channel is computed with: `+` and `−` in turn, two for each. */
export interface MovedNumbers {
  /** By parameter, one after the other: [2·B, …shape]. */
  readonly moved: readonly Float32Array[];
  /** @param losses [2·B] @returns by parameter */
  readonly slopes: (losses: ArrayLike<number>) => Float64Array[];
}

/** @param count B, channels of the batch */
export function moveNumbers(
  parameters: readonly LearnedParameter[],
  learned: readonly Float64Array[],
  count: number,
  random: Random,
): MovedNumbers {
  const directions = learned.map(({ length }) => Float64Array.from({ length: count * length }, () => random.normal()));
  const moved = learned.map((values, p) => {
    const { length } = values;
    const by = MOVE * unitOf(parameters[p]);
    return Float32Array.from({ length: 2 * count * length }, (_, at) => {
      const [run, i] = [Math.floor(at / length), at % length];
      const towards = run % 2 === 0 ? by : -by;
      return values[i] + towards * directions[p][Math.floor(run / 2) * length + i];
    });
  });
  return {
    moved,
    slopes: (losses) =>
      learned.map(({ length }, p) => {
        const slope = new Float64Array(length);
        for (let b = 0; b < count; b++) {
          const rise = (losses[2 * b] - losses[2 * b + 1]) / (2 * MOVE * unitOf(parameters[p]) * count);
          for (let i = 0; i < length; i++) slope[i] += rise * directions[p][b * length + i];
        }
        return slope;
      }),
  };
}

export const unitOf = ({ unit = 1 }: LearnedParameter): number => unit;

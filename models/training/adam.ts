/** Adam (Kingma and Ba, 2015) on a list of arrays. */

export interface AdamState {
  /** Steps taken so far. */
  step: number;
  /** Running mean of the gradient and of its square, in the order of the parameters. */
  mean: Float64Array[];
  square: Float64Array[];
}

const MEAN_DECAY = 0.9;
const SQUARE_DECAY = 0.999;
const TINY = 1e-8;

export function startAdam(parameters: readonly Float64Array[]): AdamState {
  const zeros = () => parameters.map((values) => new Float64Array(values.length));
  return { step: 0, mean: zeros(), square: zeros() };
}

/** One step downhill, in place, of so many `units` of each parameter. A gradient that is not finite leaves everything as it was. */
export function adamStep(
  parameters: readonly Float64Array[],
  gradients: readonly ArrayLike<number>[],
  state: AdamState,
  learningRate: number,
  units?: readonly number[],
): void {
  for (const gradient of gradients) for (let i = 0; i < gradient.length; i++) if (!Number.isFinite(gradient[i])) return;
  state.step += 1;
  const meanBias = 1 - MEAN_DECAY ** state.step;
  const squareBias = 1 - SQUARE_DECAY ** state.step;
  parameters.forEach((values, p) => {
    const mean = state.mean[p];
    const square = state.square[p];
    const rate = learningRate * (units?.[p] ?? 1);
    for (let i = 0; i < values.length; i++) {
      const gradient = gradients[p][i];
      mean[i] = MEAN_DECAY * mean[i] + (1 - MEAN_DECAY) * gradient;
      square[i] = SQUARE_DECAY * square[i] + (1 - SQUARE_DECAY) * gradient * gradient;
      values[i] -= (rate * (mean[i] / meanBias)) / (Math.sqrt(square[i] / squareBias) + TINY);
    }
  });
}

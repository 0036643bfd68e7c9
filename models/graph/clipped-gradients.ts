/**
 * Gradients of learned numbers with each channel's share clipped by itself. A trajectory that has turned chaotic has gradients of 1e5 and
 * more; clipped with the rest of its batch it would drown them.
 */
import { backpropagate, gradients } from './gradients.ts';
import type { Tensor } from './graph.ts';
import * as ops from './ops.ts';

/** Something that the learned numbers make for every channel of its own, so that each channel has a gradient of its own. */
export interface ChannelShare {
  /** [..., B] */
  of: Tensor;
  /** What a change of it is measured in: itself where relative changes count. Absent: 1. */
  unit?: Tensor;
}

/**
 * ∂loss∕∂parameters, where no channel says more than `clipNorm` through its shares.
 * @param loss the mean over the batch
 * @param shares all ways from the parameters to the loss
 */
export function clippedGradients(
  loss: Tensor,
  shares: readonly ChannelShare[],
  parameters: readonly Tensor[],
  clipNorm: number,
): Tensor[] {
  const { graph } = loss;
  const found = gradients(
    loss,
    shares.map(({ of }) => of),
  );
  const energy = shares
    .map(({ unit }, i) => energyByChannel(unit === undefined ? found[i] : ops.multiply(unit, found[i])))
    .reduce((sum, next) => ops.add(sum, next)); // [1, B]
  // The loss is a mean, so a channel's own gradient is the batch's size times its share.
  const count = ops.reduceSum(ops.expandLike(graph.constant(1), energy), [1]);
  const limit = ops.divide(graph.constant(clipNorm), count);
  const factor = ops.minimum(ops.divide(limit, ops.sqrt(ops.maximum(energy, graph.constant(1e-30)))), graph.constant(1));
  // An overflow compares as false, and that channel then says nothing.
  const clip = (gradient: Tensor) =>
    ops.select(ops.greaterOrEqual(graph.constant(1e30), energy), ops.multiply(gradient, factor), graph.constant(0));
  const clipped = backpropagate(new Map(shares.map(({ of }, i) => [of, clip(found[i])])), parameters);
  return parameters.map((parameter) => clipped.get(parameter) ?? ops.zerosLike(parameter));
}

/** Squares summed over all axes but the last: [1, B]. */
function energyByChannel(gradient: Tensor): Tensor {
  const leading = gradient.shape.slice(0, -1).map((_, axis) => axis);
  const summed = ops.reduceSumSquare(gradient, leading);
  return leading.length > 1
    ? ops.squeeze(
        summed,
        leading.slice(1).map((_, i) => i),
      )
    : summed;
}

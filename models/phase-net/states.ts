/** Phases of Q bits in the graph: exp(jw·2π∕2^Q) with w = 0 … 2^Q − 1. */
import type { Complex } from '../graph/complex.ts';
import { fromParts, imaginary, real } from '../graph/complex.ts';
import type { Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';

/**
 * The nearest state to every entry, as the quantiser `nearest` takes it; of 0 it is word 0. Without angles: the first quadrant has 2^(Q − 2) + 1
 * states, in which an entry is as far as it has passed the middles between them, and the other quadrants are its mirror images. No gradient goes
 * back through it.
 * @param bits Q, a graph of some 6·2^(Q − 2) ops: meant for the few bits at which it counts
 */
export function nearestStates(a: Complex, bits: number): Complex {
  const { graph } = a.parts;
  const [re, im] = [real(a), imaginary(a)];
  const zero = graph.constant(0);
  const signed = (part: Tensor, size: Tensor): Tensor => ops.select(ops.greaterOrEqual(part, zero), size, ops.negate(size));
  if (bits === 1) return fromParts(signed(re, graph.constant(1)), ops.zerosLike(im));
  const step = (2 * Math.PI) / 2 ** bits;
  const [across, up] = [ops.abs(re), ops.abs(im)];
  let [cos, sin] = [graph.constant(1), zero];
  for (let word = 1; word <= 2 ** (bits - 2); word++) {
    const middle = step * (word - 0.5);
    const isBefore = ops.greaterOrEqual(
      ops.multiply(across, graph.constant(Math.sin(middle))),
      ops.multiply(up, graph.constant(Math.cos(middle))),
    );
    cos = ops.select(isBefore, cos, graph.constant(Math.cos(step * word)));
    sin = ops.select(isBefore, sin, graph.constant(Math.sin(step * word)));
  }
  return fromParts(signed(re, cos), signed(im, sin));
}

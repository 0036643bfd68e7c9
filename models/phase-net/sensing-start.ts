/** Where the sensing form of phase-net begins: a precoder in closed form between the users' and sensing's, and phases next to a precoder. */
import type { Complex } from '../graph/complex.ts';
import {
  complex,
  energy,
  entries,
  fromParts,
  hermitian,
  hermitianProduct,
  imaginary,
  modulusSquared,
  polarFactor,
  product,
  real,
  rightFactor,
  scale,
  turnByJ,
  withPhase,
} from '../graph/complex.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import type { NetworkDimensions } from '../network-ends.ts';
import type { SensingAim } from './sensing-digital.ts';
import { eye } from './sensing-digital.ts';

/**
 * (1 − share)·X₀ + share·B·U in terms of [Hᴴ∕√N, B]: X₀ regularised zero-forcing at unit power, U with orthonormal columns such that B·U, which
 * has no τ if B has K columns, is nearest to it.
 * @param all [H; Bᴴ]
 * @param share [B, 1, 1]
 */
export function startPrecoder(all: Complex, across: Complex, factor: Complex, aim: SensingAim, share: Tensor): Complex {
  const { graph } = share;
  const { users } = aim;
  const elements = all.cols;
  const channel = complex(ops.slice(all.parts, 1, 0, users));
  const back = fromParts(ops.slice(real(across), 2, 0, users), ops.slice(imaginary(across), 2, 0, users)); // Hᴴ
  // A millionth of a user's own energy keeps the inverse finite where users are in one place and there is no noise.
  const load = ops.multiply(
    ops.add(ops.multiply(aim.noise, graph.constant(users)), graph.constant(1e-6 * elements)),
    eye(graph, 2 * users),
  );
  const inverse = ops.solvePositiveDefinite(ops.add(rightFactor(product(channel, back)), load), eye(graph, 2 * users));
  const mixture = complex(ops.slice(inverse, 1, 0, users)); // (HHᴴ + K·ν·I)⁻¹
  const forUsers = product(back, mixture);
  const perLength = ops.divide(graph.constant(1), ops.sqrt(ops.maximum(energy(forUsers), graph.constant(1e-30))));
  const turned = directionsOf(scale(hermitianProduct(factor, forUsers), perLength)); // U
  const ofUsers = ops.multiply(
    ops.multiply(perLength, ops.subtract(graph.constant(1), share)),
    graph.constant(Math.sqrt(elements)),
  );
  return complex(ops.concat([scale(mixture, ofUsers).parts, scale(turned, share).parts], 1));
}

/** The polar factor; a hundredth of the identity is added first, so that what is zero has a direction, too. */
function directionsOf(a: Complex): Complex {
  const { graph } = a.parts;
  const little = entries(a.rows, 2 * a.cols, (row, col) => (row === col ? 0.01 : 0));
  const some = complex(ops.add(a.parts, graph.constant(little, [a.rows, 2 * a.cols])));
  return a.rows >= a.cols ? polarFactor(some, POLAR_STEPS) : hermitian(polarFactor(hermitian(some), POLAR_STEPS));
}
const POLAR_STEPS = 6;

/**
 * exp(j∠X), N×M. Where there are more chains than users some have two, whose phases are ∠X ± arccos(|X|∕max|X|): with equal weights they add up to X,
 * so that M ≥ 2K chains show every digital precoder. Chains beyond 2K have phases of their own.
 * @param target X, N×K
 */
export function startPhases(
  target: Complex,
  mask: Tensor | undefined,
  { elements, rfChains, users }: NetworkDimensions,
): Complex {
  const { graph } = target.parts;
  const shown = withPhase(target);
  const modulus = ops.sqrt(modulusSquared(shown));
  const phases = ops.divide(shown.parts, modulus);
  if (rfChains === users) return complex(phasesOf(phases, mask));
  const pairs = Math.min(rfChains - users, users);
  const cosine = ops.divide(modulus, largestOf(modulus));
  const sine = ops.sqrt(ops.maximum(ops.subtract(graph.constant(1), ops.multiply(cosine, cosine)), graph.constant(1e-12)));
  const [along, aside] = [ops.multiply(phases, cosine), ops.multiply(ops.matmul(phases, turnByJ(graph, users)), sine)];
  const columns = (a: Tensor, from: number, to: number): Complex =>
    fromParts(ops.slice(real(complex(a)), 2, from, to), ops.slice(imaginary(complex(a)), 2, from, to));
  const parts = [columns(ops.add(along, aside), 0, pairs)];
  if (pairs < users) parts.push(columns(phases, pairs, users));
  parts.push(columns(ops.subtract(along, aside), 0, pairs));
  for (let m = users + pairs; m < rfChains; m++) parts.push(ramp(graph, columns(phases, 0, 1), elements, m));
  const side = (part: (a: Complex) => Tensor): Tensor => ops.concat(parts.map(part), 2);
  return complex(phasesOf(fromParts(side(real), side(imaginary)).parts, mask));
}

/** An upper bound of the largest entry of each column that is at most a seventh above it up to 64 elements: ‖·‖ of order 32. @param a [B, N, 2K] */
function largestOf(a: Tensor): Tensor {
  const { graph } = a;
  const rows = a.shape[1] as number;
  const meanSquare = ops.multiply(ops.reduceSumSquare(a, [1]), graph.constant(1 / rows));
  let power = ops.divide(ops.multiply(a, a), meanSquare);
  for (let doubling = 0; doubling < 4; doubling++) power = ops.multiply(power, power);
  let root = ops.reduceSum(power, [1]);
  for (let halving = 0; halving < 5; halving++) root = ops.sqrt(root);
  return ops.multiply(root, ops.sqrt(meanSquare));
}

/** A column of phases that rise evenly, at a pace of the chain's own. @param like a column, for its shape */
function ramp(graph: Graph, like: Complex, elements: number, chain: number): Complex {
  const column = (f: (angle: number) => number): Tensor =>
    ops.expandLike(
      graph.constant(
        entries(elements, 1, (n) => f(2.4 * n * (chain + 1))),
        [elements, 1],
      ),
      real(like),
    );
  return fromParts(column(Math.cos), column(Math.sin));
}

/** exp(j∠·) of every entry that is connected; 0 stays 0. */
export function phasesOf(a: Tensor, mask: Tensor | undefined): Tensor {
  const unit = ops.divide(a, ops.sqrt(ops.maximum(modulusSquared(complex(a)), a.graph.constant(1e-20))));
  return mask === undefined ? unit : ops.multiply(unit, mask);
}

/** 1 where an element hangs on a chain, [N, 2M]. */
export function maskOf(
  graph: Graph,
  { elements, rfChains, connection }: NetworkDimensions & { readonly connection?: Uint8Array },
): Tensor | undefined {
  if (connection === undefined) return undefined;
  const values = entries(elements, 2 * rfChains, (n, col) => connection[n * rfChains + (col % rfChains)]);
  return graph.constant(values, [elements, 2 * rfChains]);
}

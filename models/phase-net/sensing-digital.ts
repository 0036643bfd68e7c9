/**
 * A step of the digital precoder towards max R(F·D) − w·τ(D) at unit power, in the graph: weighted MMSE with sensing in it. All that it sees of
 * the array is small: what users hear, what the wanted covariance sees, and the chains' Gram matrix,
 *
 *   F = H·A,  S = BᴴA,  T = AᴴA:  G = F·D,  Y = S·D,  Z = DᴴTD,  Sₖ = Σⱼ|Gₖⱼ|² + ν,  Iₖ = Sₖ − |Gₖₖ|²,  λₖ = (1∕Iₖ − 1∕Sₖ)∕ln 2,  η = ν·Σλ
 *   ∂(R − w·τ)∕∂D* on the sphere = Fᴴ·C + 2w·Sᴴ·Y − T·D·(2w·Z − c·I),  C = diag(Gₖₖ∕Iₖ)∕ln 2 − Λ·G,  c = 2w(‖Z‖² − ‖Y‖²) − η
 *   D ← D + P⁻¹·(that),  P = FᴴΛF + (2γw∕K + η)·T + ε·I
 *
 * With w = 0 it is a step of weighted MMSE to the letter, but for ε, a hundred-thousandth of the mean diagonal of FᴴΛF: chains that show the same to
 * users who hear the same would leave float32 nothing to divide by. 2w∕K·T stands for the curvature of τ, which it is where all streams are orthogonal and
 * of equal power, as those that are good for sensing nearly are.
 *
 * Sources: Shi et al., IEEE Trans. Signal Process. 59(9), 2011; Nguyen et al. (paper 000), eqs. (3), (5), (11), (13).
 */
import type { Complex } from '../graph/complex.ts';
import { complex, entries, hermitianProduct, rightFactor, scale } from '../graph/complex.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';

/** What is asked for, in the channel's own unit and at unit power; numbers as [B, 1, 1]. */
export interface SensingAim {
  /** ν = σ²∕P */
  readonly noise: Tensor;
  /** w = ω·P² */
  readonly weight: Tensor;
  readonly users: number;
}

/** The array as D sees it. */
export interface SeenArray {
  /** [F; S], (K + r)×M. */
  readonly seen: Complex;
  /** T in the form that stands at the right of products, [B, 2M, 2M], with a ridge. */
  readonly metric: Tensor;
}

/** Where a D stands: at unit power, with everything that a gradient is made of. */
export interface DigitalState {
  /** D, M×K. */
  readonly digital: Complex;
  /** D as it stands at the right of products. */
  readonly right: Tensor;
  /** T·D */
  readonly through: Complex;
  /** [C; 2w·Y], (K + r)×K. */
  readonly pull: Complex;
  /** 2w·Z − c·I, [B, 2K, 2K], at the right of products. */
  readonly push: Tensor;
  /** λ, [B, K, 1]. */
  readonly lambda: Tensor;
  /** η, [B, 1, 1]. */
  readonly eta: Tensor;
  /** 2w∕K + η, about what τ and the power bend by, [B, 1, 1]. */
  readonly bend: Tensor;
  /** R − w·τ but for w·‖BᴴB‖², which is the same for all beams, [B, 1, 1]. */
  readonly value: Tensor;
}

const LEAST = 1e-30;

/** @param digital D, M×K, of any power */
export function digitalState({ noise, weight, users }: SensingAim, { seen, metric }: SeenArray, digital: Complex): DigitalState {
  const { graph } = noise;
  const constant = (value: number): Tensor => graph.constant(value);
  const free = rightFactor(digital);
  const freeThrough = ops.matmul(metric, free);
  const power = ops.multiply(ops.reduceSum(ops.multiply(free, freeThrough), [1, 2]), constant(0.5)); // each entry twice
  const amplitude = ops.divide(constant(1), ops.sqrt(ops.maximum(power, constant(LEAST))));
  const right = ops.multiply(free, amplitude);
  const through = ops.multiply(freeThrough, amplitude);

  const all = ops.matmul(seen.parts, right); // [G; Y]
  const gains = ops.slice(all, 1, 0, users);
  const sensed = ops.slice(all, 1, users, seen.rows);
  const own = ownEntries(graph, users);
  const received = ops.add(ops.reduceSumSquare(gains, [2]), noise); // [B, K, 1]
  const desired = ops.reduceSumSquare(ops.multiply(gains, own), [2]);
  const interference = ops.maximum(ops.subtract(received, desired), noise);
  const perBit = constant(1 / Math.LN2);
  const heard = ops.divide(perBit, interference);
  const lambda = ops.subtract(heard, ops.divide(perBit, received));
  const eta = ops.multiply(ops.reduceSum(lambda, [1]), noise);
  const towards = ops.subtract(ops.multiply(ops.multiply(gains, own), heard), ops.multiply(gains, lambda)); // C

  const gram = ops.matmul(ops.swapLast(right), through); // Z
  const twice = ops.add(weight, weight);
  const square = ops.multiply(ops.reduceSumSquare(gram, [1, 2]), constant(0.5));
  const shared = ops.reduceSumSquare(sensed, [1, 2]);
  const shift = ops.subtract(eta, ops.multiply(twice, ops.subtract(square, shared))); // −c
  const bend = ops.add(ops.multiply(weight, constant(2 / users)), eta);
  const rate = ops.multiply(ops.reduceSum(ops.log(ops.divide(received, interference)), [1]), perBit);
  return {
    digital: complex(ops.slice(right, 1, 0, digital.rows)),
    right,
    through: complex(ops.slice(through, 1, 0, digital.rows)),
    pull: complex(ops.concat([towards, ops.multiply(sensed, twice)], 1)),
    push: ops.add(ops.multiply(gram, twice), ops.multiply(shift, eye(graph, 2 * users))),
    lambda,
    eta,
    bend,
    value: ops.subtract(rate, ops.multiply(weight, ops.subtract(square, ops.add(shared, shared)))),
  };
}

/** γ: 1 overshoots where τ decides, and 3 is slower everywhere. */
const LOAD = 1.5;
const RIDGE = 1e-5;

/** The next D, of about unit power. */
export function digitalStep(aim: SensingAim, array: SeenArray, state: DigitalState): Complex {
  const { seen, metric } = array;
  const { graph } = aim.noise;
  const { users } = aim;
  const slope = ops.subtract(hermitianProduct(seen, state.pull).parts, ops.matmul(state.through.parts, state.push));
  const heard = complex(ops.slice(seen.parts, 1, 0, users)); // F
  const sharp = rightFactor(hermitianProduct(heard, scale(heard, state.lambda))); // FᴴΛF
  const flat = ops.add(ops.multiply(aim.weight, graph.constant((2 * LOAD) / users)), state.eta);
  const { rows } = state.digital;
  const trace = ops.reduceSum(ops.multiply(state.lambda, ops.reduceSumSquare(heard.parts, [2])), [1]); // of FᴴΛF
  const ridge = ops.add(ops.multiply(trace, graph.constant(RIDGE / rows)), graph.constant(LEAST));
  const curvature = ops.add(ops.add(sharp, ops.multiply(metric, flat)), ops.multiply(ridge, eye(graph, 2 * rows))); // P
  const solved = ops.solvePositiveDefinite(curvature, rightFactor(complex(slope)));
  return complex(ops.add(state.digital.parts, ops.slice(solved, 1, 0, rows)));
}

/** T = AᴴA with a ridge of a millionth of `size`, which keeps it definite where chains show the same phases. */
export function metricOf(gram: Complex, size: number): Tensor {
  const right = rightFactor(gram);
  return ops.add(right, eye(gram.parts.graph, 2 * gram.cols, 1e-6 * size));
}

/** value·I */
export const eye = (graph: Graph, size: number, value = 1): Tensor =>
  graph.constant(
    entries(size, size, (row, col) => (row === col ? value : 0)),
    [size, size],
  );

/** Ones where [Re | Im] has entries (k, k). */
const ownEntries = (graph: Graph, users: number): Tensor =>
  graph.constant(
    entries(users, 2 * users, (row, col) => (row === col % users ? 1 : 0)),
    [users, 2 * users],
  );

/**
 * The learned part of the network: step sizes by layer and inner step. They are kept as logarithms, so they stay positive whatever the
 * training does.
 *
 * The network works at power 1, the paper at σ² = 1 and P = SNR, and a step λ on D there is a step λ·σ²∕P here. So λ is kept in the paper's
 * unit and multiplied by the normalised noise; μ is the same in both.
 *
 * The paper's network has one number a step. But the best μ, too, falls about tenfold for 10 dB more SNR (the interference weighs 1∕σ² in
 * the gradient), so one set of numbers serves one SNR. Going past the paper, a step's logarithm may therefore be a polynomial in
 * x = (normalised SNR in dB − 10)∕10, the normalised SNR being P∕σ² for ‖H‖²_F = K·N. One coefficient is the paper's form.
 */
import { counted } from '../../core/errors/counted.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import type { PgaSteps } from './network.ts';

export interface StepSizes {
  layers: number;
  innerSteps: number;
  /** 'log': the numbers below make log μ and log λ; 'plain': they are μ and λ themselves, as the paper trains them. */
  form: StepForm;
  /** log μ = Σ_p mu[p]·xᵖ; each coefficient I·J row-major. One coefficient in plain form. */
  mu: Float64Array[];
  /** log λ = Σ_p lambda[p]·xᵖ; each coefficient of length I, as many as of μ. */
  lambda: Float64Array[];
  /** Normalised SNR that the numbers were made for, dB; beyond it x stays at its end. */
  snrRangeDb: readonly [number, number];
}

export type StepForm = 'log' | 'plain';

/** The same μ and λ (for σ² = 1) everywhere, in plain form: the paper's fixed-step PGA, and where its training starts. */
export function constantSteps(layers: number, innerSteps: number, mu: number, lambda: number): StepSizes {
  if (!(layers >= 1 && innerSteps >= 1))
    throw new BeamrigError('argument', `unfolded-pga: ${counted(layers, 'layer')} of ${innerSteps} inner steps`);
  return {
    layers,
    innerSteps,
    form: 'plain',
    mu: [new Float64Array(layers * innerSteps).fill(mu)],
    lambda: [new Float64Array(layers).fill(lambda)],
    snrRangeDb: [-Infinity, Infinity],
  };
}

/**
 * Steps set by hand, from a rough search over constant steps (10 layers of 10 steps, N = 32): λ = 1e-3, μ = 0.1 at 10 dB and tenfold less
 * for 10 dB more. λ falls with 1∕N², since the digital gradient's slope grows with ‖H·A‖². Every other μ is longer (× 1.9), the rest
 * shorter (× 0.5): steps that alternate get further than equal ones, and training does not find that from equal ones.
 */
export function fallingSteps(options: {
  layers: number;
  innerSteps: number;
  elements: number;
  /** Coefficients of the polynomial; those above the second start at 0. */
  coefficients: number;
  snrRangeDb: readonly [number, number];
}): StepSizes {
  const { layers, innerSteps, elements, coefficients, snrRangeDb } = options;
  const fill = (count: number, start: readonly number[]) =>
    Array.from({ length: coefficients }, (_, power) => new Float64Array(count).fill(start[power] ?? 0));
  const mu = fill(layers * innerSteps, [Math.log(0.1), -Math.LN10]);
  mu[0] = mu[0].map((value, step) => value + (step % 2 === 0 ? 0.63 : -0.7));
  const lambda = fill(layers, [Math.log(1e-3 * (32 / elements) ** 2)]);
  return { layers, innerSteps, form: 'log', mu, lambda, snrRangeDb };
}

/** The learned numbers as tensors: constants in an exported file, inputs in a training graph. */
export interface StepTensors {
  form: StepForm;
  /** By power of x, each [I, J]. */
  mu: Tensor[];
  /** By power of x, each [I, 1]. */
  lambda: Tensor[];
  snrRangeDb: readonly [number, number];
}

/** μ [I, J, B|1] and λ [I, B|1] for the SNR at hand, with the learned numbers as constants. */
export function effectiveSteps(graph: Graph, steps: StepSizes, normalisedNoise: Tensor): PgaSteps {
  const { layers, innerSteps, snrRangeDb } = steps;
  return stepsFor(
    graph,
    {
      form: steps.form,
      mu: steps.mu.map((values) => graph.constant(values, [layers, innerSteps])),
      lambda: steps.lambda.map((values) => graph.constant(values, [layers, 1])),
      snrRangeDb,
    },
    normalisedNoise,
  );
}

/** As `effectiveSteps`, from any tensors. @param normalisedNoise σ²∕P for ‖H‖²_F = K·N, [B] */
export function stepsFor(graph: Graph, steps: StepTensors, normalisedNoise: Tensor): PgaSteps {
  const columns = steps.mu.map((coefficient) => ops.unsqueeze(coefficient, [2])); // [I, J, 1]
  const scaled = ({ mu, lambda }: PgaSteps): PgaSteps => ({ mu, lambda: ops.multiply(lambda, normalisedNoise) });
  if (steps.form === 'plain') return scaled({ mu: columns[0], lambda: steps.lambda[0] });
  if (columns.length === 1) return scaled({ mu: ops.exp(columns[0]), lambda: ops.exp(steps.lambda[0]) });
  const [from, to] = steps.snrRangeDb.map((snrDb) => graph.constant(snrDb / 10 - 1));
  const free = ops.subtract(ops.multiply(ops.log(normalisedNoise), graph.constant(-1 / Math.LN10)), graph.constant(1)); // [B]
  const x = ops.maximum(ops.minimum(free, to), from);
  return scaled({ mu: ops.exp(polynomial(columns, x)), lambda: ops.exp(polynomial(steps.lambda, x)) });
}

/** Horner's rule. */
function polynomial(coefficients: readonly Tensor[], x: Tensor): Tensor {
  return coefficients.reduceRight((sum, coefficient) => ops.add(ops.multiply(sum, x), coefficient));
}

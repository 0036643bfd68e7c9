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
import type { LearnedParameter } from '../family.ts';
import type { TrainingOptions } from '../training/training-options.ts';
import type { AscentSteps } from './climb.ts';

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

/** The same μ and λ (for σ² = 1) everywhere, in plain form: the papers' fixed-step PGA, and where their training starts. */
export function constantSteps(layers: number, innerSteps: number, mu: number, lambda: number): StepSizes {
  if (!(layers >= 1 && innerSteps >= 1))
    throw new BeamrigError('argument', `${counted(layers, 'layer')} of ${innerSteps} inner steps`);
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
 * Steps set by hand. Every other μ is longer (× 1.9), the rest shorter (× 0.5): steps that alternate get further than equal ones, and training
 * does not find that from equal ones.
 */
export function alternatingSteps(options: {
  layers: number;
  innerSteps: number;
  /** Coefficients of the polynomials; those that have no start below begin at 0. */
  coefficients: number;
  snrRangeDb: readonly [number, number];
  /** Where log μ and log λ begin, by power of x. */
  logMu: readonly number[];
  logLambda: readonly number[];
}): StepSizes {
  const { layers, innerSteps, coefficients, snrRangeDb, logMu, logLambda } = options;
  const fill = (count: number, start: readonly number[]) =>
    Array.from({ length: coefficients }, (_, power) => new Float64Array(count).fill(start[power] ?? 0));
  const mu = fill(layers * innerSteps, logMu);
  mu[0] = mu[0].map((value, step) => value + (step % 2 === 0 ? 0.63 : -0.7));
  return { layers, innerSteps, form: 'log', mu, lambda: fill(layers, logLambda), snrRangeDb };
}

/** Names of the learned inputs, in order: mu_0 [I, J], lambda_0 [I, 1], mu_1, … */
export const parameterNames = (coefficients: number): string[] =>
  Array.from({ length: coefficients }, (_, power) => [`mu_${power}`, `lambda_${power}`]).flat();

/** In the order of their names. */
export function asParameters({ mu, lambda, layers, innerSteps }: StepSizes): LearnedParameter[] {
  const starts = mu.flatMap((values, power) => [values, lambda[power]]);
  return parameterNames(mu.length).map((name, i) => ({
    name,
    shape: [layers, name.startsWith('mu') ? innerSteps : 1],
    start: starts[i],
  }));
}

/** @param learned in the order of `asParameters` */
export const withLearned = (start: StepSizes, learned: readonly Float64Array[]): StepSizes => ({
  ...start,
  mu: learned.filter((_, i) => i % 2 === 0),
  lambda: learned.filter((_, i) => i % 2 === 1),
});

/** The SNRs of a training in the network's own unit, where ‖H‖² = K·N as at unit-element scale on average. */
export function normalisedRange({
  snrRangeDb,
  scale,
  elements,
  paths,
}: Pick<TrainingOptions, 'snrRangeDb' | 'scale' | 'elements' | 'paths'>): [number, number] {
  const offsetDb = scale === 'paper-001' ? 10 * Math.log10(paths / elements) : 0;
  return [snrRangeDb[0] + offsetDb, snrRangeDb[1] + offsetDb];
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

/** The learned numbers as inputs of a graph, by their names. */
export function stepInputs(
  graph: Graph,
  layers: number,
  innerSteps: number,
  coefficients: number,
): Pick<StepTensors, 'mu' | 'lambda'> {
  const mu: Tensor[] = [];
  const lambda: Tensor[] = [];
  for (let i = 0; i < coefficients; i++) {
    mu.push(graph.input(`mu_${i}`, [layers, innerSteps]));
    lambda.push(graph.input(`lambda_${i}`, [layers, 1]));
  }
  return { mu, lambda };
}

/** μ [I, J, B|1] and λ [I, B|1] for the SNR at hand, with the learned numbers as constants. */
export function effectiveSteps(graph: Graph, steps: StepSizes, normalisedNoise: Tensor): AscentSteps {
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
export function stepsFor(graph: Graph, steps: StepTensors, normalisedNoise: Tensor): AscentSteps {
  const columns = steps.mu.map((coefficient) => ops.unsqueeze(coefficient, [2])); // [I, J, 1]
  const scaled = ({ mu, lambda }: AscentSteps): AscentSteps => ({ mu, lambda: ops.multiply(lambda, normalisedNoise) });
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

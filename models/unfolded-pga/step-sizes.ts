/**
 * The learned part of the network: step sizes by layer and inner step. They are kept as logarithms, so they stay positive whatever the
 * training does.
 *
 * The paper's network has one number a step. The best step falls about tenfold for 10 dB more SNR (the interference weighs 1∕σ² in the
 * gradient), so one set of numbers serves one SNR. Going past the paper, a step's logarithm may therefore be a polynomial in
 * x = (normalised SNR in dB − 10)∕10, the normalised SNR being P∕σ² for ‖H‖²_F = K·N. One coefficient is the paper's form.
 */
import { BeamrigError } from '../../errors/beamrig-error.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import type { PgaSteps } from './network.ts';

export interface StepSizes {
  layers: number;
  innerSteps: number;
  /** log μ = Σ_p logMu[p]·xᵖ; each coefficient I·J row-major. */
  logMu: Float64Array[];
  /** log λ = Σ_p logLambda[p]·xᵖ; each coefficient of length I, as many as of log μ. */
  logLambda: Float64Array[];
  /** Normalised SNR that the numbers were made for, dB; beyond it x stays at its end. */
  snrRangeDb: readonly [number, number];
}

/** The same μ and λ everywhere: the paper's fixed-step PGA, and where training starts. */
export function constantSteps(layers: number, innerSteps: number, mu: number, lambda: number): StepSizes {
  if (!(layers >= 1 && innerSteps >= 1))
    throw new BeamrigError('argument', `unfolded-pga: ${layers} layers of ${innerSteps} inner steps`);
  if (!(mu > 0 && lambda > 0))
    throw new BeamrigError('argument', `unfolded-pga: step sizes μ = ${mu}, λ = ${lambda} must be above 0`);
  return {
    layers,
    innerSteps,
    logMu: [new Float64Array(layers * innerSteps).fill(Math.log(mu))],
    logLambda: [new Float64Array(layers).fill(Math.log(lambda))],
    snrRangeDb: [-10, 25],
  };
}

/**
 * Steps set by hand that fall with the SNR, as a rough search over constant steps wants them (10 layers of 10 steps, N = 32):
 * μ = 0.1 and λ = 1e-4 at 10 dB, tenfold less for 10 dB more.
 * @param degree of the polynomial, ≥ 1; coefficients above the first start at 0
 */
export function fallingSteps(
  layers: number,
  innerSteps: number,
  degree: number,
  snrRangeDb: readonly [number, number],
): StepSizes {
  const { logMu, logLambda } = constantSteps(layers, innerSteps, 0.1, 1e-4);
  for (let power = 1; power <= degree; power++) {
    logMu.push(new Float64Array(layers * innerSteps).fill(power === 1 ? -Math.LN10 : 0));
    logLambda.push(new Float64Array(layers).fill(power === 1 ? -Math.LN10 : 0));
  }
  return { layers, innerSteps, logMu, logLambda, snrRangeDb };
}

/** The learned numbers as tensors: constants in an exported file, inputs in a training graph. */
export interface StepTensors {
  /** By power of x, each [I, J]. */
  logMu: Tensor[];
  /** By power of x, each [I, 1]. */
  logLambda: Tensor[];
  snrRangeDb: readonly [number, number];
}

/** μ [I, J, B|1] and λ [I, B|1] for the SNR at hand, with the learned numbers as constants. */
export function effectiveSteps(graph: Graph, steps: StepSizes, normalisedNoise: Tensor): PgaSteps {
  const { layers, innerSteps, snrRangeDb } = steps;
  return stepsFor(
    graph,
    {
      logMu: steps.logMu.map((values) => graph.constant(values, [layers, innerSteps])),
      logLambda: steps.logLambda.map((values) => graph.constant(values, [layers, 1])),
      snrRangeDb,
    },
    normalisedNoise,
  );
}

/** As `effectiveSteps`, from any tensors. @param normalisedNoise σ²∕P for ‖H‖²_F = K·N, [B] */
export function stepsFor(graph: Graph, { logMu, logLambda, snrRangeDb }: StepTensors, normalisedNoise: Tensor): PgaSteps {
  const columns = logMu.map((coefficient) => ops.unsqueeze(coefficient, [2])); // [I, J, 1]
  if (columns.length === 1) return { mu: ops.exp(columns[0]), lambda: ops.exp(logLambda[0]) };
  const [from, to] = snrRangeDb.map((snrDb) => graph.constant(snrDb / 10 - 1));
  const free = ops.subtract(ops.multiply(ops.log(normalisedNoise), graph.constant(-1 / Math.LN10)), graph.constant(1)); // [B]
  const x = ops.maximum(ops.minimum(free, to), from);
  return { mu: ops.exp(polynomial(columns, x)), lambda: ops.exp(polynomial(logLambda, x)) };
}

/** Horner's rule. */
function polynomial(coefficients: readonly Tensor[], x: Tensor): Tensor {
  return coefficients.reduceRight((sum, coefficient) => ops.add(ops.multiply(sum, x), coefficient));
}

/**
 * The network as a file that follows the model contract: channel, power and noise in, phases and digital weights out, step sizes inside.
 */
import { Graph } from '../graph/graph.ts';
import type { FloatType, Tensor } from '../graph/graph.ts';
import { encodeModel } from '../graph/encode.ts';
import * as ops from '../graph/ops.ts';
import { normalise, unfoldedPga } from './network.ts';
import type { PgaDimensions, PgaInputs } from './network.ts';
import { effectiveSteps } from './step-sizes.ts';
import type { StepSizes } from './step-sizes.ts';

export interface InferenceOptions {
  dimensions: PgaDimensions;
  steps: StepSizes;
  /** Past the paper: layers that would lower the rate by more than a tenth are skipped, and the best beam is the answer. */
  guarded: boolean;
  /** Adds the input `connection` [N, M] for sub-connected arrays. */
  connection?: boolean;
}

/**
 * ONNX bytes: `channel` [B, K, N, 2], `power` [B], `noise` [B] (and `connection` [N, M]) → `analog_phase` [B, N, M] in radians,
 * `digital` [B, M, K, 2] with ‖A·D‖²_F = power.
 */
export function encodeUnfoldedPga(options: InferenceOptions): Uint8Array {
  const { graph, analog, digital } = inferenceGraph(options, 'float32');
  const { rfChains } = options.dimensions;
  const re = ops.slice(analog, 2, 0, rfChains);
  const im = ops.slice(analog, 2, rfChains, 2 * rfChains);
  graph.output('analog_phase', angle(re, im));
  graph.output('digital', digital);
  return encodeModel(graph, 'unfolded-pga');
}

/** The same computation in float64, for checks against the reference: `analog` [B, N, 2M] is [Re A | Im A], since Atan is float32 only. */
export function encodeUnfoldedPgaExact(options: InferenceOptions): Uint8Array {
  const { graph, analog, digital } = inferenceGraph(options, 'float64');
  graph.output('analog', analog);
  graph.output('digital', digital);
  return encodeModel(graph, 'unfolded-pga-exact');
}

function inferenceGraph({ dimensions, steps, guarded, connection }: InferenceOptions, float: FloatType) {
  const { elements, rfChains, users } = dimensions;
  const graph = new Graph(float);
  const inputs: PgaInputs = {
    channel: graph.input('channel', ['B', users, elements, 2]),
    power: graph.input('power', ['B']),
    noise: graph.input('noise', ['B']),
  };
  if (connection === true) inputs.connection = graph.input('connection', [elements, rfChains]);
  const normalised = normalise(inputs, dimensions);
  const answer: 'best' | 'last' = guarded ? 'best' : 'last';
  const given = inputs.connection === undefined ? { guarded, answer } : { guarded, answer, connection: inputs.connection };
  const result = unfoldedPga(normalised, effectiveSteps(graph, steps, normalised.noise), dimensions, given);
  const amplitude = ops.unsqueeze(ops.sqrt(inputs.power), [1, 2]);
  const scaled = ops.multiply(result.digital, amplitude);
  const part = (index: number) => ops.unsqueeze(ops.slice(scaled, 2, index * users, (index + 1) * users), [3]);
  return { graph, analog: result.analog, digital: ops.concat([part(0), part(1)], 3) };
}

/** Phase in (−π, π] from the parts of a non-zero number. */
function angle(re: Tensor, im: Tensor): Tensor {
  const { graph } = re;
  const zero = graph.constant(0);
  const quarter = ops.atan(ops.divide(im, ops.abs(re)));
  const halfTurn = ops.select(ops.greaterOrEqual(im, zero), graph.constant(Math.PI), graph.constant(-Math.PI));
  // Where there is no connection both parts are 0 and the quotient is no number: the phase of nothing is 0.
  const known = ops.select(ops.greaterOrEqual(ops.add(ops.abs(re), ops.abs(im)), graph.constant(1e-6)), quarter, zero);
  return ops.select(ops.greaterOrEqual(re, zero), known, ops.subtract(halfTurn, known));
}

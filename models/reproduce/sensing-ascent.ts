/** How far each layer of UPGANet gets, with any steps and from any start: the curves of paper 000's Fig. 2, compiled. */
import type { HybridPrecoder, Problem } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import type { DigitalGradient } from '../baselines/sensing-pga.ts';
import { openCompiled } from '../engine/compiled-session.ts';
import { fromParts, partsOfPairs } from '../graph/complex.ts';
import { encodeModel } from '../graph/encode.ts';
import { Graph } from '../graph/graph.ts';
import { flatInputs, problemTensors } from '../model-tensors.ts';
import { contractInputs, sensingInputs, type NetworkDimensions } from '../network-ends.ts';
import { asParameters, stepInputs, stepsFor, type StepSizes } from '../unfolded-ascent/step-sizes.ts';
import { problemOf } from '../upganet/graphs.ts';
import { upganet } from '../upganet/network.ts';
import { contractTensors } from '../zoo.ts';

export interface AscentOptions extends Pick<StepSizes, 'layers' | 'innerSteps' | 'form' | 'snrRangeDb'> {
  dimensions: NetworkDimensions;
  /** Of a step's polynomial. */
  coefficients: number;
  digitalGradient: DigitalGradient;
  guarded: boolean;
  /** R of the wanted covariances. */
  columns: number;
  /** Absent: at (17). */
  startOf?: (channel: CMatrix, index: number) => HybridPrecoder;
}

/** R − ω·τ at the start and after each layer, [I + 1], of each channel. */
export type Ascent = (
  steps: StepSizes,
  channels: readonly CMatrix[],
  problem: Omit<Problem, 'channel' | 'rfChains'>,
) => Float64Array[];

/** The graph is compiled once, for all steps of this form. */
export function openAscent(options: AscentOptions): Ascent {
  const { dimensions, columns, startOf } = options;
  const session = openCompiled(encodeCurves(options));
  const inputs = session.inputs;
  const card = {
    ...{ id: 'upganet-curves', dimensions, sensing: 'input' as const },
    ...contractTensors({ dimensions, connection: 'full' }, columns),
  };
  const tensors = problemTensors(card);
  return (steps, channels, problem) => {
    for (const { name, start } of asParameters(steps)) inputs[name].set(start);
    return channels.map((channel, index) => {
      const flat = flatInputs(card, { ...problem, channel, rfChains: dimensions.rfChains });
      let at = 0;
      for (const { name } of tensors) inputs[name].set(flat.subarray(at, (at += inputs[name].length)));
      if (startOf !== undefined) {
        const { analog, digital } = startOf(channel, index);
        inputs['start_analog'].set(pairsOf(analog));
        inputs['start_digital'].set(pairsOf(digital));
      }
      session.run();
      return Float64Array.from(session.outputs['values']);
    });
  };
}

/**
 * The contract's inputs, and steps by the names of the parameters → `values` [I + 1, B]. Where it begins somewhere else than at (17): inputs
 * `start_analog` [B, N, M, 2] and `start_digital` [B, M, K, 2], of any power.
 */
function encodeCurves({ dimensions, columns, startOf, ...options }: AscentOptions): Uint8Array {
  const { layers, innerSteps, form, coefficients, snrRangeDb, digitalGradient, guarded } = options;
  const graph = new Graph();
  const inputs = contractInputs(graph, dimensions);
  const problem = problemOf(inputs, sensingInputs(graph, dimensions, columns), dimensions);
  const learned = { form, snrRangeDb, ...stepInputs(graph, layers, innerSteps, coefficients) };
  const start = startOf !== undefined ? { start: startInputs(graph, dimensions) } : {};
  const steps = stepsFor(graph, learned, problem.noise);
  graph.output('values', upganet(problem, steps, dimensions, { digitalGradient, guarded, ...start }).values);
  return encodeModel(graph, 'upganet-curves');
}

function startInputs(graph: Graph, { elements, rfChains, users }: NetworkDimensions) {
  const given = (name: string, rows: number, cols: number) => fromParts(...partsOfPairs(graph.input(name, ['B', rows, cols, 2])));
  return { analog: given('start_analog', elements, rfChains), digital: given('start_digital', rfChains, users) };
}

const pairsOf = ({ re, im }: CMatrix): Float32Array =>
  Float32Array.from({ length: 2 * re.length }, (_, i) => (i % 2 === 0 ? re : im)[i >> 1]);

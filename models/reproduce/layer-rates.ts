/** How far each layer, or iteration, of an ascent gets: the curves of paper 001's Fig. 2(a). */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, TensorProto_DataType, TypeProtoSchema, ValueInfoProtoSchema } from 'onnx-buf';
import { z } from 'zod';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { HybridPrecoder } from '../../core/signal/beam-contract.ts';
import { matmul, type CMatrix } from '../../core/signal/complex-matrix.ts';
import { fromDb, sumRate } from '../../core/signal/rate.ts';
import { nearestToZeroForcing, alignedAnalog } from '../baselines/aligned.ts';
import { constantSteps, pgaUnfold } from '../baselines/pga.ts';
import { openCompiled } from '../engine/compiled-session.ts';
import { meanAndError } from '../evaluation/statistics.ts';
import { flatInputs, problemTensors } from '../model-tensors.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import type { TestSet } from './methods.ts';
import { once, type ResultCache } from './result-cache.ts';
import type { SizedModelFile } from './sized-models.ts';
import { checksumOfModules } from './source-checksum.ts';
import { pauseIn } from './stoppable.ts';

/** Constant steps in the convention of the paper, σ² = 1 and P = SNR on the channel as drawn. */
export interface PgaCourse {
  iterations: number;
  innerSteps: number;
  mu: number;
  lambda: number;
  /** Phases of the start: (12) so that they align, or as it is printed. */
  start: 'aligned' | 'as-printed';
}

export type AscentSource = { kind: 'pga'; course: PgaCourse } | { kind: 'network'; model: SizedModelFile };

/** Sum rates in bit/s/Hz at the start and after each layer, [I + 1]; of a guarded network, of what it would answer there. */
export interface LayerRates {
  mean: number[];
  stderr: number[];
}

const layerRatesSchema = z.object({ mean: z.array(z.number()), stderr: z.array(z.number()) });

export interface LayerRatesWork {
  cache: ResultCache;
  signal: AbortSignal;
}

/**
 * Means over the first channels of a set; one that was computed before is taken from the cache.
 * @throws {BeamrigError} 'stopped' where that is asked for
 */
export async function layerRates(source: AscentSource, set: TestSet, count: number, work: LayerRatesWork): Promise<LayerRates> {
  const { cache, signal } = work;
  const by =
    source.kind === 'pga'
      ? source.course
      : { model: createHash('sha256').update(readFileSync(source.model.path)).digest('hex'), ...source.model.card.dimensions };
  const what = { kind: 'layer-rates', program: checksumOfModules('layer-rates'), source: source.kind, by, set, count };
  return once(cache, what, layerRatesSchema, async () => {
    const ratesOf = source.kind === 'pga' ? pgaRates(source.course) : networkRates(source.model);
    const { snrDb, ...drawn } = set;
    const all: number[][] = [];
    for (const channel of drawChannelSet({ ...drawn, count }).channels) {
      await pauseIn(signal);
      all.push(ratesOf(channel, snrDb));
    }
    const layers = all[0].map((_, layer) => meanAndError(all.map((rates) => rates[layer])));
    return { mean: layers.map(({ mean }) => mean), stderr: layers.map(({ stderr }) => stderr) };
  });
}

type RatesOfChannel = (channel: CMatrix, snrDb: number) => number[];

function pgaRates({ iterations, innerSteps, mu, lambda, start: begin }: PgaCourse): RatesOfChannel {
  return (channel, snrDb) => {
    const at = { channel, power: fromDb(snrDb), noise: 1 };
    const printed = begin === 'as-printed' ? { start: startAsPrinted(channel, at.power) } : {};
    const { start, layers } = pgaUnfold({ ...at, ...constantSteps(iterations, innerSteps, mu, lambda), ...printed });
    return [start, ...layers].map(({ analog, digital }) => sumRate(channel, matmul(analog, digital), 1));
  };
}

/** (12) with its printed sign, exp(−jϑ), and (13). */
function startAsPrinted(channel: CMatrix, power: number): HybridPrecoder {
  const aligned = alignedAnalog(channel, channel.rows);
  const analog = { ...aligned, im: aligned.im.map((value) => -value) };
  return { analog, digital: nearestToZeroForcing(channel, analog, power) };
}

function networkRates({ id, path, card }: SizedModelFile): RatesOfChannel {
  const { dimensions, guarded = false } = card;
  const session = openCompiled(withLayerValues(readFileSync(path), id));
  const { inputs, outputs } = session;
  const tensors = problemTensors(card);
  return (channel, snrDb) => {
    const flat = flatInputs(card, { channel, rfChains: dimensions.rfChains, power: 1, noise: fromDb(-snrDb) });
    let at = 0;
    for (const { name } of tensors) inputs[name].set(flat.subarray(at, (at += inputs[name].length)));
    session.run();
    const [rates] = Object.values(outputs);
    let best = -Infinity;
    return Array.from(rates, (rate) => (guarded ? (best = Math.max(best, rate)) : rate));
  };
}

/**
 * The file with the rates of start and layers, [I + 1, B], for its only output. An unfolded ascent computes them on its way (`climb.ts`: what the
 * layers' Scan hands out, behind the start's), and its file has them, though no output leads there.
 * @throws {BeamrigError} 'model-mismatch' where it has none
 */
function withLayerValues(onnx: Uint8Array, id: string): Uint8Array {
  const model = fromBinary(ModelProtoSchema, onnx);
  const nodes = model.graph?.node ?? [];
  const ofLayers = nodes.filter(({ opType }) => opType === 'Scan').flatMap(({ output }) => output.slice(-1));
  const values = nodes.find(({ opType, input }) => opType === 'Concat' && ofLayers.includes(input[input.length - 1]));
  if (model.graph === undefined || values === undefined) {
    throw new BeamrigError('model-mismatch', `model ${id}: its file has no rates of its layers`);
  }
  const [name] = values.output;
  const elemType = TensorProto_DataType.FLOAT;
  const type = create(TypeProtoSchema, { value: { case: 'tensorType', value: { elemType } } });
  model.graph.output = [create(ValueInfoProtoSchema, { name, type })];
  return toBinary(ModelProtoSchema, model);
}

/** Writes a trained network and its card: what it is, how to make it again, and what it reaches on validation channels in both scales. */
import { renameSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { removeIfPossible } from '../../core/files/whole-file.ts';
import type { ModelCard, ModelMetric } from '../card.ts';
import { cardText } from '../card.ts';
import type { MeanAndError } from '../evaluation/statistics.ts';
import { meanAndError } from '../evaluation/statistics.ts';
import type { ModelFamily, Network } from '../family.ts';
import { NUMBERS_ENDING, cardPathOf, modelIdOf } from '../model-path.ts';
import { byName, numbersText, readNumbers, withSections } from '../numbers-file.ts';
import type { OtherSections } from '../numbers-schema.ts';
import { contractTensors, findModel, readCard, readModelFile, sha256Of } from '../zoo.ts';
import type { Engine } from '../engine/engines.ts';
import type { ChannelSet } from './channel-set.ts';
import { METRIC_SNR_DB, type Judge } from './judge.ts';
import { withLearned } from './learned-numbers.ts';
import { trainingCommand } from './option-flags.ts';
import type { MeasuredChannels, TrainedBefore, TrainingOptions } from './training-options.ts';

export interface TrainedNetwork {
  family: ModelFamily;
  options: TrainingOptions;
  network: Network;
  /** In the order of the network's parameters. */
  learned: readonly Float64Array[];
  /** Counted from 1; 0 means the start. */
  bestEpoch: number;
  /** What trained it. */
  engine: Engine;
  from?: TrainedBefore;
  measured?: MeasuredChannels & { heldOut: ChannelSet };
}

export async function exportTrainedModel(
  trained: TrainedNetwork,
  output: string,
  judge: Judge,
): Promise<{ modelPath: string; cardPath: string; card: ModelCard }> {
  const { family, options, network, learned } = trained;
  if (network.mostPhaseBits !== undefined) return exportWords(trained, network.mostPhaseBits, output, judge);
  const { elements, rfChains, users } = options;
  const kind: Pick<ModelCard, 'dimensions' | 'connection'> = output.endsWith(NUMBERS_ENDING)
    ? { dimensions: 'any', connection: 'any' }
    : { dimensions: { elements, rfChains, users }, connection: 'full' };
  const others = kind.dimensions === 'any' ? otherSections(trained) : {};
  const { sensing, words } = others;
  const bytes =
    kind.dimensions === 'any'
      ? numbersOf(family, learned, others)
      : withLearned(network.modelGraph(learned), network.parameters, learned);
  const { recipe: _recipe, layerWeights: _layerWeights, title, ...structure } = network.card;
  const card: ModelCard = {
    contract: 1,
    id: modelIdOf(output),
    title,
    algorithm: family.id,
    paper: family.paper,
    ...kind,
    ...(network.sensing === undefined ? {} : { sensing: 'input' }),
    ...(sensing === undefined ? {} : { sensing: 'any' }),
    ...(words === undefined ? {} : { mostPhaseBits: words.mostPhaseBits }),
    ...contractTensors(kind, network.sensing?.columns),
    ...structure,
    training: options.epochs === 0 ? 'none' : describeTraining(trained, output, others),
    metrics: await measure(trained, judge),
    sha256: sha256Of(bytes),
  };
  const cardPath = cardPathOf(output);
  writeBoth(output, bytes, cardPath, cardText(card));
  return { modelPath: output, cardPath, card };
}

/**
 * A file of numbers with what was learned for words in it: the one that training went on from, or the one that comes with beamrig. Card and metrics
 * are its own, for they are of phases as computed; what came of this training is told of the words alone.
 */
async function exportWords(trained: TrainedNetwork, mostPhaseBits: number, output: string, judge: Judge) {
  const { family, options, learned, engine, from, measured, bestEpoch } = trained;
  const { file, card: before } = from?.file === undefined ? shipped(family.id) : { file: from.file, card: from.card };
  const words = family.anyArray?.words;
  if (words === undefined) throw new BeamrigError('argument', `networks of ${family.id} know nothing of words`);
  const channelFile = measured === undefined ? undefined : basename(measured.file);
  const command = trainingCommand(family, options, basename(output), { engine, from: from?.id, channelFile });
  const section = { form: words.form, mostPhaseBits, command, numbers: byName(words.numbers, learned) };
  const bytes = new TextEncoder().encode(withSections(file, { words: section }));
  const told = { command, bestEpoch, ...origins(trained), metrics: await measure(trained, judge) };
  const training = typeof before.training === 'string' ? before.training : { ...before.training, words: told };
  const card: ModelCard = { ...before, id: modelIdOf(output), mostPhaseBits, training, sha256: sha256Of(bytes) };
  const cardPath = cardPathOf(output);
  writeBoth(output, bytes, cardPath, cardText(card));
  return { modelPath: output, cardPath, card };
}

function shipped(id: string) {
  const path = findModel(id);
  return { file: readNumbers(readModelFile(path, 'model'), id), card: readCard(path) };
}

/** The file of a family whose numbers serve every array. */
function numbersOf({ id, anyArray }: ModelFamily, learned: readonly Float64Array[], others: OtherSections): Uint8Array {
  if (anyArray !== undefined) return new TextEncoder().encode(numbersText(id, anyArray, learned, others));
  throw new BeamrigError('argument', `networks of ${id} are made for one array each: their files end in .onnx`);
}

/** What is learned apart is taken from the model that training went on from, or from the one that comes with beamrig. */
function otherSections({ family: { id, anyArray }, from }: TrainedNetwork): OtherSections {
  const sectionOf = (name: keyof OtherSections) => {
    if (anyArray?.[name] === undefined) return {};
    const section = from?.file?.[name] ?? shipped(id).file[name];
    return section === undefined ? {} : { [name]: section };
  };
  return { ...sectionOf('sensing'), ...sectionOf('words') };
}

/** Both or none: a disk that fills up leaves no model without its card. */
function writeBoth(output: string, bytes: Uint8Array, cardPath: string, card: string): void {
  const parts = [`${output}.part`, `${cardPath}.part`];
  try {
    writeFileSync(parts[0], bytes);
    writeFileSync(parts[1], card);
    renameSync(parts[0], output);
    renameSync(parts[1], cardPath);
  } catch (cause) {
    for (const part of parts) removeIfPossible(part);
    throw new BeamrigError('output', `the model ${output} cannot be written: ${(cause as Error).message}`, {
      wayOut: 'Make room there, or give another --output.',
      cause,
    });
  }
}

function describeTraining(trained: TrainedNetwork, output: string, { sensing, words }: OtherSections): ModelCard['training'] {
  const { family, options, network, bestEpoch, engine, from, measured } = trained;
  const channelFile = measured === undefined ? undefined : basename(measured.file);
  const { seed, channels, paths, epochs, batch, learningRate, snrRangeDb, scale } = options;
  return {
    recipe: network.card.recipe,
    command: trainingCommand(family, options, basename(output), { engine, from: from?.id, channelFile }),
    seed,
    channels,
    paths,
    epochs,
    batch,
    learningRate,
    snrRangeDb,
    scale,
    layerWeights: [...network.card.layerWeights],
    bestEpoch,
    ...origins(trained),
    ...(sensing === undefined ? {} : { sensing: { command: sensing.command } }),
    ...(words === undefined ? {} : { words: wordsTold(words.command, from) }),
  };
}

/** Of a model that went on from another, and of measured channels. */
const origins = ({ from, measured }: TrainedNetwork) => ({
  ...(from === undefined ? {} : { from: { id: from.id, sha256: from.sha256 } }),
  ...(measured === undefined
    ? {}
    : {
        channelFile: { name: basename(measured.file), sha256: measured.sha256, heldOut: measured.heldOut.channels.length },
      }),
});

/** Numbers for words that stay as they are keep what is said of them. */
function wordsTold(command: string, from: TrainedBefore | undefined) {
  const before = from?.card.training;
  const words = typeof before === 'object' ? before.words : undefined;
  return words?.command === command ? words : { command };
}

/** What the answer is worth on the validation channels; on those of a file first, where there is one. */
async function measure({ family, options, network, learned, measured }: TrainedNetwork, judge: Judge): Promise<ModelMetric[]> {
  const metrics: ModelMetric[] = [];
  const bits = network.mostPhaseBits === undefined ? {} : { phaseBits: network.mostPhaseBits };
  const scales = ['unit-element', 'paper-001'] as const;
  for (const scale of [...(measured === undefined ? [] : (['channel-file'] as const)), ...scales]) {
    const set =
      scale === 'channel-file'
        ? measured?.heldOut
        : family.drawChannels(options, { name: 'validation', count: options.validationChannels, scale });
    if (set === undefined) continue;
    for (const snrDb of network.judgedAtDb ?? METRIC_SNR_DB) {
      const { rate, tau, objective } = await judge.figures(learned, set, snrDb);
      const told = (values: ArrayLike<number>): ModelMetric['sumRate'] => rounded(meanAndError(Array.from(values)));
      const sensed =
        network.sensing === undefined || tau === undefined || objective === undefined
          ? {}
          : { sensingWeight: network.sensing.weight, tau: told(tau), objective: told(objective) };
      metrics.push({ scale, snrDb, channels: set.channels.length, sumRate: told(rate), ...bits, ...sensed });
    }
  }
  return metrics;
}

/** To a ten-thousandth of a bit. */
const rounded = ({ mean, stderr }: MeanAndError): ModelMetric['sumRate'] => ({
  mean: Math.round(mean * 1e4) / 1e4,
  stderr: Number.isNaN(stderr) ? null : Math.round(stderr * 1e4) / 1e4,
});

/** Writes a trained network and its card: what it is, how to make it again, and what it reaches on validation channels in both scales. */
import { counted } from '../../errors/counted.ts';
import { createHash } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { BeamrigError } from '../../errors/beamrig-error.ts';
import { fromDb } from '../../signal/rate.ts';
import type { ModelCard, ModelMetric } from '../card.ts';
import { cardText } from '../card.ts';
import type { Feed, GraphSession } from '../graph/session.ts';
import { encodeUnfoldedPga } from '../unfolded-pga/inference.ts';
import type { StepSizes } from '../unfolded-pga/step-sizes.ts';
import { parameterNames } from '../unfolded-pga/training-graph.ts';
import { contractTensors } from '../zoo.ts';
import { drawChannelSet } from './channel-set.ts';
import { trainingCommand } from './training-options.ts';
import type { TrainingOptions } from './training-options.ts';

/** The paper's network takes every layer and answers with the last; ours skips layers that overshoot and answers with the best beam. */
export const isGuarded = ({ recipe }: TrainingOptions): boolean => recipe !== 'paper';

const metricSnrDb = [0, 5, 10, 15, 20];

/**
 * @param bestEpoch counted from 1; 0 means the starting steps
 * @param judge a session of the rate graph with these dimensions
 */
export async function exportTrainedModel(
  options: TrainingOptions,
  steps: StepSizes,
  bestEpoch: number,
  layerWeights: readonly number[],
  judge: GraphSession,
): Promise<{ modelPath: string; cardPath: string; card: ModelCard }> {
  const { elements, rfChains, users, layers, innerSteps, output } = options;
  const dimensions = { elements, rfChains, users };
  const guarded = isGuarded(options);
  const bytes = encodeUnfoldedPga({ dimensions, steps, guarded });
  const card: ModelCard = {
    contract: 1,
    id: basename(output, '.onnx'),
    title: `Unfolded PGA, ${counted(layers, 'layer')} of ${counted(innerSteps, 'step')}: ${counted(elements, 'element')}, ${counted(rfChains, 'RF chain')}, ${counted(users, 'user')}`,
    dimensions,
    algorithm: 'unfolded-pga',
    paper: 'N. T. Nguyen et al., Fast Deep Unfolded Hybrid Beamforming in Multiuser Large MIMO Systems, Asilomar 2023',
    connection: 'full',
    ...contractTensors({ dimensions, connection: 'full' }),
    layers,
    innerSteps,
    stepCoefficients: options.stepCoefficients,
    guarded,
    training: options.epochs === 0 ? 'none' : describeTraining(options, bestEpoch, layerWeights),
    metrics: await measure(options, steps, judge),
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
  const cardPath = cardPathOf(output);
  writeBoth(output, bytes, cardPath, cardText(card));
  return { modelPath: output, cardPath, card };
}

/** Where the card of a model lies. */
export const cardPathOf = (output: string): string => output.replace(/\.onnx$/, '.json');

/** Both or none: a disk that fills up leaves no model without its card. */
function writeBoth(output: string, bytes: Uint8Array, cardPath: string, card: string): void {
  const parts = [`${output}.part`, `${cardPath}.part`];
  try {
    writeFileSync(parts[0], bytes);
    writeFileSync(parts[1], card);
    renameSync(parts[0], output);
    renameSync(parts[1], cardPath);
  } catch (cause) {
    for (const part of parts) rmSync(part, { force: true });
    throw new BeamrigError('output', `the model ${output} cannot be written: ${(cause as Error).message}`, {
      wayOut: 'Make room there; the checkpoint keeps what was trained, and --resume writes the model.',
      cause,
    });
  }
}

function describeTraining(options: TrainingOptions, bestEpoch: number, layerWeights: readonly number[]): ModelCard['training'] {
  const { recipe, seed, channels, paths, epochs, batch, learningRate, snrRangeDb, scale, output } = options;
  return {
    recipe,
    command: trainingCommand(options, basename(output)),
    seed,
    channels,
    paths,
    epochs,
    batch,
    learningRate,
    snrRangeDb,
    scale,
    layerWeights: [...layerWeights],
    bestEpoch,
  };
}

/** The answer's rate on the validation channels, P = 1. */
async function measure(options: TrainingOptions, steps: StepSizes, judge: GraphSession): Promise<ModelMetric[]> {
  const { users, elements, layers, innerSteps, validationChannels: count } = options;
  const learned = steps.mu.flatMap((values, i) => [values, steps.lambda[i]]);
  const feeds: Record<string, Feed> = Object.fromEntries(
    parameterNames(steps.mu.length).map((name, i) => [
      name,
      { values: Float32Array.from(learned[i]), shape: [layers, name.startsWith('mu') ? innerSteps : 1] },
    ]),
  );
  const metrics: ModelMetric[] = [];
  for (const scale of ['unit-element', 'paper-001'] as const) {
    const { packed } = drawChannelSet({ ...options, name: 'validation', count, scale });
    for (const snrDb of metricSnrDb) {
      const { rate } = await judge.run({
        ...feeds,
        channel: { values: packed, shape: [count, users, elements, 2] },
        noise: { values: new Float32Array(count).fill(1 / fromDb(snrDb)), shape: [count] },
      });
      metrics.push({ scale, snrDb, channels: count, sumRate: summarise(rate.values) });
    }
  }
  return metrics;
}

/** Mean and its standard error, to a ten-thousandth of a bit. */
function summarise(values: ArrayLike<number>): { mean: number; stderr: number } {
  const list = Array.from(values);
  const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
  const variance = list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, list.length - 1);
  const rounded = (value: number) => Math.round(value * 1e4) / 1e4;
  return { mean: rounded(mean), stderr: rounded(Math.sqrt(variance / list.length)) };
}

/**
 * The family of paper 001: projected gradient ascent on the sum rate, unfolded into layers whose step sizes are learned.
 *
 * What it takes to learn anything (the paper's recipe alone gains almost nothing): steps as logarithms, so that they stay positive; the SNR
 * drawn over the whole range for each channel; the gradient clipped, since it explodes where a trajectory turns chaotic; the earlier layers'
 * rates in the loss beside the last one's; and the epoch kept that was the best on validation channels.
 */
import { z } from 'zod';
import { counted } from '../../core/errors/counted.ts';
import type { ModelFamily, Network } from '../family.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { arrayOptions, count, courseOptions, drawOptions, option } from '../training/training-options.ts';
import { ascentOptions, paperHasOneNumberAStep, recipeOption } from '../unfolded-ascent/ascent-options.ts';
import { asParameters, constantSteps, normalisedRange, withLearned, type StepSizes } from '../unfolded-ascent/step-sizes.ts';
import { encodeRateGraph, encodeTrainingGraph, type UnfoldedAscent } from '../unfolded-ascent/training-graph.ts';
import { fallingSteps } from './falling-steps.ts';
import { encodeUnfoldedPga } from './inference.ts';
import { unfoldedPga } from './network.ts';

const { stepCoefficients, clipNorm } = ascentOptions;
const { channels, validationChannels, epochs, batch, learningRate } = courseOptions({
  channels: 500,
  epochs: 30,
  batch: 50,
  learningRate: 0.04,
});

const optionsSchema = z
  .strictObject({
    ...arrayOptions,
    layers: option(count.default(10), 'i', 'layers of the network'),
    innerSteps: option(count.default(10), 'j', 'gradient steps of a layer'),
    stepCoefficients,
    channels,
    validationChannels,
    epochs,
    batch,
    learningRate,
    clipNorm,
    ...drawOptions,
    recipe: recipeOption('001'),
  })
  .refine(...paperHasOneNumberAStep);

export type PgaOptions = z.output<typeof optionsSchema>;

/** What paper 001, section IV, says; the SNR range is that of its Fig. 2(b), for it names none for training. */
const PAPER_RECIPE = { stepCoefficients: 1, epochs: 20, learningRate: 0.001, snrRangeDb: [0, 20] };

export const family: ModelFamily<PgaOptions> = {
  id: 'unfolded-pga',
  title: 'projected gradient ascent on the sum rate, its steps learned (paper 001)',
  paper: 'N. T. Nguyen et al., Fast Deep Unfolded Hybrid Beamforming in Multiuser Large MIMO Systems, Asilomar 2023',
  options: optionsSchema,
  impliedBy: ({ recipe }) => (recipe === 'paper' ? PAPER_RECIPE : {}),
  drawChannels: (options, draw) => drawChannelSet({ ...options, ...draw }),
  network,
};

function network(options: PgaOptions): Network {
  const { elements, rfChains, users, layers, innerSteps, stepCoefficients, recipe } = options;
  const dimensions = { elements, rfChains, users };
  const isPaper = recipe === 'paper';
  // The paper's network takes every layer and answers with the last; ours skips layers that overshoot and answers with the best beam.
  const guarded = !isPaper;
  const graph = describeGraph(options, guarded);
  const start = startingSteps(options);
  return {
    parameters: asParameters(start),
    trainingGraph: () => encodeTrainingGraph(graph),
    rateGraph: () => encodeRateGraph(graph),
    modelGraph: (learned) => encodeUnfoldedPga({ dimensions, steps: withLearned(start, learned), guarded }),
    // The paper: 0.97 for each epoch.
    ...(isPaper ? { learningRateAt: (epoch: number) => options.learningRate * 0.97 ** epoch } : {}),
    card: {
      title: `Unfolded PGA, ${counted(layers, 'layer')} of ${counted(innerSteps, 'step')}: ${counted(elements, 'element')}, ${counted(rfChains, 'RF chain')}, ${counted(users, 'user')}`,
      layers,
      innerSteps,
      stepCoefficients,
      guarded,
      recipe,
      layerWeights: graph.layerWeights,
    },
  };
}

function describeGraph(options: PgaOptions, guarded: boolean): UnfoldedAscent {
  const { elements, rfChains, users, layers, innerSteps, stepCoefficients, recipe, clipNorm } = options;
  const isPaper = recipe === 'paper';
  // All layers together weigh a fifth of the answer, later ones more. The paper's loss has the answer alone.
  const layerWeight = (layer: number) => (isPaper ? 0 : (0.4 * (layer + 1)) / (layers * layers));
  const dimensions = { elements, rfChains, users };
  const described: UnfoldedAscent = {
    name: 'unfolded-pga',
    dimensions,
    layers,
    innerSteps,
    form: isPaper ? 'plain' : 'log',
    coefficients: stepCoefficients,
    snrRangeDb: normalisedRange(options),
    guarded,
    layerWeights: Array.from({ length: layers }, (_, layer) => layerWeight(layer)),
    values: ({ normalised }, steps) => unfoldedPga(normalised, steps, dimensions, { guarded, answer: 'last' }).rates,
  };
  return isPaper ? described : { ...described, clipNorm };
}

function startingSteps(options: PgaOptions): StepSizes {
  const { layers, innerSteps, elements, recipe, stepCoefficients } = options;
  if (recipe === 'paper') return constantSteps(layers, innerSteps, 0.01, 1e-4);
  return fallingSteps({ layers, innerSteps, elements, coefficients: stepCoefficients, snrRangeDb: normalisedRange(options) });
}

/**
 * Phase extraction on the row space of the channel, unfolded: what is learned are a momentum for each layer and how far each step of the digital
 * precoder goes on, some thirty numbers that do not depend on the array's size.
 */
import { z } from 'zod';
import { counted } from '../../core/errors/counted.ts';
import type { ModelFamily, Network } from '../family.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { arrayOptions, count, courseOptions, drawOptions, option } from '../training/training-options.ts';
import { encodeModelGraph, encodeRateGraph, encodeTrainingGraph, parameterShapes } from './graphs.ts';

const optionsSchema = z.strictObject({
  ...arrayOptions,
  layers: option(count.default(10), 'i', 'layers of phase extraction'),
  digitalSteps: option(count.default(8), 'j', 'steps of weighted MMSE for the digital precoder'),
  ...courseOptions({ channels: 1000, epochs: 30, batch: 50, learningRate: 0.05 }),
  clipNorm: option(z.number().min(1e-12).max(1e12).default(1), 'x', "clips one channel's gradient", { rare: true }),
  ...drawOptions,
});

type PhaseExtractionOptions = z.output<typeof optionsSchema>;

export const family: ModelFamily<PhaseExtractionOptions> = {
  id: 'unfolded-phase-extraction',
  title: 'phase extraction on the row space of the channel, its momentum learned',
  paper:
    'X. Yu et al., Alternating Minimization Algorithms for Hybrid Precoding in mmWave MIMO Systems, IEEE JSTSP 2016, on the row space',
  options: optionsSchema,
  drawChannels: (options, draw) => drawChannelSet({ ...options, ...draw }),
  network,
};

function network({ elements, rfChains, users, layers, digitalSteps, clipNorm }: PhaseExtractionOptions): Network {
  const options = { dimensions: { elements, rfChains, users }, layers, digitalSteps, clipNorm };
  // By hand: past 1.5 the momentum fails; users whose power has to move creep at high SNR.
  const hand = { momentum: 1, extrapolation: 0.75, extrapolationSlope: 0.25 };
  const parameters = Object.entries(parameterShapes(options)).map(([name, shape]) => ({
    name,
    shape,
    start: new Float64Array(shape[0]).fill(hand[name as keyof typeof hand]),
  }));
  return {
    parameters,
    trainingGraph: () => encodeTrainingGraph(options),
    rateGraph: () => encodeRateGraph(options),
    modelGraph: ([momentum, extrapolation, extrapolationSlope]) =>
      encodeModelGraph(options, { momentum, extrapolation, extrapolationSlope }),
    card: {
      title: `Unfolded phase extraction, ${counted(layers, 'layer')}, ${counted(digitalSteps, 'digital step')}: ${counted(elements, 'element')}, ${counted(rfChains, 'RF chain')}, ${counted(users, 'user')}`,
      layers,
      innerSteps: 1,
      guarded: false,
      recipe: 'beamrig',
      // The loss has the answer alone: a layer has no digital precoder of its own.
      layerWeights: Array.from({ length: layers }, () => 0),
    },
  };
}

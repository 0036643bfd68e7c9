/**
 * The family of paper 000: projected gradient ascent on communications and sensing, R − ω·τ, unfolded into layers whose step sizes are learned.
 *
 * What it takes beside the paper's recipe: steps as logarithms, their polynomials in the SNR, each channel's gradient clipped by itself, and a
 * loss that asks for a good beam not at the end alone but at a few stops on the way. That last one counts: long steps get far, A is good once a
 * layer of short ones has calmed it, and training then finds where to put these.
 */
import { z } from 'zod';
import { counted } from '../../core/errors/counted.ts';
import { wantedCovarianceFactor } from '../../core/signal/wanted-pattern.ts';
import type { ModelFamily, Network } from '../family.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { arrayOptions, count, courseOptions, drawOptionsOver, option } from '../training/training-options.ts';
import { ascentOptions, paperHasOneNumberAStep, recipeOption } from '../unfolded-ascent/ascent-options.ts';
import {
  alternatingSteps,
  asParameters,
  constantSteps,
  normalisedRange,
  withLearned,
  type StepSizes,
} from '../unfolded-ascent/step-sizes.ts';
import { encodeRateGraph, encodeTrainingGraph, type UnfoldedAscent } from '../unfolded-ascent/training-graph.ts';
import { climbed, encodeUpganet, type TrainedSensing } from './graphs.ts';

const { stepCoefficients, clipNorm } = ascentOptions;
const { channels, validationChannels, epochs, batch, learningRate } = courseOptions({
  channels: 400,
  epochs: 5,
  batch: 25,
  learningRate: 0.1,
});

const optionsSchema = z
  .strictObject({
    ...arrayOptions,
    layers: option(count.default(120), 'i', 'layers of the network'),
    innerSteps: option(count.default(10), 'j', 'gradient steps of a layer on the phases'),
    digitalGradient: option(
      z.enum(['signal-only', 'exact']).default('signal-only'),
      'name',
      "of the digital steps; signal-only is that of the authors' program, which leaves the interference out",
    ),
    sensingWeight: option(z.number().min(0).max(1e6).default(0.3), 'x', 'ω of R − ωτ while it learns'),
    stepCoefficients,
    channels,
    validationChannels,
    epochs,
    batch,
    learningRate,
    clipNorm,
    ...drawOptionsOver([0, 12]),
    recipe: recipeOption('000'),
  })
  .refine(...paperHasOneNumberAStep);

export type UpganetTraining = z.output<typeof optionsSchema>;

/** Paper 000, section IV. It names no learning rate; this one is Adam's own. */
const paperRecipe = (innerSteps: unknown) => ({
  stepCoefficients: 1,
  channels: 1000,
  epochs: innerSteps === 1 ? 100 : 30,
  learningRate: 0.001,
});
const PAPER_STEP = 0.01;

export const family: ModelFamily<UpganetTraining> = {
  id: 'upganet',
  title: 'projected gradient ascent on communications and sensing, its steps learned (paper 000)',
  paper: 'N. T. Nguyen et al., Deep Unfolding-Empowered MmWave Massive MIMO Joint Communications and Sensing',
  options: optionsSchema,
  impliedBy: ({ recipe, innerSteps }) => (recipe === 'paper' ? paperRecipe(innerSteps) : {}),
  drawChannels: (options, draw) => drawChannelSet({ ...options, ...draw }),
  network,
};

/** SNRs that the paper is about, dB. */
const JUDGED_AT_DB = [0, 2, 4, 6, 8, 10, 12];

function network(options: UpganetTraining): Network {
  const { elements, rfChains, users, layers, innerSteps, stepCoefficients, digitalGradient, sensingWeight, recipe } = options;
  const dimensions = { elements, rfChains, users };
  // The paper's network takes every layer and answers with the last; ours skips layers that run away and answers with the best beam.
  const guarded = recipe !== 'paper';
  const start = startingSteps(options);
  let known: TrainedSensing | undefined;
  const sensing = (): TrainedSensing => (known ??= { factor: trainedFactor(options), weight: sensingWeight });
  const graph = (): UnfoldedAscent => ({
    ...describeGraph(options, start),
    ...climbed(dimensions, sensing(), { digitalGradient, guarded }),
  });
  const columns = columnsFor(users);
  return {
    parameters: asParameters(start),
    trainingGraph: () => encodeTrainingGraph(graph()),
    rateGraph: () => encodeRateGraph(graph()),
    modelGraph: (learned) => encodeUpganet({ dimensions, steps: withLearned(start, learned), columns, digitalGradient, guarded }),
    judgedAtDb: JUDGED_AT_DB,
    sensing: { columns, weight: sensingWeight, factor: () => sensing().factor },
    card: {
      title: `UPGANet, ${counted(layers, 'layer')} of ${counted(innerSteps, 'step')}: ${counted(elements, 'element')}, ${counted(rfChains, 'RF chain')}, ${counted(users, 'user')}`,
      layers,
      innerSteps,
      stepCoefficients,
      guarded,
      recipe,
      layerWeights: layerWeights(options),
    },
  };
}

/** R of a file: a wanted covariance of rank K that K streams can radiate, and room for one that is only near to that. */
const columnsFor = (users: number): number => Math.max(8, 2 * users);

const DEGREE = Math.PI / 180;

/**
 * What is sensed while it learns, on a half-wave line: the paper's three directions. The authors' Ψ fits boxes of ±2.5° and not the ±5° of the
 * text. Other directions and widths are inputs of the file.
 */
const trainedFactor = ({ elements, users }: UpganetTraining) =>
  wantedCovarianceFactor(
    { kind: 'ula', elements, spacingWavelengths: 0.5 },
    { directionsRad: [-60 * DEGREE, 0, 60 * DEGREE], halfWidthRad: 2.5 * DEGREE, streams: users },
  );

function describeGraph(options: UpganetTraining, { form, snrRangeDb }: StepSizes): Omit<UnfoldedAscent, 'values' | 'figures'> {
  const { elements, rfChains, users, layers, innerSteps, stepCoefficients, recipe, clipNorm } = options;
  return {
    name: 'upganet',
    dimensions: { elements, rfChains, users },
    layers,
    innerSteps,
    form,
    coefficients: stepCoefficients,
    snrRangeDb,
    guarded: recipe !== 'paper',
    layerWeights: layerWeights(options),
    ...(recipe === 'paper' ? {} : { clipNorm }),
  };
}

/** Of the way: where a beam is asked for beside the answer. */
const STOPS = 12;
const STOP_WEIGHT = 0.15;
/** All layers together beside the stops, so that each has a say. */
const LAYERS_WEIGHT = 0.2;

/** The paper's loss has the answer alone. */
function layerWeights({ layers, recipe }: UpganetTraining): number[] {
  const stopsBy = (layer: number): number => Math.floor((STOPS * layer) / layers);
  const weight = (layer: number): number =>
    LAYERS_WEIGHT / layers + (stopsBy(layer) > stopsBy(layer - 1) && layer < layers ? STOP_WEIGHT : 0);
  return Array.from({ length: layers }, (_, i) => (recipe === 'paper' ? 0 : weight(i + 1)));
}

/**
 * From a rough search at N = 64: short enough that no layer runs away. μ grows with N, since users hear a phase the less the more there are, and
 * may be longer where a layer has fewer steps; λ falls with N, and is much lower where D follows the true gradient, steep where interference is
 * nulled.
 */
export function startingSteps(options: UpganetTraining): StepSizes {
  const { layers, innerSteps, elements, recipe, stepCoefficients: coefficients, digitalGradient } = options;
  const snrRangeDb = normalisedRange(options);
  if (recipe === 'paper') return { ...constantSteps(layers, innerSteps, PAPER_STEP, PAPER_STEP), snrRangeDb };
  const lambda = (digitalGradient === 'exact' ? 1e-4 : 0.03) * (64 / elements);
  const logMu = [Math.log(0.04 * (elements / 64) * Math.sqrt(20 / innerSteps)), -0.5];
  return alternatingSteps({ layers, innerSteps, coefficients, snrRangeDb, logMu, logLambda: [Math.log(lambda)] });
}

/**
 * phase-net: one file of numbers for every array. The numbers say how steps go, not what they are taken on, so the graph is built for the rig at
 * hand, of any size and connection, and for any budget of steps. Where sensing counts, it is a network of other steps and numbers
 * (sensing-network.ts), which are learned apart, by models/reproduce/learn-sensing.ts.
 */
import { z } from 'zod';
import { counted } from '../../core/errors/counted.ts';
import type { ModelFamily, Network } from '../family.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { arrayOptions, courseOptions, drawOptions, elementCount, option } from '../training/training-options.ts';
import {
  encodeModelGraph,
  encodeRateGraph,
  encodeTrainingGraph,
  encodeWordsTraining,
  trainingTasks,
  wordsTasks,
} from './graphs.ts';
import type { Schedule } from './schedule.ts';
import { NUMBERS_SHAPE, SCHEDULE_NAMES, startOf, UNITS } from './schedule.ts';
import { encodeSensingModel } from './sensing-graphs.ts';
import { SENSING_PARAMETERS } from './sensing-schedule.ts';

/** With more bits rounding costs next to nothing, and each doubles what is asked of every phase (states.ts). */
const MOST_PHASE_BITS = 4;

const optionsSchema = z.strictObject({
  ...arrayOptions,
  elements: option(elementCount.default(64), 'n', 'antenna elements; its parts are learned from, too'),
  steps: option(z.int().min(1).max(100).default(10), 't', 'budget of steps that most is learned at'),
  phaseBits: option(
    z.int().min(1).max(MOST_PHASE_BITS).optional(),
    'q',
    'learn what is best for phases of 1 to so many bits; the other numbers stay as they are in the model of --from, or in the one that comes with beamrig',
    { rare: true },
  ),
  ...courseOptions({ channels: 600, epochs: 60, batch: 50, learningRate: 0.005 }),
  clipNorm: option(z.number().min(1e-12).max(1e12).default(0.05), 'x', "clips one channel's gradient", { rare: true }),
  ...drawOptions,
  snrRangeDb: drawOptions.snrRangeDb.default([-10, 26]),
});

type PhaseNetOptions = z.output<typeof optionsSchema>;

const ofSchedule = SCHEDULE_NAMES.map((name) => ({ name, shape: NUMBERS_SHAPE }));

export const family: ModelFamily<PhaseNetOptions> = {
  id: 'phase-net',
  title: 'phase extraction and gradient steps on the phases, blended: one set of numbers for every array',
  paper: 'none; phase extraction after X. Yu et al., IEEE JSTSP 2016, weighted MMSE after Q. Shi et al., IEEE TSP 2011',
  options: optionsSchema,
  drawChannels: (options, draw) => drawChannelSet({ ...options, ...draw }),
  network,
  anyArray: {
    form: 1,
    numbers: ofSchedule,
    steps: { usual: 30, most: 1000 },
    words: { form: 1, numbers: ofSchedule },
    modelGraph: (numbers, array) => encodeModelGraph(array, asSchedule(numbers)),
    sensing: {
      form: 1,
      numbers: SENSING_PARAMETERS.map(({ name, shape }) => ({ name, shape })),
      usualSteps: 60,
      // Every covariance of up to 64 elements has as many.
      mostColumns: 64,
      modelGraph: (numbers, array) => encodeSensingModel(array, numbers),
    },
  },
};

const asSchedule = (learned: readonly Float64Array[]): Schedule<Float64Array> =>
  Object.fromEntries(SCHEDULE_NAMES.map((name, i) => [name, learned[i]])) as unknown as Schedule<Float64Array>;

function network({ elements, rfChains, users, steps, clipNorm, phaseBits }: PhaseNetOptions): Network {
  const drawn = { elements, rfChains, users };
  const tasks = phaseBits === undefined ? trainingTasks(drawn, steps) : wordsTasks(drawn, steps);
  const whole = { ...drawn, steps };
  return {
    ...(phaseBits === undefined ? {} : { byDifferences: true, mostPhaseBits: phaseBits }),
    parameters: SCHEDULE_NAMES.map((name, i) => ({
      ...{ ...ofSchedule[i], start: startOf(name) },
      ...(phaseBits === undefined ? {} : { unit: UNITS[name] }),
    })),
    turns: tasks.length,
    trainingGraph: (turn = 0) =>
      phaseBits === undefined
        ? encodeTrainingGraph(tasks[turn], { drawn, clipNorm })
        : encodeWordsTraining(tasks[turn], { drawn, mostPhaseBits: phaseBits }),
    rateGraph: () => encodeRateGraph(whole, phaseBits),
    modelGraph: (learned) => encodeModelGraph(whole, asSchedule(learned)),
    card: {
      title: `phase-net for every array and any budget of steps, trained for ${counted(steps, 'step')}`,
      layers: steps,
      innerSteps: 1,
      stepCoefficients: NUMBERS_SHAPE[1],
      guarded: true,
      recipe: 'beamrig',
      layerWeights: Array.from({ length: steps }, () => 0),
    },
  };
}

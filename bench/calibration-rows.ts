/** The rows of `calibration.ts`, each by itself: a task of a thread. */
import { againstReference } from '../calibration/against-reference.ts';
import { drawnArray, measured } from '../calibration/drawn-array.ts';
import { USUAL_SPREAD } from '../calibration/estimate-states.ts';
import type { CalibrationMethod, MethodSetup } from '../calibration/method.ts';
import { CALIBRATION_METHODS } from '../calibration/methods.ts';
import { offsetsOf } from '../calibration/nominal-grid.ts';
import { stateDifference } from '../calibration/state-difference.ts';
import { createRandom } from '../core/signal/random.ts';
import { amplitudeBoundDeg, complexBoundDeg } from './calibration-bounds.ts';
import { drifting, flawed, type Drifted, type Flawed } from './calibration-cases.ts';
import { stateBoundDeg } from './calibration-state-bounds.ts';

export const [ELEMENTS, BITS] = [64, 6];
const SPREAD = { phaseStateErrorDeg: 3, gainStateErrorDb: 0.3 };

interface Case {
  method: string;
  /** By power alone, against a reference three times as strong as the array in the mean. */
  byPower?: boolean;
  readings?: number;
  /** What is compared: what elements show in state 0, what their states have in common, or all states. */
  of: 'state 0' | 'offsets' | 'states';
  /** So many of the arrays alone are measured, where each takes long. */
  share?: number;
  snrsDb?: readonly number[];
}
const CASES: Case[] = [
  { method: 'hadamard', readings: 64, of: 'state 0' },
  { method: 'hadamard', readings: 128, of: 'state 0' },
  { method: 'hadamard', readings: 256, of: 'state 0' },
  { method: 'steering', of: 'offsets' },
  { method: 'complex', readings: 64, of: 'state 0' },
  { method: 'rev', readings: 1024, of: 'offsets' },
  { method: 'rev', readings: 4096, of: 'offsets' },
  { method: 'on-off', of: 'state 0' },
  { method: 'complex', of: 'states' },
  { method: 'coded', readings: 4352, of: 'states', share: 0.5 },
  { method: 'coded', readings: 8192, of: 'states', share: 0.3 },
  { method: 'pairwise', of: 'states', share: 0.5 },
  { method: 'hadamard', byPower: true, readings: 272, of: 'state 0' },
  { method: 'hadamard', byPower: true, readings: 528, of: 'state 0' },
  { method: 'coded', byPower: true, readings: 8192, of: 'states', share: 0.2 },
  { method: 'coded', byPower: true, readings: 16_384, of: 'states', share: 0.2, snrsDb: [20] },
];

export interface MethodRow {
  method: string;
  of: Case['of'];
  readings: number;
  snrDb: number;
  arrays: number;
  phaseDeg: number;
  phaseStderr: number;
  gainDb: number;
  boundDeg: number;
  /** With what the states miss the grid by unknown; absent where nothing of that is shown, or it takes too long. */
  stateBoundDeg?: number | undefined;
}

function methodOf(name: string): CalibrationMethod {
  const method = CALIBRATION_METHODS.find((each) => each.name === name);
  if (method === undefined) throw new Error(`no method ${name}`);
  return method;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const stderr = (values: readonly number[]): number =>
  Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)) / Math.max(values.length - 1, 1));

function rowOf({ method: name, byPower = false, readings, of, share = 1 }: Case, snrDb: number, all: number): MethodRow {
  const arrays = Math.max(2, Math.round(share * all));
  const complex = methodOf(name);
  const method = byPower ? againstReference(complex) : complex;
  const title = byPower ? `${name}\`, power` : `${name}\``;
  const noise = 10 ** (-snrDb / 10);
  const setup = (seed: number): MethodSetup => ({
    ...{ elements: ELEMENTS, phaseBits: BITS, elementEnable: true, noise },
    random: createRandom(seed).stream('plan'),
    ...(readings === undefined ? {} : { readings }),
  });
  // Of power against a reference: two readings are worth a complex one.
  const boundSetup = byPower ? { ...setup(0), readings: (readings ?? 0) / 2 } : setup(0);
  const complexBound = complex.hears === 'complex' ? complexBoundDeg(complex, boundSetup, noise, of === 'states') : NaN;
  const errors = Array.from({ length: arrays }, (_, seed) => {
    const random = createRandom(1000 + seed);
    const drawn = drawnArray({ elements: ELEMENTS, phaseBits: BITS, random: random.stream('array'), ...SPREAD });
    const { states } = measured(method, drawn, setup(seed), noise, random.stream('noise'));
    const isShown = (at: number): boolean => of === 'states' || at % 2 ** BITS === 0;
    const difference =
      of === 'offsets'
        ? stateDifference(offsetsOf(states, 2 ** BITS), offsetsOf(drawn, 2 ** BITS))
        : stateDifference(states, drawn, isShown);
    // That of complex readings depends on the plan alone: one is as good as another.
    const boundDeg = method.hears === 'power' && !byPower ? amplitudeBoundDeg(method, setup(seed), drawn, noise) : complexBound;
    return { ...difference, boundDeg };
  });
  const phases = errors.map(({ phaseDeg }) => phaseDeg);
  return {
    ...{
      method: title,
      of,
      snrDb,
      arrays,
      readings: method.readings(setup(0)),
      stateBoundDeg: stateBoundOf(method, of, setup(0), noise),
    },
    ...{ phaseDeg: mean(phases), phaseStderr: stderr(phases), gainDb: mean(errors.map(({ gainDb }) => gainDb)) },
    boundDeg: mean(errors.map(({ boundDeg }) => boundDeg)),
  };
}

const MOST_READINGS_BOUNDED = 400;

/** Of the first array: of plans that show more than state 0 and look for offsets. */
function stateBoundOf(method: CalibrationMethod, of: Case['of'], setup: MethodSetup, noise: number): number | undefined {
  if (of === 'states' || method.needsReference === true || method.readings(setup) > MOST_READINGS_BOUNDED) return undefined;
  const array = drawnArray({ elements: ELEMENTS, phaseBits: BITS, random: createRandom(1000).stream('array'), ...SPREAD });
  const step = method.run(setup).next();
  if (step.done === true || step.value.words.every((word) => word === 0)) return undefined;
  return stateBoundDeg(step.value, { array, noise, spread: USUAL_SPREAD, hears: method.hears, of });
}

export interface CalibrationJob {
  arrays: number;
}

const FLAWED_ARRAYS = 50;
const SNRS_DB = [10, 20, 30];

interface Task<Row> {
  run(job: CalibrationJob): Row;
  /** How long it takes, roughly: the longest are begun first. */
  weight: number;
}

const task = <Row>(weight: number, run: (job: CalibrationJob) => Row): Task<Row> => ({ weight, run });

export type CalibrationRow = { method: MethodRow } | { drift: Drifted } | { flaws: Flawed };

/** In the order in which they are shown. */
export const TASKS: readonly Task<CalibrationRow>[] = [
  ...CASES.flatMap((each) =>
    (each.snrsDb ?? SNRS_DB).map((snrDb) =>
      task((each.share ?? 1) * (each.readings ?? 0) * (each.byPower === true ? 20 : 1), ({ arrays }) => ({
        method: rowOf(each, snrDb, arrays),
      })),
    ),
  ),
  ...[4352, 8192].map((readings) =>
    task(8 * readings, ({ arrays }) => ({ drift: drifting(readings, Math.max(2, Math.round(arrays / 2))) })),
  ),
  ...SNRS_DB.map((snrDb) => task(50_000, () => ({ flaws: flawed(FLAWED_ARRAYS, snrDb) }))),
];

/** Places in TASKS, the longest first. */
export const TASK_ORDER: readonly number[] = Array.from(TASKS.keys()).sort((a, b) => TASKS[b].weight - TASKS[a].weight);

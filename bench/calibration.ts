/**
 * How exactly each calibration method knows an array, beside the least error that its readings allow, and what it takes: readings, bytes, seconds on a line.
 * Arrays are drawn: offsets in ±π, ±1.5 dB, every state wrong by itself by 3° and 0.3 dB RMS. N = 64, Q = 6.
 *
 *   npx tsx bench/calibration.ts [--arrays 10] [--output docs/results/calibration.md]
 *
 * The bound of methods that hear complex values is what the readings and the nominal grid leave of a state's variance where noise and spread are known
 * (the Bayesian Cramér-Rao bound of a linear Gaussian model); of methods that hear powers that of the same settings heard by amplitude alone, at high SNR.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { drawnArray, measured } from '../calibration/drawn-array.ts';
import type { CalibrationMethod, MethodSetup } from '../calibration/method.ts';
import { CALIBRATION_METHODS } from '../calibration/methods.ts';
import { offsetsOf } from '../calibration/nominal-grid.ts';
import { stateDifference } from '../calibration/state-difference.ts';
import { createRandom } from '../core/signal/random.ts';
import { againstReference } from '../calibration/against-reference.ts';
import { USUAL_SPREAD } from '../calibration/estimate-states.ts';
import { machine } from '../models/reproduce/provenance.ts';
import { amplitudeBoundDeg, complexBoundDeg } from './calibration-bounds.ts';
import { bytesOfReading } from './calibration-bytes.ts';
import { stateBoundDeg } from './calibration-state-bounds.ts';
import { beamLossesDb, drifting, flawsFound } from './calibration-cases.ts';

const { values: options } = parseArgs({
  options: { arrays: { type: 'string', default: '10' }, output: { type: 'string' } },
});
const arrays = Number(options.arrays);
const [ELEMENTS, BITS] = [64, 6];
const BAUD = 921_600;
const BITS_A_BYTE = 10;
const SPREAD = { phaseStateErrorDeg: 3, gainStateErrorDb: 0.3 };

interface Case {
  method: string;
  /** By power alone, against a reference three times as strong as the array in the mean. */
  byPower?: boolean;
  readings?: number;
  /** What is compared: what elements show in state 0, what their states have in common, or all states. */
  of: 'state 0' | 'offsets' | 'states';
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
  { method: 'coded', readings: 4352, of: 'states' },
  { method: 'coded', readings: 8192, of: 'states' },
  { method: 'pairwise', of: 'states' },
  { method: 'hadamard', byPower: true, readings: 272, of: 'state 0' },
  { method: 'hadamard', byPower: true, readings: 528, of: 'state 0' },
  { method: 'coded', byPower: true, readings: 8192, of: 'states' },
  { method: 'coded', byPower: true, readings: 16_384, of: 'states' },
];

interface Row {
  method: string;
  of: Case['of'];
  readings: number;
  snrDb: number;
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

function rowOf({ method: name, byPower = false, readings, of }: Case, snrDb: number): Row {
  const complex = methodOf(name);
  const method = byPower ? againstReference(complex) : complex;
  const title = byPower ? `${name}\`, power` : `${name}\``;
  console.error(`${name}${byPower ? ' by power' : ''}, ${of}, ${snrDb} dB`);
  const noise = 10 ** (-snrDb / 10);
  const setup = (seed: number): MethodSetup => ({
    ...{ elements: ELEMENTS, phaseBits: BITS, elementEnable: true, noise },
    random: createRandom(seed).stream('plan'),
    ...(readings === undefined ? {} : { readings }),
  });
  const errors = Array.from({ length: arrays }, (_, seed) => {
    const random = createRandom(1000 + seed);
    const drawn = drawnArray({ elements: ELEMENTS, phaseBits: BITS, random: random.stream('array'), ...SPREAD });
    const { states } = measured(method, drawn, setup(seed), noise, random.stream('noise'));
    const isShown = (at: number): boolean => of === 'states' || at % 2 ** BITS === 0;
    const difference =
      of === 'offsets'
        ? stateDifference(offsetsOf(states, 2 ** BITS), offsetsOf(drawn, 2 ** BITS))
        : stateDifference(states, drawn, isShown);
    // Of power against a reference: two readings are worth a complex one.
    const halved = { ...setup(seed), readings: (readings ?? 0) / 2 };
    const boundDeg = byPower
      ? complexBoundDeg(complex, halved, noise, of === 'states')
      : method.hears === 'power'
        ? amplitudeBoundDeg(method, setup(seed), drawn, noise)
        : complexBoundDeg(method, setup(seed), noise, of === 'states');
    return { ...difference, boundDeg };
  });
  const phases = errors.map(({ phaseDeg }) => phaseDeg);
  return {
    ...{
      method: title,
      of,
      snrDb,
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

const BYTES = await bytesOfReading({ elements: ELEMENTS, phaseBits: BITS });
const rows = CASES.flatMap((each) => [10, 20, 30].map((snrDb) => rowOf(each, snrDb)));
const seconds = (readings: number, chains: number): string => ((readings * BYTES[chains] * BITS_A_BYTE) / BAUD).toFixed(0);
const lines = [
  '# Calibration: how exactly an array is known',
  '',
  `\`npx tsx bench/calibration.ts --arrays ${arrays} --output docs/results/calibration.md\`, ${machine()}. ${arrays} drawn arrays of N = 64, Q = 6: offsets in ±π, ±1.5 dB, each state wrong by itself by 3° and 0.3 dB RMS. SNR is that of`,
  'one element alone in one reading. RMS over elements (offsets: what they show in state 0) or over all 4,096 states, one common factor taken out, mean over arrays ± standard error. Every reading is a commit. Chains are read',
  `at the same time: four take as many readings as one, and ${BYTES[4]} bytes each where one takes ${BYTES[1]} (both ways, framing included); seconds are those bytes at ${BAUD.toLocaleString('en')} baud.`,
  '',
  'The bound is the least RMS error that these very readings allow: of complex ones from (XᴴX/σ² + prior)⁻¹ (offsets without a prior), of powers from the amplitudes of the same settings.',
  '',
  '| method | finds | readings | s, 1 chain | s, 4 chains | SNR, dB | phase, ° | gain, dB | bound, ° | of the bound | bound with state errors, ° |',
  '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
  ...rows.map(({ method, of, readings, snrDb, phaseDeg, phaseStderr, gainDb, boundDeg, stateBoundDeg: withStates }) =>
    [
      `| \`${method}`,
      ...[of, readings.toLocaleString('en'), seconds(readings, 1), seconds(readings, 4), snrDb],
      ...[
        `${phaseDeg.toFixed(2)} ± ${phaseStderr.toFixed(2)}`,
        gainDb.toFixed(3),
        boundDeg.toFixed(2),
        (phaseDeg / boundDeg).toFixed(2),
        `${withStates === undefined ? '' : withStates.toFixed(2)} |`,
      ],
    ].join(' | '),
  ),
  '',
  '`steering` hears every element in many states and none of them by itself: its offsets are what the states have in common, and end where the states of 3° that were shown do not average out; so do those of `rev`, whose states',
  'are as many as its readings of an element. `on-off` ends where the state a quarter of a turn ahead misses by its own 3°. The last column has the bound for offsets that knows of these errors and not what they are (of the first array; of `rev` it would take',
  'too long). `rev` throws away what the other elements say in each reading. `pairwise` and `complex` at 10 dB are shrunk towards the grid, which the bound of amplitudes knows nothing of. *Power* is against a reference that is three times as',
  'strong at the receiver as the array in the mean; its bound is that of half as many complex readings.',
  '',
  '## Drift, flaws and beams',
  '',
  '| case | readings | what |',
  '| --- | ---: | --- |',
  ...[
    ...drifting(arrays).map(
      ({ readings, ignored, found }) =>
        `| elements drift by 2° RMS while \`coded\` measures, 20 dB | ${readings.toLocaleString('en')} | ${ignored.toFixed(3)}° where nothing drifts is assumed, **${found.toFixed(3)}°** where drift is found |`,
    ),
    ...flawsFound(50).map(
      ({ snrDb, named, missed, falsely }) =>
        `| a dead and a stuck element in each of 50 arrays, ${snrDb} dB | 4,352 | ${named} of 100 named, ${missed} missed, ${falsely} named falsely |`,
    ),
    ...beamLossesDb(50).map(
      ({ snrDb, mean: lost, worst }) =>
        `| beams to drawn directions by the table, a dead and a stuck element, ${snrDb} dB | 4,352 | ${lost.toFixed(4)} dB lost in the mean to words for the states as they are, ${worst.toFixed(4)} at worst |`,
    ),
  ],
  '',
];
const text = lines.join('\n');
if (options.output === undefined) console.log(text);
else writeFileSync(options.output, text);

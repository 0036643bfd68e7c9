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
import { machine } from '../models/reproduce/provenance.ts';
import { amplitudeBoundDeg, complexBoundDeg } from './calibration-bounds.ts';
import { bytesOfReading } from './calibration-bytes.ts';
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
  { method: 'coded', readings: 4096, of: 'states' },
  { method: 'coded', readings: 8192, of: 'states' },
  { method: 'pairwise', of: 'states' },
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
}

function methodOf(name: string): CalibrationMethod {
  const method = CALIBRATION_METHODS.find((each) => each.name === name);
  if (method === undefined) throw new Error(`no method ${name}`);
  return method;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const stderr = (values: readonly number[]): number =>
  Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)) / Math.max(values.length - 1, 1));

function rowOf({ method: name, readings, of }: Case, snrDb: number): Row {
  const method = methodOf(name);
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
    const boundDeg =
      method.hears === 'power'
        ? amplitudeBoundDeg(method, setup(seed), drawn, noise)
        : complexBoundDeg(method, setup(seed), noise, of === 'states');
    return { ...difference, boundDeg };
  });
  const phases = errors.map(({ phaseDeg }) => phaseDeg);
  return {
    ...{ method: name, of, snrDb, readings: method.readings(setup(0)) },
    ...{ phaseDeg: mean(phases), phaseStderr: stderr(phases), gainDb: mean(errors.map(({ gainDb }) => gainDb)) },
    boundDeg: mean(errors.map(({ boundDeg }) => boundDeg)),
  };
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
  '| method | finds | readings | s, 1 chain | s, 4 chains | SNR, dB | phase, ° | gain, dB | bound, ° | of the bound |',
  '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
  ...rows.map(({ method, of, readings, snrDb, phaseDeg, phaseStderr, gainDb, boundDeg }) =>
    [
      `| \`${method}\``,
      ...[of, readings.toLocaleString('en'), seconds(readings, 1), seconds(readings, 4), snrDb],
      ...[
        `${phaseDeg.toFixed(2)} ± ${phaseStderr.toFixed(2)}`,
        gainDb.toFixed(3),
        boundDeg.toFixed(2),
        `${(phaseDeg / boundDeg).toFixed(2)} |`,
      ],
    ].join(' | '),
  ),
  '',
  '`steering` and `rev` hear every element in many states and none of them by itself: their offsets are what the states have in common, and end where the states of 3° that were shown do not average out. `on-off` ends where the state a quarter of a turn ahead',
  'misses by its own 3°. `rev` throws away what the other elements say in each reading. `pairwise` is shrunk towards the grid, which its bound knows nothing of; at 30 dB the element that stays is not as well known as the bound takes it to be.',
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

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
import { machine } from '../models/reproduce/provenance.ts';
import { bytesOfReading } from './calibration-bytes.ts';
import { BITS, ELEMENTS, TASK_ORDER, type CalibrationJob, type CalibrationRow } from './calibration-rows.ts';
import { rowsInThreads } from './rows-in-threads.ts';

const { values: options } = parseArgs({
  options: { arrays: { type: 'string', default: '10' }, output: { type: 'string' } },
});
const arrays = Number(options.arrays);
const BAUD = 921_600;
const BITS_A_BYTE = 10;

const BYTES = await bytesOfReading({ elements: ELEMENTS, phaseBits: BITS });
const begun = await rowsInThreads<CalibrationJob, CalibrationRow>(
  import.meta.url,
  'calibration-worker',
  { arrays },
  TASK_ORDER.length,
  1,
);
const all: CalibrationRow[] = [];
begun.forEach((row, i) => (all[TASK_ORDER[i]] = row));
const rows = all.flatMap((row) => ('method' in row ? [row.method] : []));
const drifts = all.flatMap((row) => ('drift' in row ? [row.drift] : []));
const flaws = all.flatMap((row) => ('flaws' in row ? [row.flaws] : []));
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
  '| method | finds | readings | s, 1 chain | s, 4 chains | SNR, dB | arrays | phase, ° | gain, dB | bound, ° | of the bound | bound with state errors, ° |',
  '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
  ...rows.map(
    ({
      method,
      of,
      readings,
      snrDb,
      arrays: measuredArrays,
      phaseDeg,
      phaseStderr,
      gainDb,
      boundDeg,
      stateBoundDeg: withStates,
    }) =>
      [
        `| \`${method}`,
        ...[of, readings.toLocaleString('en'), seconds(readings, 1), seconds(readings, 4), snrDb, measuredArrays],
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
  ...drifts.map(
    ({ readings, arrays: drifted, ignored, found }) =>
      `| elements of ${drifted} arrays drift by 2° RMS while \`coded\` measures, 20 dB | ${readings.toLocaleString('en')} | ${ignored.toFixed(3)}° where nothing drifts is assumed, **${found.toFixed(3)}°** where drift is found |`,
  ),
  ...flaws.map(
    ({ arrays: flawed, snrDb, named, missed, falsely }) =>
      `| a dead and a stuck element in each of ${flawed} arrays, ${snrDb} dB | 4,352 | ${named} of ${2 * flawed} named, ${missed} missed, ${falsely} named falsely |`,
  ),
  ...flaws.map(
    ({ snrDb, meanLossDb, worstLossDb }) =>
      `| beams of these arrays to drawn directions by the table, ${snrDb} dB | 4,352 | ${meanLossDb.toFixed(4)} dB lost in the mean to words for the states as they are, ${worstLossDb.toFixed(4)} at worst |`,
  ),
  '',
];
const text = lines.join('\n');
if (options.output === undefined) console.log(text);
else writeFileSync(options.output, text);

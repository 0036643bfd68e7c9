/**
 * What a measured table is worth to the array quantiser: sum rates of an imperfect array, its states unknown, measured and known exactly, beside an ideal one.
 *
 *   npx tsx bench/measured-states.ts [--channels 200] [--seed 1] [--quick] [--output docs/results/measured-states.md]
 *
 * Phases by phase extraction, words by the array quantiser from the nearest states, D solved again for the states that the host believes in; radiated by those
 * that are there. Measured means measured: `coded`, one element at 20 dB in a reading, a table for each RF chain.
 */
import { drawnArray, measured } from '../calibration/drawn-array.ts';
import { coded } from '../calibration/methods/coded.ts';
import { createArrayQuantiser } from '../core/signal/array-quantiser.ts';
import type { ArrayStates, Beam, Problem, Quantiser } from '../core/signal/beam-contract.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { DEFAULT_SWEEPS } from '../core/signal/quantiser-names.ts';
import type { ElementStates } from '../core/signal/quantise.ts';
import { createRandom } from '../core/signal/random.ts';
import { fromDb } from '../core/signal/rate.ts';
import { phaseExtraction } from '../models/baselines/phase-extraction.ts';
import { meanAndError } from '../models/evaluation/statistics.ts';
import { pageFlags, writePage } from '../models/reproduce/page.ts';
import { machine } from '../models/reproduce/provenance.ts';
import { rateOver } from '../models/reproduce/rate-over-states.ts';
import { SCALES, show, table } from '../models/reproduce/tables.ts';
import { drawChannelSet } from '../models/training/channel-set.ts';

const ARRAY = { elements: 32, rfChains: 4, users: 4 };
const SNR_DB = 10;
const READING_SNR_DB = 20;
const BITS = [1, 2, 3, 4, 5, 6, 7, 8];
const ERRORS = { phaseStateErrorDeg: 3, gainStateErrorDb: 0.3 };

/** Of chain m the states of its elements, as the array of places has them. */
function statesOf(bits: number, chains: readonly CMatrix[]): ArrayStates {
  const count = 2 ** bits;
  const places = Array.from({ length: ARRAY.elements * ARRAY.rfChains }, (_, place): ElementStates => {
    const { re, im } = chains[place % ARRAY.rfChains];
    const from = Math.floor(place / ARRAY.rfChains) * count;
    return { re: re.subarray(from, from + count), im: im.subarray(from, from + count) };
  });
  return { bits, of: (place) => places[place] };
}

/** The array of this page at Q bits: what it shows, and what was measured of that. */
function imperfectArray(bits: number, seed: number): { there: ArrayStates; table: ArrayStates; readings: number } {
  const noise = fromDb(-READING_SNR_DB);
  let readings = 0;
  const chains = Array.from({ length: ARRAY.rfChains }, (_, m) => {
    const random = createRandom(seed).stream(`array of ${bits} bits, chain ${m}`);
    const truth = drawnArray({ elements: ARRAY.elements, phaseBits: bits, random: random.stream('array'), ...ERRORS });
    const plan = { elements: ARRAY.elements, phaseBits: bits, elementEnable: true, random: random.stream('plan') };
    readings = coded.readings(plan);
    return { truth, found: measured(coded, truth, { ...plan, noise }, noise, random.stream('noise')).states };
  });
  const of = (which: 'truth' | 'found'): ArrayStates =>
    statesOf(
      bits,
      chains.map((chain) => chain[which]),
    );
  return { there: of('truth'), table: of('found'), readings };
}

function beamFor(problem: Problem): Beam {
  const { analog, digital } = phaseExtraction.run(problem);
  return { analogPhase: analog.re.map((re, place) => Math.atan2(analog.im[place], re)), digital };
}

const flags = pageFlags({ channels: 200, output: 'docs/results/measured-states.md' });
const noise = fromDb(-SNR_DB);
/** A new one for each beam: it may know the words of the one before. */
const quantiser = (): Quantiser => createArrayQuantiser({ sweeps: DEFAULT_SWEEPS, start: 'nearest' });
const arrays = BITS.map((bits) => {
  console.error(`Q = ${bits}: measuring`);
  return { bits, ...imperfectArray(bits, flags.seed) };
});
const sections = SCALES.map((scale) => {
  const set = drawChannelSet({ seed: flags.seed, name: 'test', count: flags.channels, ...ARRAY, paths: 10, scale });
  const problems = set.channels.map((channel): Problem => ({ channel, rfChains: ARRAY.rfChains, power: 1, noise }));
  const beams = problems.map(beamFor);
  const rows = arrays.map(({ bits, there, table: known, readings }) => {
    console.error(`${scale}, Q = ${bits}: ${flags.channels} channels`);
    const ideal: ArrayStates = { bits };
    const rates = ([believed, shown]: readonly [ArrayStates, ArrayStates]): number[] =>
      problems.map((problem, i) => rateOver(problem, beams[i], believed, shown, quantiser()));
    const [perfect, unknown, measuredRates, exact] = (
      [
        [ideal, ideal],
        [ideal, there],
        [known, there],
        [there, there],
      ] as const
    ).map(rates);
    const lost = measuredRates.map((rate, i) => exact[i] - rate);
    return [
      String(bits),
      readings.toLocaleString('en'),
      ...[perfect, unknown, measuredRates, exact].map((each) => show(meanAndError(each))),
      show(meanAndError(lost), true),
    ];
  });
  const head = [
    'Q',
    'readings',
    'ideal array',
    'imperfect, not calibrated',
    'calibrated',
    'known exactly',
    'lost to noise of the table',
  ];
  return `## \`${scale}\`\n\n${table(head, rows)}`;
});
writePage(flags, [
  '# The array quantiser on measured states',
  `N = 32, M = K = 4, ${SNR_DB} dB, ${flags.channels} channels of 10 paths of the stream \`test\` of seed ${flags.seed}. Sum rates in bit/s/Hz ± standard error; the last column on paired channels. Phases by phase extraction, words by the array ` +
    `quantiser in ${DEFAULT_SWEEPS} sweeps, D for the states that the host believes in. The imperfect array has an offset in ±π and ±1.5 dB of each phase shifter, and 3° and 0.3 dB RMS of each state by itself; ` +
    `its gains are 0 dB in the mean, so that it radiates 0.1 dB more than the ideal one in the mean of powers. *Calibrated*: words and D by a table that \`coded\` measured with one element at ${READING_SNR_DB} dB in a reading.`,
  `\`npx tsx bench/measured-states.ts --channels ${flags.channels} --seed ${flags.seed}\` on ${machine()}.`,
  ...sections,
]);

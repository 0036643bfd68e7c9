/**
 * What sounding costs in computing: an estimate of all users from one sounding, cold and warm from the last spectrum, by a covariance that is known,
 * and the slot that is fused with it; and how that grows with the array.
 *
 *   npx tsx bench/sounding.ts [--elements 64] [--json]
 *
 * M = K = 4, 10 paths, 20 dB. More elements need a few more beams, not as many more as there are elements; the error says what they give. Processor time of this process, so that others on the
 * machine count less; the least of some rounds over the same soundings. The goal: at N = 64, 2 ms for a sounding warm from the last, with its fusion.
 */
import { parseArgs } from 'node:util';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { createRandom } from '../core/signal/random.ts';
import { machine } from '../models/reproduce/provenance.ts';
import { steeringDictionary } from '../sounding/dictionary.ts';
import { covariance } from '../sounding/estimators/covariance.ts';
import { sparseBayesian } from '../sounding/estimators/sparse-bayesian.ts';
import { fuse } from '../sounding/fuse.ts';
import { createLearnedCovariance } from '../sounding/learned-covariance.ts';
import { seenDirections } from '../sounding/seen-directions.ts';
import { randomBeams, shownBeams } from '../sounding/sounding-beams.ts';
import { channelAt, drawUsers, lineArray, noiseAt, normalisedError, readingsOf, RF_CHAINS, USERS } from './sounding-scene.ts';

const { values: options } = parseArgs({
  options: { elements: { type: 'string' }, json: { type: 'boolean', default: false } },
});
const BEAMS = new Map([
  [16, 12],
  [64, 24],
  [256, 36],
  [1024, 48],
]);
const sizes = options.elements === undefined ? [...BEAMS.keys()] : [Number(options.elements)];
if (!sizes.every((elements) => BEAMS.has(elements))) {
  console.error(`--elements is ${options.elements}, none of ${[...BEAMS.keys()].join(', ')}. Try: npx tsx bench/sounding.ts`);
  process.exit(2);
}
const PATHS = 10;
const PILOT_SNR_DB = 20;
const GOAL_MS = 2;
const ROUNDS = 9;

interface Costs {
  elements: number;
  beams: number;
  /** ‖Ĥ − H‖²/‖H‖² of the cold estimate. */
  errorDb: number;
  prepareMs: number;
  coldMs: number;
  warmMs: number;
  covarianceMs: number;
  learnMs: number;
  fuseMs: number;
}

function costsOf(elements: number): Costs {
  const random = createRandom(1).stream('bench sounding');
  const array = lineArray(elements);
  const noise = noiseAt(PILOT_SNR_DB, elements);
  const slots = (BEAMS.get(elements) ?? 0) / RF_CHAINS;
  const dictionary = steeringDictionary(array.geometry);
  const shown = shownBeams(array, randomBeams(array, slots, random));
  const analog = shownBeams(array, randomBeams(array, 1, random));
  const sounded = seenDirections(shown, dictionary);
  const cases = Array.from({ length: elements > 256 ? 5 : 20 }, () => {
    const channel = channelAt(array, drawUsers(random, PATHS));
    return { channel, values: readingsOf(channel, shown, noise, random), again: readingsOf(channel, analog, noise, random) };
  });
  const prepared = sparseBayesian.prepare(sounded);
  const known = covariance.prepare(sounded);
  const estimates = cases.map(({ values }) => prepared(values, noise));
  const spectra = estimates.map((estimate) => estimate.spectra);
  const each = (of: (one: { values: CMatrix; again: CMatrix }, i: number) => void): number =>
    leastMs(elements > 256 ? 2 : ROUNDS, () => cases.forEach(of)) / cases.length;
  return {
    elements,
    beams: shown.cols,
    errorDb:
      10 *
      Math.log10(estimates.reduce((sum, { channel }, i) => sum + normalisedError(channel, cases[i].channel), 0) / cases.length),
    prepareMs: leastMs(2, () => sparseBayesian.prepare(seenDirections(shown, dictionary))(cases[0].values, noise)),
    coldMs: each(({ values }) => prepared(values, noise)),
    warmMs: each(({ values }, i) => prepared(values, noise, spectra[i])),
    covarianceMs: each(({ values }, i) => known(values, noise, spectra[i])),
    learnMs:
      leastMs(1, () => {
        const learned = createLearnedCovariance();
        for (let sounding = 0; sounding < 4; sounding++) learned.add(sounded, cases[sounding % cases.length].values, noise);
      }) / 4,
    fuseMs: each(({ again }, i) => fuse(estimates[i], analog, again, noise)),
  };
}

/** Of some rounds after one that does not count. */
function leastMs(rounds: number, work: () => void): number {
  let least = Infinity;
  for (let round = -1; round < rounds; round++) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    if (round >= 0) least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

const costs = sizes.map(costsOf);
const at64 = costs.find(({ elements }) => elements === 64);
if (options.json) {
  console.log(JSON.stringify({ bench: 'sounding', machine: machine(), users: USERS, costs }, null, 2));
} else {
  const short = (ms: number): string => String(Number(ms.toPrecision(3)));
  console.log(
    `M = K = ${USERS}, ${PATHS} paths, ${PILOT_SNR_DB} dB; processor ms for all users, least of ${ROUNDS}; ${machine()}\n`,
  );
  console.log(
    '| N | beams | error, dB | prepared, once a set of beams | cold | warm | covariance known | learned, a sounding | fused |',
  );
  console.log('| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const { elements, beams, errorDb, prepareMs, coldMs, warmMs, covarianceMs, learnMs, fuseMs } of costs) {
    const cells = [prepareMs, coldMs, warmMs, covarianceMs, learnMs, fuseMs].map(short);
    console.log(`| ${[elements, beams, errorDb.toFixed(1), ...cells].join(' | ')} |`);
  }
  if (at64 !== undefined) {
    const line = (what: string, ms: number): void =>
      console.log(`${what} within ${GOAL_MS} ms: ${ms <= GOAL_MS ? 'holds' : 'does not hold'}, ${short(ms)} ms.`);
    console.log();
    line('A sounding warm from the last, and fused,', at64.warmMs + at64.fuseMs);
    line('By a covariance that is known, and fused,', at64.covarianceMs + at64.fuseMs);
    line('A first sounding, cold, and fused,', at64.coldMs + at64.fuseMs);
  }
}

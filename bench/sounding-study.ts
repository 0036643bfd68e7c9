/**
 * What sounding gives: error and sum rate by estimator and number of beams, and for users who move, beside the goals of the lab:
 *
 *   npx tsx bench/sounding-study.ts [--channels 60] [--seed 1] [--quick] [--output docs/results/sounding.md]
 *
 * Without a date: the same files and options give the same page.
 */
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { zeros } from '../core/signal/complex-matrix.ts';
import type { Random } from '../core/signal/random.ts';
import { createRandom } from '../core/signal/random.ts';
import { meanAndError, type MeanAndError } from '../models/evaluation/statistics.ts';
import { pageFlags, writePage } from '../models/reproduce/page.ts';
import { machine } from '../models/reproduce/provenance.ts';
import { table } from '../models/reproduce/tables.ts';
import { steeringDictionary } from '../sounding/dictionary.ts';
import type { ChannelEstimate, Estimator } from '../sounding/estimator.ts';
import { covariance } from '../sounding/estimators/covariance.ts';
import { leastSquares } from '../sounding/estimators/least-squares.ts';
import { matchingPursuit } from '../sounding/estimators/matching-pursuit.ts';
import { sparseBayesian } from '../sounding/estimators/sparse-bayesian.ts';
import { fuse } from '../sounding/fuse.ts';
import { createHierarchicalSearch } from '../sounding/hierarchical-beams.ts';
import { createLearnedCovariance } from '../sounding/learned-covariance.ts';
import { bestBeam, channelOfPhases, retrievePhases } from '../sounding/power-only.ts';
import { seenDirections } from '../sounding/seen-directions.ts';
import { dftBeams, randomBeams, shownBeams, type SlotWords } from '../sounding/sounding-beams.ts';
import { slotsSpent } from '../sounding/sounding-schedule.ts';
import { movingShare, type MovingOptions } from './sounding-moving.ts';
import {
  analogFor,
  channelAt,
  digitalFor,
  drawUsers,
  fadedAgain,
  lineArray,
  noiseAt,
  normalisedError,
  rateOf,
  readingsOf,
  RF_CHAINS,
  USERS,
} from './sounding-scene.ts';

const ELEMENTS = 64;
const array = lineArray(ELEMENTS);
const dictionary = steeringDictionary(array.geometry);
const SNRS_DB = [-10, 0, 10, 20];
const PATHS = [10, 3];
/** Soundings that a covariance is learned of, before the one that counts. */
const LEARNED_OF = 8;

interface Method {
  title: string;
  commits: number | 'as found';
  /** Only some SNRs, where it takes long. */
  snrsDb?: readonly number[];
  measure(paths: number, noise: number, random: Random): Measured;
}
interface Measured {
  error: number;
  alone: number;
  fused: number;
  beams: number;
}

const shareOf = (channel: CMatrix, estimate: ChannelEstimate, noise: number, random: Random) => {
  const best = analogFor(channel, array).sumRate;
  const { analog } = analogFor(estimate.channel, array);
  const share = (believed: CMatrix): number => rateOf(channel, analog, digitalFor(believed, analog)) / best;
  const again = readingsOf(channel, analog, noise, random);
  return {
    error: normalisedError(estimate.channel, channel),
    alone: share(estimate.channel),
    fused: share(fuse(estimate, analog, again, noise).channel),
  };
};

const linear = (title: string, estimator: Estimator, slots: number, beamsOf: (random: Random) => SlotWords[]): Method => ({
  title,
  commits: slots + 1,
  measure(paths, noise, random) {
    const channel = channelAt(array, drawUsers(random, paths));
    const beams = shownBeams(array, beamsOf(random));
    const values = readingsOf(channel, beams, noise, random);
    const estimate = estimator.prepare(seenDirections(beams, dictionary))(values, noise);
    return { ...shareOf(channel, estimate, noise, random), beams: beams.cols };
  },
});
const drawn = (estimator: Estimator, name: string, beams: number): Method =>
  linear(`random, ${name}`, estimator, beams / RF_CHAINS, (random) => randomBeams(array, beams / RF_CHAINS, random));
const dft = (estimator: Estimator, name: string): Method =>
  linear(`DFT, ${name}`, estimator, ELEMENTS / RF_CHAINS, () => dftBeams(array, ELEMENTS / RF_CHAINS));

const hierarchical: Method = {
  title: 'hierarchical, sparse Bayesian',
  commits: 'as found',
  measure(paths, noise, random) {
    const channel = channelAt(array, drawUsers(random, paths));
    const search = createHierarchicalSearch(array);
    const words: SlotWords[] = [];
    const heard: CMatrix[] = [];
    for (let next = search.next(); next.length > 0; next = search.next()) {
      const values = readingsOf(channel, shownBeams(array, next), noise, random);
      words.push(...next);
      heard.push(values);
      search.heard(values);
    }
    const beams = shownBeams(array, words);
    const estimate = sparseBayesian.prepare(seenDirections(beams, dictionary))(sideBySide(heard), noise);
    return { ...shareOf(channel, estimate, noise, random), beams: beams.cols };
  },
};

const learned = (beams: number): Method => ({
  title: `random, covariance learned of ${LEARNED_OF} soundings`,
  commits: beams / RF_CHAINS + 1,
  snrsDb: [10, 20],
  measure(paths, noise, random) {
    let users = drawUsers(random, paths);
    const covarianceOf = createLearnedCovariance();
    for (let sounding = 0; sounding < LEARNED_OF; sounding++) {
      const sounded = seenDirections(shownBeams(array, randomBeams(array, beams / RF_CHAINS, random)), dictionary);
      covarianceOf.add(sounded, readingsOf(channelAt(array, users), sounded.beams, noise, random), noise);
      users = fadedAgain(users, random);
    }
    const channel = channelAt(array, users);
    const sounded = seenDirections(shownBeams(array, randomBeams(array, beams / RF_CHAINS, random)), dictionary);
    const values = readingsOf(channel, sounded.beams, noise, random);
    const estimate = covariance.prepare(sounded)(values, noise, covarianceOf.spectra);
    return { ...shareOf(channel, estimate, noise, random), beams };
  },
});

/** Powers alone: nothing can be fused, because the slot through the phases would need phases, too. */
const powersOnly = (title: string, slots: number, beamsOf: (random: Random) => SlotWords[], retrieve: boolean): Method => ({
  title,
  commits: slots,
  snrsDb: [20],
  measure(paths, noise, random) {
    const channel = channelAt(array, drawUsers(random, paths));
    const sounded = seenDirections(shownBeams(array, beamsOf(random)), dictionary);
    const powers = readingsOf(channel, sounded.beams, noise, random);
    for (let i = 0; i < powers.re.length; i++) {
      powers.re[i] = powers.re[i] ** 2 + powers.im[i] ** 2;
      powers.im[i] = 0;
    }
    const estimate = retrieve
      ? channelOfPhases(sounded, powers, noise, retrievePhases(sounded, powers, noise, random))
      : bestBeam(sounded, powers, noise);
    return { ...shareOf(channel, estimate, noise, random), error: NaN, fused: NaN, beams: sounded.beams.cols };
  },
});

const METHODS: readonly Method[] = [
  dft(leastSquares, 'least squares'),
  dft(matchingPursuit, 'matching pursuit'),
  drawn(matchingPursuit, 'matching pursuit', 32),
  ...[8, 16, 24, 48].map((beams) => drawn(sparseBayesian, 'sparse Bayesian', beams)),
  hierarchical,
  learned(24),
  powersOnly('powers of DFT beams, the loudest', 16, () => dftBeams(array, 16), false),
  powersOnly('powers of random beams, phases found', 24, (random) => randomBeams(array, 24, random), true),
];

interface Cell {
  paths: number;
  snrDb: number;
  method: Method;
  error: MeanAndError;
  alone: MeanAndError;
  fused: MeanAndError;
  beams: number;
}

function measureStill(channels: number, seed: number): Cell[] {
  return PATHS.flatMap((paths) =>
    METHODS.flatMap((method) =>
      (method.snrsDb ?? SNRS_DB).map((snrDb) => {
        // The same users and, as far as a method draws the same, the same noise for each.
        const random = createRandom(seed).stream(`sounding ${paths}`);
        const measured = Array.from({ length: channels }, (_, i) =>
          method.measure(paths, noiseAt(snrDb, ELEMENTS), random.stream(String(i))),
        );
        const over = (of: keyof Measured): MeanAndError => meanAndError(measured.map((each) => each[of]));
        return {
          paths,
          snrDb,
          method,
          error: over('error'),
          alone: over('alone'),
          fused: over('fused'),
          beams: over('beams').mean,
        };
      }),
    ),
  );
}

const MOVING: readonly Omit<MovingOptions, 'elements' | 'pilotSnrDb'>[] = [
  ...[
    [40, 12],
    [58, 8],
    [58, 16],
    [58, 24],
    [80, 16],
  ].map(([wholeSlots, effectiveSlots]) => ({ paths: 10, speedMps: 0.3, beams: 24, learned: false, wholeSlots, effectiveSlots })),
  { paths: 10, speedMps: 0.3, beams: 24, learned: true, wholeSlots: 58, effectiveSlots: 16 },
  { paths: 3, speedMps: 0.3, beams: 16, learned: false, wholeSlots: 58, effectiveSlots: 16 },
  { paths: 10, speedMps: 1, beams: 24, learned: false, wholeSlots: 30, effectiveSlots: 6 },
  { paths: 10, speedMps: 3, beams: 24, learned: false, wholeSlots: 20, effectiveSlots: 4 },
  { paths: 10, speedMps: 10, beams: 24, learned: false, wholeSlots: 16, effectiveSlots: 2 },
  { paths: 10, speedMps: 30, beams: 24, learned: false, wholeSlots: 16, effectiveSlots: 2 },
];

const percent = ({ mean, stderr }: MeanAndError): string =>
  Number.isNaN(mean) ? '–' : `${(100 * mean).toFixed(1)} ± ${(100 * stderr).toFixed(1)}`;
const decibels = ({ mean }: MeanAndError): string => (Number.isNaN(mean) ? '–' : (10 * Math.log10(mean)).toFixed(1));

function main(): void {
  const flags = pageFlags({ channels: 60, output: 'docs/results/sounding.md' });
  const { channels, seed } = flags;
  const cells = measureStill(channels, seed);
  const moving = MOVING.map((options) => {
    const random = createRandom(seed).stream(`moving ${options.paths}`);
    const shares = Array.from({ length: channels }, (_, i) =>
      movingShare({ ...options, elements: ELEMENTS, pilotSnrDb: 20 }, random.stream(String(i))),
    );
    return { options, net: meanAndError(shares.map(({ net }) => net)), gross: meanAndError(shares.map(({ gross }) => gross)) };
  });
  const goal = (paths: number, snrDb: number, title: string, beams: number, least: number, wished: number): string => {
    const cell = cells.find(
      (each) => each.paths === paths && each.snrDb === snrDb && each.method.title === title && each.beams === beams,
    );
    if (cell === undefined) throw new Error(`nothing was measured of ${title}, ${beams} beams`);
    return judged(`${paths} paths, ${snrDb} dB, ${beams} beams and one slot more (${title})`, cell.fused, least, wished);
  };
  const slow = moving.filter(({ options }) => options.speedMps === 0.3 && options.paths === 10);
  const bestSlow = slow.reduce((best, each) => (each.net.mean > best.net.mean ? each : best));
  writePage(flags, [
    '# Sounding the channel through the panels',
    `N = ${ELEMENTS} half-wave line array, M = K = ${USERS}, Q = 6. ${channels} draws of users, the same for every method; seed ${seed}. Pilot SNR is that of a random beam of norm 1; a commit has one slot of pilots and gives ` +
      `${RF_CHAINS} readings of each user. Rates are at 10 dB of data SNR, by phase extraction, the nearest states and D solved again, as shares of what the true channel gives, in per cent ± standard error. ` +
      '"Alone": phases and D by the estimate. "And one slot more": the effective channel through these phases is sounded and fused, with the error covariance that the estimator itself tells. σ² is known.',
    `\`npx tsx bench/sounding-study.ts --channels ${channels} --seed ${seed}\` on ${machine()}.`,
    '## The goals',
    [
      goal(10, 20, 'random, sparse Bayesian', 24, 90, 95),
      goal(10, 10, 'random, sparse Bayesian', 48, 90, 90),
      goal(10, 10, `random, covariance learned of ${LEARNED_OF} soundings`, 24, 90, 90),
      goal(3, 20, 'random, sparse Bayesian', 16, 95, 97),
      judged(
        `0.3 m/s, 20 dB, 10 paths, net of overhead (whole every ${bestSlow.options.wholeSlots} slots, D every ${bestSlow.options.effectiveSlots})`,
        bestSlow.net,
        70,
        75,
      ),
    ].join('\n'),
    ...PATHS.flatMap((paths) => [
      `## Users who stand still, ${paths} paths`,
      stillTable(cells.filter((cell) => cell.paths === paths)),
    ]),
    '## Users who move, 28 GHz, 20 dB',
    'A slot is 0.1 ms; the phase of each path turns with the way of the user. All pilots are heard in their own slots. Every period begins with a sounding of the whole channel; phases then stand until the next, and D is solved again after each slot through them. Net: slots of sounding count as no rate. Computing takes no time here.',
    table(
      ['paths', 'm/s', 'beams', 'estimator', 'whole every', 'D every', 'slots spent', 'share in data slots', 'net'],
      moving.map(({ options, net, gross }) =>
        [
          options.paths,
          options.speedMps,
          options.beams,
          options.learned ? 'covariance learned' : 'sparse Bayesian',
          options.wholeSlots,
          options.effectiveSlots,
          slotsSpent(options.beams / RF_CHAINS, options),
          percent(gross),
          percent(net),
        ].map(String),
      ),
    ),
    breakdown(moving),
  ]);
}

/** Of the speeds that were tried, with the periods that were tried. */
function breakdown(moving: readonly { options: { paths: number; speedMps: number }; net: MeanAndError }[]): string {
  const lost = moving.filter(({ options, net }) => options.paths === 10 && net.mean < 0.5).map(({ options }) => options.speedMps);
  if (lost.length === 0) return 'More than half of the rate is left at every speed.';
  return `With 10 paths it breaks down: at ${Math.min(...lost)} m/s and above, less than half of the rate is left.`;
}

function judged(what: string, share: MeanAndError, least: number, wished: number): string {
  const verdict = 100 * share.mean >= least ? 'holds' : '**does not hold**';
  const goal = least === wished ? '' : `, the goal of ${wished} % ${100 * share.mean >= wished ? 'is reached' : '**is not**'}`;
  return `- ${verdict}: ${what}, ≥ ${least} %: ${percent(share)} %${goal}.`;
}

function stillTable(cells: readonly Cell[]): string {
  return table(
    ['beams, estimator', 'number', 'commits', 'pilots', 'error, dB', 'alone', 'and one slot more'],
    cells.map(({ method, snrDb, error, alone, fused, beams }) => [
      method.title,
      beams.toFixed(0),
      method.commits === 'as found' ? (beams / RF_CHAINS + 1).toFixed(1) : String(method.commits),
      `${snrDb} dB`,
      decibels(error),
      percent(alone),
      percent(fused),
    ]),
  );
}

function sideBySide(parts: readonly CMatrix[]): CMatrix {
  const all = zeros(
    parts[0].rows,
    parts.reduce((sum, { cols }) => sum + cols, 0),
  );
  for (let row = 0; row < all.rows; row++) {
    let at = row * all.cols;
    for (const { cols, re, im } of parts) {
      all.re.set(re.subarray(row * cols, (row + 1) * cols), at);
      all.im.set(im.subarray(row * cols, (row + 1) * cols), at);
      at += cols;
    }
  }
  return all;
}

main();

/**
 * What paper 001 claims, and what is found. It states its results in words and draws them in figures whose values are not in its text, so that
 * "theirs" is mostly words. A claim is judged on the paper's own channel scale; what holds in the other one stands beside it.
 *
 * As good as: the mean of the differences, channel by channel, is no more than two standard errors below zero. Above: more than two above it.
 */
import type { ChannelScale } from '../../core/signal/channel.ts';
import type { MeanAndError } from '../evaluation/statistics.ts';
import type { Claim } from '../report/report.ts';
import { LITERAL } from './literal-recipe.ts';
import { CURVE_SNR_DB, LONG, SNRS_DB, type LayerCurve, type Paper001Figures } from './paper-001-figures.ts';
import { SCALES, show, type PairedCell } from './tables.ts';

const PAPER: ChannelScale = 'paper-001';
const TEN = 'unfolded-pga-n32';
const THREE = 'unfolded-pga-n32-3';
/** What "close" is taken to mean, and "far": shares that this project chose. */
const CLOSE = 0.95;
const FAR = 0.9;
/** From which SNR on it is moderate, dB. */
const MODERATE_DB = 10;
/** How many times larger "much larger" is taken to mean. */
const MUCH_LARGER = 5;
/** Of a mean difference: beyond so many standard errors it counts. */
const ERRORS = 2;
const ABOVE = `the mean of the differences is more than ${ERRORS} standard errors above 0`;
const NOT_BELOW = `the mean of the differences is no more than ${ERRORS} standard errors below 0`;

/** @throws where a method is missing */
export function paper001Claims(figures: Paper001Figures): Claim[] {
  return [...convergence(figures), ...overSnr(figures), ...losses(figures), ...recipe(figures), ...method(figures)];
}

/** Fig. 2(a). */
function convergence(figures: Paper001Figures): Claim[] {
  const layers = (key: string, theirs: string): Claim[] =>
    ['j1', 'j10'].map((inner) => ({
      claim: `${theirs} PGA with 30 iterations and the paper's fixed steps, J = ${inner.slice(1)}, at every SNR`,
      theirs: key === THREE ? '3 layers = 30 iterations' : '10 layers > 30 iterations',
      ours: worstText(figures, key, `pga-30-${inner}`),
      rule: `${key === THREE ? NOT_BELOW : ABOVE}, at every SNR, scale \`${PAPER}\``,
      holds: ofPair(figures, key, `pga-30-${inner}`, PAPER).every(key === THREE ? asGood : isAbove),
    }));
  return [
    ...layers(THREE, 'The unfolded network reaches with three layers what is reached by'),
    ...layers(TEN, 'With ten layers it is above'),
    ...(['pga-j1', 'pga-j10'] as const).map((key) => farFromEnd(figures, key)),
    ...([TEN, 'pga-30-j1', 'pga-30-j10'] as const).map((key, i) => ({
      claim: `Fig. 2(a): ${['the unfolded network', 'PGA, J = 1,', 'PGA, J = 10,'][i]} ends above SCA-RMM (at ${CURVE_SNR_DB} dB)`,
      theirs: 'higher',
      ours: bothScales((scale) => bothNumbers(figures, pairAt(figures, key, 'sca-rmm', scale, CURVE_SNR_DB))),
      rule: `${ABOVE}, scale \`${PAPER}\``,
      holds: isAbove(pairAt(figures, key, 'sca-rmm', PAPER, CURVE_SNR_DB)),
    })),
  ];
}

function farFromEnd(figures: Paper001Figures, key: string): Claim {
  const climbed = (scale: ChannelScale) => {
    const { mean } = curveOf(figures, key, scale);
    return { start: mean[0], thirty: mean[30], end: mean[LONG], share: (mean[30] - mean[0]) / (mean[LONG] - mean[0]) };
  };
  return {
    claim: `${curveOf(figures, key, PAPER).title}: still far from convergence after 30 iterations`,
    theirs: 'far',
    ours: bothScales((scale) => {
      const { start, thirty, end, share } = climbed(scale);
      return `${start.toFixed(2)} at the start, ${thirty.toFixed(2)} after 30, ${end.toFixed(2)} after ${LONG}: ${percent(share)} of the climb`;
    }),
    rule: `at most ${percent(FAR)} of the climb, scale \`${PAPER}\``,
    holds: climbed(PAPER).share <= FAR,
  };
}

/** Fig. 2(b). */
function overSnr(figures: Paper001Figures): Claim[] {
  const above = (from: number): Pick<Claim, 'ours' | 'rule' | 'holds'> => ({
    ours: worstText(figures, TEN, 'sca-rmm', from),
    rule: `${ABOVE}, at each of these SNRs, scale \`${PAPER}\``,
    holds: ofPair(figures, TEN, 'sca-rmm', PAPER, from).every(isAbove),
  });
  const [lowest, highest] = [SNRS_DB[0], SNRS_DB[SNRS_DB.length - 1]];
  const share = (scale: ChannelScale, snrDb: number, key: string): number =>
    rateAt(figures, key, scale, snrDb).mean / rateAt(figures, 'zf', scale, snrDb).mean;
  const shares = (scale: ChannelScale, key: string): number[] => SNRS_DB.map((snrDb) => share(scale, snrDb, key));
  return [
    { claim: 'Fig. 2(b): ten layers outperform SCA-RMM at every SNR', theirs: 'higher', ...above(lowest) },
    {
      claim: `Fig. 2(b): ten layers outperform SCA-RMM at moderate and high SNR, from ${MODERATE_DB} dB on`,
      theirs: 'higher, especially there',
      ...above(MODERATE_DB),
    },
    {
      claim: `What it gains on SCA-RMM grows with the SNR`,
      theirs: 'especially at moderate and high SNR',
      ours: bothScales((scale) => SNRS_DB.map((snrDb) => show(pairAt(figures, TEN, 'sca-rmm', scale, snrDb), true)).join(', ')),
      rule: `the gain at ${highest} dB less that at ${lowest} dB is more than ${ERRORS} standard errors above 0, scale \`${PAPER}\``,
      holds: isAbove(difference(pairAt(figures, TEN, 'sca-rmm', PAPER, highest), pairAt(figures, TEN, 'sca-rmm', PAPER, lowest))),
    },
    {
      claim: `It is close to fully digital ZF at every SNR (taken as at least ${percent(CLOSE)} of it)`,
      theirs: 'close',
      ours: `${bothScales((scale) => shares(scale, TEN).map(percent).join(' / '))}; phase extraction, 10 steps, without learning: ${bothScales((scale) => shares(scale, 'phase-extraction').map(percent).join(' / '))}`,
      rule: `at least ${percent(CLOSE)} at every SNR, scale \`${PAPER}\``,
      holds: shares(PAPER, TEN).every((each) => each >= CLOSE),
    },
  ];
}

/** What SCA-RMM loses, and by which of its two steps. */
function losses(figures: Paper001Figures): Claim[] {
  const at = (a: string, b: string, scale: ChannelScale) => pairAt(figures, a, b, scale, CURVE_SNR_DB);
  return [
    {
      claim: `SCA-RMM loses by solving for the effective precoder with SCA (at ${CURVE_SNR_DB} dB, against digital WMMSE)`,
      theirs: 'significantly',
      ours: bothScales(
        (scale) => `${bothNumbers(figures, at('sca', 'wmmse', scale))}; ${unlearned(figures, scale, CURVE_SNR_DB)}`,
      ),
      rule: `by more than ${percent(1 - CLOSE)}, scale \`${PAPER}\``,
      holds: at('sca', 'wmmse', PAPER).mean < -(1 - CLOSE) * rateAt(figures, 'wmmse', PAPER, CURVE_SNR_DB).mean,
    },
    {
      claim: `SCA-RMM loses by factoring it with RMM (at ${CURVE_SNR_DB} dB, against the same fully digital)`,
      theirs: 'significantly',
      ours: bothScales(
        (scale) =>
          `${bothNumbers(figures, at('sca-rmm', 'sca', scale))}; with D solved again by WMMSE for its phases ${rateAt(figures, 'sca-rmm-wmmse', scale, CURVE_SNR_DB).mean.toFixed(2)} are left`,
      ),
      rule: `by more than ${percent(1 - CLOSE)}, scale \`${PAPER}\``,
      holds: at('sca-rmm', 'sca', PAPER).mean < -(1 - CLOSE) * rateAt(figures, 'sca', PAPER, CURVE_SNR_DB).mean,
    },
  ];
}

/** The recipe of section IV, where a network was trained by it. */
function recipe(figures: Paper001Figures): Claim[] {
  if (!figures.networks.some(({ id }) => id === LITERAL)) return [];
  return [
    {
      claim:
        'The training as it is described (500 channels, 20 epochs, Adam from 0.001, steps from 0.01 and 0.0001) gives ten layers that are above PGA with 30 iterations, J = 10',
      theirs: '10 layers > 30 iterations',
      ours: `${worstText(figures, LITERAL, 'pga-30-j10')}; against PGA with 10 iterations, from whose steps it starts: ${worstText(figures, LITERAL, 'pga-10-j10')}`,
      rule: `${ABOVE}, at every SNR, scale \`${PAPER}\``,
      holds: ofPair(figures, LITERAL, 'pga-30-j10', PAPER).every(isAbove),
    },
  ];
}

/** Sections III and IV: steps, start, gradients. */
function method(figures: Paper001Figures): Claim[] {
  const endAt = (key: string, scale: ChannelScale, layer: number): string => curveOf(figures, key, scale).mean[layer].toFixed(2);
  const start = (key: string): number => curveOf(figures, key, PAPER).mean[0];
  const sizes = (scale: ChannelScale) => {
    const found = figures.gradients.find((each) => each.scale === scale);
    if (found === undefined) throw new Error(`no gradients at the scale ${scale}`);
    return found;
  };
  const ratio = (scale: ChannelScale): number => sizes(scale).digital.mean / sizes(scale).analog.mean;
  const equal = curveOf(figures, 'pga-equal-steps', PAPER).mean;
  return [
    {
      claim: 'λ ≪ μ is needed for conventional PGA to converge (μ = 0.01, J = 10, 30 iterations)',
      theirs: 'λ = 0.0001',
      ours: bothScales(
        (scale) =>
          `${endAt('pga-j10', scale, 30)}; with λ = 0.01 ${endAt('pga-equal-steps', scale, 30)}, from ${endAt('pga-j10', scale, 0)} at the start`,
      ),
      rule: `with λ = 0.01 it ends below its start, scale \`${PAPER}\``,
      holds: equal[30] < equal[0],
    },
    {
      claim: `∂R/∂W is much larger than ∂R/∂F (taken as ${MUCH_LARGER} times, root mean square of an entry at the start, ${CURVE_SNR_DB} dB)`,
      theirs: 'much larger',
      ours: bothScales(
        (scale) =>
          `${sizes(scale).digital.mean.toFixed(2)} and ${sizes(scale).analog.mean.toFixed(3)}: ${ratio(scale).toFixed(1)} times`,
      ),
      rule: `at least ${MUCH_LARGER} times, scale \`${PAPER}\``,
      holds: ratio(PAPER) >= MUCH_LARGER,
    },
    {
      claim: '(12) as it is printed, exp(−jϑ), aligns the phases with the channel (rate at the start)',
      theirs: 'large array gains',
      ours: bothScales(
        (scale) =>
          `${endAt('pga-as-printed', scale, 0)}; with exp(+jϑ) ${endAt('pga-j10', scale, 0)}; ${unlearned(figures, scale, CURVE_SNR_DB)}`,
      ),
      rule: `no lower than with exp(+jϑ), scale \`${PAPER}\``,
      holds: start('pga-as-printed') >= start('pga-j10'),
    },
  ];
}

const bothScales = (text: (scale: ChannelScale) => string): string =>
  [PAPER, ...SCALES.filter((scale) => scale !== PAPER)].map((scale) => `\`${scale}\` ${text(scale)}`).join('; ');

/** How far ours is above where it comes off worst. */
const worstText = (figures: Paper001Figures, ours: string, theirs: string, fromDb = -Infinity): string =>
  bothScales((scale) => {
    const cells = ofPair(figures, ours, theirs, scale, fromDb);
    const worst = cells.reduce((least, cell) => (cell.mean < least.mean ? cell : least));
    return `at worst ${bothNumbers(figures, worst)} (${worst.snrDb} dB; ${unlearned(figures, scale, worst.snrDb)})`;
  });

/** Of a difference, channel by channel, also what it is between. */
function bothNumbers(figures: Paper001Figures, pair: PairedCell): string {
  const [ours, theirs] = [pair.method, pair.against].map((key) => rateAt(figures, key, pair.scale, pair.snrDb).mean.toFixed(2));
  return `${ours} against ${theirs}, ${show(pair, true)}`;
}

/** What learns nothing, and stands beside what is compared. */
const unlearned = (figures: Paper001Figures, scale: ChannelScale, snrDb: number): string =>
  `phase extraction ${rateAt(figures, 'phase-extraction', scale, snrDb).mean.toFixed(2)}`;

function ofPair(
  { comparison }: Paper001Figures,
  method: string,
  against: string,
  scale: ChannelScale,
  fromDb = -Infinity,
): PairedCell[] {
  const cells = comparison.differences.filter(
    (cell) => cell.method === method && cell.against === against && cell.scale === scale && cell.snrDb >= fromDb,
  );
  if (cells.length === 0) throw new Error(`${method} was not compared with ${against}`);
  return cells;
}

function pairAt(figures: Paper001Figures, method: string, against: string, scale: ChannelScale, snrDb: number): PairedCell {
  const cell = ofPair(figures, method, against, scale).find((each) => each.snrDb === snrDb);
  if (cell === undefined) throw new Error(`nothing was compared at ${snrDb} dB`);
  return cell;
}

function rateAt({ comparison }: Paper001Figures, method: string, scale: ChannelScale, snrDb: number): MeanAndError {
  const cell = comparison.rates.find((each) => each.method === method && each.scale === scale && each.snrDb === snrDb);
  if (cell === undefined) throw new Error(`no rate of ${method} at ${snrDb} dB`);
  return cell;
}

function curveOf({ curves }: Paper001Figures, key: string, scale: ChannelScale): LayerCurve {
  const curve = curves.find((each) => each.key === key && each.scale === scale);
  if (curve === undefined) throw new Error(`no curve of ${key}`);
  return curve;
}

const isAbove = ({ mean, stderr }: MeanAndError): boolean => mean > ERRORS * stderr;
const asGood = ({ mean, stderr }: MeanAndError): boolean => mean >= -ERRORS * stderr;
/** Errors as of independent values, which is more than they are. */
const difference = (a: MeanAndError, b: MeanAndError): MeanAndError => ({
  mean: a.mean - b.mean,
  stderr: Math.hypot(a.stderr, b.stderr),
});

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

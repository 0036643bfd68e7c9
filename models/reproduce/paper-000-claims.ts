/**
 * What paper 000 claims, with its numbers and ours: a line a claim. On the authors' channels numbers are compared as they are; on others of the
 * same kind with some room for the draw.
 */
import { meanAndError } from '../evaluation/statistics.ts';
import type { Claim } from '../report/report.ts';
import { layerReaching, STARTS, type Curve } from './paper-000-curves.ts';
import { CURVE_SNR_DB, MARKS, PRINTED, PROGRAM, PROGRAM_J10, SNRS_DB } from './paper-000-theirs.ts';
import type { Paper000Figures, SnrRow } from './paper-000.ts';

/** Of R − ωτ at 12 dB, between the authors' draw of channels and another one of the same kind. */
const DRAW = 2.5;
/** As near as a rerun on the same channels has to be. */
const NEAR = 0.3;
/** Directions to look at, and half a lobe around each, degrees. */
const LOOKED = [-60, 0, 60];
const AT = SNRS_DB.indexOf(CURVE_SNR_DB);

/**
 * @param authors whether it was measured on the authors' channels
 * @throws where a curve or a method is missing
 */
export function paper000Claims(figures: Paper000Figures, authors: boolean): Claim[] {
  return [
    ...convergence(figures, authors ? 0 : DRAW),
    ...starts(figures),
    ...overSnr(figures),
    ...baselines(figures),
    ...ours(figures, authors ? 0 : DRAW),
  ];
}

const fixed = (value: number, digits = 2): string => value.toFixed(digits).replace('-', '−');
const at = ({ mean }: Curve, layers: readonly number[]): string => layers.map((layer) => fixed(mean[layer], 1)).join(' / ');
const list = (values: readonly number[], digits = 1): string => values.map((value) => fixed(value, digits)).join(' / ');
const last = ({ mean }: Curve): number => mean[mean.length - 1];
/** Said where numbers of one draw of channels are held against another. */
const withRoom = (slack: number): string => (slack === 0 ? '' : ` (less ${slack} for another draw of channels)`);
const percent = (ours: number, theirs: number): string => `${ours >= theirs ? '+' : ''}${fixed(100 * (ours / theirs - 1), 1)} %`;

export function curveOf({ curves }: Paper000Figures, key: string, start: Curve['start'] = 'aligned'): Curve {
  const found = curves.find((each) => each.key === key && each.start === start);
  if (found === undefined) throw new Error(`no curve ${key} from ${start}`);
  return found;
}

export const titleOf = ({ methods }: Pick<Paper000Figures, 'methods'>, method: string): string =>
  methods.find(({ key }) => key === method)?.title ?? method;

/** Undefined where the method is not measured at that SNR. */
export const findRow = ({ rows }: Paper000Figures, method: string, snrDb: number): SnrRow | undefined =>
  rows.find((row) => row.method === method && row.snrDb === snrDb);

export function rowAt(figures: Paper000Figures, method: string, snrDb: number): SnrRow {
  const found = findRow(figures, method, snrDb);
  if (found === undefined) throw new Error(`no figures of ${method} at ${snrDb} dB`);
  return found;
}

/** Fig. 2, from the start of (17). */
function convergence(figures: Paper000Figures, slack: number): Claim[] {
  const [pga10, pga20, net10, net20] = ['pga-j10', 'pga-j20', 'upganet-j10', 'upganet-j20'].map((key) => curveOf(figures, key));
  const tuned = figures.curves.filter(({ key }) => key.startsWith('pga-searched')).reduce((a, b) => (last(b) > last(a) ? b : a));
  const soonest = [net10, net20]
    .flatMap((curve) => {
      const layer = layerReaching(curve, last(tuned));
      return layer === undefined ? [] : [{ curve, layer, updates: layer * curve.innerSteps }];
    })
    .sort((a, b) => a.updates - b.updates)
    .at(0);
  const share = (soonest?.updates ?? Infinity) / (tuned.innerSteps * (tuned.mean.length - 1));
  const toZero = (curve: Curve): number => (layerReaching(curve, 0) ?? Infinity) * curve.innerSteps;
  const told = (updates: number): string => (Number.isFinite(updates) ? String(updates) : 'never');
  const exact = figures.curves.find(({ key, start }) => key === 'upganet-j20-exact' && start === 'aligned');
  return [
    {
      claim: 'Fig. 2: PGA, J = 10, μ = λ = 0.01: R − ωτ after 25 / 70 / 120 layers',
      theirs: `${list(PROGRAM['pga-j10'])}${slack === 0 ? '' : ` (± ${slack} for another draw of channels)`}`,
      ours: at(pga10, MARKS),
      rule: `each within ${NEAR + slack} of theirs`,
      holds: MARKS.every((layer, i) => Math.abs(pga10.mean[layer] - PROGRAM['pga-j10'][i]) < NEAR + slack),
    },
    {
      claim: 'Fig. 2: UPGANet, J = 20, after 25 / 70 / 120 layers: at least',
      theirs: `${list(PROGRAM['upganet-j20'])}${withRoom(slack)}`,
      ours: `${at(net20, MARKS)}${exact === undefined ? '' : `; trained with the exact gradient ${at(exact, MARKS)}`}`,
      rule: `each at least theirs${withRoom(slack)}`,
      holds: MARKS.every((layer, i) => net20.mean[layer] >= PROGRAM['upganet-j20'][i] - slack),
    },
    {
      claim: 'UPGANet, J = 10, in the end: at least',
      theirs: `${fixed(PROGRAM_J10, 1)}${withRoom(slack)}`,
      ours: fixed(last(net10)),
      rule: `at least theirs${withRoom(slack)}`,
      holds: last(net10) >= PROGRAM_J10 - slack,
    },
    {
      claim: 'Fig. 2: a larger J converges better: PGA',
      theirs: 'yes',
      ours: `J = 10 ${fixed(last(pga10))}, J = 20 ${fixed(last(pga20))}`,
      rule: 'J = 20 ends above J = 10',
      holds: last(pga20) > last(pga10),
    },
    {
      claim: 'Fig. 2: a larger J converges better: UPGANet',
      theirs: 'yes',
      ours: `J = 10 ${fixed(last(net10))}, J = 20 ${fixed(last(net20))}`,
      rule: 'J = 20 ends above J = 10',
      holds: last(net20) > last(net10),
    },
    {
      claim: 'R − ωτ = 0 is reached in 36 % of the updates of A: UPGANet, J = 20, against PGA, J = 20',
      theirs: '500 against 1400',
      ours: `${told(toZero(net20))} against ${told(toZero(pga20))}`,
      rule: 'in at most 36 % of the updates',
      holds: toZero(net20) <= 0.36 * toZero(pga20),
    },
    {
      claim: 'What PGA with the best constant steps of a search has in the end, in at most 36 % of its updates of A',
      theirs: '–',
      ours:
        soonest === undefined
          ? `${tuned.title} ends at ${fixed(last(tuned))}, which neither network reaches`
          : `${tuned.title} ends at ${fixed(last(tuned))}, ${soonest.curve.title} is there after ${soonest.layer} layers: ${fixed(100 * share, 0)} %`,
      rule: 'a network is there in at most 36 %',
      holds: share <= 0.36,
    },
  ];
}

/** The three initialisations of Fig. 2. */
function starts(figures: Paper000Figures): Claim[] {
  return ['pga-j10', 'pga-j20', 'upganet-j10', 'upganet-j20'].map((key) => {
    const [aligned, ...others] = STARTS.map((start) => curveOf(figures, key, start));
    return {
      claim: `Fig. 2: the start of (17) begins and ends above those by singular vectors and at random: ${aligned.title}`,
      theirs: 'yes',
      ours: `ends at ${list([aligned, ...others].map(last))}, begins at ${list([aligned, ...others].map(({ mean }) => mean[0]))}`,
      rule: 'the first of both lists is the largest',
      holds: others.every((other) => last(aligned) > last(other) && aligned.mean[0] > other.mean[0]),
    };
  });
}

/** Fig. 3. */
function overSnr(figures: Paper000Figures): Claim[] {
  const highest = (method: string): SnrRow => rowAt(figures, method, CURVE_SNR_DB);
  const [j1, j10, j20] = ['upganet-j1', 'upganet-j10', 'upganet-j20'].map(highest);
  const printed = { rate: PRINTED['sca-manopt'].rate[AT], mse: PRINTED['sca-manopt'].patternMse[AT] };
  const manopt = highest('sca-manopt');
  const dB = (ours: number, theirs: number): string => `${fixed(10 * Math.log10(theirs / ours), 1)} dB`;
  const above = (row: SnrRow, network: string, share: number, theirs: string): Claim[] => [
    {
      claim: `Fig. 3: ${network}: sum rate ${fixed(100 * (share - 1), 1)} % higher, pattern error lower (theirs by ${theirs}) at ${CURVE_SNR_DB} dB, against the curve of SCA-ManOpt`,
      theirs: `rate ${fixed(printed.rate)}, pattern error ${fixed(printed.mse)}`,
      ours: `rate ${fixed(row.rate.mean)} (${percent(row.rate.mean, printed.rate)}), pattern error ${fixed(row.patternMse.mean)} (${dB(row.patternMse.mean, printed.mse)} lower)`,
      rule: `rate at least ${fixed(100 * (share - 1), 1)} % above that curve, and less pattern error`,
      holds: row.rate.mean >= share * printed.rate && row.patternMse.mean < printed.mse,
    },
    {
      claim: `${network}: the same against SCA-ManOpt as it is here, run to its end`,
      theirs: '–',
      ours: `rate ${percent(row.rate.mean, manopt.rate.mean)}, ${differenceOf(row, manopt, 'rates')} bit/s/Hz channel by channel, pattern error ${dB(row.patternMse.mean, manopt.patternMse.mean)} lower`,
      rule: `rate at least ${fixed(100 * (share - 1), 1)} % above, and less pattern error`,
      holds: row.rate.mean >= share * manopt.rate.mean && row.patternMse.mean < manopt.patternMse.mean,
    },
  ];
  const sensing = figures.methods.filter(({ key }) => key !== 'zf' && key !== 'phase-extraction').map(({ key }) => key);
  const worst = sensing.map(highest).reduce((a, b) => (b.objective.mean < a.objective.mean ? b : a));
  const rates = SNRS_DB.map((snrDb) => rowAt(figures, 'upganet-j20', snrDb).rate.mean);
  const peaks = ['upganet-j20', 'upganet-j10', 'sca-manopt', 'pga-j1', 'zf'].map((method) => ({
    title: titleOf(figures, method),
    peak: peakDb(figures, method),
    error: highest(method).patternMse.mean,
  }));
  const rivals = peaks.slice(2);
  return [
    ...above(j20, 'UPGANet, J = 20', 1.247, '6 dB'),
    ...above(j10, 'UPGANet, J = 10', 1.332, '2.5 dB'),
    {
      claim: `Fig. 3: UPGANet, J = 1, has a good rate at ${CURVE_SNR_DB} dB, and senses worse than J = 20`,
      theirs: 'yes',
      ours: `rate ${fixed(j1.rate.mean)} and τ ${fixed(j1.tau.mean, 1)}, J = 20: ${fixed(j20.rate.mean)} and ${fixed(j20.tau.mean, 1)}`,
      rule: `rate above ${fixed(printed.rate)}, the curve of SCA-ManOpt, and more τ than J = 20`,
      holds: j1.rate.mean > printed.rate && j1.tau.mean > j20.tau.mean,
    },
    {
      claim: `Conventional PGA, J = 1, is the worst of what senses (R − ωτ at ${CURVE_SNR_DB} dB)`,
      theirs: 'yes',
      ours: `${fixed(highest('pga-j1').objective.mean, 1)}; the worst is ${titleOf(figures, worst.method)}`,
      rule: 'nothing that senses has less',
      holds: worst.method === 'pga-j1',
    },
    {
      claim: 'Fig. 3(a): rates that sensing shares the power with fall again at high SNR: UPGANet, J = 20',
      theirs: 'yes',
      ours: list(rates),
      rule: 'the last is not the largest',
      holds: rates[AT] < Math.max(...rates),
    },
    {
      claim: 'Fig. 3(c): the beampatterns of UPGANet have higher peaks and less error than those of SCA-ManOpt, PGA and ZF',
      theirs: 'yes',
      ours: peaks.map(({ title, peak, error }) => `${title}: ${fixed(peak, 1)} dB, ${fixed(error)}`).join('; '),
      rule: 'both networks have more and less than each of the others',
      holds: peaks.slice(0, 2).every((net) => rivals.every(({ peak, error }) => net.peak > peak && net.error < error)),
    },
  ];
}

/** Mean over the directions of the power there, dB. */
function peakDb({ patterns, azimuthRad }: Paper000Figures, method: string): number {
  const { power } = patterns.find((each) => each.method === method) ?? { power: [] };
  const towards = LOOKED.map((deg) => power[nearestTo(azimuthRad, deg)]);
  return 10 * Math.log10(towards.reduce((sum, value) => sum + value, 0) / LOOKED.length);
}

export function nearestTo(azimuthRad: readonly number[], deg: number): number {
  const angle = (deg * Math.PI) / 180;
  return azimuthRad.reduce((best, each, i) => (Math.abs(each - angle) < Math.abs(azimuthRad[best] - angle) ? i : best), 0);
}

/** Channel by channel. */
function differenceOf(a: SnrRow, b: SnrRow, of: 'rates' | 'objectives'): string {
  const { mean, stderr } = meanAndError(a[of].map((value, i) => value - b[of][i]));
  return `${fixed(mean)} ± ${fixed(stderr)}`;
}

/** What the paper compares with, beside what it draws of it. */
function baselines(figures: Paper000Figures): Claim[] {
  const over = (method: string, of: 'rate' | 'tau'): number[] => SNRS_DB.map((snrDb) => rowAt(figures, method, snrDb)[of].mean);
  const farthest = (ours: readonly number[], theirs: readonly number[]): number =>
    Math.max(...ours.map((value, i) => Math.abs(value / theirs[i] - 1)));
  const within = (method: 'sca-manopt' | 'zf', of: 'rate' | 'tau', share: number, digits: number): Claim => {
    const ours = over(method, of);
    return {
      claim: `${method === 'zf' ? 'Digital ZF' : 'SCA-ManOpt, run to its end'}: ${of === 'rate' ? 'sum rate' : 'τ'} over ${SNRS_DB[0]} … ${SNRS_DB[SNRS_DB.length - 1]} dB within ${100 * share} %`,
      theirs: list(PRINTED[method][of], digits),
      ours: `${list(ours, digits)}: at most ${fixed(100 * farthest(ours, PRINTED[method][of]), 1)} % off`,
      rule: `none is farther off than ${100 * share} %`,
      holds: farthest(ours, PRINTED[method][of]) <= share,
    };
  };
  const zf = rowAt(figures, 'zf', CURVE_SNR_DB).rate.mean;
  return [
    {
      claim: `Digital ZF: sum rate at ${CURVE_SNR_DB} dB within 2 %`,
      theirs: fixed(PRINTED.zf.rate[AT]),
      ours: `${fixed(zf)}, ${percent(zf, PRINTED.zf.rate[AT])}`,
      rule: 'at most 2 % off',
      holds: Math.abs(zf / PRINTED.zf.rate[AT] - 1) <= 0.02,
    },
    within('zf', 'rate', 0.02, 1),
    within('sca-manopt', 'rate', 0.1, 1),
    within('sca-manopt', 'tau', 0.1, 2),
  ];
}

/** What was to be reached of R − ωτ at `CURVE_SNR_DB` on the authors' channels. */
const GOALS = [
  { method: 'digital', goal: 19.6 },
  { method: 'long-run', goal: 17.3 },
  { method: 'phase-net-60', goal: 15.8 },
  { method: 'phase-net-120', goal: 15.8 },
  { method: 'phase-net-200', goal: 16.6 },
  { method: 'phase-net-400', goal: 17 },
];

/** Not of the paper: what learned beams of another kind reach, and how far anything can. */
function ours(figures: Paper000Figures, slack: number): Claim[] {
  const limit = rowAt(figures, 'long-run', CURVE_SNR_DB).objective.mean;
  const [net, upganet, digital] = ['phase-net-60', 'upganet-j20', 'digital'].map((key) =>
    SNRS_DB.map((snrDb) => rowAt(figures, key, snrDb)),
  );
  const means = (rows: readonly SnrRow[]): string => list(rows.map(({ objective }) => objective.mean));
  const below = (row: SnrRow): number => rowAt(figures, 'digital', row.snrDb).objective.mean - row.objective.mean;
  const nearest = figures.rows.filter(({ method }) => method !== 'digital').reduce((a, b) => (below(b) < below(a) ? b : a));
  return [
    ...GOALS.map(({ method, goal }): Claim => {
      const { mean, stderr } = rowAt(figures, method, CURVE_SNR_DB).objective;
      return {
        claim: `Beyond the paper: ${titleOf(figures, method)}, R − ωτ at ${CURVE_SNR_DB} dB: at least`,
        theirs: `goal ${fixed(goal, 1)}${withRoom(slack)}`,
        ours: `${fixed(mean)} ± ${fixed(stderr)}${method === 'long-run' ? '' : `, ${fixed((100 * mean) / limit, 1)} % of the long run`}`,
        rule: `mean at least the goal${withRoom(slack)}`,
        holds: mean >= goal - slack,
      };
    }),
    {
      claim: 'Beyond the paper: phase-net, 60 steps, has more R − ωτ than UPGANet, J = 20 and 2400 steps, at every SNR',
      theirs: 'goal: more',
      ours: `${means(net)} against ${means(upganet)}: by ${net.map((row, i) => differenceOf(row, upganet[i], 'objectives')).join(' / ')} channel by channel`,
      rule: 'the mean is larger at every SNR',
      holds: net.every(({ objective }, i) => objective.mean > upganet[i].objective.mean),
    },
    {
      claim: 'Beyond the paper: nothing has more R − ωτ than the digital beam that is the best for it, at any SNR',
      theirs: '–',
      ours: `digital ${means(digital)}; the nearest is ${titleOf(figures, nearest.method)} at ${nearest.snrDb} dB, ${fixed(below(nearest))} below`,
      rule: 'no mean is larger',
      holds: below(nearest) >= 0,
    },
  ];
}

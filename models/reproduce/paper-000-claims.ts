/** What paper 000 claims, with its numbers and ours: a line a claim. */
import type { Curve } from './paper-000-curves.ts';
import { layerReaching } from './paper-000-curves.ts';
import type { OverSnr, SnrRow } from './paper-000.ts';

export interface Claim {
  claim: string;
  /** As the paper, or the authors' program and data, have it. */
  theirs: string;
  ours: string;
  holds: boolean;
}

/** At 12 dB, on the authors' channels: their program's curves (after 25, 70 and 120 layers), and Fig. 3 of the paper. */
const THEIRS = {
  pga10: [-17.2, -5.8, -1.4],
  upganet20: [-0.9, 10.8, 13.5],
  upganet10: 9.4,
  manopt: { rate: 16.42, tau: 55.04, patternMse: 1.3 },
  zfRate: 30.41,
};
const MARKS = [25, 70, 120];
/** Between the authors' draw of channels and another one of the same kind. */
const DRAW = 2.5;

/**
 * @param theirChannels whether it was measured on the authors' channels: then numbers are compared as they are
 * @throws where a curve or a method is missing
 */
export function claimsOf(curves: readonly Curve[], { rows }: OverSnr, theirChannels: boolean): Claim[] {
  const curve = (key: string, start: Curve['start'] = 'aligned'): Curve => {
    const found = curves.find((each) => each.key === key && each.start === start);
    if (found === undefined) throw new Error(`no curve ${key} from ${start}`);
    return found;
  };
  const at12 = (method: string): SnrRow => {
    const found = rows.find((row) => row.method === method && row.snrDb === 12);
    if (found === undefined) throw new Error(`no figures of ${method} at 12 dB`);
    return found;
  };
  const at = ({ mean }: Curve, layers: readonly number[]): string => layers.map((layer) => mean[layer].toFixed(1)).join(' / ');
  const [j1, j10, j20] = ['upganet-n64-j1', 'upganet-n64-j10', 'upganet-n64-j20'];
  const slack = theirChannels ? 0 : DRAW;
  const pga10 = curve('pga-j10');
  const [net20, net10] = [at12(j20), at12(j10)];
  const percent = (ours: number, theirs: number): string => `${(100 * (ours / theirs - 1)).toFixed(1)} %`;
  const tuned = curves.filter(({ key }) => key.startsWith('pga-searched')).sort((a, b) => b.last.mean - a.last.mean)[0];
  const fastest = [curve(j10), curve(j20)].flatMap((each) => {
    const layer = layerReaching(each, tuned.last.mean);
    return layer === undefined ? [] : [{ updates: layer * each.innerSteps, key: each.key, layer }];
  });
  const [soonest] = fastest.sort((a, b) => a.updates - b.updates);
  const share = (soonest?.updates ?? Infinity) / (tuned.innerSteps * (tuned.mean.length - 1));
  const fromZero = (each: Curve): number => (layerReaching(each, 0) ?? Infinity) * each.innerSteps;
  const starts = (key: string): string =>
    (['aligned', 'svd', 'random'] as const).map((start) => at(curve(key, start), [120])).join(' / ');
  const best = (key: string): boolean =>
    (['svd', 'random'] as const).every((start) => curve(key).last.mean > curve(key, start).last.mean);
  return [
    {
      claim: 'PGA, J = 10, μ = λ = 0.01: R − ωτ after 25 / 70 / 120 layers',
      theirs: THEIRS.pga10.join(' / '),
      ours: at(pga10, MARKS),
      holds: MARKS.every((layer, i) => Math.abs(pga10.mean[layer] - THEIRS.pga10[i]) < 0.3 + slack),
    },
    {
      claim: 'UPGANet, J = 20: after 25 / 70 / 120 layers',
      theirs: THEIRS.upganet20.join(' / '),
      ours: at(curve(j20), MARKS),
      holds: MARKS.every((layer, i) => curve(j20).mean[layer] >= THEIRS.upganet20[i] - slack),
    },
    {
      claim: 'UPGANet, J = 10, in the end, with its own A and D',
      theirs: String(THEIRS.upganet10),
      ours: net10.objective.mean.toFixed(2),
      holds: net10.objective.mean >= THEIRS.upganet10 - slack,
    },
    {
      claim: 'Reaches 0 in fewer updates of A than PGA with the same J = 20 (paper: 500 against 1,400)',
      theirs: '36 %',
      ours: `${fromZero(curve(j20))} against ${fromZero(curve('pga-j20'))}`,
      holds: fromZero(curve(j20)) <= 0.36 * fromZero(curve('pga-j20')),
    },
    {
      claim: 'What PGA with the best constant steps of a search has in the end, in at most 36 % of its updates of A',
      theirs: '–',
      ours:
        soonest === undefined
          ? `${tuned.key} ends at ${tuned.last.mean.toFixed(2)}, which neither network reaches`
          : `${tuned.key} ends at ${tuned.last.mean.toFixed(2)}, ${soonest.key} is there after ${soonest.layer} layers: ${(100 * share).toFixed(0)} %`,
      holds: share <= 0.36,
    },
    {
      claim: 'The start of (17) ends above those by singular vectors and at random: UPGANet, J = 20',
      theirs: 'yes',
      ours: starts(j20),
      holds: best(j20),
    },
    { claim: 'The same of PGA, J = 20', theirs: 'yes', ours: starts('pga-j20'), holds: best('pga-j20') },
    {
      claim: 'Digital ZF, sum rate at 12 dB',
      theirs: String(THEIRS.zfRate),
      ours: at12('zf').rate.mean.toFixed(2),
      holds: Math.abs(at12('zf').rate.mean / THEIRS.zfRate - 1) < (theirChannels ? 0.02 : 0.05),
    },
    {
      claim: 'J = 20: sum rate 24.7 % above SCA-ManOpt at 12 dB, pattern error 6 dB lower',
      theirs: `${THEIRS.manopt.rate}, τ ${THEIRS.manopt.tau}`,
      ours: `${net20.rate.mean.toFixed(2)} (+${percent(net20.rate.mean, THEIRS.manopt.rate)}), τ ${net20.tau.mean.toFixed(1)}, pattern error ${net20.patternMse.mean.toFixed(2)}`,
      holds: net20.rate.mean >= 1.24 * THEIRS.manopt.rate && net20.patternMse.mean < THEIRS.manopt.patternMse,
    },
    {
      claim: 'J = 10: 33.2 % above SCA-ManOpt, pattern error 2.5 dB lower',
      theirs: `${THEIRS.manopt.rate}, τ ${THEIRS.manopt.tau}`,
      ours: `${net10.rate.mean.toFixed(2)} (+${percent(net10.rate.mean, THEIRS.manopt.rate)}), τ ${net10.tau.mean.toFixed(1)}, pattern error ${net10.patternMse.mean.toFixed(2)}`,
      holds: net10.rate.mean >= 1.332 * THEIRS.manopt.rate && net10.patternMse.mean < THEIRS.manopt.patternMse,
    },
    {
      claim: 'J = 1 has good rates at high SNR, but senses worse than J = 20',
      theirs: 'yes',
      ours: `R ${at12(j1).rate.mean.toFixed(1)} and τ ${at12(j1).tau.mean.toFixed(1)}, J = 20: ${net20.rate.mean.toFixed(1)} and ${net20.tau.mean.toFixed(1)}`,
      holds: at12(j1).tau.mean > net20.tau.mean,
    },
    {
      claim: 'Conventional PGA, J = 1, is the worst of what senses',
      theirs: 'yes',
      ours: at12('pga-j1').objective.mean.toFixed(1),
      holds: rows.every(
        ({ method, snrDb, objective }) => snrDb !== 12 || method === 'zf' || objective.mean >= at12('pga-j1').objective.mean,
      ),
    },
  ];
}

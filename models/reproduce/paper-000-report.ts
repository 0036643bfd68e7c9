/** Paper 000 again, as a report: its claims, its figures regenerated, and what stands beside them. */
import type { Plot, PlotLine, Report, ReportSection, ReportTable } from '../report/report.ts';
import { curveOf, findRow, nearestTo, paper000Claims, rowAt, titleOf } from './paper-000-claims.ts';
import { STARTS, type Curve } from './paper-000-curves.ts';
import { LONG_RUN_STARTS } from './paper-000-methods.ts';
import { CURVE_SNR_DB, LAYERS, MARKS, PRINTED, PROGRAM, SNRS_DB, WEIGHT } from './paper-000-theirs.ts';
import { paper000Figures, type Paper000Data, type Paper000Figures, type Paper000Work, type SnrRow } from './paper-000.ts';
import { departures } from './departures.ts';
import { machine } from './provenance.ts';
import { STOPPED } from './stopped-manopt.ts';
import { show } from './tables.ts';

export interface Paper000Options extends Paper000Data {
  /** Whose channels and covariances, in words. */
  source: string;
  /** Whether they are the authors' own: numbers are then compared as they are. */
  authors: boolean;
  /** That makes this report again. */
  command: string;
}

/** @throws {BeamrigError} as `paper000Figures` does */
export async function paper000Report(options: Paper000Options, work: Paper000Work = {}): Promise<Report> {
  return reportOf(await paper000Figures(options, work), options);
}

type Told = Pick<Paper000Options, 'source' | 'authors' | 'command'>;

export function reportOf(figures: Paper000Figures, { source, authors, command }: Told): Report {
  return {
    title: 'Paper 000: UPGANet, communications and sensing',
    about: [
      'N. T. Nguyen et al., Deep Unfolding-Empowered MmWave Massive MIMO Joint Communications and Sensing. ' +
        `N = 64 elements, M = K = 4, ω = ${WEIGHT}, σ² = 1 and P = SNR. ${figures.count} channels ${source}, the same for every method; training and the searches used other ` +
        'streams of other seeds, and nothing was chosen on these. Means ± standard error over the channels.',
      'Theirs: the curves of Fig. 3 that were released with the program of the authors, and runs of that program on the test channels released with it; the figures of the paper print no numbers.',
      `\`${command}\` on ${machine()}.`,
    ],
    claims: paper000Claims(figures, authors),
    sections: [
      convergence(figures),
      starts(figures),
      overSnr(figures, { of: 'rate', title: 'Fig. 3(a): sum rate', label: 'sum rate, bit/s/Hz' }),
      overSnr(figures, { of: 'tau', title: 'Covariance error τ', label: 'covariance error τ', log: true }),
      overSnr(figures, {
        ...{ of: 'objective', title: 'R − ωτ', label: 'R − ωτ, bit/s/Hz' },
        text:
          'How far anything can get: digital is an RF chain an element, X itself climbed (`models/baselines/digital-rate-sensing.ts`); the long run climbs phases and D together, ' +
          `from ${LONG_RUN_STARTS} starts to their ends, and stands for the limit of hybrid beams. It takes seconds a channel, and is measured at ${CURVE_SNR_DB} dB alone.`,
      }),
      overSnr(figures, {
        ...{ of: 'patternMse', title: 'Fig. 3(b): error of the beampattern', label: 'mean squared error at power 1', log: true },
      }),
      beampatterns(figures),
      manopt(figures),
      whatWasCompared(figures),
    ],
  };
}

const fixed = (value: number, digits = 2): string => (Number.isFinite(value) ? value.toFixed(digits).replace('-', '−') : '–');
const SHOWN = [0, 10, 25, 43, 70, 100, 120];
/** Lower than this a curve is of no interest, and the others could not be told apart. */
const FLOOR = -35;

const lineOf = ({ title, mean, stderr }: Curve, more: Partial<PlotLine> = {}): PlotLine => ({
  label: title,
  x: mean.map((_, layer) => layer),
  y: mean.map((value) => (value < FLOOR ? NaN : value)),
  error: stderr,
  ...more,
});

const tableOf = (curves: readonly Curve[], named: (curve: Curve) => string): ReportTable => ({
  caption: `R − ωτ after so many layers, ${CURVE_SNR_DB} dB`,
  head: ['', ...SHOWN.map(String), '± at the end'],
  rows: curves.map((curve) => [
    named(curve),
    ...SHOWN.map((layer) => fixed(curve.mean[layer])),
    fixed(curve.stderr[curve.stderr.length - 1]),
  ]),
});

/** Fig. 2, from (17). */
function convergence(figures: Paper000Figures): ReportSection {
  const aligned = figures.curves.filter(({ start }) => start === 'aligned');
  const theirs = (key: keyof typeof PROGRAM, label: string): PlotLine => ({ label, x: MARKS, y: PROGRAM[key], theirs: true });
  const among = (...keys: string[]): Curve[] => keys.flatMap((key) => aligned.filter((curve) => curve.key === key));
  const overUpdates = among('upganet-j10', 'upganet-j20', 'pga-j20', 'pga-searched-j1', 'pga-searched-j10', 'pga-searched-j20');
  const y = { label: 'R − ωτ, bit/s/Hz' };
  return {
    title: 'Fig. 2: convergence',
    text: [
      `From the start of (17), with the sign that aligns. A layer is J steps on A and one on D. PGA by search has the best constant steps at ${CURVE_SNR_DB} dB for each J and digital gradient, found on 20 channels of ` +
        'the training stream (`models/reproduce/searched-sensing-steps.json`). Without the word "exact" the step on D is that of the authors\' program, which leaves the interference out; exact is (11).',
    ],
    plots: [
      {
        title: `Fig. 2: R − ωτ after each layer, ${CURVE_SNR_DB} dB`,
        x: { label: 'layers' },
        y,
        lines: [
          ...among('upganet-j20', 'upganet-j10', 'upganet-j20-exact').map((curve) => lineOf(curve)),
          ...among('pga-j20', 'pga-j10', 'pga-j1').map((curve) => lineOf(curve, { dashed: true })),
          theirs('upganet-j20', 'UPGANet, J = 20, theirs'),
          theirs('pga-j10', 'PGA, J = 10, theirs'),
        ],
      },
      {
        title: `R − ωτ over updates of A, ${CURVE_SNR_DB} dB`,
        x: { label: 'updates of A', log: true },
        y,
        lines: overUpdates.map((curve) => {
          const { x, y: values, error = [], ...line } = lineOf(curve, { dashed: curve.key.startsWith('pga') });
          return { ...line, x: x.slice(1).map((layer) => layer * curve.innerSteps), y: values.slice(1), error: error.slice(1) };
        }),
      },
    ],
    tables: [tableOf(aligned, ({ title }) => title)],
  };
}

const START_TITLES = { aligned: '(17)', svd: 'singular vectors', random: 'random phases' };

function starts(figures: Paper000Figures): ReportSection {
  const keys = ['upganet-j20', 'upganet-j10', 'pga-j20', 'pga-j10'];
  const plotOf = (key: string): Plot => {
    const curves = STARTS.map((start) => curveOf(figures, key, start));
    return {
      title: `Fig. 2: ${curves[0].title}, from three starts`,
      x: { label: 'layers' },
      y: { label: 'R − ωτ, bit/s/Hz' },
      lines: curves.map((curve) => lineOf(curve, { label: START_TITLES[curve.start] })),
    };
  };
  const elsewhere = figures.curves.filter(({ start }) => start !== 'aligned');
  return {
    title: 'Fig. 2: initialisations',
    text: [
      'Singular vectors: A from the right singular vectors of H, D as in (17). Random: random phases, D = (HA)⁺. The former A has no unit modulus yet, so that the beam is digital ZF at first, and begins above (17).',
    ],
    plots: keys.map(plotOf),
    tables: [tableOf(elsewhere, ({ title, start }) => `${title}; ${START_TITLES[start]}`)],
  };
}

type FigureName = keyof SnrRow & ('rate' | 'tau' | 'objective' | 'patternMse');

interface Shown {
  of: FigureName;
  title: string;
  label: string;
  log?: boolean;
  text?: string;
}

/** In the plots; tables have all. */
const PLOTTED = [
  'phase-net-60',
  'upganet-j20',
  'upganet-j10',
  'upganet-j1',
  'pga-searched',
  'pga-j1',
  'sca-manopt',
  'phase-extraction',
  'digital',
  'zf',
  'long-run',
];

/** An RF chain an element. */
const DIGITAL = ['digital', 'zf'];

function overSnr(figures: Paper000Figures, { of, title, label, log = false, text }: Shown): ReportSection {
  const printed = Object.values(PRINTED).map((curve) => ({
    title: curve.title,
    values: SNRS_DB.map((_, i) => (of === 'objective' ? curve.rate[i] - WEIGHT * curve.tau[i] : curve[of][i])),
  }));
  const cells = (key: string) => SNRS_DB.map((snrDb) => findRow(figures, key, snrDb)?.[of]);
  // At high SNR the worst of them would press all others together.
  const shown = (value: number): number => (of === 'objective' && value < 0 ? NaN : value);
  return {
    title,
    ...(text === undefined ? {} : { text: [text] }),
    plots: [
      {
        title,
        x: { label: 'SNR, dB' },
        y: { label, log },
        lines: [
          ...PLOTTED.map((method) => ({
            ...{ label: titleOf(figures, method), x: SNRS_DB, dashed: DIGITAL.includes(method) },
            ...{
              y: cells(method).map((cell) => shown(cell?.mean ?? NaN)),
              error: cells(method).map((cell) => cell?.stderr ?? 0),
            },
          })),
          ...printed.map((curve) => ({ label: curve.title, x: SNRS_DB, y: curve.values.map(shown), theirs: true })),
        ],
      },
    ],
    tables: [
      {
        head: ['', ...SNRS_DB.map((snrDb) => `${snrDb} dB`)],
        rows: [
          ...figures.methods.map((method) => [method.title, ...cells(method.key).map((cell) => show(cell))]),
          ...printed.map((curve) => [curve.title, ...curve.values.map((value) => fixed(value))]),
        ],
      },
    ],
  };
}

const ANGLES_DEG = [-75, -60, -45, -30, -15, 0, 15, 30, 45, 60, 75];
const LOWEST_DB = -20;

/** Fig. 3(c). */
function beampatterns({ patterns, azimuthRad, methods }: Paper000Figures): ReportSection {
  const decibels = (power: readonly number[]): number[] => power.map((value) => 10 * Math.log10(value));
  const shown = ['wanted', 'upganet-j20', 'upganet-j10', 'sca-manopt', 'pga-j1', 'zf'];
  const degrees = azimuthRad.map((angle) => (angle * 180) / Math.PI);
  const unit = 'dB over one isotropic element fed with the same power';
  return {
    title: `Fig. 3(c): mean beampatterns at ${CURVE_SNR_DB} dB`,
    plots: [
      {
        title: `Fig. 3(c): mean beampatterns at ${CURVE_SNR_DB} dB, ${unit}`,
        x: { label: 'azimuth, degrees' },
        y: { label: 'power, dB' },
        lines: patterns
          .filter(({ method }) => shown.includes(method))
          .map(({ method, power }) => ({
            ...{ label: titleOf({ methods }, method), x: degrees, dashed: method === 'wanted' || method === 'zf' },
            y: decibels(power).map((value) => Math.max(value, LOWEST_DB)),
          })),
      },
    ],
    tables: [
      {
        caption: `Mean power towards azimuths, ${unit}`,
        head: ['', ...ANGLES_DEG.map((deg) => `${fixed(deg, 0)}°`)],
        rows: patterns.map(({ method, power }) => [
          titleOf({ methods }, method),
          ...ANGLES_DEG.map((deg) => fixed(decibels(power)[nearestTo(azimuthRad, deg)], 1)),
        ]),
      },
    ],
  };
}

/** Ours beside theirs, and where they part. */
function manopt(figures: Paper000Figures): ReportSection {
  const theirs = PRINTED['sca-manopt'];
  const triple = (rate: number, tau: number, mse: number): string => [rate, tau, mse].map((value) => fixed(value)).join(' / ');
  const ours = (key: string, title: string): string[] => [
    title,
    ...SNRS_DB.map((snrDb) => {
      const { rate, tau, patternMse } = rowAt(figures, key, snrDb);
      return triple(rate.mean, tau.mean, patternMse.mean);
    }),
  ];
  const gap = SNRS_DB.map((snrDb, i) => rowAt(figures, 'zf', snrDb).rate.mean - PRINTED.zf.rate[i]);
  return {
    title: 'SCA-ManOpt and ZF beside theirs',
    text: [
      'SCA-ManOpt goes from the digital precoder X* of the sum rate down to a minimum of (1 − ρ)‖X − X*‖² + ρ‖XXᴴ − Ψ‖², ρ = 0.2, and takes that apart into A and D. In the text of the paper ρ stands at the first distance ' +
        '(and both are maximised); so weighed the rate falls from 9 to 8 bit/s/Hz over these SNRs, where its figure rises to 21. Up to 6 dB ours, run to its end, is where theirs is. From 8 dB on theirs has more τ and a larger error of ' +
        'the pattern, and at 12 dB a lower rate as well: worse in all three, so that no other ρ explains it. Where the power is high the second distance, which grows with its square, takes more steps, and what stops early is still ' +
        `on its way: ${STOPPED.steps} gradient steps of ${STOPPED.length} from X* and ${STOPPED.turns} turns of the factorisation, from random phases, bend as theirs does. These numbers are the nearest of a small grid to their curve; the paper ` +
        'ends both at a tolerance of 10⁻³, without saying of what. Networks are therefore compared with both, their curve and ours run to its end.',
      `Digital ZF, less their curve: ${fixed(Math.min(...gap))} to ${fixed(Math.max(...gap))} bit/s/Hz over these SNRs. On the channels released with the program it is 0.40 to 0.44 above the curve everywhere, with equal power for each user 0.7, and the ` +
        'error of its pattern is 7.7 and not 6.4: the curve belongs to another draw, whose channels are 0.3 dB weaker.',
    ],
    tables: [
      {
        caption: 'Sum rate / τ / error of the beampattern',
        head: ['', ...SNRS_DB.map((snrDb) => `${snrDb} dB`)],
        rows: [
          [theirs.title, ...SNRS_DB.map((_, i) => triple(theirs.rate[i], theirs.tau[i], theirs.patternMse[i]))],
          ours('sca-manopt', 'SCA-ManOpt, run to its end'),
          ours('sca-manopt-stopped', `stopped after ${STOPPED.steps} steps and ${STOPPED.turns} turns`),
        ],
      },
    ],
  };
}

const whatWasCompared = ({ models }: Paper000Figures): ReportSection =>
  departures({
    slips: [
      ['(9) scales by P', '√P', '‖A·D‖² = P is the constraint (5c)'],
      [
        '(11), the gradient towards D, λ = 0.01',
        'both (11) and the one of the program',
        "with (11) λ = 0.01 runs away; the authors' program keeps the wanted signal alone",
      ],
      ['(17) exp(−jϑ)', 'exp(+jϑ) of Hᴴ', 'only this adds the elements up in phase'],
      ['(17) fills chains beyond the users by steering vectors', 'by columns of B', 'which span the same, whatever the pattern'],
      ['beams ±5° wide', '±2.5°', "that is what the authors' Ψ fits"],
      ['SCA-ManOpt: ρ at ‖X − X*‖²', 'at ‖XXᴴ − Ψ‖²', 'see above'],
    ],
    methods: [
      [`PGA, μ = λ = 0.01`, `the paper's constant steps, ${LAYERS} layers, the program's gradient towards D`],
      ['PGA, J and constant steps by search', 'the best of J = 1, 10, 20 and both gradients at each SNR'],
      [
        'phase extraction',
        'phases of beams that span the row space of the channel, chosen for the rates alone; D by the objective R − ωτ',
      ],
      ['phase-net', 'one file of learned numbers for every array, for a budget of steps; A and D as the network gives them'],
      [
        'digital, R − ωτ by L-BFGS',
        'one RF chain an element, the better of two climbs of X, from the precoder of the rate and from one that senses',
      ],
      ['long run', `L-BFGS on the phases from ${LONG_RUN_STARTS} starts to their ends, D the best for them`],
      ['D by the objective', 'the better of its own D and of D solved again for R − ωτ, as a rig has it'],
    ],
    models,
    serves: 'every SNR',
  });

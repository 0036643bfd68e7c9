/** Paper 001 again, as a report: its claims, its figures regenerated, and what stands beside them. */
import type { ChannelScale } from '../../core/signal/channel.ts';
import { DEFAULT_SWEEPS } from '../../core/signal/quantiser-names.ts';
import type { Plot, PlotLine, Report, ReportSection, ReportTable } from '../report/report.ts';
import { paper001Claims } from './paper-001-claims.ts';
import {
  BITS,
  BITS_SNR_DB,
  CURVE_SNR_DB,
  LONG,
  paper001Figures,
  SNRS_DB,
  type Paper001Figures,
  type Paper001Options,
  type ReproductionWork,
} from './paper-001-figures.ts';
import { departures } from './departures.ts';
import { machine } from './provenance.ts';
import { SCALES, shortName, show, type ComparisonCell } from './tables.ts';

/** @throws {BeamrigError} 'stopped' where that is asked for: what is done is in the cache */
export async function paper001Report(options: Paper001Options & { command: string }, work: ReproductionWork): Promise<Report> {
  return reportOf(await paper001Figures(options, work), options.command);
}

export function reportOf(figures: Paper001Figures, command: string): Report {
  const { channels, seed, literalRecipe } = figures.options;
  return {
    title: 'Paper 001: unfolded projected gradient ascent',
    about: [
      'N. T. Nguyen et al., Fast Deep Unfolded Hybrid Beamforming in Multiuser Large MIMO Systems, Asilomar 2023. N = 32 elements, M = K = 4, ' +
        `fully connected, 10 paths. ${channels} channels of the stream \`test\` of seed ${seed}, the same for every method and every SNR; training used the ` +
        'streams `train` and `validation`, the search for steps `train`. Sum rates in bit/s/Hz, mean ± standard error over the channels.',
      ...(channels < FEW ? [`A quick look: ${channels} channels are few, and errors are large; the full report has 200.`] : []),
      ...(literalRecipe ? [] : ["Left out: the network trained by the paper's recipe taken literally, and its claim."]),
      'The paper draws its results in figures and prints no values of them, so that its side of a claim is in its words. It is judged on the channel as the paper prints ' +
        'it, scale `paper-001` (E‖h‖² = 10); in the scale `unit-element` each element has E|h|² = 1. A claim that one is above another holds where that is beyond ' +
        'doubt; a difference within two standard errors may be none, and more channels (`--count`) tell.',
      `\`${command}\` on ${machine()}.`,
    ],
    claims: paper001Claims(figures),
    sections: [
      overLayers(figures),
      overSnr(figures),
      shares(figures),
      differences(figures),
      byBits(figures),
      whatWasCompared(figures),
    ],
  };
}

const FEW = 100;
const LAYER_MARKS = [0, 1, 2, 3, 5, 10, 20, 30, 100, LONG];

interface LayerPlot {
  title: string;
  /** Of the curves. */
  keys: (key: string) => boolean;
  /** Of methods beside them: what these reach. */
  levels: readonly string[];
  /** Layers; on a logarithmic axis where 0 is left out. */
  from: number;
  to: number;
}

const OTHER_SETTINGS = ['pga-equal-steps', 'pga-as-printed'];
const LAYER_PLOTS: readonly LayerPlot[] = [
  {
    title: 'Fig. 2(a): rate after each layer or iteration',
    keys: (key) => !OTHER_SETTINGS.includes(key),
    levels: ['sca-rmm', 'phase-extraction', 'long-run', 'zf'],
    ...{ from: 0, to: 30 },
  },
  {
    title: 'PGA in the long run',
    keys: (key) => ['pga-j1', 'pga-j10'].includes(key),
    levels: ['phase-extraction'],
    from: 1,
    to: LONG,
  },
  { title: 'PGA otherwise set', keys: (key) => [...OTHER_SETTINGS, 'pga-j10'].includes(key), levels: [], from: 0, to: 30 },
];
/** Of Fig. 2(b), and beside it. */
const IN_FIGURE_2B = [
  'unfolded-pga-n32',
  'unfolded-pga-n32-3',
  'pga-30-j1',
  'pga-30-j10',
  'sca-rmm',
  'zf',
  'phase-extraction',
  'phase-net-30',
];
/** SCA-RMM falls to three quarters, where nothing else is told apart any more. */
const IN_SHARES = [...IN_FIGURE_2B.filter((key) => key !== 'zf' && key !== 'sca-rmm'), 'phase-net-10'];

/** Fig. 2(a). */
function overLayers({ curves, comparison, methods }: Paper001Figures): ReportSection {
  const plotOf = (scale: ChannelScale, { title, keys, levels, from, to }: LayerPlot): Plot => ({
    title: `${title}, ${CURVE_SNR_DB} dB, scale \`${scale}\``,
    x: { label: 'layers or iterations', log: from > 0 },
    y: { label: 'sum rate, bit/s/Hz' },
    lines: [
      ...curves
        .filter((curve) => curve.scale === scale && keys(curve.key))
        .map((curve): PlotLine => {
          const layers = curve.mean.map((_, layer) => layer).filter((layer) => layer >= from && layer <= to);
          const [y, error] = [curve.mean, curve.stderr].map((values) => layers.map((layer) => values[layer]));
          return { label: curve.short, x: layers, y, error };
        }),
      ...levels.map((key): PlotLine => {
        const { mean } = cellAt(comparison.rates, key, scale, CURVE_SNR_DB);
        return { label: shortName({ methods }, key), x: [from, to], y: [mean, mean], dashed: true };
      }),
    ],
  });
  const tableOf = (scale: ChannelScale): ReportTable => ({
    caption: `After so many layers or iterations, ${CURVE_SNR_DB} dB, scale \`${scale}\``,
    head: ['', ...LAYER_MARKS.map(String), '± at the last'],
    rows: curves
      .filter((curve) => curve.scale === scale)
      .map(({ title, mean, stderr }) => [
        title,
        ...LAYER_MARKS.map((layer) => mean[layer]?.toFixed(2) ?? '–'),
        stderr[stderr.length - 1].toFixed(2),
      ]),
  });
  return {
    title: 'Fig. 2(a): convergence',
    text: [
      'The paper does not say at which SNR its figure is. 0 is the start, (12) and (13). A layer of a network with J = 10 takes ten steps on the analog precoder and one on the ' +
        'digital one, as an iteration of PGA does. Of networks that skip layers which overshoot, the rate is that of the beam they would answer with.',
    ],
    plots: LAYER_PLOTS.flatMap((plot) => SCALES.map((scale) => plotOf(scale, plot))),
    tables: SCALES.map(tableOf),
  };
}

/** Fig. 2(b). */
function overSnr({ comparison, methods }: Paper001Figures): ReportSection {
  const plotOf = (scale: ChannelScale): Plot => ({
    title: `Fig. 2(b): rate over SNR, scale \`${scale}\``,
    x: { label: 'SNR, dB' },
    y: { label: 'sum rate, bit/s/Hz' },
    lines: [...IN_FIGURE_2B, 'wmmse'].flatMap((key) => {
      const method = methods.find((each) => each.key === key);
      if (method === undefined) return [];
      const cells = SNRS_DB.map((snrDb) => cellAt(comparison.rates, key, scale, snrDb));
      const digital = key === 'zf' || key === 'wmmse';
      return [
        {
          ...{ label: method.short, x: SNRS_DB, dashed: digital },
          ...{ y: cells.map(({ mean }) => mean), error: cells.map(({ stderr }) => stderr) },
        },
      ];
    }),
  });
  return {
    title: 'Fig. 2(b): rate over SNR',
    plots: SCALES.map(plotOf),
    tables: SCALES.map((scale) => ({
      caption: `Sum rate, scale \`${scale}\``,
      head: ['', ...SNRS_DB.map((snrDb) => `${snrDb} dB`)],
      rows: methods.map(({ key, title }) => [
        title,
        ...SNRS_DB.map((snrDb) => show(cellAt(comparison.rates, key, scale, snrDb))),
      ]),
    })),
  };
}

/** Where lines lie on one another: the same in per cent of the long run. */
function shares({ comparison, methods }: Paper001Figures): ReportSection {
  const shareAt = (key: string, scale: ChannelScale, snrDb: number): number =>
    (100 * cellAt(comparison.rates, key, scale, snrDb).mean) / cellAt(comparison.rates, 'long-run', scale, snrDb).mean;
  return {
    title: 'Beside what is possible',
    text: [
      'The same as shares of `long-run`, in per cent: phases run to their ends from 16 starts, D the best for them, which stands for the limit of hybrid precoders. Phase ' +
        'extraction learns nothing, and takes no steps that anybody would have to choose.',
    ],
    plots: SCALES.map((scale) => ({
      title: `Share of the long run, scale \`${scale}\``,
      x: { label: 'SNR, dB' },
      y: { label: 'share of the long run, %' },
      lines: IN_SHARES.filter((key) => methods.some((each) => each.key === key)).map((key) => ({
        ...{ label: shortName({ methods }, key), x: SNRS_DB },
        y: SNRS_DB.map((snrDb) => shareAt(key, scale, snrDb)),
      })),
    })),
    tables: SCALES.map((scale) => ({
      caption: `Per cent of the long run, scale \`${scale}\``,
      head: ['', ...SNRS_DB.map((snrDb) => `${snrDb} dB`)],
      rows: methods.map(({ key, title }) => [title, ...SNRS_DB.map((snrDb) => shareAt(key, scale, snrDb).toFixed(1))]),
    })),
  };
}

function differences({ comparison, methods, pairs }: Paper001Figures): ReportSection {
  return {
    title: 'Differences, channel by channel',
    text: ['Mean and standard error of the difference on the same channel, which is far less scattered than either rate.'],
    tables: SCALES.map((scale) => ({
      caption: `Difference in bit/s/Hz, scale \`${scale}\``,
      head: ['', ...SNRS_DB.map((snrDb) => `${snrDb} dB`)],
      rows: pairs.map(([ours, theirs]) => [
        `${shortName({ methods }, ours)} − ${shortName({ methods }, theirs)}`,
        ...SNRS_DB.map((snrDb) =>
          show(
            comparison.differences.find(
              (cell) => cell.scale === scale && cell.snrDb === snrDb && cell.method === ours && cell.against === theirs,
            ),
            true,
          ),
        ),
      ]),
    })),
  };
}

function byBits({ comparison, quantised, quantisedMethods }: Paper001Figures): ReportSection {
  const rateOf = (scale: ChannelScale, method: string, bits: (typeof BITS)[number]) =>
    quantised.find((cell) => cell.scale === scale && cell.method === method && cell.bits === bits);
  const counts = BITS.filter((bits) => bits !== 'inf');
  return {
    title: `Phases of Q bits, at ${BITS_SNR_DB} dB`,
    text: [
      'Not in the paper, whose phase shifters take any phase. Phases rounded to the nearest of 2^Q states, or states chosen by the array quantiser, which sweeps over the elements and takes what is best with D solved again, ' +
        `${DEFAULT_SWEEPS} times at most; the digital precoder then solved again (WMMSE for the quantised phases), at Q = ∞ too.`,
    ],
    plots: SCALES.map((scale) => {
      const limit = cellAt(comparison.rates, 'long-run', scale, BITS_SNR_DB).mean;
      return {
        title: `Rate over bits of a phase, ${BITS_SNR_DB} dB, scale \`${scale}\``,
        x: { label: 'bits of a phase, Q' },
        y: { label: 'sum rate, bit/s/Hz' },
        lines: [
          ...quantisedMethods.map(({ key, title }) => ({
            ...{ label: title, x: counts },
            y: counts.map((bits) => rateOf(scale, key, bits)?.mean ?? NaN),
            error: counts.map((bits) => rateOf(scale, key, bits)?.stderr ?? 0),
          })),
          { label: 'long run, phases not quantised', x: [1, 8], y: [limit, limit], dashed: true },
        ],
      };
    }),
    tables: SCALES.map((scale) => ({
      caption: `Sum rate, scale \`${scale}\``,
      head: ['Q', ...BITS.map((bits) => (bits === 'inf' ? '∞' : String(bits)))],
      rows: quantisedMethods.map(({ key, title }) => [title, ...BITS.map((bits) => show(rateOf(scale, key, bits)))]),
    })),
  };
}

const whatWasCompared = ({ networks }: Paper001Figures): ReportSection =>
  departures({
    slips: [
      ['(9) scales by P', '√P', '‖FW‖² = P is the constraint (5c); the square root is in (13)'],
      ['(10), (11)', 'times 1/ln 2', '(17), (18) of its own appendix have it: rates are in bits'],
      ['(12) exp(−jϑ), ϑ the phases of [h₁ … h_K]', 'exp(+jϑ)', 'only this adds the elements up in phase: see the claims'],
      ['III-B calls the rate a loss', 'it is maximised', ''],
      ['steps 0.01 and 0.0001 without a unit', 'σ² = 1, P = SNR', 'the convention under which they converge as described'],
    ],
    methods: [
      ["PGA with the paper's steps", 'μ = 0.01, λ = 0.0001, with σ² = 1 and P = SNR on the channel as drawn'],
      [
        'PGA with searched steps',
        'one constant μ and λ for each scale, SNR and number of iterations (`models/reproduce/searched-steps.json`)',
      ],
      [
        'SCA-RMM',
        'successive convex approximation run to its end, then manifold factors, D by least squares as in the papers it is from',
      ],
      [
        'phase extraction',
        'on the row space of the channel, from aligned phases, 10 steps with momentum; D by weighted MMSE; learns nothing',
      ],
      ['phase-net', 'one file of learned numbers for every array, the better of its own D and of D solved again, as on a rig'],
      ['digital ZF, WMMSE', '√P·H⁺/‖H⁺‖, and weighted MMSE from there, 100 iterations: one RF chain an element'],
    ],
    models: networks,
    serves: 'every SNR and both scales',
  });

function cellAt(cells: readonly ComparisonCell[], method: string, scale: ChannelScale, snrDb: number): ComparisonCell {
  const cell = cells.find((each) => each.method === method && each.scale === scale && each.snrDb === snrDb);
  if (cell === undefined) throw new Error(`no rate of ${method} at ${snrDb} dB`);
  return cell;
}

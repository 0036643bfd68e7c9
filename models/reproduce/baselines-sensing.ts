/** The baselines where sensing counts: R − ω·τ over SNR, σ² = 1 and P = SNR as in paper 000, beside the digital answer. */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { fromDb, sumRate } from '../../core/signal/rate.ts';
import { covarianceError, type Sensing } from '../../core/signal/sensing.ts';
import { patternGrid, wantedCovarianceFactor } from '../../core/signal/wanted-pattern.ts';
import type { BaselineName } from '../baselines/baselines.ts';
import { digitalRateSensing } from '../baselines/digital-rate-sensing.ts';
import { evaluateInParallel } from '../evaluation/parallel-evaluation.ts';
import { meanAndError, type MeanAndError } from '../evaluation/statistics.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { WEIGHT } from './paper-000-theirs.ts';
import { show, table } from './tables.ts';

const SNRS_DB = [0, 6, 12];
const DEGREE = Math.PI / 180;
const LOOKED_RAD = [-60 * DEGREE, 0, 60 * DEGREE];
const HALF_WIDTH_RAD = 2.5 * DEGREE;

/** What the table is of, in words. */
export const SENSING_IN_WORDS = `σ² = 1, P = SNR, ω = ${WEIGHT}, Ψ of boxes of ±2.5° around −60°, 0° and 60°`;

export interface SensingTable {
  names: readonly BaselineName[];
  elements: number;
  users: number;
  channels: number;
  seed: number;
  threads: number;
}

/** Over the channels at one SNR. */
interface SensingCell {
  /** R − ωτ, bit/s/Hz. */
  objective: MeanAndError;
  /** R, bit/s/Hz. */
  rate: MeanAndError;
  tau: MeanAndError;
}

/** A row for each baseline, D by the objective R − ωτ, and one for the digital answer. */
export async function sensingMarkdown({ names, elements, users, channels: count, seed, threads }: SensingTable): Promise<string> {
  const line = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
  const factor = wantedCovarianceFactor(line, { directionsRad: LOOKED_RAD, halfWidthRad: HALF_WIDTH_RAD, streams: users });
  const sensing: Sensing = { factor, weight: WEIGHT, grid: patternGrid(line, factor) };
  const { channels } = drawChannelSet({ seed, name: 'test', count, elements, users, paths: 10, scale: 'unit-element' });
  const rows: string[][] = [];
  for (const name of names) {
    const { results } = await evaluateInParallel({
      ...{ model: name, source: { baseline: name }, file: 'test', channels, rfChains: users, snrsDb: SNRS_DB, bits: ['inf'] },
      ...{ objective: 'rate-sensing', sensing: [sensing], threads },
    });
    const cells = results.map(({ objective = NONE, sumRate: rate, tau = NONE }) => ({ objective, rate, tau }));
    rows.push([`\`${name}\``, ...cells.flatMap(shown)]);
  }
  rows.push(['digital, R − ωτ by L-BFGS', ...SNRS_DB.flatMap((snrDb) => shown(digitalCell(channels, sensing, snrDb)))]);
  return table(['', ...SNRS_DB.flatMap((snrDb) => [`${snrDb} dB: R − ωτ`, 'R', 'τ'])], rows);
}

const NONE = { mean: NaN, stderr: NaN };

const shown = ({ objective, rate, tau }: SensingCell): string[] => [show(objective), rate.mean.toFixed(2), tau.mean.toFixed(2)];

function digitalCell(channels: readonly CMatrix[], sensing: Sensing, snrDb: number): SensingCell {
  const power = fromDb(snrDb);
  const found = channels.map((channel) => {
    const x = digitalRateSensing({ channel, rfChains: channel.rows, power, noise: 1, sensing });
    return { rate: sumRate(channel, x, 1), tau: covarianceError(sensing, x, power) };
  });
  return {
    objective: meanAndError(found.map(({ rate, tau }) => rate - sensing.weight * tau)),
    rate: meanAndError(found.map(({ rate }) => rate)),
    tau: meanAndError(found.map(({ tau }) => tau)),
  };
}

/**
 * Precoders of many cells side by side, on the same samples, in both settings of paper 004:
 *
 *   npx tsx models/reproduce/many-cells.ts [--channels 100] [--seed 1] [--output docs/results/many-cells.md]
 *
 * So many samples of one cell, and three tenths as many of seven. The eight constants are from search-cell-steps.ts.
 */
import { readFileSync } from 'node:fs';
import { weightedSumRate } from '../../core/signal/cells/receivers.ts';
import { meanAndError } from '../evaluation/statistics.ts';
import type { SettingName } from './many-cells-methods.ts';
import { cellMethods, drawSample, FAST_FP_100, WMMSE_100 } from './many-cells-methods.ts';
import { pageFlags, writePage } from './page.ts';
import { machine } from './provenance.ts';
import { show, table } from './tables.ts';

const SEVEN_CELLS_SHARE = 0.3;
const COMPARISONS: readonly { setting: SettingName; cells: number }[] = [
  { setting: 'text', cells: 1 },
  { setting: 'tables', cells: 1 },
  { setting: 'text', cells: 7 },
  { setting: 'tables', cells: 7 },
];

interface SearchedSteps {
  results: { setting: SettingName; cells: number; start: 'random' | 'mrt'; factors: number[] }[];
}

const searched = JSON.parse(readFileSync(new URL('./searched-cell-steps.json', import.meta.url), 'utf8')) as SearchedSteps;

function factorsFor(setting: SettingName, cells: number, start: 'random' | 'mrt'): number[] {
  const found = searched.results.find((r) => r.setting === setting && r.cells === cells && r.start === start);
  if (found === undefined) throw new Error(`no constants for ${setting}, ${cells}, ${start}: run search-cell-steps.ts`);
  return found.factors;
}

function comparison({ setting, cells }: (typeof COMPARISONS)[number], samples: number, seed: number): string {
  const methods = cellMethods({ random: factorsFor(setting, cells, 'random'), mrt: factorsFor(setting, cells, 'mrt') });
  const rates = new Map(methods.map(({ title }) => [title, [] as number[]]));
  for (let i = 0; i < samples; i++) {
    const sample = drawSample(setting, cells, seed, 'test', i);
    for (const { title, run } of methods) rates.get(title)?.push(weightedSumRate(sample.problem, run(sample)));
  }
  const [fastFp, wmmse] = [FAST_FP_100, WMMSE_100].map(({ title }) => rates.get(title) ?? []);
  const rows = [...rates].map(([title, own]) => [
    title,
    show(meanAndError(own)),
    share(own, fastFp),
    share(own, wmmse),
    show(meanAndError(own.map((rate, i) => rate - wmmse[i])), true),
  ]);
  return table(['', 'bit/s/Hz', '% of FastFP-100', '% of WMMSE-100', '− WMMSE-100, paired'], rows);
}

const share = (own: readonly number[], of: readonly number[]): string =>
  ((100 * meanAndError(own).mean) / meanAndError(of).mean).toFixed(1);

const flags = pageFlags({ channels: 100, output: 'docs/results/many-cells.md' });
const blocks = COMPARISONS.flatMap((which) => {
  const samples = which.cells === 1 ? flags.channels : Math.max(2, Math.round(SEVEN_CELLS_SHARE * flags.channels));
  console.error(`${which.setting}, ${which.cells} …`);
  const title = `## ${which.cells === 1 ? 'One cell' : 'Seven cells'}, \`${which.setting}\`: ${samples} samples`;
  return [title, comparison(which, samples, flags.seed)];
});
writePage(flags, [
  '# Many cells',
  'N = 64, Nr = 4, d = 2, K = 6 users a cell, w = 1; rates in log₂ and summed over all cells, mean ± standard error over samples that are the same for every method. FastFP and WMMSE start from ' +
    'random precoders unless it is said otherwise, MRT with equal power for all streams. `text`: P/σ² = 110 dB, users at least 35 m away, CN(0, 1) fading, as paper 004 says. `tables`: 96.5 dB, 173 m, fading of modulus 1, which comes ' +
    'to the magnitudes of its Tables I and II (FastFP-100: 14.826 for one cell, 102.186 for seven).',
  `\`npx tsx models/reproduce/many-cells.ts --channels ${flags.channels} --seed ${flags.seed}\` on ${machine()}.`,
  ...blocks,
]);

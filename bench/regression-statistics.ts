/**
 * Whether the stated confidence of regressions holds: verdicts on seeds drawn at random, where the truth is known.
 *
 *   npx tsx bench/regression-statistics.ts [--times 200] [--output docs/results/regression-statistics.md]
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createRandom } from '../core/signal/random.ts';
import { shareLimits } from '../src/regression/verdicts/statistics.ts';
import { METHODS, playTrial } from '../test/regression-trials.ts';

const { values } = parseArgs({ options: { times: { type: 'string', default: '200' }, output: { type: 'string' } } });
const times = Number(values.times);
const SEEDS = 64;
const random = createRandom(20261201);

const share = (count: number): string => {
  const { lower, upper } = shareLimits(count, times, 0.025);
  const text = (value: number | null): string => (100 * (value ?? NaN)).toFixed(1);
  return `${text(count / times)} % (${text(lower)} to ${text(upper)})`;
};

const lines = [
  '# What regressions say of many seeds, where the truth is known',
  '',
  `\`npx tsx bench/regression-statistics.ts --times ${times}\`. ${times} cases a row, of ${SEEDS} seeds each, at a confidence of 95 %; values are normal.`,
  'The effect is how far the truth lies on the good side of the bound, in deviations of one seed; 0 is the bound itself, where either statement is false.',
  'In brackets: between which limits the share is, two-sided at 95 % (Clopper and Pearson). The bound of quantile and failure-rate is 10 % of seeds;',
  'that of baseline, the margin, is half a deviation, so that an effect of 0.5 there is no change at all.',
  '',
  '| method | seeds end early | effect | passed | shown to fail | seeds played, mean |',
  '|---|---|---|---|---|---|',
];
for (const method of METHODS) {
  for (const stopEarly of [false, true]) {
    for (const effect of [0, 0.5, 1, -0.5]) {
      const stream = random.stream(`${method} ${stopEarly} ${effect}`);
      const all = Array.from({ length: times }, () => playTrial({ method, seeds: SEEDS, stopEarly, effect }, stream));
      const passed = share(all.filter((one) => one.passed).length);
      const failed = share(all.filter((one) => one.shownToFail).length);
      const seeds = (all.reduce((sum, one) => sum + one.seeds, 0) / times).toFixed(1);
      lines.push(`| ${method} | ${stopEarly ? 'yes' : 'no'} | ${effect} | ${passed} | ${failed} | ${seeds} |`);
    }
  }
}
const text = `${lines.join('\n')}\n`;
if (values.output === undefined) process.stdout.write(text);
else writeFileSync(values.output, text);

/**
 * One and the same scenario over every kind of link, beside the loopback: words that differ, SNR and its difference, cycles a second. The table
 * of docs/results/same-scenario.md.
 *
 *   npx tsx bench/same-scenario.ts [--cycles 100] [--json]
 *
 * A link whose system parts are missing is named and left out. Ends with 0 only when all that were tried tell the very same story.
 */
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { compare, cycleMs, tellOverLoopback } from '../scripts/same-scenario.ts';
import type { Comparison, Story } from '../scripts/same-scenario.ts';
import { hasPart } from '../test/parts.ts';
import { SCENARIO_LINKS } from '../test/same-scenario-links.ts';

const { values } = parseArgs({
  options: { cycles: { type: 'string', default: '100' }, json: { type: 'boolean', default: false } },
});
const cycles = Number(values.cycles);
const say = (text: string): void => {
  if (!values.json) console.log(text);
};

const row = (name: string, it: Comparison, story: Story): string => {
  const noise = it.standardErrorDb === 0 ? 'none' : `${it.differenceDb.toFixed(3)} ± ${it.standardErrorDb.toFixed(3)}`;
  const retries = story.records.reduce((sum, { link }) => sum + link.retries, 0);
  const cells = [
    name,
    it.cycles * it.wordsPerCycle,
    it.differentWords,
    it.voidCycles.length,
    it.meanSnrDb.panel.toFixed(3),
    noise,
    it.cyclesPerSecond.toFixed(1),
    cycleMs(story).median.toFixed(1),
    retries,
  ];
  return `| ${cells.join(' | ')} |`;
};

const loopback = await tellOverLoopback(cycles);
say(
  `${cpus().length} × ${cpus()[0].model}, Node ${process.version}, load ${loadavg()[0].toFixed(1)}, ${new Date().toISOString().slice(0, 10)}\n`,
);
say(
  '| link | words compared | words wrong | void cycles | mean SNR, dB | difference ± standard error, dB | cycles/s | apply + measure, ms | retries |',
);
say('|---|---|---|---|---|---|---|---|---|');
say(row('loopback', compare(loopback, loopback), loopback));
let equal = true;
const results: object[] = [];
for (const link of SCENARIO_LINKS) {
  const missing = link.needs.filter((part) => !hasPart(part));
  if (missing.length > 0) {
    say(`| ${link.name} | not run: needs ${missing.join(', ')} |`);
    continue;
  }
  const story = await link.tell(cycles);
  const comparison = compare(loopback, story);
  equal &&= comparison.equal;
  results.push({ link: link.name, ...comparison, cycleMs: cycleMs(story) });
  say(row(link.name, comparison, story));
  for (const cause of comparison.voidCycles) say(`  void: ${cause}`);
}
say(
  `\nload ${loadavg()[0].toFixed(1)} at the end; ${equal ? 'all tell the very same story' : 'they do NOT all tell the same story'}`,
);
if (values.json) console.log(JSON.stringify(results));
process.exitCode = equal ? 0 : 1;

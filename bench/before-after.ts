/**
 * Whether a change made anything slower: the benches of two checkouts of this project in turn, on one machine, in one run.
 *
 *   git worktree add /tmp/before COMMIT && npm --prefix /tmp/before ci
 *   npx tsx bench/before-after.ts --before /tmp/before [--rounds 11] [--only loop] [--json] [--output docs/results/before-after.md]
 *
 * Within a round each bench runs in both checkouts, the one that was first in one round second in the next; a ratio is of one round, so
 * that a machine that is slow for a minute is slow for both. Ratios are of time, above 1 is slower; medians with an interval of 95 % by the
 * bootstrap over rounds. The benches are those of the checkout itself: where one measures another thing than before, it shows here.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { createRandom } from '../core/signal/random.ts';
import { machine } from '../models/reproduce/provenance.ts';
import { spread } from './statistics.ts';

/** By path in what a bench prints with --json; a list stands for each of its entries. */
type Figure = readonly [what: string, path: string, unit: 'time' | 'rate'];
const BENCHES: readonly { name: string; args: readonly string[]; figures: readonly Figure[] }[] = [
  {
    name: 'codec',
    args: ['--rounds', '5'],
    figures: [
      ['encode 64 × 4, Q = 6', 'speed.0.framesPerSecond.median', 'rate'],
      ['decode 64 × 4, Q = 6', 'speed.1.framesPerSecond.median', 'rate'],
      ['encode to serial', 'speed.2.framesPerSecond.median', 'rate'],
      ['decode from serial', 'speed.3.framesPerSecond.median', 'rate'],
    ],
  },
  {
    name: 'model-latency',
    args: [],
    figures: [
      ['network, N = 32', 'lines.0.network.medianMs', 'time'],
      ['network, N = 64', 'lines.1.network.medianMs', 'time'],
      ['PGA in TypeScript, N = 64', 'lines.1.typescript.medianMs', 'time'],
    ],
  },
  {
    name: 'simulator',
    args: ['--rounds', '5'],
    figures: [
      ['panel, 64 × 4, processor time', 'rows.0.panel.cpuUs.median', 'time'],
      ['panel, 256 × 8, processor time', 'rows.1.panel.cpuUs.median', 'time'],
      ['with its scene, 64 × 4', 'rows.0.scene.cpuUs.median', 'time'],
    ],
  },
  {
    name: 'controller-overhead',
    args: ['--cycles', '3000'],
    figures: [
      ['whole cycle without model and wire', 'overheadMs.p50', 'time'],
      ['quantise, solve D again, predict SINR', 'partsMs.quantise, solve D again, predict SINR.p50', 'time'],
      ['write the record', 'partsMs.write the record.p50', 'time'],
    ],
  },
  {
    name: 'loop',
    args: ['--seconds', '10'],
    figures: [
      ['cycles a second, unpaced', 'cyclesPerSecond', 'rate'],
      ['from channel to SINR', 'ageMs.p50', 'time'],
    ],
  },
];

const { values: options } = parseArgs({
  options: {
    before: { type: 'string' },
    rounds: { type: 'string', default: '11' },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
    output: { type: 'string' },
  },
});
const rounds = Number(options.rounds);
const benches = BENCHES.filter(({ name }) => options.only === undefined || name === options.only);
if (options.before === undefined || !Number.isInteger(rounds) || rounds < 5 || benches.length === 0) {
  const names = BENCHES.map(({ name }) => name).join(' | ');
  const usage = `[--rounds 11, at least 5] [--only ${names}] [--json] [--output FILE]`;
  console.error(`Usage: npx tsx bench/before-after.ts --before FOLDER ${usage}`);
  process.exit(2);
}
const folders = { before: options.before, after: new URL('..', import.meta.url).pathname };

/** One value of what a bench in `folder` printed; a name that has commas and blanks is one step of the path. */
function valueAt(printed: unknown, path: string): number {
  let here = printed;
  for (const step of path.split('.')) here = (here as Record<string, unknown>)[step];
  if (typeof here !== 'number' || !(here > 0)) throw new Error(`there is no positive number at ${path}`);
  return here;
}

function run(folder: string, name: string, args: readonly string[]): unknown {
  const child = spawnSync('npx', ['tsx', `bench/${name}.ts`, '--json', ...args], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 2 ** 24,
  });
  if (child.status !== 0) throw new Error(`bench/${name}.ts in ${folder} ended with ${child.status}: ${child.stderr}`);
  return JSON.parse(child.stdout);
}

const measured = new Map<string, { bench: string; before: number[]; after: number[]; ratio: number[] }>();
const loads: number[] = [];
for (let round = 0; round < rounds; round++) {
  for (const { name, args, figures } of benches) {
    const order = round % 2 === 0 ? (['before', 'after'] as const) : (['after', 'before'] as const);
    const printed = new Map(order.map((which) => [which, run(folders[which], name, args)]));
    for (const [what, path, unit] of figures) {
      const [before, after] = (['before', 'after'] as const).map((which) => valueAt(printed.get(which), path));
      const entry = measured.get(what) ?? { bench: name, before: [], after: [], ratio: [] };
      measured.set(what, entry);
      entry.before.push(before);
      entry.after.push(after);
      entry.ratio.push(unit === 'time' ? after / before : before / after);
    }
    loads.push(loadavg()[0]);
    process.stderr.write(`\rround ${round + 1} of ${rounds}: ${name.padEnd(20)}`);
  }
}
process.stderr.write('\r'.padEnd(60) + '\r');

const RESAMPLES = 2000;
const random = createRandom(1);
/** Median and the 95 % interval of medians of rounds drawn again. */
function interval(ratios: readonly number[]): { median: number; from: number; to: number } {
  const medians = Array.from(
    { length: RESAMPLES },
    () => spread(ratios.map(() => ratios[Math.floor(random.uniform() * ratios.length)])).median,
  ).sort((a, b) => a - b);
  return {
    median: spread(ratios).median,
    from: medians[Math.floor(0.025 * RESAMPLES)],
    to: medians[Math.floor(0.975 * RESAMPLES)],
  };
}

const rows = [...measured].map(([what, { bench, before, after, ratio }]) => ({
  what,
  bench,
  before: spread(before).median,
  after: spread(after).median,
  ratio: interval(ratio),
}));
const of = (folder: string): string =>
  spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: folder, encoding: 'utf8' }).stdout.trim();
const commits = { before: of(folders.before), after: of(folders.after) };
if (options.json) console.log(JSON.stringify({ rounds, commits, loads: spread(loads), rows }, null, 2));

const short = (value: number): string => (value >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3))));
const verdict = ({ from, to }: { from: number; to: number }): string => (from > 1.05 ? '**slower**' : to < 0.95 ? 'faster' : '');
const page = [
  '# Before and after',
  '',
  `The benches of commit ${commits.before} and of commit ${commits.after} in turn, ${rounds} rounds, on ${machine()}; load ${spread(loads).min.toFixed(1)} … ${spread(loads).max.toFixed(1)}.`,
  'Ratios are of time, above 1 is slower: median of the rounds and the interval that holds 95 % of the medians of rounds drawn again.',
  '',
  '| bench | figure | before | after | ratio of time | |',
  '| --- | --- | ---: | ---: | ---: | --- |',
  ...rows.map(({ what, bench, before, after, ratio }) => {
    const { median, from, to } = ratio;
    return `| ${bench} | ${what} | ${short(before)} | ${short(after)} | ${median.toFixed(3)} (${from.toFixed(3)} … ${to.toFixed(3)}) | ${verdict(ratio)} |`;
  }),
  '',
].join('\n');
if (options.output !== undefined) writeFileSync(options.output, page);
if (!options.json) console.log(page);

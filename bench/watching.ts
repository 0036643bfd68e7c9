/**
 * How often the watch raises an alarm where nothing has happened, how soon it names what has, and what it costs: 64 elements in a line, 4 chains, 4 users,
 * 64 pilots, 20 cycles a second, four boards of 16 elements. The watch is that of the loop, on cycles that are made up (watching-model.ts), with closer looks
 * and without; at the end a whole rig on virtual time, with the demo's imperfect array.
 *
 *   npx tsx bench/watching.ts [--days 10] [--sounded-days 1] [--seeds 60] [--rig-hours 1] [--output docs/results/watching.md] [--only REGEXP]
 *
 * --only plays the rows of its tables whose words fit, and puts them in their places in the output, which is there already.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createVirtualClock } from '../core/clock/virtual-clock.ts';
import { packageRoot } from '../core/files/package-root.ts';
import { faultLosses } from '../core/signal/fault-losses.ts';
import { createRandom } from '../core/signal/random.ts';
import { openTaskThreads } from '../models/engine/task-threads.ts';
import { parseRigFile } from '../src/config/rig-file.ts';
import { createEffectiveChannel } from '../src/control/watch/effective-channel.ts';
import { createFaultBank } from '../src/control/watch/fault-bank.ts';
import { supposedFaults } from '../src/control/watch/supposed-faults.ts';
import { assembleRig } from '../src/rig/assemble.ts';
import { meanOfEvents } from './event-rate.ts';
import { percentiles } from './statistics.ts';
import { BOARD, BOARDS } from './watched-cycles.ts';
import { namingBound } from './watching-bound.ts';
import { PLAYS, QUIET_S, type Named } from './watching-faults.ts';
import {
  CHAINS,
  ELEMENTS,
  NOISE,
  PILOTS,
  RATE_HZ,
  USERS,
  asBelieved,
  readingOf,
  scenePoints,
  trueChains,
  trueGains,
} from './watching-model.ts';
import type { Quiet, QuietAlarms, QuietStretch } from './watching-quiet.ts';
import type { WatchingAnswer, WatchingTask } from './watching-worker.ts';

const { values } = parseArgs({
  options: {
    /** First of the seeds of the scenes with faults. */
    first: { type: 'string', default: '23001' },
    seeds: { type: 'string', default: '60' },
    /** Simulated, users who walk and who stand each; and of channels that are sounded. */
    days: { type: 'string', default: '10' },
    'sounded-days': { type: 'string', default: '1' },
    'rig-hours': { type: 'string', default: '1' },
    output: { type: 'string' },
    only: { type: 'string' },
  },
});
/** A dead element must be named within it. */
const BOUND_S = 2;
const SEEDS = Number(values.seeds);
/** Each with a scene of its own, and learned anew. */
const HOURS_OF_A_STRETCH = 2;
const RIG_HOURS = Number(values['rig-hours']);

interface QuietRow {
  text: string;
  kind: Quiet;
  days: number;
  firstSeed: number;
  biasDb: number;
}

const DAYS = Number(values.days);
const SOUNDED_DAYS = Number(values['sounded-days']);
const ONLY = new RegExp(values.only ?? '');
const ALL_QUIET_ROWS: readonly QuietRow[] = [
  { text: 'users walk', kind: 'walk', days: DAYS, firstSeed: 31001, biasDb: 0 },
  { text: 'users stand', kind: 'stand', days: DAYS, firstSeed: 32001, biasDb: 0 },
  { text: 'users walk, prediction 1 dB too high from the start', kind: 'walk', days: SOUNDED_DAYS, firstSeed: 33001, biasDb: 1 },
  {
    text: 'users walk, gains 0.5 dB, phases 5° and states 1° off and no table',
    kind: 'walk, imperfect',
    days: SOUNDED_DAYS,
    firstSeed: 36001,
    biasDb: 0,
  },
  { text: 'channels sounded, users stand', kind: 'sounded, stand', days: SOUNDED_DAYS, firstSeed: 34001, biasDb: 0 },
  {
    text: 'channels sounded and stale, users move 1.5 mm in between',
    kind: 'sounded, move',
    days: SOUNDED_DAYS,
    firstSeed: 35001,
    biasDb: 0,
  },
];

const QUIET_ROWS = ALL_QUIET_ROWS.filter(({ text }) => ONLY.test(text));

const stretchesOf = ({ kind, days, firstSeed, biasDb }: QuietRow): QuietStretch[] =>
  Array.from({ length: Math.ceil((24 * days) / HOURS_OF_A_STRETCH) }, (_, i) => ({
    ...{ kind, seed: firstSeed + i, hours: Math.min(HOURS_OF_A_STRETCH, 24 * days - i * HOURS_OF_A_STRETCH), biasDb },
  }));

function quietLines(row: QuietRow, answers: readonly QuietAlarms[]): string[] {
  const hours = stretchesOf(row).reduce((sum, stretch) => sum + stretch.hours, 0);
  const looks = answers.reduce((sum, answer) => sum + answer.looks, 0) / hours;
  return (['looking', 'bySinrs'] as const).map((how) => {
    const codes = answers.flatMap((answer) => answer[how]);
    const { low, high } = meanOfEvents(codes.length);
    const days = hours / 24;
    const told = [...new Set(codes)].map((code) => `${codes.filter((one) => one === code).length} ${code}`).join(', ');
    const perDay = `${(codes.length / days).toFixed(2)} (${(low / days).toFixed(2)} … ${(high / days).toFixed(2)})`;
    const isLooking = how === 'looking';
    return `| ${row.text} | ${isLooking ? 'yes' : 'no'} | ${hours} | ${codes.length} | ${perDay} | ${told} | ${isLooking ? looks.toFixed(0) : ''} |`;
  });
}

const FAULT_ROWS = [true, false]
  .flatMap((hasLooks) => [true, false].map((moves) => ({ moves, hasLooks })))
  .filter(({ moves, hasLooks }) => ONLY.test(`faults, users ${moves ? 'walk' : 'stand'}, looks: ${hasLooks ? 'yes' : 'no'}`));

function faultLines({ moves, hasLooks }: (typeof FAULT_ROWS)[number], answers: readonly Named[][]): string[] {
  return PLAYS.map(({ name, limitS, slow }, play) => {
    const all = answers.map((named) => named[play]);
    const { p50, p95 } = percentiles(Float64Array.from(all, ({ seconds }) => seconds));
    const digits = slow === true ? 0 : 2;
    const share = (of: (one: Named) => boolean): string => `${((100 * all.filter(of).length) / all.length).toFixed(0)} %`;
    const shares = [
      share(({ as }) => as === 'right'),
      share(({ alone }) => alone),
      share(({ as }) => as === 'doubted'),
      share(({ as }) => as === 'other' || as === 'never'),
      share(({ as }) => as === 'before'),
    ];
    return `| ${name} | ${moves ? 'walk' : 'stand'} | ${hasLooks ? 'yes' : 'no'} | ${p50.toFixed(digits)} | ${p95.toFixed(digits)} | ${limitS} | ${shares.join(' | ')} |`;
  });
}

async function playAll(): Promise<{ quiet: string[]; faults: string[] }> {
  const quiet = QUIET_ROWS.map((row) => stretchesOf(row).map((stretch): WatchingTask => ({ what: 'quiet', stretch })));
  const faults = FAULT_ROWS.map((row) =>
    Array.from({ length: SEEDS }, (_, i): WatchingTask => ({ what: 'faults', seed: Number(values.first) + i, ...row })),
  );
  const tasks = [...faults, ...quiet].flat();
  const threads = await openTaskThreads<readonly WatchingTask[], WatchingAnswer>(
    import.meta.url,
    'watching-worker',
    undefined,
    availableParallelism(),
  );
  let said = -1;
  const answers = await threads.run(tasks, tasks.length, (done, total) => {
    const percent = Math.floor((100 * done) / total);
    if (percent > said) console.error(`${percent} %`);
    said = Math.max(said, percent);
  });
  await threads.close();
  const next = (count: number): WatchingAnswer[] => answers.splice(0, count);
  return {
    faults: FAULT_ROWS.flatMap((row, i) => faultLines(row, next(faults[i].length) as Named[][])),
    quiet: QUIET_ROWS.flatMap((row, i) => quietLines(row, next(quiet[i].length) as QuietAlarms[])),
  };
}

/** Rows anew in the tables of a page: what is played, whose users, with looks or without is what they are known by. */
function inTheirPlaces(page: string, rows: readonly string[]): string {
  const known = (line: string): string => /^\|.*?\| (?:(?:walk|stand) \| )?(?:yes|no) \|/.exec(line)?.[0] ?? '';
  const anew = new Map(rows.map((row) => [known(row), row]));
  const lines = page.split('\n').map((line) => anew.get(known(line)) ?? line);
  for (const [head, row] of anew) {
    if (!lines.includes(row)) throw new Error(`the page has no row '${head}'`);
  }
  return lines.join('\n');
}

/** What a whole rig tells. @param dies an element does, shortly before the end */
async function rigTells(seed: number, dies: boolean): Promise<string[]> {
  const path = join(packageRoot(), 'examples', 'rigs', 'demo.yaml');
  const rig = parseRigFile(readFileSync(path, 'utf8'), path);
  const impairments = { ...rig.simulator.impairments, temperatureDriftDegPerMinute: 0 };
  const codes: string[] = [];
  const { run } = await assembleRig({
    rig: {
      ...rig,
      links: [],
      calibration: { ...rig.calibration, watch: { ...rig.calibration.watch, boardElements: BOARD } },
      simulator: {
        ...rig.simulator,
        impairments,
        faults: dies ? [{ do: 'die', atS: 3600 * RIG_HOURS - 10, elements: [9] }] : [],
      },
      beamformer: { ...rig.beamformer, model: 'aligned', quantiser: 'nearest' },
    },
    seed,
    clock: createVirtualClock(),
    recorder: { cycle: () => undefined, event: ({ code }) => void (code !== 'fallback' && codes.push(code)) },
    cycles: Math.round(RIG_HOURS * 3600 * RATE_HZ),
    hardware: false,
  });
  await run();
  return codes;
}

/** Of a cycle, µs, and of judging one look, ms. */
function costs(): { cycleUs: number; lookMs: number; faults: number } {
  const faults = supposedFaults({ elements: ELEMENTS, rfChains: CHAINS, users: USERS, boards: BOARDS.length });
  const boards = BOARDS.map(({ elements }) => elements);
  const points = scenePoints(1, 40);
  const random = createRandom(1);
  const losses = faultLosses(faults, boards);
  const bank = createFaultBank(faults, USERS, 86_400 * RATE_HZ);
  const into = new Float64Array(faults.length * USERS);
  const gains = trueGains(points[0], asBelieved());
  const { predictedSnrDb } = points[0];
  const cycles = Array.from({ length: 4000 }, (_, cycle) => {
    const { measuredSnrDb } = readingOf(gains, random);
    const reading = { timeMs: (1000 * cycle) / RATE_HZ, cycle, pilots: PILOTS, predictedSnrDb, measuredSnrDb, missingRate: 0 };
    const startMs = performance.now();
    losses(points[0], into);
    bank.step({ ...reading, losses: into });
    return 1000 * (performance.now() - startMs);
  });
  const channel = createEffectiveChannel(faults, boards);
  const looks = points.map((point) => ({
    ...{ channel: point.channel, analog: point.analog, variance: NOISE / (16 * PILOTS) },
    heard: trueChains(point, asBelieved()),
  }));
  for (const look of looks) channel.learn(look);
  channel.judge(looks[0]);
  const judged = looks.map((look) => {
    const startMs = performance.now();
    channel.judge(look);
    return performance.now() - startMs;
  });
  const p50 = (times: number[]): number => percentiles(Float64Array.from(times)).p50;
  return { cycleUs: p50(cycles.slice(1000)), lookMs: p50(judged), faults: faults.length };
}

const startMs = performance.now();
const { quiet, faults } = await playAll();
if (values.only !== undefined) {
  const lines = [...quiet, ...faults];
  console.log(lines.join('\n'));
  if (values.output !== undefined) writeFileSync(values.output, inTheirPlaces(readFileSync(values.output, 'utf8'), lines));
  process.exit();
}
const cpuS = process.cpuUsage();
const rigs = [await rigTells(1, false), await rigTells(2, false)];
const late = await rigTells(1, true);
const bound = namingBound(
  Array.from({ length: SEEDS }, (_, i) => Number(values.first) + i),
  BOUND_S,
);
const { cycleUs, lookMs, faults: supposed } = costs();
const minutes = ((performance.now() - startMs) / 60_000).toFixed(0);
const cpuMinutes = ((cpuS.user + cpuS.system) / 60e6).toFixed(0);

const text = `# Watching: false alarms, and how soon a fault is named

Made by \`npm run bench:watching\` on ${cpus()[0].model}, in ${minutes} minutes (${cpuMinutes} of them on the processor for the first two tables). What is watched and how:
[calibration.md](../calibration.md#health-and-drift). ${ELEMENTS} elements in a line, ${CHAINS} RF chains, ${USERS} users, 10 paths, SNR 10 dB, ${PILOTS} pilots, ${RATE_HZ} cycles a second, boards of ${BOARD} elements; beams by
\`aligned\`, Q = 6. The watch is the one of a rig, on cycles that are made up; looks: panels report pilots, ${16 * PILOTS} of them each time that the array is looked at more closely.

## Detection

${SEEDS} scenes, of other seeds than the limits of the watch were chosen on. The fault comes ${QUIET_S} s after the start; seconds until it is told. Users walk, with a beam of
its own in each cycle, or stand, with one beam for ever. Right: the kind, and the element or board is the one named or among the few that are; alone: named alone; doubted: told as
the other possibility; before: told before anything happened.

| what happens | users | looks | median, s | p95, s | must, s | right | alone | doubted | other | before |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
${faults.join('\n')}

What SINRs of users who stand can tell at all: a reading of a dead element is worth ${bound.p50Nats.toFixed(2)} nats in the median over elements and scenes, ${bound.p05Nats.toFixed(2)} for the 5 % that cost least, and a false alarm a day
asks for ${bound.limitNats.toFixed(1)}. No test finds more than ${(100 * bound.found).toFixed(1)} % of them within ${BOUND_S} s (one that knew beforehand which element dies, and when), so that ${BOUND_S} s for 95 % without looks are ${bound.found < 0.95 ? 'impossible' : 'not impossible by this bound; the watch does not reach them'}.

## False alarms

Nothing happens to the array. A scene of its own every ${HOURS_OF_A_STRETCH} hours, in which the watch learns anew. A day: the mean over simulated days and its 95 % interval, alarms being Poisson. Sounded: an estimate of the whole channel
every 58 slots (error −17 dB, spread by 0.6 nepers), one slot through the words every 16, as \`examples/rigs/sounding.yaml\` has it.

| where | looks | hours | alarms | a day | of these | looks an hour |
| --- | --- | --- | --- | --- | --- | --- |
${quiet.join('\n')}

A whole rig on virtual time, gains 0.5 dB, phases 5° and states 1° off and no table, ${RIG_HOURS} h with each of two seeds: ${rigs.map((codes) => (codes.length === 0 ? 'nothing told' : codes.join(', '))).join('; ')}. An element that dies ten seconds before
the end of the first is told as: ${late.join(', ')}.

## Cost

A cycle costs ${cycleUs.toFixed(0)} µs (median), ${supposed} supposed faults. A look costs ${lookMs.toFixed(1)} ms of working out, beside ${USERS} requests to the panels, once.
`;
console.log(text);
if (values.output !== undefined) writeFileSync(values.output, text);

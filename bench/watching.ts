/**
 * How often the watch raises an alarm where nothing has happened, how soon it names what has, and what it costs: 64 elements in a line, 4 chains, 4 users,
 * 64 pilots, 20 cycles a second, four boards of 16 elements; users stand still (one beam for ever) or walk (a beam of its own in each cycle). On the
 * model: beams, true array and drawn pilots without a loop. On the rig: whole control cycles on virtual time, with the demo's imperfect array.
 *
 *   npx tsx bench/watching.ts [--days 10] [--seeds 200] [--rig-hours 1] [--output docs/results/watching.md]
 */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createVirtualClock } from '../core/clock/virtual-clock.ts';
import { packageRoot } from '../core/files/package-root.ts';
import { faultLosses } from '../core/signal/fault-losses.ts';
import { createRandom } from '../core/signal/random.ts';
import { parseRigFile } from '../src/config/rig-file.ts';
import { createLookPlan } from '../src/control/watch/closer-look.ts';
import { createEffectiveChannel } from '../src/control/watch/effective-channel.ts';
import { createFaultBank, type FaultFound } from '../src/control/watch/fault-bank.ts';
import { driftStep, newDriftState } from '../src/control/watch/drift-watch.ts';
import { supposedFaults } from '../src/control/watch/supposed-faults.ts';
import { assembleRig } from '../src/rig/assemble.ts';
import { percentiles } from './statistics.ts';
import {
  ELEMENTS,
  RATE_HZ,
  USERS,
  asBelieved,
  lookAt,
  readingOf,
  scenePoints,
  trueGains,
  turn,
  type ScenePoint,
  type TrueArray,
} from './watching-model.ts';

const { values } = parseArgs({
  options: {
    /** First of the seeds. */
    first: { type: 'string', default: '20001' },
    days: { type: 'string', default: '10' },
    seeds: { type: 'string', default: '200' },
    'rig-hours': { type: 'string', default: '1' },
    output: { type: 'string' },
    /** One of the parts alone. */
    part: { type: 'string' },
  },
});
const SEEDS = Number(values.seeds);
const MOVING_POINTS = 400;
/** Each with a scene of its own. */
const HOURS_OF_A_RUN = 2;
const QUIET_S = 70;
const LONGEST_S = 900;
const BOARDS = [0, 16, 32, 48].map((first) => Array.from({ length: 16 }, (_, i) => first + i));
const FAULTS = supposedFaults({ elements: ELEMENTS, rfChains: 4, users: USERS, boards: BOARDS.length });
const READINGS_A_DAY = 86_400 * RATE_HZ;

/** Alarms of both tests in so many hours of nothing. */
function falseAlarms(hours: number, moves: boolean, biasDb: number, firstSeed: number): number {
  let alarms = 0;
  for (let run = 0; run * HOURS_OF_A_RUN < hours; run++) {
    const seed = firstSeed + run;
    const points = scenePoints(seed, moves ? MOVING_POINTS : 1, FAULTS, BOARDS);
    const gains = points.map((point) => trueGains(point, asBelieved()));
    const random = createRandom(seed).stream('pilots');
    const bank = createFaultBank(FAULTS, USERS, READINGS_A_DAY);
    const drift = newDriftState();
    const cycles = Math.min(HOURS_OF_A_RUN, hours - run * HOURS_OF_A_RUN) * 3600 * RATE_HZ;
    for (let cycle = 0; cycle < cycles; cycle++) {
      const at = cycle % points.length;
      const reading = readingOf(cycle, points[at], gains[at], random, biasDb);
      const { sumRate } = points[at];
      const rates = { predictedSumRate: sumRate, measuredSumRate: sumRate - reading.missingRate };
      const found = bank.step(reading);
      if (found !== undefined) bank.learnAnew();
      if (found !== undefined || driftStep(drift, { ...reading, ...rates }) !== undefined) alarms++;
    }
    console.error(`${Math.min(hours, (run + 1) * HOURS_OF_A_RUN)} h: ${alarms} alarms`);
  }
  return alarms;
}

interface Play {
  name: string;
  limitS: number;
  kind: FaultFound['fault']['what'];
  /** Changes the array, so many seconds after it began. */
  change: (array: TrueArray, drawn: Drawn, sinceS: number) => void;
  isRight: (found: FaultFound, drawn: Drawn) => boolean;
  /** It changes all the time. */
  slow?: boolean;
}
interface Drawn {
  element: number;
  board: number;
  sign: number;
  slopes: number[];
}

const isBoard = ({ candidates }: FaultFound, { board }: Drawn): boolean => candidates.includes(board);
const PLAYS: Play[] = [
  {
    ...{ name: 'an element of 64 dies', limitS: 2, kind: 'element' },
    change: ({ re }, { element }) => (re[element] = 0),
    isRight: ({ candidates }, { element }) => candidates.includes(element),
  },
  {
    ...{ name: 'a board of 16 is off by 20°', limitS: 2, kind: 'board' },
    change: (array, { board, sign }) => turn(array, BOARDS[board], () => 20 * sign),
    isRight: isBoard,
  },
  {
    ...{ name: 'elements drift, 2°/min each', limitS: 180, kind: 'elements', slow: true },
    change: (array, { slopes }, s) =>
      turn(
        array,
        slopes.map((_, n) => n),
        (n) => (slopes[n] * 2 * s) / 60,
      ),
    isRight: () => true,
  },
  {
    ...{ name: 'a board of 16 drifts, 2°/min', limitS: 360, kind: 'board', slow: true },
    change: (array, { board, sign }, s) => turn(array, BOARDS[board], () => (sign * 2 * s) / 60),
    isRight: isBoard,
  },
];

interface Told {
  seconds: number;
  as: 'right' | 'doubted' | 'other' | 'before' | 'never';
  alone: boolean;
}

/** @param hasLooks panels report pilots */
function played(play: Play, points: readonly ScenePoint[], seed: number, hasLooks: boolean): Told {
  const draw = createRandom(seed).stream('fault');
  const drawn: Drawn = {
    element: Math.floor(draw.uniform() * ELEMENTS),
    board: Math.floor(draw.uniform() * BOARDS.length),
    sign: draw.uniform() < 0.5 ? -1 : 1,
    slopes: Array.from({ length: ELEMENTS }, () => draw.normal()),
  };
  const random = createRandom(seed).stream('pilots');
  const bank = createFaultBank(FAULTS, USERS, READINGS_A_DAY);
  const looks = createEffectiveChannel(FAULTS, BOARDS);
  const plan = createLookPlan(() => (hasLooks ? looks : undefined));
  const array = asBelieved();
  let gains = points.map((point) => trueGains(point, array));
  let found: FaultFound | undefined;
  let cycle = -QUIET_S * RATE_HZ;
  for (; cycle < LONGEST_S * RATE_HZ && found === undefined; cycle++) {
    if (cycle === 0 || (cycle > 0 && play.slow === true && cycle % RATE_HZ === 0)) {
      play.change(array, drawn, cycle / RATE_HZ);
      gains = [];
    }
    const at = (cycle + QUIET_S * RATE_HZ) % points.length;
    const reading = readingOf(cycle, points[at], (gains[at] ??= trueGains(points[at], array)), random);
    const byReadings = bank.step(reading);
    // A look is before the next cycle, and decides.
    const why = plan.due(reading.timeMs, bank);
    const look = why && lookAt(points[at], array, random);
    if (why === 'learn' && look !== undefined) looks.learn(look);
    if (why === 'judge' && look !== undefined) found = bank.lookedAt(looks.judge(look));
    else if (!hasLooks) found = byReadings;
  }
  if (found === undefined) return { seconds: Infinity, as: 'never', alone: false };
  if (cycle <= 0) return { seconds: 0, as: 'before', alone: false };
  const isRight = found.fault.what === play.kind && play.isRight(found, drawn);
  const as = isRight ? 'right' : found.otherwise?.what === play.kind ? 'doubted' : 'other';
  return { seconds: cycle / RATE_HZ, as, alone: isRight && found.candidates.length === 1 };
}

function detections(moves: boolean, hasLooks: boolean): void {
  const told = new Map(PLAYS.map((play) => [play, [] as Told[]]));
  for (let seed = Number(values.first); seed < Number(values.first) + SEEDS; seed++) {
    const points = scenePoints(seed, moves ? MOVING_POINTS : 1, FAULTS, BOARDS);
    for (const [play, all] of told) all.push(played(play, points, seed, hasLooks));
  }
  for (const [{ name, limitS, slow }, all] of told) {
    const { p50, p95 } = percentiles(Float64Array.from(all, ({ seconds }) => seconds));
    const digits = slow === true ? 0 : 2;
    const share = (of: (one: Told) => boolean): string => `${((100 * all.filter(of).length) / SEEDS).toFixed(0)} %`;
    const shares = [
      share(({ as }) => as === 'right'),
      share(({ alone }) => alone),
      share(({ as }) => as === 'doubted'),
      share(({ as }) => as === 'other' || as === 'never'),
      share(({ as }) => as === 'before'),
    ];
    console.log(
      `| ${name} | ${moves ? 'walk' : 'stand'} | ${hasLooks ? 'yes' : 'no'} | ${p50.toFixed(digits)} | ${p95.toFixed(digits)} | ${limitS} | ${shares.join(' | ')} |`,
    );
  }
}

async function rigAlarms(seed: number, hours: number, faults: boolean): Promise<string[]> {
  const path = join(packageRoot(), 'examples', 'rigs', 'demo.yaml');
  const rig = parseRigFile(readFileSync(path, 'utf8'), path);
  const impairments = { ...rig.simulator.impairments, temperatureDriftDegPerMinute: 0 };
  const codes: string[] = [];
  const { run } = await assembleRig({
    rig: {
      ...rig,
      links: [],
      calibration: { ...rig.calibration, watch: { ...rig.calibration.watch, boardElements: 16 } },
      simulator: { ...rig.simulator, impairments, faults: faults ? [{ do: 'die', atS: 3600 * hours - 10, elements: [9] }] : [] },
      beamformer: { ...rig.beamformer, model: 'aligned', quantiser: 'nearest' },
    },
    seed,
    clock: createVirtualClock(),
    recorder: { cycle: () => undefined, event: ({ code }) => void (code !== 'fallback' && codes.push(code)) },
    cycles: Math.round(hours * 3600 * RATE_HZ),
    hardware: false,
  });
  await run();
  return codes;
}

function costUs(): number {
  const [point] = scenePoints(1, 1, FAULTS, BOARDS);
  const losses = faultLosses(FAULTS, BOARDS);
  const bank = createFaultBank(FAULTS, USERS, READINGS_A_DAY);
  const random = createRandom(1);
  const readings = Array.from({ length: 4000 }, (_, cycle) => readingOf(cycle, point, trueGains(point, asBelieved()), random));
  const times = readings.map((reading) => {
    const startMs = performance.now();
    losses(point, reading.losses);
    bank.step(reading);
    return 1000 * (performance.now() - startMs);
  });
  return percentiles(Float64Array.from(times.slice(1000))).p50;
}

const rigHours = Number(values['rig-hours']);
const modelHours = 12 * Number(values.days);

/** Rows of the tables, each part in a process of its own. */
const PARTS: Record<string, () => void | Promise<void>> = {
  'faults, walk, looks': () => detections(true, true),
  'faults, stand, looks': () => detections(false, true),
  'faults, walk': () => detections(true, false),
  'faults, stand': () => detections(false, false),
  bias: () => {
    for (const biasDb of [0.05, 0.3, 1]) {
      console.log(
        `| model, prediction ${biasDb} dB too high from the start, users walk | 12 | ${falseAlarms(12, true, biasDb, 500)} |`,
      );
    }
  },
  'quiet, walk': () => console.log(`| model, users walk | ${modelHours} | ${falseAlarms(modelHours, true, 0, 1000)} |`),
  'quiet, stand': () => console.log(`| model, users stand | ${modelHours} | ${falseAlarms(modelHours, false, 0, 2000)} |`),
  rig: async () => {
    for (const seed of [1, 2]) {
      const codes = await rigAlarms(seed, rigHours, false);
      console.log(
        `| whole rig, seed ${seed}: gains 0.5 dB, phases 5° and states 1° off, no table | ${rigHours} | ${codes.length} |`,
      );
    }
  },
  late: async () => console.log((await rigAlarms(1, rigHours, true)).join(', ')),
};

const inProcess = (part: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const args = [
      '--first',
      values.first,
      '--days',
      values.days,
      '--seeds',
      values.seeds,
      '--rig-hours',
      values['rig-hours'],
      '--part',
      part,
    ];
    execFile(process.execPath, [...process.execArgv, process.argv[1], ...args], (error, stdout) => {
      if (error !== null) reject(new Error(`the part '${part}' failed`, { cause: error }));
      else resolve(stdout.trim());
    });
  });

async function report(): Promise<string> {
  const [walkLooks, standLooks, walk, stand, ...quiet] = await Promise.all(Object.keys(PARTS).map(inProcess));
  const late = quiet.pop() ?? '';
  return `# Watching: false alarms, and how soon a fault is named

Made by \`npx tsx bench/watching.ts\` on ${cpus()[0].model}. What is watched and how: [calibration.md](../calibration.md#health-and-drift).
64 elements in a line, 4 RF chains, 4 users, 10 paths, SNR 10 dB, 64 pilots, 20 cycles a second, boards of 16 elements; beams by \`aligned\`, Q = 6.

## Detection

${SEEDS} seeds, other ones than the limits of the watch were chosen on. The fault comes ${QUIET_S} s after the start; seconds until it is told with a name. Users walk, with a beam of
its own in each cycle, or stand, with one beam for ever. Looks: panels report pilots, and the array is looked at more closely when something is suspected. Right: the kind, and the element or board is the one named or among the few that are; alone: named alone; doubted: told as
the other possibility; before: told before anything happened.

| what happens | users | looks | median, s | p95, s | must, s | right | alone | doubted | other | before |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
${walkLooks}
${standLooks}
${walk}
${stand}

## False alarms

| where | hours | alarms |
| --- | --- | --- |
${quiet.join('\n')}

On that rig an element that dies after ${rigHours} h is told as: ${late}.

A cycle costs ${costUs().toFixed(0)} µs (median), ${FAULTS.length} supposed faults.
`;
}

if (values.part !== undefined) await PARTS[values.part]();
else {
  const text = await report();
  console.log(text);
  if (values.output !== undefined) writeFileSync(values.output, text);
}

/**
 * How often the watch raises an alarm where nothing has happened, how soon it names what has, and what it costs: 64 elements in a line, 4 chains, 4 users,
 * 64 pilots, 20 cycles a second, four boards of 16 elements; users stand still (one beam for ever) or walk (a beam of its own in each cycle). On the
 * model: beams, true array and drawn pilots without a loop. On the rig: whole control cycles on virtual time, with the demo's imperfect array.
 *
 *   npx tsx bench/watching.ts [--days 10] [--seeds 200] [--rig-hours 1] [--output docs/results/watching.md]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createVirtualClock } from '../core/clock/virtual-clock.ts';
import { packageRoot } from '../core/files/package-root.ts';
import { faultLosses } from '../core/signal/fault-losses.ts';
import { createRandom } from '../core/signal/random.ts';
import { parseRigFile } from '../src/config/rig-file.ts';
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
  readingOf,
  scenePoints,
  trueGains,
  turn,
  type TrueArray,
} from './watching-model.ts';

const { values } = parseArgs({
  options: {
    days: { type: 'string', default: '10' },
    seeds: { type: 'string', default: '200' },
    'rig-hours': { type: 'string', default: '1' },
    output: { type: 'string' },
  },
});
const SEEDS = Number(values.seeds);
const MOVING_POINTS = 400;
/** Each with a scene of its own. */
const HOURS_OF_A_RUN = 6;
const QUIET_S = 70;
const LONGEST_S = 900;
const BOARDS = [0, 16, 32, 48].map((first) => Array.from({ length: 16 }, (_, i) => first + i));
const FAULTS = supposedFaults({ elements: ELEMENTS, rfChains: 4, users: USERS, boards: BOARDS.length });
const READINGS_A_DAY = 86_400 * RATE_HZ;
const lines: string[] = [];
const say = (line = ''): void => {
  lines.push(line);
  console.log(line);
};

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

function detections(play: Play, moves: boolean): void {
  const seconds: number[] = [];
  const candidates: number[] = [];
  const kinds = { right: 0, one: 0, other: 0, doubted: 0, early: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const points = scenePoints(seed, moves ? MOVING_POINTS : 1, FAULTS, BOARDS);
    const draw = createRandom(seed).stream('fault');
    const drawn: Drawn = {
      element: Math.floor(draw.uniform() * ELEMENTS),
      board: Math.floor(draw.uniform() * BOARDS.length),
      sign: draw.uniform() < 0.5 ? -1 : 1,
      slopes: Array.from({ length: ELEMENTS }, () => draw.normal()),
    };
    const random = createRandom(seed).stream('pilots');
    const bank = createFaultBank(FAULTS, USERS, READINGS_A_DAY);
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
      found = bank.step(readingOf(cycle, points[at], (gains[at] ??= trueGains(points[at], array)), random));
    }
    if (found === undefined || cycle <= 0) {
      seconds.push(found === undefined ? Infinity : 0);
      kinds.early += found === undefined ? 0 : 1;
      continue;
    }
    seconds.push(cycle / RATE_HZ);
    if (found.fault.what === play.kind && play.isRight(found, drawn)) {
      kinds.right++;
      candidates.push(found.candidates.length);
      if (found.candidates.length === 1) kinds.one++;
    } else if (found.otherwise?.what === play.kind) kinds.doubted++;
    else kinds.other++;
  }
  const { p50, p95 } = percentiles(Float64Array.from(seconds));
  const digits = play.slow === true ? 0 : 2;
  const share = (count: number): string => `${((100 * count) / SEEDS).toFixed(0)} %`;
  say(
    `| ${play.name} | ${moves ? 'walk' : 'stand'} | ${p50.toFixed(digits)} | ${p95.toFixed(digits)} | ${play.limitS} | ${share(kinds.right)} | ${share(kinds.one)} | ${share(kinds.doubted)} | ${share(kinds.other)} | ${kinds.early} |`,
  );
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

say('# Watching: false alarms, and how soon a fault is named');
say();
say(
  `Made by \`npx tsx bench/watching.ts\` on ${cpus()[0].model}. What is watched and how: [calibration.md](../calibration.md#health-and-drift).`,
);
say(
  '64 elements in a line, 4 RF chains, 4 users, 10 paths, SNR 10 dB, 64 pilots, 20 cycles a second, boards of 16 elements; beams by `aligned`, Q = 6.',
);
say();
say('## Detection');
say();
say(
  `${SEEDS} seeds; a fault ${QUIET_S} s after the start, seconds until it is told with its name. "right": the kind is right and the element or board is the one named or among the few; "one": named alone; "doubted": the right kind is told as the other possibility.`,
);
say();
say('| what happens | users | median, s | p95, s | must, s | right | one | doubted | other kind | before |');
say('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |');
for (const play of PLAYS) for (const moves of [true, false]) detections(play, moves);
say();
say('## False alarms');
say();
say('| where | hours | alarms |');
say('| --- | --- | --- |');
for (const biasDb of [0.05, 0.3, 1]) {
  say(`| model, prediction ${biasDb} dB too high from the start, users walk | 12 | ${falseAlarms(12, true, biasDb, 500)} |`);
}
const rigHours = Number(values['rig-hours']);
for (const seed of [1, 2]) {
  const codes = await rigAlarms(seed, rigHours, false);
  say(
    `| rig, seed ${seed}: demo without drift, gains 0.5 dB, phases 5°, states 1° off and no table | ${rigHours} | ${codes.length} |`,
  );
}
for (const moves of [true, false]) {
  const hours = 12 * Number(values.days);
  say(`| model, users ${moves ? 'walk' : 'stand'} | ${hours} | ${falseAlarms(hours, moves, 0, moves ? 1000 : 2000)} |`);
}
say();
say(`On that rig an element that dies after ${rigHours} h is told as: ${(await rigAlarms(1, rigHours, true)).join(', ')}.`);
say();
say(`What a cycle costs: ${costUs().toFixed(0)} µs (median), ${FAULTS.length} supposed faults.`);
if (values.output !== undefined) writeFileSync(values.output, `${lines.join('\n')}\n`);

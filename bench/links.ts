/**
 * What links cost, and what the driver adds: cycles over a pseudo terminal with the reference firmware and over MQTT, beside the link's own
 * round trips of the same run; a full update, patches and pipelined chunks on a line paced at 921,600 baud.
 *
 *   npx tsx bench/links.ts [--rounds 15] [--cycles 40] [--rig-seconds 4] [--json] [--output docs/results/links.md]
 *
 * A cycle of the driver (apply + measure) takes turns with two others of the same frames in the same order and window:
 *
 *   echo     bytes of the same lengths to a far end that only answers: what the link itself takes for so many round trips and bytes
 *   bare     the very frames, made before, to the same kind of panel, no answer looked into: link and panel without a driver
 *
 * What the driver adds is driver ÷ bare, of the medians of a round; the bound is 1.3. Updates on the paced line are held against the time
 * that their own bytes take there; the bound is 1.5. Exit code 1 when a bound is missed. Needs gcc and, for its rows, mosquitto.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createRealClock } from '../core/clock/real-clock.ts';
import { createRandom } from '../core/signal/random.ts';
import { createMqttLink } from '../src/link/mqtt/mqtt.ts';
import { createSerialLink } from '../src/link/serial/serial.ts';
import type { Link } from '../src/link/link.ts';
import { createPanel } from '../src/panel/panel-driver.ts';
import type { ArrayMember, BeamCommand, Result } from '../src/panel/panel.ts';
import { openPacedLine } from '../test/paced-line.ts';
import type { PacedLine } from '../test/paced-line.ts';
import { hasPart } from '../test/parts.ts';
import { Mosquitto } from '../scripts/mosquitto.ts';
import type { BareLine } from './bare-line.ts';
import { greet, openBareMqtt, openBareSerial } from './bare-line.ts';
import { PILOTS, WORDS, changedBeam, fullUpdateParts, msOnLine, onSerial, randomBeam, scriptOf } from './links-frames.ts';
import { linksPage, machineLine } from './links-report.ts';
import { rigText, wholeRig } from './links-rig.ts';
import type { CycleRow, FullUpdateParts, RigRow, UpdateRow } from './links-report.ts';
import { openLinksBench } from './links-wires.ts';
import { percentiles, spread } from './statistics.ts';

const BAUD_RATE = 921_600;
const WINDOW = 4;
const SMALL_PAYLOAD = 64;
/** The compiler has done most of its work after so many cycles of the process; a machine's caches know a link sooner. */
let warmUpCycles = 1500;
const WARM_UP_OF_A_LINK = 300;
const ACK = { seq: 0x0101, message: { type: 'ack' } } as const;
const CHANGED = [1, 4, 16, 64, 256];

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    cycles: { type: 'string', default: '40' },
    'rig-seconds': { type: 'string', default: '4' },
    json: { type: 'boolean', default: false },
    output: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const cycles = Number(values.cycles);
const rigSeconds = Number(values['rig-seconds']);
const clock = createRealClock();
const random = createRandom(1);

const bench = openLinksBench();
let rigFiles = 0;
const cycleRows: CycleRow[] = [];
const rigRows: RigRow[] = [];
let updates: UpdateRow[];
let parts: FullUpdateParts | undefined;
let mqttWindows: UpdateRow[] = [];
try {
  await overPty();
  await overMqtt('aedes', await bench.farEnd('broker'));
  if (hasPart('mosquitto')) {
    const broker = await Mosquitto.place();
    await broker.start();
    try {
      await overMqtt('mosquitto', broker.url);
    } finally {
      await broker.remove();
    }
  }
  updates = await overPacedLine();
} finally {
  await bench.close();
}
const result = { rounds, cycles, machine: machineLine(), cycleRows, rigRows, updates, mqttWindows, parts };
const page = linksPage(result);
console.log(values.json ? JSON.stringify(result, null, 2) : page);
if (values.output !== undefined) writeFileSync(values.output, page);
const misses = [...cycleRows, ...updates].filter(({ limit, bound = Infinity }) => limit !== undefined && limit.median > bound);
for (const { name, limit, bound } of misses) console.error(`${name}: ${limit?.median.toFixed(2) ?? ''} is above ${bound ?? ''}`);
process.exit(misses.length === 0 ? 0 : 1);

/** Firmware on a pseudo terminal: one for the driver and one for bare frames, so that neither waits for the other to close the port. */
async function overPty(): Promise<void> {
  const [driven, bare] = [await bench.firmware(), await bench.firmware()];
  const echo = await openBareSerial(await bench.ptyEcho(), BAUD_RATE);
  const link = (): Link => createSerialLink({ name: 'firmware', path: driven, baudRate: BAUD_RATE });
  const bareLine = await openBareSerial(bare, BAUD_RATE);
  await compete('pty, host firmware', link(), bareLine, echo);
  await bareLine.close();
  await echo.close();
  rigRows.push(
    await wholeRig(
      'pty, host firmware',
      `{ panel: BOARD-0001, serial: { path: ${driven}, baudRate: ${BAUD_RATE} } }`,
      rigSeconds,
    ),
  );
  await bench.endAll();
}

async function overMqtt(broker: string, url: string): Promise<void> {
  const name = `MQTT, ${broker}`;
  const topics = 'beamrig/panels/BARE-0001';
  for (const panel of ['BOARD-0001', 'BARE-0001'])
    await bench.farEnd('panel', rigFile(7, `{ panel: ${panel}, mqtt: { url: '${url}' } }`), url);
  await bench.farEnd('echo', url, 'bench');
  const echo = await openBareMqtt(url, 'bench/ask', 'bench/answer');
  const bareLine = await openBareMqtt(url, `${topics}/to-panel`, `${topics}/to-host`);
  const link = createMqttLink({ url, topicPrefix: 'beamrig', panel: 'BOARD-0001', random: random.stream(name) });
  await compete(name, link, bareLine, echo);
  await bareLine.close();
  await echo.close();
  rigRows.push(await wholeRig(name, `{ panel: BOARD-0001, mqtt: { url: '${url}' } }`, rigSeconds));
  if (broker === 'aedes') mqttWindows = await windowsOverMqtt(url);
  await bench.endAll();
}

/** Chunks so small that a beam has many of them, one at a time and several in flight. */
async function windowsOverMqtt(url: string): Promise<UpdateRow[]> {
  const panel = 'SMALL-0001';
  await bench.farEnd('panel', rigFile(6, `{ panel: ${panel}, mqtt: { url: '${url}' } }`), url, String(SMALL_PAYLOAD));
  const contestants = [1, WINDOW].map((window): Contestant => ({
    name: `full update + D in chunks of ${SMALL_PAYLOAD} bytes, window ${window}`,
    link: () => createMqttLink({ url, topicPrefix: 'beamrig', panel, random: random.stream('windows') }),
    ...{ window, digital: true, changed: WORDS },
  }));
  return update(contestants, false, async () => undefined);
}

/** Echo, bare frames and the driver, cycle by cycle in turn. */
async function compete(name: string, link: Link, bare: BareLine, echo: BareLine): Promise<void> {
  const panel = createPanel({ link, clock, random: random.stream(`driver ${name}`), window: WINDOW });
  const capabilities = await must(panel.connect());
  await greet(bare);
  const script = (beam: BeamCommand): Uint8Array[][] =>
    scriptOf(beam, capabilities).map((step) => step.map((frame) => bare.wrap(frame)));
  const play = async (line: BareLine, steps: Uint8Array[][]): Promise<void> => {
    for (const step of steps) await line.exchange(step, WINDOW);
  };

  // Lengths of all answers, from the panel itself; and a look at whether it does what it is told.
  const beam = randomBeam(capabilities.phaseBits);
  const sample = script(beam);
  const answers: number[][] = [];
  for (const step of sample) {
    await bare.exchange(step, WINDOW);
    const { lengths, frames } = bare.lastAnswers();
    const refusal = frames.find(({ message }) => message.type === 'nack');
    if (refusal !== undefined) throw new Error(`${name}: the panel refuses a bare frame: ${JSON.stringify(refusal.message)}`);
    answers.push(lengths);
  }
  const questions = sample.map((step, s) => step.map((bytes, i) => echo.question(bytes.length, answers[s][i])));
  const oneByte = [[echo.question(Math.min(...sample.flat().map(({ length }) => length)), Math.min(...answers.flat()))]];

  const entries = { trip: newEntry(), echo: newEntry(), bare: newEntry(), driver: newEntry() };
  for (let round = 0; round < rounds; round++) {
    for (let i = round === 0 ? -warmUpCycles : 0; i < cycles; i++) {
      const frames = script(randomBeam(capabilities.phaseBits));
      const next = randomBeam(capabilities.phaseBits);
      await enter(entries.trip, i, () => play(echo, oneByte));
      await enter(entries.echo, i, () => play(echo, questions));
      await enter(entries.bare, i, () => play(bare, frames));
      await enter(entries.driver, i, () => applyAndMeasure(panel, next));
    }
  }
  warmUpCycles = WARM_UP_OF_A_LINK;
  const { retries } = panel.counters;
  await panel.close();
  const [e, b, d] = [entries.echo, entries.bare, entries.driver].map(({ blocks }) =>
    blocks.map((block) => percentiles(block).p50),
  );
  cycleRows.push({
    name,
    trips: questions.length,
    bytes: [...sample.flat().map(({ length }) => length), ...answers.flat()].reduce((sum, length) => sum + length, 0),
    tripMs: all(entries.trip.blocks),
    echoMs: all(entries.echo.blocks),
    bareMs: all(entries.bare.blocks),
    driverMs: all(entries.driver.blocks),
    cyclesPerSecond: spread(entries.driver.blocks.map((block) => (1000 * block.length) / block.reduce((sum, ms) => sum + ms, 0))),
    cpuMs: { echo: cpuOf(entries.echo), bare: cpuOf(entries.bare), driver: cpuOf(entries.driver) },
    limit: spread(d.map((ms, round) => ms / b[round])),
    overEcho: spread(d.map((ms, round) => (e[round] + ms - b[round]) / e[round])),
    bound: 1.3,
    retries,
  });
}

/** One of the alternatives that take turns, cycle by cycle. */
interface Entry {
  blocks: Float64Array[];
  /** Processor time of this process. */
  cpuMs: number;
}

function newEntry(): Entry {
  return { blocks: [], cpuMs: 0 };
}

async function enter(entry: Entry, index: number, work: () => Promise<void>): Promise<void> {
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  await work();
  const tookMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpu);
  if (index < 0) return;
  if (index === 0) entry.blocks.push(new Float64Array(cycles));
  entry.blocks[entry.blocks.length - 1][index] = tookMs;
  entry.cpuMs += (user + system) / 1000;
}

/** A cycle, ms. */
function cpuOf({ blocks, cpuMs }: Entry): number {
  return cpuMs / (blocks.length * cycles);
}

/** Full updates, patches, and small chunks with and without a window, on lines that take their time. */
async function overPacedLine(): Promise<UpdateRow[]> {
  const [line, small, still] = [await openPaced(), await openPaced(), await openPaced()];
  const rig = rigFile(6, `{ panel: BOARD-0001, serial: { path: ${line.host} } }`);
  await bench.farEnd('panel', rig, line.panel);
  await bench.farEnd('panel', rig, small.panel, String(SMALL_PAYLOAD));
  await bench.ptyEcho(still.panel);
  const echo = await openBareSerial(still.host, BAUD_RATE);
  const on = (path: string) => (): Link => createSerialLink({ path, baudRate: BAUD_RATE });

  const full = fullUpdateParts(BAUD_RATE);
  const contestants = [true, false].flatMap((digital) =>
    CHANGED.map((changed): Contestant => {
      const what = changed === WORDS ? 'full update' : `${changed} ${changed === 1 ? 'word' : 'words'} changed`;
      const bound = changed === WORDS ? { bound: 1.5 } : {};
      return { name: `${what}${digital ? ' + D' : ''}`, link: on(line.host), window: WINDOW, digital, changed, ...bound };
    }),
  );
  const windows = [1, WINDOW].map((window): Contestant => ({
    name: `full update + D in chunks of ${SMALL_PAYLOAD} bytes, window ${window}`,
    ...{ link: on(small.host), window, digital: true, changed: WORDS },
  }));
  const echoMs = newTimes();
  const questions = [
    [echo.question(full.words, full.ack), echo.question(full.digital, full.ack)],
    [echo.question(full.commit, full.committed)],
  ];
  const rows = await update([...contestants, ...windows], true, async (round) =>
    timed(echoMs, round, async () => {
      for (const step of questions) await echo.exchange(step, WINDOW);
    }),
  );
  await echo.close();
  await bench.endAll();
  for (const each of [line, small, still]) await each.close();
  parts = { ...full, echoMs: all(echoMs) };
  return rows;
}

interface Contestant {
  name: string;
  link: () => Link;
  window: number;
  digital: boolean;
  /** Words that differ from one beam to the next. */
  changed: number;
  bound?: number;
}

/** From call to confirmed commit, contestants in turn; each block has a session of its own, begun with a beam that is not counted. */
async function update(
  contestants: Contestant[],
  paced: boolean,
  between: (round: number) => Promise<void>,
): Promise<UpdateRow[]> {
  const taken = contestants.map(() => ({ times: newTimes(), wireMs: [] as number[], bytes: [] as number[], retries: 0 }));
  for (let round = -1; round < rounds; round++) {
    for (const [index, { link: open, window, digital, changed }] of contestants.entries()) {
      const link = open();
      const panel = createPanel({ link, clock, random: random.stream(`update ${index} ${round}`), window });
      await must(panel.connect());
      let before = randomBeam(6, digital);
      await must(panel.apply(before));
      const beams = Array.from({ length: cycles }, () => (before = changedBeam(before, changed)));
      const { bytesSent, bytesReceived, framesSent } = link.counters;
      const mine = taken[index];
      await timed(mine.times, round, async (i) => void (await must(panel.apply(beams[i]))));
      const { counters } = link;
      const bytes = (counters.bytesSent - bytesSent + counters.bytesReceived - bytesReceived) / cycles;
      // Of the acknowledgements, only that of the last chunk has the line to itself, and none where the commit does not wait for it.
      const chunks = (counters.framesSent - framesSent) / cycles - 1;
      if (round >= 0) {
        mine.wireMs.push(msOnLine(bytes - (chunks - (digital ? 1 : 0)) * onSerial(ACK), BAUD_RATE));
        mine.bytes.push(bytes);
      }
      mine.retries += panel.counters.retries;
      await panel.close();
    }
    await between(round);
  }
  return contestants.map(({ name, changed, digital, bound }, index) => {
    const { times, retries } = taken[index];
    // Of rounds in which something had to be said again, the line's own share is that of the others.
    const [bytes, wireMs] = [taken[index].bytes, taken[index].wireMs].map((each) => spread(each).median);
    return {
      ...{ name, changed, digital, bytes, retries, ms: all(times) },
      ...(paced ? { wireMs, limit: spread(times.map((block) => percentiles(block).p50 / wireMs)) } : {}),
      ...(bound === undefined ? {} : { bound }),
    };
  });
}

async function applyAndMeasure(panel: ArrayMember, beam: BeamCommand): Promise<void> {
  await must(panel.apply(beam));
  await must(panel.measureSnr(beam.beamId, PILOTS));
}

/** One block; the first, before round 0, is for the compiler and not kept. */
async function timed(blocks: Float64Array[], round: number, work: (index: number) => Promise<void>): Promise<void> {
  const times = new Float64Array(cycles);
  for (let i = 0; i < cycles; i++) {
    const startMs = performance.now();
    await work(i);
    times[i] = performance.now() - startMs;
  }
  if (round >= 0) blocks.push(times);
}

async function must<T>(result: Promise<Result<T>>): Promise<T> {
  const done = await result;
  if (!done.ok) throw new Error(JSON.stringify(done.failure));
  return done.value;
}

function rigFile(phaseBits: number, link: string): string {
  const path = join(bench.folder, `rig-${rigFiles++}.yaml`);
  writeFileSync(path, rigText(phaseBits, link));
  return path;
}

function openPaced(): Promise<PacedLine> {
  return openPacedLine({ baudRate: BAUD_RATE });
}

function newTimes(): Float64Array[] {
  return [];
}

function all(blocks: readonly Float64Array[]): { p50: number; p95: number } {
  return percentiles(Float64Array.from(blocks.flatMap((block) => [...block])));
}

/**
 * Half an hour of a whole rig over a serial line that loses frames: does it keep its memory, and the record of every cycle?
 *
 *   npx tsx bench/soak.ts [--minutes 30] [--drop 0.01] [--rate 30] [--folder DIR] [--json]
 *
 *   this process: model, loop, driver, page, run folder ─► pty ─► relay at 921,600 baud, drops frames both ways ─► pty ─► `beamrig panel`
 *
 * The panel is a process of its own, so the memory measured here is the rig's alone. One line a minute; exit code 1 when a record is missing
 * after reading the run folder back, or when memory rises by more than the noise of its samples (needs gcc, for the relay).
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createRealClock } from '../core/clock/real-clock.ts';
import { parseRigFile } from '../src/config/rig-file.ts';
import { assembleRig } from '../src/rig/assemble.ts';
import { startServer } from '../src/server/server.ts';
import type { CycleRecord } from '../src/telemetry/cycle-record.ts';
import { parseLine } from '../src/telemetry/influx/line-protocol.ts';
import { createRunRecorder, openRun } from '../src/telemetry/run-folder.ts';
import { openPacedLine } from '../test/paced-line.ts';
import { percentiles, trendPerMinute } from './statistics.ts';

const BAUD_RATE = 921_600;
const USERS = 4;
const SAMPLE_EVERY_MS = 10_000;
/** Until caches, histories and the compiler have settled; the trend is that of the time after it. */
const WARM_UP_MINUTES = 5;
/** A rise that is sure and yet below this is none: 20 KiB a minute are 11 bytes a cycle at 30 Hz, less than the smallest record. */
const HEAP_ALLOWANCE_MB_PER_MINUTE = 0.02;
/** Resident memory comes in pages and arenas, and goes back late. */
const RESIDENT_ALLOWANCE_MB_PER_MINUTE = 0.1;
const STANDARD_ERRORS = 3;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    drop: { type: 'string', default: '0.01' },
    rate: { type: 'string', default: '30' },
    folder: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const minutes = positive('--minutes', values.minutes);
const rateHz = positive('--rate', values.rate);
const drop = positive('--drop', values.drop);

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const clock = createRealClock();
const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'beamrig-soak-'));
const line = await openPacedLine({ baudRate: BAUD_RATE, drop });
const rigPath = join(folder, 'rig.yaml');
const rigText = `
name: soak
seed: 1
array: { geometry: { kind: ula, elements: 64 }, rfChains: 4, phaseBits: 6 }
users: { count: ${USERS} }
snrDb: 10
beamformer: { model: unfolded-pga-n64 }
links: [ { panel: BOARD-0001, serial: { path: ${line.host}, baudRate: ${BAUD_RATE} } } ]
fallback: never
loop: { rateHz: ${rateHz}, pilots: 64 }
simulator: { userSpeedMps: 1.4, impairments: { gainErrorDb: 0.5, phaseErrorDeg: 5 } }
telemetry: { runFolder: ${join(folder, 'runs')} }
`;
writeFileSync(rigPath, rigText);
const panel = await startPanel(rigPath, line.panel);

/** What is kept of the cycles: fixed sizes, so that the bench itself keeps its memory. */
const minute = { cycles: 0, ageMs: new Float64Array(Math.ceil(rateHz * 60) + 64) };
const total = { recorded: 0, void: 0, retries: 0, timeouts: 0, discarded: 0 };
const causes = new Map<string, number>();
const note = (record: CycleRecord): void => {
  minute.ageMs[minute.cycles++ % minute.ageMs.length] = record.cycleMs;
  total.recorded++;
  total.retries += record.link.retries;
  total.timeouts += record.link.timeouts;
  total.discarded += record.link.discarded;
  if (record.outcome === 'ok') return;
  total.void++;
  const cause = (record.failure ?? 'no cause given').replace(/\d+/g, '#');
  if (causes.has(cause) || causes.size < 50) causes.set(cause, (causes.get(cause) ?? 0) + 1);
};

const rig = parseRigFile(rigText, rigPath);
const recorder = createRunRecorder({ rig, rigText, rigPath, seed: rig.seed, clock, time: 'real' });
const assembled = await assembleRig({ rig, clock, recorder, runFolder: recorder.folder });
recorder.identify(assembled.identity);
assembled.controller.onCycle(note);
const server = await startServer({ controller: assembled.controller, host: '127.0.0.1', port: 0 });

interface MemorySample {
  minute: number;
  heapMb: number;
  residentMb: number;
  panelMb: number;
}
const memory: MemorySample[] = [];
const running = assembled.run();
const startMs = clock.nowMs();
const elapsedMin = (): number => (clock.nowMs() - startMs) / 60_000;
let stopped = false;
process.once('SIGINT', () => (stopped = true));
void running.then(() => (stopped = true));

say(`soak: ${minutes} min at ${rateHz} Hz, ${(100 * drop).toFixed(1)} % of frames lost each way, records in ${recorder.folder}`);
for (let told = 0; !stopped && elapsedMin() < minutes;) {
  await clock.sleep(Math.min(SAMPLE_EVERY_MS, Math.max(0, minutes - elapsedMin()) * 60_000));
  memory.push(sampleMemory());
  if (elapsedMin() < told + 1) continue;
  told++;
  const { p50, p95 } = percentiles(minute.ageMs.subarray(0, Math.min(minute.cycles, minute.ageMs.length)));
  const now = memory[memory.length - 1];
  say(
    [
      `${String(told).padStart(3)} min`,
      `${minute.cycles} cycles`,
      `cycle ${p50.toFixed(1)} / ${p95.toFixed(1)} ms`,
      `so far ${total.void} void, ${total.retries} retries, ${total.timeouts} timeouts`,
      `heap ${now.heapMb.toFixed(3)} MB, resident ${now.residentMb.toFixed(1)} MB, panel ${now.panelMb.toFixed(1)} MB`,
      `load ${loadavg()[0].toFixed(1)}`,
    ].join('  '),
  );
  minute.cycles = 0;
}
const soakedMinutes = elapsedMin();
const wire = await line.counts();
await assembled.controller.stop();
const outcome = await running;
await server.close();
const { summary, problem } = await recorder.close(outcome.reason);
await panel.stop();
await line.close();

const readBack = await readRecords(recorder.folder);
const settled = memory.filter((sample) => sample.minute > WARM_UP_MINUTES);
const heap = judge('heapMb', HEAP_ALLOWANCE_MB_PER_MINUTE);
const resident = judge('residentMb', RESIDENT_ALLOWANCE_MB_PER_MINUTE);
const criteria = {
  'the run went to its end': outcome.reason === 'stopped' && soakedMinutes >= minutes,
  'every cycle is in the run folder, once, in order, with all its users':
    readBack.cycles === outcome.cycles && outcome.cycles === total.recorded && readBack.outOfOrder === 0,
  'every line is whole':
    readBack.damaged === 0 && summary.lostLines === 0 && readBack.users === USERS * readBack.cycles && problem === undefined,
  'the heap does not rise': heap.flat,
  'resident memory does not rise': resident.flat,
};
const failed = Object.entries(criteria).filter(([, holds]) => !holds);
const result = {
  minutes: soakedMinutes,
  rateHz,
  drop,
  cycles: outcome.cycles,
  cyclesPerSecond: summary.cyclesPerSecond,
  cycleMs: summary.stageMs.cycle,
  voids: total.void,
  causesOfVoids: Object.fromEntries(causes),
  retries: total.retries,
  timeouts: total.timeouts,
  discarded: total.discarded,
  wire,
  records: readBack,
  events: summary.events,
  memory: { heap, resident, panel: judge('panelMb', Infinity) },
  machine: { cpu: cpus()[0]?.model, cores: cpus().length, loadAverage: loadavg()[0], node: process.version },
  criteria,
};
console.log(values.json ? JSON.stringify(result, null, 2) : text());
if (values.folder === undefined && failed.length === 0) rmSync(folder, { recursive: true, force: true });
process.exit(failed.length === 0 ? 0 : 1);

function positive(flag: string, given: string): number {
  const value = Number(given);
  if (given !== '' && value >= 0 && Number.isFinite(value)) return value;
  console.error(`${flag} is ${given}, not a number from 0 on. Try: npx tsx bench/soak.ts --minutes 30`);
  process.exit(2);
}

/** For people; with `--json` the output is one object and this goes beside it. */
function say(message: string): void {
  if (values.json) console.error(message);
  else console.log(message);
}

async function startPanel(rigFile: string, port: string): Promise<{ pid: number; stop(): Promise<void> }> {
  const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
  const args = ['--import', import.meta.resolve('tsx'), main, 'panel', rigFile, '--serial', port, '--json'];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  process.once('exit', () => child.kill('SIGKILL'));
  if (child.stdout === null) throw new Error('the panel has no output');
  const said = createInterface({ input: child.stdout });
  await new Promise<void>((resolve, reject) => {
    said.on('line', (text) => {
      if (text.includes('"ready"')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`beamrig panel ended with ${code ?? 'a signal'}`)));
  });
  return {
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function sampleMemory(): MemorySample {
  const { rss } = process.memoryUsage();
  // Dead buffers are counted until they have been swept, which the second collection waits for.
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return { minute: elapsedMin(), heapMb: (heapUsed + external) / 2 ** 20, residentMb: rss / 2 ** 20, panelMb: panelMb() };
}

/** Resident, where the system says so in /proc. */
function panelMb(): number {
  try {
    const [, pages] = readFileSync(`/proc/${panel.pid}/statm`, 'utf8').split(' ').map(Number);
    return (pages * 4096) / 2 ** 20;
  } catch {
    return NaN;
  }
}

/** First minute against last, and the slope of the settled part with its standard error. */
function judge(key: 'heapMb' | 'residentMb' | 'panelMb', allowance: number) {
  const mean = (samples: MemorySample[]): number => samples.reduce((sum, sample) => sum + sample[key], 0) / samples.length;
  const { slope, error } = trendPerMinute(settled, key);
  return {
    firstMinuteMb: mean(memory.filter((sample) => sample.minute <= 1)),
    lastMinuteMb: mean(memory.filter((sample) => sample.minute >= soakedMinutes - 1)),
    slopeMbPerMinute: slope,
    errorMbPerMinute: error,
    // A run that is too short has no trend, and shows nothing.
    flat: !(slope - STANDARD_ERRORS * error > allowance),
  };
}

/** Counts what the run folder holds, line by line. */
async function readRecords(runFolder: string) {
  const found = { cycles: 0, users: 0, events: 0, ok: 0, outOfOrder: 0, damaged: 0 };
  for await (const text of createInterface({ input: createReadStream(openRun(runFolder).recordsPath) })) {
    const point = parseLine(text);
    if (point === undefined) found.damaged++;
    else if (point.measurement === 'event') found.events++;
    else if (point.measurement === 'user_snr') found.users++;
    else {
      if (point.fields.cycle !== BigInt(found.cycles)) found.outOfOrder++;
      if (point.tags.outcome === 'ok') found.ok++;
      found.cycles++;
    }
  }
  return found;
}

function text(): string {
  const mb = ({ firstMinuteMb, lastMinuteMb, slopeMbPerMinute, errorMbPerMinute }: ReturnType<typeof judge>): string =>
    `${firstMinuteMb.toFixed(2)} MB in the first minute, ${lastMinuteMb.toFixed(2)} in the last; ` +
    `slope ${slopeMbPerMinute.toFixed(4)} ± ${errorMbPerMinute.toFixed(4)} MB/min after the first ${WARM_UP_MINUTES} min`;
  const { cycleMs, memory: of, machine } = result;
  return [
    '',
    `${result.minutes.toFixed(1)} min, ${result.cycles} cycles at ${result.cyclesPerSecond.toFixed(2)}/s, ${cpuLine(machine)}`,
    `cycle p50 / p95 / max    ${[cycleMs?.p50, cycleMs?.p95, cycleMs?.max].map((ms) => ms?.toFixed(1) ?? '–').join(' / ')} ms`,
    `frames lost on the line  ${wire.framesDropped}; answered by ${result.retries} repetitions, ${result.timeouts} of them by timeout`,
    `void cycles              ${result.voids}${[...causes].map(([cause, count]) => `\n  ${count} × ${cause}`).join('')}`,
    `records read back        ${readBack.cycles} cycles (${readBack.ok} ok) of ${result.cycles}, ${readBack.users} user lines, ${readBack.damaged} damaged`,
    `heap after collection    ${mb(of.heap)}`,
    `resident                 ${mb(of.resident)}`,
    `panel's process          ${mb(of.panel)}`,
    ...Object.entries(criteria).map(([name, holds]) => `${holds ? 'holds ' : 'FAILED'}  ${name}`),
  ].join('\n');
}

function cpuLine({ cpu, cores, loadAverage, node }: typeof result.machine): string {
  return `${cores} cores of ${cpu ?? 'unknown'}, load average ${loadAverage.toFixed(1)}, Node ${node}`;
}

/**
 * How soon an array is dark when its panel hears and is not heard, when its controller stands still, and when it is told to stop while one thing
 * or everything hangs. The controller is a process (`beamrig run`); the panels are played here, at the far ends of real wires, so that what is
 * radiated is seen and not asked for. Several are played at once: each waits most of its time.
 *
 *   npm run build && npx tsx bench/safety.ts [--times 20] [--at-once 6] [--only unheard] [--output docs/results/safety.md]
 *
 * `unheard`: the panel's answers are lost for 15 s; `stopped`: the controller gets SIGSTOP; `stop`: it gets a signal.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { createRealClock } from '../core/clock/real-clock.ts';
import { createAir } from '../hil-sim/air.ts';
import { TYPE_CODES } from '../firmware-protocol/type-codes.ts';
import { createVirtualPanel } from '../hil-sim/virtual-panel.ts';
import { createRandom } from '../core/signal/random.ts';
import { packageRoot } from '../core/files/package-root.ts';
import { parseRigFile } from '../src/config/rig-file.ts';
import { createRigArray } from '../src/rig/simulator.ts';
import { createWorld } from '../src/rig/world.ts';
import { openMqttWire } from '../test/faults/mqtt-wire.ts';
import { ENDLESS, writeTroubledModel } from '../test/integration/troubled-networks.ts';
import { fillTerminal, openPtyPair } from '../test/pty.ts';
import { createSerialPanelEnd } from '../src/link/serial/serial-panel-end.ts';

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '20' },
    'at-once': { type: 'string', default: '6' },
    /** Only rows whose name holds this. */
    only: { type: 'string', default: '' },
    output: { type: 'string' },
  },
});
const TIMES = Number(values.times);
const AT_ONCE = Number(values['at-once']);
const SILENCE_MS = 3000;
const SOON_MS = 500;
const STOP_MS = 3000;
const UNHEARD_MS = 15_000;
const PROGRAM = join(packageRoot(), 'dist', 'src', 'cli', 'main.js');

// Each broker that is played ends with this process.
process.setMaxListeners(10 + 3 * AT_ONCE);

const clock = createRealClock();
const folder = mkdtempSync(join(tmpdir(), 'beamrig-safety-'));
const endless = writeTroubledModel(folder, 'endless', { turns: ENDLESS });
const until = async (what: string, holds: () => boolean, withinMs = 60_000): Promise<number> => {
  const fromMs = clock.nowMs();
  while (!holds()) {
    if (clock.nowMs() - fromMs > withinMs) throw new Error(`waited in vain for ${what}`);
    await clock.sleep(2);
  }
  return clock.nowMs() - fromMs;
};

interface Bench {
  child: ChildProcess;
  lit(): boolean;
  unheard: boolean;
  close(): Promise<void>;
}

interface BenchOptions {
  carrier: 'pty' | 'mosquitto';
  fallback?: string;
  /** 1 = of version 1.1. */
  minor?: 1 | 2;
  model?: string;
  /** A terminal that nobody reads. */
  terminal?: string;
}

let files = 0;

/** A controller as a process, and its panel here, with a beam on the air (unless its model gives none). */
async function open({ carrier, fallback = 'never', minor = 2, model = 'aligned', terminal }: BenchOptions): Promise<Bench> {
  const closers: (() => unknown)[] = [];
  const wire =
    carrier === 'mosquitto'
      ? await openMqttWire('mosquitto')
      : await openPtyPair().then((pty) => ({
          link: `serial: { path: ${pty.a}, baudRate: 921600 }`,
          end: () => createSerialPanelEnd({ path: pty.b, baudRate: 921_600 }),
          close: () => pty.close(),
        }));
  closers.push(() => wire.close());
  const path = join(folder, `rig-${++files}.yaml`);
  const text = `name: safety
array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 6 }
users: { count: 2 }
beamformer: { model: ${model}${model === 'aligned' ? '' : ', deadlineMs: 60000'} }
loop: { rateHz: 20, pilots: 64 }
links: [ { name: board, panel: BOARD, ${wire.link} } ]
fallback: ${fallback}
telemetry: { runFolder: ${join(folder, 'runs')} }
dashboard: { port: 0 }
`;
  writeFileSync(path, text);
  const rig = parseRigFile(text, path);
  const random = createRandom(rig.seed).stream('simulator');
  const world = createWorld({ rig, random, repeat: true });
  const air = createAir({
    array: createRigArray(rig, random),
    scene: world.scene,
    noise: 1,
    random: random.stream('panel'),
    clock,
  });
  const virtual = createVirtualPanel({
    clock,
    random,
    air: air.part(Array.from({ length: 16 }, (_, i) => i)),
    capabilities: { panelSerial: 'BOARD', protocolMinor: minor },
    onLatch: (beamId) => world.latched(beamId),
  });
  const bench: Bench = {
    child: undefined as never,
    unheard: false,
    lit: () => virtual.radiated().beamId !== 0,
    async close() {
      if (bench.child.exitCode === null && bench.child.signalCode === null) {
        bench.child.kill('SIGKILL');
        await once(bench.child, 'exit');
      }
      for (const close of closers.splice(0).reverse()) await close();
    },
  };
  let armed = false;
  const end = wire.end('BOARD');
  closers.push(() => {
    virtual.close();
    return end.close();
  });
  await end.open({
    receive: (frame) => {
      armed ||= frame[1] === TYPE_CODES['set-safe-state'];
      virtual.receive(frame);
    },
    onSend: (listener) => virtual.onSend((frame) => bench.unheard || listener(frame)),
  });
  const out = terminal === undefined ? 'pipe' : openSync(terminal, constants.O_RDWR | constants.O_NOCTTY);
  const words = [PROGRAM, 'run', path, ...(terminal === undefined ? ['--json'] : [])];
  bench.child = spawn(process.execPath, words, { cwd: packageRoot(), stdio: ['ignore', out, 'ignore'] });
  if (typeof out === 'number') closeSync(out);
  let started = terminal !== undefined;
  if (bench.child.stdout) createInterface({ input: bench.child.stdout }).on('line', () => (started = true));
  await until('the start', () => started || bench.child.exitCode !== null);
  if (bench.child.exitCode !== null) throw new Error(`the controller ended with ${bench.child.exitCode} at its start`);
  // A model that never answers gives no beam: the panel is armed, at least.
  if (model === 'aligned') await until('a beam', () => bench.lit());
  else {
    await until('a panel that knows its safe state', () => armed);
    await clock.sleep(1000);
  }
  return bench;
}

interface Row {
  name: string;
  what: string;
  limitMs: number;
  play(): Promise<number>;
}

const rows: Row[] = [];

for (const carrier of ['pty', 'mosquitto'] as const) {
  for (const fallback of ['never', 'at-start', 'any-time']) {
    for (const minor of [1, 2] as const) {
      rows.push({
        name: `unheard, ${carrier}, ${fallback}, panel 1.${minor}`,
        what: 'dark',
        limitMs: SILENCE_MS + SOON_MS,
        async play() {
          const bench = await open({ carrier, fallback, minor });
          try {
            bench.unheard = true;
            const darkMs = await until('darkness', () => !bench.lit());
            const endMs = clock.nowMs() + UNHEARD_MS - darkMs;
            while (clock.nowMs() < endMs) {
              if (bench.lit()) throw new Error('it was lit again while nobody heard it');
              await clock.sleep(2);
            }
            return darkMs;
          } finally {
            await bench.close();
          }
        },
      });
    }
  }
  rows.push({
    name: `controller stopped (SIGSTOP), ${carrier}`,
    what: 'dark',
    limitMs: SILENCE_MS + SOON_MS,
    async play() {
      const bench = await open({ carrier });
      try {
        bench.child.kill('SIGSTOP');
        return await until('darkness', () => !bench.lit());
      } finally {
        await bench.close();
      }
    },
  });
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  for (const trouble of ['nothing', 'hung model', 'unheard panel', 'unread terminal', 'all three']) {
    const all = trouble === 'all three';
    rows.push({
      name: `stop by ${signal}, ${trouble}`,
      what: 'dark and gone',
      limitMs: STOP_MS,
      async play() {
        const terminal = all || trouble === 'unread terminal' ? await openPtyPair() : undefined;
        const model = all || trouble === 'hung model' ? endless : 'aligned';
        const bench = await open({ carrier: 'pty', model, ...(terminal === undefined ? {} : { terminal: terminal.a }) });
        try {
          if (terminal !== undefined) fillTerminal(terminal.a);
          if (all || trouble === 'unheard panel') bench.unheard = true;
          await clock.sleep(300);
          const fromMs = clock.nowMs();
          bench.child.kill(signal);
          await until('the end', () => bench.child.exitCode !== null || bench.child.signalCode !== null);
          const goneMs = clock.nowMs() - fromMs;
          if (bench.lit()) throw new Error('the controller has gone and the array is lit');
          return goneMs;
        } finally {
          await bench.close();
          await terminal?.close();
        }
      },
    });
  }
}

interface Result extends Row {
  tookMs: number[];
  why: string[];
}

const results: Result[] = rows.filter(({ name }) => name.includes(values.only)).map((row) => ({ ...row, tookMs: [], why: [] }));
const inTime = ({ tookMs, limitMs }: Result): number => tookMs.filter((ms) => ms <= limitMs).length;
const inWords = (result: Result): string => {
  const { name, what, limitMs, tookMs } = result;
  const sorted = tookMs.toSorted((a, b) => a - b).map(Math.round);
  const took = sorted.length === 0 ? '– | –' : `${sorted[sorted.length >> 1]} ms | ${sorted.at(-1)} ms`;
  return `| ${name}: ${what} | ${inTime(result)} of ${TIMES} | ${took} | ${limitMs} ms |`;
};
/** Round by round, so that what is alike is not played at once. */
const plays = Array.from({ length: TIMES }, () => results).flat();
const loads: number[] = [];

async function playOn(): Promise<void> {
  for (let result = plays.shift(); result !== undefined; result = plays.shift()) {
    try {
      result.tookMs.push(await result.play());
    } catch (error) {
      result.why.push((error as Error).message);
    }
    loads.push(loadavg()[0]);
    if (result.tookMs.length + result.why.length === TIMES) console.log([inWords(result), ...result.why].join('\n  '));
    else process.stderr.write(`${plays.length} left \r`);
  }
}

try {
  await Promise.all(Array.from({ length: AT_ONCE }, playOn));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const text = `# Dark, whatever hangs

\`npm run build && npx tsx bench/safety.ts --times ${TIMES} --at-once ${AT_ONCE}\`. The controller is a process; what the panel radiates is seen at the panel. \`unheard\`: the
panel's replies are lost for 15 s, on a real pty or through a real broker; it is dark in time and not lit again meanwhile. Limits: the silence limit (3 s)
and 0.5 s; 3 s for an end, with the array dark by then.

| what happens | in time | median | longest | limit |
|---|---|---|---|---|
${results.map(inWords).join('\n')}

${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus()[0]?.model ?? 'unknown'} (${cpus().length} cores, load at most ${Math.max(...loads).toFixed(1)}).
`;
console.log(text);
if (values.output !== undefined) writeFileSync(values.output, text);
process.exit(results.every((result) => inTime(result) === TIMES) ? 0 : 1);

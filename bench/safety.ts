/**
 * How soon an array is dark when its panel hears and is not heard, when its controller stands still, and when it is told to stop while one thing
 * or everything hangs. The controller is a process (`beamrig run`); the panels are played here, at the far ends of real wires, so that what is
 * radiated is seen and not asked for.
 *
 *   npx tsx bench/safety.ts [--times 20] [--only unheard] [--output docs/results/safety.md]
 *
 * `unheard`: the panel's answers are lost for 15 s; `stopped`: the controller gets SIGSTOP; `stop`: it gets a signal.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { createRealClock } from '../clock/real-clock.ts';
import { createAir } from '../hil-sim/air.ts';
import { TYPE_CODES } from '../firmware-protocol/type-codes.ts';
import { createVirtualPanel } from '../hil-sim/virtual-panel.ts';
import { createRandom } from '../signal/random.ts';
import { packageRoot } from '../src/config/package-root.ts';
import { parseRigFile } from '../src/config/rig-file.ts';
import { createRigArray } from '../src/rig/simulator.ts';
import { createWorld, showBeam } from '../src/rig/world.ts';
import { openMqttWire } from '../test/faults/mqtt-wire.ts';
import { ENDLESS, writeTroubledModel } from '../test/integration/troubled-networks.ts';
import { openPtyPair } from '../test/pty.ts';
import { createSerialPanelEnd } from '../src/link/serial-panel-end.ts';

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '20' },
    /** Only rows whose name holds this. */
    only: { type: 'string', default: '' },
    output: { type: 'string' },
  },
});
const TIMES = Number(values.times);
const SILENCE_MS = 3000;
const SOON_MS = 500;
const STOP_MS = 3000;
const UNHEARD_MS = 15_000;

const clock = createRealClock();
const folder = mkdtempSync(join(tmpdir(), 'beamrig-safety-'));
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
    onLatch: (beamId) => showBeam(world, beamId),
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
  const words = [join(packageRoot(), 'src', 'cli', 'main.ts'), 'run', path, ...(terminal === undefined ? ['--json'] : [])];
  bench.child = spawn(process.execPath, ['--import', 'tsx', ...words], { cwd: packageRoot(), stdio: ['ignore', out, 'ignore'] });
  if (typeof out === 'number') closeSync(out);
  let started = terminal !== undefined;
  if (bench.child.stdout) createInterface({ input: bench.child.stdout }).on('line', () => (started = true));
  await until('the start', () => started || bench.child.exitCode !== null);
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

/** The worst of what came, and whether it was in time. */
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
        const model = all || trouble === 'hung model' ? writeTroubledModel(folder, 'endless', { turns: ENDLESS }) : 'aligned';
        const bench = await open({ carrier: 'pty', model, ...(terminal === undefined ? {} : { terminal: terminal.a }) });
        try {
          if (terminal !== undefined) fill(terminal.a);
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

/** Until the terminal takes no more: nobody reads its other end. */
function fill(path: string): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
  try {
    for (;;) writeSync(fd, 'x'.repeat(1000));
  } catch {
    // Full.
  } finally {
    closeSync(fd);
  }
}

const lines = [
  '# Dark, whatever hangs',
  '',
  `\`npx tsx bench/safety.ts --times ${TIMES}\`, ${TIMES} times each, on ${cpus().length} × ${cpus()[0]?.model ?? '?'}, Node ${process.version}.`,
  'The controller is a process; what the panel radiates is seen at the panel. Limits: the silence limit (3 s) and 0.5 s; 3 s for an end.',
  '',
  '| what happens | in time | longest | limit |',
  '|---|---|---|---|',
];
let failed = 0;
try {
  for (const row of rows.filter(({ name }) => name.includes(values.only))) {
    const tookMs: number[] = [];
    const why: string[] = [];
    for (let time = 0; time < TIMES; time++) {
      try {
        tookMs.push(await row.play());
      } catch (error) {
        why.push((error as Error).message);
      }
    }
    const inTime = tookMs.filter((ms) => ms <= row.limitMs).length;
    if (inTime < TIMES) failed++;
    const longest = tookMs.length === 0 ? '–' : `${Math.round(Math.max(...tookMs))} ms`;
    const line = `| ${row.name}: ${row.what} | ${inTime} of ${TIMES} | ${longest} | ${row.limitMs} ms |`;
    lines.push(line);
    console.log([line, ...why].join('\n  '));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (values.output !== undefined) writeFileSync(values.output, `${lines.join('\n')}\n`);
process.exit(failed === 0 ? 0 : 1);

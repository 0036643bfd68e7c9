/**
 * What open pages cost the control loop: the demo rig on the simulator, as fast as it goes, without pages and with so many of them, in turns.
 *
 *   npx tsx bench/pages.ts [--pages 500] [--seconds 10] [--rounds 3] [--json]
 *
 * The pages are sockets in another process that acknowledge every frame at once. On a machine of few cores that process takes time from the
 * loop too, which real pages on other machines do not: the rate of the loop counts both, the time of the loop's own thread only what the
 * server costs. Both are ratios of turns next to each other.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createRealClock } from '../core/clock/real-clock.ts';
import { readRigFile } from '../src/config/rig-file.ts';
import { assembleRig } from '../src/rig/assemble.ts';
import { startServer } from '../src/server/server.ts';
import { endWithUs } from '../scripts/end-with-us.ts';
import { spread } from './statistics.ts';

const { values } = parseArgs({
  options: {
    pages: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
const [pages, seconds, rounds] = [Number(values.pages), Number(values.seconds), Number(values.rounds)];
const SETTLE_MS = 3000;

const clock = createRealClock();
const rig = await assembleRig({
  rig: readRigFile(fileURLToPath(new URL('../examples/rigs/demo.yaml', import.meta.url))),
  clock,
  rateHz: 'max',
  recorder: { cycle: () => undefined, event: () => undefined },
});
const server = await startServer({ controller: rig.controller, host: '127.0.0.1', port: 0, maxPages: pages });
const running = rig.run();
let cycles = 0;
rig.controller.onCycle(() => cycles++);

interface Turn {
  cyclesPerSecond: number;
  /** Share of the time that the loop's thread was busy, and that it ran on a core. */
  busy: number;
  ran: number;
  /** Frames that each page got a second, and the longest that one waited. */
  framesPerSecond: number;
  longestMs: number;
  clientsRan: number;
}

const turns: { without: Turn; with: Turn }[] = [];
await clock.sleep(SETTLE_MS);
for (let round = 0; round < rounds; round++) {
  const without = await measure();
  const clients = await openPages();
  await clock.sleep(SETTLE_MS);
  clients.news.length = 0;
  const loaded = await measure();
  const { news } = clients;
  await clients.close();
  const received = news.filter((fact) => fact.frames !== undefined);
  const errors = news.filter((fact) => fact.error !== undefined);
  if (errors.length > 0) throw new Error(`pages failed: ${errors[0].error}`);
  loaded.framesPerSecond = received.reduce((sum, { frames = 0 }) => sum + frames, 0) / received.length / pages;
  loaded.longestMs = Math.max(...received.map(({ longestMs = 0 }) => longestMs));
  loaded.clientsRan = ((received.at(-1)?.cpuMs ?? 0) - (received[0]?.cpuMs ?? 0)) / 1000 / Math.max(received.length - 1, 1);
  turns.push({ without, with: loaded });
}
await rig.controller.stop();
await running;
await server.close();

const ratio = (of: (turn: Turn) => number) => spread(turns.map((turn) => of(turn.with) / of(turn.without)));
const result = {
  pages,
  turns,
  rate: ratio((turn) => turn.cyclesPerSecond),
  /** Of the loop's own thread: what the pages add to the share of a core that it takes, were it to turn as often. */
  addedShare: spread(
    turns.map((turn) => turn.with.ran - (turn.without.ran * turn.with.cyclesPerSecond) / turn.without.cyclesPerSecond),
  ),
  machine: { cores: cpus().length, node: process.version },
};
if (values.json) console.log(JSON.stringify(result, null, 2));
else {
  for (const turn of turns) {
    console.log(`without  ${inWords(turn.without)}`);
    console.log(
      `with     ${inWords(turn.with)}, ${turn.with.framesPerSecond.toFixed(2)} frames/s a page, longest wait ${turn.with.longestMs.toFixed(0)} ms, the pages' process ${percent(turn.with.clientsRan)} of a core`,
    );
  }
  const { rate, addedShare } = result;
  console.log(
    `${pages} pages: the loop turns at ${percent(rate.median)} (${percent(rate.min)} … ${percent(rate.max)}) of its rate without them;`,
  );
  console.log(
    `they add ${percent(addedShare.median)} (${percent(addedShare.min)} … ${percent(addedShare.max)}) of a core to its thread; ${result.machine.cores} cores, Node ${process.version}`,
  );
}
process.exit(0);

async function measure(): Promise<Turn> {
  const [startMs, startCycles, startRan] = [clock.nowMs(), cycles, ranMs()];
  const before = performance.eventLoopUtilization();
  await clock.sleep(seconds * 1000);
  const elapsedMs = clock.nowMs() - startMs;
  return {
    cyclesPerSecond: ((cycles - startCycles) / elapsedMs) * 1000,
    busy: performance.eventLoopUtilization(before).utilization,
    ran: (ranMs() - startRan) / elapsedMs,
    framesPerSecond: 0,
    longestMs: 0,
    clientsRan: 0,
  };
}

/** How long this thread has been on a core so far, as Linux counts it. */
function ranMs(): number {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
}

interface News {
  open?: number;
  error?: string;
  frames?: number;
  longestMs?: number;
  cpuMs?: number;
}

async function openPages(): Promise<{ news: News[]; close(): Promise<void> }> {
  const program = fileURLToPath(new URL('./pages-clients.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', program, server.url, String(pages)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  endWithUs(child);
  const news: News[] = [];
  const open = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const fact = JSON.parse(line) as News;
      if (fact.open !== undefined) resolve();
      else news.push(fact);
    });
  });
  await open;
  return {
    news,
    close: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.kill();
      }),
  };
}

function inWords(turn: Turn): string {
  return `${turn.cyclesPerSecond.toFixed(0)} cycles/s, thread busy ${percent(turn.busy)}, on a core ${percent(turn.ran)}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

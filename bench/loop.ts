/**
 * How fast the whole loop goes and whether it keeps its memory: the demo rig (N = 64, M = K = 4, Q = 6) on the simulator with its real model,
 * as fast as it goes, on the machine's clock.
 *
 *   npx tsx bench/loop.ts [--seconds 60] [--rig FILE.yaml] [--json]
 *
 * The limit is the model itself: pipelined, the loop cannot be faster than one inference. Both are measured in one run, so their ratio holds
 * on any machine. `age` is the time from taking a channel to the SNR measured with its beam.
 */
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createRealClock } from '../core/clock/real-clock.ts';
import { openBeamformer } from '../src/beamforming/open-beamformer.ts';
import { elementsOf, readRigFile } from '../src/config/rig-file.ts';
import type { RigFile } from '../src/config/rig-file.ts';
import { assembleRig } from '../src/rig/assemble.ts';
import { STAGES } from '../src/telemetry/cycle-record.ts';
import type { CycleRecord } from '../src/telemetry/cycle-record.ts';
import { createRandom } from '../core/signal/random.ts';
import { salehValenzuela } from '../core/signal/channel.ts';
import { fromDb } from '../core/signal/rate.ts';
import { percentiles, slopePerMinute } from './statistics.ts';

const WARM_UP_S = 3;
const MEMORY_EVERY_MS = 2000;
const MODEL_RUNS = 300;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    rig: { type: 'string', default: fileURLToPath(new URL('../examples/rigs/demo.yaml', import.meta.url)) },
    json: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
const rigFile = readRigFile(values.rig);
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const modelBefore = await modelLatencyMs(rigFile);
const clock = createRealClock();
/** Fixed-size histories, so that the bench itself keeps its memory. */
const columns = ['period', 'age', ...STAGES] as const;
const rows = new Float64Array(columns.length * 6000 * Math.ceil(seconds));
const inSecond = new Float64Array(Math.ceil(seconds) + 1);
let count = 0;
let voids = 0;
let measuring = false;
let lastMs = 0;
let startMs = 0;

const note = (record: CycleRecord): void => {
  if (!measuring) return;
  const nowMs = clock.nowMs();
  inSecond[Math.min(Math.floor((nowMs - startMs) / 1000), inSecond.length - 1)]++;
  if (record.outcome === 'void') voids++;
  const at = count * columns.length;
  if (at < rows.length) {
    rows[at] = nowMs - lastMs;
    rows[at + 1] = record.cycleMs;
    STAGES.forEach((stage, index) => (rows[at + 2 + index] = record.stageMs[stage]));
  }
  lastMs = nowMs;
  count++;
};

const rig = await assembleRig({ rig: rigFile, clock, rateHz: 'max', recorder: { cycle: note, event: () => undefined } });
const running = rig.run();
await clock.sleep(WARM_UP_S * 1000);

const memory: { minute: number; heapMb: number; rssMb: number }[] = [];
const sampleMemory = (sinceMs: number): void => {
  collectGarbage();
  const { heapUsed, rss, external } = process.memoryUsage();
  memory.push({ minute: (clock.nowMs() - sinceMs) / 60_000, heapMb: (heapUsed + external) / 2 ** 20, rssMb: rss / 2 ** 20 });
};
startMs = clock.nowMs();
lastMs = startMs;
measuring = true;
while (clock.nowMs() - startMs < seconds * 1000) {
  sampleMemory(startMs);
  await clock.sleep(Math.min(MEMORY_EVERY_MS, Math.max(startMs + seconds * 1000 - clock.nowMs(), 0)));
}
measuring = false;
const elapsedS = (clock.nowMs() - startMs) / 1000;
await rig.controller.stop();
await running;
const modelAfter = await modelLatencyMs(rigFile);

const column = (name: (typeof columns)[number]): Float64Array => {
  const index = columns.indexOf(name);
  return Float64Array.from(
    { length: Math.min(count, rows.length / columns.length) },
    (_, row) => rows[row * columns.length + index],
  );
};
const cyclesPerSecond = count / elapsedS;
const modelMs = (modelBefore + modelAfter) / 2;
const result = {
  rig: rigFile.name,
  model: rig.description.modelId,
  elements: rig.description.elements,
  seconds: elapsedS,
  cycles: count,
  voids,
  cyclesPerSecond,
  /** Of the whole seconds, the one in the middle. */
  cyclesInMedianSecond: percentiles(inSecond.slice(0, Math.floor(elapsedS))).p50,
  periodMs: percentiles(column('period')),
  ageMs: percentiles(column('age')),
  stageMs: Object.fromEntries(STAGES.map((stage) => [stage, percentiles(column(stage))])),
  modelAloneMs: modelMs,
  /** What else the machine was doing: above its number of cores, the figures are those of a machine that is shared. */
  machine: { cores: cpus().length, loadAverage: loadavg()[0] },
  /** Mean time of a cycle ÷ median latency of the model alone; 1 is the limit. */
  ratioToModel: 1000 / cyclesPerSecond / modelMs,
  memory: {
    heapMb: { first: memory[0].heapMb, last: memory[memory.length - 1].heapMb, slopePerMinute: slopePerMinute(memory, 'heapMb') },
    rssMb: { first: memory[0].rssMb, last: memory[memory.length - 1].rssMb, slopePerMinute: slopePerMinute(memory, 'rssMb') },
  },
};
console.log(values.json ? JSON.stringify(result, null, 2) : text(result));
process.exit(0);

/** Median latency of the rig's own model, alone, in its process. */
async function modelLatencyMs(file: RigFile): Promise<number> {
  const needs = { elements: elementsOf(file), rfChains: file.array.rfChains, users: file.users.count };
  const beamformer = await openBeamformer(
    file.beamformer.model,
    { ...needs, connection: file.array.connection },
    file.beamformer,
  );
  const random = createRandom(1).stream('bench');
  const { geometry } = file.array;
  const times = new Float64Array(MODEL_RUNS);
  for (let run = -50; run < MODEL_RUNS; run++) {
    const channel = salehValenzuela({ random, geometry, users: needs.users, paths: 10, scale: 'unit-element' });
    const start = performance.now();
    await beamformer.compute({ channel, rfChains: needs.rfChains, power: fromDb(file.snrDb), noise: 1 });
    if (run >= 0) times[run] = performance.now() - start;
  }
  await beamformer.close();
  return percentiles(times).p50;
}

function text(found: typeof result): string {
  const ms = ({ p50, p95 }: { p50: number; p95: number }): string => `${p50.toFixed(2)} / ${p95.toFixed(2)}`;
  const mb = ({ first, last, slopePerMinute: slope }: { first: number; last: number; slopePerMinute: number }): string =>
    `${first.toFixed(1)} → ${last.toFixed(1)} MB, slope ${slope.toFixed(2)} MB/min over the second half`;
  return [
    `${found.model} on ${found.rig}, N = ${found.elements}, simulator, unpaced, pipelined, ${found.seconds.toFixed(0)} s`,
    `cycles/s             ${found.cyclesPerSecond.toFixed(1)}   (${found.cycles} cycles, ${found.voids} void; ${found.cyclesInMedianSecond.toFixed(0)} in the median second)`,
    `period p50 / p95     ${ms(found.periodMs)} ms`,
    `channel age p50/p95  ${ms(found.ageMs)} ms`,
    ...Object.entries(found.stageMs).map(([stage, figures]) => `  ${stage.padEnd(18)} ${ms(figures)} ms`),
    `model alone, median  ${found.modelAloneMs.toFixed(2)} ms`,
    `period ÷ model       ${found.ratioToModel.toFixed(2)}   (1 is the limit)`,
    `machine              ${found.machine.cores} cores, load average ${found.machine.loadAverage.toFixed(1)}`,
    `heap                 ${mb(found.memory.heapMb)}`,
    `resident             ${mb(found.memory.rssMb)}`,
  ].join('\n');
}

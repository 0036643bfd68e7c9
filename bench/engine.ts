/**
 * The compiled engine beside onnxruntime and the plain float64 program, all in turn in one run, with what this machine's vector unit can do
 * measured in the same run.
 *
 *   npx tsx bench/engine.ts [--runs 250] [--json]
 *
 * The network is that of paper 001 with I = J = 10. onnxruntime runs the graph that is compiled and one of fewer, larger ops
 * (bench/networks/), which it likes better; ratios are to the faster one. The limit is the arithmetic of its products at the measured rate of
 * multiplications and additions, and its divisions and roots at theirs.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { constantSteps, pgaUnfold } from '../models/baselines/pga.ts';
import { openCompiled } from '../models/engine/compiled-session.ts';
import { openSession, type Feed } from '../models/graph/session.ts';
import { machine } from '../models/reproduce/provenance.ts';
import { drawChannelSet } from '../models/training/channel-set.ts';
import { encodeUnfoldedPga } from '../models/unfolded-pga/inference.ts';
import { fallingSteps } from '../models/unfolded-pga/falling-steps.ts';
import { vectorLimits, type VectorLimits } from './vector-limits.ts';

const { values: options } = parseArgs({
  options: { runs: { type: 'string', default: '250' }, json: { type: 'boolean', default: false } },
});
const runs = Number(options.runs);
if (!Number.isInteger(runs) || runs < 20) {
  console.error(`--runs is ${options.runs}, not a whole number from 20 on. Try: npx tsx bench/engine.ts --runs 250`);
  process.exit(2);
}
const NOISE = 0.1;
const BATCH = 64;

interface Times {
  minMs: number;
  medianMs: number;
}

interface Row {
  elements: number;
  users: number;
  steps: number;
  compiled: Times;
  /** A channel of a batch of 64, on one core. */
  compiledBatch: Times;
  onnxruntime: Times;
  /** The graph of few, large ops. */
  onnxruntimeFewOps: Times | null;
  typescript: Times | null;
  /** Minimum over minimum of the faster of the two graphs. */
  timesOnnxruntime: number;
  limitMs: number;
  /** Minimum over the limit. */
  ofLimit: number;
  moduleBytes: number;
  memoryBytes: number;
  compileMs: number;
}

function times(list: readonly number[]): Times {
  const sorted = [...list].sort((a, b) => a - b);
  return { minMs: sorted[0], medianMs: sorted[sorted.length >> 1] };
}

/** Complex products H·A and Hᴴ·(…) of K×N×M, and two of K×K×M, an inner step; 8 real operations each. */
function limitMs(elements: number, users: number, steps: number, limits: VectorLimits): number {
  const products = steps * 8 * (2 * users * elements * users + 2 * users * users * users);
  const vectors = (steps * elements * users) / 4;
  return products / (limits.gigaflopsPerSecond * 1e6) + (vectors * (limits.divideNs + limits.rootNs)) / 1e6;
}

async function measure(elements: number, users: number, layers: number, innerSteps: number, limits: VectorLimits): Promise<Row> {
  const stepSizes = fallingSteps({ layers, innerSteps, elements, coefficients: 3, snrRangeDb: [-8, 22] });
  const dimensions = { elements, rfChains: users, users };
  const bytes = encodeUnfoldedPga({ dimensions, steps: stepSizes, guarded: true });
  const set = drawChannelSet({ seed: 1, name: 'test', count: BATCH, elements, users, paths: 10, scale: 'unit-element' });
  const beganMs = performance.now();
  const session = openCompiled(bytes);
  const compileMs = performance.now() - beganMs;
  const feeds: Record<string, Feed> = {
    channel: { values: set.packed.subarray(0, set.stride), shape: [1, users, elements, 2] },
    power: { values: Float32Array.of(1), shape: [1] },
    noise: { values: Float32Array.of(NOISE), shape: [1] },
  };
  const peers = [await openSession(bytes)];
  const hasFewOps = users === 4 && layers === 10 && (elements === 32 || elements === 64);
  if (hasFewOps)
    peers.push(await openSession(readFileSync(new URL(`./networks/few-large-ops-n${elements}.onnx`, import.meta.url))));
  const plain = { channel: set.channels[0], power: 1, noise: NOISE, ...constantSteps(layers, innerSteps, 0.1, 1e-4) };
  const compute = (channel: number): void => {
    session.inputs['channel'].set(set.packed.subarray(channel * set.stride, (channel + 1) * set.stride));
    session.inputs['power'][0] = 1;
    session.inputs['noise'][0] = NOISE;
    session.run();
  };
  const spent = {
    compiled: [] as number[],
    batch: [] as number[],
    peers: peers.map((): number[] => []),
    typescript: [] as number[],
  };
  const withPlain = layers === 10;
  const rounds = elements * users > 2000 ? Math.max(20, runs >> 3) : runs;
  for (let run = -rounds; run < rounds; run++) {
    const note = async (list: number[], work: () => unknown): Promise<void> => {
      const startMs = performance.now();
      await work();
      if (run >= 0) list.push(performance.now() - startMs);
    };
    await note(spent.compiled, () => compute(0));
    for (const [i, peer] of peers.entries()) if (run >= -50) await note(spent.peers[i], () => peer.run(feeds));
    if (withPlain && run >= -20) await note(spent.typescript, () => pgaUnfold(plain));
  }
  for (let round = 0; round < 9; round++) {
    const startMs = performance.now();
    for (let channel = 0; channel < BATCH; channel++) compute(channel);
    spent.batch.push((performance.now() - startMs) / BATCH);
  }
  for (const peer of peers) await peer.close();
  const [own, few] = spent.peers.map(times);
  const compiled = times(spent.compiled);
  const limit = limitMs(elements, users, layers * innerSteps, limits);
  return {
    elements,
    users,
    steps: layers * innerSteps,
    compiled,
    compiledBatch: times(spent.batch),
    onnxruntime: own,
    onnxruntimeFewOps: few ?? null,
    typescript: withPlain ? times(spent.typescript) : null,
    timesOnnxruntime: Math.min(own.minMs, few?.minMs ?? Infinity) / compiled.minMs,
    limitMs: limit,
    ofLimit: compiled.minMs / limit,
    moduleBytes: session.model.module.length,
    memoryBytes: session.model.memoryBytes,
    compileMs,
  };
}

const limits = vectorLimits();
const rows: Row[] = [];
for (const elements of [16, 32, 64, 256, 1024, 4096]) rows.push(await measure(elements, 4, 10, 10, limits));
rows.push(await measure(64, 16, 10, 10, limits));
rows.push(await measure(64, 4, 240, 10, limits));

if (options.json) console.log(JSON.stringify({ bench: 'engine', machine: machine(), runs, limits, rows }, null, 2));
else {
  const short = (ms: number): string => String(Number(ms.toPrecision(3)));
  const pair = (each: Times | null): string => (each === null ? '–' : `${short(each.minMs)} / ${short(each.medianMs)}`);
  console.log(
    `${machine()}: ${limits.gigaflopsPerSecond.toFixed(1)} Gflop/s of f32x4 multiplications and additions, a division ${limits.divideNs.toFixed(2)} ns a vector, a root ${limits.rootNs.toFixed(2)} ns`,
  );
  console.log('N × M = K, steps: ms a channel, minimum / median');
  for (const row of rows) {
    console.log(
      `${String(row.elements).padStart(4)} × ${row.users}, ${row.steps}: compiled ${pair(row.compiled)}, of 64 ${pair(row.compiledBatch)}; onnxruntime ${pair(row.onnxruntime)}, few ops ${pair(row.onnxruntimeFewOps)}; float64 ${pair(row.typescript)}; × ${row.timesOnnxruntime.toFixed(1)}; limit ${short(row.limitMs)}, × ${row.ofLimit.toFixed(2)} of it; ${(row.moduleBytes / 1024).toFixed(0)} KiB, memory ${(row.memoryBytes / 1024).toFixed(0)} KiB, opened in ${row.compileMs.toFixed(0)} ms`,
    );
  }
}

/**
 * phase-net compiled, beside onnxruntime running the same graph and phase extraction of as many steps in plain TypeScript, all in turn in one
 * run: one channel, M = K = 4, 10 dB, N from 16 to 4,096.
 *
 *   npx tsx bench/phase-net.ts [--steps 10] [--runs 300] [--json]
 *
 * The goal: N = 64 in 10 steps within 0.3 ms.
 */
import { parseArgs } from 'node:util';
import { bestExtraction } from '../models/baselines/phase-extraction.ts';
import { openCompiled } from '../models/engine/compiled-session.ts';
import { fitModel } from '../models/fitted-model.ts';
import { openSession } from '../models/graph/session.ts';
import { machine } from '../models/reproduce/provenance.ts';
import { drawChannelSet } from '../models/training/channel-set.ts';
import { findModel, verifyModel } from '../models/zoo.ts';
import { percentiles } from './statistics.ts';

const { values: options } = parseArgs({
  options: {
    steps: { type: 'string', default: '10' },
    runs: { type: 'string', default: '300' },
    json: { type: 'boolean', default: false },
  },
});
const [steps, runs] = [Number(options.steps), Number(options.runs)];
if (!Number.isInteger(runs) || runs < 20) {
  console.error(`--runs is ${options.runs}, not a whole number from 20 on. Try: npx tsx bench/phase-net.ts --runs 300`);
  process.exit(2);
}
const SIZES = [16, 64, 256, 1024, 4096];
const USERS = 4;
const NOISE = 0.1;
const GOAL = { elements: 64, steps: 10, ms: 0.3 };

interface Times {
  minMs: number;
  medianMs: number;
}

interface Row {
  elements: number;
  /** From the numbers to a graph, and from that to machine code. */
  buildMs: number;
  compileMs: number;
  compiled: Times;
  onnxruntime: Times;
  extraction: Times;
  /** Minimum over minimum. */
  timesOnnxruntime: number;
}

const timesOf = (list: readonly number[]): Times => ({
  minMs: Math.min(...list),
  medianMs: percentiles(Float64Array.from(list)).p50,
});

async function measure(elements: number): Promise<Row> {
  const model = verifyModel(findModel('phase-net'));
  const beganMs = performance.now();
  const { onnx } = await fitModel(model, { elements, rfChains: USERS, users: USERS, steps });
  const builtMs = performance.now();
  const session = openCompiled(onnx);
  const compiledMs = performance.now();
  const peer = await openSession(onnx);
  const set = drawChannelSet({ seed: 1, name: 'test', count: 1, elements, users: USERS, paths: 10, scale: 'unit-element' });
  const problem = { channel: set.channels[0], rfChains: USERS, power: 1, noise: NOISE };
  const feeds = {
    channel: { values: set.packed, shape: [1, USERS, elements, 2] },
    power: { values: Float32Array.of(1), shape: [1] },
    noise: { values: Float32Array.of(NOISE), shape: [1] },
  };
  const contenders: (() => unknown)[] = [
    () => {
      for (const [name, { values }] of Object.entries(feeds)) session.inputs[name].set(values);
      session.run();
    },
    () => peer.run(feeds),
    () => bestExtraction(problem, { steps, starts: 1 }),
  ];
  const spent = contenders.map((): number[] => []);
  // Taken in turn, so that a busy machine is busy for all.
  for (let run = -100; run < runs; run++) {
    for (const [i, work] of contenders.entries()) {
      const startMs = performance.now();
      await work();
      if (run >= 0) spent[i].push(performance.now() - startMs);
    }
  }
  await peer.close();
  const [compiled, onnxruntime, extraction] = spent.map(timesOf);
  return {
    ...{ elements, buildMs: builtMs - beganMs, compileMs: compiledMs - builtMs, compiled, onnxruntime, extraction },
    timesOnnxruntime: onnxruntime.minMs / compiled.minMs,
  };
}

const rows: Row[] = [];
for (const elements of SIZES) rows.push(await measure(elements));

if (options.json) console.log(JSON.stringify({ bench: 'phase-net', machine: machine(), steps, runs, rows }, null, 2));
else {
  const short = (ms: number): string => String(Number(ms.toPrecision(3)));
  const pair = ({ minMs, medianMs }: Times): string => `${short(minMs)} / ${short(medianMs)}`;
  console.log(
    `phase-net, ${steps} steps, M = K = ${USERS}, one channel; ms, minimum / median of ${runs} runs in turn; ${machine()}\n`,
  );
  console.log('| N | compiled | onnxruntime | × onnxruntime | phase extraction, TypeScript | building | compiling |');
  console.log('| ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const { elements, compiled, onnxruntime, timesOnnxruntime, extraction, buildMs, compileMs } of rows) {
    const cells = [
      elements,
      pair(compiled),
      pair(onnxruntime),
      timesOnnxruntime.toFixed(1),
      pair(extraction),
      Math.round(buildMs),
      Math.round(compileMs),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
  const row = rows.find(({ elements }) => elements === GOAL.elements);
  if (row !== undefined && steps === GOAL.steps) {
    const holds = row.compiled.minMs <= GOAL.ms;
    console.log(
      `\nN = ${GOAL.elements} within ${GOAL.ms} ms: ${holds ? 'holds' : 'does not hold'}, ${short(row.compiled.minMs)} ms at the least.`,
    );
  }
}

/**
 * phase-net with sensing compiled beside onnxruntime, in turn in one run, as a rig builds it from its file of numbers.
 *
 *   npx tsx bench/phase-net-sensing.ts [--runs 200] [--steps 60] [--json]
 *
 * M = K = 4, a covariance of three directions in four columns, one test channel at 12 dB, on arrays of 16 to 4,096 elements, and 64 elements
 * with fewer and more steps.
 */
import { parseArgs } from 'node:util';
import type { Problem } from '../core/signal/beam-contract.ts';
import { fromDb } from '../core/signal/rate.ts';
import { wantedCovarianceFactor } from '../core/signal/wanted-pattern.ts';
import { openCompiled } from '../models/engine/compiled-session.ts';
import { fitModel } from '../models/fitted-model.ts';
import { openSession, type Feed } from '../models/graph/session.ts';
import { flatInputs, problemTensors } from '../models/model-tensors.ts';
import { machine } from '../models/reproduce/provenance.ts';
import { drawChannelSet } from '../models/training/channel-set.ts';
import { findModel, verifyModel } from '../models/zoo.ts';
import { spread } from './statistics.ts';

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    steps: { type: 'string', default: '60' },
    json: { type: 'boolean', default: false },
  },
});
const [runs, usualSteps] = [options.runs, options.steps].map(Number);
if (!Number.isInteger(runs) || runs < 10) {
  console.error(`--runs is ${options.runs}, not a whole number from 10 on. Try: npx tsx bench/phase-net-sensing.ts --runs 200`);
  process.exit(2);
}
const USERS = 4;
const DEGREE = Math.PI / 180;

interface Row {
  elements: number;
  steps: number;
  compiled: { min: number; median: number };
  onnxruntime: { min: number; median: number };
  timesOnnxruntime: number;
}

const model = verifyModel(findModel('phase-net'));

function problemOf(elements: number): Problem {
  const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
  const directionsRad = [-60, 0, 60].map((direction) => direction * DEGREE);
  const factor = wantedCovarianceFactor(geometry, { directionsRad, halfWidthRad: 5 * DEGREE, streams: USERS });
  const drawn = { seed: 1, name: 'test', count: 1, elements, users: USERS, paths: 10, scale: 'unit-element' } as const;
  const [channel] = drawChannelSet(drawn).channels;
  return { channel, rfChains: USERS, power: fromDb(12), noise: 1, sensing: { factor, weight: 0.3 } };
}

async function measure(elements: number, steps: number): Promise<Row> {
  const problem = problemOf(elements);
  const sensingColumns = problem.sensing?.factor.cols;
  const { card, onnx } = await fitModel(model, { elements, rfChains: USERS, users: USERS, steps, sensingColumns });
  const session = openCompiled(onnx);
  const peer = await openSession(onnx);
  const flat = flatInputs(card, problem);
  const feeds: Record<string, Feed> = {};
  let at = 0;
  for (const { name, shape } of problemTensors(card)) {
    const values = flat.slice(at, (at += session.inputs[name].length));
    session.inputs[name].set(values);
    feeds[name] = { values, shape };
  }
  const spent = { compiled: [] as number[], onnxruntime: [] as number[] };
  const rounds = elements > 256 ? Math.max(10, runs >> 3) : runs;
  for (let run = -rounds; run < rounds; run++) {
    const startMs = performance.now();
    session.run();
    const endMs = performance.now();
    if (run >= 0) spent.compiled.push(endMs - startMs);
    // It takes tens of times as long, and warms up in a few runs.
    if (run < -5 || run >= Math.max(5, rounds >> 2)) continue;
    await peer.run(feeds);
    if (run >= 0) spent.onnxruntime.push(performance.now() - endMs);
  }
  await peer.close();
  const [compiled, onnxruntime] = [spread(spent.compiled), spread(spent.onnxruntime)];
  return { elements, steps, compiled, onnxruntime, timesOnnxruntime: onnxruntime.min / compiled.min };
}

const rows: Row[] = [];
for (const steps of [10, usualSteps, 200]) rows.push(await measure(64, steps));
for (const elements of [16, 256, 1024, 4096]) rows.push(await measure(elements, usualSteps));

if (options.json) console.log(JSON.stringify({ bench: 'phase-net-sensing', machine: machine(), runs, rows }, null, 2));
else {
  console.log(`${machine()}; ms a channel, minimum / median of ${runs}`);
  const pair = ({ min, median }: { min: number; median: number }): string => `${min.toPrecision(3)} / ${median.toPrecision(3)}`;
  for (const { elements, steps, compiled, onnxruntime, timesOnnxruntime } of rows) {
    console.log(
      `N = ${elements}, ${steps} steps: compiled ${pair(compiled)}; onnxruntime ${pair(onnxruntime)}; × ${timesOnnxruntime.toFixed(1)}`,
    );
  }
}

/**
 * UPGANet compiled beside onnxruntime, in turn in one run, with what this machine's vector unit can do measured in the same run.
 *
 *   npx tsx bench/upganet.ts [--runs 200] [--json]
 *
 * I = 120 layers, M = K = 4, R = 8 columns of the wanted covariance, guarded, one channel at 12 dB. The limit is the arithmetic of its products at
 * the measured rate of multiplications and additions.
 */
import { parseArgs } from 'node:util';
import { wantedCovarianceFactor } from '../core/signal/wanted-pattern.ts';
import { openCompiled } from '../models/engine/compiled-session.ts';
import { openSession, type Feed } from '../models/graph/session.ts';
import { machine } from '../models/reproduce/provenance.ts';
import { drawChannelSet } from '../models/training/channel-set.ts';
import { alternatingSteps } from '../models/unfolded-ascent/step-sizes.ts';
import { encodeUpganet } from '../models/upganet/graphs.ts';
import { spread } from './statistics.ts';
import { vectorLimits } from './vector-limits.ts';

const { values: options } = parseArgs({
  options: { runs: { type: 'string', default: '200' }, json: { type: 'boolean', default: false } },
});
const runs = Number(options.runs);
if (!Number.isInteger(runs) || runs < 10) {
  console.error(`--runs is ${options.runs}, not a whole number from 10 on. Try: npx tsx bench/upganet.ts --runs 200`);
  process.exit(2);
}
const LAYERS = 120;
const USERS = 4;
const COLUMNS = 8;
const NOISE = 10 ** -1.2;

interface Row {
  elements: number;
  innerSteps: number;
  compiled: { min: number; median: number };
  onnxruntime: { min: number; median: number };
  timesOnnxruntime: number;
  limitMs: number;
  ofLimit: number;
}

/** Complex multiplications of the products, 8 real operations each: of an inner step, and of what a layer does once. */
function limitMs(elements: number, innerSteps: number, gigaflopsPerSecond: number): number {
  const [m, rows] = [USERS, USERS + COLUMNS];
  const size = m + rows;
  const step = size * size * m + 2 * size * m * m + (USERS + COLUMNS + 4) * m * m;
  const layer = elements * (size * m + rows * m + m * m);
  return (8 * LAYERS * (innerSteps * step + layer)) / (gigaflopsPerSecond * 1e6);
}

async function measure(elements: number, innerSteps: number, gigaflopsPerSecond: number): Promise<Row> {
  const steps = alternatingSteps({
    ...{ layers: LAYERS, innerSteps, coefficients: 3, snrRangeDb: [0, 12] },
    ...{ logMu: [Math.log(0.02 * (elements / 64))], logLambda: [Math.log(0.02 * (64 / elements))] },
  });
  const dimensions = { elements, rfChains: USERS, users: USERS };
  const bytes = encodeUpganet({ dimensions, steps, columns: COLUMNS, digitalGradient: 'signal-only', guarded: true });
  const set = drawChannelSet({ seed: 1, name: 'test', count: 1, elements, users: USERS, paths: 10, scale: 'unit-element' });
  const line = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
  const sensed = wantedCovarianceFactor(line, { directionsRad: [-1, 0, 1], halfWidthRad: 0.05, streams: USERS });
  const factor = new Float32Array(2 * elements * COLUMNS);
  sensed.re.forEach((re, i) => {
    const at = 2 * (Math.floor(i / sensed.cols) * COLUMNS + (i % sensed.cols));
    factor.set([re, sensed.im[i]], at);
  });
  const feeds: Record<string, Feed> = {
    channel: { values: set.packed, shape: [1, USERS, elements, 2] },
    power: { values: Float32Array.of(1 / NOISE), shape: [1] },
    noise: { values: Float32Array.of(1), shape: [1] },
    sensing_factor: { values: factor, shape: [elements, COLUMNS, 2] },
    sensing_weight: { values: Float32Array.of(0.3), shape: [1] },
  };
  const session = openCompiled(bytes);
  const peer = await openSession(bytes);
  for (const [name, { values }] of Object.entries(feeds)) session.inputs[name].set(values);
  const spent = { compiled: [] as number[], onnxruntime: [] as number[] };
  const rounds = elements > 256 ? Math.max(10, runs >> 3) : runs;
  for (let run = -rounds; run < rounds; run++) {
    const startMs = performance.now();
    session.run();
    const endMs = performance.now();
    if (run >= 0) spent.compiled.push(endMs - startMs);
    // It takes tens of times as long, and warms up in a few runs.
    if (run < -5 || run >= rounds >> 2) continue;
    await peer.run(feeds);
    if (run >= 0) spent.onnxruntime.push(performance.now() - endMs);
  }
  await peer.close();
  const [compiled, onnxruntime] = [spread(spent.compiled), spread(spent.onnxruntime)];
  const limit = limitMs(elements, innerSteps, gigaflopsPerSecond);
  return {
    elements,
    innerSteps,
    compiled,
    onnxruntime,
    timesOnnxruntime: onnxruntime.min / compiled.min,
    limitMs: limit,
    ofLimit: compiled.min / limit,
  };
}

const { gigaflopsPerSecond } = vectorLimits();
const rows: Row[] = [];
for (const innerSteps of [1, 10, 20]) rows.push(await measure(64, innerSteps, gigaflopsPerSecond));
for (const elements of [16, 256, 1024, 4096]) rows.push(await measure(elements, 20, gigaflopsPerSecond));

if (options.json) console.log(JSON.stringify({ bench: 'upganet', machine: machine(), runs, gigaflopsPerSecond, rows }, null, 2));
else {
  console.log(`${machine()}: ${gigaflopsPerSecond.toFixed(1)} Gflop/s; ms a channel, minimum / median of ${runs}`);
  const pair = ({ min, median }: { min: number; median: number }): string => `${min.toPrecision(3)} / ${median.toPrecision(3)}`;
  for (const { elements, innerSteps, compiled, onnxruntime, timesOnnxruntime, limitMs: limit, ofLimit } of rows) {
    console.log(
      `N = ${elements}, J = ${innerSteps} (${LAYERS * innerSteps} steps): compiled ${pair(compiled)}; onnxruntime ${pair(onnxruntime)}; × ${timesOnnxruntime.toFixed(1)}; limit ${limit.toPrecision(3)}, × ${ofLimit.toFixed(2)} of it`,
    );
  }
}

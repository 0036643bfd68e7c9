/**
 * How long the unfolded network needs for one channel, beside a plain float64 TypeScript program of the same formula on the same channel
 * in the same run. Both take I = J = 10 and M = K = 4. Then the models of the zoo, taken in turn.
 *
 *   npx tsx bench/model-latency.ts [--json]
 */
import { readFileSync } from 'node:fs';
import { drawChannelSet } from '../models/training/channel-set.ts';
import { constantSteps, pgaUnfold } from '../models/baselines/pga.ts';
import { openSession } from '../models/graph/session.ts';
import { encodeUnfoldedPga } from '../models/unfolded-pga/inference.ts';
import { fallingSteps } from '../models/unfolded-pga/falling-steps.ts';
import { listSizedModels } from '../models/reproduce/sized-models.ts';

const LAYERS = 10;
const INNER_STEPS = 10;
const USERS = 4;
const RUNS = 400;
const WARM_UP = 50;

interface Timing {
  medianMs: number;
  minMs: number;
  p95Ms: number;
}

interface Line {
  elements: number;
  network: Timing;
  typescript: Timing;
  /** Median of the TypeScript program over median of the network: above 1 the network is faster. */
  ratio: number;
  /** Real multiplications and additions of the matrix products alone, and the rate that they would need to be the limit. */
  productMegaflops: number;
  gigaflopsPerSecond: number;
}

function summarise(timesMs: number[]): Timing {
  const sorted = [...timesMs].sort((a, b) => a - b);
  return { medianMs: sorted[sorted.length >> 1], minMs: sorted[0], p95Ms: sorted[Math.floor(sorted.length * 0.95)] };
}

/** H·A and Hᴴ·(CDᴴ) for each inner step: 8·K·N·M real operations each; the K×K products and the rest are a few per cent. */
const productFlops = (elements: number): number => LAYERS * INNER_STEPS * 2 * 8 * USERS * elements * USERS;

/** The first test channel, at 10 dB. */
function oneChannel(elements: number) {
  const set = drawChannelSet({ seed: 1, name: 'test', count: 1, elements, users: USERS, paths: 10, scale: 'unit-element' });
  const feeds = {
    channel: { values: set.packed, shape: [1, USERS, elements, 2] },
    power: { values: Float32Array.of(1), shape: [1] },
    noise: { values: Float32Array.of(0.1), shape: [1] },
  };
  return { channel: set.channels[0], feeds };
}

async function measure(elements: number): Promise<Line> {
  const steps = fallingSteps({ layers: LAYERS, innerSteps: INNER_STEPS, elements, coefficients: 3, snrRangeDb: [-8, 22] });
  const session = await openSession(
    encodeUnfoldedPga({ dimensions: { elements, rfChains: USERS, users: USERS }, steps, guarded: true }),
  );
  const { channel, feeds } = oneChannel(elements);
  const plain = { channel, power: 1, noise: 0.1, ...constantSteps(LAYERS, INNER_STEPS, 0.1, 1e-4) };
  const network: number[] = [];
  const typescript: number[] = [];
  // Taken in turn, so that a busy machine is busy for both.
  for (let run = -WARM_UP; run < RUNS; run++) {
    const began = performance.now();
    await session.run(feeds);
    const between = performance.now();
    pgaUnfold(plain);
    const ended = performance.now();
    if (run >= 0) {
      network.push(between - began);
      typescript.push(ended - between);
    }
  }
  await session.close();
  const timing = summarise(network);
  const peer = summarise(typescript);
  const flops = productFlops(elements);
  return {
    elements,
    network: timing,
    typescript: peer,
    ratio: peer.medianMs / timing.medianMs,
    productMegaflops: flops / 1e6,
    gigaflopsPerSecond: flops / 1e6 / timing.minMs,
  };
}

/** Every model of the zoo for these users, one run each in turn, so that a busy machine is busy for all. */
async function measureZoo(): Promise<{ id: string; timing: Timing }[]> {
  const models = listSizedModels().filter(({ card }) => card.dimensions.users === USERS && card.connection === 'full');
  const opened = await Promise.all(
    models.map(async ({ id, path, card }) => ({
      id,
      session: await openSession(readFileSync(path)),
      feeds: oneChannel(card.dimensions.elements).feeds,
      timesMs: [] as number[],
    })),
  );
  for (let run = -WARM_UP; run < RUNS; run++) {
    for (const { session, feeds, timesMs } of opened) {
      const began = performance.now();
      await session.run(feeds);
      if (run >= 0) timesMs.push(performance.now() - began);
    }
  }
  for (const { session } of opened) await session.close();
  return opened.map(({ id, timesMs }) => ({ id, timing: summarise(timesMs) }));
}

const lines = [await measure(32), await measure(64)];
const zoo = await measureZoo();
if (process.argv.includes('--json')) {
  console.log(
    JSON.stringify({ bench: 'model-latency', layers: LAYERS, innerSteps: INNER_STEPS, users: USERS, runs: RUNS, lines, zoo }),
  );
} else {
  const ms = ({ medianMs, minMs, p95Ms }: Timing) =>
    `median ${medianMs.toFixed(2)} ms, min ${minMs.toFixed(2)}, p95 ${p95Ms.toFixed(2)}`;
  console.log(`One channel, I = ${LAYERS}, J = ${INNER_STEPS}, M = K = ${USERS}, ${RUNS} runs, onnxruntime with one thread`);
  for (const { elements, network, typescript, ratio, productMegaflops, gigaflopsPerSecond } of lines) {
    console.log(`N = ${elements}: network ${ms(network)}`);
    console.log(`        TypeScript float64 ${ms(typescript)}; ${ratio.toFixed(1)} × the network's median`);
    console.log(
      `        its large products are ${productMegaflops.toFixed(2)} Mflop, done at ${gigaflopsPerSecond.toFixed(2)} Gflop/s: ` +
        'the time goes by the number of ops (about 15 in an inner step), not by arithmetic',
    );
  }
  console.log('The zoo, in turn:');
  for (const { id, timing } of zoo) console.log(`${id}: ${ms(timing)}`);
}

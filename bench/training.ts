/**
 * A step of training (forward, backward and Adam) on the compiled engine with one thread and with one for each core, beside onnxruntime, all in
 * turn in one run.
 *
 *   npx tsx bench/training.ts [--steps 40] [--batch 100] [--json]
 *
 * The networks are those of both families for N = 32 and M = K = 4; that of paper 001 has I = J = 10. onnxruntime computes a batch at once, on one
 * thread as it trained these networks before, and on all cores.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { FAMILY_IDS, findFamily } from '../models/families.ts';
import { openSession } from '../models/graph/session.ts';
import type { Engine } from '../models/engine/engines.ts';
import { createRandom } from '../core/signal/random.ts';
import { machine } from '../models/reproduce/provenance.ts';
import { adamStep, startAdam } from '../models/training/adam.ts';
import { parameterFeeds } from '../models/training/judge.ts';
import { parseOptions } from '../models/training/parse-options.ts';
import { openTrainingEngine, type Batch, type Learned } from '../models/training/training-engine.ts';
import { spread } from './statistics.ts';

const { values: options } = parseArgs({
  options: {
    steps: { type: 'string', default: '40' },
    batch: { type: 'string', default: '100' },
    json: { type: 'boolean', default: false },
  },
});
const [steps, count] = [Number(options.steps), Number(options.batch)];
if (!Number.isInteger(steps) || steps < 3 || !Number.isInteger(count) || count < 1) {
  console.error(
    `--steps ${options.steps} --batch ${options.batch}: whole numbers from 3 and from 1. Try: npx tsx bench/training.ts`,
  );
  process.exit(2);
}
const WARM_UP = 10;
const SHAPE = { elements: 32, rfChains: 4, users: 4 };

interface Side {
  engine: Engine;
  threads: number;
  learn(learned: readonly Float64Array[], batch: Batch): Promise<Learned>;
  close(): Promise<void>;
}

interface Row {
  family: string;
  engine: Side['engine'];
  threads: number;
  /** Of a step. */
  minMs: number;
  medianMs: number;
  channelsPerSecond: number;
  /** Minimum of onnxruntime's faster one over this one's. */
  timesOnnxruntime: number;
}

async function measure(id: string): Promise<Row[]> {
  const family = await findFamily(id);
  const settled = parseOptions(family, SHAPE);
  const network = family.network(settled);
  const { packed, channels } = family.drawChannels(settled, { name: 'train', count, scale: 'unit-element' });
  const noise = Float32Array.from({ length: count }, (_, b) => 10 ** (0.8 - (3 * b) / count));
  const shape = [count, channels[0].rows, channels[0].cols, 2];
  const batch: Batch = { channel: packed, shape, noise, random: createRandom(1) };
  const cores = availableParallelism();
  const sides: Side[] = [];
  for (const threads of cores > 1 ? [1, cores] : [1]) {
    sides.push(await openTrainingEngine(network, { choice: 'compiled', threads }));
    const session = await openSession(network.trainingGraph(), { threads });
    sides.push({
      engine: 'onnxruntime',
      threads,
      learn: async (learned, { channel, shape }) => {
        const feeds = { channel: { values: channel, shape }, noise: { values: noise, shape: [count] } };
        const result = await session.run({ ...parameterFeeds(network, learned), ...feeds });
        return { loss: result.loss.values[0], gradients: network.parameters.map(({ name }) => result[`d_${name}`].values) };
      },
      close: () => session.close(),
    });
  }
  const trained = sides.map((side) => {
    const parameters = network.parameters.map(({ start }) => start.slice());
    return { side, parameters, adam: startAdam(parameters), ms: [] as number[] };
  });
  for (let step = -WARM_UP; step < steps; step++) {
    for (const { side, parameters, adam, ms } of trained) {
      const startMs = performance.now();
      const { gradients } = await side.learn(parameters, batch);
      adamStep(parameters, gradients, adam, 1e-3);
      if (step >= 0) ms.push(performance.now() - startMs);
    }
  }
  for (const side of sides) await side.close();
  const runtime = trained.filter(({ side }) => side.engine === 'onnxruntime').map(({ ms }) => spread(ms).min);
  return trained.map(({ side: { engine, threads }, ms }) => {
    const { median, min } = spread(ms);
    const timesOnnxruntime = Math.min(...runtime) / min;
    return {
      family: id,
      engine,
      threads,
      minMs: min,
      medianMs: median,
      channelsPerSecond: (1000 * count) / median,
      timesOnnxruntime,
    };
  });
}

const rows: Row[] = [];
for (const id of FAMILY_IDS) rows.push(...(await measure(id)));

if (options.json) console.log(JSON.stringify({ bench: 'training', machine: machine(), steps, batch: count, rows }, null, 2));
else {
  console.log(
    `${machine()}; a step of ${count} channels, ${SHAPE.elements} × ${SHAPE.rfChains}: ms, minimum / median of ${steps}`,
  );
  for (const row of rows) {
    const what = `${row.family}, ${row.engine} on ${row.threads}`.padEnd(46);
    console.log(
      `${what} ${row.minMs.toFixed(1).padStart(6)} / ${row.medianMs.toFixed(1).padStart(6)}; ${row.channelsPerSecond.toFixed(0).padStart(6)} channels/s; × ${row.timesOnnxruntime.toFixed(2)}`,
    );
  }
}

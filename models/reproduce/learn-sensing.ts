/**
 * Learns the numbers of phase-net's sensing form (sensing-schedule.ts) and writes them into a file of its numbers and the card beside it, where
 * those for the rates alone stay as they are. One batch is one array and budget of a few in turn, on channels, wanted patterns, SNRs and ω that are
 * drawn anew; the numbers are kept that are the best on channels never learned from.
 *
 *   npx tsx models/reproduce/learn-sensing.ts [--batches 800] [--seed 1] [--into models/zoo/phase-net.numbers.json] [--threads 2]
 *
 * The same seed gives the same numbers on any number of threads.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { salehValenzuela } from '../../core/signal/channel.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import type { Random } from '../../core/signal/random.ts';
import { createRandom } from '../../core/signal/random.ts';
import { fromDb } from '../../core/signal/rate.ts';
import { wantedCovarianceFactor } from '../../core/signal/wanted-pattern.ts';
import { cardText } from '../card.ts';
import { openParallel } from '../engine/parallel.ts';
import { cardPathOf } from '../model-path.ts';
import { readNumbers, withSections } from '../numbers-file.ts';
import { family } from '../phase-net/family.ts';
import { readCard, sha256Of } from '../zoo.ts';
import { adamStep, startAdam } from '../training/adam.ts';
import { packChannels } from '../training/channel-set.ts';
import { encodeSensingTraining } from '../phase-net/sensing-graphs.ts';
import type { SensingArray } from '../phase-net/sensing-network.ts';
import { SENSING_PARAMETERS } from '../phase-net/sensing-schedule.ts';

const { values: options } = parseArgs({
  options: {
    batches: { type: 'string', default: '800' },
    seed: { type: 'string', default: '1' },
    threads: { type: 'string', default: '2' },
    into: { type: 'string', default: 'models/zoo/phase-net.numbers.json' },
  },
});
const [batches, seed, threads] = [options.batches, options.seed, options.threads].map(Number);

const BATCH = 32;
const VALIDATION_EVERY = 50;
const LEARNING_RATE = 0.01;
const CLIP_NORM = 2;

/** Arrays and budgets that are learned from in turn. */
const TASKS: readonly SensingArray[] = [
  { elements: 64, rfChains: 4, users: 4, steps: 30 },
  { elements: 64, rfChains: 4, users: 4, steps: 10 },
  { elements: 64, rfChains: 4, users: 4, steps: 60 },
  { elements: 16, rfChains: 4, users: 4, steps: 30 },
  { elements: 64, rfChains: 6, users: 4, steps: 30 },
  { elements: 64, rfChains: 4, users: 4, steps: 60 },
  { elements: 32, rfChains: 4, users: 4, steps: 30, connection: connectionMask('sub', 32, 4) },
  { elements: 32, rfChains: 2, users: 2, steps: 40 },
];

/** Directions to look at, in degrees: those of paper 000, which come up twice, and others. */
const PATTERNS: readonly (readonly number[])[] = [
  [-60, 0, 60],
  [-60, 0, 60],
  [0],
  [-30, 40],
  [20, 50],
  [-50, -10, 30],
  [10],
  [-60, -20, 20, 60],
];

const lineOf = (elements: number) => ({ kind: 'ula', elements, spacingWavelengths: 0.5 }) as const;
const radians = (degrees: number): number => (degrees * Math.PI) / 180;

const factors = new Map<string, CMatrix>();
function factorOf(elements: number, streams: number, pattern: readonly number[]): CMatrix {
  const key = [elements, streams, ...pattern].join();
  let factor = factors.get(key);
  if (factor === undefined) {
    const directionsRad = pattern.map(radians);
    factor = padded(wantedCovarianceFactor(lineOf(elements), { directionsRad, halfWidthRad: radians(5), streams }), streams);
    factors.set(key, factor);
  }
  return factor;
}

/** With columns of zeros up to `columns`. */
function padded({ rows, cols, re, im }: CMatrix, columns: number): CMatrix {
  const part = (of: Float64Array): Float64Array =>
    Float64Array.from({ length: rows * columns }, (_, i) =>
      i % columns < cols ? of[Math.floor(i / columns) * cols + (i % columns)] : 0,
    );
  return { rows, cols: columns, re: part(re), im: part(im) };
}

/** Half of the SNRs are those of paper 000 at its ω; for the other half w = ω·P² is drawn by itself, from where the rate decides to where sensing does. */
function drawProblem({ elements, users }: SensingArray, random: Random) {
  const usual = random.uniform() < 0.5;
  const power = fromDb((usual ? 14 : 20) * random.uniform());
  const weight = usual ? 0.3 * power ** 2 : 10 ** (-1 + 4.3 * random.uniform());
  const pattern = PATTERNS[Math.floor(random.uniform() * PATTERNS.length)];
  const channel = salehValenzuela({ random, geometry: lineOf(elements), users, paths: 10, scale: 'unit-element' });
  return { channel, factor: factorOf(elements, users, pattern), noise: 1 / power, weight };
}

function drawBatch(task: SensingArray, random: Random) {
  const problems = Array.from({ length: BATCH }, () => drawProblem(task, random));
  return {
    channel: packChannels(problems.map(({ channel }) => channel)).packed,
    sensing_factor: packChannels(problems.map(({ factor }) => factor)).packed,
    noise: Float32Array.from(problems, ({ noise }) => noise),
    sensing_weight: Float32Array.from(problems, ({ weight }) => weight),
  };
}

const graphs = Object.fromEntries(
  TASKS.map((task, i) => [i, encodeSensingTraining({ ...task, columns: task.users }, CLIP_NORM)]),
);
const models = openParallel(graphs, { threads });
const parameters = SENSING_PARAMETERS.map(({ start }) => start.slice());
const gradients = parameters.map(({ length }) => new Float64Array(length));
const adam = startAdam(parameters);

/** Loss of a batch; `gradients` are those of it then. */
async function learn(task: number, batch: ReturnType<typeof drawBatch>): Promise<number> {
  const shared = Object.fromEntries(SENSING_PARAMETERS.map(({ name }, i) => [name, Float32Array.from(parameters[i])]));
  const found = await models.run(String(task), BATCH, batch, shared);
  gradients.forEach((gradient, p) => {
    gradient.fill(0);
    const each = found[`d_${SENSING_PARAMETERS[p].name}`];
    for (let b = 0; b < BATCH; b++)
      for (let i = 0; i < gradient.length; i++) gradient[i] += each[b * gradient.length + i] / BATCH;
  });
  return mean(found['loss'].subarray(0, BATCH));
}

const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

const random = createRandom(seed);
const training = random.stream('train');
const kept = TASKS.map((task, i) => drawBatch(task, random.stream(`validation-${i}`)));

/** What is reached of each task, and in the mean. */
async function validate(): Promise<{ value: number; tasks: number[] }> {
  const tasks: number[] = [];
  for (const task of TASKS.keys()) tasks.push(-(await learn(task, kept[task])));
  return { value: mean(tasks), tasks };
}

const tell = (batch: number, { value, tasks }: { value: number; tasks: number[] }): void =>
  console.log(`${batch}: ${value.toFixed(4)} of ${tasks.map((each) => each.toFixed(3)).join(' ')}`);

const byHand = await validate();
tell(0, byHand);
let best = { value: byHand.value, batch: 0, parameters: parameters.map((each) => each.slice()) };
for (let batch = 1; batch <= batches; batch++) {
  const task = batch % TASKS.length;
  await learn(task, drawBatch(TASKS[task], training));
  adamStep(parameters, gradients, adam, LEARNING_RATE * (0.05 + 0.475 * (1 + Math.cos((Math.PI * batch) / batches))));
  if (batch % VALIDATION_EVERY > 0 && batch < batches) continue;
  const reached = await validate();
  tell(batch, reached);
  if (reached.value > best.value) best = { value: reached.value, batch, parameters: parameters.map((each) => each.slice()) };
}
await models.close();
console.log(`best after ${best.batch} batches: ${best.value.toFixed(4)}`);

const numbers = Object.fromEntries(
  SENSING_PARAMETERS.map(({ name }, i) => [name, Array.from(best.parameters[i], (value) => Number(value.toPrecision(6)))]),
);
const command = `npx tsx models/reproduce/learn-sensing.ts --batches ${batches} --seed ${seed}`;
const form = family.anyArray?.sensing?.form;
if (form === undefined) throw new Error('phase-net has no network for sensing');
const file = readNumbers(readFileSync(options.into), options.into);
const text = withSections(file, { sensing: { form, command, numbers } });
const card = readCard(options.into);
const told = typeof card.training === 'string' ? card.training : { ...card.training, sensing: { command } };
const sha256 = sha256Of(new TextEncoder().encode(text));
writeFileSync(options.into, text);
writeFileSync(cardPathOf(options.into), cardText({ ...card, sensing: 'any', training: told, sha256 }));

/** What a sweep finds again that was killed at any moment. */
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { forOneTest } from '../../../test/for-one-test.ts';
import { sweep, type PlannedTraining, type SweepRecord } from './sweep.ts';

const test = forOneTest('sweep');

const planned: PlannedTraining[] = ['1', '2'].map((seed) => ({
  model: `net-seed-${seed}.onnx`,
  values: { seed },
  options: {} as PlannedTraining['options'],
  identity: seed.repeat(64),
}));

/** Writes what a training would. @returns and which of them were trained */
async function swept(asked = planned): Promise<{ trained: string[]; record: SweepRecord }> {
  const trained: string[] = [];
  const record = await sweep({
    ...{ folder: test.folder, planned: asked, parallel: 1, onDone: () => undefined },
    train: ({ model }, output) => {
      trained.push(model);
      writeFileSync(output, `what ${model} has learned`);
      writeFileSync(output.replace('.onnx', '.json'), `card of ${model}`);
      return Promise.resolve({ reached: 1, compared: 2, bestEpoch: 3 });
    },
  });
  return { trained, record };
}

const whole = ['net-seed-1.json', 'net-seed-1.onnx', 'net-seed-2.json', 'net-seed-2.onnx', 'sweep.json'];
const placeOf = (seed: string): string => join(test.folder, 'unfinished', seed.repeat(16));

function backTo(seed: string, ...endings: string[]): void {
  mkdirSync(placeOf(seed), { recursive: true });
  for (const ending of endings)
    renameSync(join(test.folder, `net-seed-${seed}.${ending}`), join(placeOf(seed), `net-seed-${seed}.${ending}`));
}

it.each([[['onnx', 'json']], [['onnx']]])(
  'killed before %j were moved to their place, they are moved, and not trained again',
  async (endings) => {
    const first = await swept();
    backTo('2', ...endings);
    expect(await swept()).toEqual({ trained: [], record: first.record });
    expect(readdirSync(test.folder).sort()).toEqual(whole);
  },
);

it('killed before the record was written, it trains again, and not what is on record', async () => {
  await swept(planned.slice(0, 1));
  mkdirSync(placeOf('2'), { recursive: true });
  writeFileSync(join(placeOf('2'), 'net-seed-2.onnx'), 'the half of a mod');
  expect((await swept()).trained).toEqual(['net-seed-2.onnx']);
  expect(readFileSync(join(test.folder, 'net-seed-2.onnx'), 'utf8')).toBe('what net-seed-2.onnx has learned');
  expect(readdirSync(test.folder).sort()).toEqual(whole);
});

it('of a training with other options neither the checkpoint is taken nor the model written over', async () => {
  const [one] = planned;
  mkdirSync(placeOf('1'), { recursive: true });
  const checkpoint = join(placeOf('1'), 'net-seed-1.checkpoint.json');
  writeFileSync(checkpoint, 'of the first');
  const other = { ...one, identity: 'f'.repeat(64) };
  await sweep({
    ...{ folder: test.folder, planned: [other], parallel: 1, onDone: () => undefined },
    train: (_, output) => {
      expect(existsSync(output.replace('.onnx', '.checkpoint.json'))).toBe(false);
      writeFileSync(output, 'another');
      return Promise.resolve({ reached: 1, compared: 2, bestEpoch: 3 });
    },
  });
  expect(readFileSync(checkpoint, 'utf8')).toBe('of the first');
  await expect(swept()).rejects.toMatchObject({
    code: 'argument',
    message: expect.stringMatching(
      /net-seed-1\.onnx exists already, and is not what .*sweep\.json says of this training/,
    ) as string,
  });
  rmSync(join(test.folder, 'net-seed-1.onnx'));
  expect((await swept()).trained).toEqual(['net-seed-1.onnx', 'net-seed-2.onnx']);
  expect(existsSync(dirname(checkpoint))).toBe(false);
});

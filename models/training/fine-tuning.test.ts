import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { scale } from '../../core/signal/complex-matrix.ts';
import { family as phaseNet } from '../phase-net/family.ts';
import { readNumbers } from '../numbers-file.ts';
import { family } from '../unfolded-pga/family.ts';
import { family as otherFamily } from '../unfolded-phase-extraction/family.ts';
import { findFamily } from '../families.ts';
import { findModel, listModels, verifyModel } from '../zoo.ts';
import { drawChannelSet } from './channel-set.ts';
import { splitMeasured, trainedBefore } from './fine-tuning.ts';
import { learnedNumbers, startFrom, withLearned } from './learned-numbers.ts';
import { train } from './train.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-fine-tuning-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string): string => join(folder, `${name}.onnx`);

const tiny = {
  elements: 8,
  rfChains: 2,
  users: 2,
  layers: 2,
  innerSteps: 2,
  channels: 24,
  validationChannels: 16,
  batch: 8,
  epochs: 2,
};
/** A lab's: few paths, and a level of its own. */
function measuredChannels(count = 30): CMatrix[] {
  const drawn = drawChannelSet({ seed: 5, name: 'test', count, elements: 8, users: 2, paths: 2, scale: 'unit-element' });
  return drawn.channels.map((channel) => scale(channel, 0.01));
}
const measured = { file: 'lab/measured.npy', sha256: 'a'.repeat(64), channels: measuredChannels() };

beforeAll(async () => {
  await train(family, { ...tiny, output: path('base') });
}, 60_000);

describe('training that goes on from a model', () => {
  it('starts with what it has learned and its options, and is better on the channels it is for', async () => {
    const { from, options } = trainedBefore(family, verifyModel(path('base')));
    expect(options).toMatchObject({ elements: 8, layers: 2, batch: 8, learningRate: 0.012 });
    const rates: number[] = [];
    const onProgress = ({ bestValidationRate }: { bestValidationRate: number }) => rates.push(bestValidationRate);
    await train(family, { ...options, epochs: 8, from, measured, output: path('tuned') }, { onProgress });
    expect(rates[rates.length - 1]).toBeGreaterThan(rates[0]);
    const { card, bytes } = verifyModel(path('tuned'));
    expect(card.training).toMatchObject({
      channels: 24,
      from: { id: 'base', sha256: verifyModel(path('base')).card.sha256 },
      channelFile: { name: 'measured.npy', sha256: measured.sha256, heldOut: 6 },
    });
    const { training } = card;
    if (typeof training === 'string') throw new Error('trained');
    expect(training.command).toMatch(/^beamrig train unfolded-pga --from base .*--channels measured\.npy /);
    expect(card.metrics.filter((metric) => metric.scale === 'channel-file').map(({ channels }) => channels)).toEqual([
      6, 6, 6, 6, 6,
    ]);
    const [before, after] = [verifyModel(path('base')).bytes, bytes].map((file) => learnedNumbers(file));
    expect(Object.keys(after ?? {})).toEqual(Object.keys(before ?? {}));
    expect(after).not.toEqual(before);
    // And on from there.
    expect(trainedBefore(family, { card, bytes }).options.elements).toBe(8);
  });

  it('without a step is the model it began with', async () => {
    const { from, options } = trainedBefore(family, verifyModel(path('base')));
    await train(family, { ...options, epochs: 0, from, output: path('same') });
    const [base, same] = ['base', 'same'].map((name) => verifyModel(path(name)).bytes);
    expect(same).toEqual(base);
  });

  it('keeps what a file of numbers knows of sensing and of words, and without one takes what comes with beamrig', async () => {
    const shipped = verifyModel(findModel('phase-net'));
    const { sensing, words } = readNumbers(shipped.bytes, 'phase-net');
    const numbersOf = (name: string) => join(folder, `${name}.numbers.json`);
    const { from, options } = trainedBefore(phaseNet, shipped);
    const small = { ...options, epochs: 0, elements: 8, users: 2, rfChains: 2, steps: 2, validationChannels: 2 };
    const other = { sensing: { ...sensing!, command: 'another' }, words: { ...words!, mostPhaseBits: 1 } };
    await train(phaseNet, { ...small, output: numbersOf('new') });
    await train(phaseNet, { ...small, from, output: numbersOf('kept') });
    await train(phaseNet, { ...small, from: { ...from, file: { ...from.file!, ...other } }, output: numbersOf('other') });
    const found = ['new', 'kept', 'other'].map((name) => verifyModel(numbersOf(name)));
    const held = found.map(({ bytes, id }) => readNumbers(bytes, id));
    expect(held.map((file) => file.sensing)).toEqual([sensing, sensing, other.sensing]);
    expect(held.map((file) => file.words)).toEqual([words, words, other.words]);
    expect(found.map(({ card }) => card.mostPhaseBits)).toEqual([2, 2, 1]);
    expect(found.map(({ card }) => card.sensing)).toEqual(['any', 'any', 'any']);
    // Without a step it is the file that it began with, to the byte.
    expect(found[1].bytes).toEqual(shipped.bytes);
  });

  it('is the same from a checkpoint, which is of these channels and this model alone', async () => {
    const { from, options } = trainedBefore(family, verifyModel(path('base')));
    const request = { ...options, from, measured };
    await train(family, { ...request, output: path('through') });
    const abort = new AbortController();
    const onProgress = ({ epoch, step }: { epoch: number; step: number }) => {
      if (epoch === 2 && step === 1) abort.abort();
    };
    const outcome = await train(family, { ...request, output: path('resumed') }, { signal: abort.signal, onProgress });
    if (outcome.status !== 'stopped') throw new Error('it went on');
    const resume = outcome.checkpointPath;
    const elsewhere = { ...measured, sha256: 'b'.repeat(64) };
    await expect(train(family, { ...request, measured: elsewhere, output: path('resumed'), resume })).rejects.toMatchObject({
      message: expect.stringMatching(
        /belongs to a training with other options: sha256 of the channel file: a{12}… in the checkpoint, b{12}… asked for$/,
      ) as string,
    });
    await train(family, { ...request, output: path('resumed'), resume });
    expect(readFileSync(path('resumed')).equals(readFileSync(path('through')))).toBe(true);
  });

  it('is refused for another family, another network, and a file that does not say what it has learned', async () => {
    const model = verifyModel(path('base'));
    expect(() => trainedBefore(otherFamily, model)).toThrow(/it is of the family unfolded-pga/);
    const { from, options } = trainedBefore(family, model);
    const wider = { ...options, innerSteps: 3, from, output: path('wider') };
    await expect(train(family, wider)).rejects.toMatchObject({
      message: expect.stringContaining('it has learned lambda_0 (2), ') as string,
    });
    const { card } = model;
    expect(() => trainedBefore(family, { card: { ...card, training: 'none' }, bytes: model.bytes })).toThrow(/does not say what/);
  });
});

describe('measured channels', () => {
  it('are learned from but for the last fifth, in the unit of the options', () => {
    const { set, validation } = splitMeasured(measured, tiny);
    expect([set.channels.length, validation.channels.length]).toEqual([24, 6]);
    const all = [...set.packed, ...validation.packed];
    expect((2 * all.reduce((sum, value) => sum + value * value, 0)) / all.length).toBeCloseTo(1, 5);
  });

  it.each([
    [{ ...measured, channels: measuredChannels(4) }, /4 channels, and a fifth is held out/],
    [
      {
        ...measured,
        channels: drawChannelSet({ ...tiny, seed: 1, name: 'test', count: 5, elements: 4, paths: 2, scale: 'unit-element' })
          .channels,
      },
      /2 users × 4 elements, the network is for 2 × 8/,
    ],
    [
      { ...measured, channels: measuredChannels().map((channel) => scale(channel, 0)) },
      /the energy of all channels together is 0/,
    ],
  ])('are refused where nothing can be learned from them', (bad, message) => {
    expect(() => splitMeasured(bad, tiny)).toThrow(message);
  });
});

describe('the models that come with beamrig', () => {
  it.each(listModels())('can be gone on from: $id', async ({ path: file }) => {
    const model = verifyModel(file);
    const kin = await findFamily(model.card.algorithm);
    const { from, options } = trainedBefore(kin, model);
    const network = kin.network(options);
    const learned = startFrom(network, from.numbers, model.id);
    if (model.card.dimensions === 'any') return;
    // What they tell of themselves is what their graphs compute with: built of that, they are the same files.
    expect(Buffer.from(withLearned(network.modelGraph(learned), network.parameters, learned)).equals(model.bytes)).toBe(true);
  });
});

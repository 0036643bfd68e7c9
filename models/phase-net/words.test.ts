/** Training of phase-net for words: what it learns, what stays of the file, and what is refused. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readNumbers } from '../numbers-file.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { optionsTyped } from '../training/option-flags.ts';
import { trainedBefore } from '../training/fine-tuning.ts';
import { checkpointPathOf, train } from '../training/train.ts';
import { findModel, verifyModel } from '../zoo.ts';
import { family } from './family.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-words-'));
afterAll(() => rmSync(folder, { recursive: true }));

const shipped = verifyModel(findModel('phase-net'));
const small = { elements: 8, rfChains: 2, users: 2, steps: 3, phaseBits: 1, channels: 12, batch: 6, validationChannels: 4 };
const output = (name: string): string => join(folder, `${name}.numbers.json`);
const numbersOf = (name: string) => readNumbers(readFileSync(output(name)), name);

describe('training for words', () => {
  it('leaves the other numbers of the file as they are, and is the same when it was stopped', async () => {
    await train(family, { ...small, epochs: 2, output: output('through') });
    const { words, ...others } = readNumbers(shipped.bytes, 'phase-net');
    expect(numbersOf('through')).toMatchObject(others);
    expect(numbersOf('through').words).toMatchObject({ mostPhaseBits: 1 });
    expect(numbersOf('through').words!.numbers).not.toEqual(words!.numbers);
    expect(verifyModel(output('through')).card).toMatchObject({ mostPhaseBits: 1, metrics: shipped.card.metrics });
    const stop = new AbortController();
    const onProgress = ({ epoch, step }: { epoch: number; step: number }) => {
      if (epoch === 2 && step === 1) stop.abort();
    };
    const request = { ...small, epochs: 2, output: output('resumed'), threads: 1 };
    expect(await train(family, request, { signal: stop.signal, onProgress })).toMatchObject({ status: 'stopped' });
    await train(family, { ...request, resume: checkpointPathOf(request.output) });
    expect(numbersOf('resumed').words!.numbers).toEqual(numbersOf('through').words!.numbers);
  }, 120_000);

  it('learns in onnxruntime, too', async () => {
    await train(family, { ...small, epochs: 1, channels: 6, engine: 'onnxruntime', output: output('runtime') });
    expect(numbersOf('runtime').words!.command).toContain('--engine onnxruntime');
  }, 120_000);

  it('goes on from the numbers for words of a model that has some', async () => {
    const { from } = trainedBefore(family, shipped);
    await train(family, { ...small, phaseBits: 2, epochs: 0, from, output: output('again') });
    expect(numbersOf('again').words!.numbers).toEqual(readNumbers(shipped.bytes, 'phase-net').words!.numbers);
  }, 60_000);

  it('says in the card what came of it, on which channels, beside what is said of the other numbers', async () => {
    const { channels } = drawChannelSet({
      ...{ seed: 5, name: 'test', count: 10, elements: 8, users: 2, paths: 2, scale: 'unit-element' },
    });
    const measured = { file: 'lab/measured.npy', sha256: 'a'.repeat(64), channels };
    const { from } = trainedBefore(family, shipped);
    const outcome = await train(family, { ...small, epochs: 1, from, measured, output: output('told') });
    const { card } = verifyModel(output('told'));
    const told = typeof card.training === 'object' ? card.training.words : undefined;
    expect(told).toMatchObject({
      from: { id: 'phase-net', sha256: shipped.card.sha256 },
      channelFile: { name: 'measured.npy', sha256: measured.sha256, heldOut: 2 },
    });
    const heldOut = told?.metrics?.filter(({ scale }) => scale === 'channel-file');
    expect(heldOut).toHaveLength(5);
    for (const metric of heldOut ?? []) expect(metric).toMatchObject({ channels: 2, phaseBits: 1 });
    expect(card.metrics).toEqual(shipped.card.metrics);
    // It began there, so that it is never worse.
    expect(outcome).toMatchObject({
      standing: { channels: 2, file: 'lab/measured.npy', phaseBits: 1, beside: { id: 'phase-net' }, bestEpoch: told?.bestEpoch },
    });
    const { standing } = outcome as Extract<typeof outcome, { status: 'finished' }>;
    expect(standing.reached).toBeGreaterThanOrEqual(standing.beside?.reached ?? Infinity);
    // Trained on for any phases, the file still says how its words were learned.
    const again = trainedBefore(family, verifyModel(output('told'))).from;
    const { phaseBits: _, ...anyPhases } = small;
    await train(family, { ...anyPhases, epochs: 1, from: again, output: output('further') });
    const further = verifyModel(output('further')).card.training;
    expect(typeof further === 'object' ? further.words : undefined).toEqual(told);
  }, 120_000);

  it.each(['0', '17', '5', '2.5', 'x', ''])('refuses --phase-bits %j', (text) => {
    expect(() => optionsTyped(family, { phaseBits: text })).toThrow(
      expect.objectContaining({
        code: 'argument',
        message: `--phase-bits ${text}: not allowed; allowed: a whole number from 1 to 4`,
      }),
    );
  });

  it('refuses a file that is a graph', async () => {
    await expect(train(family, { ...small, output: join(folder, 'graph.onnx') })).rejects.toMatchObject({
      code: 'argument',
      message: expect.stringContaining('learned for files of numbers') as string,
    });
  });
});

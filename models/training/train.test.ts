import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { verifyModel } from '../zoo.ts';
import { adamStep, startAdam } from './adam.ts';
import { drawChannelSet } from './channel-set.ts';
import { family } from '../unfolded-pga/family.ts';
import type { PgaOptions } from '../unfolded-pga/family.ts';
import { checkpointPathOf, train } from './train.ts';
import type { TrainingProgress } from './train.ts';
import type { TrainingComputing, TrainingPlace } from './training-options.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-training-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Request = Partial<PgaOptions> & TrainingPlace & TrainingComputing;
const tiny = (name: string, more: Partial<Request> = {}): Request => ({
  output: join(folder, `${name}`, 'tiny.onnx'),
  elements: 8,
  rfChains: 2,
  users: 2,
  layers: 2,
  innerSteps: 2,
  channels: 24,
  validationChannels: 16,
  batch: 8,
  epochs: 3,
  seed: 11,
  ...more,
});

const filesOf = (name: string) => ['onnx', 'json'].map((ending) => readFileSync(join(folder, name, `tiny.${ending}`)));

describe('training', () => {
  it('raises the rate on channels it does not learn from, and writes a model that passes every check', async () => {
    const seen: TrainingProgress[] = [];
    const outcome = await train(family, tiny('plain', { epochs: 6 }), { onProgress: (progress) => seen.push(progress) });
    expect(outcome.status).toBe('finished');
    const { card } = verifyModel(join(folder, 'plain', 'tiny.onnx'));
    expect(card.training).toMatchObject({ recipe: 'beamrig', seed: 11, channels: 24, epochs: 6 });
    expect(seen).toHaveLength(18);
    const last = seen[seen.length - 1];
    expect(last).toMatchObject({ epoch: 6, step: 3, steps: 3, secondsLeft: 0 });
    expect(last.bestValidationRate).toBeGreaterThan(seen[0].validationRate);
    expect(existsSync(checkpointPathOf(join(folder, 'plain', 'tiny.onnx')))).toBe(false);
  });

  it('gives the same files, byte for byte, from the same seed, and others from another', async () => {
    await train(family, tiny('once'));
    await train(family, tiny('twice'));
    await train(family, tiny('other', { seed: 12 }));
    expect(filesOf('twice')).toEqual(filesOf('once'));
    expect(filesOf('other')[0].equals(filesOf('once')[0])).toBe(false);
  });

  it('stopped in the middle of an epoch and resumed, gives the files of a training that ran through', async () => {
    await train(family, tiny('through'));
    const abort = new AbortController();
    const stopped = await train(family, tiny('resumed'), {
      signal: abort.signal,
      onProgress: ({ epoch, step }) => {
        if (epoch === 2 && step === 2) abort.abort();
      },
    });
    expect(stopped).toMatchObject({ status: 'stopped', epoch: 2, step: 2 });
    expect(existsSync(join(folder, 'resumed', 'tiny.onnx'))).toBe(false);
    const resume = checkpointPathOf(tiny('resumed').output);
    const finished = await train(family, tiny('resumed', { resume }));
    expect(finished.status).toBe('finished');
    expect(filesOf('resumed')).toEqual(filesOf('through'));
    expect(existsSync(resume)).toBe(false);
  }, 60_000);

  describe('whose model cannot be written', () => {
    /** In the last step something comes in the way of the files named, where nothing was before. */
    const inTheWay = async (name: string, stops: boolean, ...paths: ((output: string) => string)[]) => {
      const request = tiny(name, { epochs: 1 });
      const abort = new AbortController();
      const training = train(family, request, {
        signal: abort.signal,
        onProgress: ({ step, steps }) => {
          if (step !== (stops ? 1 : steps)) return;
          for (const path of paths) mkdirSync(join(path(request.output), 'full'), { recursive: true });
          if (stops) abort.abort();
        },
      });
      const error = await training.then(
        () => expect.unreachable(),
        (failure: unknown) => failure,
      );
      expect(readdirSync(join(folder, name)).filter((file) => file.includes('.part'))).toEqual([]);
      return { error, request };
    };
    const model = (output: string): string => output;

    it('says where it is kept, and goes on from there', async () => {
      const { error, request } = await inTheWay('kept', false, model);
      const resume = checkpointPathOf(request.output);
      const wayOut = `What was trained is kept: make room there, and go on from ${resume} with --resume, a sweep with the same command.`;
      expect(error).toMatchObject({ code: 'output', wayOut });
      rmSync(request.output, { recursive: true });
      expect(await train(family, { ...request, resume })).toMatchObject({ status: 'finished' });
    });

    it.each([false, true])('says that it is lost where it cannot be kept either, stopped: %s', async (stops) => {
      const { error } = await inTheWay(`lost-${stops}`, stops, model, checkpointPathOf);
      expect(error).toMatchObject({
        code: 'output',
        wayOut: expect.stringMatching(/\blost: make room there, and start/) as string,
      });
    });
  });

  it('refuses to go on from a checkpoint of other options or of another family', async () => {
    const abort = new AbortController();
    abort.abort();
    await train(family, tiny('mine'), { signal: abort.signal });
    const resume = checkpointPathOf(tiny('mine').output);
    await expect(train(family, tiny('mine', { resume, learningRate: 0.5 }))).rejects.toMatchObject({
      code: 'argument',
      message: expect.stringContaining('other options') as string,
    });
    // Just what differs, each by its name.
    await expect(train(family, tiny('mine', { resume, learningRate: 0.5, snrRangeDb: [0, 5] }))).rejects.toMatchObject({
      message: expect.stringMatching(
        /other options: learningRate: 0\.\d+ in the checkpoint, 0\.5 asked for; snrRangeDb: \[-8,22\] in the checkpoint, \[0,5\] asked for$/,
      ) as string,
      wayOut: 'Go on with the options of the checkpoint, or start anew without --resume, with another --output.',
    });
    const namesake = { ...family, id: 'another-family' };
    await expect(train(namesake, tiny('mine', { resume }))).rejects.toThrow(
      /belongs to a training with other options: unfolded-pga/,
    );
    await expect(train(family, tiny('mine', { resume: join(folder, 'none.json') }))).rejects.toMatchObject({
      code: 'argument',
    });
  });

  it('gives the same files on any number of threads', async () => {
    for (const threads of [1, 2, 3]) await train(family, tiny(`threads-${threads}`, { threads }));
    expect(filesOf('threads-2')).toEqual(filesOf('threads-1'));
    expect(filesOf('threads-3')).toEqual(filesOf('threads-1'));
  }, 60_000);

  it('through onnxruntime says so in the command of the card, and reaches the same', async () => {
    const [compiled, runtime] = [
      await train(family, tiny('compiled', { engine: 'compiled' })),
      await train(family, tiny('runtime', { engine: 'onnxruntime' })),
    ];
    const cards = [compiled, runtime].map((outcome) => (outcome.status === 'finished' ? outcome.card : undefined));
    const commands = cards.map((card) => (typeof card?.training === 'string' ? '' : card?.training.command));
    expect(commands[0]).not.toContain('--engine');
    expect(commands[1]).toBe(commands[0]?.replace(' --output', ' --engine onnxruntime --output'));
    cards[0]?.metrics.forEach(({ sumRate }, i) => expect(cards[1]?.metrics[i].sumRate.mean).toBeCloseTo(sumRate.mean, 2));
  });

  it('goes on in the engine that began it, and in no other', async () => {
    await train(family, tiny('through-runtime', { engine: 'onnxruntime' }));
    const abort = new AbortController();
    const stopAt = { signal: abort.signal, onProgress: ({ epoch }: TrainingProgress) => epoch === 2 && abort.abort() };
    await train(family, tiny('began', { engine: 'onnxruntime' }), stopAt);
    const resume = checkpointPathOf(tiny('began').output);
    await expect(train(family, tiny('began', { resume, engine: 'compiled' }))).rejects.toMatchObject({
      code: 'argument',
      message: 'the checkpoint was begun by the engine onnxruntime, and cannot go on in compiled',
    });
    await train(family, tiny('began', { resume }));
    expect(filesOf('began')).toEqual(filesOf('through-runtime'));
  });

  it.each([
    ['in a batch', 'training-0', 5],
    ['in the validation after the last batch of an epoch', 'rate', 14],
  ])(
    'leaves a checkpoint when a thread ends by itself %s',
    async (_, model, atPost) => {
      await train(family, tiny(`whole-${model}`));
      let posts = 0;
      const post = Reflect.get(Worker.prototype, 'postMessage') as (this: Worker, message: unknown) => void;
      vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, message: { model: string }) {
        if (message.model === model && ++posts === atPost) void this.terminate();
        else post.call(this, message);
      });
      const checkpoint = checkpointPathOf(tiny(`cut-${model}`).output);
      await expect(train(family, tiny(`cut-${model}`, { threads: 1 }))).rejects.toMatchObject({
        code: 'internal',
        message: expect.stringContaining('ended by itself') as string,
        wayOut: `What was trained is kept: go on from ${checkpoint} with --resume, a sweep with the same command.`,
      });
      vi.restoreAllMocks();
      expect(existsSync(tiny(`cut-${model}`).output)).toBe(false);
      await train(family, tiny(`cut-${model}`, { resume: checkpoint }));
      expect(filesOf(`cut-${model}`)).toEqual(filesOf(`whole-${model}`));
    },
    60_000,
  );

  it("runs the paper's recipe literally: plain steps, every layer taken, only the answer in the loss", async () => {
    const outcome = await train(family, tiny('paper', { recipe: 'paper' }));
    expect(outcome).toMatchObject({
      card: { stepCoefficients: 1, guarded: false, training: { recipe: 'paper', learningRate: 0.001, layerWeights: [0, 0] } },
    });
  });

  it('judged on one channel tells no standard error of it', async () => {
    const output = tiny('one').output;
    await train(family, tiny('one', { epochs: 0, validationChannels: 1 }));
    const { metrics } = verifyModel(output).card;
    expect(metrics.map(({ channels, sumRate }) => [channels, sumRate.stderr])).toEqual(metrics.map(() => [1, null]));
    await train(family, tiny('several', { epochs: 0, validationChannels: 2 }));
    for (const { sumRate } of verifyModel(tiny('several').output).card.metrics) expect(sumRate.stderr).toBeGreaterThan(0);
  });

  it('without epochs exports the steps set by hand, and says so', async () => {
    const outcome = await train(family, tiny('hand', { epochs: 0 }));
    expect(outcome).toMatchObject({ status: 'finished', card: { training: 'none' } });
  });

  it('names the option that is wrong', async () => {
    await expect(train(family, tiny('wrong', { batch: 0 }))).rejects.toMatchObject({
      code: 'argument',
      message: expect.stringContaining('batch') as string,
    });
    await expect(train(family, tiny('wrong', { snrRangeDb: [20, 0] }))).rejects.toThrow(/backwards/);
    await expect(train(family, tiny('wrong', { output: '/dev/null/tiny.onnx' }))).rejects.toThrow(/cannot be written/);
    await expect(train(family, tiny('wrong', { rfChains: 3 }))).rejects.toThrow(/3 RF chains for 2 users/);
  });
});

it('draws training, validation and test channels from streams that do not meet', () => {
  const draw = (name: 'train' | 'validation' | 'test', count: number) =>
    drawChannelSet({ seed: 1, name, count, elements: 4, users: 2, paths: 3, scale: 'unit-element' }).packed;
  expect(draw('test', 3)).not.toEqual(draw('train', 3));
  expect(draw('validation', 3)).not.toEqual(draw('train', 3));
  expect(draw('train', 5).subarray(0, 48)).toEqual(draw('train', 3));
});

it('Adam finds the bottom of a bowl, and a gradient that is not finite moves nothing', () => {
  const parameters = [Float64Array.of(3, -2), Float64Array.of(5)];
  const state = startAdam(parameters);
  for (let i = 0; i < 2000; i++) {
    const gradients = parameters.map((values) => values.map((value) => 2 * (value - 1)));
    adamStep(parameters, gradients, state, 0.02);
  }
  for (const value of parameters.flatMap((values) => [...values])) expect(value).toBeCloseTo(1, 3);
  const before = parameters.map((values) => values.slice());
  adamStep(parameters, [[Number.NaN, 0], [0]], state, 0.02);
  expect(parameters).toEqual(before);
});

/** Which engine a file gets, and that nobody compares twice. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeModel } from '../../models/graph/encode.ts';
import { Graph } from '../../models/graph/graph.ts';
import * as ops from '../../models/graph/ops.ts';
import { atPower, contractInputs } from '../../models/network-ends.ts';
import { complex } from '../../models/graph/complex.ts';
import { salehValenzuela } from '../../core/signal/channel.ts';
import { createRandom } from '../../core/signal/random.ts';
import { writeModelFile, writeTroubledModel } from '../../test/integration/troubled-networks.ts';
import type { EngineChoice } from '../../models/engine/engines.ts';
import { engineOf } from './engine-choice.ts';
import { openModel, type ModelBeamformer } from './onnx-beamformer.ts';

const SIZE = { elements: 16, users: 2 };
const NEEDS = { elements: 16, rfChains: 2, users: 2 };
const geometry = { kind: 'ula', elements: 16, spacingWavelengths: 0.5 } as const;
const channel = salehValenzuela({ random: createRandom(1), geometry, users: 2, paths: 10, scale: 'unit-element' });

let folder = '';
let cacheBefore: string | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'beamrig-engine-'));
  cacheBefore = process.env['XDG_CACHE_HOME'];
  process.env['XDG_CACHE_HOME'] = folder;
});
afterEach(() => {
  if (cacheBefore === undefined) delete process.env['XDG_CACHE_HOME'];
  else process.env['XDG_CACHE_HOME'] = cacheBefore;
  rmSync(folder, { recursive: true, force: true });
});

/**
 * Phases from the channel, times what solves for this matrix: a promise that it is positive definite, which the file itself need not keep. By
 * elimination without a look for a better pivot, as compiled code does it, an indefinite one is no number.
 */
function networkWith(matrix: readonly number[]): Uint8Array {
  const graph = new Graph();
  const { channel: pairs, power } = contractInputs(graph, { ...SIZE, rfChains: 2 });
  const real = ops.squeeze(ops.slice(pairs, 3, 0, 1), [3]);
  const inverse = ops.solvePositiveDefinite(graph.constant(matrix, [1, 2, 2]), graph.constant([1, 0, 0, 1], [2, 2]));
  graph.output('analog_phase', ops.matmul(ops.swapLast(real), inverse));
  const identity = graph.constant([0.25, 0, 0, 0, 0, 0.25, 0, 0], [1, 2, 4]);
  graph.output(
    'digital',
    atPower(complex(ops.add(identity, ops.multiply(graph.constant(0), ops.unsqueeze(power, [1, 2])))), power),
  );
  return encodeModel(graph, 'with-inverse');
}

/**
 * One user, one chain, and phases that hang on the last bit of a sum, which no two engines take in the same order: all elements turned together,
 * which no user hears, or each by its own.
 */
function chaoticNetwork(turned: 'together' | 'each'): Uint8Array {
  const graph = new Graph();
  const { channel: pairs, power } = contractInputs(graph, { elements: 16, rfChains: 1, users: 1 });
  const real = ops.swapLast(ops.squeeze(ops.slice(pairs, 3, 0, 1), [3]));
  const rows = turned === 'together' ? 1 : 16;
  const mixing = graph.constant(
    Array.from({ length: rows * 16 }, (_, i) => Math.cos(i * i)),
    [rows, 16],
  );
  graph.output('analog_phase', ops.add(real, ops.multiply(ops.matmul(mixing, real), graph.constant(1e6))));
  const digital = complex(
    ops.add(graph.constant([0.25, 0], [1, 2]), ops.multiply(graph.constant(0), ops.unsqueeze(power, [1, 2]))),
  );
  graph.output('digital', atPower(digital, power));
  return encodeModel(graph, 'chaotic');
}

async function open(path: string, engine: EngineChoice = 'auto', deadlineMs = 10_000): Promise<ModelBeamformer> {
  return openModel(path, NEEDS, { deadlineMs, engine });
}

async function engineAndPhases(path: string, engine: EngineChoice = 'auto') {
  const model = await open(path, engine);
  try {
    const { analogPhase } = await model.compute({ channel, rfChains: 2, power: 1, noise: 1 });
    return { engine: model.engine, reason: model.engineReason, differ: model.enginesDiffer, phases: Array.from(analogPhase) };
  } finally {
    await model.close();
  }
}

const verdicts = (): Record<string, unknown> =>
  JSON.parse(readFileSync(join(folder, 'beamrig', 'engines.json'), 'utf8')) as Record<string, unknown>;

describe('a model whose ops are all known', () => {
  it('is compiled, and computes what onnxruntime computes', async () => {
    const path = writeModelFile(folder, 'known', SIZE, networkWith([2, 0.5, 0.5, 1]));
    const [auto, compiled, judged] = [
      await engineAndPhases(path),
      await engineAndPhases(path, 'compiled'),
      await engineAndPhases(path, 'onnxruntime'),
    ];
    expect([auto.engine, compiled.engine, judged.engine]).toEqual(['compiled', 'compiled', 'onnxruntime']);
    expect(auto.phases).toEqual(compiled.phases);
    auto.phases.forEach((phase, i) => expect(phase).toBeCloseTo(judged.phases[i], 5));
    expect(Object.values(verdicts())).toEqual([{ engine: 'compiled' }]);
  });

  it('and computes something else compiled is run by onnxruntime, with a line that says so, also the next time', async () => {
    const path = writeModelFile(folder, 'indefinite', SIZE, networkWith([0, 1, 1, 0]));
    for (let time = 0; time < 2; time++) {
      const { engine, reason, differ, phases } = await engineAndPhases(path);
      expect([engine, differ]).toEqual(['onnxruntime', true]);
      expect(reason).toMatch(/^compiled, its phases differ from those of onnxruntime by NaN rad/);
      expect(phases[0]).toBeCloseTo(channel.re[16], 5); // the columns in turn
    }
  });

  it.each([
    { turned: 'together', engine: 'compiled' },
    { turned: 'each', engine: 'onnxruntime' },
  ] as const)(
    'and that nobody gets twice the same phases of is judged by what its beams are worth: $turned',
    async ({ turned, engine }) => {
      const path = writeModelFile(folder, 'chaotic', { elements: 16, users: 1 }, chaoticNetwork(turned));
      const needs = { elements: 16, rfChains: 1, users: 1 };
      const phases = await Promise.all(
        (['compiled', 'onnxruntime'] as const).map(async (each) => {
          const model = await openModel(path, needs, { deadlineMs: 10_000, engine: each });
          const one = {
            channel: salehValenzuela({ random: createRandom(2), geometry, users: 1, paths: 10, scale: 'unit-element' }),
            rfChains: 1,
          };
          const { analogPhase } = await model.compute({ ...one, power: 1, noise: 1 });
          await model.close();
          return analogPhase;
        }),
      );
      expect(phases[0]).not.toEqual(phases[1]);
      const model = await openModel(path, needs, { deadlineMs: 10_000 });
      await model.close();
      expect(model).toMatchObject({ engine });
      expect(model.enginesDiffer).toBe(engine === 'onnxruntime' ? true : undefined);
    },
  );

  it('is compared without the deadline of the loop, which one of them may not meet', async () => {
    const path = writeModelFile(folder, 'known', SIZE, networkWith([2, 0.5, 0.5, 1]));
    const model = await open(path, 'auto', 0.001);
    await model.close();
    expect(model).toMatchObject({ engine: 'compiled' });
    expect(Object.values(verdicts())).toEqual([{ engine: 'compiled' }]);
  });

  it('finds nothing where what was found is no file, and leaves nothing beside it', async () => {
    const path = writeModelFile(folder, 'known', SIZE, networkWith([2, 0.5, 0.5, 1]));
    const kept = join(folder, 'beamrig', 'engines.json');
    mkdirSync(join(folder, 'beamrig'));
    execFileSync('mkfifo', [kept]);
    expect((await engineAndPhases(path)).engine).toBe('compiled');
    rmSync(kept);
    mkdirSync(join(kept, 'x'), { recursive: true });
    expect((await engineAndPhases(path)).engine).toBe('compiled');
    expect(readdirSync(join(folder, 'beamrig'))).toEqual(['engines.json']);
  });

  it('and whose weights are no numbers is refused for that, and not for its engine', async () => {
    const path = writeModelFile(folder, 'nan', SIZE, networkWith([NaN, 0, 0, 1]));
    const model = await open(path);
    try {
      expect([model.engine, model.enginesDiffer]).toEqual(['compiled', undefined]);
      await expect(model.compute({ channel, rfChains: 2, power: 1, noise: 1 })).rejects.toThrow(/gave NaN as phase/);
    } finally {
      await model.close();
    }
  });

  it('is compared again where what was found is damaged, or nowhere to be kept', async () => {
    const path = writeModelFile(folder, 'known', SIZE, networkWith([2, 0.5, 0.5, 1]));
    mkdirSync(join(folder, 'beamrig'));
    for (const damaged of ['', '{"1 ab', '[]', '{"x":{"engine":"gpu"}}', 'null']) {
      writeFileSync(join(folder, 'beamrig', 'engines.json'), damaged);
      expect((await engineAndPhases(path)).engine).toBe('compiled');
      expect(Object.values(verdicts())).toEqual([{ engine: 'compiled' }]);
    }
    // Somebody has written of another file that it can be compiled.
    const loop = writeTroubledModel(folder, 'loop', SIZE);
    await engineAndPhases(loop);
    writeFileSync(
      join(folder, 'beamrig', 'engines.json'),
      JSON.stringify(Object.fromEntries(Object.keys(verdicts()).map((key) => [key, { engine: 'compiled' }]))),
    );
    expect(await engineAndPhases(loop)).toMatchObject({ engine: 'onnxruntime', reason: 'it has the op Loop' });
    writeFileSync(join(folder, 'a-file'), '');
    for (const nowhere of ['/proc/nowhere', join(folder, 'a-file')]) {
      process.env['XDG_CACHE_HOME'] = nowhere;
      expect((await engineAndPhases(path)).engine).toBe('compiled');
    }
  });
});

describe('a model with an op that is not compiled', () => {
  it('is run by onnxruntime without a warning, and says why to whoever asks', async () => {
    const path = writeTroubledModel(folder, 'loop', SIZE);
    const { engine, reason, differ } = await engineAndPhases(path);
    expect([engine, reason, differ]).toEqual(['onnxruntime', expect.stringMatching(/^it has /), undefined]);
  });

  it('is refused where it is to be compiled, with the way out', async () => {
    const path = writeTroubledModel(folder, 'loop', SIZE);
    await expect(open(path, 'compiled')).rejects.toMatchObject({
      code: 'model-engine',
      message: expect.stringContaining("the model 'loop' cannot be compiled: it has ") as string,
      wayOut: 'Let onnxruntime run it: engine auto, or onnxruntime.',
    });
  });

  it('is told of before it was ever run', () => {
    const bytes = readFileSync(writeTroubledModel(folder, 'loop', SIZE));
    expect(engineOf({ bytes, sha256: 'x' })).toMatchObject({ engine: 'onnxruntime', compared: false });
    expect(engineOf({ bytes: networkWith([2, 0, 0, 1]), sha256: 'y' })).toEqual({ engine: 'compiled', compared: false });
  });
});

import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ModelCard } from '../../models/card.ts';
import { troubledNetwork, writeModelFile } from '../../test/integration/troubled-networks.ts';
import { fromParts, scale } from '../../core/signal/complex-matrix.ts';
import { steeringVector } from '../../core/signal/geometry.ts';
import { train } from '../../models/training/train.ts';
import { family as upganet } from '../../models/upganet/family.ts';
import { tinyNetwork } from '../../test/integration/tiny-network.ts';
import { misfit, openModel } from './onnx-beamformer.ts';

const NEEDS = { elements: 8, rfChains: 2, users: 2 };
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'beamrig-model-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Writes the tiny network and its card; returns the path of the ONNX file. */
const writeModel = ({ bytes, card = {} }: { bytes?: Uint8Array; card?: Partial<ModelCard> } = {}): string =>
  writeModelFile(folder, 'tiny', { elements: 8, users: 2 }, bytes ?? tinyNetwork({ elements: 8, users: 2 }), card);

const channelWith = (first: number) => {
  const parts = Float64Array.from({ length: 16 }, (_, i) => Math.cos(i));
  parts[0] = first;
  return fromParts(2, 8, parts, new Float64Array(16));
};

describe('a model opened for a rig', () => {
  it('computes in its process what the file says, and names the bytes it runs', async () => {
    const path = writeModel();
    const model = await openModel(path, NEEDS, { deadlineMs: 10_000 });
    try {
      const channel = channelWith(0.25);
      const beam = await model.compute({ channel, rfChains: 2, power: 4, noise: 1 });
      expect(beam.analogPhase).toHaveLength(16);
      for (let n = 0; n < 8; n++) {
        for (let m = 0; m < 2; m++) expect(beam.analogPhase[n * 2 + m]).toBeCloseTo(channel.re[m * 8 + n], 6);
      }
      // The tiny network's own D is √power times the identity, which through 8 elements and 2 chains is 16 times the power.
      expect(beam.powerRatio).toBeCloseTo(16, 5);
      [0.5, 0, 0, 0.5].forEach((weight, i) => expect(beam.digital.re[i]).toBeCloseTo(weight, 6));
      expect(model.sha256).toBe(createHash('sha256').update(readFileSync(path)).digest('hex'));
    } finally {
      await model.close();
    }
  });

  it.each(['compiled', 'onnxruntime'] as const)('is told what each problem senses, %s', async (engine) => {
    const output = join(folder, 'senses.onnx');
    await train(upganet, {
      elements: 8,
      rfChains: 2,
      users: 2,
      layers: 3,
      innerSteps: 2,
      epochs: 0,
      validationChannels: 2,
      output,
    });
    const model = await openModel(output, NEEDS, { deadlineMs: 10_000, engine });
    try {
      const problem = { channel: channelWith(0.25), rfChains: 2, power: 10, noise: 1 };
      const towards = (azimuth: number) => {
        const { re, im } = steeringVector({ kind: 'ula', elements: 8, spacingWavelengths: 0.5 }, azimuth);
        return { factor: scale(fromParts(8, 1, re, im), 1 / Math.sqrt(8)), weight: 0.3 };
      };
      const asked = [{}, { sensing: towards(0.5) }, { sensing: towards(-0.5) }, {}, { sensing: towards(0.5) }];
      const beams = [];
      for (const sensing of asked) beams.push((await model.compute({ ...problem, ...sensing })).analogPhase);
      expect(beams[3]).toEqual(beams[0]);
      expect(beams[4]).toEqual(beams[1]);
      expect(beams[2]).not.toEqual(beams[1]);
      expect(beams[1]).not.toEqual(beams[0]);
    } finally {
      await model.close();
    }
  });

  it('refuses a channel of another shape and an answer that is not finite', async () => {
    const model = await openModel(writeModel(), NEEDS, { deadlineMs: 10_000 });
    try {
      const wide = fromParts(2, 9, new Float64Array(18).fill(1), new Float64Array(18));
      await expect(model.compute({ channel: wide, rfChains: 2, power: 1, noise: 1 })).rejects.toMatchObject({ code: 'shape' });
      await expect(model.compute({ channel: channelWith(NaN), rfChains: 2, power: 1, noise: 1 })).rejects.toMatchObject({
        code: 'model-damaged',
        message: expect.stringContaining('NaN as phase 0') as string,
      });
      await expect(model.compute({ channel: channelWith(0.5), rfChains: 2, power: 1, noise: 1 })).resolves.toBeDefined();
    } finally {
      await model.close();
    }
  });

  it.each(['compiled', 'onnxruntime'] as const)(
    'refuses a problem without an answer, and channels that are no numbers, whatever the model makes of them: %s',
    async (engine) => {
      const model = await openModel('phase-net', NEEDS, { deadlineMs: 10_000, engine });
      try {
        const channel = channelWith(0.5);
        const problem = { channel, rfChains: 2, power: 1, noise: 1 };
        for (const bad of [0, -1, Infinity, NaN]) {
          await expect(model.compute({ ...problem, power: bad })).rejects.toMatchObject({ code: 'argument' });
          await expect(model.compute({ ...problem, noise: bad })).rejects.toMatchObject({ code: 'argument' });
          if (bad === 0 || bad === -1) continue;
          for (const at of [0, 7, 15]) {
            const broken = fromParts(2, 8, channel.re.slice(), channel.im.slice());
            broken.im[at] = bad;
            await expect(model.compute({ ...problem, channel: broken })).rejects.toMatchObject({ code: 'model-damaged' });
          }
        }
        const beam = await model.compute(problem);
        expect(beam.analogPhase.every(Number.isFinite)).toBe(true);
        expect(beam.powerRatio).toBeCloseTo(1, 3);
      } finally {
        await model.close();
      }
    },
  );

  it('runs the bytes that it names also in the process that takes its place, whatever lies in its file by then', async () => {
    const size = { elements: 8, users: 2 };
    const path = writeModelFile(folder, 'slow', size, troubledNetwork({ ...size, turns: 'power' }));
    const model = await openModel(path, NEEDS, { deadlineMs: 1500, engine: 'onnxruntime' });
    try {
      const { sha256 } = model;
      const channel = channelWith(0.25);
      const compute = (power: number) => model.compute({ channel, rfChains: 2, power, noise: 1 });
      const before = await compute(4);
      writeModelFile(folder, 'slow', size, troubledNetwork({ ...size, digitalScale: NaN }));
      await expect(compute(1e12)).rejects.toMatchObject({ code: 'model-slow' });
      // A busy machine may take longer to start a process than this deadline is: asked until it is there.
      await vi.waitFor(async () => expect(await compute(4)).toEqual(before), 20_000);
      expect(model.sha256).toBe(sha256);
    } finally {
      await model.close();
    }
  });

  it('names the card that was read, whatever becomes of that while the model is being opened', async () => {
    const path = writeModel();
    const card = path.replace('.onnx', '.json');
    const cardSha256 = createHash('sha256').update(readFileSync(card)).digest('hex');
    const opening = openModel(path, NEEDS, { deadlineMs: 10_000 });
    rmSync(card);
    const model = await opening;
    await model.close();
    expect(model.cardSha256).toBe(cardSha256);
  });

  it('rejects calls after it was closed instead of leaving them hanging', async () => {
    const model = await openModel(writeModel(), NEEDS, { deadlineMs: 10_000 });
    await model.close();
    await expect(model.compute({ channel: channelWith(0), rfChains: 2, power: 1, noise: 1 })).rejects.toMatchObject({
      code: 'stopped',
    });
  });
});

describe('a model that must not choose a beam is refused before the rig starts', () => {
  it('when it is not there', async () => {
    await expect(openModel(join(folder, 'absent.onnx'), NEEDS, { deadlineMs: 10_000 })).rejects.toMatchObject({
      code: 'model-missing',
    });
  });

  it('when a byte of the file is not as the card says', async () => {
    const path = writeModel();
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1] ^= 1;
    writeFileSync(path, bytes);
    await expect(openModel(path, NEEDS, { deadlineMs: 10_000 })).rejects.toMatchObject({ code: 'model-damaged' });
  });

  it('when the file is no ONNX at all, although the checksum fits', async () => {
    await expect(
      openModel(writeModel({ bytes: Uint8Array.of(9, 9, 9, 9) }), NEEDS, { deadlineMs: 10_000 }),
    ).rejects.toMatchObject({
      code: 'model-damaged',
    });
  });

  it('when its outputs are not those of the contract', async () => {
    const bytes = tinyNetwork({ elements: 8, users: 2, phaseOutput: 'phases' });
    await expect(openModel(writeModel({ bytes }), NEEDS, { deadlineMs: 10_000 })).rejects.toMatchObject({
      code: 'model-mismatch',
    });
  });

  it('when it is for another rig, naming the dimension', async () => {
    const path = writeModel();
    await expect(openModel(path, { ...NEEDS, elements: 64 }, { deadlineMs: 10_000 })).rejects.toMatchObject({
      code: 'model-mismatch',
      message: expect.stringContaining('is for 8 elements, not 64') as string,
    });
    await expect(openModel(path, { ...NEEDS, connection: 'sub' }, { deadlineMs: 10_000 })).rejects.toMatchObject({
      code: 'model-mismatch',
    });
  });

  it('says what does not fit, and nothing when all does', () => {
    const card = JSON.parse(readFileSync(writeModel().replace('.onnx', '.json'), 'utf8')) as ModelCard;
    expect(misfit(card, NEEDS)).toBeUndefined();
    expect(misfit({ ...card, connection: 'input' }, { ...NEEDS, connection: 'sub' })).toBeUndefined();
    expect(misfit(card, { ...NEEDS, users: 3 })).toBe('is for 2 users, not 3');
  });
});

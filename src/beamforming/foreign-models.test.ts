import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { verifyModel } from '../../models/zoo.ts';
import { salehValenzuela } from '../../core/signal/channel.ts';
import { frobeniusNorm, fromPhases, matmul } from '../../core/signal/complex-matrix.ts';
import { createRandom } from '../../core/signal/random.ts';
import { troubledNetwork, writeModelFile, writeTroubledModel } from '../../test/integration/troubled-networks.ts';
import { openModel } from './onnx-beamformer.ts';
import { tryModel } from './try-model.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-foreign-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SIZE = { elements: 16, users: 2 };
const NEEDS = { elements: 16, rfChains: 2, users: 2 };
const geometry = { kind: 'ula', elements: 16, spacingWavelengths: 0.5 } as const;
const channel = salehValenzuela({ random: createRandom(1), geometry, users: 2, paths: 10, scale: 'unit-element' });

describe('an ONNX file that another program wrote is refused, though card and checksum are right,', () => {
  const refused = (message: RegExp): unknown =>
    expect.objectContaining({ code: 'model-mismatch', message: expect.stringMatching(message) as string });

  it('when its weights lie in another file, whether that is there or not', () => {
    writeFileSync(join(folder, 'weights.bin'), new Uint8Array(1024));
    for (const externalWeights of ['weights.bin', 'not-there.bin', '/etc/passwd']) {
      const path = writeTroubledModel(folder, 'outside', { externalWeights });
      expect(() => verifyModel(path)).toThrow(refused(new RegExp(`weights in another file \\('${externalWeights}'\\)`)));
    }
  });

  it.each([
    [{ opset: 99 }, /too new: opset 99, and up to 26 is accepted/],
    [{ opset: 27 }, /too new: opset 27/],
    [{ irVersion: 14 }, /too new: IR version 14, and up to 13 is accepted/],
  ])('when it is too new: %o', (versions, message) => {
    expect(() => verifyModel(writeTroubledModel(folder, 'new', versions))).toThrow(refused(message));
  });

  it('and one of the newest versions that are accepted runs', async () => {
    const path = writeTroubledModel(folder, 'newest', { opset: 26, irVersion: 13 });
    await expect(tryModel(path)).resolves.toBeDefined();
  });

  it('when an op in it is unknown to the runtime', async () => {
    await expect(tryModel(writeTroubledModel(folder, 'unknown-op', { unknownOp: true }))).rejects.toMatchObject({
      code: 'model-damaged',
      message: expect.stringContaining('Beamform') as string,
    });
  });

  it('when it ends in the middle', () => {
    const bytes = troubledNetwork(SIZE);
    for (const length of [0, 1, 40, bytes.length >> 1, bytes.length - 1]) {
      const path = writeModelFile(folder, 'cut', SIZE, bytes.subarray(0, length));
      expect(() => verifyModel(path)).toThrow(expect.objectContaining({ code: expect.stringMatching(/^model-/) as string }));
    }
  });

  it('when its outputs come in another shape than it says', async () => {
    await expect(tryModel(writeTroubledModel(folder, 'turned', { transposed: true }))).rejects.toThrow(
      /'analog_phase' came as \[1, 2, 16\], not \[1, 16, 2\]/,
    );
  });

  it('when it gives no power, or no number', async () => {
    await expect(tryModel(writeTroubledModel(folder, 'dark', { digitalScale: 0 }))).rejects.toThrow(/digital weights of power 0/);
    await expect(tryModel(writeTroubledModel(folder, 'nan', { digitalScale: NaN }))).rejects.toThrow(/NaN as digital weight 0/);
  });
});

describe('a model whose ‖A·D‖² is not P', () => {
  it.each([0.3, 1, 1.375])('is scaled to full power, and the factor told: %d times √P', async (amplitude) => {
    const path = writeTroubledModel(folder, 'strong', { digitalScale: amplitude / 4 });
    const model = await openModel(path, NEEDS, { deadlineMs: 20_000 });
    try {
      const { analogPhase, digital, powerRatio = NaN } = await model.compute({ channel, rfChains: 2, power: 10, noise: 1 });
      expect(frobeniusNorm(matmul(fromPhases(analogPhase, 16, 2), digital)) ** 2).toBeCloseTo(10, 4);
      // Columns of A are not orthogonal here, but D is diagonal: the power is 16·2 times its entries squared.
      expect(powerRatio).toBeCloseTo(2 * amplitude ** 2, 4);
    } finally {
      await model.close();
    }
  });
});

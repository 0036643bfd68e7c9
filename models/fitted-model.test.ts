import { describe, expect, it } from 'vitest';
import { frobeniusNorm, fromPhases, matmul } from '../core/signal/complex-matrix.ts';
import { connectionMask } from '../core/signal/geometry.ts';
import { openBeams } from './compiled-beams.ts';
import { compileImage } from './engine/compiled-session.ts';
import { fitModel } from './fitted-model.ts';
import { drawChannelSet } from './training/channel-set.ts';
import { findModel, verifyModel } from './zoo.ts';

const phaseNet = verifyModel(findModel('phase-net'));
const withText = (text: string) => ({ card: phaseNet.card, bytes: new TextEncoder().encode(text) });
const numbers = new TextDecoder().decode(phaseNet.bytes);
const array = { elements: 8, rfChains: 2, users: 2 };

describe('a model that serves every array', () => {
  it.each([
    [4, 1, 1, 'full'],
    [4, 4, 4, 'full'],
    [12, 5, 3, 'sub'],
    [33, 4, 2, 'full'],
    [256, 8, 8, 'sub'],
    [4096, 4, 2, 'full'],
  ] as const)('is built for %i elements, %i chains and %i users, %s', async (elements, rfChains, users, connection) => {
    const { card, onnx } = await fitModel(phaseNet, { elements, rfChains, users, connection, steps: 4 });
    expect(card.dimensions).toEqual({ elements, rfChains, users });
    const beamFor = openBeams({ card, image: compileImage(onnx) });
    const [channel] = drawChannelSet({
      seed: 2,
      name: 'test',
      count: 1,
      elements,
      users,
      paths: 10,
      scale: 'unit-element',
    }).channels;
    const { analogPhase, digital } = beamFor({ channel, rfChains, power: 10, noise: 1 });
    const analog = fromPhases(analogPhase, elements, rfChains, connectionMask(connection, elements, rfChains));
    expect(frobeniusNorm(matmul(analog, digital)) ** 2).toBeCloseTo(10, 2);
  });

  it('takes as many steps as it is asked for, and its own number where it is not', async () => {
    expect(await fitModel(phaseNet, { ...array, steps: 7 })).toMatchObject({ steps: 7 });
    expect(await fitModel(phaseNet, array)).toMatchObject({ steps: 30 });
    for (const steps of [0, 1.5, 1001]) {
      await expect(fitModel(phaseNet, { ...array, steps })).rejects.toMatchObject({ code: 'argument' });
    }
  });

  it.each([
    ['no JSON', '{', 'model-damaged', /it is not JSON/],
    ['something else', '{}', 'model-damaged', /is no file of numbers \(format/],
    ['of another form of the network', numbers.replace('"form": 1', '"form": 9'), 'model-mismatch', /form 9 .* form 1 by now/],
    ['of one name too many', numbers.replace('"stride"', '"pace"'), 'model-mismatch', /has no 'pace'/],
    [
      'too few',
      numbers.replace(/"stride": \[[^,]*,/, '"stride": ['),
      'model-mismatch',
      /'stride' has 29 numbers, and 30 are wanted/,
    ],
    ['of a family without any', numbers.replace('"phase-net"', '"unfolded-pga"'), 'model-mismatch', /made for one array each/],
  ])('is refused where its numbers are %s', async (_, text, code, message) => {
    await expect(fitModel(withText(text), array)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });
});

import type { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { tinyNetwork } from '../../test/integration/tiny-network.ts';
import { startOnnxSession } from './onnx-session.ts';
import type { OnnxSession } from './onnx-session.ts';

/** Channel of 2 users and 8 elements, then power, then noise. */
const flatInputs = (power: number): Float32Array => {
  const flat = Float32Array.from({ length: 2 * 8 * 2 + 2 }, (_, i) => Math.sin(i));
  flat.set([power, 1], 32);
  return flat;
};

async function openTiny(): Promise<OnnxSession> {
  const session = await startOnnxSession('tiny', tinyNetwork({ elements: 8, users: 2 }));
  session.plan({
    varying: [
      { name: 'channel', shape: [1, 2, 8, 2] },
      { name: 'power', shape: [1] },
      { name: 'noise', shape: [1] },
    ],
    constant: [],
    outputs: ['analog_phase', 'digital'],
  });
  return session;
}

describe('a network in a thread of its own', () => {
  it('cuts a flat array into its inputs and strings its outputs together', async () => {
    const session = await openTiny();
    try {
      const flat = flatInputs(9);
      const answer = await session.run(flat);
      expect(answer).toHaveLength(8 * 2 + 2 * 2 * 2);
      // The tiny network's phase of element n and chain m is the real part of user m's channel at n; its D is √power times the identity.
      expect(answer[5 * 2 + 1]).toBe(flat[(1 * 8 + 5) * 2]);
      expect([...answer.subarray(16)]).toEqual([3, 0, 0, 0, 0, 0, 3, 0]);
    } finally {
      await session.close();
    }
  });

  it('answers several questions in their order', async () => {
    const session = await openTiny();
    try {
      const answers = await Promise.all([1, 4, 9, 16].map((power) => session.run(flatInputs(power))));
      expect(answers.map((answer) => answer[16])).toEqual([1, 2, 3, 4]);
    } finally {
      await session.close();
    }
  });

  it('refuses bytes that are no ONNX file, and says so', async () => {
    await expect(startOnnxSession('broken', Uint8Array.of(1, 2, 3, 4))).rejects.toMatchObject({ code: 'model-damaged' });
  });

  it('reports a network that fails on its inputs and stays usable', async () => {
    const session = await openTiny();
    try {
      await expect(session.run(new Float32Array(5))).rejects.toMatchObject({ code: 'internal' });
      expect((await session.run(flatInputs(25)))[16]).toBe(5);
    } finally {
      await session.close();
    }
  });

  it('rejects who was waiting when it is closed, instead of leaving them hanging', async () => {
    const session = await openTiny();
    const outcome = expect(session.run(flatInputs(1))).rejects.toMatchObject({ code: 'stopped' });
    await session.close();
    await outcome;
    await expect(session.run(flatInputs(1))).rejects.toMatchObject({ code: 'stopped' });
  });

  it('tells whoever waits when its thread dies, and everybody after', async () => {
    const born = new Promise<Worker>((resolve) => process.once('worker', resolve));
    const session = await openTiny();
    // In this order the thread takes no question any more, and its end is not known here yet: nobody can answer but the end itself.
    const terminated = (await born).terminate();
    await expect(session.run(flatInputs(1))).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining("the thread that runs the model 'tiny' ended by itself") as string,
    });
    await terminated;
    await expect(session.run(flatInputs(1))).rejects.toMatchObject({ code: 'internal' });
    await session.close();
  });
});

import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { tinyNetwork } from '../../test/integration/tiny-network.ts';
import { ENDLESS, troubledNetwork } from '../../test/integration/troubled-networks.ts';
import { startModelSession } from './model-session.ts';
import type { ModelSession } from './model-session.ts';

/** Channel of 2 users and 8 elements, then power, then noise. */
const flatInputs = (power: number): Float32Array => {
  const flat = Float32Array.from({ length: 2 * 8 * 2 + 2 }, (_, i) => Math.sin(i));
  flat.set([power, 1], 32);
  return flat;
};

async function open(name: string, bytes: Uint8Array, deadlineMs: number): Promise<ModelSession> {
  const session = await startModelSession(name, bytes, { engine: 'onnxruntime', deadlineMs });
  session.plan({
    varying: [
      { name: 'channel', shape: [1, 2, 8, 2] },
      { name: 'power', shape: [1] },
      { name: 'noise', shape: [1] },
    ],
    constant: [],
    outputs: [
      { name: 'analog_phase', shape: [1, 8, 2] },
      { name: 'digital', shape: [1, 2, 2, 2] },
    ],
  });
  return session;
}

const openTiny = (): Promise<ModelSession> => open('tiny', tinyNetwork({ elements: 8, users: 2 }), 20_000);

/** Processes of models that this one has started and that are not gone. */
function modelProcesses(): number[] {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return processes.map(Number).filter((pid) => {
    try {
      const [, state, parent] = /\) (\S) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return Number(parent) === process.pid && state !== 'Z' && command.includes('onnx-process');
    } catch {
      return false; // gone between the two
    }
  });
}

describe('a network in a process of its own', () => {
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
    await expect(
      startModelSession('broken', Uint8Array.of(1, 2, 3, 4), { engine: 'onnxruntime', deadlineMs: 1000 }),
    ).rejects.toMatchObject({
      code: 'model-damaged',
    });
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

  it('tells whoever waits when its process dies, and answers the next from another one', async () => {
    const session = await openTiny();
    try {
      const [pid = 0] = modelProcesses();
      process.kill(pid, 'SIGSTOP'); // it takes the question and cannot answer any more
      const outcome = expect(session.run(flatInputs(1))).rejects.toMatchObject({
        code: 'internal',
        message: expect.stringContaining("the process that runs the model 'tiny' ended by itself: SIGKILL") as string,
      });
      process.kill(pid, 'SIGKILL'); // as the kernel does where memory runs out
      await outcome;
      expect((await session.run(flatInputs(25)))[16]).toBe(5);
      expect(modelProcesses()).not.toContain(pid);
    } finally {
      await session.close();
    }
  });

  it('outlives the death of an idle process', async () => {
    const session = await openTiny();
    try {
      const [pid = 0] = modelProcesses();
      process.kill(pid, 'SIGKILL');
      // Who asks in the moment before its death is known is told of it.
      await vi.waitFor(async () => expect((await session.run(flatInputs(9)))[16]).toBe(3), 20_000);
    } finally {
      await session.close();
    }
  });

  it('refuses outputs of another shape than was planned, although the numbers are as many', async () => {
    const session = await open('odd', troubledNetwork({ elements: 8, users: 2, transposed: true }), 20_000);
    try {
      await expect(session.run(flatInputs(1))).rejects.toMatchObject({
        message: expect.stringContaining("'analog_phase' came as [1, 2, 8], not [1, 8, 2]") as string,
      });
    } finally {
      await session.close();
    }
  });
});

describe('a network that does not answer', () => {
  it('is given up after its deadline and its process ended, and another one takes its place', async () => {
    const session = await open('slow on some', troubledNetwork({ elements: 8, users: 2, turns: 'power' }), 1500);
    try {
      const [stuck = 0] = modelProcesses();
      await expect(session.run(flatInputs(1e12))).rejects.toMatchObject({
        code: 'model-slow',
        message: "the model 'slow on some' did not answer within 1500 ms",
      });
      // A busy machine may take longer to start a process than this deadline is: asked until it is there.
      await vi.waitFor(async () => expect((await session.run(flatInputs(4)))[16]).toBeCloseTo(2 / Math.sqrt(8), 6), 20_000);
      await vi.waitFor(() => expect(modelProcesses()).toHaveLength(1), 10_000);
      expect(modelProcesses()).not.toContain(stuck);
    } finally {
      await session.close();
    }
    await vi.waitFor(() => expect(modelProcesses()).toEqual([]), 10_000);
  });

  it('answers nobody with what comes too late', async () => {
    // 4 million turns take seconds: its answer would come, for power 4e6, while the next question waits.
    const session = await open('late', troubledNetwork({ elements: 8, users: 2, turns: 'power' }), 500);
    try {
      await expect(session.run(flatInputs(4e6))).rejects.toMatchObject({ code: 'model-slow' });
      await vi.waitFor(async () => expect((await session.run(flatInputs(16)))[16]).toBeCloseTo(4 / Math.sqrt(8), 6), 20_000);
    } finally {
      await session.close();
    }
  });

  it('is closed all the same, with whoever waits for it told', async () => {
    const session = await open('endless', troubledNetwork({ elements: 8, users: 2, turns: ENDLESS }), 600_000);
    const outcome = expect(session.run(flatInputs(1))).rejects.toMatchObject({ code: 'stopped' });
    await new Promise((resolve) => setTimeout(resolve, 200));
    await session.close();
    await outcome;
    await vi.waitFor(() => expect(modelProcesses()).toEqual([]), 10_000);
  });
});

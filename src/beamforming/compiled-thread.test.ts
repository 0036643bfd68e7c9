/** A compiled model that does not answer in time: its thread is ended, and the one that takes its place runs the same bytes. */
import { expect, it, vi } from 'vitest';
import { encodeModel } from '../../models/graph/encode.ts';
import { Graph } from '../../models/graph/graph.ts';
import * as ops from '../../models/graph/ops.ts';
import { scan } from '../../models/graph/scan.ts';
import { startModelSession } from './model-session.ts';

const TURNS = 2000;

/** Millions of turns of a loop, some tens of milliseconds: x ← x / 2 + 1, which ends at 2 + what it began with / 2^many. */
function slowNetwork(): Uint8Array {
  const graph = new Graph();
  const steps = graph.constant(
    Array.from({ length: TURNS }, () => 0.5),
    [TURNS],
  );
  const turned = scan([graph.input('x', ['B'])], [steps], ([x], [half]) => ({
    carries: scan([x], [steps], ([y]) => ({ carries: [ops.add(ops.multiply(y, half), graph.constant(1))] })).carries,
  }));
  graph.output('y', turned.carries[0]);
  return encodeModel(graph, 'slow');
}

it('answers from another thread what it answered before, and nobody with what came too late', async () => {
  const session = await startModelSession('slow', slowNetwork(), { engine: 'compiled', deadlineMs: 20_000 });
  try {
    const shape = [1];
    session.plan({ varying: [{ name: 'x', shape }], constant: [], outputs: [{ name: 'y', shape }] });
    const answer = await session.run(Float32Array.of(7));
    expect(answer[0]).toBeCloseTo(2, 5);
    session.setDeadline(1);
    await expect(session.run(Float32Array.of(NaN))).rejects.toMatchObject({
      code: 'model-slow',
      message: "the model 'slow' did not answer within 1 ms",
    });
    session.setDeadline(20_000);
    await vi.waitFor(async () => expect(await session.run(Float32Array.of(7))).toEqual(answer), 20_000);
  } finally {
    await session.close();
  }
});

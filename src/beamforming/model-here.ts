/**
 * A compiled model in the thread that asks. While it computes nothing else happens there, and no deadline can end it: it is for virtual time,
 * which stands still meanwhile, and where the way to another thread and back takes longer than a beam.
 */
import { createHash } from 'node:crypto';
import { compileImage, sessionOf, type CompiledImage } from '../../models/engine/compiled-session.ts';
import { CompiledRunner, type OpenedModel } from './compiled-runner.ts';
import { FarSide, type ModelListener, type RunningModel } from './model-far-side.ts';
import type { ModelStart, ToModel } from './onnx-process.ts';

export function startModelHere(start: Omit<ModelStart, 'parent'>, openMs: number, listener: ModelListener): RunningModel {
  const farSide = new FarSide(openMs, listener);
  const runner = new CompiledRunner((message) => farSide.hears(message), open);
  const send = (message: ToModel): void => {
    // Whoever asks has to go on before there is an answer.
    if (!farSide.killed) queueMicrotask(() => runner.hear(message));
  };
  send({ ...start, parent: process.pid, warmUp: false });
  return {
    opened: farSide.opened,
    send,
    kill: (waitMs = 0) => {
      const gone = farSide.isKilled(waitMs);
      farSide.ended('closed');
      return gone;
    },
  };
}

/** Compiled models by their checksum: many short stories are played on the same few, one after the other. The oldest go first. */
const images = new Map<string, CompiledImage>();
const MOST_IMAGES = 4;

function open(onnx: Uint8Array): OpenedModel {
  const sha256 = createHash('sha256').update(onnx).digest('hex');
  const image = images.get(sha256) ?? compileImage(onnx);
  images.delete(sha256);
  images.set(sha256, image);
  for (const oldest of [...images.keys()].slice(0, -MOST_IMAGES)) images.delete(oldest);
  const { inputs, outputs } = image;
  return { session: sessionOf(image), inputs, outputs };
}

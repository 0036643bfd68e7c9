/** Runs a tensor graph's ONNX bytes in this process: training, checks and benchmarks. The control loop has a process of its own. */
import { InferenceSession, Tensor as OnnxTensor } from 'onnxruntime-node';
import { keepRuntimePrivate } from './private-runtime.ts';

export type Values = Float32Array | Float64Array;
export interface Feed {
  values: Values;
  shape: readonly number[];
}

export interface GraphSession {
  run(feeds: Record<string, Feed>): Promise<Record<string, Feed>>;
  close(): Promise<void>;
}

/**
 * Opens the bytes of a model.
 * @param options.exact float64 checks: the higher optimisation levels keep some float64 scales in float32
 */
export async function openSession(bytes: Uint8Array, options: { threads?: number; exact?: boolean } = {}): Promise<GraphSession> {
  keepRuntimePrivate();
  const session = await InferenceSession.create(bytes, {
    graphOptimizationLevel: options.exact === true ? 'basic' : 'all',
    intraOpNumThreads: options.threads ?? 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 3,
  });
  return {
    run: async (feeds) => {
      const tensors: Record<string, OnnxTensor> = {};
      for (const [name, { values, shape }] of Object.entries(feeds)) {
        tensors[name] =
          values instanceof Float64Array ? new OnnxTensor('float64', values, shape) : new OnnxTensor('float32', values, shape);
      }
      const results = await session.run(tensors);
      return Object.fromEntries(
        Object.entries(results).map(([name, tensor]) => [name, { values: tensor.data as Values, shape: tensor.dims }]),
      );
    },
    close: () => session.release(),
  };
}

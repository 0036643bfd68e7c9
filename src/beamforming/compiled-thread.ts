/**
 * The thread in which a compiled model runs. Nothing of it can crash the process or ask for memory, and it can be ended whatever it does, so it
 * needs no process of its own as onnxruntime does. It compiles the model and runs it until the machine code is at its best before it says that
 * it is ready: the first beam takes as long as the thousandth.
 */
import { parentPort } from 'node:worker_threads';
import { openCompiled, type CompiledSession } from '../../models/engine/compiled-session.ts';
import type { FromModel, ModelStart, TensorPlan, ToModel } from './onnx-process.ts';

const WARM_UP_RUNS = 400;
const WARM_UP_MS = 250;

const post = (message: FromModel): void => parentPort?.postMessage(message);
const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const sizeOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

let session: CompiledSession | undefined;
let plan: TensorPlan = { varying: [], constant: [], outputs: [] };
/** Why it is not for the plan. */
let misfit: string | undefined;

function open({ bytes, warmUp }: ModelStart): void {
  try {
    session = openCompiled(bytes);
  } catch (error) {
    post({ kind: 'refused', message: words(error) });
    return;
  }
  // Any numbers do, so long as none is a special case of arithmetic.
  for (const values of Object.values(session.inputs)) values.forEach((_, i) => (values[i] = 0.5 + ((i * 7) % 11) / 11));
  const endMs = performance.now() + WARM_UP_MS;
  for (let run = 0; warmUp && run < WARM_UP_RUNS && performance.now() < endMs; run++) session.run();
  post({ kind: 'ready' });
}

function take(next: TensorPlan): void {
  plan = next;
  misfit = misfitOf(plan);
  if (misfit !== undefined) return;
  for (const { name, values } of plan.constant) session?.inputs[name]?.set(values);
}

/** A file need not say every length: what it is compiled as is what it has. */
function misfitOf({ varying, constant, outputs }: TensorPlan): string | undefined {
  const { inputs: given, outputs: made } = session?.model ?? { inputs: [], outputs: [] };
  for (const [what, planned, ports] of [
    ['input', [...varying, ...constant], given],
    ['output', outputs, made],
  ] as const) {
    for (const { name, shape } of planned) {
      const port = ports.find((each) => each.name === name);
      if (port === undefined) return `there is no ${what} '${name}'`;
      if (port.shape.join() === shape.join()) continue;
      return `${what} '${name}' came as [${port.shape.join(', ')}], not [${shape.join(', ')}]`;
    }
  }
  return undefined;
}

function compute(flat: Float32Array): Float32Array {
  if (session === undefined) throw new Error('it is not open');
  if (misfit !== undefined) throw new Error(misfit);
  let at = 0;
  for (const { name, shape } of plan.varying) {
    const length = sizeOf(shape);
    session.inputs[name].set(flat.subarray(at, (at += length)));
  }
  session.run();
  const answer = new Float32Array(plan.outputs.reduce((sum, { shape }) => sum + sizeOf(shape), 0));
  let to = 0;
  for (const { name } of plan.outputs) {
    const values = session.outputs[name];
    answer.set(values, to);
    to += values.length;
  }
  return answer;
}

parentPort?.on('message', (message: ToModel) => {
  if ('bytes' in message) return open(message);
  if (!(message instanceof Float32Array)) return take(message);
  try {
    const answer = compute(message);
    post(answer);
  } catch (error) {
    post({ kind: 'failed', message: words(error) });
  }
});

/** A compiled model behind the messages of onnx-process.ts, wherever it runs: in a thread (compiled-thread.ts), or in the one that asks. */
import type { Port } from '../../models/engine/compile.ts';
import type { ReadySession } from '../../models/engine/compiled-session.ts';
import type { FromModel, ModelStart, TensorPlan, ToModel } from './onnx-process.ts';

const WARM_UP_RUNS = 400;
const WARM_UP_MS = 250;

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const sizeOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

/** A compiled model, and what goes in and out of it. */
export interface OpenedModel {
  readonly session: ReadySession;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

export class CompiledRunner {
  readonly #post: (message: FromModel) => void;
  readonly #openModel: (onnx: Uint8Array) => OpenedModel;
  #opened: OpenedModel | undefined;
  #plan: TensorPlan = { varying: [], constant: [], outputs: [] };
  /** Why it is not for the plan. */
  #misfit: string | undefined;

  /**
   * @param post takes what it answers
   * @param openModel throws NotCompiled where the model has something that is not compiled
   */
  constructor(post: (message: FromModel) => void, openModel: (onnx: Uint8Array) => OpenedModel) {
    this.#post = post;
    this.#openModel = openModel;
  }

  hear(message: ToModel): void {
    if ('bytes' in message) this.#open(message);
    else if (message instanceof Float32Array) this.#answer(message);
    else this.#take(message);
  }

  #open({ bytes, warmUp }: ModelStart): void {
    let opened: OpenedModel;
    try {
      opened = this.#openModel(bytes);
    } catch (error) {
      this.#post({ kind: 'refused', message: words(error) });
      return;
    }
    const { session } = opened;
    // Any numbers do, so long as none is a special case of arithmetic.
    for (const values of Object.values(session.inputs)) values.forEach((_, i) => (values[i] = 0.5 + ((i * 7) % 11) / 11));
    const endMs = performance.now() + WARM_UP_MS;
    for (let run = 0; warmUp && run < WARM_UP_RUNS && performance.now() < endMs; run++) session.run();
    this.#opened = opened;
    this.#post({ kind: 'ready' });
  }

  #take(plan: TensorPlan): void {
    this.#plan = plan;
    this.#misfit = misfitOf(this.#opened, plan);
    if (this.#misfit !== undefined) return;
    for (const { name, values } of plan.constant) this.#opened?.session.inputs[name]?.set(values);
  }

  #answer(flat: Float32Array): void {
    try {
      this.#post(this.#compute(flat));
    } catch (error) {
      this.#post({ kind: 'failed', message: words(error) });
    }
  }

  #compute(flat: Float32Array): Float32Array {
    if (this.#opened === undefined) throw new Error('it is not open');
    const { session } = this.#opened;
    if (this.#misfit !== undefined) throw new Error(this.#misfit);
    let at = 0;
    for (const { name, shape } of this.#plan.varying) {
      const length = sizeOf(shape);
      session.inputs[name].set(flat.subarray(at, (at += length)));
    }
    session.run();
    const answer = new Float32Array(this.#plan.outputs.reduce((sum, { shape }) => sum + sizeOf(shape), 0));
    let to = 0;
    for (const { name } of this.#plan.outputs) {
      const values = session.outputs[name];
      answer.set(values, to);
      to += values.length;
    }
    return answer;
  }
}

/** A file need not say every length: what it is compiled as is what it has. */
function misfitOf(opened: OpenedModel | undefined, { varying, constant, outputs }: TensorPlan): string | undefined {
  const { inputs: given, outputs: made } = opened ?? { inputs: [], outputs: [] };
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

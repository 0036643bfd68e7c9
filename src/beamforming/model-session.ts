/**
 * One network where it runs (a thread for a compiled one, or this one on virtual time; a process of its own for onnxruntime), as seen from the control loop: starts it, hands
 * it inputs, gives back its outputs. Whoever waits gets an answer in time or an error: a network that does not answer within its deadline is
 * killed, one that crashes is reason of, and in both cases another takes its place. What the tensors mean is the beamformer's business, not
 * this file's.
 *
 *   open ─► ready ─┬─► answer ─► …
 *                  └─► too late, or crashed ─► error for who waited, process killed ─► open again, in the background
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Engine } from '../../models/engine/engines.ts';
import type { RunningModel } from './model-far-side.ts';
import { startModelHere } from './model-here.ts';
import { startModelProcess } from './model-process.ts';
import { startModelThread } from './model-thread.ts';
import type { TensorPlan } from './onnx-process.ts';

export interface ModelSession {
  /** Says how flat arrays are cut into inputs from now on; once, before the first run. */
  plan(plan: TensorPlan): void;
  /** Longest for one answer from now on. */
  setDeadline(deadlineMs: number): void;
  /**
   * Runs the network once: the varying inputs strung together, and the planned outputs likewise.
   * @throws BeamrigError 'model-slow' when it did not answer in time, 'internal' when the network failed or its process ended, 'stopped'
   *   when it was closed
   */
  run(flatInputs: Float32Array): Promise<Float32Array>;
  /** Kills the process, whatever it does. Calls still waiting are rejected with 'stopped'. */
  close(): Promise<void>;
}

export interface SessionOptions {
  engine: Engine;
  /** Longest for one answer (Infinity: without end), real time: how long a process takes is nothing that a virtual clock could know. */
  deadlineMs: number;
  /** Longest for opening the network; default: the deadline of a beam, and half a minute at least. */
  openMs?: number;
  /** What a person can do about a network that is too slow. */
  slowWayOut?: string | undefined;
  intraOpThreads?: number;
  /** A compiled model runs in this thread, where no deadline ends it (model-here.ts). Default: false. */
  here?: boolean;
}

/** Large networks take seconds to open, and on a busy machine the runtime itself does. */
const LEAST_OPEN_MS = 30_000;
/** A timer that fires so late means that this process was held up: the answer may lie in the pipe already. */
const HELD_UP_MS = 100;
/** Longest that closing waits to see the killed process gone. */
const GONE_MS = 100;

interface Question {
  flat: Float32Array;
  resolve: (outputs: Float32Array) => void;
  reject: (error: BeamrigError) => void;
}

/**
 * Opens the network.
 * @param name what to call it in messages
 * @param bytes the ONNX file
 * @throws BeamrigError 'model-damaged' when onnxruntime refuses the bytes, 'model-engine' when they cannot be compiled, 'model-slow' when it does not open in time, 'internal' when the
 *   process does not come up
 */
export async function startModelSession(name: string, bytes: Uint8Array, options: SessionOptions): Promise<ModelSession> {
  const session = new Session(name, bytes, options);
  await session.open();
  return session;
}

class Session implements ModelSession {
  readonly #name: string;
  readonly #bytes: Uint8Array;
  readonly #options: SessionOptions;
  /** Answers come in the order of the questions. */
  readonly #waiting: Question[] = [];
  #plan: TensorPlan | undefined;
  #process: RunningModel | undefined;
  #ready = false;
  #hasOpened = false;
  #deadlineMs: number;
  #closed: BeamrigError | undefined;
  #deadline: NodeJS.Timeout | undefined;

  constructor(name: string, bytes: Uint8Array, options: SessionOptions) {
    this.#name = name;
    this.#bytes = bytes;
    this.#options = options;
    this.#deadlineMs = options.deadlineMs;
  }

  async open(): Promise<void> {
    const { openMs = Math.max(LEAST_OPEN_MS, this.#deadlineMs), intraOpThreads = 1 } = this.#options;
    const isFirst = !this.#hasOpened;
    const { engine, here = false } = this.#options;
    const startCompiled = here ? startModelHere : startModelThread;
    const start = engine === 'compiled' ? startCompiled : startModelProcess;
    const process = start({ bytes: this.#bytes, intraOpThreads, warmUp: isFirst }, openMs, {
      answer: (outputs) => this.#answered(process, (question) => question.resolve(outputs)),
      failed: (message) =>
        this.#answered(process, (question) =>
          question.reject(new BeamrigError('internal', `the model '${this.#name}' failed on this channel: ${message}`)),
        ),
      ended: (detail) => this.#crashed(process, detail),
    });
    this.#process = process;
    const opening = await process.opened;
    if (this.#process !== process) throw this.#closed ?? this.#slow('was replaced before it had opened');
    if (!opening.ok) {
      this.#process = undefined;
      void process.kill();
      throw this.#notOpened(opening.why, opening.detail);
    }
    this.#ready = true;
    this.#hasOpened = true;
    if (this.#plan !== undefined) process.send(this.#plan);
    for (const { flat } of this.#waiting) process.send(flat);
  }

  plan(plan: TensorPlan): void {
    this.#plan = plan;
    if (this.#ready) this.#process?.send(plan);
  }

  setDeadline(deadlineMs: number): void {
    this.#deadlineMs = deadlineMs;
  }

  run(flatInputs: Float32Array): Promise<Float32Array> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) {
        reject(this.#closed);
        return;
      }
      this.#waiting.push({ flat: flatInputs, resolve, reject });
      if (this.#waiting.length === 1) this.#startDeadline();
      if (this.#ready) this.#process?.send(flatInputs);
      else if (this.#process === undefined) this.#replace();
    });
  }

  async close(): Promise<void> {
    this.#closed ??= new BeamrigError('stopped', `the model '${this.#name}' was closed`);
    clearTimeout(this.#deadline);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#closed);
    await this.#letGo(GONE_MS);
  }

  #answered(process: RunningModel, settle: (question: Question) => void): void {
    if (process !== this.#process) return; // too late: nobody waits for this one any more
    const question = this.#waiting.shift();
    if (question === undefined) return;
    this.#startDeadline();
    settle(question);
  }

  /** Each question's time counts from when it is the first in the row. */
  #startDeadline(): void {
    clearTimeout(this.#deadline);
    const deadlineMs = this.#deadlineMs;
    if (this.#waiting.length === 0 || deadlineMs === Infinity) return;
    const dueMs = performance.now() + deadlineMs;
    const expired = (): void => {
      const again = performance.now() - dueMs > HELD_UP_MS ? HELD_UP_MS : 0;
      // What has arrived meanwhile is read before the immediate.
      if (again === 0) setImmediate(() => this.#tooLate(question));
      else this.#deadline = setTimeout(() => this.#tooLate(question), again);
    };
    const question = this.#waiting[0];
    this.#deadline = setTimeout(expired, deadlineMs);
  }

  #tooLate(question: Question): void {
    if (this.#waiting[0] !== question) return;
    this.#waiting.shift();
    const wasOpening = !this.#ready;
    if (!wasOpening) {
      void this.#letGo(0);
      this.#replace();
    }
    this.#startDeadline();
    question.reject(
      this.#slow(`did not answer within ${this.#deadlineMs} ms${wasOpening ? ' (it is still being started again)' : ''}`),
    );
  }

  #crashed(process: RunningModel, detail: string): void {
    if (process !== this.#process) return;
    this.#process = undefined;
    this.#ready = false;
    const question = this.#waiting.shift();
    // One that dies with nothing to do would die again and again: the next question tries once more.
    if (question !== undefined) this.#replace();
    this.#startDeadline();
    question?.reject(
      new BeamrigError('internal', `the process that runs the model '${this.#name}' ended by itself: ${detail}`, {
        wayOut: 'It is started again; if it comes back, check free memory and the model file.',
      }),
    );
  }

  /** In the background; where that fails, those who wait are reason, and the next question tries again. */
  #replace(): void {
    this.open().catch((error: unknown) => {
      if (this.#closed !== undefined || this.#process !== undefined) return;
      clearTimeout(this.#deadline);
      const reason = error instanceof BeamrigError ? error : new BeamrigError('internal', String(error), { cause: error });
      for (const { reject } of this.#waiting.splice(0)) reject(reason);
    });
  }

  async #letGo(waitMs: number): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    this.#ready = false;
    await process?.kill(waitMs);
  }

  #notOpened(why: 'refused' | 'ended' | 'slow', detail: string): BeamrigError {
    if (why === 'slow') return this.#slow(detail);
    if (why === 'refused' && this.#options.engine === 'compiled') {
      return new BeamrigError('model-engine', `the model '${this.#name}' cannot be compiled: it has ${detail}`, {
        cause: detail,
        wayOut: 'Let onnxruntime run it: engine auto, or onnxruntime.',
      });
    }
    if (why === 'ended') {
      return new BeamrigError('internal', `the process that opens the model '${this.#name}' ended by itself: ${detail}`, {
        wayOut: 'Check free memory and the model file.',
      });
    }
    return new BeamrigError('model-damaged', `onnxruntime cannot open the model '${this.#name}': ${brief(detail)}`, {
      cause: detail,
      wayOut: 'Export or download the file again, and compare its sha256 with the card.',
    });
  }

  #slow(what: string): BeamrigError {
    return new BeamrigError('model-slow', `the model '${this.#name}' ${what}`, {
      wayOut: this.#options.slowWayOut ?? 'Choose a faster model, or a longer beamformer.deadlineMs in the rig file.',
    });
  }
}

const LONGEST_DETAIL = 160;

/** What a library has to say in one line that a person reads; the whole is the cause of the error. */
const brief = (detail: string): string => {
  const line = detail.replace(/\s+/g, ' ').trim();
  return line.length <= LONGEST_DETAIL ? line : `${line.slice(0, LONGEST_DETAIL).replace(/\s\S*$/, '')}…`;
};

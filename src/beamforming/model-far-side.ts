/** What is known of a model that runs elsewhere, in a process or in a thread: whether it has opened, what it answers, and how it ended. */
import type { FromModel, ToModel } from './onnx-process.ts';

export type Opening = { ok: true } | { ok: false; why: 'refused' | 'ended' | 'slow'; detail: string };

/** A model where it runs. */
export interface RunningModel {
  /** Never rejects. */
  readonly opened: Promise<Opening>;
  send(message: ToModel): void;
  /** Resolves when it is gone, or after so long. */
  kill(waitMs?: number): Promise<void>;
}

export interface ModelListener {
  answer(outputs: Float32Array): void;
  failed(message: string): void;
  /** It had opened and ended, and nobody here had killed it. */
  ended(detail: string): void;
}

export class FarSide {
  readonly opened: Promise<Opening>;
  readonly #listener: ModelListener;
  #settle: (opening: Opening) => void = () => undefined;
  #leave: () => void = () => undefined;
  readonly #gone: Promise<void>;
  #isOpen = false;
  #killed = false;

  constructor(openMs: number, listener: ModelListener) {
    this.#listener = listener;
    this.opened = new Promise((resolve) => (this.#settle = resolve));
    this.#gone = new Promise((resolve) => (this.#leave = resolve));
    const slow = { ok: false, why: 'slow', detail: `did not open within ${openMs} ms` } as const;
    if (openMs === Infinity) return;
    const limit = setTimeout(() => this.#settle(slow), openMs);
    void this.opened.then(() => clearTimeout(limit));
  }

  get killed(): boolean {
    return this.#killed;
  }

  hears(message: FromModel): void {
    if (this.#killed) return;
    if (message instanceof Float32Array) this.#listener.answer(message);
    else if (message.kind === 'ready') {
      this.#isOpen = true;
      this.#settle({ ok: true });
    } else if (message.kind === 'failed') this.#listener.failed(message.message);
    else this.#settle({ ok: false, why: 'refused', detail: message.message });
  }

  ended(detail: string): void {
    this.#settle({ ok: false, why: 'ended', detail });
    if (this.#isOpen && !this.#killed) this.#listener.ended(detail);
    this.#killed = true;
    this.#leave();
  }

  /** It is being killed: nothing that it says counts any more. Resolves when it is gone, or after so long. */
  async isKilled(waitMs: number): Promise<void> {
    this.#killed = true;
    if (waitMs === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([this.#gone, new Promise<void>((resolve) => (timer = setTimeout(resolve, waitMs)))]);
    clearTimeout(timer);
  }
}

/**
 * What a command prints, on its way to a reader that may be slow, gone, or not reading at all. Nothing here waits: a line goes out whole or
 * stays in a bounded row; what does not fit is left out and counted, and the count is told before the next line. What has no room to be written
 * on is a failure that the command ends with.
 *
 *   line ─► row (bounded) ─► one line at a time ─► terminal, pipe or file
 *   passing line ─► only while the row is empty
 */
import type { Writable } from 'node:stream';

export interface OutletOptions {
  isTerminal: boolean;
  columns: () => number;
  /** More characters than these do not wait. Default: no bound, for commands that print and end. */
  most?: number;
}

export interface DrainLimits {
  /** Gives up when the reader took nothing for so long. */
  stalledMs: number;
  /** And after so long at the latest. */
  totalMs: number;
}

/** Somebody waits for the end: a reader has this long. */
export const LAST_OUTPUT: DrainLimits = { stalledMs: 500, totalMs: 1500 };
/** Nobody does, and what is not read is lost. */
export const UNHURRIED: DrainLimits = { stalledMs: 10_000, totalMs: 60_000 };

/** A reader that stopped reading for good, and not a fault of the command. */
export const readerGone = ({ code }: NodeJS.ErrnoException): boolean => code === 'EPIPE' || code === 'EIO';

const POLL_MS = 20;

export class Outlet {
  readonly isTerminal: boolean;
  readonly #stream: Writable;
  readonly #columns: () => number;
  #most: number;
  #leftOutText: (lines: number) => string = () => '';
  #row: string[] = [];
  #waiting = 0;
  #leftOut = 0;
  /** A line is on its way and its reader has not taken all of it. */
  #busy = false;
  #taken = 0;
  #failure: NodeJS.ErrnoException | undefined;
  #unheard: (failure: NodeJS.ErrnoException) => void = () => undefined;
  readonly #listeners = new Set<(failure: NodeJS.ErrnoException) => void>();

  constructor(stream: Writable, { isTerminal, columns, most = Infinity }: OutletOptions) {
    this.#stream = stream;
    this.isTerminal = isTerminal;
    this.#columns = columns;
    this.#most = most;
    stream.on('error', (error: NodeJS.ErrnoException) => this.#fail(error));
  }

  get columns(): number {
    return this.#columns();
  }

  /** Why nothing can be written any more. */
  get failure(): NodeJS.ErrnoException | undefined {
    return this.#failure;
  }

  /** For bulk that waits for its reader; do not mix with lines. */
  get stream(): Writable {
    return this.#stream;
  }

  /** From now on no more waits than `most` characters; `leftOutText` tells how many lines were left out. */
  bound(most: number, leftOutText: (lines: number) => string): void {
    this.#most = most;
    this.#leftOutText = leftOutText;
  }

  /** Whether any line was ever taken. */
  get worked(): boolean {
    return this.#taken > 0;
  }

  /** What to do where nobody else listens for a failure. */
  whenUnheard(call: (failure: NodeJS.ErrnoException) => void): void {
    this.#unheard = call;
  }

  /** Calls once when nothing can be written any more. Returns what lets go. */
  onFailure(call: (failure: NodeJS.ErrnoException) => void): () => void {
    this.#listeners.add(call);
    return () => this.#listeners.delete(call);
  }

  /** Text that is to be read, whole. `last` words are kept even where no more fits. */
  write(text: string, kind: 'line' | 'last' = 'line'): void {
    if (this.#failure !== undefined) return;
    if (kind !== 'last' && this.#waiting + text.length > this.#most) {
      this.#leftOut++;
      return;
    }
    this.#tellLeftOut();
    this.#queue(text);
    this.#pump();
  }

  /** A state that the next one replaces: left out unless it can go now. Counted where each is a line of its own. */
  passing(text: string, counted = true): void {
    if (this.#failure !== undefined) return;
    if (this.#busy || this.#row.length > 0) {
      if (counted) this.#leftOut++;
      return;
    }
    this.#tellLeftOut();
    this.#queue(text);
    this.#pump();
  }

  /** Resolves when all is taken, nothing can be, or a limit is reached. */
  async drained(limits?: DrainLimits): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve)); // a failure of what was just written is known by then
    const beginMs = performance.now();
    let movedMs = beginMs;
    let taken = this.#taken;
    while (this.#failure === undefined && (this.#busy || this.#row.length > 0)) {
      const nowMs = performance.now();
      if (this.#taken !== taken) {
        taken = this.#taken;
        movedMs = nowMs;
      }
      if (limits !== undefined && (nowMs - movedMs > limits.stalledMs || nowMs - beginMs > limits.totalMs)) return;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  #tellLeftOut(): void {
    if (this.#leftOut === 0 || this.#waiting > 0) return;
    const text = this.#leftOutText(this.#leftOut);
    this.#leftOut = 0;
    if (text !== '') this.#queue(text);
  }

  #queue(text: string): void {
    this.#row.push(text);
    this.#waiting += text.length;
  }

  /** One line at a time: what a reader gets of a process that had to end is whole lines. */
  #pump(): void {
    while (!this.#busy && this.#failure === undefined) {
      const text = this.#row.shift();
      if (text === undefined) return;
      this.#busy = true;
      const taken = (): void => {
        if (!this.#busy) return;
        this.#busy = false;
        this.#waiting -= text.length;
        this.#taken++;
      };
      try {
        let here = true;
        this.#stream.write(text, () => {
          if (here) return;
          taken();
          this.#pump();
        });
        if (this.#stream.errored !== null) return this.#fail(this.#stream.errored);
        here = this.#stream.writableLength === 0;
        if (here) taken();
      } catch (error) {
        return this.#fail(error as NodeJS.ErrnoException);
      }
    }
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#row = [];
    this.#waiting = 0;
    this.#busy = false;
    if (this.#listeners.size === 0) this.#unheard(error);
    for (const call of this.#listeners) call(error);
  }
}

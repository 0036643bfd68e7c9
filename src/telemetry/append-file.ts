/**
 * A file that grows at its end while somebody who must not wait is talking: `append` only queues, a pump writes. The queue is bounded; what
 * a full disk refuses is tried again until it fits, and only what overflows the queue is dropped, and counted.
 */
import { closeSync, openSync } from 'node:fs';
import { fsync, write } from 'node:fs';
import { promisify } from 'node:util';

export interface AppendFileOptions {
  /** Most bytes that wait to be written; above, new lines are dropped. */
  limitBytes?: number;
  /** Pause before a refused write is tried again. */
  retryMs?: number;
  /** Once per trouble: the first write that the disk refused. */
  onTrouble?: (error: Error) => void;
  /** The disk takes writes again; `droppedLines` did not fit in the queue meanwhile. */
  onRecovered?: (droppedLines: number) => void;
  /** Forces the file to the disk; handed in where a disk that fails is to be played. */
  sync?: (fd: number) => Promise<void>;
}

/** What a file says that cannot be synced at all, such as /dev/full or a pipe: its data is handed to the system anyway. */
const NOT_FOR_SYNC = ['EINVAL', 'ENOTSUP', 'EROFS'];

const writeBytes = promisify(write);

export class AppendFile {
  readonly path: string;
  readonly #fd: number;
  readonly #options: Required<Pick<AppendFileOptions, 'limitBytes' | 'retryMs'>> & AppendFileOptions;
  #queue: string[] = [];
  #queuedBytes = 0;
  #pump: Promise<void> | undefined;
  #troubled = false;
  #droppedLines = 0;
  #closing = false;
  #unsynced: string | undefined;
  #wake: (() => void) | undefined;

  /** Opens (and creates) the file now, so that a folder that cannot be written is known before the rig starts. */
  constructor(path: string, options: AppendFileOptions = {}) {
    this.path = path;
    this.#options = { limitBytes: 16 * 2 ** 20, retryMs: 1000, ...options };
    this.#fd = openSync(path, 'a');
  }

  /** Once closed: why what was written may yet be lost with the power; undefined when it is on the disk. */
  get unsynced(): string | undefined {
    return this.#unsynced;
  }

  get droppedLines(): number {
    return this.#droppedLines;
  }

  /** Queues one line (the newline is added here). False when the queue is full or the file closed: the line is dropped and counted. */
  append(line: string): boolean {
    const bytes = Buffer.byteLength(line) + 1;
    if (this.#closing || this.#queuedBytes + bytes > this.#options.limitBytes) {
      this.#droppedLines += 1;
      return false;
    }
    this.#queue.push(line);
    this.#queuedBytes += bytes;
    this.#pump ??= this.#run();
    return true;
  }

  /** Resolves when everything queued so far is written, or could not be within `withinMs`. True when it was. */
  async flush(withinMs: number): Promise<boolean> {
    if (!this.#pump) return true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), withinMs)));
    const done = await Promise.race([this.#pump.then(() => true), late]);
    clearTimeout(timer);
    return done;
  }

  /** Writes what is queued, then closes. @returns lines that were lost: dropped before, or not written within `withinMs`. */
  async close(withinMs = 3000): Promise<number> {
    if (this.#closing) return this.#droppedLines;
    this.#wake?.();
    const done = await this.flush(withinMs);
    this.#closing = true;
    if (!done) {
      this.#droppedLines += this.#queue.length;
      this.#wake?.();
      await this.#pump;
    }
    await (this.#options.sync ?? promisify(fsync))(this.#fd).catch((error: NodeJS.ErrnoException) => {
      if (!NOT_FOR_SYNC.includes(error.code ?? '')) this.#unsynced = error.message;
    });
    closeSync(this.#fd);
    return this.#droppedLines;
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const lines = this.#queue.splice(0, 4096);
      const bytes = Buffer.from(lines.join('\n') + '\n');
      let written = 0;
      while (written < bytes.length) {
        try {
          written += (await writeBytes(this.#fd, bytes, written, bytes.length - written)).bytesWritten;
          if (this.#troubled) this.#recovered();
        } catch (error) {
          if (this.#closing) {
            this.#droppedLines += lines.length;
            this.#queue = [];
            break;
          }
          if (!this.#troubled) this.#options.onTrouble?.(error as Error);
          this.#troubled = true;
          await this.#pause();
        }
      }
      this.#queuedBytes -= bytes.length;
    }
    this.#pump = undefined;
  }

  #recovered(): void {
    this.#troubled = false;
    this.#options.onRecovered?.(this.#droppedLines);
  }

  async #pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#options.retryMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}

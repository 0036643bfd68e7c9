/**
 * A file that grows at its end while somebody who must not wait is talking. What is appended goes to the system at once, a fraction of a
 * millisecond, so that a process that is killed has not lost it; a disk that refuses, or takes longer than that, gets it from a queue that
 * nobody waits for. (What can be played again may be gathered, and handed over many lines at a time.) The queue is bounded; what a full disk
 * refuses is tried again until it fits, and only what overflows the queue is dropped, and counted.
 *
 * The file may be removed, replaced or cut while it grows. That is looked for every second: it is opened anew, and how many of the lines
 * written before are no longer there is counted.
 */
import { closeSync, fsync, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { lookAt, openAtEnd, openAtEndNow, type OpenedFile } from './growing-file.ts';
import { countLines } from './record-reader.ts';

export interface AppendFileOptions {
  /** Most bytes that wait to be written; above, new lines are dropped. */
  limitBytes?: number;
  /** Text waits until it would be more bytes than these, or the file is looked at, flushed or closed. Default 0: it goes to the system at once. */
  gatherBytes?: number;
  /** Pause before a refused write is tried again. */
  retryMs?: number;
  /** How often the file is looked at. */
  checkMs?: number;
  /** How often what was written is forced to the disk; without it, at the end only. */
  syncMs?: number;
  /** A disk that is nearly full takes a write now and then: trouble is over only once it has taken all for so long. */
  steadyMs?: number;
  /** Once per trouble: the first write that the disk refused. */
  onTrouble?: (error: Error) => void;
  /** The disk takes writes again; so many lines did not fit in the queue. */
  onRecovered?: (droppedLines: number) => void;
  /** The file is not the one that was written; it is open again. */
  onDamage?: (damage: FileDamage) => void;
  /** Once: what was written may not be on the disk. */
  onUnsynced?: (error: Error) => void;
  /** Makes the folder again, where it is gone. */
  beforeReopen?: () => void;
  /** Forces the file to the disk; handed in where a disk that fails is to be played, as `write` is. */
  sync?: (fd: number) => Promise<void>;
  write?: (fd: number, bytes: Uint8Array) => Promise<number>;
}

/** Text or bytes, without a newline. */
export type Line = string | Uint8Array;

export interface FileDamage {
  what: 'removed' | 'replaced' | 'cut';
  /** Written before, and not in the file any more. */
  missingLines: number;
}

/** What a file says that cannot be synced at all, such as /dev/full or a pipe: its data is handed to the system anyway. */
const NOT_FOR_SYNC = ['EINVAL', 'ENOTSUP', 'EROFS'];
const BATCH_LINES = 4096;
const NOTHING = new Uint8Array();
const writeToFile = async (fd: number, bytes: Uint8Array): Promise<number> => (await promisify(write)(fd, bytes)).bytesWritten;

export class AppendFile {
  readonly path: string;
  readonly #options: Required<Pick<AppendFileOptions, 'limitBytes' | 'retryMs' | 'steadyMs' | 'sync' | 'write'>> &
    AppendFileOptions;
  readonly #timers: NodeJS.Timeout[];
  #file: OpenedFile;
  /** Lines of the file that is open now, and its length, as far as is known. */
  #lines = 0;
  #bytes: number;
  /** What was gathered, as bytes: strings that wait keep whatever they were made of. */
  readonly #room: Buffer;
  #gatheredBytes = 0;
  #queue: Line[] = [];
  /** What the disk left of a line it had begun to take: goes before the queue. */
  #rest: Uint8Array = NOTHING;
  #queuedBytes = 0;
  #turnBytes = 0;
  #pump: Promise<void> | undefined;
  #troubled = false;
  #steadySinceMs: number | undefined;
  #droppedLines = 0;
  #missingLines = 0;
  #closing = false;
  #checkDue = false;
  #repairing = false;
  #slowUntilMs = 0;
  #dirty = false;
  #syncing: Promise<void> | undefined;
  #unsynced: string | undefined;
  #hangs = false;
  #wake: (() => void) | undefined;

  /** Opens (and creates) the file now, so that a folder that cannot be written is known before the rig starts. */
  constructor(path: string, options: AppendFileOptions = {}) {
    this.path = path;
    this.#options = {
      ...{ limitBytes: 16 * 2 ** 20, retryMs: 1000, steadyMs: 10_000 },
      ...{ sync: promisify(fsync), write: writeToFile },
      ...options,
    };
    this.#room = Buffer.alloc(options.gatherBytes ?? 0);
    this.#file = openAtEndNow(path);
    this.#bytes = this.#file.bytes;
    const every = (ms: number, call: () => void): NodeJS.Timeout => setInterval(call, ms).unref();
    this.#timers = [every(options.checkMs ?? 1000, () => this.#checkSoon())];
    if (options.syncMs !== undefined) this.#timers.push(every(options.syncMs, () => void this.#syncNow()));
  }

  /** Once closed: why what was written may yet be lost with the power; undefined when it is on the disk. */
  get unsynced(): string | undefined {
    return this.#unsynced;
  }

  /** Once closed: the system has not answered what was asked of the file, and a thread waits for that still. */
  get hangs(): boolean {
    return this.#hangs;
  }

  get droppedLines(): number {
    return this.#droppedLines;
  }

  /** Lines that were written and are not in the file any more, as far as is known. */
  get missingLines(): number {
    return this.#missingLines;
  }

  /**
   * Appends lines (the newlines are added here). False when the queue is full or the file closed: they are dropped and counted, gathered ones with
   * them.
   */
  append(...lines: Line[]): boolean {
    const most = mostBytesOf(lines);
    if (this.#closing || most > this.#room.length) {
      this.#appendGathered();
      return this.#appendNow(bytesOf(lines), () => lines);
    }
    const isKept = this.#gatheredBytes + most <= this.#room.length || this.#appendGathered();
    for (const line of lines) {
      this.#gatheredBytes += this.#room.write(String(line), this.#gatheredBytes);
      this.#room[this.#gatheredBytes++] = NEWLINE[0];
    }
    return isKept;
  }

  #appendGathered(): boolean {
    if (this.#gatheredBytes === 0) return true;
    const bytes = this.#room.subarray(0, this.#gatheredBytes);
    this.#gatheredBytes = 0;
    return this.#appendNow(bytes, () => bytes.toString('utf8', 0, bytes.length - 1).split('\n'));
  }

  /** @param lines the same, for whoever has to wait */
  #appendNow(bytes: Buffer, lines: () => Line[]): boolean {
    if (this.#closing || this.#queuedBytes + this.#turnBytes + bytes.length > this.#options.limitBytes) {
      this.#droppedLines += lines().length;
      return false;
    }
    if (this.#isPrompt() && this.#writeNow(bytes)) return true;
    for (const line of lines()) this.#queue.push(line);
    this.#queuedBytes += bytes.length;
    this.#pump ??= this.#run();
    return true;
  }

  /** Nothing waits before what comes now, this turn of the thread has not written much, and the disk answered at once of late. */
  #isPrompt(): boolean {
    const idle = this.#queuedBytes === 0 && this.#turnBytes < TURN_BYTES && !this.#repairing && !this.#troubled;
    return idle && this.#options.write === writeToFile && performance.now() >= this.#slowUntilMs;
  }

  /** False when nothing of it was taken. */
  #writeNow(bytes: Buffer): boolean {
    const startMs = performance.now();
    let written: number;
    try {
      written = writeSync(this.#file.fd, bytes);
    } catch {
      return false; // the queue meets the same error, and tells it
    }
    if (performance.now() - startMs > SLOW_MS) this.#slowUntilMs = performance.now() + SLOW_FOR_MS;
    this.#dirty = true;
    if (this.#turnBytes === 0) setImmediate(() => (this.#turnBytes = 0));
    this.#turnBytes += bytes.length;
    this.#count(bytes, written);
    if (written < bytes.length) {
      this.#rest = Buffer.from(bytes.subarray(written));
      this.#queuedBytes += this.#rest.length;
      this.#pump ??= this.#run();
    }
    return true;
  }

  #count(bytes: Uint8Array, written: number): void {
    this.#bytes += written;
    this.#lines += newlinesIn(bytes.subarray(0, written));
  }

  /** Resolves when everything queued so far is written, or could not be within `withinMs`. True when it was. */
  flush(withinMs: number): Promise<boolean> {
    this.#appendGathered();
    return this.#pump === undefined ? Promise.resolve(true) : within(this.#pump, withinMs);
  }

  /**
   * Writes what is queued, looks at the file once more and closes it.
   * @param enough waits no longer for a disk that refuses, or does not confirm, once this resolves
   * @returns lines that were dropped, or not written within `withinMs`
   */
  async close(withinMs = 3000, enough: Promise<void> = new Promise(() => undefined)): Promise<number> {
    if (this.#closing) return this.#droppedLines;
    for (const timer of this.#timers) clearInterval(timer);
    this.#wake?.();
    this.#checkSoon();
    await Promise.race([this.flush(withinMs), enough]);
    this.#closing = true;
    this.#wake?.();
    // A write that the system never answers is given up, and the file with it.
    if (!(await this.flush(GIVE_UP_MS))) {
      this.#droppedLines += this.#queue.length;
      this.#unsynced ??= 'a write was never answered';
      this.#hangs = true;
      return this.#droppedLines;
    }
    await within(
      this.#countAtEnd().catch(() => undefined),
      COUNT_MS,
    );
    const synced = within(
      Promise.resolve(this.#syncing).then(() => this.#syncNow()),
      SYNC_MS,
    );
    if (await Promise.race([synced, enough.then(() => within(synced, SYNC_HURRIED_MS))])) closeSync(this.#file.fd);
    else {
      this.#unsynced ??= 'no answer';
      this.#hangs = true;
    }
    return this.#droppedLines;
  }

  async #run(): Promise<void> {
    while (this.#checkDue || this.#queuedBytes > 0) {
      const open = !this.#checkDue || (await this.#check());
      if (!open && this.#closing) {
        this.#droppedLines += this.#queue.length + newlinesIn(this.#rest);
        this.#queue = [];
        this.#queuedBytes = 0;
        break;
      }
      if (open) await this.#writeAll(this.#queue.splice(0, BATCH_LINES));
      else await this.#pause();
    }
    this.#pump = undefined;
  }

  async #writeAll(lines: readonly Line[]): Promise<void> {
    const bytes = Buffer.concat([this.#rest, bytesOf(lines)]);
    this.#rest = NOTHING;
    if (bytes.length === 0) return;
    let written = 0;
    while (written < bytes.length) {
      try {
        written += await this.#options.write(this.#file.fd, bytes.subarray(written));
        this.#dirty = true;
        this.#steadySinceMs ??= performance.now();
      } catch (error) {
        if (this.#closing) {
          this.#droppedLines += this.#queue.length + newlinesIn(bytes.subarray(written));
          this.#queue = [];
          this.#queuedBytes = bytes.length;
          break;
        }
        this.#noteTrouble(error as Error);
        await this.#pause();
      }
    }
    this.#queuedBytes -= bytes.length;
    this.#count(bytes, written);
  }

  #checkSoon(): void {
    this.#appendGathered();
    const steadyForMs = this.#steadySinceMs === undefined ? 0 : performance.now() - this.#steadySinceMs;
    if (this.#troubled && this.#queue.length === 0 && steadyForMs >= this.#options.steadyMs) {
      this.#troubled = false;
      this.#options.onRecovered?.(this.#droppedLines);
    }
    this.#checkDue = this.#file.regular;
    if (this.#checkDue) this.#pump ??= this.#run();
  }

  /** Looks at the file and repairs what was done to it. False when that cannot be done now. */
  async #check(): Promise<boolean> {
    try {
      const bytesBefore = this.#bytes;
      const now = await lookAt(this.path).catch(() => this.#file); // what cannot be looked at now is taken for what it was
      if (now?.id === this.#file.id && (now === this.#file || now.bytes >= bytesBefore)) {
        this.#checkDue = false;
        this.#repairing = false;
        return true;
      }
      this.#repairing = true;
      if (now === undefined) this.#options.beforeReopen?.();
      const linesLeft = now === undefined ? 0 : await countLines(this.path, 0);
      const opened = await openAtEnd(this.path);
      await this.#syncing;
      closeSync(this.#file.fd);
      const what = now === undefined ? 'removed' : now.id === this.#file.id ? 'cut' : 'replaced';
      const missingLines = Math.max(0, this.#lines - linesLeft);
      this.#file = opened;
      this.#bytes = opened.bytes;
      this.#lines = linesLeft + opened.ended;
      this.#missingLines += missingLines;
      this.#checkDue = false;
      this.#repairing = false;
      this.#options.onDamage?.({ what, missingLines });
      return true;
    } catch (error) {
      this.#noteTrouble(error as Error);
      return false;
    }
  }

  /** Compares what was written with what is in the file, where that takes no time. */
  async #countAtEnd(): Promise<void> {
    const now = await lookAt(this.path);
    if (!this.#file.regular || now === undefined || now.bytes > COUNTED_BYTES) return;
    this.#missingLines += Math.max(0, this.#lines - (await countLines(this.path, 0)));
  }

  #noteTrouble(error: Error): void {
    this.#steadySinceMs = undefined;
    if (this.#troubled) return;
    this.#troubled = true;
    this.#options.onTrouble?.(error);
  }

  async #syncNow(): Promise<void> {
    if (!this.#dirty || this.#syncing !== undefined) return;
    this.#dirty = false;
    this.#syncing = this.#options
      .sync(this.#file.fd)
      .catch((error: NodeJS.ErrnoException) => {
        if (NOT_FOR_SYNC.includes(error.code ?? '') || this.#unsynced !== undefined) return;
        this.#unsynced = error.message;
        if (!this.#closing) this.#options.onUnsynced?.(error);
      })
      .finally(() => (this.#syncing = undefined));
    await this.#syncing;
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

/** A write that took longer, more than a busy machine adds to it, leaves the next ones to the queue for a while: the loop turns on the same thread. */
const SLOW_MS = 25;
const SLOW_FOR_MS = 1000;
const TURN_BYTES = 1 << 20;
const GIVE_UP_MS = 500;
const COUNT_MS = 1000;
const SYNC_MS = 2000;
const SYNC_HURRIED_MS = 300;
/** Read in a fraction of a second. */
const COUNTED_BYTES = 64 * 2 ** 20;

/** Whether the work was done in time; what it comes to is its own affair. */
async function within(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), ms)));
  const done = await Promise.race([work.then(() => true), late]);
  clearTimeout(timer);
  return done;
}

const NEWLINE = Buffer.from('\n');

/** In UTF-8, with a newline after each, at the most; Infinity where it is not all text. */
function mostBytesOf(lines: readonly Line[]): number {
  let most = 0;
  for (const line of lines) most += typeof line === 'string' ? 3 * line.length + 1 : Infinity;
  return most;
}

/** With a newline after each. */
function bytesOf(lines: readonly Line[]): Buffer {
  if (lines.length > 0 && lines.every((line) => typeof line === 'string')) return Buffer.from(`${lines.join('\n')}\n`);
  return Buffer.concat(lines.flatMap((line) => [typeof line === 'string' ? Buffer.from(line) : line, NEWLINE]));
}

function newlinesIn(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) count += 1;
  return count;
}

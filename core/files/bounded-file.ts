/**
 * Files that people name, read whole and within bounds: a regular file, or a pipe to its end. Devices, folders and sockets are refused before
 * a byte is read, nothing larger than the caller's limit is ever held, and a pipe that nobody writes into is given up. What stands in the way
 * is data; `why` says it as the end of a sentence that begins with the path.
 */
import { counted } from '../errors/counted.ts';
import { closeSync, constants, fstatSync, openSync, readSync, readlinkSync, statSync, type Stats } from 'node:fs';

export interface FileBounds {
  /** More bytes than these are refused. */
  maxBytes: number;
  /** Default 'read'. 'refuse' for files that are read more than once, which a pipe cannot be. */
  pipes?: 'read' | 'refuse';
  /** How long a pipe may have no writer, or a writer that writes nothing. */
  patienceMs?: { writer: number; bytes: number };
}

export type FileRefusal = 'missing' | 'not-allowed' | 'no-file' | 'too-large' | 'nothing-comes' | 'unreadable';

/** `mode` is that of the opened file. */
export type FileRead =
  { ok: true; bytes: Buffer; mode: number } | { ok: false; reason: FileRefusal; why: string; cause?: unknown };

const PATIENCE_MS = { writer: 5_000, bytes: 60_000 };
const CHUNK_BYTES = 1 << 16;
const PAUSE_MS = 10;

export function readBoundedFile(path: string, bounds: FileBounds): FileRead {
  let file: number;
  try {
    // A pipe without a writer would be waited for by open itself, without the second flag; the third: a terminal must not become ours.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    return refusalOf(error, path, bounds);
  }
  try {
    const facts = fstatSync(file);
    const { size } = facts;
    if (facts.isFile()) {
      return size > bounds.maxBytes ? tooLarge(bounds, size) : wholeFile(file, facts, bounds);
    }
    if (!facts.isFIFO()) return { ok: false, reason: 'no-file', why: `this is ${kindOf(facts)}, and no file` };
    if (bounds.pipes === 'refuse') return { ok: false, reason: 'no-file', why: NO_PIPE };
    return wholePipe(file, facts, bounds, !hasName(file));
  } catch (error) {
    return refusalOf(error, path, bounds);
  } finally {
    closeSync(file);
  }
}

const NO_PIPE = 'this is a pipe, and the file is read more than once; write it to a file first';

/** By its content and not by its size: files of the kernel say 0, and others grow. */
function wholeFile(file: number, { mode, size }: Stats, bounds: FileBounds): FileRead {
  const store = new Store(bounds.maxBytes, size + 1);
  for (;;) {
    const got = store.readFrom(file);
    if (got === 0) return { ok: true, bytes: store.bytes(), mode };
    if (store.overfull) return tooLarge(bounds);
  }
}

/** @param attended it has no name, so whoever had its other end had it from the beginning: nothing to read is its end */
function wholePipe(file: number, { mode }: Stats, bounds: FileBounds, attended: boolean): FileRead {
  const patienceMs = bounds.patienceMs ?? PATIENCE_MS;
  const store = new Store(bounds.maxBytes, CHUNK_BYTES);
  let waitedMs = { writer: 0, bytes: 0 };
  for (;;) {
    let missing: 'writer' | 'bytes' = 'writer';
    try {
      if (store.readFrom(file) > 0) {
        if (store.overfull) return tooLarge(bounds);
        waitedMs = { writer: 0, bytes: 0 };
        continue;
      }
      if (attended || store.length > 0) return { ok: true, bytes: store.bytes(), mode };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      missing = 'bytes';
    }
    if (waitedMs[missing] >= patienceMs[missing]) {
      const seconds = patienceMs[missing] / 1000;
      const why =
        missing === 'writer' ? `this is a pipe that nobody writes into (waited ${seconds} s)` : `nothing came for ${seconds} s`;
      return { ok: false, reason: 'nothing-comes', why };
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    waitedMs[missing] += PAUSE_MS;
  }
}

/** What was read so far: never more than one byte beyond the limit. */
class Store {
  #held: Buffer;
  length = 0;
  readonly #maxBytes: number;

  constructor(maxBytes: number, expected: number) {
    this.#maxBytes = maxBytes;
    this.#held = Buffer.allocUnsafe(Math.min(Math.max(expected, CHUNK_BYTES), maxBytes + 1));
  }

  get overfull(): boolean {
    return this.length > this.#maxBytes;
  }

  readFrom(file: number): number {
    if (this.length === this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.min(2 * this.#held.length, this.#maxBytes + 1));
      this.#held.copy(larger);
      this.#held = larger;
    }
    const got = readSync(file, this.#held, this.length, this.#held.length - this.length, null);
    this.length += got;
    return got;
  }

  bytes(): Buffer {
    return this.#held.subarray(0, this.length);
  }
}

function tooLarge({ maxBytes }: FileBounds, size?: number): FileRead {
  const found = size === undefined ? 'more than' : `${counted(size, 'byte')}, more than`;
  return { ok: false, reason: 'too-large', why: `holds ${found} the ${bytesText(maxBytes)} that are read here` };
}

const bytesText = (bytes: number): string =>
  bytes >= 2 ** 29
    ? `${Math.round(bytes / 2 ** 30)} GiB`
    : bytes >= 1_000_000
      ? `${Math.round(bytes / 1e6)} MB`
      : `${counted(bytes, 'byte')}`;

function hasName(file: number): boolean {
  try {
    return !readlinkSync(`/proc/self/fd/${file}`).startsWith('pipe:');
  } catch {
    return true; // no /proc here: then it is waited for
  }
}

const kindOf = (facts: Stats): string =>
  facts.isDirectory()
    ? 'a folder'
    : facts.isSocket()
      ? 'a socket'
      : facts.isBlockDevice() || facts.isCharacterDevice()
        ? 'a device'
        : 'something else';

function refusalOf(cause: unknown, path: string, bounds: FileBounds): FileRead {
  const { code = 'unknown' } = cause as NodeJS.ErrnoException;
  if (code === 'ENXIO') return ofSocket(path, bounds, cause);
  const known: Record<string, [FileRefusal, string] | undefined> = {
    ENOENT: ['missing', 'there is no such file'],
    ENOTDIR: ['missing', 'there is no such file: a part of the path is no folder'],
    ELOOP: ['missing', 'the links of this path lead round in a circle'],
    ENAMETOOLONG: ['missing', 'this is longer than a path can be'],
    ERR_INVALID_ARG_VALUE: ['missing', 'this is no path'],
    EISDIR: ['no-file', 'this is a folder, and no file'],
    EACCES: ['not-allowed', 'this user may not read it'],
    EPERM: ['not-allowed', 'this user may not read it'],
  };
  const [reason, why] = known[code] ?? ['unreadable', `it cannot be read (${code})`];
  return { ok: false, reason, why, cause };
}

/** A socket has no second opening: standard input that is one is read as it is. */
function ofSocket(path: string, bounds: FileBounds, cause: unknown): FileRead {
  const descriptor = /^\/dev\/stdin$/.test(path) ? '0' : /^\/(?:dev|proc\/self)\/fd\/(\d+)$/.exec(path)?.[1];
  if (descriptor === undefined || bounds.pipes === 'refuse') {
    const facts = statSync(path, { throwIfNoEntry: false });
    return { ok: false, reason: 'no-file', why: `this is ${facts ? kindOf(facts) : 'a device'}, and no file`, cause };
  }
  return wholePipe(Number(descriptor), fstatSync(Number(descriptor)), bounds, true);
}

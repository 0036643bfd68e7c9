/** Reads records.lp piece by piece, in whole lines: for the CSV table, for InfluxDB and for counting, in bounded memory. */
import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { parseLine, type Point } from './influx/line-protocol.ts';
import { MEASUREMENTS } from './influx/points.ts';

export const RECORDS_FILE = 'records.lp';

/**
 * One line as the point it is. Undefined for anything else, a line that was torn within its time among them: such a line reads as a point
 * of 1970. Times of records have 19 digits from 2001 to 2286.
 */
export function readRecord(line: string): Point | undefined {
  const point = parseLine(line);
  return point !== undefined && /\d{19}$/.test(line) && point.timeNs > 0n && MEASUREMENTS.includes(point.measurement)
    ? point
    : undefined;
}

export const isRecord = (line: string): boolean => readRecord(line) !== undefined;

/** How far a reader has come, and the bytes before that: where they differ, the file was cut or replaced under it. */
export interface Mark {
  byte: number;
  /** At most 64 bytes, one character each. */
  tail: string;
}

export const START: Mark = { byte: 0, tail: '' };

export interface Piece {
  lines: string[];
  mark: Mark;
  /** Lines longer than the reader takes, stepped over. */
  tooLong: number;
  /** The file is not the one that was read before: reading began anew at its first byte. */
  anew: boolean;
}

export interface ReadLimits {
  /** Also the longest line. */
  bytes: number;
  lines: number;
  /** A last line without its newline: left for later, or taken because nobody writes any more. */
  last: 'leave' | 'take';
}

/** Whole lines from a mark on, and the mark after them; the same mark when there is nothing. */
export async function readOn(path: string, from: Mark, limits: ReadLimits): Promise<Piece> {
  const file = await open(path, 'r');
  try {
    const before = from.tail.length;
    const buffer = Buffer.alloc(before + limits.bytes);
    // In one reading with what follows: the file may be replaced between two of them.
    let { bytesRead } = await file.read(buffer, 0, buffer.length, from.byte - before);
    const anew = buffer.toString('latin1', 0, Math.min(before, bytesRead)) !== from.tail;
    if (anew) ({ bytesRead } = await file.read(buffer, 0, limits.bytes, 0));
    const [begin, start] = anew ? [0, 0] : [before, from.byte];
    const read = buffer.subarray(0, bytesRead);
    const lines: string[] = [];
    let end = begin;
    while (lines.length < limits.lines) {
      const newline = read.indexOf(NEWLINE, end);
      if (newline < 0) break;
      lines.push(read.toString('utf8', end, newline));
      end = newline + 1;
    }
    const whole = bytesRead - begin >= limits.bytes;
    if (lines.length === 0 && whole) {
      const byte = await pastNewline(file, start + limits.bytes, buffer);
      return { lines, mark: { byte, tail: await tailBefore(file, byte) }, tooLong: 1, anew };
    }
    if (limits.last === 'take' && lines.length < limits.lines && end < bytesRead && !whole) {
      lines.push(read.toString('utf8', end));
      end = bytesRead;
    }
    const tail = read.toString('latin1', Math.max(0, end - TAIL_BYTES), end);
    const mark = end === begin && !anew ? from : { byte: start + end - begin, tail };
    return { lines, mark, tooLong: 0, anew };
  } finally {
    await file.close();
  }
}

/** Everything of a stored file, in pieces. */
export async function* allLines(path: string, limits: Omit<ReadLimits, 'last'>): AsyncGenerator<Piece> {
  for (let mark = START; ;) {
    const piece = await readOn(path, mark, { ...limits, last: 'take' });
    if (piece.mark.byte === mark.byte) return;
    mark = piece.mark;
    yield piece;
  }
}

/** Lines from a byte offset to the end; a last line without newline counts as not there. */
export async function countLines(path: string, fromByte: number): Promise<number> {
  let count = 0;
  for await (const chunk of createReadStream(path, { start: fromByte }) as AsyncIterable<Buffer>) {
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) count += 1;
  }
  return count;
}

const NEWLINE = 0x0a;
const TAIL_BYTES = 64;

async function tailBefore(file: FileHandle, byte: number): Promise<string> {
  const buffer = Buffer.alloc(Math.min(byte, TAIL_BYTES));
  const { bytesRead } = await file.read(buffer, 0, buffer.length, byte - buffer.length);
  return buffer.toString('latin1', 0, bytesRead);
}

/** The byte after the next newline, or the end of the file. */
async function pastNewline(file: FileHandle, from: number, buffer: Buffer): Promise<number> {
  for (let byte = from; ;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, byte);
    const newline = buffer.subarray(0, bytesRead).indexOf(NEWLINE);
    if (newline >= 0) return byte + newline + 1;
    if (bytesRead === 0) return byte;
    byte += bytesRead;
  }
}

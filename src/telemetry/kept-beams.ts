/**
 * Beams that a run keeps (`telemetry.keep` of the rig file), so that one can be looked at, checked and sent again: phase words, D and the
 * channel of each cycle that got as far as words, in `beams.bin` of the run folder. Numbers are as exact as they were.
 *
 * A cycle is one entry that ends in a newline, and compressed by itself: a file that was cut off anywhere, or damaged in the middle, has lost
 * what is damaged and nothing else, as with records. Inside an entry there is no newline: it is COBS, by which no byte is 0, and each byte of
 * that XOR 0x0a, by which none is a newline.
 *
 *   entry    version 1 (uint8) · what is kept (uint8: 1 words and D, 2 channel, 3 both) · cycle (uint64) · body, deflated · CRC-32C of all before it
 *   body     N, M, K (uint16) · Q (uint8) · [ words, Q bits each, as firmware-protocol/packing.ts packs them · D, M×K ] · [ H, K×N ]
 *   matrix   real parts, then imaginary parts, row-major, float64; the first bytes of all of them, then the second bytes, …: those are alike
 *
 * All numbers are little-endian.
 */
import { createReadStream } from 'node:fs';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { crc32c } from '../../firmware-protocol/crc32c.ts';
import { packedLength, packWords, unpackWords } from '../../firmware-protocol/packing.ts';
import { cobsDecode, cobsEncode } from '../../firmware-protocol/serial-framing.ts';
import type { RigFile } from '../config/rig-file.ts';
import type { CommandedBeam } from './cycle-record.ts';

export const KEPT_FILE = 'beams.bin';

/** What of each cycle is kept; D goes with the words, for one without the other is no beam. */
type Keep = RigFile['telemetry']['keep'];

export interface KeptBeam {
  cycle: number;
  elements: number;
  rfChains: number;
  users: number;
  /** Q of the cycle. */
  phaseBits: number;
  /** N·M words, word (n, m) at n·M + m, and D, M×K. */
  beam?: { words: Uint16Array; digital: CMatrix };
  /** H, K×N. */
  channel?: CMatrix;
}

const VERSION = 1;
const WORDS = 1;
const CHANNEL = 2;
const HEAD_BYTES = 10;
const CRC_BYTES = 4;
const BODY_HEAD_BYTES = 7;
/** Faster than more, and hardly larger: most bytes of a channel are as good as random. */
const LEVEL = 1;

/** One cycle as an entry of the file, without its newline; undefined where nothing is to be kept. */
export function encodeKept(cycle: number, phaseBits: number, beam: CommandedBeam, keep: Keep): Uint8Array | undefined {
  const what = { none: 0, words: WORDS, channels: CHANNEL, all: WORDS | CHANNEL }[keep];
  if (what === 0) return undefined;
  const { words, digital, channel } = beam;
  const body = Buffer.alloc(BODY_HEAD_BYTES);
  body.writeUInt16LE(channel.cols, 0);
  body.writeUInt16LE(digital.rows, 2);
  body.writeUInt16LE(channel.rows, 4);
  body.writeUInt8(phaseBits, 6);
  const parts: Uint8Array[] = [body];
  if ((what & WORDS) !== 0) parts.push(packWords(words, phaseBits), planesOf(digital));
  if ((what & CHANNEL) !== 0) parts.push(planesOf(channel));
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt8(VERSION, 0);
  head.writeUInt8(what, 1);
  head.writeBigUInt64LE(BigInt(cycle), 2);
  const checked = Buffer.concat([head, deflateRawSync(Buffer.concat(parts), { level: LEVEL }), Buffer.alloc(CRC_BYTES)]);
  const end = checked.length - CRC_BYTES;
  checked.writeUInt32LE(crc32c(checked.subarray(0, end)), end);
  return withoutNewlines(checked);
}

/** An entry back; undefined for anything that is no whole entry. */
export function decodeKept(entry: Uint8Array): KeptBeam | undefined {
  const head = headOf(entry);
  if (!head?.isWhole()) return undefined;
  try {
    return readBody(head, inflateRawSync(head.body, { maxOutputLength: MOST_BYTES }));
  } catch {
    return undefined; // whole, and of no beam: a length does not fit
  }
}

/** The largest rig of 16-bit numbers never comes near it. */
const MOST_BYTES = 1 << 28;

interface Head {
  what: number;
  cycle: number;
  body: Uint8Array;
  /** Asked of the one entry that is wanted: it takes longer than all the rest. */
  isWhole: () => boolean;
}

function headOf(entry: Uint8Array): Head | undefined {
  const bytes = cobsDecode(entry.map((byte) => byte ^ NEWLINE));
  if (bytes === undefined || bytes.length < HEAD_BYTES + CRC_BYTES || bytes[0] !== VERSION) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = bytes.length - CRC_BYTES;
  return {
    what: bytes[1],
    cycle: Number(view.getBigUint64(2, true)),
    body: bytes.subarray(HEAD_BYTES, end),
    isWhole: () => crc32c(bytes.subarray(0, end)) === view.getUint32(end, true),
  };
}

function readBody({ what, cycle }: Head, body: Buffer): KeptBeam | undefined {
  const [elements, rfChains, users] = [body.readUInt16LE(0), body.readUInt16LE(2), body.readUInt16LE(4)];
  const phaseBits = body.readUInt8(6);
  const kept: KeptBeam = { cycle, elements, rfChains, users, phaseBits };
  let at = BODY_HEAD_BYTES;
  const take = (bytes: number): Uint8Array => body.subarray(at, (at += bytes));
  if ((what & WORDS) !== 0) {
    const count = elements * rfChains;
    const words = unpackWords(take(packedLength(count, phaseBits)), phaseBits, count);
    kept.beam = { words, digital: matrixOf(take(16 * rfChains * users), rfChains, users) };
  }
  if ((what & CHANNEL) !== 0) kept.channel = matrixOf(take(16 * users * elements), users, elements);
  return at === body.length ? kept : undefined;
}

export interface KeptSearch {
  found: KeptBeam | undefined;
  /** Entries that were read, and those among them that are no whole ones. */
  entries: number;
  damaged: number;
  /** Cycles that are kept, as far as was read. */
  first: number | undefined;
  last: number | undefined;
}

/** The beam of a cycle, in bounded memory: the file is read from its beginning. Throws what the system says of a file that cannot be read. */
export async function findKept(path: string, cycle: number): Promise<KeptSearch> {
  const search: KeptSearch = { found: undefined, entries: 0, damaged: 0, first: undefined, last: undefined };
  for await (const entry of entriesOf(path)) {
    search.entries++;
    const head = entry === undefined ? undefined : headOf(entry);
    if (entry === undefined || head === undefined) {
      search.damaged++;
      continue;
    }
    search.first ??= head.cycle;
    search.last = head.cycle;
    if (head.cycle !== cycle) continue;
    search.found = decodeKept(entry);
    if (search.found !== undefined) return search;
    search.damaged++;
  }
  return search;
}

/** Longer than any entry that this program writes. */
const LONGEST_ENTRY = 1 << 26;
const NEWLINE = 0x0a;

/** Entries without their newlines; undefined for one that is too long. A last one without its newline is half, or lacks that only. */
async function* entriesOf(path: string): AsyncGenerator<Uint8Array | undefined> {
  let parts: Buffer[] = [];
  let length = 0;
  const whole = (): Uint8Array | undefined => {
    const entry = length > LONGEST_ENTRY ? undefined : Buffer.concat(parts);
    parts = [];
    length = 0;
    return entry;
  };
  const add = (bytes: Buffer): void => {
    length += bytes.length;
    if (length <= LONGEST_ENTRY) parts.push(bytes);
    else parts = [];
  };
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, at));
      yield whole();
      start = at + 1;
    }
    if (start < chunk.length) add(chunk.subarray(start));
  }
  if (length > 0) yield whole();
}

function withoutNewlines(bytes: Uint8Array): Uint8Array {
  const entry = cobsEncode(bytes);
  for (let i = 0; i < entry.length; i++) entry[i] ^= NEWLINE;
  return entry;
}

function planesOf({ re, im }: CMatrix): Uint8Array {
  const count = re.length + im.length;
  const numbers = new Float64Array(count);
  numbers.set(re);
  numbers.set(im, re.length);
  const bytes = new Uint8Array(numbers.buffer);
  const planes = new Uint8Array(bytes.length);
  for (let i = 0; i < count; i++) for (let plane = 0; plane < 8; plane++) planes[plane * count + i] = bytes[8 * i + plane];
  return planes;
}

function matrixOf(planes: Uint8Array, rows: number, cols: number): CMatrix {
  const count = 2 * rows * cols;
  const bytes = new Uint8Array(8 * count);
  for (let i = 0; i < count; i++) for (let plane = 0; plane < 8; plane++) bytes[8 * i + plane] = planes[plane * count + i];
  const numbers = new Float64Array(bytes.buffer);
  return { rows, cols, re: numbers.slice(0, rows * cols), im: numbers.slice(rows * cols) };
}

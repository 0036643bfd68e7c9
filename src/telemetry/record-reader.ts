/** Reads records.lp piece by piece, in whole lines: for the CSV table, for InfluxDB and for counting, in bounded memory. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';

/** Whole lines from a byte offset on, and the offset after them. A line that is still being written is left for the next call. */
export async function readLines(
  path: string,
  fromByte: number,
  most: { bytes: number; lines: number },
): Promise<{ lines: string[]; nextByte: number }> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(most.bytes);
    const { bytesRead } = await file.read(buffer, 0, most.bytes, fromByte);
    const lines: string[] = [];
    let start = 0;
    while (lines.length < most.lines) {
      const end = buffer.subarray(0, bytesRead).indexOf(NEWLINE, start);
      if (end < 0) break;
      lines.push(buffer.toString('utf8', start, end));
      start = end + 1;
    }
    // A line longer than the whole buffer is no record of ours; step over it, or the reader would stand still for ever.
    const stuck = lines.length === 0 && bytesRead === most.bytes;
    return { lines, nextByte: fromByte + (stuck ? bytesRead : start) };
  } finally {
    await file.close();
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

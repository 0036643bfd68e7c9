/** What is kept of beams comes back to the last bit, whatever was done to the file besides. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { zeros, type CMatrix } from '../../core/signal/complex-matrix.ts';
import { createRandom } from '../../core/signal/random.ts';
import { AppendFile } from './append-file.ts';
import type { CommandedBeam } from './cycle-record.ts';
import { decodeKept, encodeKept, findKept } from './kept-beams.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-kept-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newPath = (): string => join(folder, `${files++}.bin`);

/** Numbers of any size and sign, and those whose bytes are newlines and zeros. */
const ODD = [0, -0, Number.MIN_VALUE, Number.MAX_VALUE, -1e-300, Math.PI * 1e-310, 1 / 3];
function beamOf(seed: number, phaseBits: number, [elements, rfChains, users] = [8, 2, 3]): CommandedBeam {
  const random = createRandom(seed);
  const matrix = (rows: number, cols: number): CMatrix => {
    const made = zeros(rows, cols);
    for (const part of [made.re, made.im])
      part.forEach((_, i) => (part[i] = i % 5 === 4 ? ODD[(i + seed) % ODD.length] : random.normal()));
    return made;
  };
  const words = Uint16Array.from({ length: elements * rfChains }, () => Math.floor(random.uniform() * 2 ** phaseBits));
  return { words, digital: matrix(rfChains, users), channel: matrix(users, elements) };
}
const written = (cycle: number, seed = cycle): Uint8Array => encodeKept(cycle, 6, beamOf(seed, 6), 'all') as Uint8Array;

describe('an entry', () => {
  it('is exact for every Q, holds no newline, and has what was to be kept and no more', () => {
    for (let phaseBits = 1; phaseBits <= 16; phaseBits++) {
      for (const cycle of [0, 10, 2570, 0x0a0a0a0a, Number.MAX_SAFE_INTEGER]) {
        const { words, digital, channel } = beamOf((cycle % 1000) + phaseBits, phaseBits);
        const size = { cycle, elements: 8, rfChains: 2, users: 3, phaseBits };
        for (const [keep, what] of [
          ['all', { beam: { words, digital }, channel }],
          ['words', { beam: { words, digital } }],
          ['channels', { channel }],
        ] as const) {
          const entry = encodeKept(cycle, phaseBits, { words, digital, channel }, keep) as Uint8Array;
          expect(entry).not.toContain(0x0a);
          expect(decodeKept(entry)).toStrictEqual({ ...size, ...what });
        }
      }
    }
    expect(encodeKept(0, 6, beamOf(1, 6), 'none')).toBeUndefined();
  });

  it('that is cut or changed anywhere is no entry', () => {
    const entry = written(7);
    for (let length = 0; length < entry.length; length++) expect(decodeKept(entry.subarray(0, length))).toBeUndefined();
    for (let at = 0; at < entry.length; at++) {
      const changed = entry.slice();
      changed[at] ^= 0x10;
      expect(decodeKept(changed)).toBeUndefined();
    }
  });
});

describe('a file of kept beams', () => {
  it('gives the beam of any cycle, and says which there are', async () => {
    const path = newPath();
    const file = new AppendFile(path);
    for (let cycle = 3; cycle < 400; cycle++) if (cycle !== 40) file.append(written(cycle));
    expect(await file.close()).toBe(0);
    for (const cycle of [3, 41, 399]) {
      const { words, digital, channel } = beamOf(cycle, 6);
      expect((await findKept(path, cycle)).found).toMatchObject({ cycle, beam: { words, digital }, channel });
    }
    expect(await findKept(path, 40)).toEqual({ found: undefined, entries: 396, damaged: 0, first: 3, last: 399 });
  });

  it('loses half an entry at its end and what is damaged, and nothing beside it', async () => {
    const path = newPath();
    const half = written(1);
    writeFileSync(path, Buffer.concat([written(0), Buffer.from('\n'), half.subarray(0, half.length >> 1)]));
    // Opened again, as after a crash: new entries do not go on with the half one.
    const file = new AppendFile(path);
    file.append(written(2));
    await file.close();
    expect(await findKept(path, 1)).toEqual({ found: undefined, entries: 3, damaged: 1, first: 0, last: 2 });
    expect((await findKept(path, 2)).found?.cycle).toBe(2);
    appendFileSync(path, Buffer.concat([Buffer.alloc(5000), Buffer.from('\n'), written(3)]));
    expect((await findKept(path, 3)).found?.cycle, 'the last one lacks its newline only').toBe(3);
    const bytes = readFileSync(path);
    bytes[40] ^= 0xff;
    writeFileSync(path, bytes);
    expect((await findKept(path, 0)).found).toBeUndefined();
    expect((await findKept(path, 2)).found?.cycle).toBe(2);
  });

  it('steps over an entry that is longer than any, in bounded memory', async () => {
    const path = newPath();
    writeFileSync(path, Buffer.alloc(3 << 20, 0x41));
    for (let i = 0; i < 24; i++) appendFileSync(path, Buffer.alloc(3 << 20, 0x41));
    appendFileSync(path, Buffer.concat([Buffer.from('\n'), written(5), Buffer.from('\n')]));
    expect(await findKept(path, 5)).toMatchObject({ found: { cycle: 5 }, entries: 2, damaged: 1 });
  });
});

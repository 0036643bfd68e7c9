import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { goldenPath, goldenSetting, readGolden, writeGolden, type GoldenOf } from './golden.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-golden-'));
afterAll(() => rmSync(folder, { recursive: true }));

const of: GoldenOf = { scenario: 'cable', case: 'model=a/b snrDb=10', seed: 7, elements: 64, rfChains: 2, phaseBits: 5 };
const path = goldenPath(folder, of);
const words = Array.from({ length: 20 }, (_, beam) => Uint16Array.from({ length: 128 }, (__, i) => (i * 7 + beam) % 32));
beforeEach(() => writeGolden(path, of, words, { beamrig: '0.1.0', model: 'abc' }));

describe('a golden', () => {
  it('is read as it was written, and says what made it', () => {
    expect(readGolden(path, of)).toEqual({ words, from: `${path} (beamrig 0.1.0, model abc)` });
  });

  it('is the same bytes whenever it is written, and leaves nothing beside it', () => {
    const before = readFileSync(path);
    writeGolden(path, of, words, { beamrig: '0.1.0', model: 'abc' });
    expect(readFileSync(path)).toEqual(before);
    expect(readdirSync(join(folder, 'goldens'))).toHaveLength(1);
  });

  it('has a file of its own for every case, whatever signs its name has', () => {
    const names = ['', 'snrDb=10', 'model=a/b', 'model=a_b', 'model=a b', 'x'.repeat(500), 'x'.repeat(501)].map((id) =>
      goldenPath('/s', { scenario: 'cable', case: id }),
    );
    expect(names.slice(0, 2)).toEqual(['/s/goldens/cable.golden.json', '/s/goldens/cable.snrDb=10.golden.json']);
    expect(new Set(names).size).toBe(names.length);
    expect(Math.max(...names.map((name) => name.length))).toBeLessThan(200);
    expect(goldenPath('/s', of, 'mine/a.json')).toBe('/s/mine/a.json');
  });

  it('is never one of nothing, which would match anything', () => {
    const before = readFileSync(path, 'utf8');
    expect(() => writeGolden(path, of, [], {})).toThrow(/no cycle was good/);
    expect(readFileSync(path, 'utf8')).toBe(before);
  });

  it('is of the first seed: others are not compared', () => {
    expect(goldenSetting(path, of, 7)).toMatchObject({ words });
    expect(goldenSetting(path, of, 8)).toEqual({ onlySeed: 7 });
  });
});

describe('a golden is refused', () => {
  it('where it is missing, with the way to make it', () => {
    expect(goldenSetting(join(folder, 'none'), of, 7)).toMatch(/there is no golden Write it with --update-golden/);
  });

  it('wherever a byte of it is another', () => {
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length - 1; at += 13) {
      const damaged = Buffer.from(whole);
      damaged[at] ^= 1;
      writeFileSync(path, damaged);
      if (JSON.stringify(readJsonOrNone(damaged)) === JSON.stringify(readJsonOrNone(whole))) continue; // a blank between two signs
      expect(() => readGolden(path, of), `byte ${at}`).toThrow(/damaged|format/);
    }
    writeFileSync(path, whole.subarray(0, whole.length / 2));
    expect(() => readGolden(path, of)).toThrow(/damaged/);
  });

  it('of another format, or made for another array or seed', () => {
    expect(() => readGolden(path, { ...of, elements: 32, phaseBits: 4 })).toThrow(/made for N, Q = 64, 5, and here it is 32, 4/);
    expect(() => readGolden(path, { ...of, seed: 9 })).toThrow(/made for seed = 7, and here it is 9/);
    writeFileSync(path, JSON.stringify({ format: 'beamrig-golden-2' }));
    expect(() => readGolden(path, of)).toThrow(/its format is beamrig-golden-2, and this program reads beamrig-golden-1/);
  });
});

function readJsonOrNone(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

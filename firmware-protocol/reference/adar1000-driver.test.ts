/** The driver in C: its table against vectors derived apart from it, and its SPI words against the chip and against the data sheet. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Adar1000, adar1000Word } from './adar1000.ts';
import { hasPart } from '../../test/parts.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const vectors = JSON.parse(readFileSync(join(HERE, 'vectors', 'adar1000.json'), 'utf8')) as {
  states: { word: number; i: number; q: number; phaseErrorDeg: number }[];
};
const PLACES = 24;

describe.skipIf(!hasPart('gcc'))('the ADAR1000 driver [needs gcc]', () => {
  let folder: string;
  let lines: string[][];
  const wordsOf = (name: string): { lines: number; word: number }[] =>
    lines
      .filter((line) => line[0] === name)
      .map(([, select, word]) => ({ lines: parseInt(select, 16), word: parseInt(word, 16) }));

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'beamrig-driver-'));
    const program = join(folder, 'driver');
    const checks = ['-std=c99', '-Wall', '-Wextra', '-Werror', '-pedantic', '-Wconversion', '-fsanitize=address,undefined'];
    execFileSync('gcc', [...checks, join(HERE, 'test', 'adar1000_lines.c'), join(HERE, 'adar1000.c'), '-o', program]);
    lines = execFileSync(program, { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map((line) => line.split(' '));
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('has the 128 codes of the data sheet', () => {
    const table = lines.filter(([name]) => name === 'phase').map(([, ...numbers]) => numbers.map(Number));
    expect(table).toEqual(vectors.states.map(({ word, i, q }) => [word, i, q]));
  });

  it('has a table that ripples by 0.78 dB and misses its phases by 1.4° RMS', () => {
    const steps = (code: number): number => ((code & 0x20) !== 0 ? 1 : -1) * (code & 0x1f);
    const states = lines
      .filter(([name]) => name === 'phase')
      .map(([, word, i, q]) => ({ word: +word, re: steps(+i), im: steps(+q) }));
    const magnitudes = states.map(({ re, im }) => Math.hypot(re, im));
    const errors = states.map(({ word, re, im }) => {
      const turned = (Math.atan2(im, re) * 180) / Math.PI - 2.8125 * word;
      return ((turned + 540) % 360) - 180;
    });
    const rms = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / 128);
    expect(20 * Math.log10(Math.max(...magnitudes) / Math.min(...magnitudes))).toBeCloseTo(0.7805, 4);
    expect(rms).toBeCloseTo(1.3971, 4);
  });

  it('latches with the transmit bit, in the chips of all addresses and all lines', () => {
    expect(wordsOf('load')).toEqual([0x002802, 0x202802, 0x402802, 0x602802].map((word) => ({ lines: 0b11, word })));
  });

  it('reaches the chips of all 32 lines of the largest array', () => {
    expect(wordsOf('largest')).toEqual([0x002802, 0x202802, 0x402802, 0x602802].map((word) => ({ lines: 0xffffffff, word })));
  });

  it('writes I and Q of place 0 and of place 22 where they belong', () => {
    const staged = wordsOf('stage');
    // Place 0: word 0, I = 3F, Q = 20, registers 20 and 21 of address 0 on line 0.
    expect(staged).toContainEqual({ lines: 1, word: 0x00203f });
    expect(staged).toContainEqual({ lines: 1, word: 0x002120 });
    // Place 22: word 110 (309.375°), I = 33, Q = 17, channel 3 of address 1 on line 1.
    expect(staged).toContainEqual({ lines: 2, word: 0x202433 });
    expect(staged).toContainEqual({ lines: 2, word: 0x202517 });
  });

  it('writes and reads the scratch pad of one address', () => {
    expect(wordsOf('scratch')).toEqual([
      { lines: 2, word: 0x600a5a },
      { lines: 2, word: 0xe00a00 },
    ]);
  });

  /** Six chips on two lines, told what the driver says. */
  function toldTo(...names: string[]): (number | undefined)[] {
    const chips = Array.from({ length: PLACES / 4 }, (_, chip) => new Adar1000(chip % 4));
    for (const { lines: select, word } of names.flatMap(wordsOf)) {
      chips.forEach((chip, at) => (select & (1 << Math.floor(at / 4))) !== 0 && chip.word(word));
    }
    return chips.flatMap((chip) => [0, 1, 2, 3].map((channel) => adar1000Word(chip.transmitted(channel))));
  }
  const beam = Array.from({ length: PLACES }, (_, place) => 5 * place);
  const dark = new Array<undefined>(PLACES).fill(undefined);

  it('shows a beam only when it is loaded, and nothing after a mute', () => {
    expect(toldTo('start')).toEqual(dark);
    expect(toldTo('start', 'stage')).toEqual(dark);
    expect(toldTo('start', 'stage', 'load')).toEqual(beam);
    expect(toldTo('start', 'stage', 'load', 'mute')).toEqual(dark);
    // Staging enables the transmitters: only gains of nothing keep them dark until the load.
    expect(toldTo('start', 'stage', 'load', 'mute', 'stage')).toEqual(dark);
    expect(toldTo('start', 'stage', 'load', 'mute', 'stage', 'load')).toEqual(beam);
  });

  it('switches the transmitters off before all else in a mute, and gives them bias and full gain with a beam', () => {
    expect(wordsOf('mute')[0]).toEqual({ lines: 0b11, word: 0x002f00 });
    const staged = wordsOf('stage');
    for (const address of [0, 1, 2, 3]) {
      for (const word of [0x001cff, 0x001dff, 0x001eff, 0x001fff, 0x00362d, 0x003706]) {
        expect(staged).toContainEqual({ lines: 0b11, word: (address << 21) | word });
      }
    }
  });

  it('is heard by chips that were without supply in between', () => {
    expect(toldTo('stage', 'load')).toEqual(beam);
  });

  it('stores a beam in RAM without showing it, and fetches it in a few words', () => {
    expect(toldTo('start', 'store', 'load')).toEqual(dark);
    expect(toldTo('start', 'store', 'fetch', 'load')).toEqual(beam);
    expect(toldTo('start', 'store', 'fetch', 'load', 'mute')).toEqual(dark);
    expect(wordsOf('fetch').length).toBeLessThan(wordsOf('stage').length);
  });
});

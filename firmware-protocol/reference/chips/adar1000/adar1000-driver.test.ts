/** The driver in C: its table against vectors derived apart from it, and its words against the data sheet; chips.test.ts has the rest. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { adar1000 } from '../../../../hil-sim/chips/adar1000.ts';
import { hasPart } from '../../../../test/parts.ts';
import type { DriverLines } from '../../test/driver-lines.ts';
import { chipsOnLines, driverLines, shownBy } from '../../test/driver-lines.ts';

const vectors = JSON.parse(readFileSync(new URL('./adar1000.json', import.meta.url), 'utf8')) as {
  states: { word: number; i: number; q: number }[];
};
const PLACES = 24;

describe.skipIf(!hasPart('gcc'))('the ADAR1000 driver [needs gcc]', () => {
  let wordsOf: DriverLines['wordsOf'];
  beforeAll(() => {
    ({ wordsOf } = driverLines('adar1000', PLACES, 5));
  }, 60_000);

  it('has the 128 codes of the data sheet', () => {
    // 128 places with the words 0 to 127: I and Q of channel c of a chip go to registers 20 + 2c and 21 + 2c.
    const codes = driverLines('adar1000', 128, 1)
      .wordsOf('stage')
      .filter(({ word }) => ((word >> 8) & 0xff8) === 0x020);
    const pairs = Array.from({ length: 128 }, (_, word) => [codes[2 * word].word & 0xff, codes[2 * word + 1].word & 0xff]);
    expect(codes).toHaveLength(256);
    expect(pairs).toEqual(vectors.states.map(({ i, q }) => [i, q]));
  });

  it('latches with the transmit bit, in the chips of all addresses and all lines', () => {
    expect(wordsOf('load')).toEqual([0x002802, 0x202802, 0x402802, 0x602802].map((word) => ({ lines: 0b11, word })));
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
    expect(wordsOf('mark')).toEqual([
      { lines: 1, word: 0x200a5a },
      { lines: 1, word: 0xa00a00 },
    ]);
  });

  it('is dark between a mute and the next load, though staging enables the transmitters', () => {
    const { chips, take } = chipsOnLines(adar1000, PLACES);
    for (const name of ['start', 'stage', 'load', 'mute', 'stage']) take(wordsOf(name));
    expect(shownBy(adar1000, chips)).toEqual(new Array<undefined>(PLACES).fill(undefined));
    take(wordsOf('load'));
    expect(shownBy(adar1000, chips)).toEqual(Array.from({ length: PLACES }, (_, place) => 5 * place));
  });

  it('takes enables and gains with the load and not before, and keeps them with a beam in memory', () => {
    const { chips, take } = chipsOnLines(adar1000, PLACES);
    const amplitudes = (): number[] =>
      chips.flatMap((chip) =>
        [0, 1, 2, 3].map((channel) => {
          const { re, im } = chip.radiated(channel);
          return Math.hypot(re, im);
        }),
      );
    const enables = (): (number | undefined)[] => chips.map((chip, at) => chip.word((0x802f | ((at % 4) << 13)) << 8));
    const says = (...names: string[]): void => names.forEach((name) => take(wordsOf(name)));
    says('start', 'stage', 'load');
    const whole = amplitudes();
    says('stage-set');
    expect(amplitudes()).toEqual(whole);
    // The word that loads, for each address: from here on what is off radiates nothing, before its channel is switched off.
    const loading = wordsOf('load-set');
    expect(loading.slice(0, 4).every(({ word }) => (word & 0xff_ff) === 0x2802)).toBe(true);
    take(loading.slice(0, 4));
    const loaded = amplitudes();
    take(loading.slice(4));
    expect(amplitudes()).toEqual(loaded);
    // Every third place is off, and place p is at gain word p.
    const set = whole.map((amplitude, place) => (place % 3 === 0 ? 0 : (amplitude * (place + 1)) / 128));
    amplitudes().forEach((amplitude, place) => expect(amplitude).toBeCloseTo(set[place], 9));
    // Off are channels 1 and 4 of the first chip, 3 of the second, 2 of the third, and so on; bit 6 is channel 1.
    const registers = [0b011_0111, 0b110_1111, 0b101_1111];
    expect(enables()).toEqual([...registers, ...registers]);
    // What comes on is enabled before the load, and radiates nothing until then.
    says('stage-again');
    expect(enables()).toEqual(new Array<number>(6).fill(0x7f));
    amplitudes().forEach((amplitude, place) => expect(amplitude).toBeCloseTo(set[place], 9));
    says('load-again');
    expect(amplitudes()).toEqual(whole);
    says('fetch-set');
    amplitudes().forEach((amplitude, place) => expect(amplitude).toBeCloseTo(set[place], 9));
    says('mute');
    expect(amplitudes().every((amplitude) => amplitude === 0)).toBe(true);
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
});

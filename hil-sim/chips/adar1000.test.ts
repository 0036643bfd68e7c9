/** The simulated chip is held to the data sheet's facts: words as a logic analyser would show them, and vectors derived apart from it. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Adar1000, adar1000 } from './adar1000.ts';

interface Vectors {
  meanMagnitudeSteps: number;
  rippleDb: number;
  rmsPhaseErrorDeg: number;
  states: { word: number; i: number; q: number; re: number; im: number; phaseErrorDeg: number }[];
}
const vectors = JSON.parse(
  readFileSync(new URL('../../firmware-protocol/reference/chips/adar1000/adar1000.json', import.meta.url), 'utf8'),
) as Vectors;

/** A chip with address pins 0 that transmits: enables and direction set, registers and not RAM in use. */
function transmittingChip(): Adar1000 {
  const chip = new Adar1000(0);
  for (const word of [0x002f7f, 0x003142, 0x003860]) chip.word(word);
  return chip;
}

describe('the phase states of an ADAR1000', () => {
  it('are those derived from the data sheet, all 128', () => {
    const { re, im } = adar1000.states();
    expect(vectors.states).toHaveLength(2 ** adar1000.phaseBits);
    for (const state of vectors.states) {
      expect(re[state.word] * vectors.meanMagnitudeSteps).toBeCloseTo(state.re, 6);
      expect(im[state.word] * vectors.meanMagnitudeSteps).toBeCloseTo(state.im, 6);
      expect(adar1000.wordOf({ re: state.re, im: state.im })).toBe(state.word);
    }
  });

  it('ripple by 0.78 dB and miss their phase by 1.4° RMS, 3.1° at worst', () => {
    const { re, im } = adar1000.states();
    const magnitudes = Array.from(re, (x, word) => Math.hypot(x, im[word]));
    const errorsDeg = Array.from(re, (x, word) => {
      const turned = Math.atan2(im[word], x) - (2 * Math.PI * word) / 2 ** adar1000.phaseBits;
      return (Math.asin(Math.sin(turned)) * 180) / Math.PI;
    });
    const rms = Math.sqrt(errorsDeg.reduce((sum, error) => sum + error * error, 0) / 2 ** adar1000.phaseBits);
    expect(magnitudes.reduce((sum, magnitude) => sum + magnitude, 0) / 2 ** adar1000.phaseBits).toBeCloseTo(1, 12);
    expect(20 * Math.log10(Math.max(...magnitudes) / Math.min(...magnitudes))).toBeCloseTo(0.7805, 4);
    expect(rms).toBeCloseTo(1.3971, 4);
    expect(Math.max(...errorsDeg.map(Math.abs))).toBeCloseTo(3.12, 3);
    expect([vectors.rippleDb, vectors.rmsPhaseErrorDeg].map((x) => x.toFixed(4))).toEqual(['0.7805', '1.3971']);
  });

  it('know a vector that is none of them', () => {
    expect(adar1000.wordOf({ re: 0, im: 0 })).toBeUndefined();
    expect(adar1000.wordOf({ re: 30, im: 30 })).toBeUndefined();
  });
});

describe('an ADAR1000 on its SPI', () => {
  it('keeps what is written apart from what is loaded, and loads transmit and receive each by its own bit', () => {
    const chip = transmittingChip();
    // Channel 1: gain, I = +22, Q = +21 (45°), for transmit and the same for receive.
    for (const word of [0x001cff, 0x002036, 0x002135, 0x0010ff, 0x001436, 0x001535]) chip.word(word);
    expect(chip.radiated(0)).toEqual({ re: 0, im: 0 });
    chip.word(0x002801);
    expect([chip.radiated(0), chip.received(0)]).toEqual([
      { re: 0, im: 0 },
      { re: 22, im: 21 },
    ]);
    chip.word(0x002802);
    expect(chip.radiated(0)).toEqual({ re: 22, im: 21 });
    expect(chip.radiated(1)).toEqual({ re: 0, im: 0 });
  });

  it('reads the sign from bit 5 and the magnitude from bits 4 to 0', () => {
    const chip = transmittingChip();
    for (const word of [0x001fff, 0x00261f, 0x00273d, 0x002802]) chip.word(word);
    expect(chip.radiated(3)).toEqual({ re: -31, im: 29 });
  });

  it('hears words of its own address only', () => {
    const chip = new Adar1000(2);
    chip.word(0x000018);
    expect(chip.word(0x800a00)).toBeUndefined();
    for (const word of [0x400018, 0x400a5a, 0x200aff, 0x600aff]) chip.word(word);
    expect(chip.word(0xc00a00)).toBe(0x5a);
  });

  it('drives its data output in four-wire mode only', () => {
    const chip = new Adar1000(0);
    chip.word(0x000a5a);
    expect(chip.word(0x800a00)).toBeUndefined();
    chip.word(0x000018);
    expect(chip.word(0x800a00)).toBe(0x5a);
  });

  it.each([
    ['the channel', 0x002f3f],
    ['the vector modulators', 0x002f7d],
    ['the drivers', 0x002f7b],
    ['the amplifiers', 0x002f7e],
    ['the transmitter', 0x003102],
    ['the direction, to receive', 0x003140],
  ])('is silent on a channel when %s is switched off', (_what, word) => {
    const chip = transmittingChip();
    for (const set of [0x001cff, 0x00203f, 0x002120, 0x002802]) chip.word(set);
    expect(chip.radiated(0)).toEqual({ re: 31, im: 0 });
    chip.word(word);
    expect(chip.radiated(0)).toEqual({ re: 0, im: 0 });
  });

  it('is silent with a gain of nothing, once that is loaded', () => {
    const chip = transmittingChip();
    for (const word of [0x001cff, 0x00203f, 0x002120, 0x002802, 0x001c00]) chip.word(word);
    expect(chip.radiated(0).re).toBe(31);
    chip.word(0x002802);
    expect(chip.radiated(0).re).toBe(0);
  });

  it.each([
    [0xff, 31],
    [0x80, 31 / 128],
    [0xbf, 15.5],
    [0x3f, 15.5],
  ])('radiates at the nominal amplitude of gain %i', (gain, re) => {
    const chip = transmittingChip();
    for (const word of [0x001c00 | gain, 0x00203f, 0x002120, 0x002802]) chip.word(word);
    expect(chip.radiated(0)).toEqual({ re, im: 0 });
  });

  it('shows a beam of its RAM when that is fetched and loaded', () => {
    const chip = transmittingChip();
    // Position 5, channel 2: gain, I = -31, Q = +1.
    for (const word of [0x1854ff, 0x18551f, 0x185621]) chip.word(word);
    chip.word(0x003820);
    chip.word(0x003a85);
    expect(chip.radiated(1)).toEqual({ re: 0, im: 0 });
    chip.word(0x002802);
    expect(chip.radiated(1)).toEqual({ re: -31, im: 1 });
    // RAM that is written later is not what was fetched.
    for (const word of [0x18553f, 0x002802]) chip.word(word);
    expect(chip.radiated(1)).toEqual({ re: -31, im: 1 });
  });

  it('takes the registers again when RAM is bypassed', () => {
    const chip = transmittingChip();
    for (const word of [0x1800ff, 0x18011f, 0x003820, 0x003a80, 0x002802]) chip.word(word);
    expect(chip.radiated(0).re).toBe(-31);
    for (const word of [0x003860, 0x001cff, 0x00203f, 0x002120, 0x002802]) chip.word(word);
    expect(chip.radiated(0)).toEqual({ re: 31, im: 0 });
  });

  it('has no position beyond 120', () => {
    const chip = transmittingChip();
    for (const word of [0x1800ff, 0x18011f, 0x003820, 0x003a80, 0x003af9, 0x002802]) chip.word(word);
    expect(chip.radiated(0).re).toBe(-31);
  });

  it('forgets its registers in a soft reset and keeps its RAM; without supply it forgets both', () => {
    const chip = transmittingChip();
    const setUp = [0x002f7f, 0x003142, 0x003820, 0x003a80, 0x002802];
    for (const word of [0x1800ff, 0x18011f, ...setUp]) chip.word(word);
    chip.word(0x000081);
    expect(chip.radiated(0).re).toBe(0);
    for (const word of setUp) chip.word(word);
    expect(chip.radiated(0).re).toBe(-31);
    chip.powerCycle();
    for (const word of setUp) chip.word(word);
    expect(chip.radiated(0).re).toBe(0);
  });

  it('takes a soft reset only from both bits, and then shows neither what was loaded nor what was fetched', () => {
    const chip = transmittingChip();
    for (const word of [0x001cff, 0x00203f, 0x002120, 0x002802, 0x1850ff, 0x18511f, 0x003820, 0x003a85]) chip.word(word);
    for (const half of [0x000080, 0x000001]) chip.word(half);
    expect(chip.radiated(0)).toEqual({ re: 31, im: 0 });
    chip.word(0x000081);
    const enabledAgain = [0x002f7f, 0x003142, 0x003820];
    for (const word of enabledAgain) chip.word(word);
    expect(chip.radiated(0)).toEqual({ re: 0, im: 0 });
    // Nothing was fetched since the reset.
    chip.word(0x002802);
    expect(chip.radiated(0)).toEqual({ re: 0, im: 0 });
  });

  it('leaves the direction to its pin when it is told to, and is silent for whoever has none', () => {
    const chip = transmittingChip();
    for (const word of [0x001cff, 0x00203f, 0x002120, 0x002802, 0x003146]) chip.word(word);
    expect(chip.radiated(0)).toEqual({ re: 0, im: 0 });
  });

  it('fetches only when bit 7 asks for it', () => {
    const chip = transmittingChip();
    for (const word of [0x1800ff, 0x18011f, 0x003820, 0x003a00, 0x002802]) chip.word(word);
    expect(chip.radiated(0)).toEqual({ re: 0, im: 0 });
    for (const word of [0x003a80, 0x002802]) chip.word(word);
    expect(chip.radiated(0).re).toBe(-31);
  });

  it('bypasses RAM for the transmit channels alone by bit 1', () => {
    const chip = transmittingChip();
    for (const word of [0x1800ff, 0x18011f, 0x003a80, 0x001cff, 0x00203f, 0x002120, 0x003822, 0x002802]) chip.word(word);
    expect(chip.radiated(0)).toEqual({ re: 31, im: 0 });
  });

  it('does not load what is received with the bit for what is transmitted', () => {
    const chip = transmittingChip();
    for (const word of [0x0010ff, 0x001436, 0x001535, 0x002802]) chip.word(word);
    expect(chip.received(0)).toEqual({ re: 0, im: 0 });
  });

  it('keeps the RAM of the receive half apart from registers and from the transmit half, and reads it out', () => {
    const chip = transmittingChip();
    for (const word of [0x000018, 0x10105a, 0x1810a5, 0x001033]) chip.word(word);
    expect([0x901000, 0x981000, 0x801000].map((word) => chip.word(word))).toEqual([0x5a, 0xa5, 0x33]);
  });

  it.each([0x000010, 0x000008])('drives its data output when either bit of four-wire mode is set (%#)', (mode) => {
    const chip = new Adar1000(0);
    for (const word of [0x000a5a, mode]) chip.word(word);
    expect(chip.word(0x800a00)).toBe(0x5a);
    chip.word(0x000000);
    expect(chip.word(0x800a00)).toBeUndefined();
  });
});

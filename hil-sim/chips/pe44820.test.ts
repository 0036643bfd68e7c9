/** The simulated chip is held to the bits that its data sheet's example and public drivers of it have. */
import { describe, expect, it } from 'vitest';
import { Pe44820, pe44820 } from './pe44820.ts';

const phaseDeg = (chip: Pe44820): number => ((Math.atan2(chip.radiated().im, chip.radiated().re) * 180) / Math.PI + 360) % 360;

describe('a PE44820 on its three wires', () => {
  it('turns by 205.3° on the example of the data sheet, state 146 for address 3', () => {
    const chip = new Pe44820(3);
    chip.word(0b0100_1001_0_1100);
    expect(phaseDeg(chip)).toBeCloseTo(205.3125, 9);
    expect(pe44820.wordOf(chip.radiated())).toBe(146);
  });

  it('keeps the last 13 bits of what is clocked in', () => {
    const chip = new Pe44820(3);
    chip.word(0xffe000 | 0x092c);
    expect(pe44820.wordOf(chip.radiated())).toBe(146);
  });

  it('takes words of its own address only, lowest address bit first', () => {
    const chips = [1, 8].map((pins) => new Pe44820(pins));
    // State 141 for address 1.
    for (const chip of chips) chip.word(0x1628);
    expect(chips.map((chip) => pe44820.wordOf(chip.radiated()))).toEqual([141, 0]);
    expect(chips.map(({ changes }) => changes)).toEqual([1, 0]);
  });

  it.each([
    ['90° without OPT', 0b0000_0010_0_0000],
    ['OPT without 90°', 0b0000_0000_1_0000],
  ])('shows no state of the table for %s', (_what, bits) => {
    const chip = new Pe44820(0);
    chip.word(bits);
    expect(pe44820.wordOf(chip.radiated())).toBeUndefined();
  });

  it('shows the one or the other word as soon as it has it: there is no staged beam', () => {
    const chip = new Pe44820(0);
    for (const [bits, degrees] of [
      [0b0000_0001_0_0000, 180],
      [0b0000_0010_1_0000, 90],
      [0b1000_0000_0_0000, 1.40625],
    ]) {
      chip.word(bits);
      expect(phaseDeg(chip)).toBeCloseTo(degrees, 9);
    }
  });
});

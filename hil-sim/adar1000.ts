/**
 * The phase states of an ADAR1000 (Analog Devices: beamformer, 4 channels, 7-bit phase), whose vector modulator has ripple of its own. From
 * the data sheet's tables; the chip itself, register by register, is on the bench of the reference firmware.
 */

/** Phase states, 2.8125° apart. */
export const ADAR1000_STATES = 128;
/** What an I or Q code stands for: bit 5 is the sign, 1 = positive, bits 4 … 0 the magnitude. */
export function modulatorStep(code: number): number {
  const magnitude = code & 0x1f;
  if (magnitude === 0) return 0;
  return (code & 0x20) !== 0 ? magnitude : -magnitude;
}

/**
 * Codes I, Q of the phases 0° to 177.1875° in steps of 2.8125°, from the data sheet's tables of vector-modulator settings. The other half
 * circle has the same magnitudes with both signs turned.
 */
const HALF_CIRCLE_CODES = [
  '3f203f213f233f243f263e273e283d2a3d2b3c2d3c2e3b2f3a30393138333734',
  '3635353634373338323830392f3a2e3a2c3b2b3c2a3c283c273d253d243d223d',
  '213d013d033d043d063d073c083c0a3c0b3b0d3a0e3a0f391138123813371436',
  '163517341833193119301a2f1b2e1c2d1c2b1d2a1e281e271e261f241f231f21',
].join('');

/** The states of the phase shifter in steps of the modulator, by word: what the table's codes decode to. */
function modulatorStates(): { re: Float64Array; im: Float64Array } {
  const half = ADAR1000_STATES / 2;
  const step = (at: number): number => modulatorStep(Number.parseInt(HALF_CIRCLE_CODES.slice(2 * at, 2 * at + 2), 16));
  const re = new Float64Array(ADAR1000_STATES);
  const im = new Float64Array(ADAR1000_STATES);
  for (let word = 0; word < half; word++) {
    re[word] = step(2 * word);
    im[word] = step(2 * word + 1);
    re[word + half] = -re[word];
    im[word + half] = -im[word];
  }
  return { re, im };
}

/** The states in whole steps of the modulator, by word. */
export const ADAR1000_STEPS = modulatorStates();
/** Steps of the modulator that a state has in the mean: what 1 stands for. */
export const ADAR1000_FULL_STEPS =
  ADAR1000_STEPS.re.reduce((sum, re, w) => sum + Math.hypot(re, ADAR1000_STEPS.im[w]), 0) / ADAR1000_STATES;

/** The 128 complex states of an ADAR1000's phase shifter, by word; their mean magnitude is 1. */
export function adar1000States(): { re: Float64Array; im: Float64Array } {
  return {
    re: ADAR1000_STEPS.re.map((steps) => steps / ADAR1000_FULL_STEPS),
    im: ADAR1000_STEPS.im.map((steps) => steps / ADAR1000_FULL_STEPS),
  };
}

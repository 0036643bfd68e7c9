/**
 * A colour map for what has an order and no circle: dark blue to light yellow at equal steps of OKLab lightness. Lightness alone tells all of it, and red- and
 * green-blind eyes see blue and yellow apart.
 */
import { oklabToSrgb } from './phase-colours.ts';

const [DARKEST, LIGHTEST] = [0.28, 0.94];
const [BLUE, YELLOW] = [-0.1, 0.13];

/** @param share 0 … 1 */
export function uniformColour(share: number): [red: number, green: number, blue: number] {
  const t = Math.min(1, Math.max(0, share));
  return oklabToSrgb(DARKEST + (LIGHTEST - DARKEST) * t, 0, BLUE + (YELLOW - BLUE) * t);
}

/** Options of all families that unfold a gradient ascent and learn its steps, each put where the family's own order has it. */
import { z } from 'zod';
import { count, option } from '../training/training-options.ts';

export const ascentOptions = {
  stepCoefficients: option(
    count.max(4).default(3),
    'p',
    "coefficients of each step's polynomial in the SNR; 1 is one number a step, as in the paper",
    { rare: true },
  ),
  clipNorm: option(
    z.number().min(1e-12).max(1e12).default(1),
    'x',
    "clips what one channel's gradient says about relative changes of its steps",
    { rare: true },
  ),
};

/** @param paper its number, as in `beamrig reproduce` */
export const recipeOption = (paper: string) =>
  option(
    z.enum(['beamrig', 'paper']).default('beamrig'),
    'name',
    `how it is trained; paper is that of paper ${paper} taken literally, with its own defaults and nothing clipped`,
  );

/** What such a family's schema is refined by. */
export const paperHasOneNumberAStep: [
  holds: (options: { recipe: string; stepCoefficients: number }) => boolean,
  otherwise: { path: string[]; error: string },
] = [
  ({ recipe, stepCoefficients }) => recipe !== 'paper' || stepCoefficients === 1,
  { path: ['stepCoefficients'], error: "the paper's recipe has one number a step; leave it out" },
];

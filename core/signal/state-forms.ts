/**
 * Real functions of the state s of one place, f(s) = [0] + [1]·Re s + [2]·Im s + [3]·|s|²: what a rank-one change makes of squares and norms.
 * Each is four numbers of an array that is made once, from `at` on.
 */

/** f ← |rest + s·own|² */
export function setSquare(form: Float64Array, at: number, restRe: number, restIm: number, ownRe: number, ownIm: number): void {
  form[at] = restRe * restRe + restIm * restIm;
  form[at + 1] = 2 * (ownRe * restRe + ownIm * restIm);
  form[at + 2] = 2 * (ownRe * restIm - ownIm * restRe);
  form[at + 3] = ownRe * ownRe + ownIm * ownIm;
}

/** f(s). @param size |s|² */
export const formAt = (form: Float64Array, at: number, re: number, im: number, size: number): number =>
  form[at] + re * form[at + 1] + im * form[at + 2] + size * form[at + 3];

/**
 * Whether the field of all elements, beside which power alone measures each of them, was strong enough for that. Where they nearly cancel towards the probe, the
 * changes of the power have two explanations, and the wrong one may be taken.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';

/**
 * @param fields c_n, N×1
 * @param total |E|
 * @param least of |E|, in fields of an element
 * @throws {BeamrigError} 'calibration' where it was weaker
 */
export function requireStrongField({ rows, re, im }: CMatrix, total: number, least: number): void {
  let power = 0;
  for (let n = 0; n < rows; n++) power += (re[n] ** 2 + im[n] ** 2) / rows;
  const strength = total / Math.sqrt(power);
  if (strength >= least) return;
  const told = `the elements together are ${strength.toFixed(1)} times as strong as one of them at the probe, and ${least.toFixed(1)} are needed`;
  throw new BeamrigError('calibration', `${told}: power alone does not tell them apart`, {
    wayOut: 'Put the probe where the elements add up, broadside mostly, or choose a method that hears phases: coded or hadamard.',
  });
}

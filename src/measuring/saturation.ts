/**
 * Readings at a receiver's full scale: what it could not tell any more. Nobody says where that is, but noise never gives the same largest value twice, and a
 * receiver that clips does, of a part or of the size. They are left out, as NaN.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Readings } from '../../calibration/method.ts';

/** Equal largest values, fewer of which are chance. */
const LEAST_ALIKE = 3;
/** Of the largest: rounding on the wire. */
const ALIKE_WITHIN = 1e-6;
const MOST_SHARE = 1 / 3;

/** @returns how many were left out. @throws {BeamrigError} 'calibration' where the rest would be too few, or the method needs each of them */
export function leaveOutSaturated({ re, im }: Readings, method: { name: string; needsEach: boolean }): number {
  const clipped = new Set<number>();
  const measures = [(i: number) => Math.abs(re[i]), (i: number) => Math.abs(im[i]), (i: number) => Math.hypot(re[i], im[i])];
  for (const size of measures) {
    let most = 0;
    for (let i = 0; i < re.length; i++) most = Math.max(most, size(i));
    const alike = Array.from(re.keys()).filter((i) => most > 0 && size(i) >= most * (1 - ALIKE_WITHIN));
    if (alike.length >= LEAST_ALIKE) for (const i of alike) clipped.add(i);
  }
  if (clipped.size === 0) return 0;
  if (clipped.size > MOST_SHARE * re.length || method.needsEach) {
    const told = `${clipped.size} of ${re.length} readings are at the receiver’s full scale`;
    const why = method.needsEach ? `, and the method ${method.name} needs each of them` : ', and the others are too few';
    throw new BeamrigError('calibration', `${told}${why}`, {
      wayOut:
        'Lower the gain of the receiver, or put the probe farther away: it must hear all elements at once, about 20 times the amplitude of one.',
    });
  }
  for (const i of clipped) re[i] = im[i] = NaN;
  return clipped.size;
}

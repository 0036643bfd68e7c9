/** σ² of a reading, learned from slots that were sounded twice with the same words: what differs is noise, whatever the channel is. */
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { subtract } from '../core/signal/complex-matrix.ts';
import { meanWithoutGlitches } from '../core/signal/mean-without-glitches.ts';

/**
 * Σ|y₁ − y₂|²/2 over their number; its relative deviation is 1/√number. Users who move meanwhile make it larger, never smaller. A reading that is far off
 * what its user's others differ by tells of no noise, and is left out.
 * @param first Y, K×B @param second the same beams again
 * @throws {BeamrigError} 'shape' where they are not of the same users and beams, 'argument' where the two are the same to the last digit
 */
export function noiseOfRepeats(first: CMatrix, second: CMatrix): number {
  const { rows, cols, re, im } = subtract(first, second);
  const powers = re.map((each, i) => each * each + im[i] * im[i]);
  // User by user: receivers may be of different kinds.
  let sum = 0;
  for (let k = 0; k < rows; k++) sum += meanWithoutGlitches(powers.subarray(k * cols, (k + 1) * cols));
  const noise = sum / (2 * rows);
  if (noise > 0 && Number.isFinite(noise)) return noise;
  throw new BeamrigError('argument', `two soundings of the same beams differ by ${noise}: no noise can be learned of them`, {
    wayOut: 'give readings of two different times, or the noise itself',
  });
}

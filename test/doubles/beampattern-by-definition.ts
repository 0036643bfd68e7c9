/** The beampattern straight from its definition, one direction after another: what the fast one of core/signal/beampattern.ts is held to. */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import type { ArrayGeometry } from '../../core/signal/geometry.ts';
import { steeringVector } from '../../core/signal/geometry.ts';
import { toDb } from '../../core/signal/rate.ts';

/** Deeper than this is given as this, so that a perfect null stays a number. */
const FLOOR_DB = -120;

/**
 * Total radiated power over azimuth in the horizontal plane: 10·log₁₀ ‖a(θ)ᴴX‖², all streams together. 0 dB is what one isotropic element
 * fed with power 1 radiates; never below −120 dB.
 * @param precoder N×K, X = A·D
 * @param azimuthRad directions, any length
 * @returns dB, one per direction
 */
export function beampatternDb(geometry: ArrayGeometry, precoder: CMatrix, azimuthRad: Float64Array): Float64Array {
  const { re, im, rows: elements, cols } = precoder;
  return azimuthRad.map((azimuth) => {
    const steering = steeringVector(geometry, azimuth);
    let power = 0;
    for (let k = 0; k < cols; k++) {
      let sumRe = 0;
      let sumIm = 0;
      for (let n = 0; n < elements; n++) {
        const i = n * cols + k;
        sumRe += steering.re[n] * re[i] + steering.im[n] * im[i];
        sumIm += steering.re[n] * im[i] - steering.im[n] * re[i];
      }
      power += sumRe * sumRe + sumIm * sumIm;
    }
    return Math.max(toDb(power), FLOOR_DB);
  });
}

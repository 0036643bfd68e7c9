/**
 * Least squares: the channel of least norm that the readings leave the least of, ĥᴴ = y·F⁺. It knows no directions, so it takes N beams to see
 * every element; of what fewer beams do not see, it says that anything of the user's power may be there.
 *
 *   Σ = σ²·F⁺ᴴF⁺ + E|h_n|²·(I − F·F⁺)
 *
 * Source: Kay, Fundamentals of Statistical Signal Processing: Estimation Theory, 1993, §8.4.
 */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { add, matmul, multiplyABh, multiplyAhB, scale, subtract } from '../../core/signal/complex-matrix.ts';
import { gramInverse } from '../../core/signal/gram-inverse.ts';
import type { Estimator } from '../estimator.ts';
import { requireReadings, userByUser } from '../estimator.ts';
import { powerHeard } from '../seen-directions.ts';

export const leastSquares: Estimator = {
  title: 'least squares, without directions',
  source: 'Kay, Estimation Theory, 1993, §8.4',
  prepare(sounded) {
    const { beams, beamPower } = sounded;
    const inverse = pseudoInverse(beams, sounded.gram); // F⁺, B×N
    return (values, noise) => {
      requireReadings(sounded, values, noise);
      return userByUser(values, beams.rows, (reading) => {
        const power = powerHeard(reading, noise, beamPower);
        return {
          row: matmul(reading, inverse),
          errorTowards: (analog) => {
            const told = matmul(inverse, analog); // F⁺A, B×M
            return add(scale(multiplyAhB(inverse, told), noise), scale(subtract(analog, matmul(beams, told)), power));
          },
        };
      });
    };
  },
};

/** Of the smaller Gram matrix: F⁺ = (FᴴF)⁺Fᴴ = Fᴴ(FFᴴ)⁺. */
function pseudoInverse(beams: CMatrix, gram: CMatrix): CMatrix {
  if (beams.cols <= beams.rows) return multiplyABh(gramInverse(gram), beams);
  return multiplyAhB(beams, gramInverse(multiplyABh(beams, beams)));
}

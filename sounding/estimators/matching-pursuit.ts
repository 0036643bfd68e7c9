/**
 * Orthogonal matching pursuit on steering vectors: the direction that explains most of what is left, one after the other, the gains of all solved
 * again, until what is left is no more than noise. Directions and powers |x_g|² so found are the prior of the posterior (gaussian-posterior.ts),
 * which takes back what a gain owes to noise, and says how sure it is.
 *
 * Source: Tropp and Gilbert, IEEE Trans. Inf. Theory 53(12), 2007, algorithm 3; for hybrid arrays Lee, Gil and Lee, IEEE Trans. Commun. 64(6), 2016.
 */
import { trySolveHermitian } from '../../core/signal/cholesky.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { conjTranspose, frobeniusNorm, matmul, multiplyABh, subtract } from '../../core/signal/complex-matrix.ts';
import type { ChannelEstimate, Estimator } from '../estimator.ts';
import { requireReadings, userByUser } from '../estimator.ts';
import type { SeenDirections } from '../seen-directions.ts';
import { pickRows, powerHeard } from '../seen-directions.ts';
import { spectralPosterior, UNEXPLAINED_SHARE } from '../spectral-estimate.ts';

/** More directions than this share of the beams would fit anything. */
const MOST_SHARE = 0.5;
/** A direction so near to those that are there would be solved for with nothing but rounding. */
const LEAST_PIVOT_SHARE = 1e-6;

export const matchingPursuit: Estimator = {
  title: 'orthogonal matching pursuit on steering vectors',
  source: 'Tropp and Gilbert, IEEE Trans. Inf. Theory 53(12), 2007, algorithm 3',
  prepare(sounded) {
    const { seen, beams, beamPower } = sounded;
    const energies = Float64Array.from({ length: seen.rows }, (_, g) => rowEnergy(seen, g));
    return (values, noise): ChannelEstimate => {
      requireReadings(sounded, values, noise);
      const spectra: Float64Array[] = [];
      const estimate = userByUser(values, beams.rows, (reading) => {
        const spectrum = pursue(reading, noise, sounded, energies);
        spectra.push(spectrum);
        const floor = UNEXPLAINED_SHARE * powerHeard(reading, noise, beamPower);
        return spectralPosterior({ reading, sounded, noise }, spectrum, floor);
      });
      return { ...estimate, spectra };
    };
  },
};

/** @param energies ‖r_g‖² @returns |x_g|², 0 where nothing was taken */
function pursue(reading: CMatrix, noise: number, { seen }: SeenDirections, energies: Float64Array): Float64Array {
  const spectrum = new Float64Array(seen.rows);
  const taken: number[] = [];
  let gains: CMatrix | undefined;
  let left = reading;
  while (taken.length < MOST_SHARE * reading.cols && frobeniusNorm(left) ** 2 > noise * reading.cols) {
    const next = explainsMost(multiplyABh(left, seen), energies, taken);
    const rows = pickRows(seen, [...taken, next], () => 1);
    const solved = trySolveHermitian(multiplyABh(rows, rows), multiplyABh(rows, reading), LEAST_PIVOT_SHARE); // xᴴ, S×1
    if (solved === undefined) break;
    taken.push(next);
    gains = conjTranspose(solved);
    left = subtract(reading, matmul(gains, rows));
  }
  taken.forEach((g, i) => (spectrum[g] = gains!.re[i] ** 2 + gains!.im[i] ** 2));
  return spectrum;
}

function explainsMost({ re, im }: CMatrix, energies: Float64Array, taken: readonly number[]): number {
  let best = { energy: -1, direction: 0 };
  for (let direction = 0; direction < energies.length; direction++) {
    if (energies[direction] === 0 || taken.includes(direction)) continue;
    const energy = (re[direction] ** 2 + im[direction] ** 2) / energies[direction];
    if (energy > best.energy) best = { energy, direction };
  }
  return best.direction;
}

function rowEnergy({ cols, re, im }: CMatrix, row: number): number {
  let sum = 0;
  for (let at = row * cols; at < (row + 1) * cols; at++) sum += re[at] ** 2 + im[at] ** 2;
  return sum;
}

/**
 * Linear MMSE by a covariance that is known: powers of directions as they were learned over several soundings (learned-covariance.ts), which these
 * readings do not change. Without any, all directions have the same power, and it is a regularised least squares.
 *
 * Source: Kay, Fundamentals of Statistical Signal Processing: Estimation Theory, 1993, §12.5; for hybrid arrays Park and Heath, IEEE Trans. Wireless
 * Commun. 17(12), 2018.
 */
import type { ChannelEstimate, Estimator } from '../estimator.ts';
import { requireReadings, userByUser } from '../estimator.ts';
import { powerHeard } from '../seen-directions.ts';
import { spectralPosterior, UNEXPLAINED_SHARE } from '../spectral-estimate.ts';

export const covariance: Estimator = {
  title: 'linear MMSE by the covariance that is known',
  source: 'Kay, Estimation Theory, 1993, §12.5',
  prepare:
    (sounded) =>
    (values, noise, known): ChannelEstimate => {
      requireReadings(sounded, values, noise, known);
      const spectra: Float64Array[] = [];
      const estimate = userByUser(values, sounded.beams.rows, (reading, user) => {
        const spectrum = known?.[user] ?? equalPowers(sounded.seen.rows, powerHeard(reading, noise, sounded.beamPower));
        spectra.push(spectrum);
        // Entries of steering vectors have modulus 1: the powers of all directions together are E|h_n|².
        const power = spectrum.reduce((sum, each) => sum + each, 0);
        return spectralPosterior({ reading, sounded, noise }, spectrum, UNEXPLAINED_SHARE * power);
      });
      return { ...estimate, spectra };
    },
};

const equalPowers = (directions: number, power: number): Float64Array => new Float64Array(directions).fill(power / directions);

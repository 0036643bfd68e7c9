/**
 * Sparse Bayesian learning on steering vectors: h = Σ_g x_g·a_g with x_g ~ CN(0, γ_g), and the powers γ that make the readings likeliest
 * (spectral-estimate.ts). Most γ go to nothing, and leave; what is left is the prior of the posterior.
 *
 * It is stopped after a few steps: with as many directions as here, further ones fit the noise. The first step, from equal powers, needs nothing
 * of the readings but y itself, and is prepared for an SNR in steps of 3 dB.
 *
 * Source: Tipping, J. Machine Learning Research 1, 2001, eq. (16); Wipf and Rao, IEEE Trans. Signal Process. 52(8), 2004.
 */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { scale } from '../../core/signal/complex-matrix.ts';
import type { ChannelEstimate, Estimator, PreparedEstimator } from '../estimator.ts';
import { requireReadings, userByUser } from '../estimator.ts';
import { logLikelihood, readingsFactor, whiten } from '../gaussian-posterior.ts';
import type { SeenDirections } from '../seen-directions.ts';
import { pickRows, powerHeard } from '../seen-directions.ts';
import {
  Climb,
  learnSpectrum,
  revivedBy,
  spectralPosterior,
  spectralPrior,
  UNEXPLAINED_SHARE,
  type Snapshot,
} from '../spectral-estimate.ts';

const STEPS = 8;
/** From an earlier spectrum. */
const WARM_STEPS = 3;
/** SNR steps that are kept prepared. */
const MOST_KEPT = 12;

export const sparseBayesian: Estimator = {
  title: 'sparse Bayesian learning on steering vectors',
  source: 'Tipping, JMLR 1, 2001, eq. (16); Wipf and Rao, IEEE Trans. Signal Process. 52(8), 2004',
  prepare(sounded): PreparedEstimator {
    const firstStep = prepareFirstStep(sounded);
    return (values, noise, known): ChannelEstimate => {
      requireReadings(sounded, values, noise, known);
      const spectra: Float64Array[] = [];
      const estimate = userByUser(values, sounded.beams.rows, (reading, user) => {
        const power = powerHeard(reading, noise, sounded.beamPower);
        const floor = UNEXPLAINED_SHARE * power;
        const snapshot = { reading, sounded, noise };
        const first = firstStep(reading, power, noise);
        const warm = known !== undefined && likelihoodOf(snapshot, known[user], floor) > first.likelihood;
        const spectrum = warm
          ? learnSpectrum([snapshot], revivedBy(first.spectrum, known[user]), floor, WARM_STEPS)
          : learnSpectrum([snapshot], first.spectrum, floor, STEPS - 1);
        spectra.push(spectrum);
        return spectralPosterior(snapshot, spectrum, floor);
      });
      return { ...estimate, spectra };
    };
  },
};

/** ln p(y) by a spectrum; where equal powers explain more, the user has gone elsewhere, and its directions would only be in the way. */
function likelihoodOf({ reading, sounded, noise }: Snapshot, spectrum: Float64Array, floor: number): number {
  const factor = readingsFactor(spectralPrior(sounded, spectrum, floor), sounded.gram, noise);
  return logLikelihood(whiten(reading, factor), factor);
}

interface FirstStep {
  /** γ after it. */
  readonly spectrum: Float64Array;
  /** ln p(y) before it, by equal powers. */
  readonly likelihood: number;
}

/** The first step from equal powers. */
function prepareFirstStep({ seen, gram }: SeenDirections): (reading: CMatrix, power: number, noise: number) => FirstStep {
  const directions = seen.rows;
  const all = Array.from({ length: directions }, (_, g) => g);
  const kept = new Map<number, { factor: CMatrix; whitened: CMatrix }>();
  return (reading, power, noise) => {
    const snrStep = Math.round(Math.log2(power / noise));
    let prepared = kept.get(snrStep);
    if (prepared === undefined) {
      const rows = pickRows(seen, all, () => Math.sqrt(2 ** snrStep / directions));
      const factor = readingsFactor({ seen: rows, floor: UNEXPLAINED_SHARE * 2 ** snrStep }, gram, 1);
      prepared = { factor, whitened: whiten(rows, factor) };
      if (kept.size >= MOST_KEPT) kept.clear();
      kept.set(snrStep, prepared);
    }
    const climb = new Climb(directions);
    const unit = whiten(scale(reading, 1 / Math.sqrt(noise)), prepared.factor);
    climb.add(prepared.whitened, unit);
    return {
      spectrum: climb.of(new Float64Array(directions).fill(power / directions)),
      likelihood: logLikelihood(unit, prepared.factor) - reading.cols * Math.log(noise),
    };
  };
}

/**
 * What several soundings tell of the users' channels: the first is estimated cold, the next ones warm from the directions of the last, and after a
 * few by the covariance that all of them tell together. That is given up where the slot after a sounding finds the estimate far off what it says of
 * itself: then users have gone elsewhere.
 */
import type { CMatrix } from '../../../core/signal/complex-matrix.ts';
import type { ChannelEstimate, Spectra } from '../../../sounding/estimator.ts';
import { createLearnedCovariance } from '../../../sounding/learned-covariance.ts';
import type { PlanHeard } from './sounding-plans.ts';

export interface UserChannels {
  /**
   * @param values Y, K×B @param noise σ² of a reading @param stop nobody wants to know any more
   * @throws {BeamrigError} 'stopped' then, where it takes long
   */
  estimate(heard: PlanHeard, values: CMatrix, noise: number, stop: AbortSignal): Promise<ChannelEstimate>;
  /** What the slot after it says: by user, what the error had to be widened by (sounding/fuse.ts). */
  judged(widened: readonly number[]): void;
  /** Learns of the sounding that was estimated last, which takes longer than a cycle should wait. */
  learn(): void;
  /** Users may be anywhere. */
  forget(): void;
}

/** Soundings after which the covariance tells more than one of them. */
const SOUNDINGS_TO_LEARN = 4;
/** An error that is so many times what it should be, geometric mean over the users, is of users who have gone elsewhere. */
const MOST_WIDENED = 30;

/** @param learns whether the estimator works with directions, which can be learned */
export function createUserChannels(learns: boolean): UserChannels {
  let covariance = createLearnedCovariance();
  let learned = 0;
  let spectra: Spectra | undefined;
  let toLearn: { heard: PlanHeard; values: CMatrix; noise: number } | undefined;
  const forget = (): void => {
    covariance = createLearnedCovariance();
    learned = 0;
    spectra = undefined;
    toLearn = undefined;
  };
  const learn = (): void => {
    if (toLearn === undefined) return;
    const { heard, values, noise } = toLearn;
    toLearn = undefined;
    covariance.add(heard.sounded, values, noise);
    learned++;
  };
  return {
    async estimate(heard, values, noise, stop) {
      learn();
      const byCovariance = learned >= SOUNDINGS_TO_LEARN ? covariance.spectra : undefined;
      const estimate =
        byCovariance === undefined
          ? await heard.estimate(values, noise, spectra, stop)
          : heard.byCovariance(values, noise, byCovariance);
      spectra = estimate.spectra;
      if (learns) toLearn = { heard, values, noise };
      return estimate;
    },
    judged(widened) {
      const mean = Math.exp(widened.reduce((sum, each) => sum + Math.log(each), 0) / widened.length);
      if (mean > MOST_WIDENED) forget();
    },
    learn,
    forget,
  };
}

/**
 * The covariance of each user's channel, learned while sounding goes on: directions and their powers stay while gains come and go, so that the last
 * soundings together tell what one alone does not. As C = Σ γ_g·a_g·a_gᴴ, by the readings themselves: a sample covariance of past estimates would
 * learn what the estimator believed.
 *
 * Source: Wipf and Rao, IEEE Trans. Signal Process. 55(7), 2007.
 */
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import type { Spectra } from './estimator.ts';
import { requireReadings, rowOf } from './estimator.ts';
import type { SeenDirections } from './seen-directions.ts';
import { powerHeard } from './seen-directions.ts';
import { learnSpectrum, revived, UNEXPLAINED_SHARE, type Snapshot } from './spectral-estimate.ts';

/** Soundings that are looked back on: more learn little more, and forget later where users have gone to. */
export const LOOK_BACK = 8;
const FIRST_STEPS = 8;
const STEPS = 3;

export interface LearnedCovariance {
  /** What has been learned; undefined before the first sounding. */
  readonly spectra: Spectra | undefined;
  /**
   * @param values Y, K×B
   * @param noise σ² of a reading
   * @throws {BeamrigError} as an estimator does; 'shape' where it is of another number of users or directions than before
   */
  add(sounded: SeenDirections, values: CMatrix, noise: number): void;
}

/** @param lookBack soundings, ≥ 1 */
export function createLearnedCovariance(lookBack = LOOK_BACK): LearnedCovariance {
  let spectra: Float64Array[] | undefined;
  const soundings: { sounded: SeenDirections; values: CMatrix; noise: number }[] = [];
  return {
    get spectra() {
      return spectra;
    },
    add(sounded, values, noise) {
      requireReadings(sounded, values, noise, spectra);
      soundings.push({ sounded, values, noise });
      if (soundings.length > lookBack) soundings.shift();
      spectra = Array.from({ length: values.rows }, (_, user) => {
        const snapshots = soundings.map((each): Snapshot => ({ ...each, reading: rowOf(each.values, user) }));
        const power = mean(snapshots.map((each) => powerHeard(each.reading, each.noise, each.sounded.beamPower)));
        const known = spectra?.[user];
        const directions = sounded.seen.rows;
        const start = known === undefined ? new Float64Array(directions).fill(power / directions) : revived(known);
        return learnSpectrum(snapshots, start, UNEXPLAINED_SHARE * power, known === undefined ? FIRST_STEPS : STEPS);
      });
    },
  };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

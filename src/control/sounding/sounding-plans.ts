/**
 * A few sets of beams, drawn once and taken in turns: directions that one set hears badly, the next one hears well, and what an estimator needs of
 * a set is worked out once. What the beams are goes by the states that the elements were measured to show, so that it is made again when these change.
 */
import type { CMatrix } from '../../../core/signal/complex-matrix.ts';
import { zeros } from '../../../core/signal/complex-matrix.ts';
import type { Random } from '../../../core/signal/random.ts';
import type { Dictionary } from '../../../sounding/dictionary.ts';
import { steeringDictionary } from '../../../sounding/dictionary.ts';
import type { ChannelEstimate, PreparedEstimator, Spectra } from '../../../sounding/estimator.ts';
import { covariance } from '../../../sounding/estimators/covariance.ts';
import { leastSquares } from '../../../sounding/estimators/least-squares.ts';
import { matchingPursuit } from '../../../sounding/estimators/matching-pursuit.ts';
import { sparseBayesian } from '../../../sounding/estimators/sparse-bayesian.ts';
import { bestBeam } from '../../../sounding/power-only.ts';
import { seenDirections, type SeenDirections } from '../../../sounding/seen-directions.ts';
import { dftBeams, randomBeams, shownBeams, type SlotWords, type SoundingArray } from '../../../sounding/sounding-beams.ts';
import { phasesInThread } from './phases.ts';

export type EstimatorName = 'sparse-bayesian' | 'matching-pursuit' | 'least-squares' | 'best-beam' | 'phase-retrieval';

/** A prepared estimator, one that may take long. @param stop nobody wants to know any more */
export type EstimateChannel = (
  values: CMatrix,
  noise: number,
  known: Spectra | undefined,
  stop: AbortSignal,
) => ChannelEstimate | Promise<ChannelEstimate>;

type Prepare = (sounded: SeenDirections) => EstimateChannel;
const ESTIMATORS: Record<EstimatorName, (random: Random) => Prepare> = {
  'sparse-bayesian': () => sparseBayesian.prepare,
  'matching-pursuit': () => matchingPursuit.prepare,
  'least-squares': () => leastSquares.prepare,
  'best-beam': () => (sounded) => (powers, noise) => bestBeam(sounded, powers, noise),
  'phase-retrieval': (random) => (sounded) => (powers, noise, _, stop) => phasesInThread(sounded, powers, noise, random, stop),
};

/** Their readings are powers, which users' SNR tells. */
export const hearsPower = (name: EstimatorName): boolean => name === 'best-beam' || name === 'phase-retrieval';
/** They go by beams of a Fourier transform. */
const onGrid = (name: EstimatorName): boolean => name === 'least-squares' || name === 'best-beam';

/** Beams of one sounding. */
export interface SoundingPlan {
  readonly slots: readonly SlotWords[];
  /** All of its beams, or those of the slots that were heard. */
  heardWith(slots: readonly number[]): PlanHeard;
}

export interface PlanHeard {
  readonly sounded: SeenDirections;
  readonly estimate: EstimateChannel;
  /** By a covariance that is known. */
  readonly byCovariance: PreparedEstimator;
}

export interface SoundingPlans {
  /** The next one, for an array that shows these states. @param key the same for the same states */
  next(key: string, array: SoundingArray): SoundingPlan;
}

/** Sets of random beams. Those of the Fourier transform are one set, which hears every direction alike. */
const PLANS = 4;

export function createSoundingPlans(estimator: EstimatorName, slots: number, random: Random): SoundingPlans {
  let known: { key: string; plans: SoundingPlan[] } | undefined;
  let drawn: SlotWords[][] | undefined;
  let turn = 0;
  const prepare = ESTIMATORS[estimator](random.stream('estimator'));
  const draw = (array: SoundingArray): SlotWords[][] =>
    onGrid(estimator) ? [dftBeams(array, slots)] : Array.from({ length: PLANS }, () => randomBeams(array, slots, random));
  return {
    next(key, array) {
      if (known?.key !== key) {
        const dictionary = steeringDictionary(array.geometry);
        // Random words stay the same, whatever they show.
        drawn = drawn === undefined || onGrid(estimator) ? draw(array) : drawn;
        known = { key, plans: drawn.map((words) => planOf(array, words, dictionary, prepare)) };
      }
      return known.plans[turn++ % known.plans.length];
    },
  };
}

function planOf(array: SoundingArray, slots: readonly SlotWords[], dictionary: Dictionary, prepare: Prepare): SoundingPlan {
  let whole: PlanHeard | undefined;
  const prepared = (words: readonly SlotWords[]): PlanHeard => {
    const sounded = seenDirections(shownBeams(array, words), dictionary);
    return { sounded, estimate: prepare(sounded), byCovariance: covariance.prepare(sounded) };
  };
  return {
    slots,
    heardWith: (heard) =>
      heard.length === slots.length ? (whole ??= prepared(slots)) : prepared(heard.map((slot) => slots[slot])),
  };
}

/** Matrices of as many rows, such as the readings of some slots, side by side. */
export function sideBySide(readings: readonly CMatrix[]): CMatrix {
  const { rows } = readings[0];
  const out = zeros(
    rows,
    readings.reduce((sum, { cols }) => sum + cols, 0),
  );
  let before = 0;
  for (const { cols, re, im } of readings) {
    for (let k = 0; k < rows; k++) {
      const [from, to] = [k * cols, k * out.cols + before];
      out.re.set(re.subarray(from, from + cols), to);
      out.im.set(im.subarray(from, from + cols), to);
    }
    before += cols;
  }
  return out;
}

/**
 * σ² of one pilot, in the unit of a panel's readings: what the rig file says, or learned by asking for the pilots of one beam twice, which differ in
 * their noise alone. What the rig file says is held beside a few of such differences, too. Channels are told in units of σ, as everywhere in a rig, where only
 * P/σ² counts.
 */
import type { CMatrix } from '../../../core/signal/complex-matrix.ts';
import { noiseOfRepeats } from '../../../sounding/noise-of-repeats.ts';

export interface PilotNoise {
  /** How often the pilots of a beam are to be asked for. */
  readonly times: number;
  /** σ²; undefined before anything is known. */
  readonly variance: number | undefined;
  /**
   * Two readings of the same beams, each averaged over so many pilots.
   * @throws {BeamrigError} 'argument' where they do not differ at all, and nothing was given
   */
  learn(first: CMatrix, second: CMatrix, pilots: number): void;
  /** What was given and what was heard, where they are far apart. Said once. */
  doubt(): { given: number; heard: number } | undefined;
  /** Another panel has another unit. */
  forget(): void;
}

/** Differences after which it is known well enough: to 5 %, .2 dB. */
const ENOUGH = 400;
/** To an eighth: enough to doubt what is wrong by more than MOST_WRONG. */
const ENOUGH_TO_DOUBT = 64;
const MOST_WRONG = 2;

/** @param given σ² as the rig file says it */
export function createPilotNoise(given: number | undefined): PilotNoise {
  const enough = given === undefined ? ENOUGH : ENOUGH_TO_DOUBT;
  let sum = 0;
  let count = 0;
  let isSaid = false;
  return {
    get times() {
      return count < enough ? 2 : 1;
    },
    get variance() {
      return given ?? (count === 0 ? undefined : sum / count);
    },
    learn(first, second, pilots) {
      // A panel may tell the same average again, which says nothing of the noise that is given.
      const isSame = first.re.every((re, i) => re === second.re[i] && first.im[i] === second.im[i]);
      if (given !== undefined && isSame) return;
      sum += noiseOfRepeats(first, second) * pilots * first.re.length;
      count += first.re.length;
    },
    doubt() {
      if (given === undefined || isSaid || count < enough) return undefined;
      isSaid = true;
      const heard = sum / count;
      return Math.max(heard / given, given / heard) > MOST_WRONG ? { given, heard } : undefined;
    },
    forget() {
      sum = 0;
      count = 0;
    },
  };
}

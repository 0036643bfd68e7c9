/**
 * σ² of one pilot, in the unit of a panel's readings: what the rig file says, or learned by asking for the pilots of one beam twice, which differ in
 * their noise alone. Channels are told in units of σ, as everywhere in a rig, where only P/σ² counts.
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
   * @throws {BeamrigError} 'argument' where they do not differ at all
   */
  learn(first: CMatrix, second: CMatrix, pilots: number): void;
  /** Another panel has another unit. */
  forget(): void;
}

/** Differences after which it is known well enough: to 5 %, .2 dB. */
const ENOUGH = 400;

/** @param given σ² as the rig file says it */
export function createPilotNoise(given: number | undefined): PilotNoise {
  let sum = 0;
  let count = 0;
  return {
    get times() {
      return given === undefined && count < ENOUGH ? 2 : 1;
    },
    get variance() {
      return given ?? (count === 0 ? undefined : sum / count);
    },
    learn(first, second, pilots) {
      if (given !== undefined) return;
      sum += noiseOfRepeats(first, second) * pilots * first.re.length;
      count += first.re.length;
    },
    forget() {
      sum = 0;
      count = 0;
    },
  };
}

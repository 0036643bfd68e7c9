/**
 * When to sound again, and what it costs. Phases follow the directions of users, D the phases of their paths, which change sooner: so there are
 * two periods, and two kinds of sounding: the whole channel, then its M dimensions through the phases that stand. A SINR that is lower than was
 * predicted asks for the cheap kind first, and for the whole channel where that did not help.
 */
import { BeamrigError } from '../core/errors/beamrig-error.ts';

export interface SoundingPeriods {
  /** From one sounding of the whole channel to the next, slots. */
  readonly wholeSlots: number;
  /** From one sounding of the effective channel to the next, slots; no more than `wholeSlots`. */
  readonly effectiveSlots: number;
  /** A mean SINR that is lower than predicted by more than this asks for a sounding; absent: only the periods do. */
  readonly mostMissedDb?: number;
}

export interface SoundingAge {
  readonly sinceWholeSlots: number;
  /** Since the effective channel was sounded, alone or after the whole. */
  readonly sinceEffectiveSlots: number;
  /** Predicted less measured SINR, mean over the users; absent: not measured since. */
  readonly missedDb?: number;
  /** The last sounding of the effective channel was asked for by the SINR. */
  readonly effectiveBySinr: boolean;
}

/** Why something is sounded goes with it, for the record. */
export type SoundingDue = { what: 'whole' | 'effective'; because: 'period' | 'sinr' } | undefined;

export function soundingDue(age: SoundingAge, periods: SoundingPeriods): SoundingDue {
  if (age.sinceWholeSlots >= periods.wholeSlots) return { what: 'whole', because: 'period' };
  if (periods.mostMissedDb !== undefined && age.missedDb !== undefined && age.missedDb > periods.mostMissedDb) {
    return { what: age.effectiveBySinr ? 'whole' : 'effective', because: 'sinr' };
  }
  if (age.sinceEffectiveSlots >= periods.effectiveSlots) return { what: 'effective', because: 'period' };
  return undefined;
}

/**
 * Slots without data of one period: the whole sounding, one slot through the phases after it, and one at each further period of D.
 * @param wholeSlots that a sounding of the whole channel takes, B/M
 * @param throughSlots that one through the phases takes
 * @throws {BeamrigError} 'argument' where the periods leave no slot for data
 */
export function slotsSpent(wholeSlots: number, periods: SoundingPeriods, throughSlots = 1): number {
  const { wholeSlots: period, effectiveSlots } = periods;
  const spent = wholeSlots + throughSlots * Math.ceil((period - wholeSlots) / effectiveSlots);
  if (effectiveSlots > throughSlots && period > wholeSlots && spent < period) return spent;
  throw new BeamrigError(
    'argument',
    `sounding ${wholeSlots} slots every ${period}, and ${throughSlots} every ${effectiveSlots}, leaves no slot for data`,
    { wayOut: 'give longer periods, or sound fewer beams' },
  );
}

/** The rate that is left: what is had in slots of data, times their share. @param rate bit/s/Hz, mean over slots of data */
export const netRate = (rate: number, spentSlots: number, periodSlots: number): number => rate * (1 - spentSlots / periodSlots);

/** Users who move while they are sounded: what is left of the rate when slots of sounding are counted, by speed and by both periods. */
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { zeros } from '../core/signal/complex-matrix.ts';
import type { Random } from '../core/signal/random.ts';
import { steeringDictionary } from '../sounding/dictionary.ts';
import { covariance } from '../sounding/estimators/covariance.ts';
import { sparseBayesian } from '../sounding/estimators/sparse-bayesian.ts';
import { fuse } from '../sounding/fuse.ts';
import { createLearnedCovariance } from '../sounding/learned-covariance.ts';
import { seenDirections } from '../sounding/seen-directions.ts';
import { randomBeams, shownBeams } from '../sounding/sounding-beams.ts';
import { slotsSpent, netRate, type SoundingPeriods } from '../sounding/sounding-schedule.ts';
import {
  analogFor,
  channelAt,
  digitalFor,
  drawUsers,
  lineArray,
  noiseAt,
  rateOf,
  readingsOf,
  RF_CHAINS,
  USERS,
} from './sounding-scene.ts';

const WAVELENGTH_M = 299_792_458 / 28e9;
const SLOT_S = 1e-4;

export interface MovingOptions extends SoundingPeriods {
  readonly elements: number;
  readonly paths: number;
  readonly speedMps: number;
  readonly pilotSnrDb: number;
  /** A multiple of M. */
  readonly beams: number;
  readonly learned: boolean;
}

/** Soundings before the first that counts, where a covariance is learned. */
const WARM_UP = 10;
/** Periods that count. */
const PERIODS = 2;
/** Slots between two rates that are worked out. */
const STRIDE = 2;

/** One draw of users. @returns net rate over the rate of the true channel, and the same without counting slots */
export function movingShare(options: MovingOptions, random: Random): { net: number; gross: number } {
  const { elements, paths, pilotSnrDb, beams, learned, wholeSlots: period } = options;
  const array = lineArray(elements);
  const noise = noiseAt(pilotSnrDb, elements);
  const slots = beams / RF_CHAINS;
  const perSlot = (options.speedMps * SLOT_S) / WAVELENGTH_M;
  const users = drawUsers(random, paths);
  const at = (slot: number): CMatrix => channelAt(array, users, slot * perSlot);
  const dictionary = steeringDictionary(array.geometry);
  const covarianceOf = createLearnedCovariance();
  const spent = slotsSpent(slots, options);
  let [rate, best] = [0, 0];
  for (let round = learned ? -WARM_UP : 0; round < PERIODS; round++) {
    const begin = (round + WARM_UP) * period;
    const words = randomBeams(array, slots, random);
    const sounded = seenDirections(shownBeams(array, words), dictionary);
    const values = zeros(USERS, beams);
    words.forEach((slotWords, slot) => {
      const heard = readingsOf(at(begin + slot), shownBeams(array, [slotWords]), noise, random);
      for (let k = 0; k < USERS; k++) {
        values.re.set(heard.re.subarray(k * RF_CHAINS, (k + 1) * RF_CHAINS), k * beams + slot * RF_CHAINS);
        values.im.set(heard.im.subarray(k * RF_CHAINS, (k + 1) * RF_CHAINS), k * beams + slot * RF_CHAINS);
      }
    });
    if (learned) covarianceOf.add(sounded, values, noise);
    if (round < 0) continue;
    const estimate = (learned ? covariance : sparseBayesian).prepare(sounded)(
      values,
      noise,
      learned ? covarianceOf.spectra : undefined,
    );
    const { analog } = analogFor(estimate.channel, array);
    const rates: number[] = [];
    for (let next = slots; next < period; next += options.effectiveSlots) {
      const heard = readingsOf(at(begin + next), analog, noise, random);
      const digital = digitalFor(fuse(estimate, analog, heard, noise).channel, analog);
      for (let slot = next + 1; slot < Math.min(next + options.effectiveSlots, period); slot += STRIDE) {
        rates.push(rateOf(at(begin + slot), analog, digital));
      }
    }
    rate += rates.reduce((sum, each) => sum + each, 0) / rates.length / PERIODS;
    best += analogFor(at(begin + Math.round(period / 2)), array).sumRate / PERIODS;
  }
  return { net: netRate(rate, spent, period) / best, gross: rate / best };
}

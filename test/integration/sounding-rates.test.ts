import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/signal/random.ts';
import {
  analogFor,
  channelAt,
  digitalFor,
  drawUsers,
  lineArray,
  noiseAt,
  normalisedError,
  rateOf,
  readingsOf,
} from '../../bench/sounding-scene.ts';
import { steeringDictionary } from '../../sounding/dictionary.ts';
import { sparseBayesian } from '../../sounding/estimators/sparse-bayesian.ts';
import { fuse } from '../../sounding/fuse.ts';
import { seenDirections } from '../../sounding/seen-directions.ts';
import { randomBeams, shownBeams } from '../../sounding/sounding-beams.ts';

const array = lineArray(64);
const dictionary = steeringDictionary(array.geometry);

describe('the rate of a sounded channel, of what the true one gives', () => {
  it.each([
    { paths: 10, snrDb: 20, slots: 6, least: 0.9 },
    { paths: 10, snrDb: 10, slots: 12, least: 0.9 },
    { paths: 3, snrDb: 20, slots: 4, least: 0.95 },
  ])('is high enough with $paths paths, $snrDb dB, $slots slots and one more', ({ paths, snrDb, slots, least }) => {
    const random = createRandom(2027).stream(`rates ${paths} ${snrDb}`);
    const noise = noiseAt(snrDb, 64);
    let share = 0;
    const draws = 12;
    for (let i = 0; i < draws; i++) {
      const channel = channelAt(array, drawUsers(random, paths));
      const sounded = seenDirections(shownBeams(array, randomBeams(array, slots, random)), dictionary);
      const estimate = sparseBayesian.prepare(sounded)(readingsOf(channel, sounded.beams, noise, random), noise);
      const { analog } = analogFor(estimate.channel, array);
      const { channel: fused } = fuse(estimate, analog, readingsOf(channel, analog, noise, random), noise);
      share += rateOf(channel, analog, digitalFor(fused, analog)) / analogFor(channel, array).sumRate / draws;
    }
    expect(share).toBeGreaterThan(least);
  });
});

describe('a sounding that begins from the last one', () => {
  const errors = (draws: number, stay: boolean) => {
    const random = createRandom(2028).stream(String(stay));
    const noise = noiseAt(20, 64);
    const sums = { cold: 0, warm: 0 };
    for (let i = 0; i < draws; i++) {
      const sounded = seenDirections(shownBeams(array, randomBeams(array, 6, random)), dictionary);
      const prepared = sparseBayesian.prepare(sounded);
      const users = drawUsers(random, 10);
      const { spectra } = prepared(readingsOf(channelAt(array, users), sounded.beams, noise, random), noise);
      const channel = channelAt(array, stay ? users : drawUsers(random, 10), stay ? 0.2 : 0);
      const values = readingsOf(channel, sounded.beams, noise, random);
      sums.cold += normalisedError(prepared(values, noise).channel, channel);
      sums.warm += normalisedError(prepared(values, noise, spectra).channel, channel);
    }
    return sums;
  };

  it('is no worse in fewer steps where users have gone on a little', () => {
    const { cold, warm } = errors(15, true);
    expect(warm).toBeLessThan(1.05 * cold);
  });

  it('is not led astray by users who have gone elsewhere', () => {
    const { cold, warm } = errors(15, false);
    expect(warm).toBeLessThan(2 * cold);
  });
});

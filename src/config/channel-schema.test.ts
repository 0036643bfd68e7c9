import { describe, expect, it } from 'vitest';
import { SMALL_RIG } from '../../test/doubles/small-rig.ts';
import { mostSoundingSlots, soundingOf } from './channel-schema.ts';
import { parseRigFile } from './rig-file.ts';

const rigWith = (channel: string) => parseRigFile(`${SMALL_RIG}\nchannel: ${channel}`, 'rig.yaml');
const refusal = (channel: string): string => {
  try {
    rigWith(channel);
  } catch (error) {
    return (error as Error).message;
  }
  return 'taken';
};

describe('where channels come from', () => {
  it('is the simulation unless the rig file says otherwise, and sounding has a default for everything', () => {
    expect(soundingOf(parseRigFile(SMALL_RIG, 'rig.yaml'))).toBeUndefined();
    const rig = rigWith('{ source: sounding }');
    expect(soundingOf({ ...rig, array: { rfChains: 4 } })).toEqual({
      sets: 6,
      estimator: 'sparse-bayesian',
      periods: { wholeSlots: 58, effectiveSlots: 16, mostMissedDb: 3 },
      noise: undefined,
    });
  });

  it('is refused where it cannot be: other keys, no slot for data, what means nothing', () => {
    expect(refusal('{ source: sounded }')).toMatch(/channel\.source: "?sounded"?.*simulation.*sounding/);
    expect(refusal('{ source: sounding, beem: 8 }')).toMatch(/channel\.beem.*beams/);
    expect(refusal('{ beams: 8 }')).toContain('channel.beams: has no meaning without source: sounding');
    expect(refusal('{ source: sounding, noise: 0 }')).toMatch(/channel\.noise: 0/);
    expect(refusal('{ source: sounding, beams: 513 }')).toContain('channel.beams: 513');
    const tooShort = refusal('{ source: sounding, beams: 512, wholePeriod: 100 }');
    expect(tooShort).toMatch(
      /channel\.wholePeriod: 100 slots, of which 512 beams on \d+ chains? take \d+ and a further one every 16/,
    );
  });

  it('has more beams and longer periods where powers are all that is heard, since each takes a slot of its own', () => {
    const rig = rigWith('{ source: sounding, estimator: best-beam }');
    expect(soundingOf({ ...rig, array: { rfChains: 4 } })).toEqual({
      sets: 16,
      estimator: 'best-beam',
      periods: { wholeSlots: 8000, effectiveSlots: 2000, mostMissedDb: 3 },
      noise: undefined,
    });
    expect(mostSoundingSlots({ ...rig, array: { rfChains: 4 }, users: { count: 3 } })).toBe(16 * 12 + 30 - 1);
    expect(refusal('{ source: sounding, estimator: phase-retrieval, noise: 1 }')).toContain(
      'channel.noise: has no meaning with estimator: phase-retrieval, whose readings are SNRs',
    );
    expect(refusal('{ source: sounding, estimator: best-beam, effectivePeriod: 2 }')).toMatch(
      /channel\.effectivePeriod: 2 slots, and the weights alone take (\d+) with estimator: best-beam; allowed: above \1/,
    );
    expect(refusal('{ source: sounding, estimator: best-beam, wholePeriod: 20 }')).toMatch(
      /channel\.wholePeriod: 20 slots, of which 64 beams .* further ones every 2000 for the weights/,
    );
  });

  it('is taken with the period that the refusal names as the shortest', () => {
    for (const [beams, effectivePeriod] of [
      [24, 2],
      [24, 16],
      [9, 3],
      [1, 5],
    ]) {
      const text = (wholePeriod: number): string =>
        `{ source: sounding, beams: ${beams}, effectivePeriod: ${effectivePeriod}, wholePeriod: ${wholePeriod} }`;
      const least = Number(/allowed: above (\d+)/.exec(refusal(text(2)))?.[1] ?? 1);
      expect(refusal(text(least + 1)), text(least + 1)).toBe('taken');
    }
  });
});

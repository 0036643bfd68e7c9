import { describe, expect, it } from 'vitest';
import { SMALL_RIG } from '../../test/doubles/small-rig.ts';
import { soundingOf } from './channel-schema.ts';
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
      slots: 6,
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
    const tooShort = refusal('{ source: sounding, beams: 512, wholePeriod: 100 }');
    expect(tooShort).toMatch(
      /channel\.wholePeriod: 100 slots, of which 512 beams on \d+ chains? take \d+ and a further one every 16/,
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

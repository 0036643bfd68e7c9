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
      isSearched: false,
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
      isSearched: false,
      periods: { wholeSlots: 8000, effectiveSlots: 2000, mostMissedDb: 3 },
      noise: undefined,
    });
    expect(mostSoundingSlots({ ...rig, array: { ...rig.array, rfChains: 4 }, users: { count: 3 } })).toBe(16 * 12 + 30 - 1);
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

  it('takes some slots a user for a search from wide beams to narrow ones, whatever else it says of beams', () => {
    const searched = '{ source: sounding, estimator: best-beam, words: hierarchical }';
    const rig = rigWith(searched);
    expect(soundingOf(rig)).toMatchObject({ estimator: 'best-beam', isSearched: true });
    const line = { geometry: { kind: 'ula', elements: 64, spacingWavelengths: 0.5 }, rfChains: 4, connection: 'full' } as const;
    // Four sectors, and halves of one until there are 64: 2·log2(64) in all, and 30 through the words that stand.
    expect(mostSoundingSlots({ ...rig, array: line, users: { count: 3 } })).toBe(3 * 12 + 30 - 1);
    // On one chain the first sectors are two.
    expect(mostSoundingSlots({ ...rig, array: { ...line, rfChains: 1 }, users: { count: 1 } })).toBe(12 + 1 - 1);
    expect(refusal('{ source: sounding, estimator: best-beam, words: hierarchical, beams: 64 }')).toContain(
      'channel.beams: has no meaning with words: hierarchical',
    );
    expect(refusal('{ source: sounding, estimator: least-squares, words: hierarchical }')).toContain(
      'channel.words: has no meaning with estimator: least-squares',
    );
    const inParts = SMALL_RIG.replace('  rfChains:', '  connection: sub\n  rfChains:');
    expect(() => parseRigFile(`${inParts}\nchannel: ${searched}`, 'rig.yaml')).toThrow(
      /channel\.words: .* array\.connection is sub/,
    );
    expect(refusal('{ words: hierarchical }')).toContain('channel.words: has no meaning without source: sounding');
    const tooShort = refusal(searched.replace(' }', ', wholePeriod: 3, effectivePeriod: 1000 }'));
    const least = /channel\.wholePeriod: 3 slots, of which searches for .* take \d+ and .*; allowed: above (\d+)$/m.exec(
      tooShort,
    );
    expect(refusal(searched.replace(' }', `, wholePeriod: ${least?.[1]}, effectivePeriod: 1000 }`))).toContain(
      'channel.wholePeriod',
    );
    expect(rigWith(searched.replace(' }', `, wholePeriod: ${Number(least?.[1]) + 1}, effectivePeriod: 1000 }`))).toBeDefined();
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

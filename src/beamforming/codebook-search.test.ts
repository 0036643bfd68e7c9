import { describe, expect, it } from 'vitest';
import { matmul, zeros, type CMatrix } from '../../core/signal/complex-matrix.ts';
import type { ArrayGeometry } from '../../core/signal/geometry.ts';
import { elementCount, steeringVector } from '../../core/signal/geometry.ts';
import { sumRateObjective } from '../../core/signal/objectives/sum-rate.ts';
import { createRandom } from '../../core/signal/random.ts';
import { toDb } from '../../core/signal/rate.ts';
import { realiseBeam } from '../../core/signal/realise-beam.ts';
import { searchingCodebook } from './codebook-search.ts';
import { hierarchicalCodebook, type Codeword } from './codebook-tree.ts';

/** Rows a(θ)ᴴ of users in free space. */
function freeSpace(geometry: ArrayGeometry, directions: readonly [azimuth: number, elevation: number][]): CMatrix {
  const elements = elementCount(geometry);
  const channel = zeros(directions.length, elements);
  directions.forEach(([azimuth, elevation], k) => {
    const { re, im } = steeringVector(geometry, azimuth, elevation);
    for (let n = 0; n < elements; n++) {
      channel.re[k * elements + n] = re[n];
      channel.im[k * elements + n] = -im[n];
    }
  });
  return channel;
}

/** What the users of a channel hear of the beams of a search, until it serves them. @returns how many cycles that took, and what was said */
async function searched(search: ReturnType<typeof searchingCodebook>, channel: CMatrix, rfChains: number) {
  const news: string[] = [];
  const problem = { channel, rfChains, power: 10, noise: 1 };
  for (let cycle = 1; cycle < 1000; cycle++) {
    const beam = await search.compute(problem);
    const { sinr } = realiseBeam(problem, beam, { states: { bits: 6 }, objective: sumRateObjective });
    const said = search.heard?.(beam, { measuredDb: sinr.map(toDb), predictedDb: sinr.map(toDb) });
    if (said !== undefined) news.push(said);
    if (search.probes > 0) return { cycles: cycle, news, beam: await search.compute(problem) };
  }
  throw new Error('it never ends');
}

/** Power towards a user of one chain, over that of the best direction there is: 1 is N². */
function gainOf(
  channel: CMatrix,
  user: number,
  { analogPhase }: { analogPhase: Float64Array },
  rfChains: number,
  chain: number,
): number {
  const elements = channel.cols;
  const own = zeros(1, elements);
  const shown = zeros(elements, 1);
  for (let n = 0; n < elements; n++) {
    own.re[n] = channel.re[user * elements + n];
    own.im[n] = channel.im[user * elements + n];
    shown.re[n] = Math.cos(analogPhase[n * rfChains + chain]);
    shown.im[n] = Math.sin(analogPhase[n * rfChains + chain]);
  }
  const { re, im } = matmul(own, shown);
  return (re[0] ** 2 + im[0] ** 2) / elements ** 2;
}

describe('a hierarchical codebook that is searched by measuring', () => {
  it.each([
    ['a line of 16', { kind: 'ula', elements: 16, spacingWavelengths: 0.5 } as const, [9, 10]],
    ['a line of 64', { kind: 'ula', elements: 64, spacingWavelengths: 0.5 } as const, [13, 14]],
    ['a plane of 8 × 16', { kind: 'upa', rows: 8, columns: 16, spacingWavelengths: 0.5 } as const, [16, 18]],
  ])(
    'of %s finds each of two users in 2·log₂N probes and those beside the last, and points at him',
    async (_, geometry, [fewest, most]) => {
      const random = createRandom(5);
      let found = 0;
      const trials = 60;
      for (let trial = 0; trial < trials; trial++) {
        const elevation = (): number => (geometry.kind === 'ula' ? 0 : 1.2 * (random.uniform() - 0.5));
        const channel = freeSpace(geometry, [
          [2 * (random.uniform() - 0.5), elevation()],
          [2 * (random.uniform() - 0.5), elevation()],
        ]);
        const search = searchingCodebook({ geometry, rfChains: 2, users: 2 }, hierarchicalCodebook(geometry), 'hierarchical');
        const { cycles, news, beam } = await searched(search, channel, 2);
        expect(search.probes).toBe(cycles);
        expect(cycles).toBeGreaterThanOrEqual(2 * fewest);
        expect(cycles).toBeLessThanOrEqual(2 * most);
        expect(news.at(-1)).toContain(`searched with ${cycles} probes: user 0 at `);
        // Between two of the narrowest beams of a line 3.9 dB are lost, of a plane twice as much.
        const least = 10 ** (-(geometry.kind === 'ula' ? 4.5 : 8.5) / 10);
        for (const user of [0, 1]) if (gainOf(channel, user, beam, 2, user) > least) found++;
      }
      expect(found / (2 * trials)).toBeGreaterThan(0.95);
    },
  );

  it('asks again for a probe that nobody heard, and searches anew when a user is lost', async () => {
    const geometry = { kind: 'ula', elements: 16, spacingWavelengths: 0.5 } as const;
    const search = searchingCodebook({ geometry, rfChains: 1, users: 1 }, hierarchicalCodebook(geometry), 'hierarchical');
    const problem = { channel: freeSpace(geometry, [[0.3, 0]]), rfChains: 1, power: 10, noise: 1 };
    const first = await search.compute(problem);
    expect(search.heard?.(first, { measuredDb: undefined, predictedDb: Float64Array.of(0) })).toBeUndefined();
    expect(await search.compute(problem)).toBe(first);
    const { beam } = await searched(search, problem.channel, 1);
    const hear = (db: number) => search.heard?.(beam, { measuredDb: Float64Array.of(db), predictedDb: Float64Array.of(db) });
    expect([hear(30), hear(29), hear(23), hear(20), hear(30), hear(20), hear(20)]).toEqual(Array(7).fill(undefined));
    expect(hear(20)).toContain('User 0 hears 6 dB less');
    expect(await search.compute(problem)).not.toBe(beam);
  });

  it('of a flat codebook tries all of it', async () => {
    const geometry = { kind: 'ula', elements: 8, spacingWavelengths: 0.5 } as const;
    const flat: Codeword[] = [0, 1, 2, 3, 4].map((i) => {
      const { re, im } = steeringVector(geometry, (i - 2) * 0.3);
      return { name: `beam ${i}`, phaseRad: re.map((x, n) => Math.atan2(im[n], x)), within: () => [] };
    });
    const search = searchingCodebook({ geometry, rfChains: 1, users: 1 }, flat, 'table.csv');
    const { cycles, news } = await searched(search, freeSpace(geometry, [[0.3, 0]]), 1);
    expect(cycles).toBe(5);
    expect(news.at(-1)).toBe('The codebook was searched with 5 probes: user 0 at beam 3.');
  });
});

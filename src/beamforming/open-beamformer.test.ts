import { describe, expect, it } from 'vitest';
import { salehValenzuela } from '../../core/signal/channel.ts';
import { frobeniusNorm, fromPhases, matmul } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { createRandom } from '../../core/signal/random.ts';
import { sumRate } from '../../core/signal/rate.ts';
import { listFittingBeamformers, openBeamformer } from './open-beamformer.ts';

const NEEDS = { elements: 64, rfChains: 4, users: 4 };
const geometry = { kind: 'ula', elements: 64, spacingWavelengths: 0.5 } as const;
const channel = salehValenzuela({ random: createRandom(5), geometry, users: 4, paths: 10, scale: 'unit-element' });

describe('beamformers by name', () => {
  it('lists what fits the rig, models first, and opens every one of them at full power', async () => {
    const fitting = listFittingBeamformers(NEEDS);
    expect(fitting.map(({ id }) => id)).toContain('aligned');
    for (const { id, kind, title } of fitting) {
      const beamformer = await openBeamformer(id, NEEDS, { deadlineMs: 10_000 });
      try {
        expect(beamformer).toMatchObject({ id, kind, title, dimensions: NEEDS });
        const { analogPhase, digital } = await beamformer.compute({ channel, rfChains: 4, power: 10, noise: 1 });
        const precoder = matmul(fromPhases(analogPhase, 64, 4), digital);
        expect(frobeniusNorm(precoder) ** 2 / 10).toBeCloseTo(1, 4);
        expect(sumRate(channel, precoder, 1)).toBeGreaterThan(5);
      } finally {
        await beamformer.close();
      }
    }
  }, 120_000);

  it('gives a sub-connected array phases for its own connections only', async () => {
    const mask = connectionMask('sub', 64, 4);
    const baseline = await openBeamformer('aligned', { ...NEEDS, connection: 'sub' }, { deadlineMs: 10_000 });
    const { analogPhase, digital } = await baseline.compute({ channel, rfChains: 4, power: 10, noise: 1 });
    expect(frobeniusNorm(matmul(fromPhases(analogPhase, 64, 4, mask), digital)) ** 2).toBeCloseTo(10, 6);
  });

  it('calls a baseline slow that took longer than its deadline', async () => {
    const baseline = await openBeamformer('pga', NEEDS, { deadlineMs: 0.001 });
    await expect(baseline.compute({ channel, rfChains: 4, power: 10, noise: 1 })).rejects.toMatchObject({
      code: 'model-slow',
      message: "the baseline 'pga' took longer for its beam than 0.001 ms",
    });
  });

  it('says what there is when a name is unknown', async () => {
    await expect(openBeamformer('nobody', NEEDS, { deadlineMs: 10_000 })).rejects.toMatchObject({ code: 'model-missing' });
  });
});

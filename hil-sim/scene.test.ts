import { describe, expect, it } from 'vitest';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { frobeniusNorm, fromParts, multiplyABh, subtract } from '../core/signal/complex-matrix.ts';
import { steeringVector } from '../core/signal/geometry.ts';
import { createRandom } from '../core/signal/random.ts';
import type { MovingUsersOptions } from './scene.ts';
import { createMovingUsers, createRecordedScene } from './scene.ts';

const lab = (changes: Partial<MovingUsersOptions> = {}) =>
  createMovingUsers({
    geometry: { kind: 'ula', elements: 16, spacingWavelengths: 0.5 },
    users: 2,
    paths: 10,
    scale: 'unit-element',
    speedMps: 1.4,
    carrierGhz: 28,
    random: createRandom(7),
    ...changes,
  });

/** |⟨a, b⟩| / (‖a‖‖b‖) of the whole channels. */
const alikeness = (a: CMatrix, b: CMatrix): number => {
  const inner = multiplyABh(fromParts(1, a.re.length, a.re, a.im), fromParts(1, b.re.length, b.re, b.im));
  return frobeniusNorm(inner) / (frobeniusNorm(a) * frobeniusNorm(b));
};

const meanPowerPerEntry = (changes: Partial<MovingUsersOptions>, timesS: number[]): number => {
  let sum = 0;
  let count = 0;
  for (let seed = 0; seed < 150; seed++) {
    const scene = lab({ random: createRandom(seed), ...changes });
    for (const timeS of timesS) {
      scene.moveTo(timeS);
      const channel = scene.channel();
      sum += frobeniusNorm(channel) ** 2;
      count += channel.rows * channel.cols;
    }
  }
  return sum / count;
};

describe('users that move', () => {
  it('are a pure function of time and seed: any order, any number of visits', () => {
    const there = lab();
    const back = lab();
    there.moveTo(12.5);
    const at12 = there.channel();
    for (const timeS of [900, 3, 0, 12.5]) back.moveTo(timeS);
    expect(back.channel()).toEqual(at12);
    back.moveTo(12.5);
    expect(back.channel()).toEqual(at12);
    const other = lab({ random: createRandom(8) });
    other.moveTo(12.5);
    expect(other.channel()).not.toEqual(at12);
  });

  it('hear channels that are theirs to keep', () => {
    const scene = lab();
    const kept = scene.channel();
    const copy = kept.re.slice();
    scene.channel().re.fill(0);
    scene.moveTo(5);
    scene.channel();
    expect(kept.re).toEqual(copy);
    scene.moveTo(0);
    expect(scene.channel().re).toEqual(copy);
  });

  it.each([
    ['unit-element', 0.3, 1],
    ['unit-element', 0, 1],
    ['paper-001', 0.3, 10 / 16],
    ['paper-001', 0, 10 / 16],
  ] as const)('keep the mean power of scale %s with direct share %f, now and hours later', (scale, directShare, expected) => {
    // 150 seeds × 3 times × 2 users of about ten paths: the standard error is near 2 %.
    const mean = meanPowerPerEntry({ scale, directShare }, [0, 3600, 4 * 3600]);
    expect(mean / expected).toBeGreaterThan(0.9);
    expect(mean / expected).toBeLessThan(1.1);
  });

  it('keep their mean power in the middle of a handover from one scatterer to the next', () => {
    // With one path slot and a life of 1.4 m walked at 1.4 m/s, a quarter of all times is a handover.
    const timesS = Array.from({ length: 40 }, (_, i) => 50 + i / 40);
    const mean = meanPowerPerEntry({ paths: 1, directShare: 0, scattererLifeM: 1.4 }, timesS);
    expect(mean).toBeGreaterThan(0.85);
    expect(mean).toBeLessThan(1.15);
  });

  it('turn their phases as fast as Doppler allows, and no faster', () => {
    // Alone with its direct path a user's phase turns by at most 2π·v·t/λ: 131 Hz at 1.4 m/s and 28 GHz.
    const scene = lab({ users: 1, paths: 1 });
    const mostHz = (1.4 * 28e9) / 299_792_458;
    const stepS = 1e-3;
    let fastestHz = 0;
    for (let i = 0; i < 4000; i++) {
      scene.moveTo(i * 0.01);
      const before = scene.channel();
      scene.moveTo(i * 0.01 + stepS);
      const after = scene.channel();
      const turned = multiplyABh(after, before);
      fastestHz = Math.max(fastestHz, Math.abs(Math.atan2(turned.im[0], turned.re[0])) / (2 * Math.PI * stepS));
    }
    expect(fastestHz).toBeLessThan(mostHz * 1.02);
    expect(fastestHz).toBeGreaterThan(mostHz * 0.8);
  });

  it('change smoothly over a tenth of a millisecond and entirely over a second', () => {
    const scene = lab();
    for (let i = 0; i < 200; i++) {
      scene.moveTo(i * 0.37);
      const before = scene.channel();
      scene.moveTo(i * 0.37 + 1e-4);
      expect(frobeniusNorm(subtract(scene.channel(), before)) / frobeniusNorm(before)).toBeLessThan(0.1);
    }
    scene.moveTo(0);
    const start = scene.channel();
    scene.moveTo(1);
    expect(alikeness(start, scene.channel())).toBeLessThan(0.9);
  });

  it('stand still at speed 0', () => {
    const scene = lab({ speedMps: 0 });
    const before = scene.channel();
    scene.moveTo(3600);
    expect(scene.channel()).toEqual(before);
  });

  it('stay in their sector, apart from each other, and are heard best from where they stand', () => {
    const geometry = { kind: 'ula', elements: 64, spacingWavelengths: 0.5 } as const;
    const scene = lab({ geometry, users: 4, directShare: 0.6 });
    let strongest = 0;
    for (let i = 0; i < 50; i++) {
      scene.moveTo(i * 11);
      const azimuths = scene.userAzimuthRad();
      for (const azimuth of azimuths) expect(Math.abs(azimuth)).toBeLessThanOrEqual(Math.PI / 3 + 1e-9);
      const channel = scene.channel();
      azimuths.forEach((azimuth, user) => {
        const row = fromParts(1, 64, channel.re.slice(user * 64, user * 64 + 64), channel.im.slice(user * 64, user * 64 + 64));
        const steering = steeringVector(geometry, azimuth);
        const received = multiplyABh(
          row,
          fromParts(
            1,
            64,
            steering.re,
            steering.im.map((x) => -x),
          ),
        );
        if (frobeniusNorm(received) / Math.sqrt(64) / frobeniusNorm(row) > 0.5) strongest += 1;
      });
    }
    expect(strongest).toBeGreaterThan(0.9 * 50 * 4);
  });

  it('are shown at their strongest path, in front, when no path is direct', () => {
    const scene = lab({ directShare: 0 });
    for (const azimuth of scene.userAzimuthRad()) expect(Math.abs(azimuth)).toBeLessThanOrEqual(Math.PI / 2);
  });

  it('work on a planar array', () => {
    const scene = lab({ geometry: { kind: 'upa', rows: 4, columns: 4, spacingWavelengths: 0.5 } });
    expect(scene.elements).toBe(16);
    expect(frobeniusNorm(scene.channel())).toBeGreaterThan(0);
  });

  it('refuse a speed, a share or a time that makes no sense, and name it', () => {
    expect(() => lab({ speedMps: -1 })).toThrow(/speedMps is -1/);
    expect(() => lab({ directShare: 1.5 })).toThrow(/directShare is 1.5/);
    expect(() => lab({ users: 0 })).toThrow(/users is 0/);
    expect(() => lab().moveTo(Number.NaN)).toThrow(/timeS is NaN/);
  });
});

describe('a recorded scene', () => {
  const channels = [1, 2, 3].map((value) => fromParts(1, 2, [value, 0], [0, value]));

  it('shows the channel that was selected, whatever the time', () => {
    const scene = createRecordedScene(channels);
    expect(scene).toMatchObject({ elements: 2, users: 1, count: 3 });
    scene.select(2);
    scene.moveTo(99);
    expect(scene.channel()).toEqual(channels[2]);
    expect(scene.userAzimuthRad()).toHaveLength(0);
  });

  it('refuses an index outside, channels of different size, and none at all', () => {
    expect(() => createRecordedScene(channels).select(3)).toThrow(/channel index 3 is outside 0 … 2/);
    expect(() => createRecordedScene([channels[0], fromParts(2, 1, [1, 2], [0, 0])])).toThrow(/channel 1 is 2×1/);
    expect(() => createRecordedScene([])).toThrow(/at least one channel/);
  });
});

import { describe, expect, it } from 'vitest';
import { steeringVector } from '../../core/signal/geometry.ts';
import { parseRigFile } from '../config/rig-file.ts';
import { probePath } from './probe.ts';

const rigWith = (geometry: string, probe: string) =>
  parseRigFile(
    `name: r\narray: { geometry: ${geometry}, rfChains: 1, phaseBits: 3 }\nusers: { count: 1 }\nbeamformer: { model: aligned }\ncalibration: { probe: ${probe} }`,
    'r.yaml',
  );

describe.each([
  ['a line', '{ kind: ula, elements: 8 }'],
  ['a rectangle', '{ kind: upa, rows: 2, columns: 4, spacingWavelengths: 0.6 }'],
])('the path from %s to a probe', (_, geometry) => {
  it('that is far away is the steering vector of its direction, as a row of a channel', () => {
    const rig = rigWith(geometry, '{ azimuthDeg: 25, elevationDeg: -10 }');
    const path = probePath(rig);
    const steering = steeringVector(rig.array.geometry, (25 * Math.PI) / 180, (-10 * Math.PI) / 180);
    expect(path).toMatchObject({ rows: 1, cols: 8 });
    path.re.forEach((re, n) => {
      expect(re).toBeCloseTo(steering.re[n], 12);
      expect(path.im[n]).toBeCloseTo(-steering.im[n], 12);
    });
  });

  it('that is near comes to the same the farther it goes, but for a factor of all, and differs where it is near', () => {
    const far = probePath(rigWith(geometry, '{ azimuthDeg: 25, elevationDeg: -10 }'));
    const missed = (distanceM: number): number => {
      const near = probePath(rigWith(geometry, `{ azimuthDeg: 25, elevationDeg: -10, distanceM: ${distanceM} }`));
      let [re, im] = [0, 0];
      near.re.forEach((value, n) => {
        re += (value * far.re[n] + near.im[n] * far.im[n]) / near.cols;
        im += (near.im[n] * far.re[n] - value * far.im[n]) / near.cols;
      });
      return 1 - Math.hypot(re, im);
    };
    expect(Math.abs(missed(1000))).toBeLessThan(1e-3);
    expect(missed(0.02)).toBeGreaterThan(0.02);
  });
});

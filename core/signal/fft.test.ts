import { describe, expect, it } from 'vitest';
import { fft } from './fft.ts';
import { createRandom } from './random.ts';

describe('the Fourier transform', () => {
  it.each([1, 2, 4, 8, 64])('is the sum that it is defined as, and turns back: %d points', (length) => {
    const random = createRandom(length);
    const x = Array.from({ length }, () => random.complexNormal());
    const re = Float64Array.from(x, (value) => value.re);
    const im = Float64Array.from(x, (value) => value.im);
    fft(re, im);
    for (let k = 0; k < length; k++) {
      let [sumRe, sumIm] = [0, 0];
      x.forEach((value, n) => {
        const [cos, sin] = [Math.cos((2 * Math.PI * k * n) / length), -Math.sin((2 * Math.PI * k * n) / length)];
        sumRe += value.re * cos - value.im * sin;
        sumIm += value.re * sin + value.im * cos;
      });
      expect(re[k]).toBeCloseTo(sumRe, 10);
      expect(im[k]).toBeCloseTo(sumIm, 10);
    }
    fft(re, im, 'backward');
    x.forEach((value, n) => {
      expect(re[n] / length).toBeCloseTo(value.re, 12);
      expect(im[n] / length).toBeCloseTo(value.im, 12);
    });
  });

  it.each([
    [3, 3],
    [4, 2],
    [0, 0],
  ])('takes a power of two alone: %d real and %d imaginary parts', (real, imaginary) => {
    expect(() => fft(new Float64Array(real), new Float64Array(imaginary))).toThrow('both must be one power of two');
  });
});

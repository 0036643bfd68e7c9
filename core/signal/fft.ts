/** The discrete Fourier transform of lengths that are powers of two: Cooley and Tukey's, in place. */
import { BeamrigError } from '../errors/beamrig-error.ts';

/**
 * X[k] = Σₙ x[n]·exp(∓j2πkn/L): minus forward, plus backward; neither is scaled.
 * @param re real parts, length L, a power of two; overwritten, as `im` is
 * @throws {BeamrigError} `shape` for other lengths
 * Source: Cooley and Tukey, Math. Comput. 19 (1965).
 */
export function fft(re: Float64Array, im: Float64Array, direction: 'forward' | 'backward' = 'forward'): void {
  const { length } = re;
  if (length < 1 || (length & (length - 1)) !== 0 || im.length !== length) {
    throw new BeamrigError(
      'shape',
      `a transform of ${length} real and ${im.length} imaginary parts: both must be one power of two`,
    );
  }
  swapBitReversed(re, im);
  const sign = direction === 'forward' ? -1 : 1;
  const { cosines, sines } = turnsOf(length);
  let half = 1;
  if (length >= 4) {
    firstTwoStages(re, im, sign);
    half = 4;
  }
  for (; half < length; half *= 2) {
    const stride = length / (2 * half);
    for (let start = 0; start < length; start += 2 * half) {
      for (let a = start, b = start + half, turn = 0; a < start + half; a++, b++, turn += stride) {
        const wr = cosines[turn];
        const wi = sign * sines[turn];
        const br = re[b] * wr - im[b] * wi;
        const bi = re[b] * wi + im[b] * wr;
        const ar = re[a];
        const ai = im[a];
        re[b] = ar - br;
        im[b] = ai - bi;
        re[a] = ar + br;
        im[a] = ai + bi;
      }
    }
  }
}

/** Their turns are 1 and ±j: nothing is multiplied. */
function firstTwoStages(re: Float64Array, im: Float64Array, sign: number): void {
  for (let k = 0; k < re.length; k += 4) {
    const sumRe = re[k] + re[k + 1];
    const sumIm = im[k] + im[k + 1];
    const otherRe = re[k + 2] + re[k + 3];
    const otherIm = im[k + 2] + im[k + 3];
    const differenceRe = re[k] - re[k + 1];
    const differenceIm = im[k] - im[k + 1];
    const turnedRe = -sign * (im[k + 2] - im[k + 3]);
    const turnedIm = sign * (re[k + 2] - re[k + 3]);
    re[k] = sumRe + otherRe;
    im[k] = sumIm + otherIm;
    re[k + 1] = differenceRe + turnedRe;
    im[k + 1] = differenceIm + turnedIm;
    re[k + 2] = sumRe - otherRe;
    im[k + 2] = sumIm - otherIm;
    re[k + 3] = differenceRe - turnedRe;
    im[k + 3] = differenceIm - turnedIm;
  }
}

function swapBitReversed(re: Float64Array, im: Float64Array): void {
  const { length } = re;
  for (let i = 1, reversed = 0; i < length; i++) {
    let bit = length >> 1;
    for (; reversed & bit; bit >>= 1) reversed ^= bit;
    reversed ^= bit;
    if (i >= reversed) continue;
    const realPart = re[i];
    re[i] = re[reversed];
    re[reversed] = realPart;
    const imaginaryPart = im[i];
    im[i] = im[reversed];
    im[reversed] = imaginaryPart;
  }
}

/** cos and sin of 2πi/L for the first half turn, kept for the length that is in use. */
function turnsOf(length: number): { length: number; cosines: Float64Array; sines: Float64Array } {
  if (turns.length === length) return turns;
  const half = Math.max(length / 2, 1);
  const angle = (i: number): number => (2 * Math.PI * i) / length;
  turns = {
    length,
    cosines: Float64Array.from({ length: half }, (_, i) => Math.cos(angle(i))),
    sines: Float64Array.from({ length: half }, (_, i) => Math.sin(angle(i))),
  };
  return turns;
}

let turns = { length: 0, cosines: new Float64Array(0), sines: new Float64Array(0) };

/**
 * The beams of a line of elements: steering vectors on a grid that is even in the sine of the angle, a_g = exp(j2πgn/G). N of them are those of a
 * Fourier transform, and orthogonal.
 *
 * A baseline is not told where the elements stand. A rectangle, numbered row by row, has beams whose phase from row to row is free; a line's
 * beams are those where it follows from the phase along the row. They hold its channels in nearly as few, since either spans what the elements can
 * do. Of elements in any other order, beams are no better than random phases.
 *
 * Source: the grid of El Ayach et al., IEEE Trans. Wireless Commun. 13(3), 2014, section V, in sines and not in angles.
 */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';
import { fft } from '../../core/signal/fft.ts';

/** exp(j2π·beam·n/beams) into a column of A, for the elements n given. */
export function showBeam(
  { cols, re, im }: CMatrix,
  column: number,
  beam: number,
  beams: number,
  elements: readonly number[],
): void {
  for (const n of elements) {
    const phase = (2 * Math.PI * ((beam * n) % beams)) / beams;
    re[n * cols + column] = Math.cos(phase);
    im[n * cols + column] = Math.sin(phase);
  }
}

/**
 * What is heard of every beam through some of the elements: Σₙ xₙ·a_g,ₙ, for each row x.
 * @param x K×N
 * @param beams G ≥ N
 * @param elements those that show the beam
 * @returns K×G
 */
export function heardOnBeams(x: CMatrix, beams: number, elements: readonly number[]): CMatrix {
  const out = zeros(x.rows, beams);
  for (let k = 0; k < x.rows; k++) {
    const re = out.re.subarray(k * beams, (k + 1) * beams);
    const im = out.im.subarray(k * beams, (k + 1) * beams);
    for (const n of elements) {
      re[n] = x.re[k * x.cols + n];
      im[n] = x.im[k * x.cols + n];
    }
    transform(re, im);
  }
  return out;
}

/** The elements that a chain reaches. @param isReached by place n·M + m */
export const reachedBy = (chain: number, elements: number, chains: number, isReached: (place: number) => boolean): number[] =>
  Array.from({ length: elements }, (_, n) => n).filter((n) => isReached(n * chains + chain));

/** Y[g] = Σₙ y[n]·exp(+j2πng/G), in place; term by term where G is no power of two. */
function transform(re: Float64Array, im: Float64Array): void {
  const { length } = re;
  if ((length & (length - 1)) === 0) {
    fft(re, im, 'backward');
    return;
  }
  const [fromRe, fromIm] = [re.slice(), im.slice()];
  const cos = Float64Array.from(re, (_, i) => Math.cos((2 * Math.PI * i) / length));
  const sin = Float64Array.from(re, (_, i) => Math.sin((2 * Math.PI * i) / length));
  for (let g = 0; g < length; g++) {
    let sumRe = 0;
    let sumIm = 0;
    for (let n = 0, turn = 0; n < length; n++, turn = (turn + g) % length) {
      sumRe += fromRe[n] * cos[turn] - fromIm[n] * sin[turn];
      sumIm += fromRe[n] * sin[turn] + fromIm[n] * cos[turn];
    }
    re[g] = sumRe;
    im[g] = sumIm;
  }
}

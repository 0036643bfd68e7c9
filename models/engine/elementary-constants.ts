/**
 * Polynomials and split constants of the elementary functions, highest power first, in single and double precision.
 * Source: S. L. Moshier, Cephes Mathematical Library 2.8, expf, logf, atanf, sinf and exp, log, atan, sin.
 */

/** A quotient of two polynomials, or one polynomial. */
interface Rational {
  readonly above: readonly number[];
  readonly below?: readonly number[];
}

export interface Polynomials {
  /** Bits of the fraction of a number. */
  readonly fractionBits: number;
  readonly rootHalfBits: bigint;
  /** The smallest number with all bits of its fraction. */
  readonly smallest: number;
  /** A number whose last bit counts ones, and its bits. */
  readonly large: { readonly value: number; readonly bits: bigint };
  /** π∕2 in parts, each with zeros at its end. */
  readonly halfPi: readonly number[];
  readonly exp: Rational & { readonly from: number; readonly to: number; readonly ln2: readonly [number, number] };
  readonly log: Rational & { readonly ln2: readonly [number, number] };
  readonly atan: Rational & { readonly middleFrom: number };
  readonly sine: { readonly sin: readonly number[]; readonly cos: readonly number[] };
}

export const single: Polynomials = {
  fractionBits: 23,
  rootHalfBits: 0x3f3504f3n,
  smallest: 2 ** -126,
  large: { value: 1.5 * 2 ** 23, bits: 0x4b400000n },
  halfPi: [1.5703125, 4.837512969970703e-4, 7.549789948768648e-8],
  exp: {
    from: -87.3,
    to: 88.7228,
    ln2: [0.693359375, -2.1219444e-4],
    above: [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1],
  },
  log: {
    ln2: [0.693359375, -2.1219444e-4],
    above: [
      7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1,
      -2.4999993993e-1, 3.3333331174e-1,
    ],
  },
  atan: { middleFrom: Math.SQRT2 - 1, above: [8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1] },
  sine: {
    sin: [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1],
    cos: [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2],
  },
};

export const double: Polynomials = {
  fractionBits: 52,
  rootHalfBits: 0x3fe6a09e667f3bcdn,
  smallest: 2 ** -1022,
  large: { value: 1.5 * 2 ** 52, bits: 0x4338000000000000n },
  halfPi: [2 * 0.7853981256484985, 2 * 3.774894707930798e-8, 2 * 2.6951514290790595e-15],
  exp: {
    from: -708,
    to: 709.78,
    ln2: [0.693145751953125, 1.4286068203094173e-6],
    above: [0.00012617719307481058, 0.030299440770744195, 1.0],
    below: [3.0019850513866446e-6, 0.002524483403496841, 0.22726554820815503, 2.0],
  },
  log: {
    ln2: [0.693359375, -0.00021219444005469057],
    above: [
      0.00010187566380458093, 0.497494994976747, 4.705791198788817, 14.498922534161093, 17.936867850781983, 7.708387337558854,
    ],
    below: [1, 11.287358718916746, 45.227914583753225, 82.98752669127767, 71.15447506185639, 23.125162012676533],
  },
  atan: {
    middleFrom: 0.66,
    above: [-0.8750608600031904, -16.157537187333652, -75.00855792314705, -122.88666844901361, -64.85021904942025],
    below: [1, 24.858464901423062, 165.02700983169885, 432.88106049129027, 485.3903996359137, 194.5506571482614],
  },
  sine: {
    sin: [
      1.5896230157654656e-10, -2.5050747762857866e-8, 2.7557313621385722e-6, -0.0001984126982958954, 0.008333333333322118,
      -0.1666666666666663,
    ],
    cos: [
      -1.1358536521387682e-11, 2.087570084197473e-9, -2.755731417929674e-7, 2.4801587288851704e-5, -0.0013888888888873056,
      0.041666666666666595,
    ],
  },
};

/** X of a plan: what is heard of states, y = X·c, and its adjoint, as sums along the plan; X is never formed. What drifts, drifts in both. */
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { zeros } from '../core/signal/complex-matrix.ts';
import type { Drift } from './drift.ts';
import { still } from './drift.ts';
import type { ReadingPlan } from './reading-plan.ts';

export class ReadingModel {
  /** N·2^Q: the states that are looked for, (n, s) at n·2^Q + s. */
  readonly unknowns: number;
  readonly readings: number;
  /** How often each state is shown. */
  readonly visits: Float64Array;
  drift: Drift;
  readonly #elements: number;
  readonly #states: number;
  /** Which state element n shows in reading i, at i·N + n; `unknowns` where it is off. */
  readonly #shown: Int32Array;
  /** One more than there are states, for those that are off. */
  readonly #re: Float64Array;
  readonly #im: Float64Array;

  constructor({ elements, phaseBits, readings, words, on }: ReadingPlan) {
    this.#elements = elements;
    this.#states = 2 ** phaseBits;
    this.unknowns = elements * this.#states;
    this.readings = readings;
    this.drift = still(readings, elements);
    this.#shown = new Int32Array(readings * elements);
    this.#re = new Float64Array(this.unknowns + 1);
    this.#im = new Float64Array(this.unknowns + 1);
    const visits = new Float64Array(this.unknowns + 1);
    for (let at = 0; at < this.#shown.length; at++) {
      const isOn = on === undefined || on[at] !== 0;
      this.#shown[at] = isOn ? (at % elements) * this.#states + words[at] : this.unknowns;
      visits[this.#shown[at]]++;
    }
    this.visits = visits.subarray(0, this.unknowns);
  }

  /** X·c, R×1. */
  heard(c: CMatrix): CMatrix {
    const { times, common, slopes } = this.drift;
    const plain = this.#sums(c);
    const moved = hasSlopes(slopes) ? this.#sums(this.#timesSlopes(c, 1)) : undefined;
    for (let i = 0; i < this.readings; i++) {
      const re = plain.re[i] + (moved === undefined ? 0 : times[i] * moved.re[i]);
      const im = plain.im[i] + (moved === undefined ? 0 : times[i] * moved.im[i]);
      plain.re[i] = common.re[i] * re - common.im[i] * im;
      plain.im[i] = common.re[i] * im + common.im[i] * re;
    }
    return plain;
  }

  /** Xᴴ·y, N·2^Q×1. */
  adjoint(y: CMatrix): CMatrix {
    const { times, common, slopes } = this.drift;
    const turned = zeros(this.readings, 1); // d*·y
    for (let i = 0; i < this.readings; i++) {
      turned.re[i] = common.re[i] * y.re[i] + common.im[i] * y.im[i];
      turned.im[i] = common.re[i] * y.im[i] - common.im[i] * y.re[i];
    }
    const out = this.#sumsByState(turned);
    if (!hasSlopes(slopes)) return out;
    for (let i = 0; i < this.readings; i++) {
      turned.re[i] *= times[i];
      turned.im[i] *= times[i];
    }
    const moved = this.#timesSlopes(this.#sumsByState(turned), -1);
    for (let at = 0; at < this.unknowns; at++) {
      out.re[at] += moved.re[at];
      out.im[at] += moved.im[at];
    }
    return out;
  }

  /** c[n, word(i, n)], R×N; 0 where the element is off. */
  shownBy(c: CMatrix): CMatrix {
    const out = zeros(this.readings, this.#elements);
    this.#hold(c);
    for (let at = 0; at < this.#shown.length; at++) {
      out.re[at] = this.#re[this.#shown[at]];
      out.im[at] = this.#im[this.#shown[at]];
    }
    return out;
  }

  #hold({ re, im }: CMatrix): void {
    this.#re.set(re);
    this.#im.set(im);
    this.#re[this.unknowns] = this.#im[this.unknowns] = 0;
  }

  #sums(c: CMatrix): CMatrix {
    this.#hold(c);
    const [held, heldIm, shown, elements] = [this.#re, this.#im, this.#shown, this.#elements];
    const out = zeros(this.readings, 1);
    for (let i = 0, at = 0; i < this.readings; i++) {
      let sumRe = 0;
      let sumIm = 0;
      for (const end = at + elements; at < end; at++) {
        sumRe += held[shown[at]];
        sumIm += heldIm[shown[at]];
      }
      out.re[i] = sumRe;
      out.im[i] = sumIm;
    }
    return out;
  }

  #sumsByState({ re, im }: CMatrix): CMatrix {
    const [sums, sumsIm, shown, elements] = [this.#re, this.#im, this.#shown, this.#elements];
    sums.fill(0);
    sumsIm.fill(0);
    for (let i = 0, at = 0; i < this.readings; i++) {
      const [own, ownIm] = [re[i], im[i]];
      if (own === 0 && ownIm === 0) {
        at += elements; // all but one of those that a dense system is made of
        continue;
      }
      for (const end = at + elements; at < end; at++) {
        sums[shown[at]] += own;
        sumsIm[shown[at]] += ownIm;
      }
    }
    const out = zeros(this.unknowns, 1);
    out.re.set(sums.subarray(0, this.unknowns));
    out.im.set(sumsIm.subarray(0, this.unknowns));
    return out;
  }

  /** a∘c; with sign −1 a*∘c. */
  #timesSlopes({ re, im }: CMatrix, sign: 1 | -1): CMatrix {
    const { slopes } = this.drift;
    const out = zeros(this.unknowns, 1);
    for (let n = 0, at = 0; at < this.unknowns; n++) {
      const slopeRe = slopes.re[n];
      const slopeIm = sign * slopes.im[n];
      for (const end = at + this.#states; at < end; at++) {
        out.re[at] = slopeRe * re[at] - slopeIm * im[at];
        out.im[at] = slopeRe * im[at] + slopeIm * re[at];
      }
    }
    return out;
  }
}

const hasSlopes = ({ re, im }: CMatrix): boolean => re.some((value, n) => value !== 0 || im[n] !== 0);

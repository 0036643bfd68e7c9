/**
 * Rates with D solved again, without D. By uplink-downlink duality, what users get from an array at total power P is what the array would
 * get from them at powers q, Σqₖ = P, with the best receivers, and those are closed forms: with B = H·P·Hᴴ (P the projection on the span of A)
 *
 *   1/(1 + SINRₖ) = eₖ = [(I + Q^½·B·Q^½/σ²)⁻¹]ₖₖ
 *
 * With q from the last D these SINRs are attained by some D of the same power, and at the best q by the best D. A chain more is a change of
 * rank one, so that every state of a place costs a few operations a user: with E₋ the inverse without the chain, u = E₋·Q^½v/σ,
 *
 *   eₖ = [E₋]ₖₖ − |uₖ|²/(ρ + (Q^½v/σ)ᴴu),  where |uₖ|², vᴴu and ρ are functions of the state (state-forms.ts)
 *
 * Source: Viswanath and Tse, IEEE Trans. Inf. Theory 49(8), 2003 (duality); Sherman and Morrison, Ann. Math. Stat. 21, 1950 (rank one).
 */
import type { LiftedChain, LiftedPlace } from '../array-span.ts';
import { invertWholeInPlace } from '../cholesky.ts';
import type { CMatrix } from '../complex-matrix.ts';
import { multiplyABh, zeros } from '../complex-matrix.ts';
import type { SpanSurrogate } from '../span-surrogate.ts';
import { formAt, setSquare } from '../state-forms.ts';

/** How a rate objective settles and what it makes of the errors eₖ. */
export interface UplinkRule {
  /**
   * Fills in the uplink powers, Σq = 1, and whatever `worth` weighs by.
   * @param gram B, K×K
   * @returns the objective's value
   */
  settle(gram: CMatrix, powers: Float64Array): number;
  /** @param errors eₖ, one a user, in (0, 1] */
  worth(errors: Float64Array): number;
}

/**
 * @param channel H, K×N
 * @param relativeNoise σ²/P
 */
export const uplinkSurrogate = (channel: CMatrix, relativeNoise: number, rule: UplinkRule): SpanSurrogate =>
  new UplinkSurrogate(channel, relativeNoise, rule);

/**
 * A sweep comes here thousands of times a beam: a class, because numbers that closures share and change are made anew on the heap with every
 * change, and its fields are not.
 */
class UplinkSurrogate implements SpanSurrogate {
  readonly rows: CMatrix;
  readonly #relativeNoise: number;
  readonly #rule: UplinkRule;
  readonly #powers: Float64Array;
  /** √(q/σ²) */
  readonly #factors: Float64Array;
  /** E₋ */
  readonly #inverse: CMatrix;
  /** Q^½v/σ of the chain and u, as they stand; of the place Q^½w/σ, and z = E₋·Q^½w/σ. */
  readonly #v: CMatrix;
  readonly #u: CMatrix;
  readonly #w: CMatrix;
  readonly #z: CMatrix;
  readonly #errors: Float64Array;
  /** ρ + vᴴu as a function of the state, and eₖ times that: all that depends on the state, over one divisor. */
  readonly #below = new Float64Array(4);
  readonly #above: Float64Array;
  #leastRho = 0;
  #stateRe = 0;
  #stateIm = 0;

  constructor(channel: CMatrix, relativeNoise: number, rule: UplinkRule) {
    const users = channel.rows;
    this.rows = channel;
    this.#relativeNoise = relativeNoise;
    this.#rule = rule;
    this.#powers = new Float64Array(users);
    this.#factors = new Float64Array(users);
    this.#inverse = zeros(users, users);
    this.#v = zeros(users, 1);
    this.#u = zeros(users, 1);
    this.#w = zeros(users, 1);
    this.#z = zeros(users, 1);
    this.#errors = new Float64Array(users);
    this.#above = new Float64Array(4 * users);
  }

  settle(seen: CMatrix): number {
    const value = this.#rule.settle(multiplyABh(seen, seen), this.#powers);
    for (let k = 0; k < this.#powers.length; k++) this.#factors[k] = Math.sqrt(this.#powers[k] / this.#relativeNoise);
    return value;
  }

  liftChain({ gram, share, leastRho }: LiftedChain): void {
    this.#leastRho = leastRho;
    const { rows: users, re: er, im: ei } = this.#inverse;
    const factors = this.#factors;
    for (let k = 0, at = 0; k < users; k++) {
      for (let l = 0; l < users; l++, at++) {
        er[at] = factors[k] * factors[l] * gram.re[at];
        ei[at] = factors[k] * factors[l] * gram.im[at];
      }
      er[k * users + k] += 1;
    }
    invertWholeInPlace(this.#inverse, 1);
    weigh(share, factors, this.#v);
    multiply(this.#inverse, this.#v, this.#u);
  }

  liftPlace({ re, im, own, rho }: LiftedPlace): void {
    this.#stateRe = re;
    this.#stateIm = im;
    weigh(own, this.#factors, this.#w);
    multiply(this.#inverse, this.#w, this.#z);
    const { re: vr, im: vi } = this.#v;
    const { re: ur, im: ui } = this.#u;
    const { re: wr, im: wi } = this.#w;
    const { re: zr, im: zi } = this.#z;
    const above = this.#above;
    const below = this.#below;
    const users = vr.length;
    let rest = 0;
    let alongRe = 0;
    let alongIm = 0;
    let square = 0;
    for (let k = 0; k < users; k++) {
      const wRe = wr[k];
      const wIm = wi[k];
      const zRe = zr[k];
      const zIm = zi[k];
      // u without the place
      const uRe = ur[k] - (re * zRe - im * zIm);
      const uIm = ui[k] - (re * zIm + im * zRe);
      rest += (vr[k] - (re * wRe - im * wIm)) * uRe + (vi[k] - (re * wIm + im * wRe)) * uIm;
      alongRe += wRe * uRe + wIm * uIm;
      alongIm += wRe * uIm - wIm * uRe;
      square += wRe * zRe + wIm * zIm;
      setSquare(above, 4 * k, uRe, uIm, zRe, zIm);
    }
    const constant = (below[0] = rho[0] + rest);
    const byRe = (below[1] = rho[1] + 2 * alongRe);
    const byIm = (below[2] = rho[2] + 2 * alongIm);
    const bySize = (below[3] = rho[3] + square);
    const { re: er } = this.#inverse;
    for (let k = 0, at = 0; k < users; k++, at += 4) {
      const error = er[k * users + k];
      above[at] = error * constant - above[at];
      above[at + 1] = error * byRe - above[at + 1];
      above[at + 2] = error * byIm - above[at + 2];
      above[at + 3] = error * bySize - above[at + 3];
    }
  }

  value(re: number, im: number): number {
    const errors = this.#errors;
    const users = errors.length;
    const size = re * re + im * im;
    const below = formAt(this.#below, 0, re, im, size);
    if (below > this.#leastRho) {
      const above = this.#above;
      const share = 1 / below;
      for (let k = 0; k < users; k++) errors[k] = formAt(above, 4 * k, re, im, size) * share;
    } else {
      // ρ is less than this; where not even that is above what rounding leaves, the chain adds nothing.
      const { re: er } = this.#inverse;
      for (let k = 0; k < users; k++) errors[k] = er[k * users + k];
    }
    return this.#rule.worth(errors);
  }

  move(re: number, im: number): void {
    const moveRe = re - this.#stateRe;
    const moveIm = im - this.#stateIm;
    addTurned(this.#v, moveRe, moveIm, this.#w);
    addTurned(this.#u, moveRe, moveIm, this.#z);
    this.#stateRe = re;
    this.#stateIm = im;
  }
}

/** out ← diag(factors)·a */
function weigh({ re, im }: CMatrix, factors: Float64Array, { re: outRe, im: outIm }: CMatrix): void {
  for (let k = 0; k < factors.length; k++) {
    outRe[k] = factors[k] * re[k];
    outIm[k] = factors[k] * im[k];
  }
}

/** out ← E·x */
function multiply({ rows, re: er, im: ei }: CMatrix, { re, im }: CMatrix, { re: outRe, im: outIm }: CMatrix): void {
  for (let k = 0, at = 0; k < rows; k++) {
    let sumRe = 0;
    let sumIm = 0;
    for (let l = 0; l < rows; l++, at++) {
      sumRe += er[at] * re[l] - ei[at] * im[l];
      sumIm += er[at] * im[l] + ei[at] * re[l];
    }
    outRe[k] = sumRe;
    outIm[k] = sumIm;
  }
}

/** a ← a + s·b */
function addTurned({ re, im }: CMatrix, sRe: number, sIm: number, { re: br, im: bi }: CMatrix): void {
  for (let k = 0; k < re.length; k++) {
    re[k] += sRe * br[k] - sIm * bi[k];
    im[k] += sRe * bi[k] + sIm * br[k];
  }
}

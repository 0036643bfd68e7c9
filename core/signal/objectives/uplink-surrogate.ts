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
export function uplinkSurrogate(channel: CMatrix, relativeNoise: number, rule: UplinkRule): SpanSurrogate {
  const users = channel.rows;
  const powers = new Float64Array(users);
  /** √(q/σ²) */
  const factors = new Float64Array(users);
  const inverse = zeros(users, users);
  const { re: er, im: ei } = inverse;
  // Q^½v/σ of the chain and u, as they stand; of the place Q^½w/σ, and z = E₋·Q^½w/σ.
  const { re: vr, im: vi } = zeros(users, 1);
  const { re: ur, im: ui } = zeros(users, 1);
  const { re: wr, im: wi } = zeros(users, 1);
  const { re: zr, im: zi } = zeros(users, 1);
  const errors = new Float64Array(users);
  // |uₖ|² of each user, and ρ + vᴴu, as functions of the state.
  const squares = new Float64Array(4 * users);
  const sum = new Float64Array(4);
  let stateRe = 0;
  let stateIm = 0;
  let leastRho = 0;

  /** out ← E₋·(re, im) */
  const throughInverse = (re: Float64Array, im: Float64Array, outRe: Float64Array, outIm: Float64Array): void => {
    for (let k = 0, at = 0; k < users; k++) {
      let sumRe = 0;
      let sumIm = 0;
      for (let l = 0; l < users; l++, at++) {
        sumRe += er[at] * re[l] - ei[at] * im[l];
        sumIm += er[at] * im[l] + ei[at] * re[l];
      }
      outRe[k] = sumRe;
      outIm[k] = sumIm;
    }
  };

  return {
    rows: channel,
    settle(seen) {
      const value = rule.settle(multiplyABh(seen, seen), powers);
      for (let k = 0; k < users; k++) factors[k] = Math.sqrt(powers[k] / relativeNoise);
      return value;
    },
    liftChain({ gram, share, leastRho: least }: LiftedChain) {
      leastRho = least;
      for (let k = 0, at = 0; k < users; k++) {
        for (let l = 0; l < users; l++, at++) {
          er[at] = factors[k] * factors[l] * gram.re[at];
          ei[at] = factors[k] * factors[l] * gram.im[at];
        }
        er[k * users + k] += 1;
      }
      invertWholeInPlace(inverse, 1);
      for (let k = 0; k < users; k++) {
        vr[k] = factors[k] * share.re[k];
        vi[k] = factors[k] * share.im[k];
      }
      throughInverse(vr, vi, ur, ui);
    },
    liftPlace({ re, im, own, rho }: LiftedPlace) {
      stateRe = re;
      stateIm = im;
      for (let k = 0; k < users; k++) {
        wr[k] = factors[k] * own.re[k];
        wi[k] = factors[k] * own.im[k];
      }
      throughInverse(wr, wi, zr, zi);
      let rest = 0;
      let alongRe = 0;
      let alongIm = 0;
      let square = 0;
      for (let k = 0, at = 0; k < users; k++, at += 4) {
        const [vRe, vIm, wRe, wIm, zRe, zIm] = [vr[k], vi[k], wr[k], wi[k], zr[k], zi[k]];
        // u without the place
        const uRe = ur[k] - (re * zRe - im * zIm);
        const uIm = ui[k] - (re * zIm + im * zRe);
        rest += (vRe - (re * wRe - im * wIm)) * uRe + (vIm - (re * wIm + im * wRe)) * uIm;
        alongRe += wRe * uRe + wIm * uIm;
        alongIm += wRe * uIm - wIm * uRe;
        square += wRe * zRe + wIm * zIm;
        setSquare(squares, at, uRe, uIm, zRe, zIm);
      }
      sum[0] = rho[0] + rest;
      sum[1] = rho[1] + 2 * alongRe;
      sum[2] = rho[2] + 2 * alongIm;
      sum[3] = rho[3] + square;
    },
    value(re, im) {
      const size = re * re + im * im;
      const below = formAt(sum, 0, re, im, size);
      // ρ is less than this; where not even that is above what rounding leaves, the chain adds nothing.
      const share = below > leastRho ? 1 / below : 0;
      for (let k = 0, at = 0, own = 0; k < users; k++, at += 4, own += users + 1) {
        errors[k] = er[own] - formAt(squares, at, re, im, size) * share;
      }
      return rule.worth(errors);
    },
    move(re, im) {
      const [moveRe, moveIm] = [re - stateRe, im - stateIm];
      for (let k = 0; k < users; k++) {
        vr[k] += moveRe * wr[k] - moveIm * wi[k];
        vi[k] += moveRe * wi[k] + moveIm * wr[k];
        ur[k] += moveRe * zr[k] - moveIm * zi[k];
        ui[k] += moveRe * zi[k] + moveIm * zr[k];
      }
      [stateRe, stateIm] = [re, im];
    },
  };
}

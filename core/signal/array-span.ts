/**
 * What an array can radiate, place by place. Whatever D is chosen, A·D lies in the span of the columns of A, so all that D can still make of an
 * array is in G = C·P·Cᴴ, with P the projection on that span and C the rows that count (for rates the channel itself). With one chain lifted
 * out, its column a, P₋ the projection on the span of the others, r = (I − P₋)·a, v = C·r, ρ = ‖r‖²:
 *
 *   G = G₋ + v·vᴴ/ρ
 *   place (n, m) moves by δ:  v + δ·w,  w = C·(I − P₋)·eₙ,  ρ + 2·Re(δ*·rₙ) + |δ|²·(1 − eₙᴴP₋eₙ)
 *
 * Every state of a place is a change of rank one that a vector and four numbers describe, and nothing of length N is formed to try it. With
 * A₋ᴴA₋ = L·Lᴴ (M×M), T = C·A₋·L⁻ᴴ and y = L⁻¹A₋ᴴeₙ: G₋ = T·Tᴴ, w = C·eₙ − T·y and eₙᴴP₋eₙ = ‖y‖².
 *
 * Source: the projection on a span by one column more, Golub and Van Loan, Matrix Computations, 4th ed., §6.5.
 */
import type { CMatrix } from './complex-matrix.ts';
import { conjTranspose, zeros } from './complex-matrix.ts';
import { formAt } from './state-forms.ts';

/** A chain of which the others leave less than this share shows nothing that they cannot. */
const LEAST_SHARE = 1e-9;

/** One chain, lifted out. */
export interface LiftedChain {
  /** G₋, p×p: without the chain. */
  readonly gram: CMatrix;
  /** v, p×1 */
  readonly share: CMatrix;
  /** ρ; not above `leastRho`: the chain adds nothing. */
  rho: number;
  leastRho: number;
}

/** One place of the lifted chain. */
export interface LiftedPlace {
  /** What it shows. */
  re: number;
  im: number;
  /** w, p×1: what the place adds, times its state. */
  readonly own: CMatrix;
  /** ρ as a function of the state (state-forms.ts). */
  readonly rho: Float64Array;
}

/** A (N×M) with one chain after the other lifted out and its places moved; no allocation after it is made but for `seen`. */
export class ArraySpan {
  readonly chain: LiftedChain;
  readonly place: LiftedPlace;
  /** N×M, changed in its place. */
  readonly analog: CMatrix;
  /** Cᴴ's conjugate, N×p: the entries of one element side by side. */
  readonly #columns: CMatrix;
  /** C·A, p×M, and AᴴA, M×M. */
  readonly #effective: CMatrix;
  readonly #metric: CMatrix;
  /** The chain that is lifted, and the others as far as they are independent. */
  #lifted = 0;
  readonly #others: Int32Array;
  #count = 0;
  /** L with its diagonal inverted, T, L⁻¹A₋ᴴa, and y and the place's n. */
  readonly #lower: CMatrix;
  readonly #through: CMatrix;
  readonly #overlap: CMatrix;
  readonly #coordinates: CMatrix;
  #element = 0;

  /**
   * @param rows C, p×N
   * @param analog A, N×M; taken as it is, and changed
   */
  constructor(rows: CMatrix, analog: CMatrix) {
    const [p, chains] = [rows.rows, analog.cols];
    this.analog = analog;
    this.chain = { gram: zeros(p, p), share: zeros(p, 1), rho: 0, leastRho: 0 };
    this.place = { re: 0, im: 0, own: zeros(p, 1), rho: new Float64Array(4) };
    this.#columns = conjTranspose(rows);
    this.#effective = zeros(p, chains);
    this.#metric = zeros(chains, chains);
    this.#others = new Int32Array(chains);
    this.#lower = zeros(chains, chains);
    this.#through = zeros(p, chains);
    this.#overlap = zeros(1, chains);
    this.#coordinates = zeros(1, chains);
    this.begin();
  }

  /** Takes A as it stands, whatever was done to it. */
  begin(): void {
    for (let m = 0; m < this.analog.cols; m++) this.#sumChain(m);
  }

  /** C·U, p×m, with U an orthonormal basis of the span of the whole array, while a chain is lifted: G is this by its conjugate transpose. */
  seen(): CMatrix {
    const { re: tr, im: ti, rows: p, cols: chains } = this.#through;
    const { share, rho, leastRho } = this.chain;
    const adds = rho > leastRho;
    const count = this.#count;
    const out = zeros(p, adds ? count + 1 : count);
    const perNorm = 1 / Math.sqrt(rho);
    for (let k = 0; k < p; k++) {
      for (let j = 0; j < count; j++) {
        out.re[k * out.cols + j] = tr[k * chains + j];
        out.im[k * out.cols + j] = ti[k * chains + j];
      }
      if (!adds) continue;
      out.re[k * out.cols + count] = perNorm * share.re[k];
      out.im[k * out.cols + count] = perNorm * share.im[k];
    }
    return out;
  }

  /** Lifts chain m out; the one before must be lowered. */
  lift(m: number): void {
    this.#lifted = m;
    this.#factorOthers(m);
    const { re: fr, im: fi } = this.#effective;
    const { re: sr, im: si, cols: chains } = this.#metric;
    const { re: lr, im: li } = this.#lower;
    const { re: tr, im: ti, rows: p } = this.#through;
    const { re: cr, im: ci } = this.#overlap;
    const { gram, share } = this.chain;
    const others = this.#others;
    const count = this.#count;
    for (let k = 0; k < p; k++) {
      const row = k * chains;
      for (let j = 0; j < count; j++) {
        let re = fr[row + others[j]];
        let im = fi[row + others[j]];
        for (let i = 0, at = j * chains; i < j; i++, at++) {
          re -= tr[row + i] * lr[at] + ti[row + i] * li[at];
          im -= ti[row + i] * lr[at] - tr[row + i] * li[at];
        }
        tr[row + j] = re * lr[j * chains + j];
        ti[row + j] = im * lr[j * chains + j];
      }
    }
    const whole = sr[m * chains + m];
    let rho = whole;
    for (let j = 0; j < count; j++) {
      let re = sr[others[j] * chains + m];
      let im = si[others[j] * chains + m];
      for (let i = 0, at = j * chains; i < j; i++, at++) {
        re -= lr[at] * cr[i] - li[at] * ci[i];
        im -= lr[at] * ci[i] + li[at] * cr[i];
      }
      cr[j] = re * lr[j * chains + j];
      ci[j] = im * lr[j * chains + j];
      rho -= cr[j] * cr[j] + ci[j] * ci[j];
    }
    this.chain.rho = rho;
    this.chain.leastRho = LEAST_SHARE * whole;
    for (let k = 0; k < p; k++) {
      const row = k * chains;
      let re = fr[row + m];
      let im = fi[row + m];
      for (let j = 0; j < count; j++) {
        re -= tr[row + j] * cr[j] - ti[row + j] * ci[j];
        im -= tr[row + j] * ci[j] + ti[row + j] * cr[j];
      }
      share.re[k] = re;
      share.im[k] = im;
      for (let l = 0; l <= k; l++) {
        const other = l * chains;
        let gramRe = 0;
        let gramIm = 0;
        for (let j = 0; j < count; j++) {
          gramRe += tr[row + j] * tr[other + j] + ti[row + j] * ti[other + j];
          gramIm += ti[row + j] * tr[other + j] - tr[row + j] * ti[other + j];
        }
        gram.re[k * p + l] = gram.re[l * p + k] = gramRe;
        gram.im[k * p + l] = gramIm;
        gram.im[l * p + k] = 0 - gramIm;
      }
    }
  }

  /** Makes place (n, m) of the lifted chain the one that is looked at. */
  at(n: number): void {
    this.#element = n;
    const { re: ar, im: ai, cols: chains } = this.analog;
    const { re: hr, im: hi, cols: p } = this.#columns;
    const { re: lr, im: li } = this.#lower;
    const { re: tr, im: ti } = this.#through;
    const { re: cr, im: ci } = this.#overlap;
    const { re: yr, im: yi } = this.#coordinates;
    const { chain, place } = this;
    const others = this.#others;
    const count = this.#count;
    const row = n * chains;
    const oldRe = ar[row + this.#lifted];
    const oldIm = ai[row + this.#lifted];
    let left = 1;
    let residualRe = oldRe;
    let residualIm = oldIm;
    for (let j = 0; j < count; j++) {
      let re = ar[row + others[j]];
      let im = -ai[row + others[j]];
      for (let i = 0, at = j * chains; i < j; i++, at++) {
        re -= lr[at] * yr[i] - li[at] * yi[i];
        im -= lr[at] * yi[i] + li[at] * yr[i];
      }
      re *= lr[j * chains + j];
      im *= lr[j * chains + j];
      yr[j] = re;
      yi[j] = im;
      left -= re * re + im * im;
      residualRe -= re * cr[j] + im * ci[j];
      residualIm -= re * ci[j] - im * cr[j];
    }
    const { re: wr, im: wi } = place.own;
    for (let k = 0, from = n * p; k < p; k++, from++) {
      let re = hr[from];
      let im = -hi[from];
      for (let j = 0, at = k * chains; j < count; j++, at++) {
        re -= tr[at] * yr[j] - ti[at] * yi[j];
        im -= tr[at] * yi[j] + ti[at] * yr[j];
      }
      wr[k] = re;
      wi[k] = im;
    }
    place.re = oldRe;
    place.im = oldIm;
    place.rho[0] = chain.rho - 2 * (oldRe * residualRe + oldIm * residualIm) + (oldRe * oldRe + oldIm * oldIm) * left;
    place.rho[1] = 2 * (residualRe - oldRe * left);
    place.rho[2] = 2 * (residualIm - oldIm * left);
    place.rho[3] = left;
  }

  /** The place that is looked at shows another state from here on. */
  move(re: number, im: number): void {
    const { analog, chain, place } = this;
    const { re: cr, im: ci } = this.#overlap;
    const { re: yr, im: yi } = this.#coordinates;
    const { re: shareRe, im: shareIm } = chain.share;
    const { re: wr, im: wi } = place.own;
    const moveRe = re - place.re;
    const moveIm = im - place.im;
    for (let k = 0; k < wr.length; k++) {
      shareRe[k] += moveRe * wr[k] - moveIm * wi[k];
      shareIm[k] += moveRe * wi[k] + moveIm * wr[k];
    }
    for (let j = 0; j < this.#count; j++) {
      cr[j] += moveRe * yr[j] - moveIm * yi[j];
      ci[j] += moveRe * yi[j] + moveIm * yr[j];
    }
    chain.rho = formAt(place.rho, 0, re, im, re * re + im * im);
    const at = this.#element * analog.cols + this.#lifted;
    analog.re[at] = place.re = re;
    analog.im[at] = place.im = im;
  }

  /** Puts the lifted chain back as its places stand, summed anew over the elements so that rounding does not add up. */
  lower(): void {
    this.#sumChain(this.#lifted);
  }

  /** Column m of C·A, row and column m of AᴴA. */
  #sumChain(m: number): void {
    const { re: ar, im: ai, rows: elements, cols: chains } = this.analog;
    const { re: hr, im: hi, cols: p } = this.#columns;
    const { re: fr, im: fi } = this.#effective;
    const { re: sr, im: si } = this.#metric;
    for (let k = 0; k < p; k++) fr[k * chains + m] = fi[k * chains + m] = 0;
    for (let c = 0; c < chains; c++) sr[c * chains + m] = si[c * chains + m] = 0;
    for (let n = 0; n < elements; n++) {
      const row = n * chains;
      const re = ar[row + m];
      const im = ai[row + m];
      if (re === 0 && im === 0) continue;
      for (let k = 0, from = n * p, to = m; k < p; k++, from++, to += chains) {
        fr[to] += hr[from] * re + hi[from] * im;
        fi[to] += hr[from] * im - hi[from] * re;
      }
      for (let c = 0, to = m; c < chains; c++, to += chains) {
        sr[to] += ar[row + c] * re + ai[row + c] * im;
        si[to] += ar[row + c] * im - ai[row + c] * re;
      }
    }
    for (let c = 0; c < chains; c++) {
      sr[m * chains + c] = sr[c * chains + m];
      si[m * chains + c] = 0 - si[c * chains + m];
    }
  }

  /** L of A₋ᴴA₋, chain by chain; one that shows what those before it do is left out. */
  #factorOthers(lifted: number): void {
    const { re: sr, im: si, cols: chains } = this.#metric;
    const { re: lr, im: li } = this.#lower;
    const others = this.#others;
    let count = 0;
    for (let c = 0; c < chains; c++) {
      if (c === lifted) continue;
      const row = count * chains;
      const whole = sr[c * chains + c];
      let pivot = whole;
      for (let j = 0; j < count; j++) {
        let re = sr[c * chains + others[j]];
        let im = si[c * chains + others[j]];
        for (let k = 0, at = j * chains; k < j; k++, at++) {
          re -= lr[row + k] * lr[at] + li[row + k] * li[at];
          im -= li[row + k] * lr[at] - lr[row + k] * li[at];
        }
        re *= lr[j * chains + j];
        im *= lr[j * chains + j];
        lr[row + j] = re;
        li[row + j] = im;
        pivot -= re * re + im * im;
      }
      if (!(pivot > LEAST_SHARE * whole)) continue;
      lr[row + count] = 1 / Math.sqrt(pivot);
      others[count++] = c;
    }
    this.#count = count;
  }
}

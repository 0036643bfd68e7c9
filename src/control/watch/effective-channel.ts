/**
 * What the effective channel says about the array. Users hear the pilots of the beam that is radiated, y = H·A, K×M complex numbers, which tell an element
 * from another where their SINRs do not. Element n adds b_n = (h_kn·a_nm) to it, so that a dead one takes b_n away, and a board turned by φ adds
 * (e^jφ − 1)·Σ b_n.
 *
 *   y_k = g_k·(Σ_n b_n·(1 + ε_n))_k + v      g_k: gain and phase of a receiver, another in each look, and nothing is learned of them
 *   r = y − Σ_n b_n ~ CN(μ, C)               μ, C: given the looks before, when nothing had happened (ε and v Gaussian)
 *
 * ε_n is what the array does beside what it is believed to do: as a whole element, and in each chain apart; v is the noise of the pilots and what no
 * error of elements explains (states, channels that are estimates). How large both are is chosen by the looks before: the largest likelihood.
 * Sources: Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, eqs. (2.22)–(2.24), (2.30).
 *
 * The scale of C is known only so well, so the likelihood is Student's: (d + κ)·ln((d + χ₀²)/(d + χ_f²)) for a fault f beside none, χ² = rᴴC⁻¹r.
 * Known up to there, a fault costs what it adds to ln det C.
 */
import { factorInPlace, solveFactored } from '../../../core/signal/cholesky.ts';
import { clone, matmul, multiplyABh, multiplyAhB, subtract, zeros, type CMatrix } from '../../../core/signal/complex-matrix.ts';
import type { SupposedFault } from '../../../core/signal/fault-losses.ts';

/** What was heard of one beam. */
export interface Look {
  /** H, K×N, and A, N×M, as they are believed to be. */
  readonly channel: CMatrix;
  readonly analog: CMatrix;
  /** y, K×M. */
  readonly heard: CMatrix;
  /** Variance of an entry of y that pilots leave, σ²/P. */
  readonly variance: number;
}

export interface LookEvidence {
  /** By fault: ln of how much likelier the look is with it than without. Nought for what it cannot hear: power and noise. */
  readonly nats: Float64Array;
  /** φ by board, degrees, as it fits best. */
  readonly turnDeg: Float64Array;
}

/** A look as the algebra wants it: entry (k, m) of y at k·M + m. */
interface Parts {
  readonly users: number;
  readonly chains: number;
  /** b, KM×N. */
  readonly terms: CMatrix;
  /** Σ_n b_n, KM×1, and r, with each user's phase taken out of y. */
  readonly expected: CMatrix;
  readonly residual: CMatrix;
  readonly variance: number;
}

/** Variances of ε, and of v beside that of pilots, of what one element adds. */
interface Errors {
  elements: number;
  entries: number;
}

const ELEMENT_ERRORS = [1e-6, 1e-4, 1e-3, 1e-2, 1e-1];
const ENTRY_ERRORS = [1e-6, 1e-4, 1e-2, 1];
/** Of |y_k|²: the variance of a receiver's gain; much more than any fault is. */
const GAIN_VARIANCE = 1;
/** Of ε², as whole elements; the rest in each chain apart. */
const SHARE_OF_WHOLE = 0.5;
const MOST_ROWS = 128;
const MOST_LOOKS = 8;
const ROWS_TO_CHOOSE = 64;
/** Fewer looks at an array that is well are no baseline. */
const FEWEST_LOOKS = 3;
/** Of K²M²·N: a look at larger arrays would take too long between two cycles. */
const MOST_WORK = 300_000;
const DEG = Math.PI / 180;

const looksAt = (rows: number): number => Math.min(MOST_LOOKS, Math.floor(MOST_ROWS / rows));

/** Can an array of this size be looked at between two cycles? One user's or one chain's entry says nothing beside the gain of its receiver. */
export const canLookAt = (elements: number, rfChains: number, users: number): boolean =>
  rfChains > 1 && looksAt(users * rfChains) >= FEWEST_LOOKS && (users * rfChains) ** 2 * elements <= MOST_WORK;

export interface EffectiveChannel {
  /** A look while nothing has happened. */
  learn(look: Look): void;
  /** How many more looks are of use. */
  readonly wants: number;
  /** Enough has been learned to judge by. */
  readonly isLearned: boolean;
  judge(look: Look): LookEvidence;
  /** Begins anew, with these faults there from the start, nobody knows how far. */
  learnAnew(there: readonly SupposedFault[]): void;
}

export function createEffectiveChannel(
  faults: readonly SupposedFault[],
  boards: readonly (readonly number[])[],
): EffectiveChannel {
  let looks: Parts[] = [];
  let there: readonly SupposedFault[] = [];
  let baseline: { errors: Errors; factor: CMatrix; weights: CMatrix } | undefined;

  const learned = (): NonNullable<typeof baseline> => {
    if (baseline !== undefined) return baseline;
    const few = looks.slice(0, Math.max(FEWEST_LOOKS, Math.floor(ROWS_TO_CHOOSE / looks[0].residual.rows)));
    let errors: Errors = { elements: ELEMENT_ERRORS[0], entries: ENTRY_ERRORS[0] };
    let best = -Infinity;
    for (const elements of ELEMENT_ERRORS) {
      for (const entries of ENTRY_ERRORS) {
        const likelihood = lnLikelihood(jointCovariance(few, { elements, entries }), stacked(few));
        if (likelihood <= best) continue;
        best = likelihood;
        errors = { elements, entries };
      }
    }
    const factor = jointCovariance(looks, errors);
    factorInPlace(factor, 0);
    const weights = stacked(looks);
    solveFactored(factor, weights);
    return (baseline = { errors, factor, weights });
  };

  const jointCovariance = (of: readonly Parts[], errors: Errors): CMatrix => {
    const rows = of[0].residual.rows;
    const out = zeros(of.length * rows, of.length * rows);
    of.forEach((a, i) =>
      of.slice(0, i + 1).forEach((b, j) => {
        const block = covariance(a, b, errors);
        if (i === j) addOwn(block, a, errors);
        put(block, out, i * rows, j * rows);
      }),
    );
    return out;
  };

  /** Of what elements do in both looks. */
  const covariance = (a: Parts, b: Parts, errors: Errors): CMatrix => {
    const out = multiplyABh(a.terms, b.terms);
    for (let i = 0, at = 0; i < out.rows; i++) {
      for (let j = 0; j < out.cols; j++, at++) {
        const share = i % a.chains === j % b.chains ? 1 : SHARE_OF_WHOLE;
        out.re[at] *= errors.elements * share;
        out.im[at] *= errors.elements * share;
      }
    }
    for (const fault of there) {
      const [of, to] = [changeBy(a, fault, boards), changeBy(b, fault, boards)];
      if (of !== undefined && to !== undefined) addOuter(out, of, to, 1);
    }
    return out;
  };

  return {
    learn(look) {
      if (looks.length >= looksAt(look.heard.re.length)) return;
      looks.push(partsOf(look));
      baseline = undefined;
    },
    get wants() {
      return looks.length === 0 ? MOST_LOOKS : looksAt(looks[0].residual.rows) - looks.length;
    },
    get isLearned() {
      return looks.length >= FEWEST_LOOKS;
    },
    judge(look) {
      const { errors, factor, weights } = learned();
      const now = partsOf(look);
      const rows = now.residual.rows;
      const cross = zeros(looks.length * rows, rows);
      looks.forEach((before, i) => put(covariance(before, now, errors), cross, i * rows, 0));
      const mean = multiplyAhB(cross, weights);
      const solved = clone(cross);
      solveFactored(factor, solved);
      const own = covariance(now, now, errors);
      addOwn(own, now, errors);
      return evidenceOf({ ...now, residual: subtract(now.residual, mean) }, subtract(own, multiplyAhB(cross, solved)));
    },
    learnAnew(known) {
      looks = [];
      baseline = undefined;
      there = known;
    },
  };

  function evidenceOf(now: Parts, spread: CMatrix): LookEvidence {
    const rows = now.residual.rows;
    const none = fitOf(spread, now.residual);
    const ratio = (chi: number): number => (rows + rows) * Math.log((rows + none.chi) / (rows + Math.max(0, chi)));
    const turnDeg = new Float64Array(boards.length);
    /** Along a vector d: dᴴC⁻¹r and dᴴC⁻¹d. */
    const along = (d: CMatrix): { re: number; im: number; square: number } => {
      const solved = none.solve(d);
      const { re, im } = inner(solved, now.residual);
      return { re, im, square: inner(solved, d).re };
    };
    /** χ² where d is added to what is expected once. */
    const less = (d: CMatrix, times: { re: number; im: number }): number => {
      const { re, im, square } = along(d);
      const scale = times.re ** 2 + times.im ** 2;
      return none.chi - 2 * (times.re * re + times.im * im) + scale * square;
    };
    /** Anything times d, of variance 1. */
    const free = (d: CMatrix): number => {
      const { re, im, square } = along(d);
      return ratio(none.chi - (re * re + im * im) / (1 + square)) - Math.log(1 + square);
    };
    const turned = boards.map((_, board) => {
      const d = changeBy(now, { what: 'board', index: board, turnDeg: null }, boards);
      if (d === undefined) return -Infinity;
      const { re, im, square } = along(d);
      const rad = Math.atan2(im, re + square);
      turnDeg[board] = rad / DEG;
      // φ may be any: it costs as much as it is known better than that.
      return ratio(less(d, { re: Math.cos(rad) - 1, im: Math.sin(rad) })) - Math.log(1 + square) / 2;
    });
    const broadened = (add: (to: CMatrix) => void): number => {
      const wider = clone(spread);
      add(wider);
      const with_ = fitOf(wider, now.residual);
      return ratio(with_.chi) - (with_.lnDet - none.lnDet);
    };
    const moved = Array.from({ length: now.users }, (_, user) => broadened((to) => addAnyRow(to, now, user)));
    const nats = Float64Array.from(faults, (fault) => {
      switch (fault.what) {
        case 'element': {
          const d = changeBy(now, fault, boards);
          return d === undefined ? -Infinity : Math.max(ratio(less(d, { re: -1, im: 0 })), free(d));
        }
        case 'board': {
          const d = changeBy(now, fault, boards);
          if (fault.turnDeg !== null || d === undefined) return turned[fault.index];
          return ratio(less(d, { re: -1, im: 0 }));
        }
        case 'chain': {
          const d = changeBy(now, fault, boards);
          return d === undefined ? -Infinity : Math.max(ratio(less(d, { re: -1, im: 0 })), free(d));
        }
        case 'elements': {
          const variance = (fault.spreadDeg * DEG) ** 2;
          return broadened((to) => addScaled(to, multiplyABh(now.terms, now.terms), variance));
        }
        case 'power':
          return 0;
        case 'user':
          return Math.max(0, moved[fault.index]);
      }
    });
    return { nats, turnDeg };
  }
}

/** What is radiated by the elements, or the chain, that a fault is of: KM×1. */
function changeBy(
  { terms, chains, expected }: Parts,
  fault: SupposedFault,
  boards: readonly (readonly number[])[],
): CMatrix | undefined {
  if (fault.what === 'chain') {
    const of = clone(expected);
    for (let i = 0; i < of.rows; i++) if (i % chains !== fault.index) of.re[i] = of.im[i] = 0;
    return of;
  }
  if (fault.what !== 'element' && fault.what !== 'board') return undefined;
  const out = zeros(terms.rows, 1);
  for (const n of fault.what === 'element' ? [fault.index] : boards[fault.index]) {
    for (let i = 0, at = n; i < terms.rows; i++, at += terms.cols) {
      out.re[i] += terms.re[at];
      out.im[i] += terms.im[at];
    }
  }
  return out;
}

function partsOf({ channel, analog, heard, variance }: Look): Parts {
  const [users, elements, chains] = [channel.rows, channel.cols, analog.cols];
  const terms = zeros(users * chains, elements);
  for (let k = 0, at = 0; k < users; k++) {
    for (let m = 0; m < chains; m++) {
      for (let n = 0; n < elements; n++, at++) {
        const [h, a] = [k * elements + n, n * chains + m];
        terms.re[at] = channel.re[h] * analog.re[a] - channel.im[h] * analog.im[a];
        terms.im[at] = channel.re[h] * analog.im[a] + channel.im[h] * analog.re[a];
      }
    }
  }
  const ofAll = matmul(channel, analog);
  const expected: CMatrix = { ...ofAll, rows: users * chains, cols: 1 };
  const residual = zeros(users * chains, 1);
  for (let k = 0; k < users; k++) {
    let [re, im] = [0, 0];
    for (let i = k * chains; i < (k + 1) * chains; i++) {
      re += heard.re[i] * expected.re[i] + heard.im[i] * expected.im[i];
      im += heard.im[i] * expected.re[i] - heard.re[i] * expected.im[i];
    }
    const length = Math.hypot(re, im);
    const [cos, sin] = length > 0 ? [re / length, im / length] : [1, 0];
    for (let i = k * chains; i < (k + 1) * chains; i++) {
      residual.re[i] = heard.re[i] * cos + heard.im[i] * sin - expected.re[i];
      residual.im[i] = heard.im[i] * cos - heard.re[i] * sin - expected.im[i];
    }
  }
  return { users, chains, terms, expected, residual, variance };
}

/** What each look has of its own: noise, what no element explains, and the gains of its receivers. */
function addOwn(to: CMatrix, { terms, users, chains, expected, variance }: Parts, { entries }: Errors): void {
  for (let i = 0; i < to.rows; i++) to.re[i * to.cols + i] += variance + entries * powerOfRow(terms, i);
  for (let k = 0; k < users; k++) {
    for (let i = k * chains; i < (k + 1) * chains; i++) {
      for (let j = k * chains; j < (k + 1) * chains; j++)
        addProduct(to, i * to.cols + j, expected, i, expected, j, GAIN_VARIANCE);
    }
  }
}

/** Whatever this user hears, of the power that he is expected to hear. */
function addAnyRow(to: CMatrix, { chains, expected }: Parts, user: number): void {
  let power = 0;
  for (let i = user * chains; i < (user + 1) * chains; i++) power += expected.re[i] ** 2 + expected.im[i] ** 2;
  for (let i = user * chains; i < (user + 1) * chains; i++) to.re[i * to.cols + i] += power / chains;
}

function powerOfRow({ re, im, cols }: CMatrix, row: number): number {
  let sum = 0;
  for (let at = row * cols; at < (row + 1) * cols; at++) sum += re[at] * re[at] + im[at] * im[at];
  return sum;
}

function addScaled(to: CMatrix, from: CMatrix, factor: number): void {
  for (let i = 0; i < to.re.length; i++) {
    to.re[i] += factor * from.re[i];
    to.im[i] += factor * from.im[i];
  }
}

/** To entry `at`: a_i·b_j*. */
function addProduct(to: CMatrix, at: number, a: CMatrix, i: number, b: CMatrix, j: number, factor: number): void {
  to.re[at] += factor * (a.re[i] * b.re[j] + a.im[i] * b.im[j]);
  to.im[at] += factor * (a.im[i] * b.re[j] - a.re[i] * b.im[j]);
}

function addOuter(to: CMatrix, a: CMatrix, b: CMatrix, factor: number): void {
  for (let i = 0, at = 0; i < a.rows; i++) for (let j = 0; j < b.rows; j++, at++) addProduct(to, at, a, i, b, j, factor);
}

function put(block: CMatrix, into: CMatrix, row: number, col: number): void {
  for (let i = 0; i < block.rows; i++) {
    const from = i * block.cols;
    const to = (row + i) * into.cols + col;
    into.re.set(block.re.subarray(from, from + block.cols), to);
    into.im.set(block.im.subarray(from, from + block.cols), to);
  }
}

function stacked(looks: readonly Parts[]): CMatrix {
  const rows = looks[0].residual.rows;
  const out = zeros(looks.length * rows, 1);
  looks.forEach(({ residual }, i) => put(residual, out, i * rows, 0));
  return out;
}

/** Σ a*·b. */
function inner(a: CMatrix, b: CMatrix): { re: number; im: number } {
  let [re, im] = [0, 0];
  for (let i = 0; i < a.re.length; i++) {
    re += a.re[i] * b.re[i] + a.im[i] * b.im[i];
    im += a.re[i] * b.im[i] - a.im[i] * b.re[i];
  }
  return { re, im };
}

/** χ² and ln det of a covariance, and C⁻¹ of more. */
function fitOf(spread: CMatrix, residual: CMatrix): { chi: number; lnDet: number; solve: (of: CMatrix) => CMatrix } {
  const factor = clone(spread);
  factorInPlace(factor, 0);
  const solve = (of: CMatrix): CMatrix => {
    const solved = clone(of);
    solveFactored(factor, solved);
    return solved;
  };
  let lnDet = 0;
  for (let i = 0; i < factor.rows; i++) lnDet += 2 * Math.log(factor.re[i * factor.cols + i]);
  return { chi: inner(solve(residual), residual).re, lnDet, solve };
}

function lnLikelihood(spread: CMatrix, residual: CMatrix): number {
  const { chi, lnDet } = fitOf(spread, residual);
  return Number.isFinite(chi) ? -chi - lnDet : -Infinity;
}

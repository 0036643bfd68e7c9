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
import { add, clone, multiplyABh, multiplyAhB, subtract, zeros, type CMatrix } from '../../../core/signal/complex-matrix.ts';
import type { SupposedFault } from '../../../core/signal/fault-losses.ts';
import { beside, changeBy, partsOf, type Look, type LookParts } from './look-parts.ts';

export interface LookEvidence {
  /** By fault: ln of how much likelier the look is with it than without. Nought for what it cannot hear: power and noise. */
  readonly nats: Float64Array;
  /** φ by board, degrees, as it fits best. */
  readonly turnDeg: Float64Array;
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
/** Of Gauss and Newton. */
const STEPS = 3;
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
  /** @param isEstimated the channel is an estimate, or a file: it may be further off this time than in the looks before */
  judge(look: Look, isEstimated?: boolean): LookEvidence;
  /** Begins anew, with these faults there from the start, nobody knows how far. */
  learnAnew(there: readonly SupposedFault[]): void;
}

export function createEffectiveChannel(
  faults: readonly SupposedFault[],
  boards: readonly (readonly number[])[],
): EffectiveChannel {
  let looks: LookParts[] = [];
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

  const jointCovariance = (of: readonly LookParts[], errors: Errors): CMatrix => {
    const rows = of[0].residual.rows;
    const out = zeros(of.length * rows, of.length * rows);
    of.forEach((a, i) =>
      of.slice(0, i + 1).forEach((b, j) => {
        const block = covariance(a, b, errors);
        if (i === j) {
          addNoise(block, a, errors);
          addGains(block, a.expected, a.chains);
        }
        put(block, out, i * rows, j * rows);
      }),
    );
    return out;
  };

  /** Of what elements do in both looks. */
  const covariance = (a: LookParts, b: LookParts, errors: Errors): CMatrix => {
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
    judge(look, isEstimated = false) {
      const { errors, factor, weights } = learned();
      const now = partsOf(look);
      const rows = now.residual.rows;
      const cross = zeros(looks.length * rows, rows);
      looks.forEach((before, i) => put(covariance(before, now, errors), cross, i * rows, 0));
      const mean = multiplyAhB(cross, weights);
      const solved = clone(cross);
      solveFactored(factor, solved);
      const own = covariance(now, now, errors);
      addNoise(own, now, errors);
      const worse = isEstimated ? ENTRY_ERRORS.filter((entries) => entries > errors.entries) : [];
      return evidenceOf(now, add(now.expected, mean), subtract(own, multiplyAhB(cross, solved)), worse);
    },
    learnAnew(known) {
      looks = [];
      baseline = undefined;
      there = known;
    },
  };

  /**
   * @param usual what is expected by what was learned
   * @param known how well, but for the gains of the receivers
   * @param worse variances that v may have this time instead: a fault must be likelier than those, too
   */
  function evidenceOf(now: LookParts, usual: CMatrix, known: CMatrix, worse: readonly number[]): LookEvidence {
    const rows = usual.rows;
    /** Where another thing is expected, which turns the receivers' phases as well. */
    const fitOfExpected = (expected: CMatrix): Fit & { spread: CMatrix; residual: CMatrix } => {
      const spread = clone(known);
      addGains(spread, expected, now.chains);
      const residual = beside(now.heard, expected, now.chains);
      return { ...fitOf(spread, residual), spread, residual };
    };
    const none = fitOfExpected(usual);
    const likelier = ({ chi, lnDet }: Pick<Fit, 'chi' | 'lnDet'>): number =>
      2 * rows * Math.log((rows + none.chi) / (rows + Math.max(0, chi))) - (lnDet - none.lnDet);
    /** So much of d is added to what is expected. */
    const added = (d: CMatrix, re: number, im: number): number => likelier(fitOfExpected(plus(usual, d, re, im)));
    /** Some of d, nobody knows how much of it: variance 1. The phases of the receivers turn with it, so it is found in steps. */
    const free = (d: CMatrix): number => {
      let [re, im] = [0, 0];
      let square = 0;
      let fit = none;
      for (let step = 0; step < STEPS; step++) {
        const solved = fit.solve(d);
        const along = inner(solved, fit.residual);
        square = inner(solved, d).re;
        re += (along.re - re) / (1 + square);
        im += (along.im - im) / (1 + square);
        fit = fitOfExpected(plus(usual, d, re, im));
      }
      return likelier(fit) - re * re - im * im - Math.log(1 + square);
    };
    const changes = new Map<SupposedFault, CMatrix>();
    const changeOf = (fault: SupposedFault): CMatrix => {
      const before = changes.get(fault) ?? changeBy(now, fault, boards) ?? zeros(rows, 1);
      changes.set(fault, before);
      return before;
    };
    const turnDeg = new Float64Array(boards.length);
    const turned = boards.map((_, index) => {
      const d = changeOf({ what: 'board', index, turnDeg: null });
      const by = (deg: number): number => added(d, Math.cos(deg * DEG) - 1, Math.sin(deg * DEG));
      turnDeg[index] = best(best(0, 180, 5, by), 5, 0.5, by);
      // φ may be any: it costs as much as it is known better than that.
      return by(turnDeg[index]) - Math.log(1 + inner(none.solve(d), d).re) / 2;
    });
    const broadened = (broaden: (to: CMatrix) => void): number => {
      const wider = clone(none.spread);
      broaden(wider);
      return likelier(fitOf(wider, none.residual));
    };
    const moved = Array.from({ length: now.users }, (_, user) => broadened((to) => addAnyRow(to, now, user)));
    const withoutFault = Math.max(0, ...worse.map((entries) => broadened((to) => addEntryErrors(to, now, entries))));
    const natsOf = (fault: SupposedFault): number => {
      switch (fault.what) {
        case 'element':
        case 'chain':
          return Math.max(added(changeOf(fault), -1, 0), free(changeOf(fault)));
        case 'board':
          return fault.turnDeg === null ? added(changeOf(fault), -1, 0) : turned[fault.index];
        case 'elements': {
          const variance = (fault.spreadDeg * DEG) ** 2;
          return broadened((to) => addScaled(to, multiplyABh(now.terms, now.terms), variance));
        }
        case 'power':
          return 0;
        case 'user':
          return moved[fault.index];
      }
    };
    // Of power nothing is heard, and of a user nothing that speaks against him.
    const nats = Float64Array.from(faults, (fault) => {
      if (fault.what === 'power') return 0;
      const against = natsOf(fault) - withoutFault;
      return fault.what === 'user' ? Math.max(0, against) : against;
    });
    return { nats, turnDeg };
  }
}

/** What each look has of its own: noise, and what no element explains. */
function addNoise(to: CMatrix, parts: LookParts, { entries }: Errors): void {
  for (let i = 0; i < to.rows; i++) to.re[i * to.cols + i] += parts.variance;
  addEntryErrors(to, parts, entries);
}

function addEntryErrors(to: CMatrix, { terms }: LookParts, entries: number): void {
  for (let i = 0; i < to.rows; i++) to.re[i * to.cols + i] += entries * powerOfRow(terms, i);
}

/** And the gains of its receivers. */
function addGains(to: CMatrix, expected: CMatrix, chains: number): void {
  for (let from = 0; from < to.rows; from += chains) {
    for (let i = from; i < from + chains; i++) {
      for (let j = from; j < from + chains; j++) addProduct(to, i * to.cols + j, expected, i, expected, j, GAIN_VARIANCE);
    }
  }
}

/** Whatever this user hears, of the power that he is expected to hear. */
function addAnyRow(to: CMatrix, { chains, expected }: LookParts, user: number): void {
  let power = 0;
  for (let i = user * chains; i < (user + 1) * chains; i++) power += expected.re[i] ** 2 + expected.im[i] ** 2;
  for (let i = user * chains; i < (user + 1) * chains; i++) to.re[i * to.cols + i] += power / chains;
}

function powerOfRow({ re, im, cols }: CMatrix, row: number): number {
  let sum = 0;
  for (let at = row * cols; at < (row + 1) * cols; at++) sum += re[at] * re[at] + im[at] * im[at];
  return sum;
}

/** Where a function is largest, so far from a place. */
function best(from: number, reach: number, step: number, of: (at: number) => number): number {
  let [found, most] = [from, -Infinity];
  for (let at = from - reach; at <= from + reach; at += step) {
    const value = of(at);
    if (value <= most) continue;
    most = value;
    found = at;
  }
  return found;
}

/** a + c·d. */
function plus(a: CMatrix, d: CMatrix, re: number, im: number): CMatrix {
  const out = clone(a);
  for (let i = 0; i < out.rows; i++) {
    out.re[i] += re * d.re[i] - im * d.im[i];
    out.im[i] += re * d.im[i] + im * d.re[i];
  }
  return out;
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

function stacked(looks: readonly LookParts[]): CMatrix {
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

interface Fit {
  /** χ². */
  chi: number;
  /** ln det C. */
  lnDet: number;
  /** C⁻¹ of more. */
  solve: (of: CMatrix) => CMatrix;
}

function fitOf(spread: CMatrix, residual: CMatrix): Fit {
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

/**
 * What each element shows in each state, from readings of any plan: the most probable states given what was heard.
 *
 *   y = X·c + noise,  noise ~ CN(0, σ²)          X: a 1 for each element that is on in a reading (reading-plan.ts)
 *   c[n, s] = o_n·(p_s + ε[n, s]),  p_s = e^{j·2πs/2^Q},  ε ~ CN(0, τ²),  o_n anything
 *
 * The states lie about as near to the nominal grid as τ says, turned and scaled by the element's own offset o_n, of which nothing is assumed. So one
 * formula serves plans of few readings, where states that were not read follow the grid, and of many, where the grid counts for nothing: it shrinks by as
 * much as the noise asks for. It is
 *
 *   min over c of ‖y − X·c‖²/σ² + Σ_n ‖(I − p·pᴴ/2^Q)·c_n‖²/(g²·τ_n²),  g² = the median of ‖c_n‖²/2^Q
 *
 * (state-solvers.ts). σ² and τ² come from the same readings (the evidence
 * approximation of D. MacKay, Neural Computation 4 (1992) 415-447, the trace by random probes of M. F. Hutchinson, Comm. Stat. Simul. 19 (1990) 433-450). An
 * element whose states are far from the grid, because it is stuck, has a τ_n of its own, so that it does not spoil those of the others.
 */
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { fromParts, subtract, zeros } from '../core/signal/complex-matrix.ts';
import { createRandom } from '../core/signal/random.ts';
import type { Drift } from './drift.ts';
import { fitDrift } from './drift.ts';
import { dot } from './conjugate-gradients.ts';
import { offGrid } from './nominal-grid.ts';
import { ReadingModel } from './reading-model.ts';
import { planOf, shownIn, type ReadingPlan } from './reading-plan.ts';
import type { StateBelief } from './state-solvers.ts';
import { solverFor, times } from './state-solvers.ts';

export interface StateEstimate {
  /** What they were estimated from. */
  readonly plan: ReadingPlan;
  /** c, N×2^Q, in the unit of the readings and with the receiver's phase. */
  readonly states: CMatrix;
  /** Mean variance of a state over all elements, as the readings and the grid leave it, in the unit of the readings squared. */
  readonly variance: number;
  /** σ² of a reading. */
  readonly noise: number;
  /** τ² of a usual element. */
  readonly spread: number;
  /** y − X·c, R×1. */
  readonly residual: CMatrix;
  /** What is left over, ‖y − X·c‖², beside what noise would leave: about 1 where states explain the readings. */
  readonly excess: number;
  readonly drift: Drift;
}

export interface EstimateOptions {
  /** σ² of a reading where it is known; absent: from what the states leave over, which needs more readings than states. */
  noise?: number | undefined;
  /** τ² where it is known; absent: from the readings. */
  spread?: number | undefined;
  /** Whether what drifts is to be found, too; default: nothing does. */
  drift?: boolean | undefined;
}

/** Of 3° RMS and 0.3 dB: where nothing was read of the states, as for offsets alone. */
export const USUAL_SPREAD = ((3 * Math.PI) / 180) ** 2 + ((0.3 * Math.LN10) / 20) ** 2;

const MOST_ROUNDS = 12;
/** Ends where a round moves the states by less than this share. */
const SETTLED = 1e-3;
const PROBES = 2;
/** An element whose states are so many times as far from the grid, squared, as those of a usual one is judged by itself. */
const UNLIKE_OTHERS = 3;
/** τ² follows from readings that tell so large a share of what states miss the grid by. */
const LEAST_SHARE_TOLD = 1 / 8;
/** Variances: one in e^20 by chance, for each element. */
const SURE_CONSTANT = 20;
const LEAST_SPREAD = 1e-12;
/** Variance of an offset, in the power of a usual element. */
const OPEN_SHARE = 1e3;
/** Of what noise leaves over, held for the least: how much it is comes from few probes. */
const LEAST_SHARE_LEFT = 0.1;
/** With fewer free readings than this share σ² cannot be told. */
const LEAST_FREE_SHARE = 1 / 64;

/**
 * @param readings y, R×1; NaN where one is left out
 * @throws {BeamrigError} 'shape' where there are not as many readings as planned, 'argument' where one is not finite, or where σ² is not given and
 *   cannot be told from so few
 */
export function estimateStates(plan: ReadingPlan, readings: CMatrix, options: EstimateOptions = {}): StateEstimate {
  const kept = Array.from(readings.re.keys()).filter((i) => !Number.isNaN(readings.re[i]));
  if (kept.length === readings.rows) return estimateFromAll(plan, readings, options);
  // Readings that were left out: as if they had not been planned, but for their place in what is left over.
  const estimate = estimateFromAll(
    planOf({ ...plan, readings: kept.length }, (i, n) => shownIn(plan, kept[i], n)),
    fromParts(
      kept.length,
      1,
      Float64Array.from(kept, (i) => readings.re[i]),
      Float64Array.from(kept, (i) => readings.im[i]),
    ),
    options,
  );
  const residual = zeros(readings.rows, 1);
  kept.forEach((i, at) => {
    residual.re[i] = estimate.residual.re[at];
    residual.im[i] = estimate.residual.im[at];
  });
  return { ...estimate, plan, residual };
}

function estimateFromAll(plan: ReadingPlan, readings: CMatrix, options: EstimateOptions): StateEstimate {
  requireReadings(plan, readings);
  const model = new ReadingModel(plan);
  const belief = new Belief(plan, model, readings, options);
  let states = zeros(model.unknowns, 1);
  const probes = Array.from({ length: PROBES }, (_, i) => probeOf(model.unknowns, i));
  let solved = probes.map(() => zeros(model.unknowns, 1));
  for (let round = 1; ; round++) {
    const before = states;
    const solver = solverFor(belief);
    states = solver.solve(times(model.adjoint(readings), 1 / belief.noise), states);
    solved = solved.map((from, i) => solver.solve(probes[i], from));
    const residual = subtract(readings, model.heard(states));
    const moved = subtract(states, before);
    if (round === MOST_ROUNDS || dot(moved, moved) < SETTLED ** 2 * dot(states, states)) {
      const variance = mean(solved.map((each, i) => dot(probes[i], each))) / model.unknowns;
      const { noise, spread } = belief;
      return {
        plan,
        states: fromParts(plan.elements, 2 ** plan.phaseBits, states.re, states.im),
        variance,
        noise,
        spread,
        residual,
        excess: dot(residual, residual) / plan.readings / (noise * belief.freeShare),
        drift: model.drift,
      };
    }
    belief.update(states, residual, probes, solved);
    if (options.drift === true) model.drift = fitDrift(readings, model.shownBy(states), model.drift, belief.noise);
  }
}

/** What is thought of noise, grid and elements, and the states that follow from it. */
class Belief implements StateBelief {
  noise: number;
  spread: number;
  readonly model: ReadingModel;
  readonly states: number;
  readonly weights: Float64Array;
  readonly open: number;
  /** Of the readings, what the states do not take: noise leaves so much of its power over. */
  freeShare = 1;
  readonly #plan: ReadingPlan;
  readonly #given: EstimateOptions;
  /** How many states of each element were read; of an element that was never on, one, of which nothing is known. */
  readonly #shown: Float64Array;

  constructor(plan: ReadingPlan, model: ReadingModel, readings: CMatrix, given: EstimateOptions) {
    this.#plan = plan;
    this.model = model;
    this.#given = given;
    this.states = 2 ** plan.phaseBits;
    this.#shown = new Float64Array(plan.elements);
    model.visits.forEach((count, at) => (this.#shown[Math.floor(at / this.states)] += count > 0 ? 1 : 0));
    this.#shown = this.#shown.map((count) => Math.max(count, 1));
    this.spread = given.spread ?? USUAL_SPREAD;
    const shownAtOnce = model.visits.reduce((sum, one) => sum + one, 0) / plan.readings;
    const power = dot(readings, readings) / plan.readings / Math.max(1, shownAtOnce); // of an element, about
    this.noise = given.noise ?? power / 100;
    this.open = OPEN_SHARE * power;
    this.weights = new Float64Array(plan.elements).fill(1 / (power * this.spread || 1));
  }

  /** @param solved of each probe z the z that (XᴴX/σ² + the grid's part) maps on it */
  update(c: CMatrix, residual: CMatrix, probes: readonly CMatrix[], solved: readonly CMatrix[]): void {
    const { elements } = this.#plan;
    const states = this.states;
    const away = offGrid(c, states);
    const awayOfProbes = solved.map((each) => offGrid(each, states));
    const power = Math.max(
      median(Float64Array.from({ length: elements }, (_, n) => squareOf(c, n, states) / states)),
      Number.MIN_VALUE,
    );
    let free = 0;
    const own = new Float64Array(elements);
    const known = new Float64Array(elements);
    let knownOfAll = 0;
    for (let n = 0; n < elements; n++) {
      // How many of the element's states the readings tell, and not the grid.
      const byGrid = this.weights[n] * mean(probes.map((probe, i) => dotOf(probe, awayOfProbes[i], n, states)));
      // Of a single element it comes from few probes, and is uncertain; over all of them it is not.
      knownOfAll += Math.min(states - 1 - byGrid, this.#shown[n] - 1);
      known[n] = Math.min(Math.max(states - 1 - byGrid, 0), this.#shown[n] - 1);
      free += known[n] + 1;
      own[n] = squareOf(away, n, states) / power / Math.max(known[n], 1e-9);
    }
    const told = known.map((count) => count / (states - 1));
    this.freeShare = Math.max(1 - (knownOfAll + elements) / this.#plan.readings, LEAST_SHARE_LEFT);
    const toldOfAll = knownOfAll / elements / (states - 1);
    if (this.#given.spread === undefined && toldOfAll > LEAST_SHARE_TOLD) this.spread = Math.max(median(own), LEAST_SPREAD);
    if (this.#given.noise === undefined) {
      const left = this.#plan.readings - free;
      if (left < LEAST_FREE_SHARE * this.#plan.readings) throw noiseNotTold(this.#plan.readings);
      this.noise = Math.max(dot(residual, residual) / left, Number.MIN_VALUE);
    }
    const constants = this.#leftConstant(residual);
    for (let n = 0; n < elements; n++) {
      const isUnlike = told[n] > LEAST_SHARE_TOLD && own[n] > UNLIKE_OTHERS * this.spread;
      const spread = isUnlike ? own[n] : this.spread;
      // What the readings say of a constant is about nothing that the grid could have: taken out of its hands.
      this.weights[n] = 1 / (power * (constants[n] > SURE_CONSTANT ? Math.max(spread, 1) : spread));
    }
  }

  /**
   * How surely each element shows something in all states alike that the states do not have yet, as one that is stuck does where noise has them shrunk to the
   * grid: the square of what is left over while it is on, beside what is left while it is off, in variances of it. States that nearly use the readings up take
   * most of such a constant with the noise, so that its variance is that of what noise leaves over, and not that of a reading.
   */
  #leftConstant(residual: CMatrix): Float64Array {
    const { elements, readings } = this.#plan;
    const states = this.states;
    const sums = this.model.adjoint(residual);
    let [re, im] = [0, 0];
    for (let i = 0; i < readings; i++) {
      re += residual.re[i];
      im += residual.im[i];
    }
    const variance = Math.max(this.noise * this.freeShare, dot(residual, residual) / readings);
    return Float64Array.from({ length: elements }, (_, n) => {
      let [onRe, onIm, on] = [0, 0, 0];
      for (let at = n * states; at < (n + 1) * states; at++) {
        onRe += sums.re[at];
        onIm += sums.im[at];
        on += this.model.visits[at];
      }
      const share = on / readings;
      if (on === 0 || on === readings) return 0; // never off or never on: nothing to compare
      const square = (onRe - share * re) ** 2 + (onIm - share * im) ** 2;
      return square / (variance * readings * share * (1 - share));
    });
  }
}

function requireReadings({ readings: planned }: ReadingPlan, { rows, re, im }: CMatrix): void {
  if (rows !== planned) {
    throw new BeamrigError('shape', `${rows} readings where ${planned} were planned`, { wayOut: 'read all that the plan names' });
  }
  const bad = re.findIndex((value, i) => !Number.isFinite(value) || !Number.isFinite(im[i]));
  if (bad < 0) return;
  throw new BeamrigError('argument', `reading ${bad} is ${re[bad]}, ${im[bad]}: not finite`, {
    wayOut: 'read it again, or leave it out',
  });
}

const noiseNotTold = (readings: number): BeamrigError =>
  new BeamrigError('argument', `${readings} readings leave none over to tell their noise by`, {
    wayOut: 'give the noise, from readings that are repeated, or take more readings',
  });

/** ±1 at random. */
function probeOf(length: number, index: number): CMatrix {
  const from = createRandom(1).stream(`probe ${index}`);
  return fromParts(
    length,
    1,
    Float64Array.from({ length }, () => (from.uniform() < 0.5 ? -1 : 1)),
    new Float64Array(length),
  );
}

const squareOf = (c: CMatrix, n: number, states: number): number => dotOf(c, c, n, states);

/** Re of the scalar product of what belongs to element n. */
function dotOf(a: CMatrix, b: CMatrix, n: number, states: number): number {
  let sum = 0;
  for (let at = n * states; at < (n + 1) * states; at++) sum += a.re[at] * b.re[at] + a.im[at] * b.im[at];
  return sum;
}

const mean = (values: readonly number[] | Float64Array): number => {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
};

function median(values: Float64Array): number {
  const sorted = values.slice().sort();
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

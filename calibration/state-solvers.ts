/**
 * The most probable states for given σ², τ_n² and g_n², in two ways that give the same: (XᴴX/σ² + B)⁻¹·b, B the grid's part of every element.
 *
 * - With many readings by conjugate gradients: a step costs about as many additions as the plan has words.
 * - With few, where those steps are many, by the R×R system K = B⁻¹ turns it into: K·b − K·Xᴴ·(X·K·Xᴴ + σ²)⁻¹·X·K·b (Woodbury). Of the offset, of which B says
 *   nothing, K says that it is no larger than could be.
 */
import { factorInPlace, solveFactored } from '../core/signal/cholesky.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { fromParts, subtract, zeros } from '../core/signal/complex-matrix.ts';
import { conjugateGradients } from './conjugate-gradients.ts';
import { offGrid } from './nominal-grid.ts';
import type { ReadingModel } from './reading-model.ts';

export interface StateBelief {
  readonly model: ReadingModel;
  readonly states: number;
  /** σ² */
  readonly noise: number;
  /** 1/(g_n²·τ_n²), N. */
  readonly weights: Float64Array;
  /** Variance of an offset o_n, so large that it says nothing. */
  readonly open: number;
}

export interface StateSolver {
  /** @param from where to begin, where that helps */
  solve(b: CMatrix, from: CMatrix): CMatrix;
}

const MOST_READINGS_DENSE = 512;
const TOLERANCE = 1e-5;
const MOST_STEPS = 300;

export const solverFor = (belief: StateBelief): StateSolver =>
  belief.model.readings <= MOST_READINGS_DENSE ? new DenseSolver(belief) : new SteppingSolver(belief);

class SteppingSolver implements StateSolver {
  readonly #belief: StateBelief;
  readonly #diagonal: Float64Array;

  constructor(belief: StateBelief) {
    this.#belief = belief;
    const { model, states, noise, weights } = belief;
    this.#diagonal = model.visits.map((count, at) => count / noise + weights[Math.floor(at / states)]);
  }

  solve(b: CMatrix, from: CMatrix): CMatrix {
    const { model, states, noise, weights } = this.#belief;
    const apply = (c: CMatrix): CMatrix => {
      const out = model.adjoint(model.heard(c));
      const away = offGrid(c, states);
      for (let at = 0; at < c.re.length; at++) {
        const weight = weights[Math.floor(at / states)];
        out.re[at] = out.re[at] / noise + weight * away.re[at];
        out.im[at] = out.im[at] / noise + weight * away.im[at];
      }
      return out;
    };
    return conjugateGradients(b, { apply, diagonal: this.#diagonal, from, tolerance: TOLERANCE, mostSteps: MOST_STEPS });
  }
}

class DenseSolver implements StateSolver {
  readonly #belief: StateBelief;
  /** L of X·K·Xᴴ + σ². */
  readonly #factor: CMatrix;

  constructor(belief: StateBelief) {
    this.#belief = belief;
    const { model, noise } = belief;
    const count = model.readings;
    this.#factor = zeros(count, count);
    const one = zeros(count, 1);
    for (let i = 0; i < count; i++) {
      one.re[i] = 1;
      const column = model.heard(this.#prior(model.adjoint(one)));
      one.re[i] = 0;
      for (let j = i; j < count; j++) {
        this.#factor.re[j * count + i] = column.re[j];
        this.#factor.im[j * count + i] = column.im[j];
      }
      this.#factor.re[i * count + i] += noise;
    }
    factorInPlace(this.#factor, 0, noise * Number.EPSILON);
  }

  solve(b: CMatrix): CMatrix {
    const { model } = this.#belief;
    const free = this.#prior(b);
    const told = model.heard(free);
    solveFactored(this.#factor, told);
    return subtract(free, this.#prior(model.adjoint(told)));
  }

  /** K·c */
  #prior(c: CMatrix): CMatrix {
    const { states, weights, open } = this.#belief;
    const out = offGrid(c, states);
    const ofOffset = states * open;
    for (let n = 0, at = 0; at < c.re.length; n++) {
      const variance = 1 / weights[n];
      for (const end = at + states; at < end; at++) {
        const [awayRe, awayIm] = [out.re[at], out.im[at]];
        out.re[at] = variance * awayRe + ofOffset * (c.re[at] - awayRe);
        out.im[at] = variance * awayIm + ofOffset * (c.im[at] - awayIm);
      }
    }
    return out;
  }
}

/** c·factor */
export const times = ({ rows, cols, re, im }: CMatrix, factor: number): CMatrix =>
  fromParts(
    rows,
    cols,
    re.map((value) => value * factor),
    im.map((value) => value * factor),
  );

/**
 * R − ω·τ as a function of the phases alone, D always being the best one for them, with its gradient: what rate-of-phases.ts is for the rate.
 *
 * Written so that the length of X = A·D does not matter, with p = ‖X‖² and the noise ν·p,
 *
 *   f(X) = R − w(‖XᴴX‖²∕p² − 2‖BᴴX‖²∕p + ‖BᴴB‖²),  ν = σ²∕P, w = ω·P²
 *
 * it is stationary in D where D is the best one, so what D does when the phases move adds nothing (the envelope theorem). At p = 1
 *
 *   ∂f∕∂X* = Hᴴ·C + 2w·B·Y − X·E,  Y = BᴴX, Z = XᴴX, E = 2w(Z − (‖Z‖² − ‖Y‖²)·I) + κ·I,  ∂f∕∂A* = ∂f∕∂X*·Dᴴ
 *
 * with C as in pga.ts and κ = (ν∕ln 2)·Σ(1∕Iₖ − 1∕Sₖ). The best D of M×K is found where no N is left: with AᴴA = LLᴴ and V = Lᴴ·D, the gains are
 * HA·L⁻ᴴ·V, Y = BᴴA·L⁻ᴴ·V and the power is ‖V‖². It is as far from a closed form as that of the rate, and has no steps of weighted MMSE that
 * only climb: L-BFGS finds it, from the V of the phases asked for before.
 *
 * Source: Nguyen et al. (paper 000), eqs. (3), (5), (8), (11).
 */
import { divideByFactor, factorInPlace } from '../../core/signal/cholesky.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import {
  conjTranspose,
  frobeniusNorm,
  fromParts,
  matmul,
  multiplyABh,
  multiplyAhB,
  scale,
  zeros,
} from '../../core/signal/complex-matrix.ts';
import { regularisedZeroForcing } from '../../core/signal/precoders.ts';
import { wantedEnergy } from '../../core/signal/sensing.ts';
import type { SmoothFunction } from './climb.ts';
import { climb } from './climb.ts';
import { asList, asMatrix } from './complex-list.ts';
import { lbfgs } from './lbfgs.ts';
import { rateWeights } from './pga.ts';
import type { FunctionOfPhases } from './rate-of-phases.ts';
import { phaseGradient } from './rate-of-phases.ts';

/** What is asked for, at unit power. */
export interface SensingTask {
  /** H, K×N, rows h_kᴴ. */
  readonly channel: CMatrix;
  /** B, N×r, ‖B‖² = 1. */
  readonly factor: CMatrix;
  /** ν = σ²∕P */
  readonly noise: number;
  /** w = ω·P² */
  readonly weight: number;
}

/** What a precoder is heard and seen as, and f with what its gradient is made of, all for unit power. */
export interface RateSensingAt {
  readonly value: number;
  /** [C; 2w·Y], (K + r)×K. */
  readonly pull: CMatrix;
  /** E, K×K. */
  readonly push: CMatrix;
}

/**
 * @param task its channel and factor as the precoder meets them
 * @param precoder X, of unit power
 * @param gram XᴴX
 */
export function rateSensingAt({ channel, factor, noise, weight }: SensingTask, precoder: CMatrix, gram: CMatrix): RateSensingAt {
  const users = channel.rows;
  const gains = matmul(channel, precoder);
  const sensed = multiplyAhB(factor, precoder);
  let rate = 0;
  let kappa = 0;
  for (let k = 0; k < users; k++) {
    let unwanted = noise;
    let desired = 0;
    for (let j = 0; j < users; j++) {
      const gain = gains.re[k * users + j] ** 2 + gains.im[k * users + j] ** 2;
      if (j === k) desired = gain;
      else unwanted += gain;
    }
    rate += Math.log2(1 + desired / unwanted);
    kappa += (noise * (1 / unwanted - 1 / (unwanted + desired))) / Math.LN2;
  }
  const own = energy(gram);
  const shared = energy(sensed);
  const push = scale(gram, 2 * weight);
  for (let k = 0; k < users; k++) push.re[k * users + k] += kappa - 2 * weight * (own - shared);
  const pull = stacked(rateWeights(gains, noise), scale(sensed, 2 * weight));
  return { value: rate - weight * (own - 2 * shared + wantedEnergy(factor)), pull, push };
}

/**
 * f of V, m×K, of any length, as [Re | Im], with its gradient.
 * @param task with the gains of V, K×m, for its channel, and Bᴴ·(what V is multiplied by), conjugate transposed, for its factor
 * @param wanted ‖BᴴB‖² of the whole array
 */
export function rateSensingOfDigital(task: SensingTask, wanted: number): SmoothFunction {
  const size = task.channel.cols * task.channel.rows;
  const missing = task.weight * (wanted - wantedEnergy(task.factor)); // of Ψ, what no V can radiate
  return (v, gradient) => {
    const length = Math.sqrt(v.reduce((sum, part) => sum + part * part, 0));
    const unit = scale(asMatrix(v, task.channel.cols, task.channel.rows), 1 / length);
    const { value, pull, push } = rateSensingAt(task, unit, multiplyAhB(unit, unit));
    const towards = multiplyAhB(stacked(task.channel, conjTranspose(task.factor)), pull);
    const back = matmul(unit, push);
    for (let i = 0; i < size; i++) {
      gradient[i] = (2 / length) * (towards.re[i] - back.re[i]);
      gradient[size + i] = (2 / length) * (towards.im[i] - back.im[i]);
    }
    return value - missing;
  };
}

/** Keeps AᴴA definite where chains show the same phases. */
const RIDGE = 1e-10;
const CLIMB = { iterations: 60, tolerance: 1e-10 };
const FIRST_STEP = 0.02;

/** @param connection N·M of 0/1; absent means fully connected */
export function rateSensingOfPhases(task: SensingTask, rfChains: number, connection?: Uint8Array): FunctionOfPhases {
  const { channel, factor, noise } = task;
  const { rows: users, cols: elements } = channel;
  const all = stacked(channel, conjTranspose(factor)); // [H; Bᴴ]
  const wanted = wantedEnergy(factor);
  const analog = zeros(elements, rfChains);
  const places = Int32Array.from(analog.re.keys()).filter((place) => connection === undefined || connection[place] !== 0);
  let v: Float64Array | undefined;
  let digital = zeros(rfChains, users);
  return {
    phasesOf: ({ re, im }) => Float64Array.from(places, (place) => Math.atan2(im[place], re[place])),
    // Of chains that show about the same phases, the ridge is a part of the power.
    shown: () => ({ analog, digital: scale(digital, 1 / frobeniusNorm(matmul(analog, digital))) }),
    at(phases, gradient) {
      for (let i = 0; i < places.length; i++) {
        analog.re[places[i]] = Math.cos(phases[i]);
        analog.im[places[i]] = Math.sin(phases[i]);
      }
      const metric = multiplyAhB(analog, analog);
      for (let m = 0; m < rfChains; m++) metric.re[m * rfChains + m] *= 1 + RIDGE;
      const lower = lowerFactor(metric);
      const seen = matmul(all, analog);
      divideByFactor(seen, lower); // [HA; BᴴA]·L⁻ᴴ
      const gains = rowsOf(seen, 0, users);
      const small = { ...task, channel: gains, factor: conjTranspose(rowsOf(seen, users, all.rows)) };
      v ??= asList(regularisedZeroForcing(gains, 1, noise));
      v = climb(rateSensingOfDigital(small, wanted), v, lbfgs(v.length, FIRST_STEP), CLIMB).x;
      const length = Math.sqrt(v.reduce((sum, part) => sum + part * part, 0));
      v = v.map((part) => part / length);
      const unit = asMatrix(v, rfChains, users);
      digital = backSubstituted(lower, unit);
      const { value, pull, push } = rateSensingAt(small, unit, multiplyAhB(unit, unit));
      const toElements = multiplyABh(pull, digital); // [C; 2w·Y]·Dᴴ
      const toChains = multiplyABh(matmul(digital, push), digital); // D·E·Dᴴ
      phaseGradient(all, analog, toElements, toChains, places, gradient);
      return value - task.weight * (wanted - wantedEnergy(small.factor));
    },
  };
}

/** L of a = L·Lᴴ, zero above the diagonal; a ridge keeps it from ending early. */
function lowerFactor(a: CMatrix): CMatrix {
  factorInPlace(a, 0, RIDGE * a.re[0]);
  for (let i = 0; i < a.rows; i++) {
    a.im[i * a.rows + i] = 0;
    for (let j = i + 1; j < a.rows; j++) a.re[i * a.rows + j] = a.im[i * a.rows + j] = 0;
  }
  return a;
}

/** x of Lᴴ·x = b. */
function backSubstituted(lower: CMatrix, b: CMatrix): CMatrix {
  const { rows: n, re: lr, im: li } = lower;
  const x = zeros(n, b.cols);
  for (let k = 0; k < b.cols; k++) {
    for (let i = n - 1; i >= 0; i--) {
      let re = b.re[i * b.cols + k];
      let im = b.im[i * b.cols + k];
      for (let j = i + 1; j < n; j++) {
        const from = j * b.cols + k;
        re -= lr[j * n + i] * x.re[from] + li[j * n + i] * x.im[from];
        im -= lr[j * n + i] * x.im[from] - li[j * n + i] * x.re[from];
      }
      x.re[i * b.cols + k] = re / lr[i * n + i];
      x.im[i * b.cols + k] = im / lr[i * n + i];
    }
  }
  return x;
}

/** One matrix under the other. */
export function stacked(upper: CMatrix, lower: CMatrix): CMatrix {
  const both = zeros(upper.rows + lower.rows, upper.cols);
  both.re.set(upper.re);
  both.im.set(upper.im);
  both.re.set(lower.re, upper.re.length);
  both.im.set(lower.im, upper.im.length);
  return both;
}

function rowsOf({ cols, re, im }: CMatrix, from: number, to: number): CMatrix {
  return fromParts(to - from, cols, re.subarray(from * cols, to * cols), im.subarray(from * cols, to * cols));
}

function energy({ re, im }: CMatrix): number {
  let sum = 0;
  for (let i = 0; i < re.length; i++) sum += re[i] * re[i] + im[i] * im[i];
  return sum;
}

/**
 * The sensing form of phase-net as a plain float64 program, step by step as models/phase-net/sensing-network.ts describes it: what its graph is held
 * to. One problem at a time, and no thought of speed.
 */
import { solveHermitian } from '../core/signal/cholesky.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import {
  add,
  conjTranspose,
  fromParts,
  frobeniusNorm,
  identity,
  matmul,
  multiplyABh,
  multiplyAhB,
  scale,
  subtract,
  zeros,
} from '../core/signal/complex-matrix.ts';
import { svd } from '../core/signal/decompositions.ts';
import { ratesOfGains } from '../core/signal/rate.ts';
import { wantedEnergy } from '../core/signal/sensing.ts';
import type { SensingTask } from '../models/baselines/rate-sensing-of-phases.ts';
import { stacked } from '../models/baselines/rate-sensing-of-phases.ts';
import type { SensingArray } from '../models/phase-net/sensing-network.ts';
import type { SensingName } from '../models/phase-net/sensing-schedule.ts';
import { SENSING_PARAMETERS, spend, stepFeatures } from '../models/phase-net/sensing-schedule.ts';

/** What D sees of an array: F over S, and T. */
interface Seen {
  readonly seen: CMatrix;
  readonly metric: CMatrix;
}

interface State {
  readonly digital: CMatrix;
  readonly value: number;
  readonly pull: CMatrix;
  readonly push: CMatrix;
  readonly lambda: Float64Array;
  readonly bend: number;
}

export function sensingProgram(
  task: SensingTask,
  numbers: readonly Float64Array[],
  array: SensingArray,
): { value: number; analog: CMatrix; digital: CMatrix } {
  const { rfChains, steps, connection } = array;
  const of = (name: SensingName): Float64Array => numbers[SENSING_PARAMETERS.findIndex((each) => each.name === name)];
  const course = (name: SensingName, length: number): number[] => {
    const features = stepFeatures(length);
    return Array.from({ length }, (_, t) => of(name).reduce((sum, number, f) => sum + number * features[6 * t + f], 0));
  };
  const budget = spend(steps);
  const all = stacked(task.channel, conjTranspose(task.factor));

  // The digital answer.
  const span = scaleColumns(conjTranspose(all), (column) => (column < task.channel.rows ? 1 / Math.sqrt(all.cols) : 1));
  const whole = seenThrough(all, span, 1);
  let x = startOf(task, sigmoid(of('sensingMix')[0] + (of('sensingMix')[1] * Math.log(task.weight / 30 + 0.01)) / Math.log(30)));
  for (let step = 0; step < budget.digital; step++) x = digitalStep(task, whole, stateOf(task, whole, x));
  const target = matmul(span, x);
  const unit = scale(target, 1 / frobeniusNorm(target));

  // Its factors.
  let analog = startPhases(unit, rfChains, connection);
  let before = analog;
  const hold = course('sensingHold', budget.factors).map(Math.exp);
  const holdMomentum = course('sensingHoldMomentum', budget.factors).map(sigmoid);
  for (let step = 0; step < budget.factors; step++) {
    const digital = leastSquares(analog, unit);
    const size = (hold[step] * frobeniusNorm(digital) ** 2) / rfChains;
    const missing = multiplyABh(subtract(unit, matmul(analog, digital)), digital);
    [analog, before] = goOn(add(analog, scale(missing, 1 / size)), before, holdMomentum[step], connection);
  }

  // Phases and D.
  let digital = leastSquares(analog, unit);
  before = analog;
  let best = { value: -Infinity, analog, digital };
  const stride = course('sensingStride', budget.phases).map(Math.exp);
  const momentum = course('sensingMomentum', budget.phases).map(sigmoid);
  const memory = sigmoid(of('sensingMemory')[0]);
  let last: { analog: CMatrix; slope: Float64Array; curvature: number } | undefined;
  for (let step = 0; step < budget.phases; step++) {
    const array = seenThrough(all, analog, analog.rows);
    const state = settled(task, array, digital, 2);
    ({ digital } = state);
    if (state.value >= best.value) best = { value: state.value, analog, digital };
    const gradient = multiplyABh(subtract(multiplyAhB(all, state.pull), matmul(matmul(analog, digital), state.push)), digital);
    const slope = gradient.re.map((re, i) => gradient.im[i] * analog.re[i] - re * analog.im[i]);
    const expected = (state.bend * frobeniusNorm(digital) ** 2) / rfChains;
    let curvature = Math.exp(of('sensingFirst')[0]) * expected;
    if (last !== undefined) {
      const { slope: other } = last;
      const turned = Math.sqrt(slope.reduce((sum, value, i) => sum + (value - other[i]) ** 2, 0));
      const measured = turned / Math.max(frobeniusNorm(subtract(analog, last.analog)), 1e-6 / Math.SQRT2);
      curvature = Math.max(measured, memory * last.curvature + (1 - memory) * measured);
    }
    curvature = Math.max(curvature, 0.5 * expected);
    last = { analog, slope, curvature };
    [analog, before] = goOn(add(analog, scale(gradient, stride[step] / curvature)), before, momentum[step], connection);
  }
  const end = settled(task, seenThrough(all, analog, analog.rows), digital, 2);
  if (end.value >= best.value) best = { value: end.value, analog, digital: end.digital };
  const final = settled(task, seenThrough(all, best.analog, analog.rows), best.digital, 6);
  return { value: final.value, analog: best.analog, digital: final.digital };
}

function seenThrough(all: CMatrix, analog: CMatrix, size: number): Seen {
  return { seen: matmul(all, analog), metric: metricOf(analog, size) };
}

const metricOf = (analog: CMatrix, size: number): CMatrix =>
  add(multiplyAhB(analog, analog), scale(identity(analog.cols), 1e-6 * size));

function stateOf({ noise, weight, factor }: SensingTask, { seen, metric }: Seen, free: CMatrix): State {
  const users = free.cols;
  const power = multiplyAhB(free, matmul(metric, free));
  let trace = 0;
  for (let k = 0; k < users; k++) trace += power.re[k * users + k];
  const digital = scale(free, 1 / Math.sqrt(trace));
  const gram = scale(power, 1 / trace);
  const heard = matmul(seen, digital);
  const [gains, sensed] = [part(heard, 0, users), part(heard, users, heard.rows)];
  const { sumRate } = ratesOfGains(gains, noise);
  const lambda = new Float64Array(users);
  const towards = zeros(users, users);
  for (let k = 0; k < users; k++) {
    let unwanted = noise;
    for (let j = 0; j < users; j++) if (j !== k) unwanted += gains.re[k * users + j] ** 2 + gains.im[k * users + j] ** 2;
    const received = unwanted + gains.re[k * users + k] ** 2 + gains.im[k * users + k] ** 2;
    lambda[k] = (1 / unwanted - 1 / received) / Math.LN2;
    for (let j = 0; j < users; j++) {
      const own = j === k ? 1 / unwanted / Math.LN2 : 0;
      towards.re[k * users + j] = (own - lambda[k]) * gains.re[k * users + j];
      towards.im[k * users + j] = (own - lambda[k]) * gains.im[k * users + j];
    }
  }
  const eta = noise * lambda.reduce((sum, value) => sum + value, 0);
  const own = frobeniusNorm(gram) ** 2;
  const shared = frobeniusNorm(sensed) ** 2;
  const push = add(scale(gram, 2 * weight), scale(identity(users), eta - 2 * weight * (own - shared)));
  return {
    ...{ digital, lambda, push, pull: stacked(towards, scale(sensed, 2 * weight)) },
    value: sumRate - weight * (own - 2 * shared + wantedEnergy(factor)),
    bend: (2 * weight) / users + eta,
  };
}

function digitalStep({ weight }: SensingTask, { seen, metric }: Seen, { digital, lambda, push, pull, bend }: State): CMatrix {
  const users = digital.cols;
  const slope = subtract(multiplyAhB(seen, pull), matmul(matmul(metric, digital), push));
  const gains = part(seen, 0, users);
  const weighed = fromParts(users, gains.cols, gains.re.map((v, i) => v * lambda[Math.floor(i / gains.cols)]), gains.im.map((v, i) => v * lambda[Math.floor(i / gains.cols)])); // prettier-ignore
  const sharp = multiplyAhB(gains, weighed);
  let trace = 0;
  for (let m = 0; m < sharp.rows; m++) trace += sharp.re[m * sharp.cols + m];
  const flat = add(scale(metric, bend + weight / users), scale(identity(sharp.rows), (1e-5 * trace) / sharp.rows)); // 2·1.5·w∕K + η
  return add(digital, solveHermitian(add(sharp, flat), slope));
}

function settled(task: SensingTask, array: Seen, digital: CMatrix, steps: number): State {
  let state = stateOf(task, array, digital);
  for (let step = 0; step < steps; step++) state = stateOf(task, array, digitalStep(task, array, state));
  return state;
}

/** In terms of [Hᴴ∕√N, B]. */
function startOf({ channel, factor, noise }: SensingTask, share: number): CMatrix {
  const { rows: users, cols: elements } = channel;
  const gram = add(multiplyABh(channel, channel), scale(identity(users), users * noise + 1e-6 * elements));
  const mixture = solveHermitian(gram, identity(users));
  const forUsers = multiplyAhB(channel, mixture);
  const length = frobeniusNorm(forUsers);
  const sensed = scale(multiplyAhB(factor, forUsers), 1 / length);
  for (let i = 0; i < Math.min(sensed.rows, sensed.cols); i++) sensed.re[i * sensed.cols + i] += 0.01;
  return stacked(scale(mixture, ((1 - share) * Math.sqrt(elements)) / length), scale(towardsIsometry(sensed), share));
}

/** Six Newton steps to the polar factor, which takes every singular value towards 1: those that are small are not there yet. */
function towardsIsometry(a: CMatrix): CMatrix {
  const { u, s: values, v } = svd(a);
  const largest = values.reduce((sum, value) => sum + value ** 4, 0) ** 0.25;
  const left = scaleColumns(u, (column) => {
    let value = (1.2 * values[column]) / largest;
    for (let step = 0; step < 6; step++) value *= 1.5 - value ** 2 / 2;
    return value;
  });
  return multiplyABh(left, v);
}

function startPhases(target: CMatrix, rfChains: number, connection: Uint8Array | undefined): CMatrix {
  const { rows: elements, cols: users } = target;
  const analog = zeros(elements, rfChains);
  const pairs = Math.min(rfChains - users, users);
  const largest = Array.from({ length: users }, (_, k) => boundOfColumn(target, k));
  for (let n = 0; n < elements; n++) {
    for (let m = 0; m < rfChains; m++) {
      if (connection !== undefined && connection[n * rfChains + m] === 0) continue;
      const user = m % users;
      const at = n * users + user;
      const aside = user < pairs ? Math.acos(Math.hypot(target.re[at], target.im[at]) / largest[user]) : 0;
      let phase = Math.atan2(target.im[at], target.re[at]) + (m < users ? aside : -aside);
      if (m >= users + pairs) phase = 2.4 * n * (m + 1);
      analog.re[n * rfChains + m] = Math.cos(phase);
      analog.im[n * rfChains + m] = Math.sin(phase);
    }
  }
  return analog;
}

/** The norm of order 32 of a column, which is above its largest entry. */
function boundOfColumn({ rows, cols, re, im }: CMatrix, k: number): number {
  let sum = 0;
  for (let n = 0; n < rows; n++) sum += Math.hypot(re[n * cols + k], im[n * cols + k]) ** 32;
  return sum ** (1 / 32);
}

const leastSquares = (analog: CMatrix, target: CMatrix): CMatrix =>
  solveHermitian(metricOf(analog, analog.rows), multiplyAhB(analog, target));

function goOn(
  moved: CMatrix,
  before: CMatrix,
  momentum: number,
  connection: Uint8Array | undefined,
): [ahead: CMatrix, next: CMatrix] {
  const next = phasesOf(moved, connection);
  return [phasesOf(add(next, scale(subtract(next, before), momentum)), connection), next];
}

function phasesOf({ rows, cols, re, im }: CMatrix, connection: Uint8Array | undefined): CMatrix {
  const size = re.map((value, i) => Math.hypot(value, im[i]));
  const unit = (of: Float64Array): Float64Array => of.map((value, i) => (connection?.[i] === 0 ? 0 : value / size[i]));
  return fromParts(rows, cols, unit(re), unit(im));
}

function scaleColumns({ rows, cols, re, im }: CMatrix, factor: (column: number) => number): CMatrix {
  const scaled = (of: Float64Array): Float64Array => of.map((value, i) => value * factor(i % cols));
  return fromParts(rows, cols, scaled(re), scaled(im));
}

const part = ({ cols, re, im }: CMatrix, from: number, to: number): CMatrix =>
  fromParts(to - from, cols, re.slice(from * cols, to * cols), im.slice(from * cols, to * cols));

const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));

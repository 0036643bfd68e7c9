/**
 * What is learned: how each step goes, as smooth functions of where it stands in the budget, of the SNR and of the array's size. So one set of
 * numbers serves any budget, any SNR and any array.
 *
 *   value(t) = Σ_f Σ_p numbers[f, p]·φ_f(t)·xᵖ,  p = 0, 1, 2
 *
 * with τ = (t + ½)∕T for step t of a budget of T, and
 *
 *   φ = (1, τ, τ², 2∕(t + 2)),  the same four times log₄(T∕12),  n, n·τ
 *   n = log₂(reach∕(8·K)),  reach the elements of a chain (N, or its block of a sub-connected array)
 *   x = log₁₀(reach∕(K·ν)) − 1.9,  ν = σ²∕P for ‖H‖²_F = K·N: tens of decibels, 0 where a user of four on 32 elements has 10 dB
 *
 * T, n and x stay at the ends of what they were learned for, since polynomials mean nothing beyond.
 */
import { entries } from '../graph/complex.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';

/** How a step goes. */
export interface Schedule<Value = Tensor> {
  /** Share of phase extraction in the target, before a sigmoid; the rest is the gradient's. */
  readonly extraction: Value;
  /** How far the gradient's part goes, as a logarithm: 0 is the step of a quadratic of the element alone. */
  readonly stride: Value;
  /** β, how far it goes on in the direction in which the target moved. */
  readonly momentum: Value;
  /** ω of the digital steps in between. */
  readonly extrapolation: Value;
}

type Name = keyof Schedule;

/** Where training starts, by hand: φ, power and value of what is not 0. Extraction first, the more of it the higher the SNR. */
const HAND: Readonly<Record<Name, readonly (readonly [feature: number, power: number, value: number])[]>> = {
  extraction: [
    [0, 0, 3.5],
    [1, 0, -6],
    [0, 1, 2.5],
  ],
  stride: [[0, 0, 0.1]],
  momentum: [[0, 0, 1]],
  extrapolation: [[0, 0, 0.5]],
};

/** What counts as a change of 1 where slopes are measured, about what moves a beam as much. */
export const UNITS: Readonly<Record<Name, number>> = { extraction: 20, stride: 8, momentum: 4, extrapolation: 4 };

export const SCHEDULE_NAMES = Object.keys(HAND) as Name[];

const FEATURES = 10;
const POWERS = 3;
/** Of the numbers of one function: [features, powers of x]. */
export const NUMBERS_SHAPE: readonly number[] = [FEATURES, POWERS];

/** Numbers of one function, set by hand. */
export function startOf(name: Name): Float64Array {
  const numbers = new Float64Array(FEATURES * POWERS);
  for (const [feature, power, value] of HAND[name]) numbers[feature * POWERS + power] = value;
  return numbers;
}

const BUDGETS = { from: 3, to: 60 };
const SIZES = { from: -2, to: 3 };
const X = { from: -2, to: 2, middle: 1.9 };

export interface Course {
  /** T */
  readonly steps: number;
  /** Elements of a chain. */
  readonly reach: number;
  readonly users: number;
}

/** φ of every step, row-major [T, features]. */
export function features({ steps, reach, users }: Course): Float64Array {
  const budget = Math.log(held(steps, BUDGETS) / 12) / Math.log(4);
  const size = held(Math.log2(reach / (8 * users)), SIZES);
  return entries(steps, FEATURES, (t, feature) => {
    const share = (t + 0.5) / steps;
    const own = [1, share, share * share, 2 / (t + 2)];
    return [...own, ...own.map((value) => value * budget), size, size * share][feature];
  });
}

const held = (value: number, { from, to }: { from: number; to: number }): number => Math.min(Math.max(value, from), to);

/**
 * Every function at every step, [T, B].
 * @param numbers of each function, [features, powers]
 * @param noise ν, [B]
 */
export function scheduleOf(numbers: Schedule, noise: Tensor, course: Course): Schedule {
  const { graph } = noise;
  const table = graph.constant(features(course), [course.steps, FEATURES]);
  const x = snrOf(graph, noise, course);
  const values = SCHEDULE_NAMES.map((name) => {
    const byPower = ops.matmul(table, numbers[name]); // [T, powers]
    const power = (p: number) => ops.slice(byPower, 1, p, p + 1); // [T, 1]
    return [name, ops.add(power(0), ops.multiply(x, ops.add(power(1), ops.multiply(x, power(2)))))];
  });
  return Object.fromEntries(values) as Schedule;
}

/** x, [B] */
function snrOf(graph: Graph, noise: Tensor, { reach, users }: Course): Tensor {
  const offset = graph.constant(Math.log10(reach / users) - X.middle);
  const free = ops.add(ops.multiply(ops.log(noise), graph.constant(-1 / Math.LN10)), offset);
  return ops.maximum(ops.minimum(free, graph.constant(X.to)), graph.constant(X.from));
}

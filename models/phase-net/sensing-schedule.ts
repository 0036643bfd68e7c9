/**
 * What the sensing form of phase-net has learned: how its steps go, as functions of where a step stands in its stage and of how long the stage is.
 *
 *   value(t) = Σ_f numbers[f]·φ_f(t),  φ = (1, 2τ − 1, 2∕(t + 2)) and the same three times log₄(T∕20),  τ = (t + ½)∕T for step t of T
 *
 * Nothing of the array, of the SNR or of ω is in it: a step measures the curvature that it needs (sensing-network.ts).
 */
import { entries } from '../graph/complex.ts';
import type { Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';

/** Budgets that the functions of T were learned for; beyond they stay as they are at the end. */
const LENGTHS = { from: 3, to: 150, middle: 20 };
const FEATURES = 6;

/** Where training starts, by hand: the values of φ that are not 0. */
const HAND = {
  /** Of a step on the phases, as a logarithm: 0 goes as far as a parabola of the measured curvature has its top. */
  sensingStride: [Math.log(0.5)],
  /** β of the same, before a sigmoid. */
  sensingMomentum: [2, 0.5],
  /** How firmly A is held while factors are sought, as a logarithm: 0 is the mean of what a step of its own size would be. */
  sensingHold: [Math.log(1.3)],
  /** β of the same, before a sigmoid. */
  sensingHoldMomentum: [1.4],
} as const;

/** Single numbers: how slowly a curvature is forgotten (before a sigmoid), the first one over what is known of it beforehand (as a logarithm). */
const SINGLE = { sensingMemory: [0.85], sensingFirst: [Math.log(3)] } as const;
/** The share of sensing in the precoder that all begins with, before a sigmoid, at w = 30, and by how much more for 30 times that. */
const MIX = { sensingMix: [0.4, 0.3] } as const;

type Course = keyof typeof HAND;
export type SensingName = Course | keyof typeof SINGLE | keyof typeof MIX;
/** Something of each learned name. */
export type SensingNumbers<Value = Tensor> = Readonly<Record<SensingName, Value>>;

/** Name, shape and start of everything learned, in the order of gradients and files. */
export const SENSING_PARAMETERS: readonly { name: SensingName; shape: readonly number[]; start: Float64Array }[] = [
  ...Object.entries(HAND).map(([name, values]) => parameter(name as SensingName, FEATURES, values)),
  ...Object.entries(SINGLE).map(([name, values]) => parameter(name as SensingName, 1, values)),
  ...Object.entries(MIX).map(([name, values]) => parameter(name as SensingName, 2, values)),
];

function parameter(name: SensingName, length: number, values: readonly number[]) {
  const start = new Float64Array(length);
  start.set(values);
  return { name, shape: [length, 1], start };
}

/** φ of every step, row-major [T, features]. */
export function stepFeatures(steps: number): Float64Array {
  const held = Math.min(Math.max(steps, LENGTHS.from), LENGTHS.to);
  const length = Math.log(held / LENGTHS.middle) / Math.log(4);
  return entries(steps, FEATURES, (t, feature) => {
    const own = [1, (2 * t + 1) / steps - 1, 2 / (t + 2)];
    return feature < 3 ? own[feature] : own[feature - 3] * length;
  });
}

/** A function at every step, [T, B]. @param numbers [features, B|1] */
export const courseOf = (numbers: Tensor, steps: number): Tensor =>
  ops.matmul(numbers.graph.constant(stepFeatures(steps), [steps, FEATURES]), numbers);

/** How a budget of steps of any kind is spent. */
export interface SensingBudget {
  /** On the digital answer. */
  readonly digital: number;
  /** On factors of it. */
  readonly factors: number;
  /** On phases and D. */
  readonly phases: number;
}

/** @param steps ≥ 1; the split that is the best at 10, 20, 60 and 120, within what is nearly equal */
export function spend(steps: number): SensingBudget {
  const digital = steps < 3 ? 0 : Math.min(3, 1 + Math.floor(steps / 16));
  const factors = Math.min(30, Math.floor(0.3 * steps));
  return { digital, factors, phases: steps - digital - factors };
}

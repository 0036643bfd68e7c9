/** ONNX ops that make each element from the elements in its place. */
import type { Expression } from './expression.ts';
import type { VectorMath } from './vector-math.ts';

export interface ElementwiseOp {
  /** Of an element, in additions: from a certain cost on a value that is used twice is kept. */
  readonly cost: number;
  /** Whether it makes conditions, given which of its arguments are; undefined where it does not take them. */
  readonly makesConditions: (areConditions: readonly boolean[]) => boolean | undefined;
  readonly make: (math: VectorMath, args: readonly Expression[]) => Expression;
  /** Where it is made in another way of conditions than of numbers. */
  readonly makeOfConditions?: ElementwiseOp['make'];
}

const arithmetic = (cost: number, make: ElementwiseOp['make']): ElementwiseOp => ({
  cost,
  make,
  makesConditions: (args) => (args.includes(true) ? undefined : false),
});
const comparison = (make: ElementwiseOp['make']): ElementwiseOp => ({
  cost: 1,
  make,
  makesConditions: (args) => (args.includes(true) ? undefined : true),
});
const logic = (make: ElementwiseOp['make']): ElementwiseOp => ({
  cost: 1,
  make,
  makesConditions: (args) => (args.includes(false) ? undefined : true),
});

const ROOT = 6;
const QUOTIENT = 5;
const EXPONENTIAL = 16;
const LOGARITHM = 20;
const ANGLE = 24;

export const ELEMENTWISE: Readonly<Record<string, ElementwiseOp>> = {
  Add: arithmetic(1, (m, [a, b]) => m.add(a, b)),
  Sub: arithmetic(1, (m, [a, b]) => m.subtract(a, b)),
  Mul: arithmetic(1, (m, [a, b]) => m.multiply(a, b)),
  Div: arithmetic(QUOTIENT, (m, [a, b]) => m.divide(a, b)),
  Max: arithmetic(1, (m, args) => args.reduce((a, b) => m.op('max', a, b))),
  Min: arithmetic(1, (m, args) => args.reduce((a, b) => m.op('min', a, b))),
  Neg: arithmetic(1, (m, [a]) => m.op('neg', a)),
  Abs: arithmetic(1, (m, [a]) => m.op('abs', a)),
  Sign: arithmetic(2, (m, [a]) => m.sign(a)),
  Relu: arithmetic(1, (m, [a]) => m.op('max', a, m.constant(0))),
  Sqrt: arithmetic(ROOT, (m, [a]) => m.op('sqrt', a)),
  Reciprocal: arithmetic(QUOTIENT, (m, [a]) => m.divide(m.constant(1), a)),
  Exp: arithmetic(EXPONENTIAL, (m, [a]) => m.exp(a)),
  Log: arithmetic(LOGARITHM, (m, [a]) => m.log(a)),
  Sigmoid: arithmetic(EXPONENTIAL + QUOTIENT, (m, [a]) => m.divide(m.constant(1), m.add(m.constant(1), m.exp(m.op('neg', a))))),
  Atan: arithmetic(ANGLE, (m, [a]) => m.atan(a)),
  Sin: arithmetic(ANGLE, (m, [a]) => m.sine(a, 0)),
  Cos: arithmetic(ANGLE, (m, [a]) => m.sine(a, 1)),
  Greater: comparison((m, [a, b]) => m.op('gt', a, b)),
  GreaterOrEqual: comparison((m, [a, b]) => m.op('ge', a, b)),
  Less: comparison((m, [a, b]) => m.op('gt', b, a)),
  LessOrEqual: comparison((m, [a, b]) => m.op('ge', b, a)),
  Equal: {
    cost: 1,
    makesConditions: ([a, b]) => (a === b ? true : undefined),
    make: (m, [a, b]) => m.op('eq', a, b),
    makeOfConditions: (m, [a, b]) => m.not(m.xor(a, b)), // all ones are no number, which is equal to nothing
  },
  And: logic((m, [a, b]) => m.and(a, b)),
  Or: logic((m, [a, b]) => m.or(a, b)),
  Not: logic((m, [a]) => m.not(a)),
  Where: {
    cost: 1,
    makesConditions: ([condition, yes, no]) => (condition && yes === no ? yes : undefined),
    make: (m, [condition, yes, no]) => m.select(condition, yes, no),
  },
};

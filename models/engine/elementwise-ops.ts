/** ONNX ops that make each element from the elements in its place. */
import type { Expression } from './expression.ts';
import type { VectorMath } from './vector-math.ts';

export interface ElementwiseOp {
  /** Of an element, in additions: from a certain cost on a value that is used twice is kept. */
  readonly cost: number;
  readonly make: (math: VectorMath, args: readonly Expression[]) => Expression;
}

const op = (cost: number, make: ElementwiseOp['make']): ElementwiseOp => ({ cost, make });

const ROOT = 6;
const QUOTIENT = 5;
const EXPONENTIAL = 16;
const LOGARITHM = 20;
const ANGLE = 24;

export const ELEMENTWISE: Readonly<Record<string, ElementwiseOp>> = {
  Add: op(1, (m, [a, b]) => m.add(a, b)),
  Sub: op(1, (m, [a, b]) => m.subtract(a, b)),
  Mul: op(1, (m, [a, b]) => m.multiply(a, b)),
  Div: op(QUOTIENT, (m, [a, b]) => m.divide(a, b)),
  Max: op(1, (m, args) => args.reduce((a, b) => m.op('max', a, b))),
  Min: op(1, (m, args) => args.reduce((a, b) => m.op('min', a, b))),
  Neg: op(1, (m, [a]) => m.op('neg', a)),
  Abs: op(1, (m, [a]) => m.op('abs', a)),
  Sign: op(2, (m, [a]) => m.sign(a)),
  Relu: op(1, (m, [a]) => m.op('max', a, m.constant(0))),
  Sqrt: op(ROOT, (m, [a]) => m.op('sqrt', a)),
  Reciprocal: op(QUOTIENT, (m, [a]) => m.divide(m.constant(1), a)),
  Exp: op(EXPONENTIAL, (m, [a]) => m.exp(a)),
  Log: op(LOGARITHM, (m, [a]) => m.log(a)),
  Sigmoid: op(EXPONENTIAL + QUOTIENT, (m, [a]) => m.divide(m.constant(1), m.add(m.constant(1), m.exp(m.op('neg', a))))),
  Atan: op(ANGLE, (m, [a]) => m.atan(a)),
  Sin: op(ANGLE, (m, [a]) => m.sine(a, 0)),
  Cos: op(ANGLE, (m, [a]) => m.sine(a, 1)),
  Greater: op(1, (m, [a, b]) => m.op('gt', a, b)),
  GreaterOrEqual: op(1, (m, [a, b]) => m.op('ge', a, b)),
  Less: op(1, (m, [a, b]) => m.op('gt', b, a)),
  LessOrEqual: op(1, (m, [a, b]) => m.op('ge', b, a)),
  Equal: op(1, (m, [a, b]) => m.op('eq', a, b)),
  And: op(1, (m, [a, b]) => m.and(a, b)),
  Or: op(1, (m, [a, b]) => m.or(a, b)),
  Not: op(1, (m, [a]) => m.not(a)),
  Where: op(1, (m, [condition, yes, no]) => m.select(condition, yes, no)),
};

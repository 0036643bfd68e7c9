/** Arithmetic on vectors by name, with elementary functions of either width. */
import type { Expression, ExpressionPool } from './expression.ts';
import { double, single, type Polynomials } from './elementary-constants.ts';
import { VECTOR, type ElementKind, type VectorOp } from './wasm-module.ts';

/** Where constants come from: a number, or the bits of one. */
export interface ConstantSource {
  number(value: number): Expression;
  bits(value: bigint): Expression;
}

/**
 * Everything in one pool, so that what two elements share is worked out once. Elementary functions are good to a few units in the last place.
 * Source: S. L. Moshier, Cephes Mathematical Library (argument reduction and polynomials of single and double precision).
 */
export class VectorMath {
  readonly #pool: ExpressionPool;
  readonly #kind: ElementKind;
  readonly #constants: ConstantSource;
  readonly #terms: Polynomials;

  constructor(pool: ExpressionPool, kind: ElementKind, constants: ConstantSource) {
    this.#pool = pool;
    this.#kind = kind;
    this.#constants = constants;
    this.#terms = kind.name === 'float32' ? single : double;
  }

  op(name: VectorOp, ...args: readonly Expression[]): Expression {
    return this.#pool.operation(this.#kind.op[name], args);
  }

  constant(value: number): Expression {
    return this.#constants.number(value);
  }

  add = (a: Expression, b: Expression): Expression => this.op('add', a, b);
  subtract = (a: Expression, b: Expression): Expression => this.op('sub', a, b);
  multiply = (a: Expression, b: Expression): Expression => this.op('mul', a, b);
  divide = (a: Expression, b: Expression): Expression => this.op('div', a, b);

  /** By the bits of a mask, as comparisons give it. */
  select = (mask: Expression, yes: Expression, no: Expression): Expression => this.#bits('bitselect', yes, no, mask);
  and = (a: Expression, b: Expression): Expression => this.#bits('and', a, b);
  or = (a: Expression, b: Expression): Expression => this.#bits('or', a, b);
  xor = (a: Expression, b: Expression): Expression => this.#bits('xor', a, b);
  not = (a: Expression): Expression => this.xor(a, this.#constants.bits(this.#allOnes()));

  sign(a: Expression): Expression {
    const zero = this.constant(0);
    const negative = this.select(this.op('lt', a, zero), this.constant(-1), a); // 0 and NaN stay what they are
    return this.select(this.op('gt', a, zero), this.constant(1), negative);
  }

  sum(terms: readonly Expression[]): Expression {
    return terms.reduce(this.add);
  }

  /** Combines the lanes of a vector, the result in all of them. */
  acrossLanes(a: Expression, combine: (a: Expression, b: Expression) => Expression): Expression {
    let result = a;
    for (let by = 8; by >= this.#kind.bytes; by /= 2) {
      const lanes = Array.from({ length: 16 }, (_, i) => (i + by) % 16);
      result = combine(result, this.#pool.operation(VECTOR.shuffle, [result, result], { lanes }));
    }
    return result;
  }

  exp(argument: Expression): Expression {
    const { exp } = this.#terms;
    const x = this.op('pmin', this.op('pmax', argument, this.constant(exp.from)), this.constant(exp.to));
    const n = this.op('nearest', this.multiply(x, this.constant(Math.LOG2E)));
    const r = this.#lessParts(x, n, exp.ln2);
    const square = this.multiply(r, r);
    let value: Expression;
    if (exp.below === undefined)
      value = this.add(this.add(this.constant(1), r), this.multiply(this.#polynomial(r, exp.above), square));
    else {
      const odd = this.multiply(r, this.#polynomial(square, exp.above));
      const quotient = this.divide(odd, this.subtract(this.#polynomial(square, exp.below), odd));
      value = this.add(this.constant(1), this.add(quotient, quotient));
    }
    const exponent = this.#shifted('shiftLeft', this.#asInteger(n), this.#terms.fractionBits);
    const inRange = this.#nanStays(argument, this.op('addIntegers', value, exponent));
    return this.select(this.op('gt', argument, this.constant(exp.to)), this.constant(Infinity), inRange);
  }

  /** Natural logarithm, x = m·2^e with m from √½ to √2; of 0 it is −∞, of a negative number NaN. */
  log(x: Expression): Expression {
    const { log, fractionBits, rootHalfBits, smallest } = this.#terms;
    // Below it numbers have no exponent of their own: they are read as 2^raised times what they are.
    const raised = this.constant(fractionBits + 1);
    const isTiny = this.op('lt', x, this.constant(smallest));
    const readable = this.select(isTiny, this.multiply(x, this.constant(2 ** (fractionBits + 1))), x);
    const distance = this.op('subtractIntegers', readable, this.#constants.bits(rootHalfBits));
    const exponent = this.#asFloat(this.#shifted('shiftRight', distance, fractionBits));
    const e = this.subtract(exponent, this.and(isTiny, raised));
    const fraction = this.and(distance, this.#constants.bits((1n << BigInt(fractionBits)) - 1n));
    const m = this.op('addIntegers', fraction, this.#constants.bits(rootHalfBits));
    const r = this.subtract(m, this.constant(1));
    const square = this.multiply(r, r);
    let tail = this.multiply(this.multiply(this.#polynomial(r, log.above), r), square);
    if (log.below !== undefined) tail = this.divide(tail, this.#polynomial(r, log.below));
    const low = this.add(tail, this.multiply(e, this.constant(log.ln2[1])));
    const small = this.add(r, this.subtract(low, this.multiply(square, this.constant(0.5))));
    const value = this.add(small, this.multiply(e, this.constant(log.ln2[0])));
    const zero = this.constant(0);
    const atMostZero = this.select(this.op('eq', x, zero), this.constant(-Infinity), this.constant(NaN));
    const positive = this.select(this.op('lt', x, this.constant(Infinity)), value, x);
    return this.select(this.op('gt', x, zero), positive, atMostZero);
  }

  atan(x: Expression): Expression {
    const { atan } = this.#terms;
    const size = this.op('abs', x);
    const one = this.constant(1);
    const isFar = this.op('gt', size, this.constant(1 + Math.SQRT2));
    const isMiddle = this.op('gt', size, this.constant(atan.middleFrom));
    const turned = this.select(isMiddle, this.divide(this.subtract(size, one), this.add(size, one)), size);
    const t = this.select(isFar, this.divide(this.constant(-1), size), turned);
    const zero = this.constant(0);
    const start = this.select(isFar, this.constant(Math.PI / 2), this.select(isMiddle, this.constant(Math.PI / 4), zero));
    const square = this.multiply(t, t);
    let tail = this.multiply(this.#polynomial(square, atan.above), square);
    if (atan.below !== undefined) tail = this.divide(tail, this.#polynomial(square, atan.below));
    const angle = this.add(start, this.add(this.multiply(tail, t), t));
    return this.#bits('or', this.and(x, this.#constants.bits(this.#signBit())), angle);
  }

  /** sin(x + quarters·π∕2), |x| up to some thousands. */
  sine(x: Expression, quarters: 0 | 1): Expression {
    const { sine, halfPi } = this.#terms;
    const n = this.op('nearest', this.multiply(x, this.constant(2 / Math.PI)));
    const r = this.#lessParts(x, n, halfPi);
    const square = this.multiply(r, r);
    const quadrant = this.op('addIntegers', this.#asInteger(n), this.#constants.bits(BigInt(quarters)));
    const sin = this.add(r, this.multiply(this.multiply(this.#polynomial(square, sine.sin), square), r));
    const flat = this.subtract(this.constant(1), this.multiply(square, this.constant(0.5)));
    const cos = this.add(flat, this.multiply(this.#polynomial(square, sine.cos), this.multiply(square, square)));
    const top = 8 * this.#kind.bytes - 1;
    const isOdd = this.#shifted('shiftRight', this.#shifted('shiftLeft', quadrant, top), top);
    const sign = this.#shifted('shiftLeft', this.and(quadrant, this.#constants.bits(2n)), top - 1);
    return this.#nanStays(x, this.#bits('xor', this.select(isOdd, cos, sin), sign));
  }

  /** What a vector instruction of limits lets through as a number. */
  #nanStays(argument: Expression, value: Expression): Expression {
    return this.select(this.op('eq', argument, argument), value, argument);
  }

  /** x − n·Σparts, the largest part first, so that nothing is lost to rounding. */
  #lessParts(x: Expression, n: Expression, parts: readonly number[]): Expression {
    return parts.reduce((rest, part) => this.subtract(rest, this.multiply(n, this.constant(part))), x);
  }

  #polynomial(x: Expression, [first, ...rest]: readonly number[]): Expression {
    return rest.reduce<Expression>((sum, next) => this.add(this.multiply(sum, x), this.constant(next)), this.constant(first));
  }

  /** A whole number as the lowest bits of an integer: added to a number so large that its last bit counts ones. */
  #asInteger(whole: Expression): Expression {
    const { large } = this.#terms;
    return this.op('subtractIntegers', this.add(whole, this.constant(large.value)), this.#constants.bits(large.bits));
  }

  #asFloat(integer: Expression): Expression {
    const { large } = this.#terms;
    return this.subtract(this.op('addIntegers', integer, this.#constants.bits(large.bits)), this.constant(large.value));
  }

  #shifted(name: 'shiftLeft' | 'shiftRight', a: Expression, shift: number): Expression {
    return this.#pool.operation(this.#kind.op[name], [a], { shift });
  }

  #bits(name: 'and' | 'or' | 'xor' | 'bitselect', ...args: readonly Expression[]): Expression {
    return this.#pool.operation(VECTOR[name], args);
  }

  #signBit(): bigint {
    return 1n << BigInt(8 * this.#kind.bytes - 1);
  }

  #allOnes(): bigint {
    return (1n << BigInt(8 * this.#kind.bytes)) - 1n;
  }
}

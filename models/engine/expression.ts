/**
 * Arithmetic on vectors, before it is code: a graph of operations whose leaves are places in memory. Operations that are equal are one node,
 * so that what two elements share is computed once.
 */

/** A piece of memory. */
export interface Buffer {
  readonly id: number;
  readonly bytes: number;
  /** Nothing else ever lies in its place: constants, what the host writes and reads. */
  readonly fixed: boolean;
  /** In bytes; known once the program is encoded. */
  address: number;
}

/** Counts the steps of a loop that is being written. */
export interface LoopCounter {
  readonly id: number;
}

let counters = 0;
export const newCounter = (): LoopCounter => ({ id: counters++ });

/** constant + Σ factor·counter, in elements: where something lies that moves with the loops around it. */
export interface Affine {
  readonly constant: number;
  readonly terms: ReadonlyMap<LoopCounter, number>;
}

const NO_TERMS: ReadonlyMap<LoopCounter, number> = new Map();
export const fixed = (constant: number): Affine => ({ constant, terms: NO_TERMS });
export const counting = (counter: LoopCounter): Affine => ({ constant: 0, terms: new Map([[counter, 1]]) });

/** a + factor·b */
export function plus(a: Affine, b: Affine, factor = 1): Affine {
  if (factor === 0) return a;
  const constant = a.constant + b.constant * factor;
  if (b.terms.size === 0) return { constant, terms: a.terms };
  const terms = new Map(a.terms);
  for (const [counter, each] of b.terms) terms.set(counter, (terms.get(counter) ?? 0) + each * factor);
  return { constant, terms };
}

/** What of it moves, as text. */
export function movingPart({ terms }: Affine): string {
  let text = '';
  for (const [{ id }, factor] of terms) text += `${id}*${factor},`;
  return text;
}

export const affineKey = (index: Affine): string => `${index.constant}+${movingPart(index)}`;

/** An element of a buffer. */
export interface Place {
  readonly buffer: Buffer;
  readonly index: Affine;
}

export type Expression = Load | Held | Operation;

export interface Load {
  readonly kind: 'load';
  readonly from: Place;
  /** The element in all lanes, or it and those that follow. */
  readonly splat: boolean;
}

/** What a local of the function holds. */
export interface Held {
  readonly kind: 'held';
  readonly local: number;
}

export interface Operation {
  readonly kind: 'operation';
  readonly op: number;
  readonly args: readonly Expression[];
  /** Bits to shift by. */
  readonly shift?: number;
  /** Bytes that a shuffle takes, in order. */
  readonly lanes?: readonly number[];
}

/** Nodes of one stretch of straight-line code. */
export class ExpressionPool {
  readonly #known = new Map<string, Expression>();
  readonly #numbers = new Map<Expression, number>();

  load(from: Place, splat: boolean): Expression {
    return this.#once(`${from.buffer.id}@${affineKey(from.index)}@${splat}`, () => ({ kind: 'load', from, splat }));
  }

  operation(op: number, args: readonly Expression[], more: Pick<Operation, 'shift' | 'lanes'> = {}): Expression {
    let key = `${op}(`;
    for (const arg of args) key += `${this.#numberOf(arg)},`;
    if (more.shift !== undefined) key += `>${more.shift}`;
    if (more.lanes !== undefined) key += more.lanes.join();
    return this.#once(key, () => ({ kind: 'operation', op, args, ...more }));
  }

  #once(key: string, make: () => Expression): Expression {
    let expression = this.#known.get(key);
    if (expression === undefined) {
      expression = make();
      this.#known.set(key, expression);
    }
    return expression;
  }

  #numberOf(expression: Expression): number {
    let number = this.#numbers.get(expression);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(expression, number);
    }
    return number;
  }
}

/**
 * From expressions to code, in one function: loops, addresses, and what is used twice held in locals. Addresses that an enclosing loop has
 * worked out are used again inside it.
 */
import {
  counting,
  movingPart,
  newCounter,
  type Affine,
  type Expression,
  type LoopCounter,
  type Operation,
  type Place,
} from './expression.ts';
import { fixed } from './expression.ts';
import { FunctionCode, VECTOR, type ElementKind } from './wasm-module.ts';

/** A value that is worked out, and what becomes of it. */
export interface Root {
  readonly value: Expression;
  /** Writes what has to lie below it on the stack. */
  readonly before?: () => void;
  readonly after: () => void;
}

/** What lies within so many bytes is reached from one moving part. */
const SHARED_BYTES = 64;

export class Emitter {
  readonly code: FunctionCode;
  readonly kind: ElementKind;
  readonly #fused: boolean;
  /** Locals that count, by counter. */
  readonly #counters: Map<LoopCounter, number>;
  #addresses = new Map<string, number>();

  /** @param fused a·b + c in one instruction, which rounds once: faster, and different from processor to processor */
  constructor(kind: ElementKind, fused: boolean, parameters: readonly LoopCounter[] = []) {
    this.kind = kind;
    this.#fused = fused;
    this.code = new FunctionCode(parameters.length);
    this.#counters = new Map(parameters.map((counter, local) => [counter, local]));
  }

  /** A function that is called once a turn: it is given all counters of this one, and its own. */
  inner(counter: LoopCounter): Emitter {
    return new Emitter(this.kind, this.#fused, [...this.#counters.keys(), counter]);
  }

  /** Calls a function made by `inner` so many times. */
  repeatCall(times: number, functionIndex: number): void {
    const { code } = this;
    const turn = code.integerLocal();
    code.loop(turn, 0, times, 1, () => {
      for (const local of this.#counters.values()) code.get(local);
      code.get(turn);
      code.call(functionIndex);
    });
  }

  /** Straight-line code where the body runs once only. */
  loop(from: number, to: number, step: number, body: (at: Affine) => void, counter?: LoopCounter): void {
    if (from >= to) return;
    if (to - from <= step && counter === undefined) return body(fixed(from));
    this.#counted(counter ?? newCounter(), (local, turn) => this.code.loop(local, from, to, step, turn), body);
  }

  /** One by one between bounds that may move with the loops around it; not once where they meet. */
  span(from: Affine, to: Affine, body: (at: Affine) => void): void {
    if (from.terms.size === 0 && to.terms.size === 0) return this.loop(from.constant, to.constant, 1, body);
    const pushFrom = (): void => this.#integer(from);
    const pushTo = (): void => this.#integer(to);
    pushFrom();
    pushTo();
    this.code.lessThan();
    this.code.when(() => this.#counted(newCounter(), (local, turn) => this.code.loop(local, pushFrom, pushTo, 1, turn), body));
  }

  #counted(counter: LoopCounter, loop: (local: number, turn: () => void) => void, body: (at: Affine) => void): void {
    const local = this.code.integerLocal();
    this.#counters.set(counter, local);
    this.#inside(() => loop(local, () => body(counting(counter))));
    this.#counters.delete(counter);
  }

  /** Code that runs where any lane of a condition holds. */
  when(condition: Expression, body: () => void): void {
    const isTrue: Root = { value: condition, after: () => this.code.vector(VECTOR.anyTrue) };
    this.evaluate([isTrue]);
    this.#inside(() => this.code.when(body));
  }

  /** Addresses that are worked out in code which may not run are not known after it. */
  #inside(write: () => void): void {
    const outer = this.#addresses;
    this.#addresses = new Map(outer);
    write();
    this.#addresses = outer;
  }

  /** Locals that hold vectors from one stretch of code to the next. */
  hold(count: number): Expression[] {
    return Array.from({ length: count }, () => ({ kind: 'held', local: this.code.vectorLocal() }));
  }

  /** Roots in their order. */
  evaluate(roots: readonly Root[]): void {
    const uses = new Map<Expression, number>();
    const count = (expression: Expression): void => {
      const before = uses.get(expression) ?? 0;
      uses.set(expression, before + 1);
      if (before === 0 && expression.kind === 'operation') expression.args.forEach(count);
    };
    for (const { value } of roots) count(value);
    const held = new Map<Expression, number>();
    const push = (expression: Expression): void => {
      const local = expression.kind === 'held' ? expression.local : held.get(expression);
      if (local !== undefined) return this.code.get(local);
      if (expression.kind === 'load') this.#load(expression.from, expression.splat);
      else if (expression.kind === 'operation') this.#operation(expression, uses, push);
      if ((uses.get(expression) ?? 0) < 2) return;
      const holder = this.code.vectorLocal();
      this.code.tee(holder);
      held.set(expression, holder);
    };
    for (const { value, before, after } of roots) {
      before?.();
      push(value);
      after();
    }
  }

  /** Keeps a value in a local that `hold` has given. */
  into(holder: Expression, value: Expression): Root {
    return { value, after: () => holder.kind === 'held' && this.code.set(holder.local) };
  }

  /** Stores a whole vector, or its first lane alone. */
  store(to: Place, whole: boolean, value: Expression): Root {
    let offset = 0;
    return {
      value,
      before: () => (offset = this.#address(to)),
      after: () => (whole ? this.code.memory(VECTOR.store, offset) : this.code.memory(this.kind.op.storeLane, offset, 0)),
    };
  }

  #load(from: Place, splat: boolean): void {
    const offset = this.#address(from);
    this.code.memory(splat ? this.kind.op.splatLoad : VECTOR.load, offset);
  }

  #operation(operation: Operation, uses: ReadonlyMap<Expression, number>, push: (expression: Expression) => void): void {
    if (this.#fused && this.#multiplyAdd(operation, uses, push)) return;
    operation.args.forEach(push);
    if (operation.shift !== undefined) this.code.integer(operation.shift);
    this.code.vector(operation.op, operation.lanes);
  }

  /** c ± a·b as one instruction, where the product is used nowhere else. */
  #multiplyAdd({ op, args }: Operation, uses: ReadonlyMap<Expression, number>, push: (e: Expression) => void): boolean {
    const { add, sub, mul, multiplyAdd, negativeMultiplyAdd } = this.kind.op;
    if (op !== add && op !== sub) return false;
    const fits = (arg: Expression, i: number): boolean =>
      arg.kind === 'operation' && arg.op === mul && uses.get(arg) === 1 && (i === 1 || op === add);
    const product = args.findLast(fits);
    if (product?.kind !== 'operation') return false;
    [...product.args, args[0] === product ? args[1] : args[0]].forEach(push);
    this.code.vector(op === add ? multiplyAdd : negativeMultiplyAdd);
    return true;
  }

  /** Pushes the part of an address that moves; returns the offset that belongs to it. */
  #address({ buffer, index }: Place): number {
    const { bytes } = this.kind;
    const offset = buffer.address + index.constant * bytes;
    // An offset is added without wrapping round at 2³², so what counts downwards has to start from where it is in the moving part.
    const goesDown = [...index.terms.values()].some((factor) => factor < 0);
    const base = goesDown ? offset - (offset % SHARED_BYTES) : 0;
    const key = `${base}+${movingPart(index)}`;
    const known = this.#addresses.get(key);
    if (known !== undefined) {
      this.code.get(known);
      return offset - base;
    }
    this.#integer({ constant: base, terms: index.terms }, bytes);
    if (index.terms.size > 0) {
      const local = this.code.integerLocal();
      this.code.tee(local);
      this.#addresses.set(key, local);
    }
    return offset - base;
  }

  /** Pushes constant + Σ factor·unit·counter. */
  #integer({ constant, terms }: Affine, unit = 1): void {
    this.code.integer(constant);
    for (const [counter, factor] of terms) {
      const local = this.#counters.get(counter);
      if (local === undefined) throw new Error('a loop is over, and something still counts with it');
      this.code.get(local);
      this.code.integer(factor * unit);
      this.code.multiplyIntegers();
      this.code.addIntegers();
    }
  }
}

/**
 * WebAssembly modules, byte by byte: the few instructions that compiled models are made of. Functions take 32-bit integers (loop counters),
 * return nothing, and work on one memory that the host gives.
 *
 * Source: WebAssembly Core Specification 2.0, chapter 5 (binary format), with its vector instructions.
 */

/** Instructions after the vector prefix that do not depend on the element type. */
export const VECTOR = {
  load: 0x00,
  store: 0x0b,
  shuffle: 0x0d,
  and: 0x4e,
  or: 0x50,
  xor: 0x51,
  bitselect: 0x52,
  anyTrue: 0x53,
} as const;

/** Instructions on vectors of floating-point numbers, and on integers of their width, which exponents are read and made with. */
export type VectorOp =
  | ('eq' | 'lt' | 'gt' | 'ge' | 'nearest' | 'abs' | 'neg' | 'sqrt' | 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max')
  | ('pmin' | 'pmax' | 'splatLoad' | 'storeLane' | 'multiplyAdd' | 'negativeMultiplyAdd')
  | ('shiftLeft' | 'shiftRight' | 'addIntegers' | 'subtractIntegers');

/** Real numbers of one width: what a vector of them is, and how it is worked with. */
export interface ElementKind {
  readonly name: 'float32' | 'float64';
  readonly bytes: 4 | 8;
  /** Elements in a vector. */
  readonly width: 4 | 2;
  readonly op: Readonly<Record<VectorOp, number>>;
}

export const FLOAT32: ElementKind = {
  name: 'float32',
  bytes: 4,
  width: 4,
  op: {
    ...{ eq: 0x41, lt: 0x43, gt: 0x44, ge: 0x46, nearest: 0x6a, abs: 0xe0, neg: 0xe1, sqrt: 0xe3 },
    ...{ add: 0xe4, sub: 0xe5, mul: 0xe6, div: 0xe7, min: 0xe8, max: 0xe9, pmin: 0xea, pmax: 0xeb },
    ...{ splatLoad: 0x09, storeLane: 0x5a, multiplyAdd: 0x105, negativeMultiplyAdd: 0x106 },
    ...{ shiftLeft: 0xab, shiftRight: 0xac, addIntegers: 0xae, subtractIntegers: 0xb1 },
  },
};

export const FLOAT64: ElementKind = {
  name: 'float64',
  bytes: 8,
  width: 2,
  op: {
    ...{ eq: 0x47, lt: 0x49, gt: 0x4a, ge: 0x4c, nearest: 0x94, abs: 0xec, neg: 0xed, sqrt: 0xef },
    ...{ add: 0xf0, sub: 0xf1, mul: 0xf2, div: 0xf3, min: 0xf4, max: 0xf5, pmin: 0xf6, pmax: 0xf7 },
    ...{ splatLoad: 0x0a, storeLane: 0x5b, multiplyAdd: 0x107, negativeMultiplyAdd: 0x108 },
    ...{ shiftLeft: 0xcb, shiftRight: 0xcc, addIntegers: 0xce, subtractIntegers: 0xd1 },
  },
};

const I32 = 0x7f;
const V128 = 0x7b;
/** Bytes one after the other, in an array that grows. */
class Bytes {
  #bytes = new Uint8Array(256);
  length = 0;

  push(...bytes: readonly number[]): void {
    for (const byte of bytes) this.byte(byte);
  }

  byte(byte: number): void {
    if (this.length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.length++] = byte;
  }

  append(more: Bytes): void {
    if (this.length + more.length > this.#bytes.length) this.#grow(more.length);
    this.#bytes.set(more.#bytes.subarray(0, more.length), this.length);
    this.length += more.length;
  }

  /** Local numbers, sizes and offsets: 7 bits a byte, the lowest first. */
  unsigned(value: number): void {
    for (let rest = value >>> 0; ; rest >>>= 7) {
      if (rest < 0x80) return this.byte(rest);
      this.byte((rest & 0x7f) | 0x80);
    }
  }

  signed(value: number): void {
    for (let rest = value | 0; ; rest >>= 7) {
      const byte = rest & 0x7f;
      const signIsKnown = (rest >> 6 === 0 && byte < 0x40) || (rest >> 6 === -1 && byte >= 0x40);
      if (signIsKnown) return this.byte(byte);
      this.byte(byte | 0x80);
    }
  }

  /** Their number, and then they themselves. */
  sized(content: Bytes): void {
    this.unsigned(content.length);
    this.append(content);
  }

  taken(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.length);
  }

  #grow(by: number): void {
    const larger = new Uint8Array(2 * this.#bytes.length + by);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** One function under construction. Parameters are its first locals. */
export class FunctionCode {
  readonly parameters: number;
  readonly #code = new Bytes();
  readonly #locals: number[] = [];

  constructor(parameters: number) {
    this.parameters = parameters;
  }

  get size(): { bytes: number; locals: number } {
    return { bytes: this.#code.length + 2 * this.#locals.length, locals: this.parameters + this.#locals.length };
  }

  /** A new local of 32 bits. */
  integerLocal(): number {
    return this.parameters + this.#locals.push(I32) - 1;
  }

  /** A new local of a whole vector. */
  vectorLocal(): number {
    return this.parameters + this.#locals.push(V128) - 1;
  }

  get(local: number): void {
    this.#with(0x20, local);
  }

  set(local: number): void {
    this.#with(0x21, local);
  }

  /** Sets the local and leaves the value on the stack. */
  tee(local: number): void {
    this.#with(0x22, local);
  }

  integer(value: number): void {
    this.#code.byte(0x41);
    this.#code.signed(value);
  }

  addIntegers(): void {
    this.#code.byte(0x6a);
  }

  multiplyIntegers(): void {
    this.#code.byte(0x6c);
  }

  call(functionIndex: number): void {
    this.#with(0x10, functionIndex);
  }

  /** @param bytes lanes of a shuffle, byte by byte */
  vector(op: number, bytes: readonly number[] = []): void {
    this.#with(0xfd, op);
    for (const byte of bytes) this.#code.byte(byte);
  }

  /** A load or a store: the address lies on the stack, `offset` is added to it. */
  memory(op: number, offset: number, lane?: number): void {
    this.#with(0xfd, op);
    this.#code.byte(2); // aligned to 4 bytes
    this.#code.unsigned(offset);
    if (lane !== undefined) this.#code.byte(lane);
  }

  /** Of the two on the stack, whether the lower one is less. */
  lessThan(): void {
    this.#code.byte(0x48);
  }

  /** for (local = from; local < to; local += step), at least once. @param from and `to`: numbers, or what pushes them */
  loop(local: number, from: number | (() => void), to: number | (() => void), step: number, body: () => void): void {
    const push = (bound: number | (() => void)): void => (typeof bound === 'number' ? this.integer(bound) : bound());
    push(from);
    this.set(local);
    this.#code.push(0x03, 0x40);
    body();
    this.get(local);
    this.integer(step);
    this.addIntegers();
    this.tee(local);
    push(to);
    this.lessThan();
    this.#code.push(0x0d, 0x00, 0x0b); // once more
  }

  /** Runs the body where the integer on the stack is not 0. */
  when(body: () => void): void {
    this.#code.push(0x04, 0x40);
    body();
    this.#code.byte(0x0b);
  }

  /** Locals, code, and its end. */
  writeTo(bytes: Bytes): void {
    bytes.unsigned(this.#locals.length);
    for (const type of this.#locals) bytes.push(1, type);
    bytes.append(this.#code);
    bytes.byte(0x0b);
  }

  #with(code: number, operand: number): void {
    this.#code.byte(code);
    this.#code.unsigned(operand);
  }
}

/** A module over the memory `host.memory` that exports the last of these functions as `run`. */
export function encodeModule(functions: readonly FunctionCode[]): Uint8Array<ArrayBuffer> {
  const module = new Bytes();
  module.push(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  const section = <T>(id: number, items: readonly T[], write: (item: T, to: Bytes) => void): void => {
    const content = new Bytes();
    content.unsigned(items.length);
    for (const item of items) write(item, content);
    module.byte(id);
    module.sized(content);
  };
  const name = (text: string, to: Bytes): void => {
    const letters = new Bytes();
    letters.push(...Buffer.from(text));
    to.sized(letters);
  };
  section(1, functions, ({ parameters }, to) => {
    to.byte(0x60);
    to.unsigned(parameters);
    for (let i = 0; i < parameters; i++) to.byte(I32);
    to.byte(0);
  });
  section(2, ['host'], (host, to) => {
    name(host, to);
    name('memory', to);
    to.push(0x02, 0x00, 1);
  });
  section(3, [...functions.keys()], (type, to) => to.unsigned(type));
  section(7, ['run'], (run, to) => {
    name(run, to);
    to.byte(0x00);
    to.unsigned(functions.length - 1);
  });
  section(10, functions, (code, to) => {
    const body = new Bytes();
    code.writeTo(body);
    to.sized(body);
  });
  return module.taken();
}

/**
 * What a model does, step by step, before it is code: steps that touch buffers, and loops of steps. Only when all of it is known does each
 * buffer get its place in memory, so that buffers which are never needed at one time lie in one place.
 */
import { Emitter } from './emitter.ts';
import { counting, newCounter, type Affine, type Buffer, type LoopCounter } from './expression.ts';
import { NotCompiled } from './onnx-graph.ts';
import { encodeModule, type ElementKind, type FunctionCode } from './wasm-module.ts';

interface Step {
  readonly touches: ReadonlySet<Buffer>;
  readonly write: (code: Emitter) => void;
}

interface Repeat {
  readonly times: number;
  readonly counter: LoopCounter;
  /** Its body is a function, which the engine below then optimises by itself. */
  readonly ownFunction: boolean;
  readonly body: Statement[];
}

type Statement = Step | Repeat;

/** Models that need more are left to onnxruntime, which reads weights where they lie. */
const MOST_MEMORY_BYTES = 512 * 2 ** 20;
/** V8 takes no function with more. */
const MOST_CODE = { bytes: 7_654_321, locals: 50_000 };

/** Buffers begin at a cache line. */
const ALIGNMENT = 64;
/** Nothing lies at 0. */
const FIRST_ADDRESS = ALIGNMENT;

export interface EncodedProgram {
  module: Uint8Array<ArrayBuffer>;
  memoryBytes: number;
}

export class Program {
  /** Numbers that the code itself needs: it grows while code is written, and lies after everything else. */
  readonly constants = new ConstantTable();
  readonly #root: Statement[] = [];
  #current: Statement[] = this.#root;
  readonly #buffers: Buffer[] = [];

  buffer(bytes: number, fixed = false): Buffer {
    requireRoom(bytes);
    const buffer = { id: this.#buffers.length, bytes, fixed, address: -1 };
    this.#buffers.push(buffer);
    return buffer;
  }

  /** @param touches all buffers that `write` makes code to read or write */
  step(touches: Iterable<Buffer>, write: (code: Emitter) => void): void {
    this.#current.push({ touches: new Set(touches), write });
  }

  /** Steps that `build` adds are done so many times. */
  repeat<T>(times: number, ownFunction: boolean, build: (at: Affine) => T): T {
    const counter = newCounter();
    const body: Statement[] = [];
    this.#current.push({ times, counter, ownFunction, body });
    const outer = this.#current;
    this.#current = body;
    try {
      return build(counting(counter));
    } finally {
      this.#current = outer;
    }
  }

  /** Gives every buffer its place, and makes the module. */
  encode(kind: ElementKind, options: { fused: boolean }): EncodedProgram {
    const end = placeBuffers(this.#buffers, lifetimes(this.#root));
    requireRoom(end);
    this.constants.buffer.address = end;
    const functions: FunctionCode[] = [];
    const write = (statements: readonly Statement[], code: Emitter): void => {
      for (const statement of statements) {
        if ('write' in statement) statement.write(code);
        else if (statement.ownFunction) {
          const inner = code.inner(statement.counter);
          write(statement.body, inner);
          const index = functions.push(inner.code) - 1;
          code.repeatCall(statement.times, index);
        } else code.loop(0, statement.times, 1, () => write(statement.body, code), statement.counter);
      }
    };
    const run = new Emitter(kind, options.fused);
    write(this.#root, run);
    functions.push(run.code);
    for (const { size } of functions) {
      if (size.bytes > MOST_CODE.bytes || size.locals > MOST_CODE.locals)
        throw new NotCompiled(
          `more arithmetic in one piece than fits a function (${(size.bytes / 2 ** 20).toFixed(1)} MiB of code)`,
        );
    }
    return { module: encodeModule(functions), memoryBytes: this.constants.end };
  }
}

/** @throws NotCompiled where so much memory is not given to one model */
export function requireRoom(bytes: number): void {
  if (!(bytes <= MOST_MEMORY_BYTES)) throw new NotCompiled(`${Math.round(bytes / 2 ** 20)} MiB to hold in memory`);
}

/** One number a place of 8 bytes, equal ones once. */
export class ConstantTable {
  readonly buffer: Buffer = { id: -1, bytes: 0, fixed: true, address: -1 };
  readonly #places = new Map<string, { value: number | bigint; at: number }>();

  /** @param value a number, or its bits @returns bytes from the table's start */
  placeOf(value: number | bigint): number {
    const key = typeof value === 'bigint' ? `bits ${value}` : Object.is(value, -0) ? '-0' : String(value);
    const known = this.#places.get(key);
    if (known !== undefined) return known.at;
    const at = 8 * this.#places.size;
    this.#places.set(key, { value, at });
    return at;
  }

  get end(): number {
    return this.buffer.address + 8 * this.#places.size;
  }

  /** Writes the table where it belongs. */
  fill(memory: DataView, kind: ElementKind): void {
    for (const { value, at } of this.#places.values()) {
      const address = this.buffer.address + at;
      if (typeof value === 'bigint') {
        if (kind.bytes === 4) memory.setUint32(address, Number(value), true);
        else memory.setBigUint64(address, value, true);
      } else if (kind.bytes === 4) memory.setFloat32(address, value, true);
      else memory.setFloat64(address, value, true);
    }
  }
}

/** First and last moment at which a buffer holds something that is needed. */
interface Lifetime {
  from: number;
  to: number;
}

/**
 * Steps are counted through. A buffer that is touched inside a loop and outside of it lives through all of that loop, since the next turn reads
 * what the last one left; one that is touched nowhere else lives within a turn.
 */
function lifetimes(root: readonly Statement[]): Map<Buffer, Lifetime> {
  interface Span {
    from: number;
    to: number;
  }
  const touched = new Map<Buffer, { at: number; loops: readonly Span[] }[]>();
  let now = 0;
  const walk = (statements: readonly Statement[], loops: readonly Span[]): void => {
    for (const statement of statements) {
      now += 1;
      if ('write' in statement) {
        for (const buffer of statement.touches) {
          const list = touched.get(buffer) ?? [];
          touched.set(buffer, list);
          list.push({ at: now, loops });
        }
      } else {
        const span = { from: now, to: now };
        walk(statement.body, [...loops, span]);
        span.to = now += 1;
      }
    }
  };
  walk(root, []);
  const lives = new Map<Buffer, Lifetime>();
  for (const [buffer, touches] of touched) {
    let shared = touches[0].loops.length;
    for (const { loops } of touches) {
      while (shared > 0 && loops[shared - 1] !== touches[0].loops[shared - 1]) shared -= 1;
    }
    const spans = touches.map(({ at, loops }) => loops[shared] ?? { from: at, to: at });
    lives.set(buffer, { from: Math.min(...spans.map(({ from }) => from)), to: Math.max(...spans.map(({ to }) => to)) });
  }
  return lives;
}

/** Each buffer into the lowest gap between those that live at the same time. @returns bytes of memory in all */
function placeBuffers(buffers: readonly Buffer[], lives: ReadonlyMap<Buffer, Lifetime>): number {
  const rounded = ({ bytes }: Buffer): number => Math.max(1, Math.ceil(bytes / ALIGNMENT)) * ALIGNMENT;
  let end = FIRST_ADDRESS;
  for (const buffer of buffers) {
    if (!buffer.fixed) continue;
    buffer.address = end;
    end += rounded(buffer);
  }
  const start = end;
  const moving = buffers.filter((buffer) => !buffer.fixed && lives.has(buffer));
  const lifeOf = (buffer: Buffer): Lifetime => lives.get(buffer) as Lifetime;
  // The largest first: small ones fit between.
  moving.sort((a, b) => rounded(b) - rounded(a) || lifeOf(a).from - lifeOf(b).from);
  const placed: Buffer[] = []; // by address
  for (const buffer of moving) {
    const { from, to } = lifeOf(buffer);
    let address = start;
    for (const other of placed) {
      const life = lifeOf(other);
      if (life.to < from || life.from > to) continue;
      if (other.address - address >= rounded(buffer)) break;
      address = Math.max(address, other.address + rounded(other));
    }
    buffer.address = address;
    const before = placed.findIndex((other) => other.address > address);
    placed.splice(before < 0 ? placed.length : before, 0, buffer);
    end = Math.max(end, address + rounded(buffer));
  }
  return end;
}

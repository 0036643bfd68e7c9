/** Lazy tensors become steps of a program: what is kept in memory, and loops over vectors that fill it. */
import type { Emitter, Root } from './emitter.ts';
import { affineKey, ExpressionPool, fixed, plus, type Affine, type Buffer, type Expression } from './expression.ts';
import {
  denseStrides,
  hasFewTerms,
  indexAt,
  leavesOf,
  mergedAxes,
  rearranged,
  sizeOf,
  withoutAxes,
  type FewTerms,
  type LazyTensor,
  type Shape,
  type View,
} from './lazy-tensor.ts';
import { requireRoom, type Program } from './program.ts';
import { VectorMath } from './vector-math.ts';
import type { ElementKind } from './wasm-module.ts';

/** Vectors of straight-line code in an elementwise loop: more, and registers run out. */
const UNROLLED = 8;
/** From this cost on an element's own arithmetic is long enough to fill the processor. */
const LONG_ELEMENT = 12;

/** A part of a row: whole vectors first, then single elements. */
export interface Piece {
  readonly offset: number;
  readonly whole: boolean;
}

/** A stretch of straight-line code: what its elements share is worked out once. */
export interface Stretch {
  readonly math: VectorMath;
  /** The vector that starts at an element along the last axis, or (not `wide`) the element in all lanes. */
  readonly at: (tensor: LazyTensor, position: readonly Affine[], wide: boolean) => Expression;
}

export class Workspace {
  readonly program: Program;
  readonly kind: ElementKind;
  /** What memory holds before the first run. */
  readonly initial: { readonly buffer: Buffer; readonly values: ArrayLike<number> }[] = [];

  /** Buffers of conditions, as comparisons give them: all bits of an element, or none. */
  readonly #conditions = new Set<Buffer>();

  constructor(program: Program, kind: ElementKind) {
    this.program = program;
    this.kind = kind;
  }

  /** @throws NotCompiled where a tensor is larger than all memory that a model is given, whether or not it is ever held whole */
  requireRoom(shape: Shape): void {
    requireRoom(sizeOf(shape) * this.kind.bytes);
  }

  allocate(shape: Shape, fixedPlace = false): View {
    const buffer = this.program.buffer(sizeOf(shape) * this.kind.bytes, fixedPlace);
    return { kind: 'view', shape, buffer, index: fixed(0), strides: denseStrides(shape) };
  }

  /** Numbers that are in memory before the first run. */
  constant(values: ArrayLike<number>, shape: Shape): View {
    const view = this.allocate(shape, true);
    this.initial.push({ buffer: view.buffer, values });
    return view;
  }

  /** Of a constant that is read as it is. */
  valuesOf({ buffer, shape, strides, index }: View): ArrayLike<number> | undefined {
    const found = this.initial.find((constant) => constant.buffer === buffer);
    const isWhole = found?.values.length === sizeOf(shape) && index.constant === 0 && index.terms.size === 0;
    return isWhole && denseStrides(shape).join() === strides.join() ? found.values : undefined;
  }

  /** Whether elements are conditions, and no numbers. */
  holdsConditions(tensor: LazyTensor): boolean {
    return tensor.kind === 'view' ? this.#conditions.has(tensor.buffer) : tensor.kind === 'mapped' && tensor.conditions === true;
  }

  /** The tensor in memory. */
  kept(tensor: LazyTensor): View {
    return tensor.kind === 'view' ? tensor : this.copied(tensor);
  }

  copied(tensor: LazyTensor): View {
    const to = this.allocate(tensor.shape);
    this.assign(to, tensor);
    return to;
  }

  /** The tensor in memory, its last axis in one piece. */
  packed(tensor: LazyTensor): View {
    const view = this.kept(tensor);
    return (view.strides.at(-1) ?? 0) > 1 ? this.copied(view) : view;
  }

  /** A step that reads and writes these. */
  step(touched: readonly LazyTensor[], write: (code: Emitter) => void): void {
    this.program.step(
      touched.flatMap((tensor) => leavesOf(tensor).map(({ buffer }) => buffer)),
      write,
    );
  }

  stretch(): Stretch {
    const { kind, program } = this;
    const pool = new ExpressionPool();
    const constant = (value: number | bigint): Expression => {
      const at = program.constants.placeOf(value) / kind.bytes;
      return pool.load({ buffer: program.constants.buffer, index: fixed(at) }, true);
    };
    const math = new VectorMath(pool, kind, { number: constant, bits: constant });
    const known = new Map<LazyTensor, Map<string, Expression>>();
    const at = (tensor: LazyTensor, position: readonly Affine[], wide: boolean): Expression =>
      elementAt(tensor, position, wide, tensor.kind === 'view' ? '' : `${position.map(affineKey).join(';')}${wide}`);
    /** @param key position and width as text, which all arguments of a tensor share */
    const elementAt = (tensor: LazyTensor, position: readonly Affine[], wide: boolean, key: string): Expression => {
      if (tensor.kind === 'view') {
        const splat = !wide || tensor.strides.at(-1) === 0;
        return pool.load({ buffer: tensor.buffer, index: indexAt(tensor, position) }, splat);
      }
      const elements = known.get(tensor) ?? new Map<string, Expression>();
      known.set(tensor, elements);
      let element = elements.get(key);
      if (element === undefined) {
        element =
          tensor.kind === 'mapped'
            ? tensor.make(
                math,
                tensor.args.map((arg) => elementAt(arg, position, wide, key)),
              )
            : fewTermsAt(tensor, position, wide);
        elements.set(key, element);
      }
      return element;
    };
    const fewTermsAt = ({ columns, source }: FewTerms, position: readonly Affine[], wide: boolean): Expression => {
      const column = columns[(position.at(-1) as Affine).constant];
      const terms = column.map(({ row, factor }) => {
        const term = at(source, position.with(-1, fixed(row)), wide);
        if (factor === 1) return term;
        return factor === -1 ? math.op('neg', term) : math.multiply(math.constant(factor), term);
      });
      return math.sum(terms);
    };
    return { math, at };
  }

  /** Whether vectors along the last axis can be loaded from every view. */
  isWide(tensors: readonly LazyTensor[]): boolean {
    return tensors.every(
      (tensor) =>
        (tensor.shape.at(-1) ?? 0) >= this.kind.width && leavesOf(tensor).every(({ strides }) => (strides.at(-1) ?? 0) <= 1),
    );
  }

  /** Vectors, and the single elements after them, among `count` elements. */
  pieces(count: number, wide: boolean): Piece[] {
    const { width } = this.kind;
    const whole = wide ? count - (count % width) : 0;
    const vectors = Array.from({ length: whole / width }, (_, i) => ({ offset: i * width, whole: true }));
    return [...vectors, ...Array.from({ length: count - whole }, (_, i) => ({ offset: whole + i, whole: false }))];
  }

  /**
   * Fills a view.
   * @param inPlace the tensor reads what is overwritten: each stretch is read whole before it is written
   */
  assign(target: View, tensor: LazyTensor, inPlace = false): void {
    if (this.holdsConditions(tensor)) this.#conditions.add(target.buffer);
    const [to, from] = this.#simplified(target, tensor);
    const fewTerms = hasFewTerms(from);
    const wide = this.isWide([to, from]) && to.strides.at(-1) === 1;
    const columns = to.shape.at(-1) as number;
    const vectors = wide ? Math.floor(columns / this.kind.width) + (columns % this.kind.width) : columns;
    const atOnce = from.kind !== 'view' && from.cost > LONG_ELEMENT ? UNROLLED / 4 : UNROLLED;
    const rowStep = Math.max(1, Math.floor(atOnce / vectors));
    const columnStep = fewTerms || vectors <= UNROLLED ? columns : (UNROLLED / 2) * (wide ? this.kind.width : 1);
    this.step([target, tensor], (code) => {
      loops(code, to.shape.slice(0, -2), (outer) => {
        tiles(code, to.shape.at(-2) ?? 1, rowStep, (row, rows) => {
          tiles(code, columns, columnStep, (column, count) => {
            const stretch = this.stretch();
            const roots: Root[] = [];
            for (let r = 0; r < rows; r++) {
              for (const { offset, whole } of this.pieces(count, wide)) {
                const position = [...outer, plus(row, fixed(r)), plus(column, fixed(offset))].slice(-to.shape.length);
                const place = { buffer: to.buffer, index: indexAt(to, position) };
                roots.push(code.store(place, whole, stretch.at(from, position, whole)));
              }
            }
            code.evaluate(inPlace ? readFirst(code, roots) : roots);
          });
        });
      });
    });
  }

  /** Without axes of length 1, and with as few axes as the views allow. */
  #simplified(target: View, tensor: LazyTensor): [View, LazyTensor] {
    const fewTerms = hasFewTerms(tensor);
    const last = target.shape.length - 1;
    // Columns of few terms are told by their number on the last axis.
    const units = [...target.shape.keys()].filter((axis) => target.shape[axis] === 1 && !(fewTerms && axis === last));
    let pair: [View, LazyTensor] = [withoutAxes(target, units), withoutAxes(tensor, units)];
    if (pair[0].shape.length === 0) pair = [rearranged(pair[0], ['new']), rearranged(pair[1], ['new'])];
    for (let axis = pair[0].shape.length - (fewTerms ? 3 : 2); axis >= 0; axis--) pair = mergedAxes(pair, axis) ?? pair;
    return pair;
  }
}

/** Nested loops, an axis each. */
export function loops(code: Emitter, lengths: Shape, body: (at: Affine[]) => void, at: Affine[] = []): void {
  if (at.length === lengths.length) return body(at);
  code.loop(0, lengths[at.length], 1, (position) => loops(code, lengths, body, [...at, position]));
}

/** 0 … length in steps, and the rest at the end. */
export function tiles(code: Emitter, length: number, step: number, body: (at: Affine, count: number) => void): void {
  const whole = length - (length % step);
  code.loop(0, whole, step, (at) => body(at, step));
  if (whole < length) body(fixed(whole), length - whole);
}

/** All values before the first is written. */
function readFirst(code: Emitter, roots: readonly Root[]): Root[] {
  const holders = code.hold(roots.length);
  return [
    ...roots.map(({ value }, i) => code.into(holders[i], value)),
    ...roots.map((root, i) => ({ ...root, value: holders[i] })),
  ];
}

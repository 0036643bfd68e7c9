/** One level of a model while it is compiled, the model itself or the body of a Scan: what its names stand for, and its nodes in turn. */
import type { GraphProto, NodeProto } from 'onnx-buf';
import { ELEMENTWISE, type ElementwiseOp } from './elementwise-ops.ts';
import {
  broadcast,
  costOf,
  hasFewTerms,
  leavesOf,
  sizeOf,
  stretched,
  type LazyTensor,
  type Shape,
  type View,
} from './lazy-tensor.ts';
import { bodyOf, capturesOf, NotCompiled, numbersOf } from './onnx-graph.ts';
import { lowerScan } from './scan-loop.ts';
import { TENSOR_OPS } from './tensor-ops.ts';
import type { Workspace } from './workspace.ts';

/** Integers that are known while compiling: axes, bounds, lengths. */
export interface KnownIntegers {
  readonly integers: readonly number[];
  readonly shape: Shape;
}

export type Meaning = LazyTensor | KnownIntegers;

/** Working out anew what costs no more than this is cheaper than keeping it. */
const CHEAP = 3;
/** What is used once is kept from this cost on, so that code does not grow without end. */
const LONG = 64;

export class Scope {
  readonly workspace: Workspace;
  readonly #graph: GraphProto;
  readonly #parent: Scope | undefined;
  readonly #meanings = new Map<string, Meaning>();
  readonly #uses = new Map<string, number>();

  constructor(workspace: Workspace, graph: GraphProto, parent?: Scope) {
    this.workspace = workspace;
    this.#graph = graph;
    this.#parent = parent;
    for (const tensor of graph.initializer) {
      const numbers = numbersOf(tensor);
      this.define(
        tensor.name,
        numbers.type === 'integers' ? knownIntegers(numbers.values, numbers.shape) : this.constant(numbers),
      );
    }
    const read = graph.node.flatMap((node) => [...new Set([...node.input, ...capturesOf(node)])]);
    for (const name of [...read, ...graph.output.map((output) => output.name)]) {
      this.#uses.set(name, (this.#uses.get(name) ?? 0) + 1);
    }
  }

  /** The scope of a body in this one. */
  inside(body: GraphProto): Scope {
    return new Scope(this.workspace, body, this);
  }

  constant({ values, shape, kind }: Extract<ReturnType<typeof numbersOf>, { type: 'reals' }>): View {
    if (kind !== this.workspace.kind) throw new NotCompiled('it mixes float32 and float64');
    return this.workspace.constant(values, shape);
  }

  define(name: string, meaning: Meaning): void {
    this.#meanings.set(name, meaning);
  }

  meaning(name: string): Meaning {
    const found = this.#find(name);
    if (found === undefined) throw new NotCompiled(`nothing is called '${name}'`);
    return found;
  }

  tensor(name: string): LazyTensor {
    const found = this.meaning(name);
    if (!('integers' in found)) return found;
    throw new NotCompiled(`arithmetic with the integers '${name}'`);
  }

  integers(name: string): readonly number[] {
    const found = this.meaning(name);
    if ('integers' in found) return found.integers;
    throw new NotCompiled(`'${name}' is needed before the model runs, and is worked out by it`);
  }

  /** Puts a named tensor into memory, for all that read it. */
  kept(name: string): View {
    const owner = this.#ownerOf(name);
    const view = this.workspace.kept(this.tensor(name));
    owner.define(name, view);
    return view;
  }

  run(): void {
    for (const node of this.#graph.node) this.#lower(node);
  }

  #find(name: string): Meaning | undefined {
    return this.#meanings.get(name) ?? this.#parent?.meaningOrNone(name);
  }

  meaningOrNone(name: string): Meaning | undefined {
    return this.#find(name);
  }

  #ownerOf(name: string): Scope {
    if (this.#meanings.has(name) || this.#parent === undefined) return this;
    return this.#parent.#ownerOf(name);
  }

  #lower(node: NodeProto): void {
    if (node.opType === 'Scan') return lowerScan(this, node);
    const elementwise = ELEMENTWISE[node.opType];
    const results = elementwise === undefined ? this.#tensorOp(node) : [this.#elementwise(node, elementwise)];
    results.forEach((result, i) => {
      const name = node.output[i];
      if (name === undefined || name === '') return;
      const atMost = (this.#uses.get(name) ?? 0) > 1 ? CHEAP : LONG;
      const isKept = !('integers' in result) && costOf(result) > atMost;
      this.define(name, isKept ? this.workspace.kept(result) : result);
    });
  }

  #tensorOp(node: NodeProto): Meaning[] {
    const op = TENSOR_OPS[node.opType];
    if (op === undefined || bodyOf(node) !== undefined) throw new NotCompiled(`the op ${node.opType}`);
    const result = op(this, node);
    return Array.isArray(result) ? result : [result];
  }

  #elementwise(node: NodeProto, { cost, make }: ElementwiseOp): LazyTensor {
    const shape = node.input.map((name) => this.tensor(name).shape).reduce<Shape>(broadcast, []);
    const args = node.input.map((name) => stretched(this.#readAgainAndAgain(name, shape), shape));
    return { kind: 'mapped', shape, args, make, cost: args.reduce((sum, arg) => sum + costOf(arg), cost) };
  }

  /** A smaller tensor is worked out once, and packed where vectors would go across its grain. */
  #readAgainAndAgain(name: string, shape: Shape): LazyTensor {
    const tensor = this.tensor(name);
    const isStretched = sizeOf(tensor.shape) < sizeOf(shape);
    // An axis of few terms cannot be stretched.
    if (hasFewTerms(tensor) && tensor.shape.length !== shape.length) return this.kept(name);
    if (!isStretched) return tensor;
    const across = leavesOf(tensor).some(({ strides }) => (strides.at(-1) ?? 0) > 1);
    return across ? this.workspace.copied(tensor) : this.kept(name);
  }
}

export const knownIntegers = (integers: readonly number[], shape: Shape = [integers.length]): KnownIntegers => ({
  integers,
  shape,
});

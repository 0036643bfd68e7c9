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
import { knownIntegers, type Meaning, type Names } from './meaning.ts';
import { capturesOf, NotCompiled, numbersOf, type Numbers } from './onnx-graph.ts';
import { lowerScan } from './scan-loop.ts';
import { DOMAINS, TENSOR_OPS } from './tensor-ops.ts';
import { INTEGER_OPS } from './view-ops.ts';
import type { Workspace } from './workspace.ts';

/** Working out anew what costs no more than this is cheaper than keeping it. */
const CHEAP = 3;
/** What is used once is kept from this cost on, so that code does not grow without end. */
const LONG = 64;

/** 'ai.onnx' is another name for ''. */
const domainOf = ({ domain }: NodeProto): string => (domain === 'ai.onnx' ? '' : domain);

export const isKnownOp = (opType: string): boolean =>
  opType === 'Scan' || [ELEMENTWISE, TENSOR_OPS, INTEGER_OPS].some((ops) => Object.hasOwn(ops, opType));

export class Scope implements Names {
  readonly workspace: Workspace;
  readonly #graph: GraphProto;
  readonly #parent: Scope | undefined;
  readonly #meanings = new Map<string, Meaning>();
  readonly #uses = new Map<string, number>();

  constructor(workspace: Workspace, graph: GraphProto, parent?: Scope) {
    this.workspace = workspace;
    this.#graph = graph;
    this.#parent = parent;
    for (const tensor of graph.initializer) this.define(tensor.name, this.constant(numbersOf(tensor)));
    const read = graph.node.flatMap((node) => [...new Set([...node.input, ...capturesOf(node)])]);
    for (const name of [...read, ...graph.output.map((output) => output.name)]) {
      this.#uses.set(name, (this.#uses.get(name) ?? 0) + 1);
    }
  }

  inside(body: GraphProto): Scope {
    return new Scope(this.workspace, body, this);
  }

  constant(numbers: Numbers): Meaning {
    if (numbers.type === 'integers') return knownIntegers(numbers.values, numbers.shape);
    if (numbers.kind !== this.workspace.kind) throw new NotCompiled('numbers of two kinds, float32 and float64');
    return this.workspace.constant(numbers.values, numbers.shape);
  }

  define(name: string, meaning: Meaning): void {
    this.#meanings.set(name, meaning);
  }

  meaning(name: string): Meaning {
    const found = this.#find(name);
    if (found === undefined) throw new NotCompiled(`no value '${name}' where one is read`);
    return found;
  }

  tensor(name: string): LazyTensor {
    const found = this.meaning(name);
    if (!('integers' in found)) return found;
    throw new NotCompiled(`arithmetic with the integers '${name}'`);
  }

  numbers(name: string): LazyTensor {
    const found = this.tensor(name);
    if (this.workspace.holdsConditions(found)) throw new NotCompiled(`arithmetic with the conditions '${name}'`);
    return found;
  }

  integers(name: string): readonly number[] {
    const found = this.meaning(name);
    if ('integers' in found) return found.integers;
    throw new NotCompiled(`'${name}', which is needed before the model runs and is worked out by it`);
  }

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
    if (domainOf(node) !== (DOMAINS[node.opType] ?? '')) throw new NotCompiled(`the op ${node.opType} of ${node.domain}`);
    if (node.opType === 'Scan') return lowerScan(this, node);
    const elementwise = ELEMENTWISE[node.opType];
    const results = elementwise === undefined ? this.#tensorOp(node) : [this.#elementwise(node, elementwise)];
    results.forEach((result, i) => {
      const name = node.output[i];
      if (name === undefined || name === '') return;
      if ('integers' in result) return this.define(name, result);
      this.workspace.requireRoom(result.shape);
      const atMost = (this.#uses.get(name) ?? 0) > 1 ? CHEAP : LONG;
      this.define(name, costOf(result) > atMost ? this.workspace.kept(result) : result);
    });
  }

  #tensorOp(node: NodeProto): Meaning[] {
    const ofIntegers = INTEGER_OPS[node.opType];
    const first = ofIntegers === undefined ? undefined : this.meaning(node.input[0]);
    if (first !== undefined && 'integers' in first) return [ofIntegers(this, node, first)];
    const op = TENSOR_OPS[node.opType];
    if (op === undefined) throw new NotCompiled(`the op ${node.opType}`);
    const result = op(this, node);
    return Array.isArray(result) ? result : [result];
  }

  #elementwise(node: NodeProto, op: ElementwiseOp): LazyTensor {
    const tensors = node.input.map((name) => this.tensor(name));
    const shape = tensors.map((tensor) => tensor.shape).reduce<Shape>(broadcast, []);
    const areConditions = tensors.map((tensor) => this.workspace.holdsConditions(tensor));
    const conditions = op.makesConditions(areConditions);
    if (conditions === undefined) {
      const kinds = areConditions.map((are) => (are ? 'conditions' : 'numbers'));
      throw new NotCompiled(`the op ${node.opType} of ${kinds.join(', ')}`);
    }
    const args = node.input.map((name) => stretched(this.#readAgainAndAgain(name, shape), shape));
    const make = areConditions[0] && op.makeOfConditions !== undefined ? op.makeOfConditions : op.make;
    return { kind: 'mapped', shape, args, make, conditions, cost: args.reduce((sum, arg) => sum + costOf(arg), op.cost) };
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

/**
 * The tensor graph that models are written in. A model is an ordinary TypeScript function that calls the ops of `ops.ts` and `scan.ts` on
 * tensors of one `Graph`; what it leaves behind is a list of ONNX nodes, which `encode.ts` writes to a file and `gradients.ts` walks
 * backwards. Shapes are checked as the graph is built, so a wrong product is an error with both shapes in it, at the line that made it.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';

/** A length, or the name of a length that is known when the model runs ('B', the batch). */
export type Dim = number | string;
export type FloatType = 'float32' | 'float64';
export type ElementType = FloatType | 'int64' | 'bool';
export type Attribute = { int: number } | { ints: number[] } | { float: number } | { body: Scope };

export interface Tensor {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly Dim[];
  readonly graph: Graph;
  /** Where it is visible: its own scope and the scopes inside it. */
  readonly scope: Scope;
}

/** Gradient of one input, given the gradient of the node's only output. */
export type GradientRule = (gradient: Tensor) => Tensor;

export interface GraphNode {
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: Tensor[];
  readonly attributes: Record<string, Attribute>;
  /** By input; null where no gradient flows (conditions, axes). */
  readonly gradients: readonly (GradientRule | null)[];
  /** Only a Scan has one: its gradient needs the whole node. */
  readonly scan?: ScanRecord;
}

/** What the reverse rule of a Scan needs to know: see `scan.ts`. */
export interface ScanRecord {
  readonly body: Scope;
  readonly captures: ReadonlySet<Tensor>;
  backward(outputGradients: readonly (Tensor | undefined)[], isActive: (tensor: Tensor) => boolean): Map<Tensor, Tensor>;
}

/** One level of the graph: the model itself or the body of a Scan. */
export class Scope {
  readonly nodes: GraphNode[] = [];
  readonly inputs: Tensor[] = [];
  readonly outputs: Tensor[] = [];
  /** Tensors of enclosing scopes that are read in here or deeper. */
  readonly captures = new Set<Tensor>();
  readonly parent: Scope | undefined;

  constructor(parent?: Scope) {
    this.parent = parent;
  }
}

export interface Initializer {
  readonly tensor: Tensor;
  readonly values: Float64Array;
}

export class Graph {
  readonly root = new Scope();
  readonly initializers: Initializer[] = [];
  readonly float: FloatType;
  /** The scope that ops are added to now. */
  current: Scope = this.root;
  #counter = 0;
  readonly #known = new Map<string, Tensor>();

  /** @param float element type of the whole model: float32 to run and train, float64 to check gradients and references */
  constructor(float: FloatType = 'float32') {
    this.float = float;
  }

  input(name: string, shape: readonly Dim[], type: ElementType = this.float): Tensor {
    const tensor = this.tensor(shape, type, name);
    this.root.inputs.push(tensor);
    return tensor;
  }

  /** Names a tensor as an output of the model. */
  output(name: string, value: Tensor): void {
    const named = this.tensor(value.shape, value.type, name);
    this.addNode({ op: 'Identity', domain: '', inputs: [value], outputs: [named], attributes: {}, gradients: [(g) => g] });
    this.root.outputs.push(named);
  }

  /** A constant; equal constants are stored once. They live in the outermost scope, where every Scan body sees them. */
  constant(values: ArrayLike<number> | number, shape: readonly number[] = [], type: ElementType = this.float): Tensor {
    const list = typeof values === 'number' ? Float64Array.of(values) : Float64Array.from(values);
    const count = shape.reduce((product, dim) => product * dim, 1);
    if (list.length !== count) {
      throw new BeamrigError('shape', `constant: ${list.length} values do not fill shape ${shapeText(shape)}`);
    }
    const key = `${type}|${shape.join()}|${Array.from(list).join()}`;
    const seen = this.#known.get(key);
    if (seen !== undefined) return seen;
    const tensor: Tensor = { name: this.#freshName('constant'), type, shape, graph: this, scope: this.root };
    this.initializers.push({ tensor, values: list });
    this.#known.set(key, tensor);
    return tensor;
  }

  /** Axes, permutations and other integer arguments that ONNX wants as tensors. */
  integers(values: readonly number[]): Tensor {
    return this.constant(values, [values.length], 'int64');
  }

  /** Adds a node with one output to the current scope. */
  emit(
    op: string,
    inputs: readonly Tensor[],
    shape: readonly Dim[],
    gradients: readonly (GradientRule | null)[],
    options: { attributes?: Record<string, Attribute>; domain?: string; type?: ElementType } = {},
  ): Tensor {
    const output = this.tensor(shape, options.type ?? inputs[0].type, undefined, op);
    const { attributes = {}, domain = '' } = options;
    this.addNode({ op, domain, inputs, outputs: [output], attributes, gradients });
    return output;
  }

  addNode(node: GraphNode): void {
    for (const input of node.inputs) this.#read(input, node.op);
    this.current.nodes.push(node);
  }

  /** A tensor of the current scope that some node will fill. */
  tensor(shape: readonly Dim[], type: ElementType, name?: string, stem = 'tensor'): Tensor {
    return { name: name ?? this.#freshName(stem), type, shape, graph: this, scope: this.current };
  }

  /** Runs `build` with a new scope inside the current one. */
  inScope<T>(build: () => T): { scope: Scope; result: T } {
    const outer = this.current;
    const scope = new Scope(outer);
    this.current = scope;
    try {
      return { scope, result: build() };
    } finally {
      this.current = outer;
    }
  }

  /** Notes that the current scope reads `tensor`, and that every scope up to its own captures it. */
  #read(tensor: Tensor, op: string): void {
    for (let scope: Scope | undefined = this.current; scope !== undefined; scope = scope.parent) {
      if (scope === tensor.scope) return;
      scope.captures.add(tensor);
    }
    throw new BeamrigError('shape', `${op}: ${tensor.name} belongs to another graph or to a Scan body that has ended`);
  }

  #freshName(stem: string): string {
    this.#counter += 1;
    return `${stem.toLowerCase()}_${this.#counter}`;
  }
}

export const shapeText = (shape: readonly Dim[]): string => `[${shape.join(', ')}]`;
export const sameShape = (a: readonly Dim[], b: readonly Dim[]): boolean =>
  a.length === b.length && a.every((dim, axis) => dim === b[axis]);

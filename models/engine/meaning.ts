/** What the names of a model stand for while it is compiled, and what ops are given to look them up and to make code. */
import type { GraphProto } from 'onnx-buf';
import type { LazyTensor, Shape, View } from './lazy-tensor.ts';
import type { Numbers } from './onnx-graph.ts';
import type { Workspace } from './workspace.ts';

/** Integers that are known while compiling: axes, bounds, lengths. */
export interface KnownIntegers {
  readonly integers: readonly number[];
  readonly shape: Shape;
}

export const knownIntegers = (integers: readonly number[], shape: Shape = [integers.length]): KnownIntegers => ({
  integers,
  shape,
});

export type Meaning = LazyTensor | KnownIntegers;

/** One level of a model: the model itself, or the body of a Scan. */
export interface Names {
  readonly workspace: Workspace;
  constant(numbers: Numbers): Meaning;
  define(name: string, meaning: Meaning): void;
  meaning(name: string): Meaning;
  /** Numbers or conditions. */
  tensor(name: string): LazyTensor;
  numbers(name: string): LazyTensor;
  integers(name: string): readonly number[];
  /** Puts a named tensor into memory, for all that read it. */
  kept(name: string): View;
  /** Those of a body in this one. */
  inside(body: GraphProto): Names;
  run(): void;
}

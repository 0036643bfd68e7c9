/** ONNX Scan as a loop whose carries stay in one place. */
import type { NodeProto } from 'onnx-buf';
import { fixed, plus, type Affine } from './expression.ts';
import { leavesOf, type LazyTensor, type View } from './lazy-tensor.ts';
import { bodyOf, capturesOf, integerAttribute, integersAttribute, NotCompiled } from './onnx-graph.ts';
import type { Names } from './meaning.ts';
import type { Workspace } from './workspace.ts';

export function lowerScan(scope: Names, node: NodeProto): void {
  const { workspace } = scope;
  const body = bodyOf(node);
  if (body === undefined) throw new NotCompiled('a Scan without a body');
  for (const axes of ['scan_input_axes', 'scan_output_axes']) {
    if (integersAttribute(node, axes)?.some((axis) => axis !== 0) === true)
      throw new NotCompiled(`a Scan with ${axes} other than 0`);
  }
  const read = integerAttribute(node, 'num_scan_inputs', 0);
  if (read < 1 || read > node.input.length) throw new NotCompiled(`a Scan of ${read} inputs`);
  const carried = node.input.length - read;
  const isReversed = (side: 'input' | 'output', i: number): boolean =>
    integersAttribute(node, `scan_${side}_directions`)?.[i] === 1;
  // What the body reads from outside is worked out before the loop, and not in every turn.
  for (const name of capturesOf(node)) if (!('integers' in scope.meaning(name))) scope.kept(name);
  const carries = node.input.slice(0, carried).map((name) => workspace.copied(scope.tensor(name)));
  const sources = node.input.slice(carried).map((name) => workspace.kept(scope.tensor(name)));
  const [steps, ...others] = sources.map(({ shape }) => shape[0]);
  if (steps === undefined || others.some((length) => length !== steps))
    throw new NotCompiled('a Scan whose inputs differ in length');
  if (steps < 1) throw new NotCompiled(`a Scan of ${steps} steps`);
  const stacked = workspace.program.repeat(steps, true, (step) => {
    const inner = scope.inside(body);
    const entries = sources.map((source, i) => entryAt(source, step, isReversed('input', i)));
    [...carries, ...entries].forEach((view, i) => inner.define(body.input[i].name, view));
    inner.run();
    const results = body.output.map(({ name }) => inner.tensor(name));
    carries.forEach(({ shape }, i) => {
      const [before, after] = [shape.join(', '), results[i]?.shape.join(', ')];
      if (before !== after) throw new NotCompiled(`a Scan that carries [${before}] on as [${after ?? ''}]`);
    });
    const outputs = results.slice(carried).map((result, i) => {
      const all = workspace.allocate([steps, ...result.shape]);
      workspace.assign(entryAt(all, step, isReversed('output', i)), result);
      return all;
    });
    carryOn(workspace, carries, results.slice(0, carried));
    return outputs;
  });
  [...carries, ...stacked].forEach((view, i) => {
    const name = node.output[i];
    if (name !== undefined && name !== '') scope.define(name, view);
  });
}

/** What one step has of a tensor whose first axis counts the steps. */
function entryAt(view: View, step: Affine, reversed: boolean): View {
  const [stride, ...strides] = view.strides;
  const [steps, ...shape] = view.shape;
  const start = reversed ? plus(view.index, fixed(steps - 1), stride) : view.index;
  return { ...view, shape, strides, index: plus(start, step, reversed ? -stride : stride) };
}

/** Puts new carries in the place of the old ones, by way of a copy where an old one has yet to be read. */
function carryOn(workspace: Workspace, carries: readonly View[], results: readonly LazyTensor[]): void {
  const reads = (tensor: LazyTensor, { buffer }: View): boolean => leavesOf(tensor).some((leaf) => leaf.buffer === buffer);
  const isSameOrder = (tensor: LazyTensor, carry: View): boolean =>
    leavesOf(tensor).every(
      ({ buffer, strides, index }) =>
        buffer !== carry.buffer || (strides.join() === carry.strides.join() && index.constant === carry.index.constant),
    );
  const ready = results.map((result, i) => {
    const readsOverwritten = carries.slice(0, i).some((carry) => reads(result, carry));
    return readsOverwritten || !isSameOrder(result, carries[i]) ? workspace.copied(result) : result;
  });
  ready.forEach((result, i) => {
    if (result !== carries[i]) workspace.assign(carries[i], result, reads(result, carries[i]));
  });
}

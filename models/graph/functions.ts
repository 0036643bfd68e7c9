/**
 * Ops that ONNX lacks, each with its body in ops of ONNX. A file carries the bodies of those that it uses, so that any runtime can run it; our
 * own engine knows the ops by name.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { AttributeProto_AttributeType as Kind } from 'onnx-buf';
import type { AttributeProtoSchema, FunctionProtoSchema, NodeProtoSchema } from 'onnx-buf';
import { OWN_DOMAIN } from './ops.ts';

type FunctionBody = MessageInitShape<typeof FunctionProtoSchema>;

const MICROSOFT = 'com.microsoft';

/** By name. @param opset the version of ONNX itself that the file is written in */
export const functionBodies = (opset: bigint): Readonly<Record<string, FunctionBody>> => {
  const opsetImport = [
    { domain: '', version: opset },
    { domain: MICROSOFT, version: 1n },
  ];
  const bodyOf = (name: string, input: string[], node: Node[]): FunctionBody => ({
    domain: OWN_DOMAIN,
    name,
    input,
    output: ['x'],
    opsetImport,
    node,
  });
  const trilu = (upper: bigint) => ({
    opType: 'Trilu',
    ...{ input: ['a'], output: ['triangle'], attribute: [{ name: 'upper', type: Kind.INT, i: upper }] },
  });
  const inverseTimes = (matrix: string) => [
    { opType: 'Inverse', domain: MICROSOFT, input: [matrix], output: ['inverse'] },
    { opType: 'MatMul', domain: '', input: ['inverse', 'b'], output: ['x'] },
  ];
  return {
    SolvePositiveDefinite: bodyOf('SolvePositiveDefinite', ['a', 'b'], inverseTimes('a')),
    SolveLowerTriangular: bodyOf('SolveLowerTriangular', ['a', 'b'], [trilu(0n), ...inverseTimes('triangle')]),
    SolveUpperTriangular: bodyOf('SolveUpperTriangular', ['a', 'b'], [trilu(1n), ...inverseTimes('triangle')]),
    Cholesky: bodyOf('Cholesky', ['a'], choleskyNodes()),
  };
};

type Node = MessageInitShape<typeof NodeProtoSchema>;
type Attributes = MessageInitShape<typeof AttributeProtoSchema>[];

/**
 * A Scan over the columns: column p of what is left of A, over the root of its own entry p, is column p of L, and its square is taken away.
 * Rows before p, of which rounding leaves a little, are set to 0.
 */
function choleskyNodes(): Node[] {
  const integers = (name: string, values: number[]): Node => ({
    opType: 'Constant',
    ...{ output: [name], attribute: [{ name: 'value_ints', type: Kind.INTS, ints: values.map(BigInt) }] },
  });
  const node = (opType: string, input: string[], output: string, attribute: Attributes = []): Node => ({
    ...{ opType, input, output: [output], attribute },
  });
  const step = {
    name: 'column',
    input: ['left', 'unit', 'from'].map((name) => ({ name })),
    output: ['next', 'l'].map((name) => ({ name })),
    node: [
      node('Unsqueeze', ['unit', 'last'], 'pick'), // e_p, [n, 1]
      node('MatMul', ['left', 'pick'], 'column'),
      node('Unsqueeze', ['unit', 'first'], 'pick_row'),
      node('MatMul', ['pick_row', 'column'], 'pivot'), // [..., 1, 1]
      node('Sqrt', ['pivot'], 'root'),
      node('Unsqueeze', ['from', 'last'], 'not_before'),
      node('Mul', ['column', 'not_before'], 'rest'),
      node('Div', ['rest', 'root'], 'l_column'),
      node('Squeeze', ['l_column', 'last'], 'l'),
      node('Unsqueeze', ['l', 'last_but_one'], 'l_row'),
      node('MatMul', ['l_column', 'l_row'], 'square'),
      node('Sub', ['left', 'square'], 'next'),
    ],
  };
  const scan: Node = {
    opType: 'Scan',
    ...{ input: ['a', 'identity', 'upper'], output: ['left_over', 'x'] },
    attribute: [
      { name: 'body', type: Kind.GRAPH, g: step },
      { name: 'num_scan_inputs', type: Kind.INT, i: 2n },
      { name: 'scan_output_axes', type: Kind.INTS, ints: [-1n] },
    ],
  };
  return [
    ...[integers('first', [0]), integers('second', [1]), integers('last_but_one', [-2]), integers('last', [-1])],
    // An identity of the type of A: by one matrix of the batch.
    ...[
      node('Shape', ['a'], 'shape'),
      node('Gather', ['shape', 'last'], 'n'),
      node('Concat', ['last', 'n', 'n'], 'as_list', [{ name: 'axis', type: Kind.INT, i: 0n }]),
    ],
    ...[node('Reshape', ['a', 'as_list'], 'list'), node('Slice', ['list', 'first', 'second'], 'one')],
    ...[node('Squeeze', ['one', 'first'], 'matrix'), node('EyeLike', ['matrix'], 'identity')],
    node('CumSum', ['identity', 'second'], 'upper'),
    scan,
  ];
}

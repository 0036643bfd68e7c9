/**
 * Ops that ONNX lacks, each with its body in ops of ONNX. A file carries the bodies of those that it uses, so that any runtime can run it; our
 * own engine knows the ops by name.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { FunctionProtoSchema } from 'onnx-buf';
import { OWN_DOMAIN } from './ops.ts';

type FunctionBody = MessageInitShape<typeof FunctionProtoSchema>;

const MICROSOFT = 'com.microsoft';

/** By name. @param opset the version of ONNX itself that the file is written in */
export const functionBodies = (opset: bigint): Readonly<Record<string, FunctionBody>> => {
  const opsetImport = [
    { domain: '', version: opset },
    { domain: MICROSOFT, version: 1n },
  ];
  return {
    SolvePositiveDefinite: {
      domain: OWN_DOMAIN,
      name: 'SolvePositiveDefinite',
      input: ['a', 'b'],
      output: ['x'],
      opsetImport,
      node: [
        { opType: 'Inverse', domain: MICROSOFT, input: ['a'], output: ['inverse'] },
        { opType: 'MatMul', domain: '', input: ['inverse', 'b'], output: ['x'] },
      ],
    },
  };
};

/**
 * The smallest ONNX file that follows the model contract, for tests that need a network and not a good beam: the phase of element n and
 * chain m is the real part of user m's channel at n (so M = K), and D is √power times a fixed matrix.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProtoSchema,
  TensorProto_DataType,
  TensorShapeProtoSchema,
  TensorShapeProto_DimensionSchema,
  TypeProtoSchema,
  TypeProto_TensorSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf';

export function tinyNetwork(options: { elements: number; users: number; phaseOutput?: string; gain?: number }): Uint8Array {
  const { elements, users, phaseOutput = 'analog_phase', gain = 1 } = options;
  const weights = Float32Array.from({ length: users * users * 2 }, (_, i) => (i % (2 * users + 2) === 0 ? gain : 0));
  const int64s = (name: string, values: number[]) =>
    create(TensorProtoSchema, {
      name,
      dims: values.length === 0 ? [] : [BigInt(values.length)],
      dataType: TensorProto_DataType.INT64,
      int64Data: values.length === 0 ? [0n] : values.map(BigInt),
    });
  const graph = create(GraphProtoSchema, {
    name: 'tiny',
    node: [
      node('Gather', ['channel', 'zero'], 'real', { axis: 3 }),
      node('Transpose', ['real'], phaseOutput, { perm: [0, 2, 1] }),
      node('Reshape', ['power', 'column'], 'power4', {}),
      node('Sqrt', ['power4'], 'amplitude', {}),
      node('Mul', ['amplitude', 'weights'], 'digital', {}),
    ],
    initializer: [
      create(TensorProtoSchema, { name: 'zero', dims: [], dataType: TensorProto_DataType.INT64, int64Data: [0n] }),
      int64s('column', [-1, 1, 1, 1]),
      create(TensorProtoSchema, {
        name: 'weights',
        dims: [1n, BigInt(users), BigInt(users), 2n],
        dataType: TensorProto_DataType.FLOAT,
        floatData: [...weights],
      }),
    ],
    input: [value('channel', ['batch', users, elements, 2]), value('power', ['batch']), value('noise', ['batch'])],
    output: [value(phaseOutput, ['batch', elements, users]), value('digital', ['batch', users, users, 2])],
  });
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 9n,
      opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: 20n })],
      graph,
    }),
  );
}

function node(opType: string, input: string[], output: string, attributes: { axis?: number; perm?: number[] }) {
  const attribute = [];
  if (attributes.axis !== undefined) {
    attribute.push(
      create(AttributeProtoSchema, { name: 'axis', type: AttributeProto_AttributeType.INT, i: BigInt(attributes.axis) }),
    );
  }
  if (attributes.perm !== undefined) {
    attribute.push(
      create(AttributeProtoSchema, { name: 'perm', type: AttributeProto_AttributeType.INTS, ints: attributes.perm.map(BigInt) }),
    );
  }
  return create(NodeProtoSchema, { opType, name: output, input, output: [output], attribute });
}

function value(name: string, shape: (number | string)[]) {
  const dim = shape.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value: typeof size === 'number' ? { case: 'dimValue', value: BigInt(size) } : { case: 'dimParam', value: size },
    }),
  );
  const tensor = create(TypeProto_TensorSchema, {
    elemType: TensorProto_DataType.FLOAT,
    shape: create(TensorShapeProtoSchema, { dim }),
  });
  return create(ValueInfoProtoSchema, { name, type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensor } }) });
}

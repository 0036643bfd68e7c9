/**
 * ONNX files that follow the model contract in every tensor and are trouble all the same: they turn a Loop for as long as they are told, want
 * more memory than there is, or give what no beam can be made of. Built beside tiny-network.ts, by hand, so that onnxruntime runs the real thing.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { AttributeProto_AttributeType, ModelProtoSchema, TensorProto_DataLocation, TensorProto_DataType } from 'onnx-buf';
import type { GraphProtoSchema, NodeProtoSchema, TensorProtoSchema, ValueInfoProtoSchema } from 'onnx-buf';
import type { ModelCard } from '../../models/card.ts';
import { cardText } from '../../models/card.ts';
import { contractTensors } from '../../models/zoo.ts';

export interface TroubledNetwork {
  elements: number;
  users: number;
  /**
   * How often its Loop turns before it answers: a number, or `power` for as often as the power says. A turn is a few nanoseconds of ours and
   * about a microsecond of onnxruntime's.
   */
  turns?: number | 'power';
  /** D is this many times √power on its diagonal: 1 / √N is full power here. */
  digitalScale?: number;
  /** Initialisers that lie in a file beside it. */
  externalWeights?: string;
  opset?: number;
  irVersion?: number;
  /** An op that no runtime knows. */
  unknownOp?: boolean;
  /** Gives analog_phase as [B, M, N], whatever it says of itself. */
  transposed?: boolean;
  /** Says of its outputs how many axes they have and no more, as PyTorch does where the batch is dynamic. */
  unsaid?: boolean;
}

/** More turns than a lifetime has. */
export const ENDLESS = 2 ** 53;

type Node = MessageInitShape<typeof NodeProtoSchema>;
type Value = MessageInitShape<typeof ValueInfoProtoSchema>;

/** The phase of element n and chain m is the real part of user m's channel at n, as in tinyNetwork. */
export function troubledNetwork(options: TroubledNetwork): Uint8Array {
  const { elements, users, turns = 0, digitalScale = 1 / Math.sqrt(elements), opset = 20, irVersion = 9 } = options;
  const weights = Float32Array.from({ length: users * users * 2 }, (_, i) => (i % (2 * users + 2) === 0 ? digitalScale : 0));
  const graph: MessageInitShape<typeof GraphProtoSchema> = {
    name: 'troubled',
    node: [
      node('Gather', ['channel', 'zero'], 'real', [{ name: 'axis', type: AttributeProto_AttributeType.INT, i: 3n }]),
      node('Transpose', ['real'], 'phases', [ints('perm', options.transposed === true ? [0, 1, 2] : [0, 2, 1])]),
      node(options.unknownOp === true ? 'Beamform' : 'Identity', ['phases'], 'analog_phase'),
      node('Reshape', ['power', 'column'], 'power4'),
      node('Sqrt', ['power4'], 'amplitude'),
      node('Reshape', ['power', 'none'], 'power0'),
      ...(turns === 'power'
        ? [node('Cast', ['power0'], 'turns', [{ name: 'to', type: AttributeProto_AttributeType.INT, i: 7n }])]
        : []),
      node('Loop', ['turns', 'true', 'amplitude'], 'turned', [
        { name: 'body', type: AttributeProto_AttributeType.GRAPH, g: loopBody() },
      ]),
      node('Mul', ['turned', 'weights'], 'digital'),
    ],
    initializer: [
      scalar('zero', 0),
      { name: 'column', dims: [4n], dataType: TensorProto_DataType.INT64, int64Data: [-1n, 1n, 1n, 1n] },
      { name: 'none', dims: [0n], dataType: TensorProto_DataType.INT64 },
      ...(turns === 'power' ? [] : [scalar('turns', turns)]),
      { name: 'true', dims: [], dataType: TensorProto_DataType.BOOL, int32Data: [1] },
      weightsOf(weights, users, options.externalWeights),
    ],
    input: [value('channel', ['B', users, elements, 2]), value('power', ['B']), value('noise', ['B'])],
    output:
      options.unsaid === true
        ? [value('analog_phase', ['B', 'Identity_dim_1', 'Identity_dim_2']), value('digital', ['B', 'Mul_dim_1', 'Mul_dim_2', 2])]
        : [value('analog_phase', ['B', elements, users]), value('digital', ['B', users, users, 2])],
  };
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: BigInt(irVersion), opsetImport: [{ domain: '', version: BigInt(opset) }], graph }),
  );
}

/** (turn, goes on, x) → (goes on, x) */
function loopBody(): MessageInitShape<typeof GraphProtoSchema> {
  return {
    name: 'turn',
    node: [node('Identity', ['goes_on'], 'still'), node('Abs', ['x'], 'x_after')],
    input: [
      value('turn', [], TensorProto_DataType.INT64),
      value('goes_on', [], TensorProto_DataType.BOOL),
      value('x', ['B', 1, 1, 1]),
    ],
    output: [value('still', [], TensorProto_DataType.BOOL), value('x_after', ['B', 1, 1, 1])],
  };
}

function weightsOf(
  weights: Float32Array,
  users: number,
  external: string | undefined,
): MessageInitShape<typeof TensorProtoSchema> {
  const tensor = { name: 'weights', dims: [1n, BigInt(users), BigInt(users), 2n], dataType: TensorProto_DataType.FLOAT };
  if (external === undefined) return { ...tensor, floatData: [...weights] };
  const externalData = [{ key: 'location', value: external }];
  return { ...tensor, externalData, dataLocation: TensorProto_DataLocation.EXTERNAL };
}

const scalar = (name: string, of: number): MessageInitShape<typeof TensorProtoSchema> => ({
  name,
  dims: [],
  dataType: TensorProto_DataType.INT64,
  int64Data: [BigInt(of)],
});

const ints = (name: string, values: number[]) => ({ name, type: AttributeProto_AttributeType.INTS, ints: values.map(BigInt) });

function node(opType: string, input: string[], output: string, attribute: NonNullable<Node['attribute']> = []): Node {
  return { opType, name: output, input, output: [output], attribute };
}

function value(name: string, shape: (number | string)[], elemType: TensorProto_DataType = TensorProto_DataType.FLOAT): Value {
  const dim = shape.map((size) => ({
    value:
      typeof size === 'number' ? { case: 'dimValue' as const, value: BigInt(size) } : { case: 'dimParam' as const, value: size },
  }));
  return { name, type: { value: { case: 'tensorType', value: { elemType, shape: { dim } } } } };
}

/** Writes a network and a card that fits it; returns the path of the ONNX file. M = K. */
export function writeTroubledModel(folder: string, id: string, network: Partial<TroubledNetwork> = {}): string {
  const { elements = 16, users = 2 } = network;
  return writeModelFile(folder, id, { elements, users }, troubledNetwork({ ...network, elements, users }));
}

/** Any bytes as a model, with a card that has their checksum. */
export function writeModelFile(
  folder: string,
  id: string,
  { elements, users }: { elements: number; users: number },
  bytes: Uint8Array,
  otherwise: Partial<ModelCard> = {},
): string {
  const dimensions = { elements, rfChains: users, users };
  const card: ModelCard = {
    contract: 1,
    id,
    title: 'the real part of the channel as phases',
    dimensions,
    algorithm: 'none',
    paper: 'none',
    connection: 'full',
    ...contractTensors({ dimensions, connection: 'full' }),
    training: 'none',
    metrics: [],
    sha256: createHash('sha256').update(bytes).digest('hex'),
    ...otherwise,
  };
  const path = join(folder, `${id}.onnx`);
  writeFileSync(path, bytes);
  writeFileSync(join(folder, `${id}.json`), cardText(card));
  return path;
}

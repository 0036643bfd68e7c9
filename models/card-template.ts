/** A card to fill in, from what an ONNX file says of itself: what nobody but its maker can know is marked TODO, and no card with a TODO is accepted. */
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import { isTodo, type Dimensions, type ModelCard, type ModelTensor } from './card.ts';
import { readOnnx, type OnnxFile } from './onnx-file.ts';
import { contractTensors, sha256Of } from './zoo.ts';

export interface CardTemplate {
  /** As its file has it. */
  text: string;
  /** Where a TODO stands: 'title', 'dimensions.users', … */
  toFill: string[];
}

/**
 * @param path in messages
 * @throws BeamrigError 'model-damaged' where the bytes are no ONNX file
 */
export function cardTemplate(id: string, path: string, bytes: Uint8Array): CardTemplate {
  let file: OnnxFile;
  try {
    file = readOnnx(bytes);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new BeamrigError('model-damaged', `model ${path} is not an ONNX file (${detail})`, {
      wayOut: 'export it again: torch.onnx.export(model, args, path, opset_version=20)',
      cause,
    });
  }
  const connection = file.inputs.some(({ name }) => name === 'connection') ? 'input' : 'full';
  const senses = file.inputs.some(({ name }) => name === 'sensing_factor');
  const { elements, rfChains, users, columns } = sizesOf(file);
  const card = {
    contract: 1,
    id,
    title: 'TODO: one line for lists and the page',
    dimensions: {
      elements: elements ?? 'TODO: N, antenna elements',
      rfChains: rfChains ?? 'TODO: M, RF chains',
      users: users ?? 'TODO: K, users',
    },
    algorithm: 'TODO: what it does, or none',
    paper: 'TODO: where the method is from, or none',
    connection,
    ...(senses ? { sensing: 'input' } : {}),
    ...tensorsOf({ connection, senses }, { elements, rfChains, users, columns }),
    training: 'TODO: how it was trained, in words, or none',
    metrics: [],
    sha256: sha256Of(bytes),
  };
  const text = `${JSON.stringify(card, null, 2)}\n`;
  return { text, toFill: todosIn(card) };
}

/** Where the file does not say one it is undefined. */
type Sizes = Record<keyof Dimensions | 'columns', number | undefined>;

/** N, M and K, where any of the tensors says them, and R of `sensing_factor`. */
function sizesOf({ inputs, outputs }: OnnxFile): Sizes {
  const lengthsOf = (name: string, axes: number): (number | undefined)[] => {
    const { shape = [] } = [...inputs, ...outputs].find((tensor) => tensor.name === name) ?? {};
    return shape.length === axes ? shape.map((length) => (typeof length === 'number' ? length : undefined)) : [];
  };
  const [, users, elements] = lengthsOf('channel', 4);
  const [, phaseElements, rfChains] = lengthsOf('analog_phase', 3);
  const [, digitalChains, digitalUsers] = lengthsOf('digital', 4);
  const [connected, connectedChains] = lengthsOf('connection', 2);
  const [sensed, columns] = lengthsOf('sensing_factor', 3);
  return {
    columns,
    elements: elements ?? phaseElements ?? connected ?? sensed,
    rfChains: rfChains ?? digitalChains ?? connectedChains,
    users: users ?? digitalUsers,
  };
}

/** As the contract asks for them; letters stand for what is to be filled in. */
function tensorsOf(
  { connection, senses }: Pick<ModelCard, 'connection'> & { senses: boolean },
  sizes: Sizes,
): { inputs: ModelTensor[]; outputs: ModelTensor[] } {
  // Lengths that no array has stand in for those that are not known.
  const [elements, rfChains, users] = [sizes.elements ?? -1, sizes.rfChains ?? -2, sizes.users ?? -3];
  const columns = senses ? (sizes.columns ?? -4) : undefined;
  const { inputs, outputs } = contractTensors({ connection, dimensions: { elements, rfChains, users } }, columns);
  const letters: Record<number, string> = { [-1]: 'TODO: N', [-2]: 'TODO: M', [-3]: 'TODO: K', [-4]: 'TODO: R' };
  const lettered = (tensor: ModelTensor): ModelTensor => ({
    ...tensor,
    shape: tensor.shape.map((length) => (typeof length === 'number' ? (letters[length] ?? length) : length)),
  });
  return { inputs: inputs.map(lettered), outputs: outputs.map(lettered) };
}

function todosIn(value: unknown, path: string[] = []): string[] {
  if (isTodo(value)) return [path.join('.')];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => todosIn(inner, [...path, key]));
}

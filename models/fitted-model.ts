/**
 * A model as it runs: an ONNX graph for just one array. An ONNX file is that already; of a file of numbers (`numbers-file.ts`) the graph is built
 * here, for any array.
 *
 *   my-model.onnx          ──────────────────────────────────────────────► ONNX
 *   phase-net.numbers.json ─► family.anyArray.modelGraph(numbers, array) ─► ONNX
 *
 * Where sensing is weighed against the rates, it is another graph, of the file's numbers for that; and where phases have few bits, one that chooses
 * among the words there are.
 */
import { createHash } from 'node:crypto';
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import { connectionMask } from '../core/signal/geometry.ts';
import type { Dimensions, ModelCard, SizedCard } from './card.ts';
import { findFamily } from './families.ts';
import type { AnyArray, ArrayAtHand } from './family.ts';
import { numbersFor, readNumbers } from './numbers-file.ts';
import type { NumbersFile } from './numbers-schema.ts';
import { contractTensors, type VerifiedModel } from './zoo.ts';

export interface FittedModel {
  /** That of the model, and where it serves every array, with the sizes of this one. */
  readonly card: SizedCard;
  readonly onnx: Uint8Array;
  /** Of the ONNX, lower-case hex. */
  readonly onnxSha256: string;
  /** Budget of steps, where it can be chosen. */
  readonly steps?: number;
  /** Q of the words that it chooses among; absent: it gives phases as if any could be shown. */
  readonly phaseBits?: number;
  /** Where phases have bits at all: those of 1 to so many have a network each. Absent: this one serves every Q. */
  readonly mostPhaseBits?: number;
}

/** The array that a model is to serve. */
export interface FitTo extends Dimensions {
  /** 'sub': each RF chain has its own block of elements. Default 'full'. */
  connection?: 'full' | 'sub' | undefined;
  /** Budget of steps; default: the family's own. An ONNX file has steps of its own. */
  steps?: number | undefined;
  /** R, columns of the factor of what is to be sensed, where the objective weighs that; absent: the rates alone count. */
  sensingColumns?: number | undefined;
  /** Q, bits of the array's phases; absent: any phase can be shown. */
  phaseBits?: number | undefined;
}

/**
 * Does not ask whether the model fits: an ONNX file is as it is.
 * @throws BeamrigError 'model-damaged' or 'model-mismatch' where numbers are not those of a network that there is, 'argument' for steps that
 *   cannot be
 */
export async function fitModel({ card, bytes }: Pick<VerifiedModel, 'card' | 'bytes'>, array: FitTo): Promise<FittedModel> {
  if (isSized(card)) return { card, onnx: bytes, onnxSha256: card.sha256 };
  const { elements, rfChains, users, connection = 'full' } = array;
  const file = readNumbers(bytes, card.id);
  const { anyArray } = await findFamily(file.family);
  if (anyArray === undefined) {
    throw new BeamrigError('model-mismatch', `model ${card.id}: networks of ${file.family} are made for one array each`, {
      wayOut: 'train one for this array: beamrig train',
    });
  }
  const { usualSteps, columns, phaseBits, mostPhaseBits, modelGraph } = networkFor(anyArray, file, array);
  const steps = budgetOf(card.id, anyArray, array.steps ?? usualSteps);
  const mask = connection === 'full' ? {} : { connection: connectionMask(connection, elements, rfChains) };
  const onnx = modelGraph({ elements, rfChains, users, steps, ...mask });
  return {
    card: sizedCard(card, { elements, rfChains, users }, columns),
    onnx,
    onnxSha256: createHash('sha256').update(onnx).digest('hex'),
    steps,
    ...(phaseBits === undefined ? {} : { phaseBits }),
    ...(mostPhaseBits === undefined || array.phaseBits === undefined ? {} : { mostPhaseBits }),
  };
}

interface NetworkFor {
  readonly usualSteps: number;
  readonly columns?: number;
  readonly phaseBits?: number;
  readonly mostPhaseBits?: number;
  readonly modelGraph: (array: ArrayAtHand) => Uint8Array;
}

/** The network for sensing where that counts, the one for words where they are as short as the file has numbers for, or that of any phases. */
function networkFor(anyArray: AnyArray, file: NumbersFile, { sensingColumns, phaseBits = Infinity }: FitTo): NetworkFor {
  const { sensing, words } = anyArray;
  if (sensing !== undefined && file.sensing !== undefined && sensingColumns !== undefined) {
    const numbers = numbersFor(sensing, { ...file.sensing, family: file.family });
    const columns = Math.min(sensingColumns, sensing.mostColumns);
    const modelGraph = (array: ArrayAtHand): Uint8Array => sensing.modelGraph(numbers, { ...array, columns });
    return { usualSteps: sensing.usualSteps, columns, modelGraph };
  }
  const usualSteps = anyArray.steps.usual;
  const most = words === undefined || file.words === undefined ? {} : { mostPhaseBits: file.words.mostPhaseBits };
  if (words !== undefined && file.words !== undefined && phaseBits <= file.words.mostPhaseBits) {
    const numbers = numbersFor(words, { ...file.words, family: file.family });
    const modelGraph = (array: ArrayAtHand): Uint8Array => anyArray.modelGraph(numbers, { ...array, phaseBits });
    return { usualSteps, phaseBits, ...most, modelGraph };
  }
  const numbers = numbersFor(anyArray, file);
  return { usualSteps, ...most, modelGraph: (array: ArrayAtHand) => anyArray.modelGraph(numbers, array) };
}

/** The connection is in the graph, so that the model takes no input for it, and so are the words. */
function sizedCard(
  { sensing: _, mostPhaseBits: __, ...card }: ModelCard,
  dimensions: Dimensions,
  columns: number | undefined,
): SizedCard {
  const kind = { dimensions, connection: 'full' as const };
  return { ...card, ...kind, ...(columns === undefined ? {} : { sensing: 'input' }), ...contractTensors(kind, columns) };
}

const isSized = (card: VerifiedModel['card']): card is SizedCard => card.dimensions !== 'any';

function budgetOf(id: string, { steps: { most } }: AnyArray, asked: number): number {
  if (Number.isInteger(asked) && asked >= 1 && asked <= most) return asked;
  throw new BeamrigError('argument', `the model ${id} takes 1 to ${most} steps, not ${asked}`, {
    wayOut: 'leave steps out: the model has a number of its own',
  });
}

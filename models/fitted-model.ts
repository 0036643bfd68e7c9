/**
 * A model as it runs: an ONNX graph for just one array. An ONNX file is that already; of a file of numbers (`numbers-file.ts`) the graph is built
 * here, for any array.
 *
 *   my-model.onnx          ──────────────────────────────────────────────► ONNX
 *   phase-net.numbers.json ─► family.anyArray.modelGraph(numbers, array) ─► ONNX
 */
import { createHash } from 'node:crypto';
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import { connectionMask } from '../core/signal/geometry.ts';
import type { Dimensions, SizedCard } from './card.ts';
import { findFamily } from './families.ts';
import type { AnyArray } from './family.ts';
import { numbersFor, readNumbers } from './numbers-file.ts';
import { contractTensors, type VerifiedModel } from './zoo.ts';

export interface FittedModel {
  /** That of the model, and where it serves every array, with the sizes of this one. */
  readonly card: SizedCard;
  readonly onnx: Uint8Array;
  /** Of the ONNX, lower-case hex. */
  readonly onnxSha256: string;
  /** Budget of steps, where it can be chosen. */
  readonly steps?: number;
}

/** The array that a model is to serve. */
export interface FitTo extends Dimensions {
  /** 'sub': each RF chain has its own block of elements. Default 'full'. */
  connection?: 'full' | 'sub' | undefined;
  /** Budget of steps; default: the family's own. An ONNX file has steps of its own. */
  steps?: number | undefined;
}

/**
 * Does not ask whether the model fits: an ONNX file is as it is.
 * @throws BeamrigError 'model-damaged' or 'model-mismatch' where numbers are not those of a network that there is, 'argument' for steps that
 *   cannot be
 */
export async function fitModel({ card, bytes }: Pick<VerifiedModel, 'card' | 'bytes'>, array: FitTo): Promise<FittedModel> {
  if (isSized(card)) return { card, onnx: bytes, onnxSha256: card.sha256 };
  const { elements, rfChains, users, connection = 'full', steps } = array;
  const file = readNumbers(bytes, card.id);
  const { anyArray } = await findFamily(file.family);
  if (anyArray === undefined) {
    throw new BeamrigError('model-mismatch', `model ${card.id}: networks of ${file.family} are made for one array each`, {
      wayOut: 'train one for this array: beamrig train',
    });
  }
  const budget = budgetOf(card.id, anyArray, steps);
  const mask = connection === 'full' ? {} : { connection: connectionMask(connection, elements, rfChains) };
  const onnx = anyArray.modelGraph(numbersFor(anyArray, file), { elements, rfChains, users, steps: budget, ...mask });
  // The connection is in the graph, so that the model takes no input for it.
  const kind = { dimensions: { elements, rfChains, users }, connection: 'full' as const };
  return {
    card: { ...card, ...kind, ...contractTensors(kind) },
    onnx,
    onnxSha256: createHash('sha256').update(onnx).digest('hex'),
    steps: budget,
  };
}

const isSized = (card: VerifiedModel['card']): card is SizedCard => card.dimensions !== 'any';

function budgetOf(id: string, { steps: { usual, most } }: AnyArray, asked = usual): number {
  if (Number.isInteger(asked) && asked >= 1 && asked <= most) return asked;
  throw new BeamrigError('argument', `the model ${id} takes 1 to ${most} steps, not ${asked}`, {
    wayOut: `leave steps out: ${usual}`,
  });
}

/**
 * Where the tensors of a model's file, of its card and of the contract are not the same, one by one. The order does not matter, and neither does
 * what a length that is known at run time is called. A file may leave lengths unsaid, as PyTorch does of outputs with a dynamic batch: what it gives
 * is looked at when it runs. A batch that is fixed at 1 is one that a rig asks for.
 */
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import type { ModelCard, ModelTensor } from './card.ts';
import type { OnnxTensor } from './onnx-file.ts';

/** Inputs and outputs. */
interface Tensors<T> {
  inputs: readonly T[];
  outputs: readonly T[];
}

/** @param contract what it asks of a model with this card */
export function tensorFlaws(
  path: string,
  card: ModelCard,
  file: Tensors<OnnxTensor>,
  contract: Tensors<ModelTensor>,
): BeamrigError[] {
  const flaws: BeamrigError[] = [];
  const useIt =
    'export it by the contract in models/README.md; PyTorch leaves out an input that the network does not use: add 0 times it to something';
  const add = (what: string, wayOut: string): number =>
    flaws.push(new BeamrigError('model-mismatch', `model ${path}: ${what}`, { wayOut }));
  for (const side of ['inputs', 'outputs'] as const) {
    const kind = side.slice(0, -1);
    for (const asked of contract[side]) {
      const wanted = tensorText(asked);
      const own = file[side].find(({ name }) => name === asked.name);
      const told = card[side].find(({ name }) => name === asked.name);
      const exportIt = 'export it by the contract in models/README.md, or correct `dimensions` of the card';
      if (own === undefined) add(`the file has no ${kind} ${wanted}`, side === 'inputs' ? useIt : exportIt);
      else if (own.type !== 'float32') add(`the ${kind} ${tensorText(own)} of the file is ${own.type}, not float32`, exportIt);
      else if (!isLike(own.shape, asked.shape)) add(`the ${kind} ${tensorText(own)} of the file should be ${wanted}`, exportIt);
      if (told === undefined) add(`the card has no ${kind} ${wanted}`, 'add it to the card');
      else if (!isSame(told.shape, asked.shape))
        add(`the ${kind} ${tensorText(told)} of the card should be ${wanted}`, 'correct the card');
    }
    const isAsked = ({ name }: { name: string }): boolean => contract[side].some((asked) => asked.name === name);
    for (const other of file[side]) {
      if (!isAsked(other))
        add(`the file has an ${kind} ${tensorText(other)} that the contract does not know`, 'export it without');
    }
    for (const other of card[side]) {
      if (!isAsked(other))
        add(`the card has an ${kind} ${tensorText(other)} that the contract does not know`, 'take it out of the card');
    }
  }
  return flaws;
}

const tensorText = ({ name, shape }: { name: string; shape: readonly (number | string)[] | undefined }): string =>
  `${name} [${shape === undefined ? 'of any shape' : shape.join(', ')}]`;

type Shape = readonly (number | string)[];

/** A file's shape that may come out as the contract has it. */
const isLike = (own: Shape | undefined, asked: Shape): boolean =>
  own === undefined ||
  (own.length === asked.length && own.every((length, axis) => typeof length === 'string' || length === lengthOf(asked[axis])));

/** A card says every length but that of the batch. */
const isSame = (told: Shape, asked: Shape): boolean =>
  told.length === asked.length &&
  told.every((length, axis) =>
    typeof asked[axis] === 'string' ? typeof length === 'string' || length === lengthOf(asked[axis]) : length === asked[axis],
  );

/** A rig asks for one beam at a time. */
const lengthOf = (length: number | string): number => (typeof length === 'string' ? 1 : length);

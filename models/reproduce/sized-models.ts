/** The models of the zoo that are for one array each: those that tables and benches set side by side. */
import type { SizedCard } from '../card.ts';
import { listModels, type ModelFile } from '../zoo.ts';

/** An ONNX file. */
export type SizedModelFile = Omit<ModelFile, 'card'> & { card: SizedCard };

/** @throws BeamrigError as `listModels` does */
export const listSizedModels = (folder?: string): SizedModelFile[] =>
  listModels(folder).flatMap(({ card, ...file }) =>
    card.dimensions === 'any' ? [] : [{ ...file, card: { ...card, dimensions: card.dimensions } }],
  );

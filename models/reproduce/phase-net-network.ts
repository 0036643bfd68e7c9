/** The networks that phase-net's one file of numbers makes for arrays and budgets, in files for the threads of `rates.ts`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fitModel, type FitTo } from '../fitted-model.ts';
import { findModel, verifyModel } from '../zoo.ts';
import type { Method } from './methods.ts';
import type { SizedModelFile } from './sized-models.ts';

export interface Budgeted extends FitTo {
  steps: number;
}

const idOf = ({ elements, rfChains, users, connection = 'full', steps, phaseBits = Infinity }: Budgeted): string =>
  `phase-net-${elements}-${rfChains}-${users}-${connection}-${steps}-${phaseBits}`;

export async function phaseNetFiles(arrays: readonly Budgeted[], folder: string): Promise<SizedModelFile[]> {
  const model = verifyModel(findModel('phase-net'));
  const files: SizedModelFile[] = [];
  for (const array of arrays) {
    const { card, onnx } = await fitModel(model, array);
    const id = idOf(array);
    const path = join(folder, `${id}.onnx`);
    writeFileSync(path, onnx);
    files.push({ id, path, card });
  }
  return files;
}

/** D as a rig has it. */
export const phaseNetMethod = (array: Budgeted): Method => ({
  key: `phase-net-${array.steps}`,
  title: `phase-net, ${array.steps} steps`,
  short: `phase-net ${array.steps}`,
  source: { kind: 'network', id: idOf(array), bits: 'inf' },
});

export const extractionMethod = (steps: number): Method => ({
  key: `extraction-${steps}`,
  title: `phase extraction, ${steps} steps`,
  short: `phase extraction ${steps}`,
  source: { kind: 'extraction', steps, bits: 'inf' },
});

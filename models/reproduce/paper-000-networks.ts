/** The networks that stand in paper 000's figures, as threads take them. */
import { readFileSync } from 'node:fs';
import type { DigitalGradient } from '../baselines/sensing-pga.ts';
import { compileImage, type CompiledImage } from '../engine/compiled-session.ts';
import { learnedNumbers } from '../training/learned-numbers.ts';
import { optionsOfCommand } from '../training/recorded-options.ts';
import { asParameters, withLearned, type StepSizes } from '../unfolded-ascent/step-sizes.ts';
import { family, startingSteps } from '../upganet/family.ts';
import type { Dimensions } from '../card.ts';
import { fitModel } from '../fitted-model.ts';
import { findModel, verifyModel } from '../zoo.ts';
import type { SizedModelFile } from './sized-models.ts';

/** An UPGANet: what it computes, and what it has learned. */
export interface Unfolded {
  /** Of the figures: `upganet-j20`, `upganet-j20-exact`. */
  readonly key: string;
  readonly title: string;
  readonly card: SizedModelFile['card'];
  readonly image: CompiledImage;
  readonly steps: StepSizes;
  readonly digitalGradient: DigitalGradient;
  readonly guarded: boolean;
}

/** Ours: phase-net, for the array and a budget. */
export interface Budgeted {
  readonly key: string;
  readonly title: string;
  readonly card: SizedModelFile['card'];
  readonly image: CompiledImage;
  /** Of the graph, lower-case hex. */
  readonly sha256: string;
}

export const BUDGETS = [60, 200, 400];

/** @param columns of the factor of the wanted covariance */
export async function fitPhaseNet(array: Dimensions, columns: number): Promise<Budgeted[]> {
  const model = verifyModel(findModel('phase-net'));
  const fitted = BUDGETS.map(async (steps) => {
    const { card, onnx, onnxSha256: sha256 } = await fitModel(model, { ...array, steps, sensingColumns: columns });
    return { key: `phase-net-${steps}`, title: `phase-net, ${steps} steps`, card, image: compileImage(onnx), sha256 };
  });
  return Promise.all(fitted);
}

/** @param models UPGANets for one array, as `beamrig train upganet` makes them @throws where one does not say what it has learned */
export const openUnfolded = (models: readonly SizedModelFile[]): Unfolded[] => models.map(open);

function open({ id, path, card }: SizedModelFile): Unfolded {
  const bytes = readFileSync(path);
  const numbers = learnedNumbers(bytes);
  if (numbers === undefined || typeof card.training === 'string') throw new Error(`${id} does not say what it has learned`);
  const options = optionsOfCommand(family, card.training.command);
  const { innerSteps, digitalGradient } = options;
  const start = startingSteps(options);
  return {
    key: `upganet-j${innerSteps}${digitalGradient === 'exact' ? '-exact' : ''}`,
    title: `UPGANet, J = ${innerSteps}${digitalGradient === 'exact' ? ', exact gradient' : ''}`,
    card,
    image: compileImage(bytes),
    steps: withLearned(
      start,
      asParameters(start).map(({ name }) => Float64Array.from(numbers[name])),
    ),
    digitalGradient,
    guarded: card.guarded === true,
  };
}

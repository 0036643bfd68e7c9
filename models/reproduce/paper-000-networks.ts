/** The networks that stand in paper 000's figures, as threads take them; PGA with constant steps is one, too, of steps that nobody learned. */
import { readFileSync } from 'node:fs';
import { PAPER_SENSING_PGA, type DigitalGradient, type SensingPgaSettings } from '../baselines/sensing-pga.ts';
import { compileImage, type CompiledImage } from '../engine/compiled-session.ts';
import { learnedNumbers } from '../training/learned-numbers.ts';
import { optionsOfCommand } from '../training/recorded-options.ts';
import { asParameters, constantSteps, withLearned, type StepSizes } from '../unfolded-ascent/step-sizes.ts';
import { family, startingSteps } from '../upganet/family.ts';
import { encodeUpganet } from '../upganet/graphs.ts';
import type { Dimensions } from '../card.ts';
import { fitModel } from '../fitted-model.ts';
import { findModel, verifyModel } from '../zoo.ts';
import searched from './searched-sensing-steps.json' with { type: 'json' };
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

export const BUDGETS = [10, 60, 120, 200, 400];

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

/** PGA with constant steps, carried over to N as those of `fixedStepSensingPga` are, whose beams it has to float32, in a fraction of the time. */
export interface ConstantPga {
  readonly key: string;
  readonly title: string;
  /** That the steps are the best for, dB; absent: the paper's, for all. */
  readonly snrDb?: number;
  readonly card: SizedModelFile['card'];
  readonly image: CompiledImage;
}

/** @param network whose array it is for */
export function constantPgas({ card }: Unfolded): ConstantPga[] {
  const columns = card.inputs.find(({ name }) => name === 'sensing_factor')?.shape[1];
  if (typeof columns !== 'number') throw new Error(`${card.id} does not say how many columns of the wanted covariance it takes`);
  const size = card.dimensions.elements / 64;
  const unrolled = ({ layers, innerSteps, mu, lambda, digitalGradient }: SensingPgaSettings): CompiledImage => {
    const steps = constantSteps(layers, innerSteps, mu * size, lambda / size);
    return compileImage(encodeUpganet({ dimensions: card.dimensions, steps, columns, digitalGradient, guarded: false }));
  };
  const paper = [1, 10, 20].map((innerSteps) => ({
    ...{ key: `pga-j${innerSteps}`, title: `PGA, μ = λ = 0.01, J = ${innerSteps}`, card },
    image: unrolled({ ...PAPER_SENSING_PGA, innerSteps }),
  }));
  const bySearch = bestSearched().map(({ snrDb, ...settings }) => ({
    ...{ key: 'pga-searched', title: 'PGA, J and constant steps by search', card, snrDb },
    image: unrolled(settings as SensingPgaSettings),
  }));
  return [...paper, ...bySearch];
}

/** Constant steps, J and the gradient that search found best for each SNR (search-sensing-steps.ts). */
function bestSearched(): readonly (typeof searched.results)[number][] {
  const best = new Map<number, (typeof searched.results)[number]>();
  for (const entry of searched.results) {
    if (entry.objective > (best.get(entry.snrDb)?.objective ?? -Infinity)) best.set(entry.snrDb, entry);
  }
  return [...best.values()];
}

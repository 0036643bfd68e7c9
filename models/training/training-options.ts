/** What a training of the unfolded network can be told, and what it does when it is not. */
import { z } from 'zod';
import { BeamrigError } from '../../errors/beamrig-error.ts';

const count = z.int().positive();

export const trainingOptionsSchema = z.strictObject({
  /** 'beamrig' learns logarithms that lean on the SNR; 'paper' is the recipe of paper 001 taken literally. */
  recipe: z.enum(['beamrig', 'paper']).default('beamrig'),
  /** Where the model goes; its card lies beside it as .json. The file's name is the model's id. */
  output: z.string().endsWith('.onnx'),
  elements: count.default(32),
  rfChains: count.default(4),
  users: count.default(4),
  /** I and J. */
  layers: count.default(10),
  innerSteps: count.default(10),
  /** Coefficients of each step's polynomial in the SNR (1 = one number a step, as in the paper). */
  stepCoefficients: count.max(4).default(3),
  paths: count.default(10),
  channels: count.default(500),
  validationChannels: count.default(200),
  /** 0 exports the starting steps. */
  epochs: z.int().nonnegative().default(30),
  batch: count.default(50),
  learningRate: z.number().positive().default(0.04),
  /** Clips what one channel's gradient says about relative changes of its steps; the paper's recipe does not clip. */
  clipNorm: z.number().positive().default(1),
  seed: z.int().default(1),
  scale: z.enum(['unit-element', 'paper-001']).default('unit-element'),
  /** Each channel of a batch draws its SNR from here, in the scale above. −8 dB covers the paper's scale from 0 dB on. */
  snrRangeDb: z.tuple([z.number(), z.number()]).default([-8, 22]),
  /** A checkpoint to go on from. */
  resume: z.string().optional(),
});

export type TrainingOptions = z.output<typeof trainingOptionsSchema>;
export type TrainingRequest = z.input<typeof trainingOptionsSchema>;

/** What paper 001, section IV, says; the SNR range is that of its Fig. 2(b), for it names none for training. */
const paperRecipe: Partial<TrainingRequest> = {
  stepCoefficients: 1,
  epochs: 20,
  learningRate: 0.001,

  snrRangeDb: [0, 20],
};

/** @throws BeamrigError 'argument', naming the option */
export function parseTrainingOptions(request: TrainingRequest): TrainingOptions {
  const told = Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
  const parsed = trainingOptionsSchema.safeParse(request.recipe === 'paper' ? { ...paperRecipe, ...told } : told);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new BeamrigError('argument', `training: ${issue.path.join('.')}: ${issue.message}`, { wayOut: 'correct this option' });
  }
  const options = parsed.data;
  if (options.snrRangeDb[0] > options.snrRangeDb[1]) {
    throw new BeamrigError('argument', `training: snrRangeDb: ${options.snrRangeDb.join(' … ')} runs backwards`, {
      wayOut: 'give the lower end first',
    });
  }
  if (options.recipe === 'paper' && options.stepCoefficients !== 1) {
    throw new BeamrigError('argument', "training: stepCoefficients: the paper's recipe has one number a step", {
      wayOut: 'leave it out',
    });
  }
  return options;
}

/** Everything that decides the result: the output's place and the checkpoint do not. */
export function decidingOptions(options: TrainingOptions): string {
  const { output: _output, resume: _resume, ...deciding } = options;
  return JSON.stringify(deciding);
}

/** The command that makes the same file. */
export function trainingCommand(options: TrainingOptions, output: string): string {
  const {
    elements,
    rfChains,
    users,
    layers,
    innerSteps,
    channels,
    epochs,
    batch,
    learningRate,
    seed,
    scale,
    snrRangeDb,
    recipe,
  } = options;
  const words = [
    `--elements ${elements} --rf-chains ${rfChains} --users ${users} --layers ${layers} --inner-steps ${innerSteps}`,
    `--channels ${channels} --epochs ${epochs} --batch ${batch} --learning-rate ${learningRate} --seed ${seed}`,
    `--scale ${scale} --snr-range=${snrRangeDb.join(',')} --recipe ${recipe} --output ${output}`,
  ];
  return `beamrig train unfolded-pga ${words.join(' ')}`;
}

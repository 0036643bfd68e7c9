/** Where the training of unfolded PGA starts. */
import { alternatingSteps, type StepSizes } from '../unfolded-ascent/step-sizes.ts';

/**
 * From a rough search over constant steps (10 layers of 10 steps, N = 32): λ = 1e-3, μ = 0.1 at 10 dB and tenfold less for 10 dB more. λ falls
 * with 1∕N², since the digital gradient's slope grows with ‖H·A‖².
 */
export const fallingSteps = ({
  elements,
  ...sizes
}: Omit<Parameters<typeof alternatingSteps>[0], 'logMu' | 'logLambda'> & { elements: number }): StepSizes =>
  alternatingSteps({ ...sizes, logMu: [Math.log(0.1), -Math.LN10], logLambda: [Math.log(1e-3 * (32 / elements) ** 2)] });

/** The block `sensing` of the rig file: where the array should also radiate. */
import * as z from 'zod';
import { filePath, FROM_HERE } from './rig-fields.ts';

/** Width of the box around a direction where nobody says it, degrees. */
export const DEFAULT_WIDTH_DEG = 10;
/** ω where nobody says it, as paper 000 has it. */
export const DEFAULT_SENSING_WEIGHT = 0.3;

export const sensingSchema = z
  .strictObject({
    directionsDeg: z
      .array(z.number().min(-90).max(90))
      .min(1)
      .max(64)
      .optional()
      .describe(
        'Azimuths to look at, degrees from broadside, positive towards element 0. Every element radiates the same power.',
      ),
    widthDeg: z
      .number()
      .gt(0)
      .max(180)
      .optional()
      .describe(
        `Width of the box around each direction in which the beampattern should be flat, degrees. Left out: ${DEFAULT_WIDTH_DEG}.`,
      ),
    covariance: filePath
      .optional()
      .describe(
        `Instead of directions: a NumPy file with the covariance to radiate, [N, N] complex or [N, N, 2] real, of any power, ${FROM_HERE}.`,
      ),
    weight: z
      .number()
      .min(0)
      .max(1_000_000)
      .default(DEFAULT_SENSING_WEIGHT)
      .describe(
        'ω: what a unit of the covariance error τ = ‖XXᴴ − Ψ‖² costs in bit/s/Hz, for objective: rate-sensing and the metric R − ωτ. σ² is 1 and P is the SNR.',
      ),
  })
  .describe(
    'Where the array should also radiate, to sense. Records tell how far each beam is from that, whatever the objective; objective: rate-sensing weighs it against the rates.',
  );

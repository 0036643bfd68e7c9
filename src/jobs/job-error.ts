/** What went wrong with a job, as it passes from one process to another. */
import * as z from 'zod';
import { BeamrigError, isBeamrigError, type ErrorCode } from '../../core/errors/beamrig-error.ts';

export const jobErrorSchema = z.object({
  code: z.string().transform((code) => code as ErrorCode),
  message: z.string(),
  wayOut: z.string().optional(),
});
export type JobError = z.output<typeof jobErrorSchema>;

export function toJobError(error: unknown): JobError {
  if (!isBeamrigError(error))
    return { code: 'internal', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  const { code, message, wayOut } = error;
  return { code, message, ...(wayOut === undefined ? {} : { wayOut }) };
}

export const ofJobError = ({ code, message, wayOut }: JobError): BeamrigError =>
  new BeamrigError(code, message, wayOut === undefined ? {} : { wayOut });

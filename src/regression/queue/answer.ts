/** What a worker answers with: an attempt, and where its run folder is when it was to be kept. Or that it was told to stop. */
import * as z from 'zod';
import { attemptSchema } from '../results.ts';
import { sentFileSchema } from './files.ts';

export const answerSchema = z.union([
  z.object({
    attempt: attemptSchema,
    /** Words as base64, where they were wanted. */
    words: z.array(z.string()).optional(),
    /** Of a run folder that comes back; paths from the folder that the submitter gave. */
    kept: z.array(sentFileSchema).optional(),
    /** 'lab-b-4711:/tmp/beamrig-kept/…': one that is too large to be sent lies there. */
    liesAt: z.string().optional(),
  }),
  z.object({ stopped: z.literal(true) }),
]);
export type Answer = z.output<typeof answerSchema>;

/** So often a job is begun again whose worker was lost; then it is the job. */
export const MOST_LOST = 2;

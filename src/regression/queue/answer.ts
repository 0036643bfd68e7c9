/** What a worker answers with: an attempt, and where its run folder is when it was to be kept. */
import * as z from 'zod';
import { sentFileSchema } from '../../jobs/files.ts';
import { attemptSchema } from '../results.ts';

export const answerSchema = z.object({
  attempt: attemptSchema,
  /** Words as base64, where they were wanted. */
  words: z.array(z.string()).optional(),
  /** Of a run folder that comes back; paths from the folder that the submitter gave. */
  kept: z.array(sentFileSchema).optional(),
  /** 'lab-b-4711:/tmp/beamrig-kept/…': one that is too large to be sent lies there. */
  liesAt: z.string().optional(),
});
export type Answer = z.output<typeof answerSchema>;

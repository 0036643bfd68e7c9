/** What lies in the queue: a job on its way to a worker, and what comes back. What a job and its answer are, only their kind knows. */
import * as z from 'zod';
import { sentFileSchema } from './files.ts';
import { jobErrorSchema } from './job-error.ts';

export const travellingSchema = z.object({
  run: z.string().regex(/^[0-9a-f-]{36}$/),
  job: z.unknown(),
  /** Of the folder that it is done in. */
  files: z.array(sentFileSchema).max(10_000),
});
export type Travelling = z.output<typeof travellingSchema>;

export const returnedSchema = z.union([
  z.object({ error: jobErrorSchema }),
  /** It was told to stop. */
  z.object({ stopped: z.literal(true) }),
  z.object({ answer: z.unknown() }),
]);
export type Returned = z.output<typeof returnedSchema>;

/** So often a job is begun again whose worker was lost; then it is the job. */
export const MOST_LOST = 2;

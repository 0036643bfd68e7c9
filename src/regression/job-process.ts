/** The process in which scenarios are played. */
import { serveJobs } from '../jobs/serve-jobs.ts';
import { playJob } from './job.ts';

serveJobs(playJob);

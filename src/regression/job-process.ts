/** The process in which jobs are played, one after the other: whatever a scenario does to it, it can be killed. */
import { playJob, type Job } from './job.ts';

process.on('disconnect', () => process.exit(0));
// Ctrl-C on a terminal goes to this process, too; whoever asked decides when it ends.
process.on('SIGINT', () => undefined);
process.on('message', (job: Job) => {
  void playJob(job).then((attempt) => process.send?.(attempt));
});
process.send?.('ready');

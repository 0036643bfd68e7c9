/** A queue that a command has its jobs done through, which is loaded only then: Ctrl-C takes the jobs back. */
import type { Submitter } from '../jobs/submitter.ts';
import { printError } from './output.ts';
import { onStopSignal } from './stop-signal.ts';

/** @throws {BeamrigError} 'argument' for an address that is none, 'queue' within seconds where there is no Redis */
export async function openQueue(
  address: string,
): Promise<{ submitter: Submitter; stop: AbortSignal; close: () => Promise<void> }> {
  const { openSubmitter } = await import('../jobs/submitter.ts');
  const stop = new AbortController();
  const submitter = await openSubmitter({ address, signal: stop.signal, onSay: (text) => printError(`queue: ${text}`) });
  const release = onStopSignal(() => stop.abort());
  return {
    submitter,
    stop: stop.signal,
    close: async () => {
      release();
      await submitter.close();
    },
  };
}

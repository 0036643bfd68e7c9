/**
 * Ctrl-C and kin: the first one asks to stop, so that the array goes to its safe state and the summary is written; a later one means it, and
 * ends the process whatever hangs. A reader that has gone (`beamrig run … | head`) is a request to stop, too, and so is a closed terminal.
 */
import { readerGone } from './outlet.ts';
import { stdout } from './output.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** One Ctrl-C arrives twice under `npm start`: from the terminal, and passed on by npm. */
const SAME_KEY_MS = 1000;

/**
 * Calls once at the first signal; the returned function lets go, unless that has come: its second half may be late and must not end a good end.
 * @param last called at a second one, right before the process ends
 */
export function onStopSignal(call: () => void, last: () => void = () => undefined): () => void {
  let askedAtMs: number | undefined;
  const ask = (signal?: NodeJS.Signals): void => {
    if (askedAtMs === undefined) {
      askedAtMs = performance.now();
      call();
    } else if (signal !== undefined && performance.now() - askedAtMs > SAME_KEY_MS) {
      try {
        last();
      } finally {
        endAt(signal);
      }
    }
  };
  // Nobody reads any more, or nothing could be said from the start. A disk that fills up later is no reason to stop: the end tells of it.
  const unheard = (failure: NodeJS.ErrnoException): void => {
    if (askedAtMs === undefined && (readerGone(failure) || !stdout().worked)) ask();
  };
  for (const signal of SIGNALS) process.on(signal, ask);
  const letGo = stdout().onFailure(unheard);
  return () => {
    if (askedAtMs !== undefined) return;
    for (const signal of SIGNALS) process.removeListener(signal, ask);
    // What is still printed after the end must not fail for want of a reader.
    stdout().onFailure(() => undefined);
    letGo();
  };
}

/**
 * What the system does at a signal that nobody listens to. `process.exit` would first wait for threads, which may hang; a shell tells both
 * in the same way (130 for Ctrl-C).
 */
function endAt(signal: NodeJS.Signals): never {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  process.kill(process.pid, 'SIGKILL');
  process.exit(130);
}

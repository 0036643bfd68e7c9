/** The end of a command that must end whatever still hangs. */
import { isatty } from 'node:tty';

/** Standard descriptors that were a terminal when the command began. */
const terminals = [0, 1, 2].filter((fd) => isatty(fd));

/**
 * Ends the process while a thread waits for what may never come, a disk: `process.exit` would wait for that thread. No exit code of our own can be
 * had then; the system's (137 in a shell) is a failure, too.
 */
export function endHanging(): never {
  process.kill(process.pid, 'SIGKILL');
  process.exit(1);
}

/**
 * Ends the process with this code. Where its terminal was closed meanwhile it ends by SIGHUP, as the system does then: Node would crash while
 * it puts a terminal back that is gone, and a crash is what a shell or a supervisor would be told of.
 */
export function endProcess(code: number): never {
  if (terminals.some((fd) => !isatty(fd))) {
    process.removeAllListeners('SIGHUP');
    process.kill(process.pid, 'SIGHUP');
  }
  process.exit(code);
}

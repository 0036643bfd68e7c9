/** Child processes that must not outlive the process that started them, however it ends short of kill -9. */
import type { ChildProcess } from 'node:child_process';

export function endWithUs(child: ChildProcess): void {
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.removeListener('exit', kill));
}

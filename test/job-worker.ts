/** `beamrig worker` as a process of its own, which can be killed. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { endWithUs } from '../scripts/end-with-us.ts';
import type { Program } from '../src/jobs/program-identity.ts';
import type { WorkerEvent } from '../src/jobs/worker.ts';
import { BEAMRIG, builtModule } from './built-program.ts';

type Identity = typeof import('../src/jobs/program-identity.ts');

/** What such workers are of: jobs of a submitter that says the same are theirs. */
export const builtProgram: Program = (await builtModule<Identity>('src/jobs/program-identity.ts')).programIdentity();

export interface StartedWorker {
  readonly name: string;
  /** What it has said so far. */
  readonly events: readonly WorkerEvent[];
  readonly hasEnded: () => boolean;
  /** Pulls the plug: no chance to finish anything. */
  kill(): void;
}

/** Resolves once it waits for jobs. It does one at a time, and its jobs go to others two seconds after it was last heard of. */
export async function startWorker(address: string): Promise<StartedWorker> {
  const words = ['worker', '--queue', address, '--workers', '1', '--lost-after', '2', '--until-idle', '100', '--json'];
  const child = spawn(process.execPath, [...BEAMRIG, ...words], { stdio: ['ignore', 'pipe', 'ignore'] });
  endWithUs(child);
  const events: WorkerEvent[] = [];
  const ready = await new Promise<Extract<WorkerEvent, { type: 'ready' }>>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const event = JSON.parse(line) as WorkerEvent;
      events.push(event);
      if (event.type === 'ready') resolve(event);
    });
    child.once('exit', (code) => reject(new Error(`the worker ended with code ${code} before it was ready`)));
  });
  return {
    ...{ name: ready.name, events },
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    kill: () => void child.kill('SIGKILL'),
  };
}

/** The thread that finds phases for readings of power (phases.ts). */
import { parentPort } from 'node:worker_threads';
import { createRandom } from '../../../core/signal/random.ts';
import { retrievePhases } from '../../../sounding/power-only.ts';
import type { ToPhaseThread } from './phases.ts';

parentPort?.on('message', ({ sounded, powers, noise, seed }: ToPhaseThread) =>
  parentPort?.postMessage(retrievePhases(sounded, powers, noise, createRandom(seed))),
);

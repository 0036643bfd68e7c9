/**
 * Phases for readings of power, found in a thread (phase-thread.ts): that takes seconds where beams are many, and pages, links and the watchdog are heard
 * meanwhile. The thread ends with what it was asked.
 */
import type { CMatrix } from '../../../core/signal/complex-matrix.ts';
import type { Random } from '../../../core/signal/random.ts';
import { startComputing } from '../../../models/engine/parallel-threads.ts';
import { requireReadings, type ChannelEstimate } from '../../../sounding/estimator.ts';
import { channelOfPhases, type Retrieved } from '../../../sounding/power-only.ts';
import type { SeenDirections } from '../../../sounding/seen-directions.ts';
import { unlessStopped } from '../within-time.ts';

export interface ToPhaseThread {
  readonly sounded: SeenDirections;
  readonly powers: CMatrix;
  readonly noise: number;
  /** Of the phases that are drawn to begin with. */
  readonly seed: number;
}

/** @throws {BeamrigError} as an estimator does, 'stopped' as soon as it is not wanted any more */
export async function phasesInThread(
  sounded: SeenDirections,
  powers: CMatrix,
  noise: number,
  random: Random,
  stop: AbortSignal,
): Promise<ChannelEstimate> {
  requireReadings(sounded, powers, noise);
  const seed = Math.floor(random.uniform() * Number.MAX_SAFE_INTEGER);
  const thread = startComputing(import.meta.url, 'phase-thread', undefined);
  try {
    const question: ToPhaseThread = { sounded, powers, noise, seed };
    const found = (await unlessStopped(thread.ask(question), stop)) as Retrieved[];
    return channelOfPhases(sounded, powers, noise, found);
  } finally {
    await thread.end();
  }
}

/**
 * Figures that take so long to work out that nobody would be heard meanwhile: how exact a measurement will be, and its report. Each is asked of a thread of
 * its own (figures-thread.ts), which ends with it.
 */
import type { CalibrationMethod, MethodSetup } from '../../calibration/method.ts';
import type { StateDifference } from '../../calibration/state-difference.ts';
import type { Clock } from '../../core/clock/clock.ts';
import { startComputing } from '../../models/engine/parallel-threads.ts';
import type { RigFile } from '../config/rig-file.ts';
import { unlessStopped } from '../control/within-time.ts';
import type { Source } from '../telemetry/cycle-record.ts';
import type { CalibrationResult } from './calibrate-rig.ts';
import type { CalibrationRequest } from './calibration-request.ts';
import { byName, type MethodByName } from './method-runs.ts';

/** Of one chain of usual errors. */
export interface ToExpect extends MethodByName {
  readonly setup: Omit<MethodSetup, 'random' | 'noise'> & { readonly noise: number };
}

/** RMS error of a state; or why that is not known, in words. */
export type Expected = { readonly expected: StateDifference } | { readonly unexpected: string };

export interface ToReport {
  readonly rig: RigFile;
  readonly method: Pick<CalibrationMethod, 'name' | 'about' | 'source' | 'finds'>;
  readonly result: CalibrationResult;
  readonly source: Source;
}

export type ToFigures = { readonly expect: ToExpect } | { readonly report: ToReport };

export const expectedOf = (method: CalibrationMethod, setup: ToExpect['setup'], clock: Clock): Promise<Expected> =>
  workedOut({ expect: { ...byName(method), setup } }, clock) as Promise<Expected>;

/**
 * @returns the report as HTML
 * @throws {BeamrigError} 'stopped' as soon as it is not wanted any more
 */
export function reportOf(
  { rig, method: { name, about, source: origin, finds } }: CalibrationRequest,
  result: CalibrationResult,
  source: Source,
  { clock, stop }: { clock: Clock; stop: AbortSignal },
): Promise<string> {
  const method = { name, about, source: origin, finds };
  return workedOut({ report: { rig, method, result, source } }, clock, stop) as Promise<string>;
}

async function workedOut(wanted: ToFigures, clock: Clock, stop = new AbortController().signal): Promise<unknown> {
  const thread = startComputing(import.meta.url, 'figures-thread', undefined);
  try {
    return await clock.during(unlessStopped(thread.ask(wanted), stop));
  } finally {
    await clock.during(thread.end());
  }
}

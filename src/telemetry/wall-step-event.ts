/** What a person is told when the machine's clock was set in the middle of a run. */
import type { WallStep } from '../../core/clock/clock.ts';
import type { RigEvent } from './cycle-record.ts';

export function wallStepEvent({ cause, changeMs, aheadMs }: WallStep): Omit<RigEvent, 'timeNs'> {
  const by = durationText(Math.abs(changeMs));
  const message =
    cause === 'suspended'
      ? `The computer slept for ${by} in the middle of the run.`
      : `The computer’s clock was set ${by} ${changeMs > 0 ? 'forward' : 'back'} in the middle of the run.`;
  const action =
    aheadMs === 0
      ? 'Records go on from the new time.'
      : `Times of records never go back: they go on evenly, ${durationText(aheadMs)} ahead of the clock from now on.`;
  return { level: 'warning', code: 'clock-stepped', message, action };
}

/** `8 h 0 min`, `5 min 3 s`, `0.8 s` */
function durationText(ms: number): string {
  if (ms < 60_000) return `${Number((ms / 1000).toFixed(1))} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

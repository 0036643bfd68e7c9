/** What a loop tells of its own doing, and what it says of its rig: the words and nothing else. */
import { endsSession } from '../panel/panel-life-cycle.ts';
import type { Beamformer } from '../beamforming/beamformer.ts';
import type { RigEvent } from '../telemetry/cycle-record.ts';
import type { ArrayCalibration } from './array-calibration.ts';
import type { Choice } from './active-beamformer.ts';
import type { FinishedCycle, PreparedCycle } from './control-cycle.ts';
import type { RigDescription } from './controller.ts';

type Event = Omit<RigEvent, 'timeNs'>;

/** What does not change of a rig, and what is so now. */
export function describedNow(
  description: RigDescription,
  { beamformer, phaseBits }: Choice,
  now: Omit<Partial<RigDescription>, 'safe'> & { array: ArrayCalibration | undefined; muted: boolean; confirmed: boolean },
): RigDescription {
  const { array, muted, confirmed, ...rest } = now;
  const safe = muted ? ({ state: 'mute', azimuthDeg: null } as const) : description.safe;
  return {
    ...description,
    ...rest,
    ...(array === undefined ? {} : { calibration: array.about, calibrated: array.boards }),
    modelId: beamformer.id,
    engine: beamformer.engine ?? null,
    steps: beamformer.steps ?? null,
    byHand: beamformer.kind === 'by-hand' ? beamformer.title : null,
    byHandMadeBy: array !== undefined && beamformer.madeBy !== array.id ? (beamformer.madeBy ?? null) : null,
    phaseBits,
    models: description.models.map((each) => (each.id === beamformer.id ? { ...each, title: beamformer.title } : each)),
    safe: { ...safe, confirmed },
  };
}

export const RESUMED: Event = { level: 'info', code: 'resumed', message: 'The rig runs again.' };

/** @param unsafe why the array is not known to be safe */
export const paused = (safeState: string, unsafe: string | undefined): Event => ({
  level: 'info',
  code: 'paused',
  message: 'The rig is paused.',
  action: unsafe ?? `The array shows its safe state '${safeState}'.`,
});

export const muted = (unsafe: string | undefined): Event => ({
  level: unsafe === undefined ? 'info' : 'error',
  code: 'muted',
  message: unsafe === undefined ? 'The array is muted.' : `The array was told to be mute and has not confirmed it: ${unsafe}.`,
});

export const faulted = (code: string, message: string): Event => ({
  level: 'error',
  code,
  message,
  action: 'The array goes to its safe state; stop the rig, repair the cause, start again.',
});

/** A beamformer that looks for its users learns by what they measure. @returns its news, where there are some */
export function beamHeard(
  beamformer: Beamformer,
  { beam }: PreparedCycle,
  { record, doubt, failure }: FinishedCycle,
  isLost: boolean,
): Event | undefined {
  if (beam === undefined || beamformer.heard === undefined) return undefined;
  const measuredDb = record.outcome === 'ok' && doubt === undefined ? record.measuredSnrDb : undefined;
  const isAway = isLost || (failure?.panel !== undefined && endsSession(failure.panel));
  const message = beamformer.heard(beam, { measuredDb, predictedDb: record.predictedSnrDb, isAway });
  return message === undefined ? undefined : { level: 'info', code: 'beam-search', message };
}

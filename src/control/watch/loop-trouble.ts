/** Why a rig does not do what it should, as scripts and /healthz are told. */
import { inSeconds } from '../array-safety.ts';
import type { ControllerState } from '../controller.ts';

export interface LoopSigns {
  state: ControllerState;
  faultMessage: string | undefined;
  /** Why the panel is lost, while it is. */
  loss: string | undefined;
  /** How long no cycle has turned, where that is too long. */
  stuckMs: number | undefined;
  /** How long every cycle has failed, where that is too long, and how the newest did. */
  tooLong: { ms: number; message: string } | undefined;
  /** What the loop waits for. */
  waitsFor: string;
}

/** In words; undefined when all is well. */
export function troubleOf({ state, faultMessage, loss, stuckMs, tooLong, waitsFor }: LoopSigns): string | undefined {
  if (state === 'faulted') return faultMessage;
  if (loss !== undefined && (state === 'running' || state === 'paused')) {
    return `the panel is lost, and every cycle is void until it is back: ${loss}`;
  }
  if (stuckMs !== undefined) return `no cycle has turned for ${inSeconds(stuckMs)}: the loop waits for ${waitsFor}`;
  if (tooLong === undefined || state !== 'running') return undefined;
  return `every cycle has been void for ${inSeconds(tooLong.ms)}: ${tooLong.message}`;
}

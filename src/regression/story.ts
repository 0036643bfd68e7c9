/** What happened when a scenario was played once: all that its checks look at. Times are seconds after the first cycle began. */
import type { ControlResult } from '../control/controller.ts';
import type { RigEvent } from '../telemetry/cycle-record.ts';
import type { Action } from './timeline-schema.ts';

export type Kind = 'measured' | 'predicted' | 'true';

/** Of one cycle. */
export interface CycleSeen {
  cycle: number;
  atS: number;
  ok: boolean;
  /** Of a void one: why. */
  failure?: string;
  beamId: number;
  /** By user; NaN where nothing is known. */
  sinrDb: Record<Kind, Float64Array>;
  /** bit/s/Hz */
  sumRate: Record<Kind, number>;
  zfSumRate: number;
}

export interface EventSeen extends Pick<RigEvent, 'level' | 'code' | 'message' | 'action'> {
  atS: number;
}

export interface ActionSeen {
  action: Action;
  label: string;
  beganS: number;
  /** Of one that lasts: when it was over. */
  endedS?: number;
  /** Of the operator's. */
  answer?: ControlResult;
  /** It cannot be played on this bench. */
  skipped?: true;
}

/** A panel shows another kind of thing: nothing, beams of cycles, or the fixed beam of the safe state. */
export interface ShownSeen {
  atS: number;
  panel: number;
  what: 'dark' | 'beam' | 'codeword';
  beamId: number;
}

export interface Story {
  cycles: CycleSeen[];
  events: EventSeen[];
  actions: ActionSeen[];
  shown: ShownSeen[];
  /** Words of good cycles from the first on, as many as were asked for: N·M each. */
  words: Uint16Array[];
  panels: number;
  /** Whether somebody sees what panels show, and what is true. */
  seen: { shown: boolean; truth: boolean };
  /** What must hold in every run and did not, in words. */
  unsound: string[];
  end: {
    as: 'stopped' | 'faulted' | 'refused';
    /** Of a rig that was refused. */
    code?: string;
    reason?: string;
    atS: number;
    /** Why the array may still radiate. */
    unsafe?: string;
  };
  /** RMS by which states differ from what tables say, degrees; where that is known. */
  calibrationErrorDeg?: number;
  /** Of the database: records that did not reach it. */
  recordsMissing?: number;
  /** What was under test. */
  facts: Record<string, string>;
  runFolder: string;
}

export const goodCycles = (
  { cycles }: Story,
  { fromS, toS = Infinity }: { fromS: number; toS?: number | undefined },
): CycleSeen[] => cycles.filter(({ ok, atS }) => ok && atS >= fromS && atS < toS);

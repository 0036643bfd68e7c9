/**
 * What a scenario is played on: panels at the far ends of links, in a world of users. The rig in front of it is the real one, from rig file to
 * records; what is behind is here, with what can be done to it and what is known of it. One file beside this one for each kind.
 */
import type { Clock } from '../../core/clock/clock.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import type { RigFile } from '../config/rig-file.ts';
import type { AssembleOptions } from '../rig/assemble.ts';
import type { Action, ActionName } from './timeline-schema.ts';

/** What a panel shows from now on; undefined: nothing. */
export interface Shown {
  panel: number;
  beam: { beamId: number; words: Uint16Array } | undefined;
}

/** The truth of a moment, which no rig with hardware can know. */
export interface Truth {
  /** SINR of each user, linear. */
  sinr: Float64Array;
}

export interface Bench {
  /** As the controller reads it: its links lead to the panels of the bench. */
  readonly rig: RigFile;
  readonly clock: Clock;
  readonly time: 'virtual' | 'real';
  /** What the rig is assembled with beside that. */
  readonly assembling: Pick<AssembleOptions, 'createLink' | 'world'>;
  /** Elements of each panel, in its order; it knows each beam of the array by these. Empty where nobody sees what panels show. */
  readonly panelElements: readonly (readonly number[])[];
  /** Entries of a timeline, beside the operator's, that can be played here. */
  readonly plays: ReadonlySet<ActionName>;
  /** Begins what an entry says. @returns ends it, where it has an end */
  play(action: Action): Promise<(() => Promise<void>) | undefined>;
  /** Seconds since the first cycle began, by which the world goes. */
  begin(): void;
  /** Undefined where nobody knows. */
  truth(): Truth | undefined;
  /** What each place shows of each word now, N·M×2^Q; undefined where nobody knows. */
  states(): CMatrix | undefined;
  onShown(listener: (shown: Shown) => void): void;
  /** What was under test, for the report: `firmware`, say. */
  readonly facts: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** What the operator does is played by the controller, on every bench. */
export const OPERATOR: ReadonlySet<ActionName> = new Set([
  'pause',
  'run',
  'mute',
  'stop',
  'switch-model',
  'set-phase-bits',
  'steer',
  'calibrate',
]);

/** The panels that a rig has, as the control loop knows them: all of its hardware, or its simulator. */
import type { Capabilities, SafeState } from '../../firmware-protocol/messages.ts';
import type { PanelFailure, Result } from '../panel/panel.ts';
import type { RigEvent } from '../telemetry/cycle-record.ts';
import type { BeamIds } from './beam-ids.ts';
import type { CyclePanel } from './control-cycle.ts';
import type { LinkDescription, SafeBeam } from './controller.ts';
import type { PanelRecovery, SafeOfPanel } from './panel-recovery.ts';

/** Parts of an array that do not show one thing together. */
export interface Apart {
  message: string;
  /** Set when one of them could not be asked. */
  failure?: PanelFailure;
}

/** One of the panels that the rig has: all of its hardware, or its simulator. */
export interface RigPanel extends CyclePanel {
  /** It has a session. */
  connected: boolean;
  /** Opens, shakes hands, and checks it against the rig. */
  connect(): Promise<Result<Capabilities>>;
  /** Where it has several parts, one of which is lost: tells those within reach to enter the safe state, unless they have. */
  makePartsSafe?(): Promise<void>;
  /** How the newest cycle fared on it, for `links` to tell whose fault it is; it may have news of its own. */
  fared?(failure: PanelFailure | undefined, tell: (event: Omit<RigEvent, 'timeNs'>) => void): void;
  /** Where it has several parts: why what they show together is not this safe state, or no beam; undefined when all is well. */
  apart?(safe: SafeState): Promise<Apart | undefined>;
  links(): LinkDescription[];
}

/** What the array shows when nobody steers it. */
export interface SafeChoice {
  state: SafeState;
  /** The fixed beam of 'codeword', for the panels that are to show it. */
  beam?: (on: CyclePanel) => SafeBeam;
}

/** Of one panel. */
export function safeOn({ state, beam }: SafeChoice, on: CyclePanel): SafeOfPanel {
  if (beam === undefined) return { state };
  return {
    state,
    beam: () => {
      const { phaseBits, words } = beam(on);
      return { phaseBits, words };
    },
  };
}

/** A panel that cycles run on, or could. */
export interface Candidate {
  rigPanel: RigPanel;
  recovery: PanelRecovery;
  beamIds: BeamIds;
  /** It was given a beam since it last confirmed its safe state. */
  mayRadiate: boolean;
}

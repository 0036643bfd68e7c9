/** A scenario and its cases, as they were read and found to be right. */
import type { Carrier, MatrixAxis, ScenarioText } from './scenario-schema.ts';

/** A scenario as read, with what it is about to be played on. Plain data: it travels to other processes and machines. */
export interface Scenario {
  /** As people know the file: from where the command was typed. Of an object: its name, and that it is one. */
  file: string;
  /** Its folder, absolute. */
  folder: string;
  text: ScenarioText;
  /** Keys of its rig, with `with` put in, before the matrix. */
  rig: Record<string, unknown>;
  /** What paths in the rig are relative to. */
  rigFolder: string;
}

export interface ReadScenario extends Scenario {
  /** Of the file, or of the object as JSON. */
  sha256: string;
  cases: Case[];
}

export type Coordinates = Partial<Record<MatrixAxis, string | number>>;

/** One combination. */
export interface Case {
  /** 'quantiser=array snrDb=10'; '' where the scenario has no matrix. */
  id: string;
  coordinates: Coordinates;
  carrier: Carrier;
  panels: number;
  /** Keys of its rig, without links. */
  rig: Record<string, unknown>;
}

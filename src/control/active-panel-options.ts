/** What the panel that cycles run on is made from, and what can be asked of it. How it moves is in active-panel.ts. */
import type { Clock } from '../../core/clock/clock.ts';
import type { Random } from '../../core/signal/random.ts';
import type { BeamId } from '../../firmware-protocol/messages.ts';
import type { PanelFailure } from '../panel/panel.ts';
import type { RigEvent, Source } from '../telemetry/cycle-record.ts';
import type { LentArray } from './array-calibrator.ts';
import type { CyclePanel } from './control-cycle.ts';
import type { LinkDescription } from './controller.ts';
import type { RigPanel, SafeChoice } from './rig-panel.ts';

export interface ActivePanelOptions {
  /** Where the run begins. */
  first: RigPanel;
  /** The simulator of a run that began on hardware and may fall back at any time, or the hardware that such a run waits for. */
  other?: RigPanel;
  /** Move to the simulator when the hardware is lost; otherwise cycles are void until it is back. */
  fallBack: boolean;
  /** Why the run begins where it begins. */
  reason: string;
  clock: Clock;
  /** For the jitter of back-off. */
  random: Random;
  safe: SafeChoice;
  silenceMs: number;
  goodCycle: { limitMs: number; trialMs: number };
  tell: (event: Omit<RigEvent, 'timeNs'>) => void;
  /** A safe state that was commanded blind is confirmed by one of them. */
  onSafe?: () => void;
}

export interface ActivePanelDescription {
  source: Source;
  sourceReason: string;
  sourceSinceMs: number;
  links: LinkDescription[];
}

export interface ActivePanel {
  /** The panel of this cycle. */
  readonly panel: CyclePanel;
  readonly rigPanel: RigPanel;
  readonly lost: boolean;
  /** Why, while it is. */
  readonly loss: string | undefined;
  /** The panel goes to its safe state by itself when it hears nothing. */
  readonly guarded: boolean;
  /** Whatever this run may have left radiating has confirmed the safe state, or that it is muted, and was given no beam since. */
  readonly confirmed: boolean;
  /** Tells the panel its safe state, before the first cycle. */
  arm(): Promise<void>;
  /** Before every cycle: moves where a move is due, recovers what is lost, arms what is not. Rejects with 'stopped' when the signal aborts. */
  ready(signal: AbortSignal): Promise<{ unusable: string } | undefined>;
  beamId(slot: number): Promise<BeamId>;
  worked(): void;
  /** A beam between cycles was shown and heard. */
  heard(): void;
  failed(failure: PanelFailure): { unusable: string } | undefined;
  /** Commands the safe state wherever this run may have left something radiating, before this returns, and without waiting for anybody. False: no link took it. */
  commandSafe(): boolean;
  /** And waits for it to be confirmed. Returns words when it is not, after `withinMs` at the latest. */
  makeSafe(withinMs?: number): Promise<string | undefined>;
  /** Makes dark whatever this run may have left radiating, also where the safe state is another, until the next beam. Returns words when it is not confirmed. */
  mute(): Promise<string | undefined>;
  readonly muted: boolean;
  /** The hardware has several parts, and one alone can leave the others radiating what is no beam, whatever the safe state. */
  readonly mayComeApart: boolean;
  /** The simulator stands in for hardware that is lost or was not found. */
  readonly standsIn: boolean;
  /** For a measurement, while no cycle runs: until it is taken back, its safe state never is to hold what it shows. */
  lend(): LentArray;
  /** Makes it safe and begins a new session on it, in which beams are those of cycles again. Returns words where it did not confirm that it is safe. */
  takeBack(): Promise<string | undefined>;
  /** Between cycles that are long apart: makes safe, and looks for what is missing, where the hardware has come apart. Told once. */
  lookAfter(signal: AbortSignal): Promise<void>;
  describe(): ActivePanelDescription;
  /** The highest that the panels of this cycle said last, °C; null where none was asked. */
  temperatureC(): number | null;
  close(): Promise<void>;
}

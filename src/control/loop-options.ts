/** What a control loop is made of, and what comes of it. */
import type { Random } from '../../core/signal/random.ts';
import type { Beamformer } from '../beamforming/beamformer.ts';
import type { CycleSink, RigEvent } from '../telemetry/cycle-record.ts';
import type { ArrayCalibrator } from './array-calibrator.ts';
import type { BetweenCycles } from './between-cycles.ts';
import type { CycleSetting } from './control-cycle.ts';
import type { Controller, HandWish, RigDescription } from './controller.ts';
import type { RigPanel, SafeChoice } from './rig-panel.ts';
import type { ArrayHealth } from './array-health.ts';
import type { BoardElements } from './watch/prediction-watch.ts';

export interface ControlLoopOptions {
  setting: CycleSetting;
  /** The panel that the run begins on. */
  panel: RigPanel;
  /** The simulator that may stand in for it, or the hardware that may yet appear. */
  otherPanel?: RigPanel;
  /** Move to the simulator whenever the hardware is lost. Default: cycles are void until it is back. */
  fallBack?: boolean;
  /** What does not change of the description; the rest is filled in. */
  description: RigDescription;
  beamformer: Beamformer;
  /** Opens a model or baseline by its id for phases of so many bits, checked against the rig. Throws BeamrigError with the reason. */
  openBeamformer: (id: string, phaseBits: number) => Promise<Beamformer>;
  /** Beams that somebody asks for. Throws BeamrigError with the reason. Absent: none can be had. */
  byHand?: (wish: HandWish) => Beamformer;
  /** Measures the array between two cycles, when somebody asks. Absent: nobody can. */
  calibrator?: ArrayCalibrator;
  /** Names of the beams that are kept by now. Throws BeamrigError where nobody can say. */
  keptBeams?: () => readonly string[];
  /** Elements that hang together on a board, a clock or a cable, where that is known. */
  boards?: readonly BoardElements[];
  /** What is known of single elements; default: nothing is, before the watch finds something. */
  health?: ArrayHealth;
  /** What else is to be done on the panel, between cycles. */
  between?: readonly BetweenCycles[];
  /** 0 = as fast as it goes. */
  rateHz: number;
  pipelined: boolean;
  /** How long the model may take before its cycle is void, ms: a panel bears so much silence. Default 2000. */
  deadlineMs?: number;
  /** How long a beam takes over the slowest wire, ms. Default 0. */
  transferMs?: number;
  /** When no cycle turned for so long, ms, the array is commanded to its safe state. Default: more than any rig needs that is only slow. */
  watchdogMs?: number;
  /** Ends after so many cycles; without it, when the channels end or when it is stopped. */
  cycles?: number;
  safe: SafeChoice;
  /** For the jitter of back-off. */
  random: Random;
  sink: CycleSink;
  /** Lets go of what lies behind the panels (the simulator), once they are closed. */
  release?: () => void;
  /** Told at the start, when whoever listens is there: a fallback, say. */
  firstEvents?: Omit<RigEvent, 'timeNs'>[];
}

export interface RunOutcome {
  /** 'done': all cycles were run. 'faulted': the loop gave up, `message` says why, and the array is in its safe state. */
  reason: 'done' | 'stopped' | 'faulted';
  cycles: number;
  voidCycles: number;
  message?: string;
}

/** @param faultMessage why the loop gave up, where it did */
export function outcomeOf(
  faultMessage: string | undefined,
  stoppedByHand: boolean,
  cycles: number,
  voidCycles: number,
): RunOutcome {
  if (faultMessage !== undefined) return { reason: 'faulted', cycles, voidCycles, message: faultMessage };
  return { reason: stoppedByHand ? 'stopped' : 'done', cycles, voidCycles };
}

export interface ControlLoop extends Controller {
  /** Runs until the cycles are done, somebody stops it, or it faults. Once. */
  start(): Promise<RunOutcome>;
  /** Commands the safe state now, blind: before anything else of an end. False: no link took it. */
  commandSafe(): boolean;
  /** Once stopped: what the panel said, or did not, when it was told to make the array safe; undefined when it confirmed. */
  readonly unsafe: string | undefined;
}

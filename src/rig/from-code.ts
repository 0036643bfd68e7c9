/** A rig as other programs open it: from its file or from an object, without page and without records. */
import { createRealClock } from '../../core/clock/real-clock.ts';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { checkRig, readRigFile, type RigFile, type RigInput } from '../config/rig-file.ts';
import { refuseRigFile } from '../config/rig-yaml.ts';
import type { RunOutcome } from '../control/control-loop.ts';
import type { Controller } from '../control/controller.ts';
import type { CycleRecord, RigEvent, Source } from '../telemetry/cycle-record.ts';
import { assembleRig } from './assemble.ts';

/** All may be left out. */
export interface OpenRigOptions {
  /** Folder that paths of a rig given as an object are relative to. Default: the working folder. A rig file goes by its own. */
  folder?: string;
  /** Seed of everything random, 0 … 2³² − 1, instead of the rig's. */
  seed?: number;
  /** Ends the run after so many cycles. Left out: it runs until it is stopped, or the channels given are used up. */
  cycles?: number;
  /** H of each cycle, K×N, rows h_kᴴ, instead of simulated users. */
  channels?: readonly CMatrix[];
  /** Simulated time, as fast as the machine goes, on the simulator: the same seed gives the same records. */
  virtualTime?: boolean;
  /** Aborted, the array is commanded to its safe state and the run is stopped. */
  signal?: AbortSignal;
  /** After every cycle, void ones too. */
  onCycle?: (record: CycleRecord) => void;
  /** What a person should know, once per cause. */
  onEvent?: (event: RigEvent) => void;
}

export interface OpenRig {
  /** What it begins on. A 'played-panel' is a program and no hardware. */
  readonly source: Source;
  /** Where hardware was looked for and what was found there, a line each. */
  readonly lookedFor: readonly string[];
  /** Its verbs (pause, run, mute, switchModel, byHand, …) and what it knows of itself. */
  readonly controller: Controller;
  /** Runs to the end, once. The array is in its safe state and everything is closed when this resolves. */
  run(): Promise<RunOutcome & { /** Why the array may not be in its safe state. */ unsafe?: string }>;
  /** Commands the safe state, ends the run and closes everything; whoever opens a rig and does not run it calls this. */
  stop(): Promise<void>;
}

/**
 * Opens a rig: reaches its hardware, or the simulator where the rig allows that, and checks model, rig and panels against one another. Nothing is radiated
 * before `run`. However the process ends by itself, the safe state is commanded.
 * @param rig path of a rig file, or its keys as an object (docs/rig-file.md)
 * @throws {BeamrigError} 'rig-file' with every problem; 'no-hardware', 'link', 'key', 'panel', 'protocol-version' of hardware; 'model-missing',
 *   'model-damaged', 'model-mismatch'; 'channel-file' where channels do not fit; 'calibration-file'; 'argument'
 */
export async function openRig(rig: string | RigInput, options: OpenRigOptions = {}): Promise<OpenRig> {
  const { channels, virtualTime = false, signal, onCycle, onEvent } = options;
  const read = typeof rig === 'string' ? readRigFile(rig) : rigOf(rig, options.folder ?? process.cwd());
  const isAborted = (): boolean => signal?.aborted === true;
  if (isAborted()) throw new BeamrigError('stopped', 'asked to stop before the rig was opened');
  const assembled = await assembleRig({
    ...{ rig: read, clock: virtualTime ? createVirtualClock() : createRealClock() },
    ...{ hardware: !virtualTime, rehearse: !virtualTime, patient: virtualTime },
    ...wholeOf(options),
    ...(channels === undefined ? {} : { channels: { channels: [...channels], file: 'channels' } }),
    recorder: { cycle: (record) => onCycle?.(record), event: (event) => onEvent?.(event) },
  });
  const { controller, source, lookedFor } = assembled;
  const atExit = (): void => void (controller.state !== 'stopped' && controller.commandSafe());
  process.once('exit', atExit);
  const stop = async (): Promise<void> => {
    controller.commandSafe();
    await controller.stop();
    process.removeListener('exit', atExit);
    signal?.removeEventListener('abort', onAbort);
  };
  const onAbort = (): void => void stop();
  if (isAborted()) await stop();
  signal?.addEventListener('abort', onAbort);
  return {
    ...{ source, lookedFor, controller, stop },
    run: async () => {
      const outcome = await assembled.run().finally(stop);
      return { ...outcome, ...(controller.unsafe === undefined ? {} : { unsafe: controller.unsafe }) };
    },
  };
}

function rigOf(given: RigInput, folder: string): RigFile {
  const checked = checkRig(given, folder);
  if ('rig' in checked) return checked.rig;
  return refuseRigFile(
    'the rig',
    checked.problems.map(({ text }) => ({ position: undefined, text })),
    checked.more,
  );
}

/** @throws {BeamrigError} 'argument' */
function wholeOf(options: OpenRigOptions): { seed?: number; cycles?: number } {
  const limits = { seed: [0, 2 ** 32 - 1], cycles: [1, 1e12] } as const;
  const given: { seed?: number; cycles?: number } = {};
  for (const name of ['seed', 'cycles'] as const) {
    const { [name]: value } = options;
    if (value === undefined) continue;
    const [least, most] = limits[name];
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new BeamrigError('argument', `${name}: ${value}: not allowed; allowed: a whole number from ${least} to ${most}`);
    }
    given[name] = value;
  }
  return given;
}

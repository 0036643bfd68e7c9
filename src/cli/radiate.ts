/**
 * A rig whose beams somebody chose, for as long as is wanted: a run with nothing else in it, so that hardware, fallback, safe state and void cycles
 * are as in any run. It is not recorded: it belongs to no run. However it ends, the array goes to the safe state of its rig file.
 */
import { counted } from '../../core/errors/counted.ts';
import { createRealClock } from '../../core/clock/real-clock.ts';
import type { Beamformer } from '../beamforming/beamformer.ts';
import type { RigFile } from '../config/rig-file.ts';
import type { ControlLoop } from '../control/control-loop.ts';
import type { CycleView } from '../control/controller.ts';
import { assembleRig, type AssembleOptions, type Rig } from '../rig/assemble.ts';
import type { ChannelOrigin, CycleRecord, Source } from '../telemetry/cycle-record.ts';
import { printError } from './output.ts';
import { printable } from '../../core/errors/printable.ts';
import { onStopSignal } from './stop-signal.ts';

export interface RadiateOptions extends Pick<AssembleOptions, 'channels' | 'cycles' | 'rateHz' | 'createLink' | 'fromMemory'> {
  rig: RigFile;
  chosen: Beamformer;
  /** Ends after so long, counted from the first cycle. */
  seconds?: number;
  /** The rig is there, and radiates nothing yet. */
  onBegin?: (rig: Rig) => void;
  /** After every cycle, with its beam where it got as far; 'enough' ends it. */
  onCycle?: (record: CycleRecord, view: CycleView | undefined) => 'enough' | undefined;
}

export interface Radiated {
  source: Source;
  channelSource: ChannelOrigin;
  /** Serial numbers of the boards that radiated. */
  panels: string;
  cycles: number;
  void: number;
  /** Of the rig, or of the newest cycle. */
  failure?: string;
  /** The newest cycle that was ok. */
  ok?: CycleRecord;
  faulted: boolean;
  /** Beams that were switched to in the panel's memory, where some were to be. */
  selected?: number;
  /** Why the array may not be in its safe state now. */
  unsafe?: string;
}

/** @throws {BeamrigError} what `run` throws where the rig cannot be had */
export async function radiate(options: RadiateOptions): Promise<Radiated> {
  const { rig, chosen, channels, cycles, rateHz, createLink, seconds, fromMemory } = options;
  const asked: { stop: boolean; of?: ControlLoop } = { stop: false };
  const stop = (): void => {
    asked.stop = true;
    asked.of?.commandSafe();
    void asked.of?.stop();
  };
  const release = onStopSignal(stop, () => asked.of?.commandSafe());
  // However this process ends by itself, what it may have left radiating is commanded to be safe.
  const atExit = (): void => {
    if (asked.of !== undefined && asked.of.state !== 'stopped') asked.of.commandSafe();
  };
  process.once('exit', atExit);
  const seen: { newest?: CycleRecord; ok?: CycleRecord; failure?: string | undefined; void: number; cycles: number } = {
    void: 0,
    cycles: 0,
  };
  let timer: NodeJS.Timeout | undefined;
  const assembled = await assembleRig({
    rig,
    chosen,
    ...(channels === undefined ? {} : { channels }),
    ...(cycles === undefined ? {} : { cycles }),
    ...(rateHz === undefined ? {} : { rateHz, pipelined: false }),
    ...(createLink === undefined ? {} : { createLink }),
    ...(fromMemory === undefined ? {} : { fromMemory }),
    clock: createRealClock(),
    recorder: {
      cycle: (record) => {
        seen.newest = record;
        // One that the end breaks off is none of those that were asked for.
        if (asked.stop && record.outcome !== 'ok') return;
        seen.cycles++;
        seen.failure = record.failure;
        if (record.outcome === 'ok') seen.ok = record;
        else seen.void++;
        if (seconds !== undefined) timer ??= setTimeout(stop, 1000 * seconds);
        if (options.onCycle?.(record, asked.of?.latest()) === 'enough') stop();
      },
      event: ({ level, message, action }) => {
        if (level !== 'info') printError(printable(action === undefined ? message : `${message} ${action}`));
      },
    },
  });
  const loop = assembled.controller;
  asked.of = loop;
  if (fromMemory !== undefined)
    printError(`In the panel's memory: ${assembled.inMemory} of ${counted(fromMemory.length, 'beam')}; others are sent.`);
  options.onBegin?.(assembled);
  if (asked.stop) await loop.stop();
  const outcome = await assembled.run();
  clearTimeout(timer);
  const faulted = outcome.reason === 'faulted';
  if (faulted) await loop.stop();
  release();
  process.removeListener('exit', atExit);
  const { ok, newest } = seen;
  const failure = outcome.message ?? seen.failure;
  const { unsafe } = loop;
  return {
    source: newest?.source ?? assembled.source,
    channelSource: newest?.channelSource ?? assembled.description.channelSource,
    panels: newest?.panels ?? '',
    cycles: seen.cycles,
    void: seen.void,
    ...(failure === undefined ? {} : { failure }),
    ...(ok === undefined ? {} : { ok }),
    faulted,
    ...(fromMemory === undefined ? {} : { selected: assembled.counters().selectedBeams ?? 0 }),
    ...(unsafe === undefined ? {} : { unsafe }),
  };
}

export const safeText = (rig: RigFile, unsafe: string | undefined): string =>
  unsafe === undefined
    ? `The array is in its safe state '${rig.safeState}' again.`
    : printable(`NOT CERTAIN TO BE SAFE: ${unsafe}`);

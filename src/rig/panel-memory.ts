/**
 * Kept beams in the beam memory of a rig's panel. A note beside the beams says what was loaded (src/config/panel-memory-file.ts); whether the panel still has
 * it is asked of the panel, in every session anew:
 *
 *   load:   staged ─► read back from the slot ─► stored ─► … all of them ─► boot count and uptime ─► note
 *   use:    handshake ─► status: the same start of the panel as in the note? ─► believed of this session ─► switched to, checksum compared
 */
import type { Clock } from '../../core/clock/clock.ts';
import type { Beam } from '../../core/signal/beam-contract.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { givenBeam } from '../../core/signal/realise-beam.ts';
import { forgetPanelMemory, readPanelMemory, writePanelMemory, type PanelMemoryFile } from '../config/panel-memory-file.ts';
import type { RigFile } from '../config/rig-file.ts';
import type { ArrayCalibration } from '../control/array-calibration.ts';
import { interleaved, settingsOf } from '../control/beam-on-wire.ts';
import type { RigPanel } from '../control/rig-panel.ts';
import { panelFailureMessage } from '../control/watch/failure-messages.ts';
import { contentOf } from '../panel/beam-memory.ts';
import { radiatingArray } from './hand-beam-files.ts';
import type { BeamCommand, Panel } from '../panel/panel.ts';

/** Position 0 is the fixed beam's of the safe state. */
export const FIRST_POSITION = 1;
/** How slow a panel's clock may be, and how late an answer, before it counts as restarted. */
const CLOCK_SLACK = 0.9;
const ANSWER_SLACK_MS = 2000;
/** Where the count of a panel's time stays once it is reached. */
const LONGEST_UPTIME_MS = 0xffff_ffff;

/** A beam that somebody chose, as a cycle would send it. */
export function commandOf(
  rig: RigFile,
  beam: Beam,
  calibration: ArrayCalibration,
  gainBits: number,
): Omit<BeamCommand, 'beamId'> {
  const { phaseBits } = rig.array;
  const { beam: shown, settings } = settingsOf(beam, gainBits);
  const { words, digital } = givenBeam(radiatingArray(rig), shown, shown.asGiven ?? 'phases', calibration.states(phaseBits));
  return {
    phaseBits,
    words,
    digital: { users: rig.users.count, weights: interleaved(digital) },
    ...settings,
  };
}

/**
 * The only panel of a rig, with room for beams.
 * @throws {BeamrigError} 'panel' naming what it lacks and what to do instead
 */
export function requireMemory({ panel, boards, source }: Pick<RigPanel, 'panel' | 'boards' | 'source'>): {
  serial: string;
  room: number;
} {
  const refuse = (why: string): never => {
    throw new BeamrigError('panel', why, {
      wayOut: 'Send beams as words, which every panel takes: leave --from-memory out, and load none.',
    });
  };
  const [board, ...others] = boards();
  if (source === 'simulator')
    return refuse('the simulator forgets with this program what it was loaded with; `beamrig panel` plays a panel that goes on');
  if (others.length > 0)
    return refuse(
      `the array is spread over ${others.length + 1} boards, which are switched at one time; a beam from memory has none`,
    );
  const { features = [], beamMemory = 0 } = panel.capabilities ?? {};
  if (!features.includes('beam-memory')) return refuse(`${board.panel} on ${board.link} has no beam-memory`);
  if (beamMemory <= FIRST_POSITION)
    return refuse(`${board.panel} on ${board.link} has one position, which is that of the safe state's fixed beam`);
  return { serial: board.panel, room: beamMemory - FIRST_POSITION };
}

export interface LoadedBeam {
  position: number;
  name: string;
}

/**
 * Fills the panel's memory, radiating nothing. What was in it before is not known any more, however this ends.
 * @returns those that it had room for
 * @throws {BeamrigError} 'panel' where it did not take one of them
 */
export async function loadBeams(
  rig: RigFile,
  rigPanel: RigPanel,
  beams: readonly { name: string; beam: Beam }[],
  { calibration, now }: { calibration: ArrayCalibration; now: Date },
): Promise<LoadedBeam[]> {
  const { panel } = rigPanel;
  const { serial, room } = requireMemory(rigPanel);
  const capabilities = panel.capabilities;
  forgetPanelMemory(rig.beamFolder, serial);
  const loaded: PanelMemoryFile['beams'] = [];
  for (const [i, { name, beam }] of beams.slice(0, room).entries()) {
    const position = FIRST_POSITION + i;
    const command = { ...commandOf(rig, beam, calibration, capabilities?.gainBits ?? 0), beamId: i + 1 };
    const stored = await panel.storeBeam(command, position, true);
    if (!stored.ok) throw notLoaded(name, panelFailureMessage(stored.failure));
    if (capabilities !== undefined) loaded.push({ position, name, content: contentOf(command, capabilities) });
  }
  const status = await panel.status();
  if (!status.ok) throw notLoaded('the last one', panelFailureMessage(status.failure));
  const { bootCount, uptimeMs } = status.value;
  const loadedAt = now.toISOString();
  writePanelMemory(rig.beamFolder, {
    format: 'beamrig-panel-memory-1',
    panel: serial,
    bootCount,
    uptimeMs,
    loadedAt,
    beams: loaded,
  });
  return loaded.map(({ position, name }) => ({ position, name }));
}

const notLoaded = (beam: string, why: string): BeamrigError =>
  new BeamrigError('panel', `'${beam}' was not loaded: ${why}; nothing of what was loaded is used`, {
    wayOut: 'Repair what is named, and load again.',
  });

/** Beams that are to come from the memory of a rig's panel. */
export interface FromMemory {
  /** After every handshake: what the panel still has of what it was loaded with. The driver knows it then. */
  ask(panel: Panel, serial: string): Promise<void>;
  /**
   * How many of these beams lie there.
   * @throws {BeamrigError} 'panel' where none does, or could, and why
   */
  require(rigPanel: RigPanel, beams: readonly Beam[], calibration: ArrayCalibration): number;
}

export function fromMemory(rig: RigFile, clock: Clock): FromMemory {
  let found: ReadonlySet<string> | string = 'it has not answered yet';
  return {
    async ask(panel, serial) {
      found = await askMemory(rig, panel, serial, Number(clock.epochNs() / 1_000_000n));
    },
    require(rigPanel, beams, calibration) {
      requireMemory(rigPanel);
      const { capabilities } = rigPanel.panel;
      const there = (beam: Beam): boolean =>
        capabilities !== undefined &&
        typeof found !== 'string' &&
        found.has(contentOf({ ...commandOf(rig, beam, calibration, capabilities.gainBits), beamId: 1 }, capabilities));
      const count = beams.filter(there).length;
      if (count > 0) return count;
      const why =
        typeof found === 'string' ? found : 'what was loaded is other beams, or these as they were then, or at another power';
      throw new BeamrigError('panel', `none of the beams is in the panel's memory: ${why}`, {
        wayOut: 'Load them with `beamrig beams load`, or leave --from-memory out.',
      });
    },
  };
}

async function askMemory(rig: RigFile, panel: Panel, serial: string, nowMs: number): Promise<ReadonlySet<string> | string> {
  const note = readPanelMemory(rig.beamFolder, serial);
  if (note === undefined) return `nothing is known to be loaded into ${serial}`;
  const status = await panel.status();
  if (!status.ok) return panelFailureMessage(status.failure);
  const { bootCount, uptimeMs } = status.value;
  const sinceMs = nowMs - Date.parse(note.loadedAt);
  const least = CLOCK_SLACK * (note.uptimeMs + sinceMs) - ANSWER_SLACK_MS;
  const isTooYoung = uptimeMs < note.uptimeMs || (uptimeMs < LONGEST_UPTIME_MS && uptimeMs < least);
  if (bootCount !== note.bootCount || isTooYoung) {
    return `${serial} was restarted since it was loaded, and has lost what it had`;
  }
  panel.foundStored(new Map(note.beams.map(({ position, content }) => [position, content])));
  return new Set(note.beams.map(({ content }) => content));
}

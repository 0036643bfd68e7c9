/** `beamrig beams load`: kept beams into the beam memory of the rig's panel, from where they are switched to by one short frame each. */
import { createRealClock } from '../../core/clock/real-clock.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { counted } from '../../core/errors/counted.ts';
import { beamPath, readBeamFile } from '../config/beam-file.ts';
import { loadRigFile } from '../config/rig-file.ts';
import type { CyclePanel } from '../control/control-cycle.ts';
import { openArray } from '../measuring/open-array.ts';
import { openCalibrations } from '../rig/calibration.ts';
import { beamfileBeam, beamfileBeamformer, requireShowable } from '../rig/hand-beam-files.ts';
import { loadBeams, type LoadedBeam } from '../rig/panel-memory.ts';
import { sourceText } from '../telemetry/cycle-record.ts';
import { requireBeamName } from './hand-arguments.ts';
import { keptBeams } from './kept-beams.ts';
import { print, printError } from './output.ts';
import { printable } from '../../core/errors/printable.ts';
import { safeText } from './radiate.ts';
import { onStopSignal } from './stop-signal.ts';

/** Exit code 1: not all of them had room, or the array is not certain to be safe. */
export async function load(rigPath: string, names: readonly string[], { json = false }: { json?: boolean }): Promise<void> {
  const { rig } = loadRigFile(rigPath);
  names.forEach(requireBeamName);
  const files = names.length === 0 ? keptBeams(rig) : names.map((name) => readBeamFile(beamPath(rig.beamFolder, name)));
  if (files.length === 0) {
    throw new BeamrigError('beam-file', `no beam is kept in ${rig.beamFolder}`, {
      wayOut: 'Save some with `beamrig beams save`.',
    });
  }
  const beams = files.map((file) => ({ name: file.name, beam: beamfileBeam(file, rig) }));
  const clock = createRealClock();
  const calibrations = openCalibrations(rig);
  const array = await openArray({
    ...{ rig, clock, calibration: (on: CyclePanel) => calibrations.for(on) },
    tell: ({ level, message, action }) => {
      if (level !== 'info') printError(printable(action === undefined ? message : `${message} ${action}`));
    },
  });
  const release = onStopSignal(
    () => array.recovery.commandSafe(),
    () => array.recovery.commandSafe(),
  );
  const { rigPanel } = array;
  const panels = rigPanel.boards().map(({ panel }) => panel);
  let loaded: LoadedBeam[] | undefined;
  let unsafe: string | undefined;
  try {
    for (const file of files) requireShowable(beamfileBeamformer(file, rig), rigPanel.panel);
    calibrations.leftOut(rigPanel);
    const calibration = calibrations.for(rigPanel);
    loaded = await loadBeams(rig, rigPanel, beams, { calibration, now: new Date(Number(clock.epochNs() / 1_000_000n)) });
  } finally {
    unsafe = await array.close();
    release();
  }
  const { source } = rigPanel;
  const left = beams.slice(loaded.length).map(({ name }) => name);
  if (left.length > 0 || unsafe !== undefined) process.exitCode = 1;
  if (json) {
    print(JSON.stringify({ rig: rig.name, source, panels, loaded, left, ...(unsafe === undefined ? {} : { unsafe }) }));
    return;
  }
  const list = loaded.map(({ position, name }) => `${position} ${name}`).join(', ');
  print(
    printable(`Loaded into ${panels.join(' + ')} (${sourceText(source, 'file')}): ${counted(loaded.length, 'beam')}: ${list}.`),
  );
  if (left.length > 0) print(printable(`No room for ${counted(left.length, 'beam')}: ${left.join(', ')}.`));
  // What 'hold' would hold was radiated by somebody else.
  print(safeText({ ...rig, safeState: rig.safeState === 'hold' ? 'mute' : rig.safeState }, unsafe));
}

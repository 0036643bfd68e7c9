/** The kept beams of a rig for a command that takes all of them: those that are damaged are left out aloud, and the exit code says so. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { beamArrayOf, beamMisfit, readBeamFolder, type BeamFile } from '../config/beam-file.ts';
import type { RigFile } from '../config/rig-file.ts';
import { printError } from './output.ts';
import { printable } from '../../core/errors/printable.ts';

/** Exit code 1: one of them is damaged. */
export function keptBeams({ beamFolder }: RigFile): BeamFile[] {
  const { beams, damaged } = readBeamFolder(beamFolder);
  for (const { error } of damaged) printError(printable(`Left out: ${error.message}. ${error.wayOut ?? ''}`));
  if (damaged.length > 0) process.exitCode = 1;
  return beams;
}

/** Whose streams a beam carries. */
export function usersOf({ users, digital: { re, im } }: BeamFile): number[] {
  return Array.from({ length: users }, (_, user) => user).filter((user) =>
    re.some((value, at) => at % users === user && (value !== 0 || im[at] !== 0)),
  );
}

/** Those that the array of the rig can show; others are left out aloud, too. @throws {BeamrigError} 'beam-file' where there are beams, and none is for it */
export function fittingBeams(rig: RigFile): BeamFile[] {
  const kept = keptBeams(rig);
  const fitting = kept.filter((beam) => {
    const misfit = beamMisfit(beam, beamArrayOf(rig));
    if (misfit !== undefined) printError(printable(`Left out: the beam '${beam.name}' is for another array: ${misfit}.`));
    return misfit === undefined;
  });
  if (kept.length > 0 && fitting.length === 0) {
    throw new BeamrigError('beam-file', `no beam in ${rig.beamFolder} is for the array of '${rig.name}'`, {
      wayOut: 'Save some with `beamrig beams save`.',
    });
  }
  return fitting;
}

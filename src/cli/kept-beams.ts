/** The kept beams of a rig for a command that takes all of them: those that are damaged are left out aloud, and the exit code says so. */
import { readBeamFolder, type BeamFile } from '../config/beam-file.ts';
import type { RigFile } from '../config/rig-file.ts';
import { printError } from './output.ts';
import { printable } from './printable.ts';

/** Exit code 1: one of them is damaged. */
export function keptBeams({ beamFolder }: RigFile): BeamFile[] {
  const { beams, damaged } = readBeamFolder(beamFolder);
  for (const { error } of damaged) printError(printable(`Left out: ${error.message}. ${error.wayOut ?? ''}`));
  if (damaged.length > 0) process.exitCode = 1;
  return beams;
}

/** The codebook that a rig file names, to be searched by measuring. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { readBoundedFile } from '../../core/files/bounded-file.ts';
import { wordsToPhases } from '../../core/signal/quantise.ts';
import { searchingCodebook, type CodebookSearch } from '../beamforming/codebook-search.ts';
import { hierarchicalCodebook, type Codeword } from '../beamforming/codebook-tree.ts';
import { beamArrayOf } from '../config/beam-file.ts';
import { beamsOfTable } from '../config/beam-table.ts';
import { CODEBOOK_NAMES } from '../config/rig-fields.ts';
import type { RigFile } from '../config/rig-file.ts';

const LARGEST_BYTES = 64 * 2 ** 20;

/** Undefined where it is chosen from by the channel. @throws {BeamrigError} 'beam-file' */
export function measuredCodebook(rig: RigFile): CodebookSearch | undefined {
  const { codebook = 'dft' } = rig.beamformer;
  const array = { geometry: rig.array.geometry, rfChains: rig.array.rfChains, users: rig.users.count };
  if (codebook === 'dft') return undefined;
  if (codebook === 'hierarchical') return searchingCodebook(array, hierarchicalCodebook(array.geometry), 'hierarchical');
  return searchingCodebook(array, codewordsOf(codebook, rig), codebook);
}

/** One after the other: none of them holds others. */
function codewordsOf(path: string, rig: RigFile): Codeword[] {
  const read = readBoundedFile(path, { maxBytes: LARGEST_BYTES });
  if (!read.ok) {
    throw new BeamrigError('beam-file', `${path}: ${read.why}`, {
      wayOut: `Give the table of a codebook as beamformer.codebook, or one of ${CODEBOOK_NAMES.join(', ')}.`,
      cause: read.cause,
    });
  }
  // What one RF chain shows: the same table serves each of them.
  const array = { ...beamArrayOf(rig), rfChains: 1, connection: 'full' as const, users: 1 };
  const { beams } = beamsOfTable(read.bytes.toString('utf8'), array, { name: path, mode: 'TX', user: 0 });
  const bad = beams.find(({ enabled, gainDb }) => enabled !== undefined || gainDb !== undefined);
  if (beams.length === 0 || bad !== undefined) {
    const why =
      bad === undefined
        ? 'it has no beams of mode TX'
        : `beam ${bad.name} has channels off or gains that differ, and panels are sent phases`;
    throw new BeamrigError('beam-file', `${path}: ${why}`, { wayOut: 'Give a table whose beams are phases of all channels.' });
  }
  return beams.map(({ name, words, phaseBits }) => {
    return { name: `beam ${name}`, phaseRad: wordsToPhases(Uint16Array.from(words), phaseBits), within: () => [] };
  });
}

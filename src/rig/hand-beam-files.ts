/** Beams of files, and beams that somebody asks for, as what chooses the beams of a rig. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Beam } from '../../core/signal/beam-contract.ts';
import { scale } from '../../core/signal/complex-matrix.ts';
import { wordsToPhases } from '../../core/signal/quantise.ts';
import { fromDb } from '../../core/signal/rate.ts';
import type { Beamformer } from '../beamforming/beamformer.ts';
import { always, steered } from '../beamforming/hand-beams.ts';
import { scanning, stopsTowards } from '../beamforming/scan-beams.ts';
import {
  BEAM_NAME,
  BEAM_NAME_ALLOWED,
  beamArrayOf,
  beamMisfit,
  beamPath,
  digitalOf,
  readBeamFile,
  type BeamFile,
} from '../config/beam-file.ts';
import type { RigFile } from '../config/rig-file.ts';
import type { HandWish } from '../control/controller.ts';

/**
 * With the power of the rig file, its very words.
 * @throws {BeamrigError} 'beam-file' where the beam is for another array, or has what no panel of this rig is sent
 */
export function beamfileBeam(beam: BeamFile, rig: RigFile): Beam {
  const misfit = beamMisfit(beam, beamArrayOf(rig));
  if (misfit !== undefined) {
    throw new BeamrigError('beam-file', `the beam '${beam.name}' is for another array than that of '${rig.name}': ${misfit}`, {
      wayOut: 'Give the rig file of an array like the one that it was made for.',
    });
  }
  if (beam.enabled !== undefined || beam.gainDb !== undefined) {
    throw new BeamrigError(
      'beam-file',
      `the beam '${beam.name}' has elements off or gains that differ, and panels are sent phases and weights`,
      {
        wayOut: 'Send one whose channels are all on and alike in gain.',
      },
    );
  }
  const words = Uint16Array.from(beam.words);
  const digital = scale(digitalOf(beam), Math.sqrt(fromDb(rig.snrDb)));
  return { analogPhase: wordsToPhases(words, beam.phaseBits), digital, asGiven: { bits: beam.phaseBits, words } };
}

/** The same in every cycle. @throws {BeamrigError} as `beamfileBeam` */
export function beamfileBeamformer(beam: BeamFile, rig: RigFile): Beamformer {
  const array = { geometry: rig.array.geometry, rfChains: beam.rfChains, users: beam.users };
  return always(array, { id: `beam-${beam.name}`, title: `beam '${beam.name}' (${beam.from})` }, beamfileBeam(beam, rig));
}

/** What a page or a script asks for. @throws {BeamrigError} where the array cannot show it, or there is no such beam */
export function beamByHand(rig: RigFile, wish: HandWish): Beamformer {
  const array = { geometry: rig.array.geometry, rfChains: rig.array.rfChains, users: rig.users.count };
  switch (wish.do) {
    case 'steer':
      return steered(array, wish);
    case 'scan':
      return scanning(array, stopsTowards(array, wish), wish.user);
    case 'beam':
      if (!BEAM_NAME.test(wish.name))
        throw new BeamrigError('argument', `the name '${wish.name}' is not allowed; allowed: ${BEAM_NAME_ALLOWED}`);
      return beamfileBeamformer(readBeamFile(beamPath(rig.beamFolder, wish.name)), rig);
  }
}

/** Beams of files, and beams that somebody asks for, as what chooses the beams of a rig. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Beam, Problem } from '../../core/signal/beam-contract.ts';
import { scale } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { wordsToPhases } from '../../core/signal/quantise.ts';
import type { WiredArray } from '../../core/signal/realise-beam.ts';
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
import { elementsOf, type RigFile } from '../config/rig-file.ts';
import { NO_TABLE } from '../telemetry/cycle-record.ts';
import type { Feature } from '../../firmware-protocol/messages.ts';
import type { HandWish } from '../control/controller.ts';
import type { Panel } from '../panel/panel.ts';

/**
 * With the power of the rig file, its very words.
 * @throws {BeamrigError} 'beam-file' where the beam is for another array
 */
export function beamfileBeam(beam: BeamFile, rig: RigFile): Beam {
  const misfit = beamMisfit(beam, beamArrayOf(rig));
  if (misfit !== undefined) {
    throw new BeamrigError('beam-file', `the beam '${beam.name}' is for another array than that of '${rig.name}': ${misfit}`, {
      wayOut: 'Give the rig file of an array like the one that it was made for.',
    });
  }
  const words = Uint16Array.from(beam.words);
  const digital = scale(digitalOf(beam), Math.sqrt(fromDb(rig.snrDb)));
  const { enabled, gainDb } = beam;
  const settings = {
    ...(enabled && { enabled: Uint8Array.from(enabled) }),
    ...(gainDb && { amplitude: Float64Array.from(gainDb, (db) => 10 ** (db / 20)) }),
  };
  return { analogPhase: wordsToPhases(words, beam.phaseBits), digital, asGiven: { bits: beam.phaseBits, words, ...settings } };
}

/** The array of a rig, with the power that it may radiate. */
export function radiatingArray(rig: RigFile): WiredArray & Pick<Problem, 'power'> {
  const { rfChains, connection } = rig.array;
  const elements = elementsOf(rig);
  return {
    ...{ elements, rfChains, power: fromDb(rig.snrDb) },
    ...(connection === 'full' ? {} : { connection: connectionMask(connection, elements, rfChains) }),
  };
}

/** In words, that beams were chosen for other states than the array is known to show now; undefined where they were not. */
export function madeByOthers(beams: readonly Pick<BeamFile, 'name' | 'calibration'>[], now: string): string | undefined {
  const others = beams.filter(({ calibration }) => calibration !== now);
  if (others.length === 0) return undefined;
  const named = others
    .slice(0, 5)
    .map(({ name, calibration }) => `'${name}' ${calibration === NO_TABLE ? 'by ideal states' : `by the table ${calibration}`}`);
  const more = others.length > 5 ? `, and ${others.length - 5} more` : '';
  const goesBy = now === NO_TABLE ? 'no table' : `the table ${now}`;
  return `Words were chosen by other states than the array is known to show now: ${named.join(', ')}${more}; it goes by ${goesBy}. Figures are those of now; to aim anew, steer and save again.`;
}

/** What a panel must have to show these beams. */
export const featuresOf = (beams: readonly Pick<BeamFile, 'enabled' | 'gainDb'>[]): Feature[] => [
  ...(beams.some(({ enabled }) => enabled !== undefined) ? (['element-enable'] as const) : []),
  ...(beams.some(({ gainDb }) => gainDb !== undefined) ? (['element-gain'] as const) : []),
];

/** @throws {BeamrigError} 'panel' where the panels of a rig cannot show the beams of a beamformer */
export function requireShowable({ title, takes = [] }: Beamformer, panel: Pick<Panel, 'name' | 'capabilities'>): void {
  const has = panel.capabilities?.features;
  const lacking = has === undefined ? undefined : takes.find((feature) => !has.includes(feature));
  if (lacking === undefined) return;
  const what = lacking === 'element-enable' ? 'elements that are off' : 'gains that differ';
  throw new BeamrigError('panel', `${title}: it has ${what}, and ${panel.name} has no ${lacking}`, {
    wayOut: `Take panels with ${lacking} (panel protocol 1.3), or send a beam whose channels are all on and alike in gain.`,
  });
}

/** The same in every cycle. @throws {BeamrigError} as `beamfileBeam` */
export function beamfileBeamformer(beam: BeamFile, rig: RigFile): Beamformer {
  const array = { geometry: rig.array.geometry, rfChains: beam.rfChains, users: beam.users };
  const chosen = always(array, { id: `beam-${beam.name}`, title: `beam '${beam.name}' (${beam.from})` }, beamfileBeam(beam, rig));
  return { ...chosen, takes: featuresOf([beam]), madeBy: beam.calibration };
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
      return beamToRecord(readBeamFile(beamPath(rig.beamFolder, wish.name)), rig);
  }
}

/** What a run keeps of a beam is words and weights: such a beam could not be checked by them. */
function beamToRecord(beam: BeamFile, rig: RigFile): Beamformer {
  if (rig.telemetry.keep !== 'none' && featuresOf([beam]).length > 0) {
    throw new BeamrigError(
      'beam-file',
      `the beam '${beam.name}' has elements off or gains that differ, which a run that keeps its beams (telemetry.keep) does not keep`,
      { wayOut: 'Send it by `beamrig beams send`, which records nothing, or leave telemetry.keep out.' },
    );
  }
  return beamfileBeamformer(beam, rig);
}

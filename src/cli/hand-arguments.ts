/** What the commands for beams by hand are told: directions, names and times. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { cannotSteer, type ArrayAtHand, type SteerWish } from '../beamforming/hand-beams.ts';
import { BEAM_NAME, BEAM_NAME_ALLOWED } from '../config/beam-file.ts';
import type { RigFile } from '../config/rig-file.ts';
import { realNumber, wholeNumber } from './arguments.ts';

export interface DirectionOptions {
  azimuth: string;
  elevation: string;
  user: string;
}

export const ANY_ANGLE = { min: -90, max: 90 };

/** @throws {BeamrigError} 'argument' */
export function requireBeamName(name: string): void {
  if (BEAM_NAME.test(name)) return;
  throw new BeamrigError('argument', `the name '${name.slice(0, 80)}' is not allowed; allowed: ${BEAM_NAME_ALLOWED}`);
}

export const secondsOf = (text: string): number => realNumber('--for', text, { min: 0.1, max: 1e6 });

export const arrayOf = ({ array, users }: RigFile): ArrayAtHand => ({
  geometry: array.geometry,
  rfChains: array.rfChains,
  users: users.count,
});

/** @throws {BeamrigError} 'argument' naming the option and what is allowed */
export function steerWish(array: ArrayAtHand, options: DirectionOptions): SteerWish {
  const wish = {
    azimuthDeg: realNumber('--azimuth', options.azimuth, ANY_ANGLE),
    elevationDeg: realNumber('--elevation', options.elevation, ANY_ANGLE),
    user: wholeNumber('--user', options.user, { min: 0, max: array.users - 1 }),
  };
  const why = cannotSteer(array, wish);
  if (why !== undefined) throw new BeamrigError('argument', `--${why}`, { wayOut: 'Leave --elevation out.' });
  return wish;
}

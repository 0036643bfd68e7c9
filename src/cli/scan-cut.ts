/** Which angles a scan goes over: azimuths at one elevation, or elevations at one azimuth. A cut through a pattern is one of them. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { SteerWish } from '../beamforming/hand-beams.ts';
import { anglesOf } from '../beamforming/scan-beams.ts';
import { realNumber } from './arguments.ts';
import { ANY_ANGLE } from './hand-arguments.ts';

export type Axis = 'azimuth' | 'elevation';
export type Place = Pick<SteerWish, 'azimuthDeg' | 'elevationDeg'>;

export interface ScanCut {
  readonly axis: Axis;
  readonly places: readonly Place[];
}

const DEFAULT_ANGLES = '-60:60:2';

/**
 * @param middle where the other angle is where nobody says it
 * @throws {BeamrigError} 'argument' naming the option and what is allowed
 */
export function cutOf(
  { azimuth, elevation }: { azimuth?: string | undefined; elevation?: string | undefined },
  middle: Place = { azimuthDeg: 0, elevationDeg: 0 },
): ScanCut {
  const overElevation = elevation?.includes(':') === true;
  if (overElevation && azimuth?.includes(':') === true) {
    throw new BeamrigError('argument', '--azimuth and --elevation are both ranges; allowed: one of them, the other one angle', {
      wayOut: 'Scan one cut, and then the other.',
    });
  }
  if (overElevation) {
    const azimuthDeg = azimuth === undefined ? middle.azimuthDeg : realNumber('--azimuth', azimuth, ANY_ANGLE);
    return { axis: 'elevation', places: rangeOf('--elevation', elevation).map((elevationDeg) => ({ azimuthDeg, elevationDeg })) };
  }
  const elevationDeg = elevation === undefined ? middle.elevationDeg : realNumber('--elevation', elevation, ANY_ANGLE);
  const places = rangeOf('--azimuth', azimuth ?? DEFAULT_ANGLES).map((azimuthDeg) => ({ azimuthDeg, elevationDeg }));
  return { axis: 'azimuth', places };
}

/** `-60:60:2` */
function rangeOf(option: string, text: string): number[] {
  const parts = text.split(':');
  if (parts.length !== 3) {
    throw new BeamrigError('argument', `${option} ${text}: not allowed; allowed: FROM:TO:STEP, degrees`, {
      wayOut: `Write it as ${option}=${DEFAULT_ANGLES}.`,
    });
  }
  const [fromDeg, toDeg] = parts.slice(0, 2).map((part) => realNumber(option, part, ANY_ANGLE));
  return anglesOf({ fromDeg, toDeg, stepDeg: realNumber(option, parts[2], { min: 0.001, max: 180 }) });
}

/** `20`, or of a planar array `20,5`. */
export function placeOf(option: string, text: string): Place {
  const [azimuth, elevation = '0', ...more] = text.split(',');
  if (more.length > 0)
    throw new BeamrigError('argument', `${option} ${text}: not allowed; allowed: AZIMUTH or AZIMUTH,ELEVATION, degrees`);
  return { azimuthDeg: realNumber(option, azimuth, ANY_ANGLE), elevationDeg: realNumber(option, elevation, ANY_ANGLE) };
}

export const angleOn = (axis: Axis, { azimuthDeg, elevationDeg }: { azimuthDeg: number | null; elevationDeg: number | null }) =>
  axis === 'azimuth' ? azimuthDeg : elevationDeg;

/** What the sensing of a rig file wishes for, worked out once before the rig starts. */
import { patternGrid, wantedCovarianceFactor } from '../../core/signal/wanted-pattern.ts';
import { readCovarianceFile } from '../config/covariance-file.ts';
import { elementsOf, type RigFile } from '../config/rig-file.ts';
import { DEFAULT_WIDTH_DEG } from '../config/sensing-schema.ts';
import type { SensingWish } from '../control/controller.ts';

export interface RigSensing extends SensingWish {
  /** The file that it came from, for the manifest. */
  readonly covariance?: { readonly file: string; readonly sha256: string };
}

const RAD = Math.PI / 180;

/**
 * @returns undefined where the file has none
 * @throws {BeamrigError} 'covariance-file' for a file that cannot be read or is not for this array
 */
export function rigSensing(rig: RigFile): RigSensing | undefined {
  if (rig.sensing === undefined) return undefined;
  const { geometry } = rig.array;
  const { directionsDeg = [], widthDeg = DEFAULT_WIDTH_DEG, covariance, weight } = rig.sensing;
  if (covariance !== undefined) {
    const { factors, file, sha256 } = readCovarianceFile(covariance, elementsOf(rig));
    const [factor] = factors;
    return { factor, weight, grid: patternGrid(geometry, factor), directionsDeg, covariance: { file, sha256 } };
  }
  const directionsRad = directionsDeg.map((deg) => deg * RAD);
  const factor = wantedCovarianceFactor(geometry, {
    directionsRad,
    halfWidthRad: (widthDeg * RAD) / 2,
    streams: rig.users.count,
  });
  return { factor, weight, grid: patternGrid(geometry, factor), directionsDeg };
}

/** Elements from which on a person should be told that the rig is not hanging: it takes about a second for 1,024. */
const LONG_FROM_ELEMENTS = 512;
export const sensingTakesLong = (rig: RigFile): boolean => rig.sensing !== undefined && elementsOf(rig) >= LONG_FROM_ELEMENTS;

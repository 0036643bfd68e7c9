/** The probe: a receiver at a place that is known, so that what lies between it and the elements can be taken out of what it hears. */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';
import type { ArrayGeometry } from '../../core/signal/geometry.ts';
import { elementCount, steeringVector } from '../../core/signal/geometry.ts';
import type { RigFile } from '../config/rig-file.ts';

const SPEED_OF_LIGHT_MPS = 299_792_458;
const RAD = Math.PI / 180;

/**
 * h_pᴴ, 1×N, what the probe hears of each element alone that shows 1: of modulus 1 for one that is far away, about 1 for one that is near.
 * The elements lie in the array's plane around its centre, element 0 farthest towards positive azimuth (core/signal/geometry.ts).
 */
export function probePath(rig: Pick<RigFile, 'array' | 'calibration'>): CMatrix {
  const { azimuthDeg, elevationDeg, distanceM } = rig.calibration.probe;
  const { geometry, carrierGhz } = rig.array;
  if (distanceM !== undefined) {
    const distanceWavelengths = (distanceM * carrierGhz * 1e9) / SPEED_OF_LIGHT_MPS;
    return nearPath(geometry, azimuthDeg * RAD, elevationDeg * RAD, distanceWavelengths);
  }
  const { rows, re, im } = steeringVector(geometry, azimuthDeg * RAD, elevationDeg * RAD);
  const path = zeros(1, rows);
  for (let n = 0; n < rows; n++) {
    path.re[n] = re[n];
    path.im[n] = -im[n];
  }
  return path;
}

/** Spherical waves: e^{−j2π·d_n/λ}·d/d_n, d_n the way from element n and d from the centre of the array. */
function nearPath(geometry: ArrayGeometry, azimuthRad: number, elevationRad: number, distance: number): CMatrix {
  const { spacingWavelengths: spacing } = geometry;
  const [rows, columns] = geometry.kind === 'ula' ? [1, geometry.elements] : [geometry.rows, geometry.columns];
  const ahead = distance * Math.cos(elevationRad) * Math.cos(azimuthRad);
  const aside = distance * Math.cos(elevationRad) * Math.sin(azimuthRad);
  const above = distance * Math.sin(elevationRad);
  const path = zeros(1, elementCount(geometry));
  for (let n = 0; n < path.cols; n++) {
    const y = spacing * ((columns - 1) / 2 - (n % columns));
    const z = spacing * ((rows - 1) / 2 - Math.floor(n / columns));
    const way = Math.hypot(ahead, aside - y, above - z);
    const phase = -2 * Math.PI * (way - distance);
    path.re[n] = (distance / way) * Math.cos(phase);
    path.im[n] = (distance / way) * Math.sin(phase);
  }
  return path;
}

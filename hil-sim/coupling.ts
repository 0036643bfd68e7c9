/** Mutual coupling of elements that stand beside or above each other; farther ones are left out. */
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { identity } from '../core/signal/complex-matrix.ts';
import type { ArrayGeometry } from '../core/signal/geometry.ts';
import { elementCount } from '../core/signal/geometry.ts';

/**
 * C = I + c·(which elements are neighbours), with |c| of so many dB.
 * @returns N×N, symmetric
 */
export function neighbourCoupling(geometry: ArrayGeometry, neighbourDb: number, neighbourPhaseDeg: number): CMatrix {
  const elements = elementCount(geometry);
  const columns = geometry.kind === 'ula' ? elements : geometry.columns;
  const coupling = identity(elements);
  const amplitude = 10 ** (neighbourDb / 20);
  const phaseRad = (neighbourPhaseDeg * Math.PI) / 180;
  const couple = (one: number, other: number): void => {
    for (const place of [one * elements + other, other * elements + one]) {
      coupling.re[place] = amplitude * Math.cos(phaseRad);
      coupling.im[place] = amplitude * Math.sin(phaseRad);
    }
  };
  for (let n = 0; n < elements; n++) {
    if ((n + 1) % columns !== 0) couple(n, n + 1);
    if (n + columns < elements) couple(n, n + columns);
  }
  return coupling;
}

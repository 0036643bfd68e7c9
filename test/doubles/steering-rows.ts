/** Steering vectors of 361 azimuths, half a degree apart from −90° to 90°, as rows a(θ)ᴴ: patterns by their definition. */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';
import { elementCount, steeringVector, type ArrayGeometry } from '../../core/signal/geometry.ts';

/** @returns 361×N */
export function steeringRows(geometry: ArrayGeometry): CMatrix {
  const elements = elementCount(geometry);
  const rows = zeros(361, elements);
  for (let t = 0; t < rows.rows; t++) {
    const { re, im } = steeringVector(geometry, ((t / 2 - 90) * Math.PI) / 180);
    rows.re.set(re, t * elements);
    rows.im.set(
      im.map((value) => -value),
      t * elements,
    );
  }
  return rows;
}

/** A hexagonal network on the plane: base stations in the middle of their cells, users anywhere in them. */
import { BeamrigError } from '../../errors/beamrig-error.ts';
import type { Random } from '../random.ts';

export interface Position {
  xM: number;
  yM: number;
}

/** Rings around the middle cell: none, one, two. */
export const CELL_COUNTS = [1, 7, 19] as const;
export type CellCount = (typeof CELL_COUNTS)[number];

const ROOT_3 = Math.sqrt(3);

/**
 * The base stations, the middle one first, then ring by ring counterclockwise from the x axis.
 * @param spacingM D, between neighbours; the cells are hexagons of circumradius D/√3 then
 * @throws {BeamrigError} `argument` for another number of cells
 */
export function hexagonCentres(cells: number, spacingM: number): Position[] {
  const rings = (CELL_COUNTS as readonly number[]).indexOf(cells);
  if (rings < 0) {
    throw new BeamrigError('argument', `cells is ${cells}, and whole rings of hexagons are of ${CELL_COUNTS.join(', ')}`, {
      wayOut: `choose one of ${CELL_COUNTS.join(', ')}`,
    });
  }
  const found: (Position & { ring: number; angle: number })[] = [];
  for (let q = 0 - rings; q <= rings; q++) {
    for (let r = 0 - rings; r <= rings; r++) {
      const ring = Math.max(Math.abs(q), Math.abs(r), Math.abs(q + r));
      if (ring > rings) continue;
      const [xM, yM] = [spacingM * (q + r / 2), (spacingM * r * ROOT_3) / 2];
      found.push({ xM, yM, ring, angle: (Math.atan2(yM, xM) + 2 * Math.PI) % (2 * Math.PI) });
    }
  }
  found.sort((a, b) => a.ring - b.ring || a.angle - b.angle);
  return found.map(({ xM, yM }) => ({ xM, yM }));
}

/** Inside the hexagon around the origin whose edges are D/2 away and face its neighbours, or on its edge. */
export function insideHexagon({ xM, yM }: Position, spacingM: number): boolean {
  const apothemM = spacingM / 2;
  const half = xM / 2;
  const tilted = (yM * ROOT_3) / 2;
  return Math.abs(xM) <= apothemM && Math.abs(half + tilted) <= apothemM && Math.abs(half - tilted) <= apothemM;
}

/**
 * Uniform over the cell around `centre`, but for the disc of `minimumDistanceM` around its base station.
 * @param minimumDistanceM below D/2
 */
export function uniformInHexagon(random: Random, centre: Position, spacingM: number, minimumDistanceM: number): Position {
  for (;;) {
    const offset = { xM: spacingM * (random.uniform() - 0.5), yM: ((2 * spacingM) / ROOT_3) * (random.uniform() - 0.5) };
    if (!insideHexagon(offset, spacingM) || Math.hypot(offset.xM, offset.yM) < minimumDistanceM) continue;
    return { xM: centre.xM + offset.xM, yM: centre.yM + offset.yM };
  }
}

/** A line of many points with fewer: of each stretch its lowest and its highest, so that no spike and no gap is lost. */

export interface Point {
  atS: number;
  value: number | null;
}

/** @param most points; gaps take a few more */
export function decimated(atS: readonly number[], values: readonly (number | null)[], most: number): Point[] {
  const all = atS.map((at, i): Point => ({ atS: at, value: values[i] ?? null }));
  if (all.length <= most) return all;
  const per = Math.ceil((2 * all.length) / most);
  const points: Point[] = [];
  for (let start = 0; start < all.length; start += per) {
    const stretch = all.slice(start, start + per);
    const known = stretch.flatMap(({ atS: at, value }) => (value === null ? [] : [{ atS: at, value }]));
    const gap = stretch.find(({ value }) => value === null);
    const ends =
      known.length === 0
        ? []
        : [
            known.reduce((low, each) => (each.value < low.value ? each : low)),
            known.reduce((high, each) => (each.value > high.value ? each : high)),
          ];
    points.push(...[...new Set<Point>([...ends, ...(gap === undefined ? [] : [gap])])].sort((a, b) => a.atS - b.atS));
  }
  return points;
}

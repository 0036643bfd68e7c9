/** How far two tables of one panel are apart, but for a factor that they have in common. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';
import type { ElementFlaw } from '../element-health.ts';
import { stateDifference, type StateDifference } from '../state-difference.ts';
import { alphabetsOf, tableId } from './state-table.ts';
import type { CalibrationTable } from './table-schema.ts';

export interface TableDifference extends StateDifference {
  /** Of each place that both have, RMS over its states, the factor of all taken out. */
  readonly elements: readonly ({ element: number; rfChain: number } & StateDifference)[];
  /** Those that are flawed in another way than before. */
  readonly flaws: readonly { element: number; rfChain: number; before: ElementFlaw | null; after: ElementFlaw | null }[];
}

/** @throws {BeamrigError} 'calibration-file' for tables of other panels or sizes */
export function compareTables(before: CalibrationTable, after: CalibrationTable): TableDifference {
  requireAlike([before, after]);
  const { rfChains } = before;
  const places = placesOfAll([before, after]);
  const [a, b] = [statesAt(before, places), statesAt(after, places)];
  const [phase, gainDb] = commonOf(a, b);
  const elements = places.map((place, row) => {
    let [phases, gains] = [0, 0];
    for (let at = row * a.cols; at < (row + 1) * a.cols; at++) {
      phases += turn(Math.atan2(b.im[at], b.re[at]) - Math.atan2(a.im[at], a.re[at]) - phase) ** 2 / a.cols;
      gains += (10 * Math.log10((b.re[at] ** 2 + b.im[at] ** 2) / (a.re[at] ** 2 + a.im[at] ** 2)) - gainDb) ** 2 / a.cols;
    }
    return { ...placeOf(place, rfChains), phaseDeg: (180 / Math.PI) * Math.sqrt(phases), gainDb: Math.sqrt(gains) };
  });
  const flawAt = ({ flaws }: CalibrationTable, place: number): ElementFlaw | null =>
    flaws.find(({ element, rfChain }) => element * rfChains + rfChain === place)?.flaw ?? null;
  const flaws = before.gainDb.flatMap((_, place) => {
    const [then, now] = [flawAt(before, place), flawAt(after, place)];
    return then === now ? [] : [{ ...placeOf(place, rfChains), before: then, after: now }];
  });
  return { ...stateDifference(a, b), elements, flaws };
}

/** @throws {BeamrigError} 'calibration-file' */
export function requireAlike(tables: readonly CalibrationTable[]): void {
  const [first, ...others] = tables;
  for (const other of others) {
    const keys = ['panel', 'simulatedArray', 'elements', 'rfChains', 'phaseBits'] as const;
    const key = keys.find((each) => first[each] !== other[each]);
    if (key === undefined) continue;
    throw new BeamrigError(
      'calibration-file',
      `${tableId(first)} and ${tableId(other)} are of different panels: ${key} ${String(first[key])} and ${String(other[key])}`,
      {
        wayOut: 'Give tables of one panel.',
      },
    );
  }
}

const placeOf = (place: number, rfChains: number): { element: number; rfChain: number } => ({
  element: Math.floor(place / rfChains),
  rfChain: place % rfChains,
});

/** Places that are measured in all tables, and flawed in none. */
export function placesOfAll(tables: readonly CalibrationTable[]): number[] {
  const flawed = new Set(
    tables.flatMap(({ flaws, rfChains }) => flaws.map(({ element, rfChain }) => element * rfChains + rfChain)),
  );
  return Array.from(tables[0].gainDb.keys()).filter(
    (place) => !flawed.has(place) && tables.every(({ gainDb }) => gainDb[place] !== null),
  );
}

/** A row for each place. */
export function statesAt(table: CalibrationTable, places: readonly number[]): CMatrix {
  const alphabets = alphabetsOf(table);
  const out = zeros(places.length, 2 ** table.phaseBits);
  places.forEach((place, row) => {
    out.re.set(alphabets[place]?.re ?? [], row * out.cols);
    out.im.set(alphabets[place]?.im ?? [], row * out.cols);
  });
  return out;
}

/** Phase, radians, and gain, dB, of b beside a, of all states together. */
export function commonOf(a: CMatrix, b: CMatrix): [phase: number, gainDb: number] {
  let [re, im, gain] = [0, 0, 0];
  for (let at = 0; at < a.re.length; at++) {
    re += b.re[at] * a.re[at] + b.im[at] * a.im[at];
    im += b.im[at] * a.re[at] - b.re[at] * a.im[at];
    gain += 10 * Math.log10((b.re[at] ** 2 + b.im[at] ** 2) / (a.re[at] ** 2 + a.im[at] ** 2));
  }
  return [Math.atan2(im, re), gain / Math.max(a.re.length, 1)];
}

const turn = (rad: number): number => rad - 2 * Math.PI * Math.round(rad / (2 * Math.PI));

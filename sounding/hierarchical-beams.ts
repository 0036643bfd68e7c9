/**
 * Beams from wide to narrow: each user is looked for in sectors, and the loudest one is halved until it is as narrow as a beam can be. A wide beam
 * of equal amplitudes is one whose phase steps sweep over its sector from the first element to the last.
 *
 *   M sectors or more ─► readings ─► halves of the loudest sector of each user ─► readings ─► …
 *
 * A chain that reaches every element shows a sector by itself; where each reaches a part, all show the same one, and a user's powers are added.
 *
 * Source: Xiao, He, Xia and Xia, IEEE Trans. Wireless Commun. 15(5), 2016 (the search); Kerce, Brown and Mitchell, IEEE Radar Conference 2007 (beams
 * broadened by a quadratic phase).
 */
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import type { ArrayGeometry } from '../core/signal/geometry.ts';
import { elementCount } from '../core/signal/geometry.ts';
import type { SlotWords, SoundingArray } from './sounding-beams.ts';
import { wordsOfPhases } from './sounding-beams.ts';

/** Spatial frequencies u, v in sines, from … to. */
interface Sector {
  readonly u: readonly [number, number];
  readonly v: readonly [number, number];
}

export interface HierarchicalSearch {
  /** Slots to sound next; none when every user's sector is as narrow as a beam. */
  next(): SlotWords[];
  /** How many beams of these slots count, the first ones; chains that are left over repeat the last. */
  readonly beams: number;
  /** @param values readings of these slots, K×(slots·M), or of the beams that count alone */
  heard(values: CMatrix): void;
}

export function createHierarchicalSearch(array: SoundingArray): HierarchicalSearch {
  const { geometry, rfChains, connection } = array;
  const chainsASector = connection === undefined ? 1 : rfChains;
  let sectors = firstSectors(geometry, rfChains / chainsASector);
  const shown = (slot: number, m: number): Sector =>
    sectors[Math.min(sectors.length - 1, (slot * rfChains + m) / chainsASector) | 0];
  return {
    get beams() {
      return sectors.length * chainsASector;
    },
    next() {
      const slots = Math.ceil((sectors.length * chainsASector) / rfChains);
      return Array.from({ length: slots }, (_, slot) => wordsOfPhases(array, (m) => sectorPhases(array, shown(slot, m), m)));
    },
    heard(values) {
      const loudest = new Set<Sector>();
      for (let user = 0; user < values.rows; user++) loudest.add(loudestOf(sectors, values, user, chainsASector));
      sectors = [...loudest].flatMap((sector) => halves(geometry, sector));
    },
  };
}

/** Beams that count in the search for one user, of an array whose chains reach every element. */
export function beamsOfSearch(geometry: ArrayGeometry, rfChains: number): number {
  let beams = 0;
  for (let sectors = firstSectors(geometry, rfChains); sectors.length > 0; sectors = halves(geometry, sectors[0])) {
    beams += sectors.length;
  }
  return beams;
}

/** As many equal ones as halving makes, `least` or more. */
function firstSectors(geometry: ArrayGeometry, least: number): Sector[] {
  let sectors: Sector[] = [{ u: [-1, 1], v: geometry.kind === 'ula' ? [0, 0] : [-1, 1] }];
  for (let more = sectors; more.length > 0 && sectors.length < Math.max(least, 2);) {
    more = sectors.flatMap((sector) => halves(geometry, sector));
    if (more.length > 0) sectors = more;
  }
  return sectors;
}

function loudestOf(sectors: readonly Sector[], { cols, re, im }: CMatrix, user: number, chainsASector: number): Sector {
  let best = { power: -1, sector: sectors[0] };
  sectors.forEach((sector, i) => {
    let power = 0;
    for (let at = user * cols + i * chainsASector, end = at + chainsASector; at < end; at++) power += re[at] ** 2 + im[at] ** 2;
    if (power > best.power) best = { power, sector };
  });
  return best.sector;
}

/** Across the side that has more beams in it; none where the sector is no wider than a beam on both sides. */
function halves(geometry: ArrayGeometry, { u, v }: Sector): Sector[] {
  const columns = geometry.kind === 'ula' ? geometry.elements : geometry.columns;
  const rows = geometry.kind === 'ula' ? 1 : geometry.rows;
  const across = (u[1] - u[0]) * columns * geometry.spacingWavelengths;
  const down = (v[1] - v[0]) * rows * geometry.spacingWavelengths;
  if (Math.max(across, down) <= 1) return [];
  const middle = (side: readonly [number, number]): number => (side[0] + side[1]) / 2;
  if (across >= down)
    return [
      { u: [u[0], middle(u)], v },
      { u: [middle(u), u[1]], v },
    ];
  return [
    { u, v: [v[0], middle(v)] },
    { u, v: [middle(v), v[1]] },
  ];
}

/** φ whose steps from element to element go from one edge of the sector to the other, over the elements that the chain reaches. */
function sectorPhases({ geometry, rfChains, connection }: SoundingArray, { u, v }: Sector, chain: number): Float64Array {
  const elements = elementCount(geometry);
  const columns = geometry.kind === 'ula' ? geometry.elements : geometry.columns;
  const reached = Array.from({ length: elements }, (_, n) => n).filter(
    (n) => connection === undefined || connection[n * rfChains + chain] === 1,
  );
  const across = span(reached.map((n) => n % columns));
  const down = span(reached.map((n) => Math.floor(n / columns)));
  const wavelength = 2 * Math.PI * geometry.spacingWavelengths;
  return Float64Array.from(
    { length: elements },
    (_, n) =>
      wavelength *
      (sweep(u, (n % columns) - across.first, across.count, geometry.spacingWavelengths) +
        sweep(v, Math.floor(n / columns) - down.first, down.count, geometry.spacingWavelengths)),
  );
}

/** Σ of the steps before element i: from one edge to the other, or all to the middle of a sector that is no wider than a beam. */
function sweep([from, to]: readonly [number, number], i: number, count: number, spacingWavelengths: number): number {
  if ((to - from) * count * spacingWavelengths <= 1) return ((from + to) / 2) * i;
  return from * i + ((to - from) * i * i) / (2 * count);
}

function span(places: readonly number[]): { first: number; count: number } {
  let [first, last] = [Infinity, -Infinity];
  for (const place of places) {
    first = Math.min(first, place);
    last = Math.max(last, place);
  }
  return { first, count: last - first + 1 };
}

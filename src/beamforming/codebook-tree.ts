/**
 * Codebooks to be searched by measuring: beams, some of which stand for others that are narrower and lie within them.
 *
 * A line of C elements sees sines of angles u, a range of R = min(2, 1/d). Level l halves the beams of the level before: 2^l of them, R/2^l wide. A wide
 * beam has a phase that bends, so that the elements point across its width one after the other: at m elements from the middle of the line towards
 * u + w·m/C, which is the phase 2πd·(u·m + w·m²/(2C)). The narrowest bend no more, and point. Of a planar array the wider of the two axes is halved.
 *
 * Source: tree search as in J. Wang et al., IEEE J. Sel. Areas Commun. 27(8), 2009; the bent phase is the spoiled beam of radars, by the principle of
 * stationary phase (R. C. Johnson, Antenna Engineering Handbook, 3rd ed., 1993).
 */
import type { ArrayGeometry } from '../../core/signal/geometry.ts';

export interface Codeword {
  readonly name: string;
  /** Radians, N. */
  readonly phaseRad: Float64Array;
  /** Narrower ones within it, made when they are asked for; none: this is the end. */
  readonly within: () => readonly Codeword[];
  /** Of an end: those next to it. Wide beams are about as loud on both sides of their edges, and who stands there may be looked for on the wrong one. */
  readonly beside?: () => readonly Codeword[];
}

/** Of one axis: the middle of a beam and its width, as sines. */
interface Part {
  readonly middle: number;
  readonly width: number;
}

/** The widest beams, two of them. */
export function hierarchicalCodebook(geometry: ArrayGeometry): readonly Codeword[] {
  const range = Math.min(2, 1 / geometry.spacingWavelengths);
  const whole = { middle: 0, width: range };
  return halves(geometry, range, whole, whole);
}

function halves(geometry: ArrayGeometry, range: number, across: Part, up: Part): Codeword[] {
  const [rows, columns] = geometry.kind === 'ula' ? [1, geometry.elements] : [geometry.rows, geometry.columns];
  const [acrossBeams, upBeams] = [(across.width / range) * columns, (up.width / range) * rows];
  if (Math.max(acrossBeams, upBeams) <= 1) return [];
  const splitAcross = acrossBeams >= upBeams;
  const split = ({ middle, width }: Part): Part[] =>
    [-1, 1].map((side) => ({ middle: middle + (side * width) / 4, width: width / 2 }));
  return split(splitAcross ? across : up).map((part) => {
    const [a, u] = splitAcross ? [part, up] : [across, part];
    const word = codeword(geometry, range, a, u);
    const isEnd = Math.max((a.width / range) * columns, (u.width / range) * rows) <= 1;
    if (!isEnd) return word;
    const next = ({ middle, width }: Part, side: number): Part => ({ middle: middle + side * width, width });
    const isSeen = ({ middle }: Part): boolean => Math.abs(middle) < range / 2;
    const beside = [-1, 1].flatMap((side) => [
      ...(columns > 1 ? [[next(a, side), u] as const] : []),
      ...(rows > 1 ? [[a, next(u, side)] as const] : []),
    ]);
    const seen = beside.filter(([x, y]) => isSeen(x) && isSeen(y));
    return { ...word, beside: () => seen.map(([x, y]) => codeword(geometry, range, x, y)) };
  });
}

function codeword(geometry: ArrayGeometry, range: number, a: Part, u: Part): Codeword {
  const [rows, columns] = geometry.kind === 'ula' ? [1, geometry.elements] : [geometry.rows, geometry.columns];
  const pointed = (width: number, count: number): boolean => (width / range) * count <= 1;
  const row = phasesOf(u, rows, geometry.spacingWavelengths, pointed(u.width, rows));
  const column = phasesOf(a, columns, geometry.spacingWavelengths, pointed(a.width, columns));
  return {
    name: geometry.kind === 'ula' ? angleText(a) : `${angleText(a)}, elevation ${angleText(u)}`,
    phaseRad: Float64Array.from({ length: rows * columns }, (_, n) => row[Math.floor(n / columns)] + column[n % columns]),
    within: () => halves(geometry, range, a, u),
  };
}

function phasesOf({ middle, width }: Part, count: number, spacing: number, isPointed: boolean): Float64Array {
  const bend = isPointed ? 0 : width;
  return Float64Array.from({ length: count }, (_, n) => {
    const m = n - (count - 1) / 2;
    return 2 * Math.PI * spacing * (middle * m + (bend * m * m) / (2 * count));
  });
}

const angleText = ({ middle }: Part): string => `${((Math.asin(Math.max(-1, Math.min(1, middle))) * 180) / Math.PI).toFixed(1)}°`;

/**
 * What every user would lose in SINR if a part of the array failed while this beam is radiated: G = H·A·D is a sum over the elements, so that taking some of
 * them away, or turning them, changes G by what they add to it and nothing has to be multiplied again.
 *
 *   T_n = h_n·x_nᵀ (K×K, what element n adds to G)      element n dead: G − T_n      a set turned by φ: G + (e^jφ − 1)·Σ_set T_n
 *
 * Independent phase errors of φ RMS on all elements, in the mean over them: |G_kj|²·e^{−φ²} + (1 − e^{−φ²})·Σ_n |T_n,kj|² (Ruze, Proc. IEEE 54, 1966).
 */
import type { CMatrix } from './complex-matrix.ts';
import { matmul } from './complex-matrix.ts';
import { toDb } from './rate.ts';

/** A thing that may have happened, and how far. */
export type SupposedFault =
  | { readonly what: 'element'; readonly index: number }
  /** Elements that hang together, all turned by one phase; null: all of them dark. */
  | { readonly what: 'board'; readonly index: number; readonly turnDeg: number | null }
  | { readonly what: 'chain'; readonly index: number }
  /** Each element by a phase of its own, RMS. */
  | { readonly what: 'elements'; readonly spreadDeg: number }
  /** All that is radiated, by so much weaker. */
  | { readonly what: 'power'; readonly lossDb: number }
  /** One user hears so much less of everything: his channel is another. */
  | { readonly what: 'user'; readonly index: number; readonly lossDb: number };

/** The beam that is radiated, as it is believed to be. */
export interface RadiatedBeam {
  /** H, K×N. */
  readonly channel: CMatrix;
  /** A, N×M. */
  readonly analog: CMatrix;
  /** D, M×K. */
  readonly digital: CMatrix;
  /** σ², linear, > 0. */
  readonly noise: number;
}

/**
 * @param boards elements of each board
 * @returns writes for a beam what user k loses under fault f, dB, to f·K + k; negative where he gains
 */
export function faultLosses(
  faults: readonly SupposedFault[],
  boards: readonly (readonly number[])[],
): (beam: RadiatedBeam, into: Float64Array) => void {
  // Arrays of one size come beam after beam, and what is worked out of each is as large.
  let room: Room | undefined;
  return (beam, into) => {
    const { rows: users, cols: elements } = beam.channel;
    if (room?.users !== users || room.elements !== elements) room = roomFor(users, elements);
    const { terms, gain, changed, ofBoard, ofChain, before, after } = room;
    const { noise } = beam;
    const pairs = users * users;
    termsOf(beam, room);
    sinrDb(gain, users, noise, 1, before);
    const add = (part: Complex, from: number, turnRe: number, turnIm: number): void => {
      for (let i = 0; i < pairs; i++) {
        changed.re[i] = gain.re[i] + turnRe * part.re[from + i] - turnIm * part.im[from + i];
        changed.im[i] = gain.im[i] + turnRe * part.im[from + i] + turnIm * part.re[from + i];
      }
      sinrDb(changed, users, noise, 1, after);
    };
    let byChain: CMatrix | undefined;
    let summed = -1;
    for (let f = 0; f < faults.length; f++) {
      const fault = faults[f];
      switch (fault.what) {
        case 'element':
          add(terms, fault.index * pairs, -1, 0);
          break;
        case 'board': {
          const rad = ((fault.turnDeg ?? 0) * Math.PI) / 180;
          // What may happen to one board comes one after the other.
          if (summed !== fault.index) sumOfTerms(terms, boards[fault.index], ofBoard);
          summed = fault.index;
          if (fault.turnDeg === null) add(ofBoard, 0, -1, 0);
          else add(ofBoard, 0, Math.cos(rad) - 1, Math.sin(rad));
          break;
        }
        case 'chain':
          byChain ??= matmul(beam.channel, beam.analog);
          chainTerm(byChain, beam.digital, fault.index, ofChain);
          add(ofChain, 0, -1, 0);
          break;
        case 'elements': {
          const kept = Math.exp(-(((fault.spreadDeg * Math.PI) / 180) ** 2));
          spreadDb(gain, room.squares, kept, users, noise, after);
          break;
        }
        case 'power':
          sinrDb(gain, users, noise, 10 ** (-fault.lossDb / 10), after);
          break;
        case 'user':
          after.set(before);
          after[fault.index] -= fault.lossDb;
          break;
      }
      for (let k = 0; k < users; k++) into[f * users + k] = before[k] - after[k];
    }
  };
}

interface Complex {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

const complex = (length: number): Complex => ({ re: new Float64Array(length), im: new Float64Array(length) });

/** For all that is worked out of one beam. */
interface Room {
  readonly users: number;
  readonly elements: number;
  /** T_n, entry (n, k, j) at (n·K + k)·K + j. */
  readonly terms: Complex;
  /** G, and Σ_n |T_n|² */
  readonly gain: Complex;
  readonly squares: Float64Array;
  /** What a board and a chain add to G, and what a fault leaves of it. */
  readonly ofBoard: Complex;
  readonly ofChain: Complex;
  readonly changed: Complex;
  readonly before: Float64Array;
  readonly after: Float64Array;
}

function roomFor(users: number, elements: number): Room {
  const pairs = users ** 2;
  return {
    ...{ users, elements, terms: complex(elements * pairs), gain: complex(pairs), squares: new Float64Array(pairs) },
    ...{ ofBoard: complex(pairs), ofChain: complex(pairs), changed: complex(pairs) },
    ...{ before: new Float64Array(users), after: new Float64Array(users) },
  };
}

function termsOf({ channel, analog, digital }: RadiatedBeam, { users, elements, terms, gain, squares }: Room): void {
  const { re: hr, im: hi } = channel;
  const { re: xr, im: xi } = matmul(analog, digital);
  const { re: tr, im: ti } = terms;
  const { re: gr, im: gi } = gain;
  for (const sum of [gr, gi, squares]) sum.fill(0);
  for (let i = 0, n = 0; n < elements; n++) {
    for (let pair = 0, k = 0; k < users; k++) {
      const re = hr[k * elements + n];
      const im = hi[k * elements + n];
      for (let x = n * users; x < (n + 1) * users; x++, i++, pair++) {
        const termRe = re * xr[x] - im * xi[x];
        const termIm = re * xi[x] + im * xr[x];
        tr[i] = termRe;
        ti[i] = termIm;
        gr[pair] += termRe;
        gi[pair] += termIm;
        squares[pair] += termRe * termRe + termIm * termIm;
      }
    }
  }
}

function sumOfTerms(terms: Complex, elements: readonly number[], sum: Complex): void {
  const pairs = sum.re.length;
  sum.re.fill(0);
  sum.im.fill(0);
  for (let e = 0; e < elements.length; e++) {
    for (let i = 0, from = elements[e] * pairs; i < pairs; i++, from++) {
      sum.re[i] += terms.re[from];
      sum.im[i] += terms.im[from];
    }
  }
}

/** What one chain adds to G. */
function chainTerm(effective: CMatrix, digital: CMatrix, chain: number, out: Complex): void {
  const { rows: users, cols: chains } = effective;
  for (let i = 0, k = 0; k < users; k++) {
    const re = effective.re[k * chains + chain];
    const im = effective.im[k * chains + chain];
    for (let d = chain * users; d < (chain + 1) * users; d++, i++) {
      out.re[i] = re * digital.re[d] - im * digital.im[d];
      out.im[i] = re * digital.im[d] + im * digital.re[d];
    }
  }
}

function sinrDb({ re, im }: Complex, users: number, noise: number, power: number, out: Float64Array): void {
  for (let i = 0, k = 0; k < users; k++) {
    let desired = 0;
    let others = 0;
    for (let j = 0; j < users; j++, i++) {
      const heard = re[i] * re[i] + im[i] * im[i];
      if (j === k) desired = heard;
      else others += heard;
    }
    out[k] = toDb((power * desired) / (power * others + noise));
  }
}

function spreadDb(gain: Complex, squares: Float64Array, kept: number, users: number, noise: number, out: Float64Array): void {
  for (let i = 0, k = 0; k < users; k++) {
    let desired = 0;
    let others = 0;
    for (let j = 0; j < users; j++, i++) {
      const heard = kept * (gain.re[i] ** 2 + gain.im[i] ** 2) + (1 - kept) * squares[i];
      if (j === k) desired = heard;
      else others += heard;
    }
    out[k] = toDb(desired / (others + noise));
  }
}

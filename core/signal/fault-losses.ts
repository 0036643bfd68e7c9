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
  return (beam, into) => {
    const { channel, analog, digital, noise } = beam;
    const users = channel.rows;
    const pairs = users * users;
    const precoder = matmul(analog, digital);
    const terms = elementTerms(channel, precoder);
    const gain = sumOfTerms(terms, everyElement(channel.cols), pairs);
    const squares = squaresOf(terms, pairs);
    const before = sinrDbOf(gain, users, noise, 1);
    const changed: Complex = { re: new Float64Array(pairs), im: new Float64Array(pairs) };
    const after = new Float64Array(users);
    const write = (fault: number): void => {
      for (let k = 0; k < users; k++) into[fault * users + k] = before[k] - after[k];
    };
    const add = (part: Complex, from: number, turnRe: number, turnIm: number): void => {
      for (let i = 0; i < pairs; i++) {
        changed.re[i] = gain.re[i] + turnRe * part.re[from + i] - turnIm * part.im[from + i];
        changed.im[i] = gain.im[i] + turnRe * part.im[from + i] + turnIm * part.re[from + i];
      }
      sinrDb(changed, users, noise, 1, after);
    };
    const ofBoard = boards.map((elements) => sumOfTerms(terms, elements, pairs));
    let byChain: CMatrix | undefined;
    faults.forEach((fault, f) => {
      switch (fault.what) {
        case 'element':
          add(terms, fault.index * pairs, -1, 0);
          break;
        case 'board': {
          const rad = ((fault.turnDeg ?? 0) * Math.PI) / 180;
          if (fault.turnDeg === null) add(ofBoard[fault.index], 0, -1, 0);
          else add(ofBoard[fault.index], 0, Math.cos(rad) - 1, Math.sin(rad));
          break;
        }
        case 'chain':
          byChain ??= matmul(channel, analog);
          add(chainTerm(byChain, digital, fault.index), 0, -1, 0);
          break;
        case 'elements': {
          const kept = Math.exp(-(((fault.spreadDeg * Math.PI) / 180) ** 2));
          spreadDb(gain, squares, kept, users, noise, after);
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
      write(f);
    });
  };
}

interface Complex {
  re: Float64Array;
  im: Float64Array;
}

const everyElement = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** T_n, entry (n, k, j) at (n·K + k)·K + j. */
function elementTerms(channel: CMatrix, precoder: CMatrix): Complex {
  const { rows: users, cols: elements } = channel;
  const out: Complex = { re: new Float64Array(elements * users * users), im: new Float64Array(elements * users * users) };
  for (let i = 0, n = 0; n < elements; n++) {
    for (let k = 0; k < users; k++) {
      const re = channel.re[k * elements + n];
      const im = channel.im[k * elements + n];
      for (let x = n * users; x < (n + 1) * users; x++, i++) {
        out.re[i] = re * precoder.re[x] - im * precoder.im[x];
        out.im[i] = re * precoder.im[x] + im * precoder.re[x];
      }
    }
  }
  return out;
}

function sumOfTerms(terms: Complex, elements: readonly number[], pairs: number): Complex {
  const sum: Complex = { re: new Float64Array(pairs), im: new Float64Array(pairs) };
  for (const n of elements) {
    for (let i = 0, from = n * pairs; i < pairs; i++, from++) {
      sum.re[i] += terms.re[from];
      sum.im[i] += terms.im[from];
    }
  }
  return sum;
}

/** Σ_n |T_n|². */
function squaresOf({ re, im }: Complex, pairs: number): Float64Array {
  const out = new Float64Array(pairs);
  for (let i = 0; i < re.length; i++) out[i % pairs] += re[i] * re[i] + im[i] * im[i];
  return out;
}

/** What one chain adds to G. */
function chainTerm(effective: CMatrix, digital: CMatrix, chain: number): Complex {
  const { rows: users, cols: chains } = effective;
  const out: Complex = { re: new Float64Array(users * users), im: new Float64Array(users * users) };
  for (let i = 0, k = 0; k < users; k++) {
    const re = effective.re[k * chains + chain];
    const im = effective.im[k * chains + chain];
    for (let d = chain * users; d < (chain + 1) * users; d++, i++) {
      out.re[i] = re * digital.re[d] - im * digital.im[d];
      out.im[i] = re * digital.im[d] + im * digital.re[d];
    }
  }
  return out;
}

function sinrDbOf(gain: Complex, users: number, noise: number, power: number): Float64Array {
  const out = new Float64Array(users);
  sinrDb(gain, users, noise, power, out);
  return out;
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

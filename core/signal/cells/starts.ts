/**
 * Precoders of many cells in closed form: what iterations start from, and what they have to beat. Each cell at full power; none knows of other cells.
 *
 * Sources: Zhu, Chang and Shen, "DeepFP", eqs. (39)-(41) (paper 004) for EZF; Peel, Hochwald and Swindlehurst, IEEE Trans. Commun. 53(1), 2005 for RZF.
 */
import type { CMatrix } from '../complex-matrix.ts';
import { conjTranspose, matmul, multiplyABh, multiplyAhB, zeros } from '../complex-matrix.ts';
import { eigHermitian } from '../decompositions.ts';
import { gramInverse, regularisedInverse } from '../gram-inverse.ts';
import type { Random } from '../random.ts';
import type { MultiCell } from './multi-cell.ts';
import { atCellPower, requireMultiCell } from './multi-cell.ts';
import { blockOf } from './receivers.ts';

/** Circular complex normal, scaled to full power. */
export function randomStart(problem: MultiCell, random: Random): CMatrix[] {
  return fromEachCell(problem, (_, channel) => {
    const precoder = zeros(channel.cols, problem.usersPerCell * problem.streams);
    for (let at = 0; at < precoder.re.length; at++) ({ re: precoder.re[at], im: precoder.im[at] } = random.complexNormal());
    return precoder;
  });
}

/**
 * Maximum ratio: towards each user the d strongest directions of its channel, with the same power for every stream, so that the weak are not lost to
 * the iterations that start from here.
 */
export const maximumRatio = (problem: MultiCell): CMatrix[] =>
  fromEachCell(problem, (own) => conjTranspose(strongestDirections(problem, own, 'unit')));

/** Eigen zero-forcing: the d strongest right singular vectors of each user are a virtual channel, which is inverted. */
export const eigenZeroForcing = (problem: MultiCell): CMatrix[] =>
  fromEachCell(problem, (own) => {
    const virtual = strongestDirections(problem, own, 'unit');
    return multiplyAhB(virtual, gramInverse(multiplyABh(virtual, virtual)));
  });

/** Regularised zero-forcing on the same directions with their gains: σ²·(streams)/P is the regularisation. */
export const eigenRegularisedZeroForcing = (problem: MultiCell): CMatrix[] =>
  fromEachCell(problem, (own, _, cell) => {
    const virtual = strongestDirections(problem, own, 'gain');
    return multiplyAhB(virtual, regularisedInverse(multiplyABh(virtual, virtual), problem.powers[cell], problem.noise));
  });

function fromEachCell(problem: MultiCell, precoderFor: (own: CMatrix, channel: CMatrix, cell: number) => CMatrix): CMatrix[] {
  requireMultiCell(problem);
  const { channels, usersPerCell, receiveAntennas, powers } = problem;
  const rows = usersPerCell * receiveAntennas;
  return channels.map((channel, cell) => {
    const own = blockOf(channel, cell * rows, 0, rows, channel.cols);
    return atCellPower(precoderFor(own, channel, cell), powers[cell]);
  });
}

/** (K·d)×N: of each user uᵢᴴH = σᵢ·vᵢᴴ for its d largest singular values, or vᵢᴴ; zero where it has fewer. @param own (K·Nr)×N */
function strongestDirections(
  { usersPerCell, receiveAntennas, streams }: MultiCell,
  own: CMatrix,
  length: 'gain' | 'unit',
): CMatrix {
  const out = zeros(usersPerCell * streams, own.cols);
  for (let k = 0; k < usersPerCell; k++) {
    const channel = blockOf(own, k * receiveAntennas, 0, receiveAntennas, own.cols);
    const { values, vectors } = eigHermitian(multiplyABh(channel, channel));
    const projected = matmul(conjTranspose(vectors), channel);
    for (let i = 0; i < streams; i++) {
      const from = receiveAntennas - 1 - i;
      const weakest = receiveAntennas * Number.EPSILON * values[receiveAntennas - 1];
      if (!(values[from] > weakest)) continue;
      const factor = length === 'gain' ? 1 : 1 / Math.sqrt(values[from]);
      for (let n = 0; n < own.cols; n++) {
        const to = (k * streams + i) * own.cols + n;
        out.re[to] = factor * projected.re[from * own.cols + n];
        out.im[to] = factor * projected.im[from * own.cols + n];
      }
    }
  }
  return out;
}

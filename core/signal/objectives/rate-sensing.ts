/** R − ω·τ: the sum rate, less what the distance from the covariance that sensing wishes for costs. */
import { BeamrigError } from '../../errors/beamrig-error.ts';
import type { Objective, Problem, SetArray } from '../beam-contract.ts';
import type { CMatrix } from '../complex-matrix.ts';
import { clone, conjTranspose, fromParts, matmul, multiplyAhB, zeros } from '../complex-matrix.ts';
import { divideByFactor } from '../cholesky.ts';
import { svd } from '../decompositions.ts';
import { climbRateSensing, type RateSensing } from '../rate-sensing.ts';
import { ratesOfGains } from '../rate.ts';
import { covarianceError, requireSameElements, wantedEnergy, type Sensing } from '../sensing.ts';
import { sensingSurrogate } from './sensing-surrogate.ts';
import { sumRateObjective } from './sum-rate.ts';

/** Source: Nguyen et al. (paper 000), eq. (5); D by conjugate gradients on the sphere of full power, from the best D for the rate alone. */
export const rateSensingObjective: Objective = {
  name: 'rate-sensing',
  at(problem, array) {
    const { power, noise, channel } = problem;
    const sensing = sensingOf(problem);
    const whitened = whiten(problem, array, sensing);
    const climb = (digital: CMatrix): CMatrix =>
      whitened.toDigital(climbRateSensing(whitened.small, whitened.fromDigital(digital)));
    const value = (digital: CMatrix): number => {
      const precoder = matmul(array.analog, digital);
      const rate = ratesOfGains(matmul(channel, precoder), noise).sumRate;
      return rate - sensing.weight * covarianceError(sensing, precoder, power);
    };
    return {
      resolve(near) {
        const fromRate = climb(sumRateObjective.at(problem, array).resolve().digital);
        if (near === undefined) return { digital: fromRate };
        const fromNear = climb(near.digital);
        return { digital: value(fromNear) > value(fromRate) ? fromNear : fromRate };
      },
      // What is told of sensing beside it is told for every objective: sensing.ts.
      score: ({ digital }) => ({ value: value(digital), metrics: {} }),
    };
  },
  surrogate: (problem) => sensingSurrogate(problem, sensingOf(problem)),
};

/**
 * R, columns of the widest factor among what is to be sensed, where the objective weighs that: what a network is built for.
 * @returns undefined where the rates alone count, whatever is told of sensing beside
 */
export function columnsWeighed(objective: string, sensed: readonly Pick<Sensing, 'factor'>[] = []): number | undefined {
  if (objective !== rateSensingObjective.name || sensed.length === 0) return undefined;
  return Math.max(...sensed.map(({ factor }) => factor.cols));
}

function sensingOf({ sensing, channel }: Problem): Sensing {
  const wished = requireWish(sensing);
  requireSameElements(wished, channel.cols);
  return wished;
}

/** @throws {BeamrigError} 'argument' where there is nothing that sensing wishes for */
export function requireWish<Wish>(sensing: Wish | undefined): Wish {
  if (sensing !== undefined) return sensing;
  throw new BeamrigError('argument', "the objective 'rate-sensing' needs to know what sensing wishes for", {
    wayOut:
      'Say where to look (`sensing` in the rig file, --sensing or --covariance of the command), or choose another objective.',
  });
}

interface Whitened {
  small: RateSensing;
  /** V = A'·D: as long as the array radiates. */
  fromDigital: (digital: CMatrix) => CMatrix;
  toDigital: (v: CMatrix) => CMatrix;
}

/** The problem for V of M×K with ‖V‖² = P: with AᴴA = LLᴴ it is V = Lᴴ·D, and no N is left in it. */
function whiten({ channel, power, noise }: Problem, { analog, equivalent }: SetArray, { factor, weight }: Sensing): Whitened {
  const seen = multiplyAhB(factor, analog); // BᴴA, r×M
  const small = { power, noise, weight, constant: power ** 2 * wantedEnergy(factor) };
  if (equivalent.analog.rows === equivalent.analog.cols && equivalent.analog !== analog) {
    const { analog: upper, channel: gains } = equivalent;
    const lower = conjTranspose(upper);
    divideByFactor(seen, lower); // BᴴA·L⁻ᴴ
    return {
      small: { ...small, gains, wanted: multiplyAhB(seen, seen) },
      fromDigital: (digital) => matmul(upper, digital),
      toDigital: (v) => backSubstituted(upper, v),
    };
  }
  // Columns of A coincide: what they span has fewer dimensions than chains.
  const { u, s, v: right } = svd(analog);
  const rank = Math.max(1, s.filter((value) => value > 1e-7 * s[0]).length);
  const basis = columns(u, rank);
  const back = columns(right, rank);
  for (let i = 0; i < back.re.length; i++) {
    back.re[i] /= s[i % rank];
    back.im[i] /= s[i % rank];
  }
  const seenBasis = multiplyAhB(factor, basis);
  return {
    small: { ...small, gains: matmul(channel, basis), wanted: multiplyAhB(seenBasis, seenBasis) },
    fromDigital: (digital) => multiplyAhB(basis, matmul(analog, digital)),
    toDigital: (v) => matmul(back, v),
  };
}

function columns({ rows, cols, re, im }: CMatrix, count: number): CMatrix {
  const pick = (part: Float64Array): Float64Array =>
    Float64Array.from({ length: rows * count }, (_, i) => part[Math.floor(i / count) * cols + (i % count)]);
  return fromParts(rows, count, pick(re), pick(im));
}

/** U⁻¹·v for an upper triangle U with a real diagonal. */
function backSubstituted({ rows: n, re: ur, im: ui }: CMatrix, v: CMatrix): CMatrix {
  const x = v.re.length > 0 ? clone(v) : zeros(n, 0);
  const { cols, re, im } = x;
  for (let k = 0; k < cols; k++) {
    for (let i = n - 1; i >= 0; i--) {
      const at = i * cols + k;
      for (let j = i + 1; j < n; j++) {
        const from = j * cols + k;
        re[at] -= ur[i * n + j] * re[from] - ui[i * n + j] * im[from];
        im[at] -= ur[i * n + j] * im[from] + ui[i * n + j] * re[from];
      }
      re[at] /= ur[i * n + i];
      im[at] /= ur[i * n + i];
    }
  }
  return x;
}

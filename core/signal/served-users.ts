/**
 * Weighted MMSE where users cannot be told apart. It only climbs, and serving equal users equally is a point that it never leaves: their streams
 * disturb each other, and no power helps (K users in one place share log₂ of K/(K − 1) each, where one of them alone would have all of log₂(1 + SNR)).
 * So there, fewer users are tried, too: the strongest, then whoever adds most that is new, one after the other; the best choice is served, and the
 * others are off.
 *
 * Where no two users are alike, which is nearly always, this is weighted-mmse.ts to the last bit.
 *
 * Source: the order is that of Yoo and Goldsmith, IEEE J. Sel. Areas Commun. 24(3), 2006 (semi-orthogonal user selection), of B by Cholesky with pivots.
 */
import type { CMatrix } from './complex-matrix.ts';
import { clone, matmul, realInner, scale, zeros } from './complex-matrix.ts';
import { factorInPlace } from './cholesky.ts';
import { MIN_PIVOT_SHARE, regularisedInverse } from './gram-inverse.ts';
import type { UserIndex } from './indices.ts';
import { userIndex } from './indices.ts';
import { ratesOfGains } from './rate.ts';
import type { WeightedMmseProblem } from './weighted-mmse.ts';
import { weightedMmseInRowSpace } from './weighted-mmse.ts';

/** Users are alike where no more of their power than this is heard by one and not by the other: their channels are 2° apart. */
const ALIKE = 1e-3;
/** Power of X that rounding may have moved; where there is more, X is no precoder. */
const POWER_TOLERANCE = 1e-6;

/** @returns X, K×K, with ‖V‖² = 1; columns of users who are not served are 0 */
export function weightedMmseOfServed(problem: WeightedMmseProblem): CMatrix {
  const { gram, relativeNoise } = problem;
  const all = weightedMmseInRowSpace(problem);
  if (canBeToldApart(gram)) return all;
  let best = { x: all, rate: rateOf(gram, all, relativeNoise) };
  const served: UserIndex[] = [];
  for (const user of byNewStrength(gram)) {
    served.push(user);
    const x = servingOnly(problem, served);
    const rate = rateOf(gram, x, relativeNoise);
    if (rate > best.rate) best = { x, rate };
  }
  return best.x;
}

/** Whether no two users are alike, and none hears but a sum of what others hear. @param gram B, K×K */
function canBeToldApart(gram: CMatrix): boolean {
  const { rows: users, re, im } = gram;
  for (let i = 0; i < users; i++) {
    for (let j = 0; j < i; j++) {
      const at = i * users + j;
      const common = re[at] * re[at] + im[at] * im[at];
      if (common > (1 - ALIKE) * re[i * users + i] * re[j * users + j]) return false;
    }
  }
  return factorInPlace(clone(gram), MIN_PIVOT_SHARE);
}

/** The strongest user, then always the one of whose signal most is new; none who has nothing new. */
function byNewStrength(gram: CMatrix): UserIndex[] {
  const users = gram.rows;
  const { re, im } = clone(gram); // of what those chosen so far do not hear
  const order: UserIndex[] = [];
  for (;;) {
    let most = 0;
    let next = -1;
    for (let k = 0; k < users; k++) {
      const own = re[k * users + k];
      if (!(own > most && own > MIN_PIVOT_SHARE * gram.re[k * users + k])) continue;
      most = own;
      next = k;
    }
    if (next < 0) return order;
    order.push(userIndex(next));
    const row = next * users;
    const [heardRe, heardIm] = [re.slice(row, row + users), im.slice(row, row + users)];
    for (let i = 0; i < users; i++) {
      for (let j = 0; j < users; j++) {
        re[i * users + j] -= (heardRe[i] * heardRe[j] + heardIm[i] * heardIm[j]) / most;
        im[i * users + j] -= (heardRe[i] * heardIm[j] - heardIm[i] * heardRe[j]) / most;
      }
    }
  }
}

/** X that serves these users, from regularised zero-forcing for them, and is 0 for the others. */
function servingOnly(problem: WeightedMmseProblem, served: readonly UserIndex[]): CMatrix {
  const count = served.length;
  const users = problem.gram.rows;
  const place = (i: number): number => served[Math.floor(i / count)] * users + served[i % count];
  const gram = zeros(count, count);
  for (let i = 0; i < count * count; i++) {
    gram.re[i] = problem.gram.re[place(i)];
    gram.im[i] = problem.gram.im[place(i)];
  }
  const start = regularisedInverse(gram, 1, problem.relativeNoise);
  const gains = matmul(gram, start);
  const own = weightedMmseInRowSpace({ ...problem, gram, gains, gainsPower: realInner(start, gains) });
  const x = zeros(users, users);
  for (let i = 0; i < count * count; i++) {
    x.re[place(i)] = own.re[i];
    x.im[place(i)] = own.im[i];
  }
  return x;
}

/** −∞ where X is not of power 1, as one that rounding has spoilt. */
function rateOf(gram: CMatrix, x: CMatrix, relativeNoise: number): number {
  const gains = matmul(gram, x);
  const power = realInner(x, gains);
  if (!(Math.abs(power - 1) < POWER_TOLERANCE)) return -Infinity;
  return ratesOfGains(scale(gains, 1 / Math.sqrt(power)), relativeNoise).sumRate;
}

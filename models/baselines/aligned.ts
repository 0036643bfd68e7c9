/**
 * Where every method starts: phases that align each RF chain with one user's channel, and the digital precoder nearest to zero-forcing.
 *
 * Source: Nguyen et al., Asilomar 2023, eqs. (12)-(13), with the sign of the phase that aligns (the one printed in (12) conjugates).
 */
import type { UserIndex } from '../../core/signal/indices.ts';
import { userIndex } from '../../core/signal/indices.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { frobeniusNorm, matmul, multiplyAhB, scale, subtract, zeros } from '../../core/signal/complex-matrix.ts';
import { trySolveHermitian } from '../../core/signal/cholesky.ts';
import { pseudoInverse } from '../../core/signal/decompositions.ts';
import { zeroForcing } from '../../core/signal/precoders.ts';

/**
 * A₀ = exp(j·angle(Hᴴ)): chain k makes user k's signal add up in phase. Chains beyond the users each take the phases of what the chains so
 * far leave of zero-forcing, at the user who misses most; with fewer chains than users the users with the strongest channels are served.
 * @param channel K×N, rows h_kᴴ
 * @param connection N·M of 0/1; absent means fully connected
 * @returns N×M, unit modulus where connected
 */
export function alignedAnalog(channel: CMatrix, rfChains: number, connection?: Uint8Array): CMatrix {
  const users = channel.rows;
  const elements = channel.cols;
  const analog = zeros(elements, rfChains);
  const wired = (n: number, m: number): boolean => connection === undefined || connection[n * rfChains + m] !== 0;
  const setPhase = (n: number, m: number, re: number, im: number): void => {
    if (!wired(n, m)) return;
    const size = Math.hypot(re, im);
    analog.re[n * rfChains + m] = size === 0 ? 1 : re / size;
    analog.im[n * rfChains + m] = size === 0 ? 0 : im / size;
  };
  const served = rfChains >= users ? Array.from({ length: users }, (_, k) => k) : strongestUsers(channel, rfChains);
  served.forEach((user, m) => {
    for (let n = 0; n < elements; n++) setPhase(n, m, channel.re[user * elements + n], -channel.im[user * elements + n]);
  });
  if (rfChains <= users) return analog;
  const target = zeroForcing(channel, 1);
  for (let m = users; m < rfChains; m++) {
    const missing = subtract(target, matmul(analog, leastSquares(analog, target)));
    const user = largestColumn(missing);
    for (let n = 0; n < elements; n++) setPhase(n, m, missing.re[n * users + user], missing.im[n * users + user]);
  }
  return analog;
}

/**
 * D₀ = A⁺H⁺, the digital precoder whose A·D lies nearest to zero-forcing, at full power: ‖A·D₀‖²_F = power.
 * @param channel K×N, rows h_kᴴ
 * @param analog N×M
 * @returns M×K
 * Source: eq. (13), whose scale is √P.
 */
export function nearestToZeroForcing(channel: CMatrix, analog: CMatrix, power: number): CMatrix {
  const digital = leastSquares(analog, zeroForcing(channel, 1));
  return scale(digital, Math.sqrt(power) / frobeniusNorm(matmul(analog, digital)));
}

/** A⁺·target: the D whose A·D lies nearest to the target, of any power. */
export function leastSquares(analog: CMatrix, target: CMatrix): CMatrix {
  const solved = trySolveHermitian(multiplyAhB(analog, analog), multiplyAhB(analog, target), 1e-10);
  return solved ?? matmul(pseudoInverse(analog), target);
}

function strongestUsers(channel: CMatrix, count: number): UserIndex[] {
  const strength = (user: UserIndex): number => {
    let sum = 0;
    for (let i = user * channel.cols; i < (user + 1) * channel.cols; i++) sum += channel.re[i] ** 2 + channel.im[i] ** 2;
    return sum;
  };
  const users = Array.from({ length: channel.rows }, (_, k) => userIndex(k));
  return users.sort((a, b) => strength(b) - strength(a)).slice(0, count);
}

function largestColumn(a: CMatrix): number {
  const energy = new Float64Array(a.cols);
  for (let i = 0; i < a.re.length; i++) energy[i % a.cols] += a.re[i] ** 2 + a.im[i] ** 2;
  return energy.indexOf(Math.max(...energy));
}

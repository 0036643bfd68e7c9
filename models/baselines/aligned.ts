/**
 * Where every method starts: phases that align each RF chain with one user's channel, and the digital precoder nearest to zero-forcing.
 *
 * Source: Nguyen et al., Asilomar 2023, eqs. (12)-(13), with the sign of the phase that aligns (the one printed in (12) conjugates).
 */
import type { UserIndex } from '../../core/signal/indices.ts';
import { userIndex } from '../../core/signal/indices.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { frobeniusNorm, matmul, multiplyABh, multiplyAhB, scale, subtract, zeros } from '../../core/signal/complex-matrix.ts';
import { trySolveHermitian } from '../../core/signal/cholesky.ts';
import { pseudoInverseHermitian } from '../../core/signal/decompositions.ts';
import { MIN_PIVOT_SHARE, gramInverse } from '../../core/signal/gram-inverse.ts';
import { atPower, factorToPower, zeroForcing } from '../../core/signal/precoders.ts';
import type { Baseline } from './baseline.ts';

/**
 * A, kept from call to call, as only its angles are handed out: made anew for every beam, matrices of a large array have the collector of
 * garbage at work all the time.
 */
let kept = zeros(0, 0);

export const aligned: Baseline = {
  title: 'phases aligned with the channels, D nearest to zero-forcing: where every other method starts',
  source: 'paper 001, (12) and (13)',
  run: ({ channel, rfChains, connection, power }) => {
    if (kept.rows !== channel.cols || kept.cols !== rfChains) kept = zeros(channel.cols, rfChains);
    alignedAnalog(channel, rfChains, connection, kept);
    return { analog: kept, digital: nearestToZeroForcing(channel, kept, power) };
  },
};

/**
 * A₀ = exp(j·angle(Hᴴ)): chain k makes user k's signal add up in phase. Chains beyond the users each take the phases of what the chains so
 * far leave of zero-forcing, at the user who misses most; with fewer chains than users the users with the strongest channels are served.
 * @param channel K×N, rows h_kᴴ
 * @param connection N·M of 0/1; absent means fully connected
 * @param into N×M, where the result goes; absent: a new matrix
 * @returns N×M, unit modulus where connected
 */
export function alignedAnalog(channel: CMatrix, rfChains: number, connection?: Uint8Array, into?: CMatrix): CMatrix {
  const users = channel.rows;
  const elements = channel.cols;
  into?.re.fill(0);
  into?.im.fill(0);
  const analog = into ?? zeros(elements, rfChains);
  const wired = (n: number, m: number): boolean => connection === undefined || connection[n * rfChains + m] !== 0;
  const setPhase = (n: number, m: number, re: number, im: number): void => {
    if (!wired(n, m)) return;
    const size = modulus(re, im);
    analog.re[n * rfChains + m] = size === 0 ? 1 : re / size;
    analog.im[n * rfChains + m] = size === 0 ? 0 : im / size;
  };
  const served = rfChains >= users ? Array.from({ length: users }, (_, k) => k) : strongestUsers(channel, rfChains);
  for (let n = 0; n < elements; n++) {
    for (let m = 0; m < served.length; m++) {
      const at = served[m] * elements + n;
      setPhase(n, m, channel.re[at], -channel.im[at]);
    }
  }
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
 * D₀ = A⁺H⁺, the digital precoder whose A·D lies nearest to zero-forcing, at full power: ‖A·D₀‖²_F = power. With H⁺ = Hᴴ(HHᴴ)⁻¹ that is
 * (AᴴA)⁻¹(HA)ᴴ(HHᴴ)⁻¹, for which neither H⁺ nor A·D, as long as the array, need be formed.
 * @param channel K×N, rows h_kᴴ
 * @param analog N×M
 * @returns M×K
 * @throws {BeamrigError} 'argument' when the channel is all zero
 * Source: eq. (13), whose scale is √P.
 */
export function nearestToZeroForcing(channel: CMatrix, analog: CMatrix, power: number): CMatrix {
  const inverse = gramInverse(multiplyABh(channel, channel)); // (HHᴴ)⁻¹, K×K
  const metric = multiplyAhB(analog, analog); // AᴴA, M×M
  const effective = matmul(channel, analog); // H·A, K×M
  const solved = trySolveHermitian(metric, multiplyAhB(effective, inverse), MIN_PIVOT_SHARE);
  if (solved !== undefined) return atPower(solved, metric, power);
  const digital = leastSquares(analog, multiplyAhB(channel, inverse));
  return scale(digital, factorToPower(frobeniusNorm(matmul(analog, digital)) ** 2, power));
}

/**
 * A⁺·target: the D whose A·D lies nearest to the target, of any power. Columns of A that all but coincide count as one: told apart, they would
 * have large weights against each other, which a phase shifter's last digit undoes.
 */
export function leastSquares(analog: CMatrix, target: CMatrix): CMatrix {
  const metric = multiplyAhB(analog, analog);
  const seen = multiplyAhB(analog, target);
  return trySolveHermitian(metric, seen, ALL_BUT_ALIKE) ?? matmul(pseudoInverseHermitian(metric, ALL_BUT_ALIKE), seen);
}

/** Of AᴴA: columns whose difference is a ten-thousandth of them. */
const ALL_BUT_ALIKE = 1e-8;

/** |re + j·im|; `Math.hypot` takes ten times as long, and is wanted only where a square would not fit. */
function modulus(re: number, im: number): number {
  const squared = re * re + im * im;
  return squared > 1e-280 && squared < 1e280 ? Math.sqrt(squared) : Math.hypot(re, im);
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

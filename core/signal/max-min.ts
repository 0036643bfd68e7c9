/**
 * Max-min SINR under a sum power in the row space of the channel, where N has dropped out: with V = Hᴴ·X everything it needs is B = HHᴴ.
 *
 * Uplink powers q (Σq = P) that balance the SINR with the best receivers, by a fixed point that has one solution and always gets there; the
 * receivers are the directions of the downlink, whose powers p are balanced in the same way and, by duality, to the same SINR:
 *   mₖ = hₖᴴ(σ²I + Σⱼqⱼhⱼhⱼᴴ)⁻¹hₖ = (1 − σ²·[(σ²I + Q^½BQ^½)⁻¹]ₖₖ)/qₖ,  qₖ ← c·(1/mₖ − qₖ)
 *   pₖ ← c·(σ² + Σⱼ≠ₖ pⱼ|gₖⱼ|²)/|gₖₖ|²
 *
 * Source: Schubert and Boche, IEEE Trans. Veh. Technol. 53(1), 2004; as normalised fixed points Tan et al., IEEE Trans. Signal Process. 59(11), 2011.
 */
import { BeamrigError } from '../errors/beamrig-error.ts';
import type { CMatrix } from './complex-matrix.ts';
import { identity, matmul, zeros } from './complex-matrix.ts';
import { solveHermitian } from './cholesky.ts';
import { toDb } from './rate.ts';

const MOST_STEPS = 200;
/** Both fixed points end when no power moves by more than this share. */
const SETTLED = 1e-10;

/** Uplink powers that balance the SINR of all users with the best receivers. */
export interface BalancedUplink {
  /** q, Σq = P */
  readonly powers: Float64Array;
  /** (σ²I + Q^½BQ^½)⁻¹ */
  readonly inverse: CMatrix;
}

/**
 * @param gram B, K×K, Hermitian positive semidefinite
 * @param power P
 * @param noise σ² > 0
 * @returns undefined where a user hears nothing: no beam gives that user a rate
 * @throws {BeamrigError} 'argument' where a user hears so little, some 160 dB below the noise, that float64 does not hold what balances it
 */
export function balanceUplink(gram: CMatrix, power: number, noise: number): BalancedUplink | undefined {
  const users = gram.rows;
  for (let k = 0; k < users; k++) if (!(gram.re[k * users + k] > 0)) return undefined;
  let powers: Float64Array = new Float64Array(users).fill(power / users);
  let inverse = uplinkInverse(gram, powers, noise);
  for (let step = 0; step < MOST_STEPS; step++) {
    const next = normalised(
      powers.map((q, k) => {
        const received = 1 - noise * inverse.re[k * users + k]; // qₖmₖ
        return q / received - q;
      }),
      power,
    );
    if (!next.every((q) => q > 0 && q < Infinity)) throw hopeless(gram, power / noise);
    const settled = isSettled(powers, next);
    powers = next;
    inverse = uplinkInverse(gram, powers, noise);
    if (settled) break;
  }
  return { powers, inverse };
}

/**
 * @param uplink as `balanceUplink` gives it for the same B, P and σ²
 * @returns X, K×K, with the power of each stream in its column
 */
export function maxMinInRowSpace(
  gram: CMatrix,
  { powers: uplink, inverse }: BalancedUplink,
  power: number,
  noise: number,
): CMatrix {
  const users = gram.rows;
  // Directions: column k of Q^½(σ²I + Q^½BQ^½)⁻¹, of any length.
  const directions = zeros(users, users);
  for (let i = 0; i < users * users; i++) {
    const root = Math.sqrt(uplink[Math.floor(i / users)]);
    directions.re[i] = root * inverse.re[i];
    directions.im[i] = root * inverse.im[i];
  }
  const gains = matmul(gram, directions);
  for (let j = 0; j < users; j++) {
    let norm = 0;
    for (let i = j; i < users * users; i += users) norm += directions.re[i] * gains.re[i] + directions.im[i] * gains.im[i];
    scaleColumn(directions, j, 1 / Math.sqrt(norm));
    scaleColumn(gains, j, 1 / Math.sqrt(norm));
  }
  const receivedPower = (k: number, j: number): number => gains.re[k * users + j] ** 2 + gains.im[k * users + j] ** 2;
  let downlink: Float64Array = new Float64Array(users).fill(power / users);
  for (let step = 0; step < MOST_STEPS; step++) {
    const next = normalised(
      downlink.map((_, k) => {
        let interferenceAndNoise = noise;
        for (let j = 0; j < users; j++) if (j !== k) interferenceAndNoise += downlink[j] * receivedPower(k, j);
        return interferenceAndNoise / receivedPower(k, k);
      }),
      power,
    );
    const settled = isSettled(downlink, next);
    downlink = next;
    if (settled) break;
  }
  for (let j = 0; j < users; j++) scaleColumn(directions, j, Math.sqrt(downlink[j]));
  return directions;
}

/** Names the user who hears the least. @param snr P/σ² */
function hopeless({ rows: users, re }: CMatrix, snr: number): BeamrigError {
  const heard = Array.from({ length: users }, (_, k) => snr * re[k * users + k]);
  const weakest = heard.indexOf(Math.min(...heard));
  return new BeamrigError(
    'argument',
    `user ${weakest} hears ${toDb(heard[weakest]).toFixed(0)} dB at most, and the loudest ${toDb(Math.max(...heard)).toFixed(0)}: no powers make their rates alike`,
    {
      wayOut: `look whether the channel of user ${weakest} has the unit of the others; leave that user out, or choose the objective sum-rate`,
    },
  );
}

/** (σ²I + Q^½BQ^½)⁻¹ */
function uplinkInverse(gram: CMatrix, powers: Float64Array, noise: number): CMatrix {
  const users = gram.rows;
  const matrix = zeros(users, users);
  for (let i = 0; i < users * users; i++) {
    const [row, column] = [Math.floor(i / users), i % users];
    const root = Math.sqrt(powers[row] * powers[column]);
    matrix.re[i] = root * gram.re[i] + (row === column ? noise : 0);
    matrix.im[i] = root * gram.im[i];
  }
  return solveHermitian(matrix, identity(users));
}

function normalised(powers: Float64Array, power: number): Float64Array {
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => (value * power) / sum);
}

const isSettled = (before: Float64Array, after: Float64Array): boolean =>
  after.every((value, k) => Math.abs(value - before[k]) <= SETTLED * value);

function scaleColumn(a: CMatrix, column: number, factor: number): void {
  for (let i = column; i < a.re.length; i += a.cols) {
    a.re[i] *= factor;
    a.im[i] *= factor;
  }
}

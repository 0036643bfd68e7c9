/**
 * Digital precoders in closed form or by a few small iterations: zero-forcing, regularised zero-forcing, weighted MMSE; fully digital (N×K),
 * or for a given analog precoder A (D of M×K), which is how D is solved again after the phases have been quantised.
 *
 * All of them live in the row space of the channel: X (K×K) with V = Hᴴ·X, or D = (AᴴA)⁻¹(HA)ᴴ·X, and see the channel only through a Gram
 * matrix B of K×K. For a given A that is B = F(AᴴA)⁻¹Fᴴ with F = H·A, the Gram matrix of H·Q for a thin QR A = Q·R; so after one pass over
 * the elements, the work is M×M and K×K.
 */
import { BeamrigError } from '../errors/beamrig-error.ts';
import type { CMatrix } from './complex-matrix.ts';
import { frobeniusNorm, matmul, multiplyABh, multiplyAhB, realInner, scale } from './complex-matrix.ts';
import { gramInverse, regularisedInverse } from './gram-inverse.ts';
import { balanceUplink, maxMinInRowSpace } from './max-min.ts';
import { weightedMmseOfServed } from './served-users.ts';

/**
 * √P·H⁺/‖H⁺‖_F: one scale for all users.
 * @param channel K×N, rows h_kᴴ
 * @param power total power P, linear
 * @returns N×K, ‖V‖²_F = power
 * @throws {BeamrigError} `argument` when the channel is all zero
 */
export function zeroForcing(channel: CMatrix, power: number): CMatrix {
  const v = multiplyAhB(channel, gramInverse(multiplyABh(channel, channel)));
  return scale(v, factorToPower(frobeniusNorm(v) ** 2, power));
}

/**
 * √P·W/‖W‖_F with W = Hᴴ(HHᴴ + (K·σ²/P)·I)⁻¹: less of the power is spent on users who are hard to tell apart.
 * @param channel K×N, rows h_kᴴ
 * @param noise σ² > 0, linear
 * @returns N×K, ‖V‖²_F = power
 * @throws {BeamrigError} `argument` when the channel is all zero
 * Source: Peel, Hochwald and Swindlehurst, IEEE Trans. Commun. 53(1), 2005.
 */
export function regularisedZeroForcing(channel: CMatrix, power: number, noise: number): CMatrix {
  const v = multiplyAhB(channel, regularisedInverse(multiplyABh(channel, channel), power, noise));
  return scale(v, factorToPower(frobeniusNorm(v) ** 2, power));
}

export interface WmmseOptions {
  /** At most this many updates of the precoder. Default 100, the reference definition. */
  iterations?: number;
  /** Stop when an update gains less than this share of the rate. Default 0: run all iterations. */
  tolerance?: number;
}

/**
 * Sum-power weighted MMSE from the zero-forcing start, rescaled to full power: with the defaults, the upper reference of every table.
 * @param channel K×N, rows h_kᴴ
 * @param noise σ² > 0, linear
 * @returns N×K, ‖V‖²_F = power
 * @throws {BeamrigError} `argument` when the channel is all zero
 * Source: Shi et al., IEEE Trans. Signal Process. 59(9), 2011.
 */
export function wmmse(channel: CMatrix, power: number, noise: number, options: WmmseOptions = {}): CMatrix {
  const { iterations = 100, tolerance = 0 } = options;
  const gram = multiplyABh(channel, channel);
  const gains = matmul(channel, zeroForcing(channel, power));
  const x = weightedMmseOfServed({
    gram,
    gains,
    gainsPower: power,
    relativeNoise: noise / power,
    iterations,
    tolerance,
    accelerated: false,
  });
  const v = multiplyAhB(channel, x);
  return scale(v, factorToPower(frobeniusNorm(v) ** 2, power));
}

export interface DigitalForAnalogOptions extends WmmseOptions {
  /** Default `wmmse`, with at most 100 iterations and a tolerance of 1e-5 of the rate, accelerated unless the tolerance is 0. */
  method?: 'zf' | 'rzf' | 'wmmse' | 'max-min';
  /** What WMMSE starts from: a closed form, or a D (M×K). Default zero-forcing. */
  start?: 'zf' | 'rzf' | CMatrix;
}

/**
 * The digital precoder for a given analog one: what WMMSE (or ZF, RZF, max-min SINR) finds on H·Q for a thin QR A = Q·R, carried back as D = R⁻¹·….
 * @param channel K×N, rows h_kᴴ
 * @param analog A, N×M; entries need not have modulus 1 (measured states), columns may coincide
 * @param noise σ² > 0, linear
 * @returns D, M×K, ‖A·D‖²_F = power
 * @throws {BeamrigError} `argument` when no user hears anything through A
 */
export function digitalForAnalog(
  channel: CMatrix,
  analog: CMatrix,
  power: number,
  noise: number,
  options: DigitalForAnalogOptions = {},
): CMatrix {
  const { method = 'wmmse', iterations = 100, tolerance = 1e-5, start = 'zf' } = options;
  const effective = matmul(channel, analog); // F = H·A, K×M
  const metric = multiplyAhB(analog, analog); // AᴴA, M×M: ‖A·D‖² = tr(DᴴAᴴA·D)
  const basis = multiplyABh(gramInverse(metric), effective); // (AᴴA)⁻¹Fᴴ, M×K
  const gram = matmul(effective, basis);
  if (method !== 'wmmse') return atPower(matmul(basis, closedForm(method, gram, power, noise)), metric, power);
  const first = typeof start === 'string' ? atPower(matmul(basis, closedForm(start, gram, power, noise)), metric, power) : start;
  const x = weightedMmseOfServed({
    gram,
    gains: matmul(effective, first),
    gainsPower: radiatedPower(first, metric),
    relativeNoise: noise / power,
    iterations,
    tolerance,
    // Without a tolerance the plain iteration is wanted, for the figures that are defined by it.
    accelerated: tolerance > 0,
  });
  return atPower(matmul(basis, x), metric, power);
}

/** X of the methods that do not improve on a start. */
function closedForm(method: 'zf' | 'rzf' | 'max-min', gram: CMatrix, power: number, noise: number): CMatrix {
  if (method === 'zf') return gramInverse(gram);
  const uplink = method === 'max-min' ? balanceUplink(gram, power, noise) : undefined;
  return uplink === undefined ? regularisedInverse(gram, power, noise) : maxMinInRowSpace(gram, uplink, power, noise);
}

/** ‖A·D‖²_F from AᴴA. */
function radiatedPower(digital: CMatrix, metric: CMatrix): number {
  return realInner(digital, matmul(metric, digital));
}

/** D scaled to ‖A·D‖²_F = power. @param metric AᴴA */
export function atPower(digital: CMatrix, metric: CMatrix, power: number): CMatrix {
  return scale(digital, factorToPower(radiatedPower(digital, metric), power));
}

/** @throws {BeamrigError} 'argument' where the actual power is not above 0 */
export function factorToPower(actual: number, wanted: number): number {
  if (actual > 0) return Math.sqrt(wanted / actual);
  throw new BeamrigError(
    'argument',
    'no user hears anything: the channel (through the given phases) is all zero or not a number',
    {
      wayOut: 'check the channel, and that some element is connected',
    },
  );
}

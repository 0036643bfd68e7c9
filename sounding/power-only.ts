/**
 * Where a panel or user reports powers and no phases: p_b = |h_kᴴ·f_b + n|². The phase of a whole row of H stays unknown, and matters to nobody.
 *
 * `bestBeam` takes each user to be where the loudest beam points. `retrievePhases` finds phases for the readings that an estimator can explain: the
 * powers of directions that explain the powers of beams, then by turns a channel for the readings and the channel's phases for the readings,
 *
 *   ĥ ← estimate of (√p_b·e^{jθ_b}),   θ_b ← ∠(ĥᴴ·f_b),
 *
 * from several draws of phases; the one is kept that leaves least of the powers. `chainsByPower` needs no prior: of the few chains behind words that
 * stand, pairs can be driven, and what two chains make together tells the phase between them.
 *
 * Sources: Gerchberg and Saxton, Optik 35, 1972, with a prior in the place of the second measured plane; Jaganathan, Oymak and Hassibi, IEEE Trans.
 * Signal Process. 65(9), 2017 (sparse phase retrieval is ambiguous beyond a phase for few readings); Shepp and Vardi, IEEE Trans. Med. Imaging 1(2),
 * 1982 (the multiplicative start).
 */
import { solveFactored } from '../core/signal/cholesky.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { conjTranspose, matmul, scale, subtract, zeros } from '../core/signal/complex-matrix.ts';
import type { Random } from '../core/signal/random.ts';
import type { ChannelEstimate } from './estimator.ts';
import { requireReadings, rowOf, userByUser } from './estimator.ts';
import { readingsFactor } from './gaussian-posterior.ts';
import type { SeenDirections, SoundedWith } from './seen-directions.ts';
import { learnSpectrum, spectralPosterior, spectralPrior, UNEXPLAINED_SHARE } from './spectral-estimate.ts';

const DRAWS = 8;
const TURNS = 40;
/** Turns between two steps of the powers of directions. */
const TURNS_A_STEP = 10;
const START_STEPS = 200;

/**
 * @param powers p, K×B, real parts; imaginary parts are 0
 * @param noise σ²
 * @returns rows √(p − σ²)/‖f‖²·fᴴ of the loudest beam; of everything else, it says that anything of the user's power may be there
 * @throws {BeamrigError} as an estimator does
 */
export function bestBeam(sounded: SoundedWith, powers: CMatrix, noise: number): ChannelEstimate {
  requireReadings(sounded, powers, noise);
  const { beams, gram } = sounded;
  return userByUser(powers, beams.rows, (reading) => {
    const best = reading.re.reduce((most, power, b) => (power > reading.re[most] ? b : most), 0);
    const length = gram.re[best * beams.cols + best]; // ‖f‖²
    const amplitude = Math.sqrt(Math.max(reading.re[best] - noise, 0)) / length;
    const row = zeros(1, beams.rows);
    for (let n = 0; n < beams.rows; n++) {
      row.re[n] = amplitude * beams.re[n * beams.cols + best];
      row.im[n] = -amplitude * beams.im[n * beams.cols + best];
    }
    const power = elementPower(reading, noise, sounded.beamPower);
    return { row, errorTowards: (analog) => scale(analog, power) };
  });
}

/**
 * What takes long of it: seconds, where beams are many.
 * @param powers p, K×B, real parts; imaginary parts are 0
 * @param noise σ²
 * @returns user by user
 * @throws {BeamrigError} as an estimator does
 */
export function retrievePhases(sounded: SeenDirections, powers: CMatrix, noise: number, random: Random): Retrieved[] {
  requireReadings(sounded, powers, noise);
  return Array.from({ length: powers.rows }, (_, user) => {
    const reading = rowOf(powers, user);
    const start = spectrumOfPowers(sounded, reading, noise);
    let best = retrieve(sounded, reading, start, noise, random);
    for (let draw = 1; draw < DRAWS; draw++) {
      const found = retrieve(sounded, reading, start, noise, random);
      if (found.left < best.left) best = found;
    }
    return best;
  });
}

/** @param powers, noise that the phases were found for */
export function channelOfPhases(
  sounded: SeenDirections,
  powers: CMatrix,
  noise: number,
  found: readonly Retrieved[],
): ChannelEstimate {
  const estimate = userByUser(powers, sounded.beams.rows, (_, user) => {
    const { reading, spectrum, floor } = found[user];
    return spectralPosterior({ reading, sounded, noise }, spectrum, floor);
  });
  return { ...estimate, spectra: found.map(({ spectrum }) => spectrum) };
}

/**
 * What one user hears of each chain, but for a phase of all of them together: the reference chain's is real,
 *
 *   y_r = √p_r,   y_m = √p_m·e^{jθ},   θ = ∠((q_0 − p_m − p_r) + j·(q_1 − p_m − p_r)),   q_i = |y_m + j^i·y_r|²
 *
 * @param powers p of each chain alone, M, unbiased
 * @param pairs q_0, q_1 of each chain beside the reference, M; those of the reference itself do not count
 * @param reference r, the strongest
 * @returns 1×M
 */
export function chainsByPower(
  powers: readonly number[],
  pairs: readonly (readonly [number, number])[],
  reference: number,
): CMatrix {
  const row = zeros(1, powers.length);
  powers.forEach((power, m) => {
    const amplitude = Math.sqrt(Math.max(power, 0));
    const both = power + powers[reference];
    const phase = m === reference ? 0 : Math.atan2(pairs[m][1] - both, pairs[m][0] - both);
    row.re[m] = amplitude * Math.cos(phase);
    row.im[m] = amplitude * Math.sin(phase);
  });
  return row;
}

/** Each row turned as a whole so that it agrees with the expected one as well as it can: powers leave that phase open. @param values, expected K×M */
export function turnedTowards(values: CMatrix, expected: CMatrix): CMatrix {
  const out = zeros(values.rows, values.cols);
  for (let k = 0; k < values.rows; k++) {
    let [re, im] = [0, 0];
    for (let m = 0, at = k * values.cols; m < values.cols; m++, at++) {
      re += expected.re[at] * values.re[at] + expected.im[at] * values.im[at];
      im += expected.im[at] * values.re[at] - expected.re[at] * values.im[at];
    }
    const phase = Math.atan2(im, re);
    const [cos, sin] = [Math.cos(phase), Math.sin(phase)];
    for (let m = 0, at = k * values.cols; m < values.cols; m++, at++) {
      out.re[at] = values.re[at] * cos - values.im[at] * sin;
      out.im[at] = values.re[at] * sin + values.im[at] * cos;
    }
  }
  return out;
}

/** While the prior stays, what the channel for readings y makes of these beams is y·R⁻¹·FᴴCF = y − σ²·y·R⁻¹: nothing of N is needed. */
function retrieve(sounded: SeenDirections, powers: CMatrix, start: Float64Array, noise: number, random: Random): Retrieved {
  const floor = UNEXPLAINED_SHARE * elementPower(powers, noise, sounded.beamPower);
  const amplitudes = powers.re.map((power) => Math.sqrt(Math.max(power, 0)));
  let spectrum = start;
  let factor = readingsFactor(spectralPrior(sounded, spectrum, floor), sounded.gram, noise);
  let reading = withPhases(amplitudes, drawnReadings(sounded, start, random));
  let heard = reading;
  for (let turn = 1; turn <= TURNS; turn++) {
    const solved = conjTranspose(reading);
    solveFactored(factor, solved); // R⁻¹·yᴴ
    heard = subtract(reading, scale(conjTranspose(solved), noise));
    reading = withPhases(amplitudes, heard);
    if (turn % TURNS_A_STEP !== 0 || turn === TURNS) continue;
    spectrum = learnSpectrum([{ reading, sounded, noise }], spectrum, floor, 1);
    factor = readingsFactor(spectralPrior(sounded, spectrum, floor), sounded.gram, noise);
  }
  let left = 0;
  for (let b = 0; b < amplitudes.length; b++) left += (Math.hypot(heard.re[b], heard.im[b]) - amplitudes[b]) ** 2;
  return { reading, spectrum, floor, left };
}

export interface Retrieved {
  /** With the phases that were found. */
  readonly reading: CMatrix;
  readonly spectrum: Float64Array;
  readonly floor: number;
  /** Of the amplitudes, what is not explained. */
  readonly left: number;
}

/** Readings of a channel that has the spectrum: gains drawn for each direction. */
function drawnReadings({ seen }: SeenDirections, spectrum: Float64Array, random: Random): CMatrix {
  const gains = zeros(1, spectrum.length);
  spectrum.forEach((power, g) => {
    const { re, im } = random.complexNormal();
    gains.re[g] = re * Math.sqrt(power);
    gains.im[g] = im * Math.sqrt(power);
  });
  return matmul(gains, seen);
}

function withPhases(amplitudes: Float64Array, { re, im }: CMatrix): CMatrix {
  const reading = zeros(1, amplitudes.length);
  for (let b = 0; b < amplitudes.length; b++) {
    const modulus = Math.hypot(re[b], im[b]);
    reading.re[b] = modulus > 0 ? (amplitudes[b] * re[b]) / modulus : amplitudes[b];
    reading.im[b] = modulus > 0 ? (amplitudes[b] * im[b]) / modulus : 0;
  }
  return reading;
}

/** γ ≥ 0 for which Σ_g γ_g·|r_gb|² comes near to p_b − σ², by multiplicative steps from equal powers. */
function spectrumOfPowers({ seen, beamPower }: SeenDirections, powers: CMatrix, noise: number): Float64Array {
  const { rows: directions, cols: beams } = seen;
  const gain = Float64Array.from(seen.re, (re, at) => re * re + seen.im[at] * seen.im[at]);
  const spectrum = new Float64Array(directions).fill(elementPower(powers, noise, beamPower) / directions);
  for (let step = 0; step < START_STEPS; step++) {
    const explained = new Float64Array(beams).fill(noise);
    for (let g = 0, at = 0; g < directions; g++) for (let b = 0; b < beams; b++, at++) explained[b] += spectrum[g] * gain[at];
    for (let g = 0, at = 0; g < directions; g++) {
      let asks = 0;
      let all = 0;
      for (let b = 0; b < beams; b++, at++) {
        asks += (gain[at] * Math.max(powers.re[b], 0)) / explained[b];
        all += gain[at];
      }
      spectrum[g] *= asks / all;
    }
  }
  return spectrum;
}

/** E|h_n|² by the powers of all beams, as `powerHeard` has it of readings. */
function elementPower({ re }: CMatrix, noise: number, beamPower: number): number {
  const mean = re.reduce((sum, power) => sum + power, 0) / re.length;
  return Math.max(mean - noise, 0.01 * noise) / beamPower;
}

/**
 * From the phases a model wishes for to what the hardware can show: each phase becomes one of an element's 2^Q states, and the digital
 * precoder is solved again for the array as quantised, because rounding moves the nulls that the model's own D relied on.
 *
 *   φ ─► nearest state of each element ─► words, A ─► D solved again for H·A ─► SINR per user, predicted
 *
 * An element's states are an alphabet: evenly spaced for an uncalibrated array, measured ones where there is a calibration table. Phases
 * are quantised once, here.
 */
import { counted } from '../../errors/counted.ts';
import { BeamrigError } from '../../errors/beamrig-error.ts';
import type { CMatrix } from '../../signal/complex-matrix.ts';
import { matmul, multiplyAhB, zeros } from '../../signal/complex-matrix.ts';
import { digitalForAnalog } from '../../signal/precoders.ts';
import { idealStates, quantisePhases, quantiseToStates } from '../../signal/quantise.ts';
import type { ElementStates } from '../../signal/quantise.ts';

export interface QuantiseOptions {
  /** K×N, rows h_kᴴ: what the controller believes the users hear. */
  channel: CMatrix;
  /** φ, radians, N·M row-major, any number of turns. */
  analogPhase: Float64Array;
  /** M */
  rfChains: number;
  /** Linear, total. */
  power: number;
  /** σ² at a user, linear, > 0. */
  noise: number;
  /** Q, 1 … 16 */
  bits: number;
  /** N·M of 0/1; absent means that every chain reaches every element. Words of missing connections are 0. */
  connection?: Uint8Array;
  /** Measured states of the place n·M + m; absent means evenly spaced ones. */
  statesOf?: (place: number) => ElementStates;
  /** How D is solved again; default 'wmmse', whose sum rate is never below that of 'rzf'. */
  method?: 'rzf' | 'wmmse';
}

export interface ResolvedBeam {
  /** N·M words, word (n, m) at n·M + m. */
  words: Uint16Array;
  /** The states those words stand for, N×M. */
  analog: CMatrix;
  /** M×K, ‖A·D‖²_F = power. */
  digital: CMatrix;
  /** Linear, one a user. */
  sinr: Float64Array;
  /** bit/s/Hz */
  sumRate: number;
}

/** WMMSE stops when a step gains less than this share of the rate: at N = 64 that is converged to 0.01 bit/s/Hz up to 20 dB. */
const WMMSE_TOLERANCE = 1e-6;
const WMMSE_ITERATIONS = 100;
/** Below this share of its diagonal a pivot of AᴴA has lost half its digits, and A is taken for rank-deficient. */
const SMALLEST_PIVOT = 1e-8;

/**
 * Quantises the phases and solves D again for the array as quantised.
 * @throws {BeamrigError} 'shape' when phases and channel do not fit, 'argument' when Q is out of range or a phase is not finite
 * Sources: "D re-solved" as in weighted sum-MSE minimisation on H·A (Shi et al., IEEE TSP 2011), SINR of Nguyen et al., Asilomar 2023, eq. (4).
 */
export function quantiseAndResolve(options: QuantiseOptions): ResolvedBeam {
  const { channel, analogPhase, rfChains, power, noise, bits, connection, statesOf, method = 'wmmse' } = options;
  const elements = channel.cols;
  if (analogPhase.length !== elements * rfChains) {
    throw new BeamrigError(
      'shape',
      `${counted(elements, 'element')} × ${counted(rfChains, 'RF chain')} need ${counted(elements * rfChains, 'phase')}, got ${analogPhase.length}`,
    );
  }
  const words = statesOf === undefined ? quantisePhases(analogPhase, bits) : quantiseToStates(analogPhase, statesOf);
  if (connection !== undefined) for (let place = 0; place < words.length; place++) if (connection[place] === 0) words[place] = 0;
  const analog = statesShown(words, elements, rfChains, statesOf ?? always(ideal(bits)), connection);
  const thin = thinEquivalent(channel, analog) ?? { channel, analog };
  const rzf = digitalForAnalog(thin.channel, thin.analog, power, noise, { method: 'rzf' });
  const digital =
    method === 'rzf'
      ? rzf
      : // WMMSE only climbs, so starting it from the regularised solution makes it the better of the two by construction.
        digitalForAnalog(thin.channel, thin.analog, power, noise, {
          method: 'wmmse',
          start: rzf,
          iterations: WMMSE_ITERATIONS,
          tolerance: WMMSE_TOLERANCE,
        });
  return { words, analog, digital, ...achieved(thin.channel, thin.analog, digital, noise) };
}

/**
 * A channel H' (K×M) and an analog precoder A' (M×M) that no D can tell from H and A: H'A' = HA and A'ᴴA' = AᴴA, so gains and power are the
 * same. With AᴴA = LLᴴ they are A' = Lᴴ and H' = HA·L⁻ᴴ. The elements are summed over once instead of in every step that follows.
 * @returns undefined when columns of A coincide, which few bits can do
 */
function thinEquivalent(channel: CMatrix, analog: CMatrix): { channel: CMatrix; analog: CMatrix } | undefined {
  const heard = matmul(channel, analog); // K×M
  const { re, im } = multiplyAhB(analog, analog); // becomes L in its lower triangle
  const size = analog.cols;
  for (let j = 0; j < size; j++) {
    const jj = j * size + j;
    const full = re[jj];
    for (let k = j * size; k < jj; k++) re[jj] -= re[k] * re[k] + im[k] * im[k];
    if (!(re[jj] > SMALLEST_PIVOT * full)) return undefined;
    re[jj] = Math.sqrt(re[jj]);
    for (let i = j + 1; i < size; i++) eliminate(re, im, i * size, re, im, j, size);
  }
  const upper = zeros(size, size);
  for (let i = 0; i < size; i++) {
    upper.re[i * size + i] = re[i * size + i];
    for (let j = 0; j < i; j++) {
      upper.re[j * size + i] = re[i * size + j];
      upper.im[j * size + i] = -im[i * size + j];
    }
  }
  for (let row = 0; row < heard.re.length; row += size) {
    for (let j = 0; j < size; j++) eliminate(heard.re, heard.im, row, re, im, j, size);
  }
  return { channel: heard, analog: upper };
}

/** One step of solving x·Lᴴ = y in place, for the row that starts at `row`: x_j = (y_j − Σ_{i<j} x_i·L*_ji)/L_jj. */
function eliminate(
  rowRe: Float64Array,
  rowIm: Float64Array,
  row: number,
  factorRe: Float64Array,
  factorIm: Float64Array,
  j: number,
  size: number,
): void {
  const pivot = j * size;
  let re = rowRe[row + j];
  let im = rowIm[row + j];
  for (let i = 0; i < j; i++) {
    re -= rowRe[row + i] * factorRe[pivot + i] + rowIm[row + i] * factorIm[pivot + i];
    im -= rowIm[row + i] * factorRe[pivot + i] - rowRe[row + i] * factorIm[pivot + i];
  }
  rowRe[row + j] = re / factorRe[pivot + j];
  rowIm[row + j] = im / factorRe[pivot + j];
}

/** A as the words show it: zero where an element does not hang on a chain. */
function statesShown(
  words: Uint16Array,
  elements: number,
  rfChains: number,
  statesOf: (place: number) => ElementStates,
  connection: Uint8Array | undefined,
): CMatrix {
  const analog = zeros(elements, rfChains);
  for (let place = 0; place < words.length; place++) {
    if (connection !== undefined && connection[place] === 0) continue;
    const states = statesOf(place);
    analog.re[place] = states.re[words[place]];
    analog.im[place] = states.im[words[place]];
  }
  return analog;
}

/** SINR and sum rate from the K×K gains (H·A)·D: the N×K precoder is never formed. */
function achieved(channel: CMatrix, analog: CMatrix, digital: CMatrix, noise: number): { sinr: Float64Array; sumRate: number } {
  const gains = matmul(matmul(channel, analog), digital);
  const users = gains.rows;
  const sinr = new Float64Array(users);
  let sumRate = 0;
  for (let k = 0; k < users; k++) {
    let wanted = 0;
    let unwanted = noise;
    for (let j = 0; j < users; j++) {
      const gain = gains.re[k * users + j] ** 2 + gains.im[k * users + j] ** 2;
      if (j === k) wanted = gain;
      else unwanted += gain;
    }
    sinr[k] = wanted / unwanted;
    sumRate += Math.log2(1 + sinr[k]);
  }
  return { sinr, sumRate };
}

const always = (states: ElementStates) => (): ElementStates => states;

/** One alphabet a Q, kept: at most sixteen of them. */
const idealByBits = new Map<number, ElementStates>();
function ideal(bits: number): ElementStates {
  let states = idealByBits.get(bits);
  if (states === undefined) {
    states = idealStates(bits);
    idealByBits.set(bits, states);
  }
  return states;
}

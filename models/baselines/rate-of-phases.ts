/**
 * The sum rate as a function of the phases alone, D always being the best that weighted MMSE finds for them, with its gradient.
 *
 * Written so that the length of D does not matter, ν = (σ²/P)·‖A·D‖² being the noise for a D of any power, the rate is stationary in D where D
 * is the best one. So what D does when the phases move adds nothing (the envelope theorem), and with G = H·A·D at unit power
 *   ∂R/∂A* = (Hᴴ·C − κ·A·D)·Dᴴ,  κ = (ν/ln 2)·Σₖ(1/Iₖ − 1/Sₖ),  ∂R/∂φ = 2·Im(∂R/∂A* ∘ A*)
 * with C, I and S as in pga.ts. D starts from that of the phases asked for before, so a few updates do.
 */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { frobeniusNorm, matmul, multiplyABh, multiplyAhB, realInner, scale, zeros } from '../../core/signal/complex-matrix.ts';
import { gramInverse } from '../../core/signal/gram-inverse.ts';
import { digitalForAnalog } from '../../core/signal/precoders.ts';
import { weightedMmseOfServed } from '../../core/signal/served-users.ts';
import { ratesOfGains } from '../../core/signal/rate.ts';
import type { SmoothFunction } from './climb.ts';
import { rateWeights } from './pga.ts';

/** D is taken for the best when an update gains less than this share of the rate. */
const TOLERANCE = 1e-7;
const MOST_UPDATES = 100;
/** What rounding leaves of ‖A·D‖ = 1 where AᴴA has an inverse. */
const LOST_DIGITS = 1e-10;

export interface FunctionOfPhases {
  /** Of the phases of connected entries, in their order, radians; R or R − ω·τ in bit/s/Hz. */
  at: SmoothFunction;
  phasesOf(analog: CMatrix): Float64Array;
  /** A and D, at unit power, of the phases asked for last. */
  shown(): { analog: CMatrix; digital: CMatrix };
}

/**
 * @param channel K×N, rows h_kᴴ
 * @param noise σ²/P
 * @param connection N·M of 0/1; absent means fully connected
 */
export function rateOfPhases(channel: CMatrix, rfChains: number, noise: number, connection?: Uint8Array): FunctionOfPhases {
  const elements = channel.cols;
  const analog = zeros(elements, rfChains);
  const places = Int32Array.from(analog.re.keys()).filter((place) => connection === undefined || connection[place] !== 0);
  let digital: CMatrix | undefined;
  return {
    phasesOf: ({ re, im }) => Float64Array.from(places, (place) => Math.atan2(im[place], re[place])),
    shown: () => ({ analog, digital: atUnitPower(analog, digital ?? zeros(rfChains, channel.rows)) }),
    at(phases, gradient) {
      for (let i = 0; i < places.length; i++) {
        analog.re[places[i]] = Math.cos(phases[i]);
        analog.im[places[i]] = Math.sin(phases[i]);
      }
      digital ??= digitalForAnalog(channel, analog, 1, noise, { method: 'rzf' });
      const effective = matmul(channel, analog); // H·A, K×M
      const metric = multiplyAhB(analog, analog); // AᴴA, M×M
      const basis = multiplyABh(gramInverse(metric), effective); // (AᴴA)⁻¹(HA)ᴴ
      const gram = matmul(effective, basis);
      const x = weightedMmseOfServed({
        gram,
        gains: matmul(effective, digital),
        gainsPower: realInner(digital, matmul(metric, digital)),
        relativeNoise: noise,
        iterations: MOST_UPDATES,
        tolerance: TOLERANCE,
        accelerated: true,
      });
      digital = matmul(basis, x);
      const gains = matmul(gram, x);
      const toElements = multiplyABh(rateWeights(gains, noise), digital); // C·Dᴴ, K×M
      const toChains = scale(multiplyABh(digital, digital), powerSlope(gains, noise)); // κ·D·Dᴴ, M×M
      phaseGradient(channel, analog, toElements, toChains, places, gradient);
      return ratesOfGains(gains, noise).sumRate;
    },
  };
}

/** Where columns of A all but coincide, D has large weights against each other, and what AᴴA says of its power has few digits. */
function atUnitPower(analog: CMatrix, digital: CMatrix): CMatrix {
  const amplitude = frobeniusNorm(matmul(analog, digital));
  return amplitude > 0 && Math.abs(amplitude - 1) > LOST_DIGITS ? scale(digital, 1 / amplitude) : digital;
}

/** 2·Im((Hᴴ·E − A·S) ∘ A*) at the places that are connected. */
export function phaseGradient(
  { cols: elements, rows: users, re: hr, im: hi }: CMatrix,
  { cols: chains, re: ar, im: ai }: CMatrix,
  { re: er, im: ei }: CMatrix,
  { re: sr, im: si }: CMatrix,
  places: Int32Array,
  gradient: Float64Array,
): void {
  for (let i = 0; i < places.length; i++) {
    const place = places[i];
    const n = Math.floor(place / chains);
    const m = place - n * chains;
    let re = 0;
    let im = 0;
    for (let k = 0, h = n, e = m; k < users; k++, h += elements, e += chains) {
      re += hr[h] * er[e] + hi[h] * ei[e];
      im += hr[h] * ei[e] - hi[h] * er[e];
    }
    for (let p = 0, a = n * chains, s = m; p < chains; p++, a++, s += chains) {
      re -= ar[a] * sr[s] - ai[a] * si[s];
      im -= ar[a] * si[s] + ai[a] * sr[s];
    }
    gradient[i] = 2 * (im * ar[place] - re * ai[place]);
  }
}

/**
 * κ: what more power of D, all else being the same, would cost as noise.
 * @param gains G at unit power
 * @param noise σ²/P
 */
export function powerSlope({ rows: users, re, im }: CMatrix, noise: number): number {
  let slope = 0;
  for (let k = 0; k < users; k++) {
    let desired = 0;
    let unwanted = noise;
    for (let j = 0; j < users; j++) {
      const gain = re[k * users + j] ** 2 + im[k * users + j] ** 2;
      if (j === k) desired = gain;
      else unwanted += gain;
    }
    slope += 1 / unwanted - 1 / (unwanted + desired);
  }
  return (slope * noise) / Math.LN2;
}

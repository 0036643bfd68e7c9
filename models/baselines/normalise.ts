/**
 * The canonical unit of a channel. A beam must not depend on whether H is in volts or millivolts, nor on how power is split between P and
 * σ²: everything that chooses a beam works on mean |h|² = 1 and P = 1, and only the ratio of signal to noise is left.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { frobeniusNorm, scale } from '../../core/signal/complex-matrix.ts';

export interface NormalisedChannel {
  /** H·√(K·N)/‖H‖_F, so that the mean of |h|² over all entries is 1. */
  channel: CMatrix;
  /** σ²·factor²/P: the noise that, at power 1, leaves every SINR as it was. */
  noise: number;
  /** √(K·N)/‖H‖_F */
  factor: number;
}

/**
 * @param channel K×N, not all zero
 * @param noise σ² > 0, linear
 * @param power P > 0; the normalised problem has power 1, so its D is to be scaled by √P
 * @throws {BeamrigError} `argument` when the channel is all zero or not finite
 */
export function normaliseChannel(channel: CMatrix, noise: number, power = 1): NormalisedChannel {
  const norm = frobeniusNorm(channel);
  if (!(norm > 0 && Number.isFinite(norm))) {
    throw new BeamrigError('argument', `a channel of norm ${norm} cannot be normalised`, {
      wayOut: 'check that the channel is not all zero and has no NaN or infinite entries',
    });
  }
  const factor = Math.sqrt(channel.rows * channel.cols) / norm;
  return { channel: scale(channel, factor), noise: (noise * factor * factor) / power, factor };
}

/**
 * The same to 24 bits, for methods that go on so long, or choose so often, that a last digit turns one beam into another: in every unit the
 * channel is the same to the last bit. No rate notices 6e-8.
 */
export function roundedNormalisedChannel(channel: CMatrix, noise: number, power = 1): NormalisedChannel {
  const normalised = normaliseChannel(channel, noise, power);
  const { re, im } = normalised.channel;
  for (let i = 0; i < re.length; i++) {
    re[i] = to24Bits(re[i]);
    im[i] = to24Bits(im[i]);
  }
  return { ...normalised, noise: to24Bits(normalised.noise) };
}

/** Veltkamp's splitting (Dekker, Numer. Math. 18, 1971): unlike a float32, it has the range of a float64. */
function to24Bits(x: number): number {
  const split = x * (2 ** 29 + 1);
  return split - (split - x);
}

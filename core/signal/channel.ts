/**
 * Geometric channels: a user hears the array over a few paths, each with a complex gain and an angle of departure. Row k of a channel is
 * h_kᴴ; the signal model is stated in beam-contract.ts.
 */
import { BeamrigError } from '../errors/beamrig-error.ts';
import type { CMatrix } from './complex-matrix.ts';
import { zeros } from './complex-matrix.ts';
import type { ArrayGeometry, ElementPattern, WeightedDirection } from './geometry.ts';
import { elementCount, sumOfSteeringVectors } from './geometry.ts';
import type { Random } from './random.ts';

/**
 * How long h is, with a(φ) of norm 1 and CN(0, 1) gains α:
 * - `unit-element`: h = √(N/L)·Σ α a(φ), so E|hₙ|² = 1 and E‖h‖² = N. The scale of released data of Nguyen et al., and our default.
 * - `paper-001`: h = Σ α a(φ) as printed in eq. (2) of Nguyen et al., Asilomar 2023, so E‖h‖² = L.
 */
export type ChannelScale = 'unit-element' | 'paper-001';

export interface PropagationPath {
  gainRe: number;
  gainIm: number;
  azimuthRad: number;
  elevationRad?: number;
}

export interface PathsToChannelOptions {
  geometry: ArrayGeometry;
  scale: ChannelScale;
  /** One list of at least one path per user. */
  users: readonly (readonly PropagationPath[])[];
  /** Of every element alike; absent means isotropic. */
  elementPattern?: ElementPattern;
}

/**
 * The channel that given paths make; users that move change their paths and come back here.
 * @returns K×N, rows h_kᴴ
 * @throws {BeamrigError} `argument` when a user has no path
 */
export function pathsToChannel(options: PathsToChannelOptions): CMatrix {
  const { geometry, scale, users, elementPattern } = options;
  const elements = elementCount(geometry);
  const channel = zeros(users.length, elements);
  users.forEach((paths, user) => {
    if (paths.length === 0) throw new BeamrigError('argument', `user ${user} has no propagation path`);
    // The steering vector has unit-modulus entries here, so the 1/√N of a(φ) is in the amplitude.
    const amplitude = scale === 'unit-element' ? 1 / Math.sqrt(paths.length) : 1 / Math.sqrt(elements);
    const directions = paths.map(({ azimuthRad, elevationRad = 0, gainRe, gainIm }): WeightedDirection => {
      const gain = elementPattern === undefined ? amplitude : amplitude * 10 ** (elementPattern(azimuthRad, elevationRad) / 20);
      // conj(α·a), because the row is h_kᴴ: a mirrored in both angles is its own conjugate.
      return { azimuthRad: -azimuthRad, elevationRad: -elevationRad, re: gain * gainRe, im: -gain * gainIm };
    });
    sumOfSteeringVectors(geometry, directions, channel, user * elements);
  });
  return channel;
}

export interface SalehValenzuelaOptions {
  random: Random;
  geometry: ArrayGeometry;
  users: number;
  /** Paths per user, L ≥ 1. */
  paths: number;
  scale: ChannelScale;
  elementPattern?: ElementPattern;
}

/**
 * One draw of the Saleh-Valenzuela channel: gains CN(0, 1), azimuths uniform over the full turn; on a planar array also elevations uniform in ±90°.
 * @returns K×N, rows h_kᴴ
 * Source: Nguyen et al., Asilomar 2023, eqs. (2)-(3).
 */
export function salehValenzuela(options: SalehValenzuelaOptions): CMatrix {
  const { random, geometry, scale, elementPattern } = options;
  const users = Array.from({ length: options.users }, () =>
    Array.from({ length: options.paths }, (): PropagationPath => {
      const gain = random.complexNormal();
      const path: PropagationPath = { gainRe: gain.re, gainIm: gain.im, azimuthRad: 2 * Math.PI * random.uniform() };
      return geometry.kind === 'upa' ? { ...path, elevationRad: Math.PI * (random.uniform() - 0.5) } : path;
    }),
  );
  return pathsToChannel({ geometry, scale, users, ...(elementPattern === undefined ? {} : { elementPattern }) });
}

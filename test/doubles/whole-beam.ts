/** Beams of the panels that the driver's tests drive. */
import { createRandom } from '../../core/signal/random.ts';
import type { BeamCommand } from '../../src/panel/panel.ts';

export const N = 64;
export const M = 4;
export const K = 4;
export const Q = 6;

/** A beam that no other id shares. */
export function beamOf(beamId: number): BeamCommand & { digital: { users: number; weights: Float32Array } } {
  const random = createRandom(beamId);
  const words = Uint16Array.from({ length: N * M }, () => Math.floor(random.uniform() * 2 ** Q));
  const weights = Float32Array.from({ length: 2 * M * K }, () => random.normal());
  return { beamId, phaseBits: Q, words, digital: { users: K, weights } };
}

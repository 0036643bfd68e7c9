/**
 * Beams of a codebook and nothing else: each RF chain shows one of the N orthogonal beams of a Fourier transform, as a Butler matrix would, and D is
 * solved by weighted MMSE for what is heard through them. One chain after the other takes the beam that adds most to the capacity with equal powers,
 *
 *   log det(I + p·F·Fᴴ),  F = H·A/√N,  p = P/(K·σ²):  most fᴴ(I + p·F·Fᴴ)⁻¹f of a beam's f,
 *
 * in which a beam that says what another says already is worth little. Such a choice has at least 1 − 1/e of the best one's capacity.
 *
 * Source: beam selection of Sayeed and Brady, IEEE GLOBECOM 2013; the bound is Nemhauser, Wolsey and Fisher's, Math. Program. 14, 1978.
 */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { identity, matmul, scale, zeros } from '../../core/signal/complex-matrix.ts';
import { digitalForSumRate } from '../../core/signal/objectives/sum-rate.ts';
import type { Baseline } from './baseline.ts';
import { heardOnBeams, reachedBy, showBeam } from './beam-grid.ts';
import { roundedNormalisedChannel } from './normalise.ts';

export const codebook: Baseline = {
  title: 'beams of a Fourier codebook, one after the other by what they add to the capacity; D by weighted MMSE',
  source: 'Sayeed and Brady, IEEE GLOBECOM 2013',
  run: ({ channel: given, noise: givenNoise, power, rfChains, connection }) => {
    const { channel, noise } = roundedNormalisedChannel(given, givenNoise, power);
    const analog = chosenBeams(channel, noise, rfChains, connection);
    return { analog, digital: scale(digitalForSumRate(channel, analog, 1, noise), Math.sqrt(power)) };
  },
};

/**
 * @param channel H, K×N, rows h_kᴴ
 * @param noise σ²/P
 * @returns A, N×M; of a chain that does not reach every element, the part of a beam that it can show
 */
export function chosenBeams(channel: CMatrix, noise: number, rfChains: number, connection?: Uint8Array): CMatrix {
  const { rows: users, cols: elements } = channel;
  const analog = zeros(elements, rfChains);
  const inverse = identity(users); // (I + p·F·Fᴴ)⁻¹
  const taken = new Set<number>(); // by chains that reach every element: the same beam again would add nothing
  for (let chain = 0; chain < rfChains; chain++) {
    const reached = reachedBy(chain, elements, rfChains, (place) => connection?.[place] !== 0);
    const heard = heardOnBeams(channel, elements, reached);
    const beam = chooseBeam(heard, inverse, taken, 1 / (users * noise * Math.max(reached.length, 1)));
    if (reached.length === elements) taken.add(beam);
    showBeam(analog, chain, beam, elements, reached);
  }
  return analog;
}

/**
 * The beam f with most fᴴS⁻¹f of those that are left; S⁻¹ becomes (S + p·f·fᴴ)⁻¹.
 * @param heard K×G, f of every beam
 */
function chooseBeam(heard: CMatrix, inverse: CMatrix, taken: ReadonlySet<number>, p: number): number {
  const { rows: users, cols: beams } = heard;
  const through = matmul(inverse, heard); // S⁻¹f
  let best = { gain: -1, beam: 0 };
  for (let beam = 0; beam < beams; beam++) {
    if (taken.has(beam)) continue;
    let gain = 0;
    for (let at = beam; at < heard.re.length; at += beams) gain += heard.re[at] * through.re[at] + heard.im[at] * through.im[at];
    if (gain > best.gain) best = { gain, beam };
  }
  const factor = p / (1 + p * Math.max(best.gain, 0)); // below 0: none was left
  for (let i = 0; i < users; i++) {
    for (let j = 0; j < users; j++) {
      const [a, b] = [i * beams + best.beam, j * beams + best.beam];
      inverse.re[i * users + j] -= factor * (through.re[a] * through.re[b] + through.im[a] * through.im[b]);
      inverse.im[i * users + j] -= factor * (through.im[a] * through.re[b] - through.re[a] * through.im[b]);
    }
  }
  return best.beam;
}

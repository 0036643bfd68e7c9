/**
 * With two RF chains a user every digital precoder is had exactly: a complex number of modulus up to 2c is the sum of two of modulus c,
 *
 *   v = c·(e^{j(∠v + δ)} + e^{j(∠v − δ)}),  cos δ = |v|/2c,
 *
 * so that a column of V takes two chains, whose phases these are, at the same weight c = max|v|/2. V is that of digital WMMSE.
 *
 * Source: Zhang, Molisch and Kung, IEEE Trans. Signal Process. 53(11), 2005, theorem 1; Sohrabi and Yu, IEEE J. Sel. Topics Signal Process. 10(3),
 * 2016, proposition 1.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { HybridPrecoder } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { scale, zeros } from '../../core/signal/complex-matrix.ts';
import type { Baseline, Dimensions } from './baseline.ts';
import { wmmseTarget } from './digital-targets.ts';
import { normaliseChannel } from './normalise.ts';

export const twoPhase: Baseline = {
  title: 'digital WMMSE, exactly, by two phases an entry; for fully connected arrays of two chains a user',
  source: 'Zhang et al., IEEE Trans. Signal Process. 53(11), 2005, theorem 1; Sohrabi and Yu, IEEE JSTSP 10(3), 2016',
  run: ({ channel: given, noise: givenNoise, power, rfChains, connection }) => {
    const full = connection === undefined || connection.every((connected) => connected !== 0);
    const dimensions = { elements: given.cols, users: given.rows, rfChains, connection: full ? 'full' : 'sub' } as const;
    const why = misfit(dimensions);
    if (why !== undefined)
      throw new BeamrigError('argument', why, { wayOut: "Choose 'phase-extraction', which serves every array." });
    const { channel, noise } = normaliseChannel(given, givenNoise, power);
    const { analog, digital } = inTwoPhases(wmmseTarget(channel, noise), rfChains);
    return { analog, digital: scale(digital, Math.sqrt(power)) };
  },
  misfit,
};

function misfit({ rfChains, users, connection = 'full' }: Dimensions): string | undefined {
  if (connection !== 'full')
    return "'two-phase' needs every RF chain on every element: two phases of different elements do not add up to one entry";
  if (rfChains >= 2 * users) return undefined;
  return `'two-phase' needs two RF chains a user: ${2 * users} for ${users}, not ${rfChains}`;
}

/**
 * @param target V, N×K
 * @param rfChains M ≥ 2K; chains beyond have weight 0, and the phases of chains 0, 1, …
 * @returns A and D with A·D = V
 */
export function inTwoPhases(target: CMatrix, rfChains: number): HybridPrecoder {
  const { rows: elements, cols: users } = target;
  const analog = zeros(elements, rfChains);
  const digital = zeros(rfChains, users);
  for (let k = 0; k < users; k++) {
    let largest = 0;
    for (let at = k; at < target.re.length; at += users) largest = Math.max(largest, Math.hypot(target.re[at], target.im[at]));
    const [first, second] = [2 * k, 2 * k + 1];
    digital.re[first * users + k] = digital.re[second * users + k] = largest / 2;
    for (let n = 0; n < elements; n++) {
      const at = n * users + k;
      const apart = largest > 0 ? Math.acos(Math.min(Math.hypot(target.re[at], target.im[at]) / largest, 1)) : 0;
      const phase = Math.atan2(target.im[at], target.re[at]);
      for (const [chain, angle] of [
        [first, phase + apart],
        [second, phase - apart],
      ]) {
        analog.re[n * rfChains + chain] = Math.cos(angle);
        analog.im[n * rfChains + chain] = Math.sin(angle);
      }
    }
  }
  for (let n = 0; n < elements; n++) {
    for (let at = n * rfChains + 2 * users; at < (n + 1) * rfChains; at++) {
      analog.re[at] = analog.re[at - 2 * users];
      analog.im[at] = analog.im[at - 2 * users];
    }
  }
  return { analog, digital };
}

/**
 * PE-AltMin: a digital precoder V taken apart by turns, D being held to orthonormal columns, so that min ‖V − A·D‖_F is about the phases alone:
 *
 *   D = polar factor of AᴴV,  A ← exp(j∠(V·Dᴴ))
 *
 * phase-extraction.ts does the same with a basis of the row space in the place of V, which is why it does better: V asks for one precoder, the
 * space for any that D can make of it.
 *
 * Source: Yu et al., IEEE J. Sel. Topics Signal Process. 10(3), 2016, algorithm 3. At its end D is A⁺V here, which lies nearer to V than D of
 * orthonormal columns.
 */
import type { HybridPrecoder } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { multiplyABh, multiplyAhB } from '../../core/signal/complex-matrix.ts';
import { polarFactor } from '../../core/signal/polar-factor.ts';
import { leastSquares } from './aligned.ts';
import type { Baseline } from './baseline.ts';
import { factored, wmmseTarget } from './digital-targets.ts';
import { unitModulus } from './unit-modulus.ts';

const TURNS = 100;

export const altminPhaseExtraction: Baseline = {
  title: 'digital WMMSE first, then factored by phase extraction (PE-AltMin)',
  source: 'Yu et al., IEEE JSTSP 10(3), 2016, algorithm 3 (PE-AltMin)',
  run: factored(wmmseTarget, extractedFactors),
};

/**
 * @param target V, N×K
 * @param start A₀, N×M; entries that are zero are not connected and stay zero
 * @returns A, and D = A⁺V
 */
export function extractedFactors(target: CMatrix, start: CMatrix, turns = TURNS): HybridPrecoder {
  let analog = start;
  for (let turn = 0; turn < turns; turn++) {
    const digital = polarFactor(multiplyAhB(analog, target)); // M×K
    analog = unitModulus(multiplyABh(target, digital), analog);
  }
  return { analog, digital: leastSquares(analog, target) };
}

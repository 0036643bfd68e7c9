/**
 * MO-AltMin: a digital precoder V taken apart, min ‖V − A·D‖_F, by turns: D = A⁺V, then conjugate gradients over the phases of A.
 *
 * Source: Yu et al., IEEE J. Sel. Topics Signal Process. 10(3), 2016, algorithm 2; it begins with phases at random, this with aligned ones. As
 * SCA-RMM, from the precoder of successive convex approximation, it is what paper 001 compares with.
 */
import type { HybridPrecoder } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { clone, frobeniusNorm, matmul, multiplyABh, subtract } from '../../core/signal/complex-matrix.ts';
import { leastSquares } from './aligned.ts';
import type { Baseline } from './baseline.ts';
import type { SmoothFunction } from './climb.ts';
import { climb } from './climb.ts';
import { conjugateGradient } from './conjugate-gradient.ts';
import { factored, scaTarget, wmmseTarget } from './digital-targets.ts';

const MOST_TURNS = 100;
/** Steps over the phases for each D; more of them for a D that is soon another gain nothing. */
const STEPS_A_TURN = 10;
const LONGEST_STEP_RAD = 1;
/** Ends when a turn takes less than this share off the distance. */
const TOLERANCE = 1e-4;

export const altminManifold: Baseline = {
  title: 'digital WMMSE first, then factored into phases and D by manifold optimisation (MO-AltMin)',
  source: 'Yu et al., IEEE JSTSP 10(3), 2016, algorithm 2 (MO-AltMin)',
  run: factored(wmmseTarget, manifoldFactors),
};

export const scaRmm: Baseline = {
  title: 'successive convex approximation, then factored by manifold optimisation: SCA-RMM of paper 001',
  source: 'paper 001; Tran et al., IEEE Signal Process. Lett. 19(12), 2012, and Yu et al., IEEE JSTSP 10(3), 2016',
  run: factored(scaTarget, manifoldFactors),
};

/**
 * @param target V, N×K
 * @param start A₀, N×M; entries that are zero are not connected and stay zero
 * @param turns at most this many
 * @returns A, and D = A⁺V
 */
export function manifoldFactors(target: CMatrix, start: CMatrix, turns = MOST_TURNS): HybridPrecoder {
  const analog = clone(start);
  const places = Int32Array.from(start.re.keys()).filter((at) => start.re[at] !== 0 || start.im[at] !== 0);
  let phases = Float64Array.from(places, (at) => Math.atan2(start.im[at], start.re[at]));
  let digital = leastSquares(analog, target);
  let distance = frobeniusNorm(subtract(target, matmul(analog, digital)));
  for (let turn = 0; turn < turns; turn++) {
    const nearness = nearnessOfPhases(target, digital, analog, places);
    const { x } = climb(nearness, phases, conjugateGradient(phases.length, LONGEST_STEP_RAD), {
      iterations: STEPS_A_TURN,
      tolerance: 0,
    });
    phases = Float64Array.from(x);
    show(phases, places, analog);
    digital = leastSquares(analog, target);
    const next = frobeniusNorm(subtract(target, matmul(analog, digital)));
    if (next >= (1 - TOLERANCE) * distance) break;
    distance = next;
  }
  return { analog, digital };
}

/**
 * ‖V‖² − ‖V − A·D‖² = 2·Re tr(AᴴV·Dᴴ) − ‖A·D‖² of the phases, for one D, with its gradient 2·Im((V·Dᴴ − A·D·Dᴴ) ∘ A*).
 * @param analog room for A
 */
function nearnessOfPhases(target: CMatrix, digital: CMatrix, analog: CMatrix, places: Int32Array): SmoothFunction {
  const wanted = multiplyABh(target, digital); // V·Dᴴ, N×M
  const metric = multiplyABh(digital, digital); // D·Dᴴ, M×M
  return (phases, gradient) => {
    show(phases, places, analog);
    const shown = matmul(analog, metric);
    let value = 0;
    for (let i = 0; i < places.length; i++) {
      const at = places[i];
      const [re, im] = [analog.re[at], analog.im[at]];
      const missingRe = wanted.re[at] - shown.re[at];
      const missingIm = wanted.im[at] - shown.im[at];
      value += re * (wanted.re[at] + missingRe) + im * (wanted.im[at] + missingIm);
      gradient[i] = 2 * (missingIm * re - missingRe * im);
    }
    return value;
  };
}

function show(phases: Float64Array, places: Int32Array, { re, im }: CMatrix): void {
  for (let i = 0; i < places.length; i++) {
    re[places[i]] = Math.cos(phases[i]);
    im[places[i]] = Math.sin(phases[i]);
  }
}

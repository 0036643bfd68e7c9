/**
 * SCA-ManOpt that does not run to its end: a few gradient steps from X* on what baselines/sca-manopt.ts asks for, and two turns of the
 * factorisation, from random phases. From 8 dB on it has what paper 000's curve has and the one run to its end has not: a higher τ, and a rate
 * that falls early. Numbers of steps and turns, and the step's length, are the ones of a small grid that came nearest to that curve.
 */
import type { Problem } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { add, frobeniusNorm, fromPhases, matmul, multiplyAhB, scale, subtract } from '../../core/signal/complex-matrix.ts';
import { createRandom } from '../../core/signal/random.ts';
import { manifoldFactors } from '../baselines/altmin-manifold.ts';
import { successiveConvexApproximation } from '../baselines/sca.ts';

export const STOPPED = { steps: 10, length: 0.15, turns: 2, rho: 0.2 };

/** @returns X = A·D, N×K at full power, for the noise 1 */
export function stoppedManopt({ channel, rfChains, power, sensing }: Problem): CMatrix {
  const wanted = scale(successiveConvexApproximation(channel, 1 / power), Math.sqrt(power)); // X*
  const factor = sensing?.factor;
  let x = wanted;
  for (let step = 0; step < STOPPED.steps && factor !== undefined; step++) {
    const excess = subtract(matmul(x, multiplyAhB(x, x)), scale(matmul(factor, multiplyAhB(factor, x)), power));
    // Half of the gradient.
    const slope = add(scale(subtract(x, wanted), 1 - STOPPED.rho), scale(excess, 2 * STOPPED.rho));
    x = atPower(subtract(x, scale(slope, STOPPED.length)), power);
  }
  const random = createRandom(1).stream('random-phases');
  const phases = Float64Array.from({ length: channel.cols * rfChains }, () => 2 * Math.PI * random.uniform());
  const { analog, digital } = manifoldFactors(x, fromPhases(phases, channel.cols, rfChains), STOPPED.turns);
  return atPower(matmul(analog, digital), power);
}

const atPower = (x: CMatrix, power: number): CMatrix => scale(x, Math.sqrt(power) / frobeniusNorm(x));

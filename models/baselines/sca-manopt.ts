/**
 * SCA-ManOpt of paper 000: the digital precoder X* of the sum rate, by successive convex approximation; then one between it and what sensing wishes
 * for, by manifold optimisation on the sphere of full power,
 *
 *   min (1 − ρ)‖X − X*‖²_F + ρ‖XXᴴ − Ψ‖²_F,  ‖X‖²_F = P,  ρ = 0.2,
 *
 * and its factors, by manifold optimisation too (altmin-manifold.ts). The second distance grows as P², the first as P: in which unit the power is
 * matters here, as it does for ω. ω itself is not asked for. Without sensing X is X*, and all of it is `sca-rmm`.
 *
 * Source: Nguyen et al. (paper 000), section IV, where ρ stands at the first distance; so weighed, the sum rate falls from 9 to 7 bit/s/Hz over their
 * SNRs, where their figure has 14 to 21. The trade-off is Liu et al.'s, IEEE Trans. Signal Process. 66(16), 2018, section IV.
 */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { add, frobeniusNorm, matmul, multiplyAhB, scale, subtract } from '../../core/signal/complex-matrix.ts';
import type { Sensing } from '../../core/signal/sensing.ts';
import { covarianceError, requireSameElements } from '../../core/signal/sensing.ts';
import { manifoldFactors } from './altmin-manifold.ts';
import type { Baseline } from './baseline.ts';
import type { SmoothFunction } from './climb.ts';
import { climb } from './climb.ts';
import { asList, asMatrix } from './complex-list.ts';
import { conjugateGradient } from './conjugate-gradient.ts';
import { factored, scaTarget } from './digital-targets.ts';

const RHO = 0.2;
const CLIMB = { iterations: 500, tolerance: 1e-6 };

export const scaManopt: Baseline = {
  title: 'successive convex approximation, drawn towards what sensing wishes for, then factored: SCA-ManOpt of paper 000',
  source: 'paper 000, section IV; Liu et al., IEEE Trans. Signal Process. 66(16), 2018',
  run: (problem) => {
    const { sensing, power } = problem;
    if (sensing === undefined) return factored(scaTarget, manifoldFactors)(problem);
    requireSameElements(sensing, problem.channel.cols);
    return factored(
      (channel, noise) => towardsCovariance(scaTarget(channel, noise), sensing, power, RHO),
      manifoldFactors,
    )(problem);
  },
};

/**
 * @param wanted X*∕√P, N×K, of unit power
 * @param power P
 * @param rho ρ, 0 … 1: 0 is X*
 * @returns X∕√P, N×K, of unit power: from X* down
 */
export function towardsCovariance(wanted: CMatrix, sensing: Sensing, power: number, rho: number): CMatrix {
  const { rows, cols } = wanted;
  const start = asList(wanted);
  const longestStep = 1 / Math.sqrt(rows * cols); // as long as an entry is
  const { x } = climb(nearness(wanted, sensing, power, rho), start, conjugateGradient(start.length, longestStep), CLIMB);
  const unscaled = asMatrix(x, rows, cols);
  return scale(unscaled, 1 / frobeniusNorm(unscaled));
}

/**
 * −((1 − ρ)‖U − U*‖² + ρ·P·‖UUᴴ − BBᴴ‖²) of V of any length, U = V∕‖V‖, as [Re | Im]; with its gradient. Times P it is what is asked for.
 */
function nearness(wanted: CMatrix, sensing: Sensing, power: number, rho: number): SmoothFunction {
  const { rows, cols } = wanted;
  const { factor } = sensing;
  return (list, gradient) => {
    const v = asMatrix(list, rows, cols);
    const length = frobeniusNorm(v);
    const unit = scale(v, 1 / length);
    const missed = subtract(wanted, unit);
    const excess = subtract(matmul(unit, multiplyAhB(unit, unit)), matmul(factor, multiplyAhB(factor, unit)));
    // 2·∂∕∂U*, less what would only change the length
    const slope = add(scale(missed, 2 * (1 - rho)), scale(excess, -4 * rho * power));
    let along = 0;
    for (let i = 0; i < slope.re.length; i++) along += slope.re[i] * unit.re[i] + slope.im[i] * unit.im[i];
    gradient.set(asList(scale(subtract(slope, scale(unit, along)), 1 / length)));
    return -((1 - rho) * frobeniusNorm(missed) ** 2 + rho * power * covarianceError(sensing, unit, 1));
  };
}

/**
 * FastFP: fractional programming whose precoder update needs no inverse, because L is bounded by λ·I.
 *
 *   Y, Γ for the point Z,  V̂_l = Z_l + (1/λ_l)·(Λ_l − L_l·Z_l),  V_l = V̂_l, scaled down where it is above P_l
 *
 * With λ ≥ λ_max(L) the weighted sum rate never falls. Λ − L·Z is the gradient, so this is projected gradient ascent, and λ its step; what the
 * paper learns, and what eight constants do as well, is that step.
 *
 * Source: Zhu, Chang and Shen, "DeepFP", eqs. (26)-(38), Algorithm 1 (paper 004). Extrapolation: Shen, Zhao, Chen, Zhang and Luo, IEEE J. Sel. Areas
 * Commun. 42(10), 2024.
 */
import { BeamrigError } from '../../errors/beamrig-error.ts';
import type { CMatrix } from '../complex-matrix.ts';
import { add, frobeniusNorm, matmul, multiplyABh, realInner, scale, subtract, zeros } from '../complex-matrix.ts';
import { eigHermitian } from '../decompositions.ts';
import type { CellPrecoders, MultiCell } from './multi-cell.ts';
import { requireMultiCell } from './multi-cell.ts';
import type { Receiver } from './receivers.ts';
import { pullOf, receiversFor, rootFilters, weightedSum } from './receivers.ts';
import type { Station, StationForm, StationState } from './stations.ts';
import { createStations, smallerForm } from './stations.ts';

/** What stands for λ: the largest eigenvalue of L, exactly or by power iteration, or a bound from above, ‖L‖_F or tr L. */
export type FastFpBound = 'largest-eigenvalue' | 'power-iteration' | 'frobenius' | 'trace';

export interface FastFpOptions {
  iterations: number;
  /** Default `power-iteration`. */
  bound?: FastFpBound;
  /** The step is factor/λ; one for every iteration. Default 1 throughout, with which the rate never falls. */
  factors?: readonly number[];
  /** Go on from V + (i − 1)/(i + 2)·(V − V before), after Nesterov. Default false. */
  extrapolated?: boolean;
  /** Default the smaller one; the results are the same. */
  form?: StationForm;
  /** Called with the weighted sum rate, bit/s/Hz, at the point that each iteration starts from. */
  onRate?: (rate: number) => void;
}

/**
 * @param start each cell at its power or below
 * @throws {BeamrigError} `argument` where the problem has no answer, or there are not enough factors
 */
export function fastFp(problem: MultiCell, start: CellPrecoders, options: FastFpOptions): CMatrix[] {
  requireMultiCell(problem);
  const { iterations, bound = 'power-iteration', factors, extrapolated = false, form = smallerForm(problem), onRate } = options;
  if (factors !== undefined && factors.length < iterations) {
    throw new BeamrigError('argument', `factors has ${factors.length} entries, and iterations is ${iterations}`, {
      wayOut: 'give a factor for every iteration',
    });
  }
  const stations = createStations(problem, form);
  let states = stations.map((station, cell) => station.start(start[cell]));
  let before = states;
  for (let iteration = 0; iteration < iterations; iteration++) {
    const ahead = extrapolated && iteration > 1 ? (iteration - 1) / (iteration + 2) : 0;
    const points = ahead === 0 ? states : states.map((state, cell) => extrapolate(state, before[cell], ahead));
    const gains = stations.map((station, cell) => station.gainsOf(points[cell]));
    const receivers = receiversFor(problem, gains);
    onRate?.(weightedSum(problem, receivers));
    before = states;
    states = stations.map((station, cell) => {
      const lambda = boundOf(problem, station, receivers, bound);
      if (!(lambda > 0)) return points[cell]; // nobody of weight hears this station
      const pull = pullOf(problem, receivers, cell, gains[cell]);
      const coordinates = add(points[cell].coordinates, scale(station.toCoordinates(pull), (factors?.[iteration] ?? 1) / lambda));
      return withinPower(station, { coordinates, outside: points[cell].outside }, problem.powers[cell]);
    });
  }
  return stations.map((station, cell) => station.precoderOf(states[cell]));
}

/** V scaled down to ‖V‖² = P where it is above. */
function withinPower(station: Station, state: StationState, power: number): StationState {
  const radiated = station.powerOf(state, station.gainsOf(state));
  return radiated > power ? scaled(state, Math.sqrt(power / radiated)) : state;
}

export const scaled = ({ coordinates, outside }: StationState, factor: number): StationState => ({
  coordinates: scale(coordinates, factor),
  outside: factor * outside,
});

const extrapolate = (state: StationState, before: StationState, ahead: number): StationState => ({
  coordinates: add(state.coordinates, scale(subtract(state.coordinates, before.coordinates), ahead)),
  outside: state.outside + ahead * (state.outside - before.outside),
});

/** @returns λ of one base station, from matrices of its users' sizes */
function boundOf(problem: MultiCell, station: Station, receivers: readonly Receiver[], bound: FastFpBound): number {
  if (bound === 'trace') {
    // tr L = Re Σ tr(Yᴴ·H_uH_uᴴ·A)
    return receivers.reduce((sum, { filter, weighted }, u) => sum + realInner(filter, matmul(station.userGrams[u], weighted)), 0);
  }
  const { coordinates, gram } = station.spread(rootFilters(problem, receivers).filters);
  if (bound === 'frobenius') return frobeniusNorm(gram);
  // L = C·Cᴴ and CᴴC have the same eigenvalues but for zeros.
  const small = coordinates.rows < gram.rows && station.isPlain ? multiplyABh(coordinates, coordinates) : gram;
  return bound === 'power-iteration' ? powerIteration(small) : (eigHermitian(small).values.at(-1) ?? 0);
}

const POWER_ITERATIONS = 500;
/** Of λ, from one iteration to the next. */
const POWER_TOLERANCE = 1e-9;

/** From below; starts at the column of the largest diagonal entry, which is never orthogonal to what it is looking for alone. */
function powerIteration(a: CMatrix): number {
  const n = a.rows;
  let largest = 0;
  for (let i = 1; i < n; i++) if (a.re[i * n + i] > a.re[largest * n + largest]) largest = i;
  let vector = zeros(n, 1);
  for (let i = 0; i < n; i++) {
    vector.re[i] = a.re[i * n + largest];
    vector.im[i] = a.im[i * n + largest];
  }
  let lambda = 0;
  for (let i = 0; i < POWER_ITERATIONS; i++) {
    const norm = frobeniusNorm(vector);
    if (!(norm > 0)) return 0;
    vector = scale(vector, 1 / norm);
    const next = matmul(a, vector);
    const found = realInner(vector, next);
    if (found - lambda <= POWER_TOLERANCE * found) return found;
    lambda = found;
    vector = next;
  }
  return lambda;
}

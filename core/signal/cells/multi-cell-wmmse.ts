/**
 * Weighted MMSE, which is fractional programming by the quadratic transform with its inverse (paper 004, remark 5), over many cells:
 *
 *   Y, W for the point V,  V_l = (L_l + η_l·I)⁻¹·Λ_l,  L_l = C·Cᴴ with C = H_lᴴ·blkdiag(Y·R), w·W = R·Rᴴ
 *       = C·(CᴴC + η_l·I)⁻¹·(Rᴴ at the cell's own users)
 *
 * so that what is solved is of the smaller of N and L·K·d. The multiplier η_l of the power constraint is found
 * - `search`: such that ‖V_l‖² = P_l, or as near 0 as can be where V_l stays below; the weighted sum rate never falls;
 * - `closed`: η_l = (σ²/P_l)·Σ tr(AᴴY) over the cell's own users, and V_l scaled to full power; in one cell the rate never falls either.
 *
 * Sources: Zhu, Chang and Shen, "DeepFP", eqs. (7)-(13), (19)-(21), (29) (paper 004); Shi et al., IEEE Trans. Signal Process. 59(9), 2011; Zhao et al., IEEE
 * Trans. Signal Process. 71, 2023.
 */
import type { CMatrix } from '../complex-matrix.ts';
import { clone, conjTranspose, matmul, multiplyABh, realInner, scale, zeros } from '../complex-matrix.ts';
import { factorInPlace, solveFactored } from '../cholesky.ts';
import type { CellPrecoders, MultiCell } from './multi-cell.ts';
import { requireMultiCell } from './multi-cell.ts';
import type { Receiver } from './receivers.ts';
import { receiversFor, rootFilters, weightedSum } from './receivers.ts';
import { scaled } from './fast-fp.ts';
import type { Station, StationForm, StationState } from './stations.ts';
import { createStations, smallerForm } from './stations.ts';

export interface MultiCellWmmseOptions {
  iterations: number;
  multiplier: 'search' | 'closed';
  /** Default the smaller one; the results are the same. */
  form?: StationForm;
  /** Called with the weighted sum rate, bit/s/Hz, at the point that each iteration starts from. */
  onRate?: (rate: number) => void;
}

/**
 * @param start each cell at its power or below
 * @throws {BeamrigError} `argument` where the problem has no answer
 */
export function multiCellWmmse(problem: MultiCell, start: CellPrecoders, options: MultiCellWmmseOptions): CMatrix[] {
  requireMultiCell(problem);
  const { iterations, multiplier, form = smallerForm(problem), onRate } = options;
  const stations = createStations(problem, form);
  let states = stations.map((station, cell) => station.start(start[cell]));
  for (let iteration = 0; iteration < iterations; iteration++) {
    const receivers = receiversFor(
      problem,
      stations.map((station, cell) => station.gainsOf(states[cell])),
    );
    onRate?.(weightedSum(problem, receivers));
    const { filters, roots } = rootFilters(problem, receivers);
    states = stations.map((station, cell) => {
      const system = systemOf(problem, station, filters, roots, cell);
      if (multiplier === 'search') return stateOf(system, searchedMultiplier(system, problem.powers[cell]));
      const eta = closedMultiplier(problem, receivers, cell);
      return eta > 0 ? atPower(station, stateOf(system, eta), problem.powers[cell]) : states[cell];
    });
  }
  return stations.map((station, cell) => station.precoderOf(states[cell]));
}

/** (matrix + η·I)·z = right, V's coordinates lift·z (or z itself), ‖V‖² = tr(zᴴ·metric·z) (or ‖z‖²). */
interface System {
  matrix: CMatrix;
  right: CMatrix;
  small?: { lift: CMatrix };
}

function systemOf(
  problem: MultiCell,
  station: Station,
  filters: readonly CMatrix[],
  roots: readonly CMatrix[],
  cell: number,
): System {
  const { coordinates, gram } = station.spread(filters);
  const { usersPerCell, streams } = problem;
  const own = zeros(gram.rows, usersPerCell * streams);
  for (let k = 0; k < usersPerCell; k++) {
    const user = cell * usersPerCell + k;
    const rootH = conjTranspose(roots[user]);
    for (let i = 0; i < streams; i++) {
      for (let j = 0; j < streams; j++) {
        const to = (user * streams + i) * own.cols + k * streams + j;
        own.re[to] = rootH.re[i * streams + j];
        own.im[to] = rootH.im[i * streams + j];
      }
    }
  }
  if (!station.isPlain || gram.rows <= coordinates.rows) return { matrix: gram, right: own, small: { lift: coordinates } };
  return { matrix: multiplyABh(coordinates, coordinates), right: matmul(coordinates, own) };
}

const stateOf = (system: System, eta: number): StationState => {
  const z = solved(system, eta, system.right);
  return { coordinates: system.small === undefined ? z : matmul(system.small.lift, z), outside: 0 };
};

function solved({ matrix, right }: System, eta: number, b: CMatrix): CMatrix {
  const z = clone(b);
  if (!(eta > 0) || right.rows === 0) return scale(z, 0);
  const factor = clone(matrix);
  for (let i = 0; i < factor.rows; i++) factor.re[i * factor.rows + i] += eta;
  factorInPlace(factor, 0, eta);
  solveFactored(factor, z);
  return z;
}

function atPower(station: Station, state: StationState, power: number): StationState {
  const radiated = station.powerOf(state, station.gainsOf(state));
  return radiated > 0 ? scaled(state, Math.sqrt(power / radiated)) : state;
}

/** σ²·Σ Re tr(AᴴY)/P over the cell's own users. */
function closedMultiplier({ usersPerCell, powers, noise }: MultiCell, receivers: readonly Receiver[], cell: number): number {
  let sum = 0;
  for (const { weighted, filter } of receivers.slice(cell * usersPerCell, (cell + 1) * usersPerCell))
    sum += realInner(weighted, filter);
  return (noise * sum) / powers[cell];
}

/** Below this share of the largest η, L + η·I is no better than L. */
const LEAST_SHARE = 1e-12;
const POWER_TOLERANCE = 1e-10;
const MAX_STEPS = 100;

/**
 * η ≥ 0 with ‖V(η)‖² = P, by Newton's method on 1/‖V(η)‖, which is nearly a straight line, and bisection wherever that leaves the bracket.
 * Source: Moré and Sorensen, SIAM J. Sci. Stat. Comput. 4(3), 1983.
 */
function searchedMultiplier(system: System, power: number): number {
  // ‖V(η)‖ ≤ ‖Λ‖/η
  const lambdaNorm = Math.sqrt(Math.max(0, quadratic(system, system.right)));
  let high = lambdaNorm / Math.sqrt(power);
  if (!(high > 0)) return 0;
  let low = LEAST_SHARE * Math.max(high, trace(system.matrix));
  if (low >= high) return high;
  let eta = low;
  for (let step = 0; step < MAX_STEPS; step++) {
    const z = solved(system, eta, system.right);
    const radiated = quadratic(system, z);
    if (step === 0 && radiated <= power) return eta;
    if (Math.abs(radiated - power) <= POWER_TOLERANCE * power) return eta;
    if (radiated > power) low = eta;
    else high = eta;
    const steepness = inner(system, z, solved(system, eta, z));
    eta += (radiated / steepness) * (Math.sqrt(radiated / power) - 1);
    if (!(eta > low && eta < high)) eta = (low + high) / 2;
  }
  return high;
}

const quadratic = (system: System, z: CMatrix): number => inner(system, z, z);

const inner = ({ matrix, small }: System, a: CMatrix, b: CMatrix): number =>
  small === undefined ? realInner(a, b) : realInner(a, matmul(matrix, b));

function trace(a: CMatrix): number {
  let sum = 0;
  for (let i = 0; i < a.rows; i++) sum += a.re[i * a.rows + i];
  return sum;
}

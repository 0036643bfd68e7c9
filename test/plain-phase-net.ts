/**
 * The steps of models/phase-net/network.ts as a plain program in float64 on complex matrices, one channel at a time: what the graph, its
 * embeddings and its engines are held against. Written from the equations at the top of network.ts, schedule.ts and weighted-mmse-steps.ts; its
 * basis of the row space is another one (an inverse root instead of Cholesky's), on which nothing depends.
 */
import type { Beam, Problem } from '../core/signal/beam-contract.ts';
import {
  add,
  conjTranspose,
  frobeniusNorm,
  fromParts,
  identity,
  matmul,
  multiplyABh,
  multiplyAhB,
  scale,
  subtract,
  zeros,
} from '../core/signal/complex-matrix.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { solveHermitian } from '../core/signal/cholesky.ts';
import { eigHermitian } from '../core/signal/decompositions.ts';
import { features, NUMBERS_SHAPE } from '../models/phase-net/schedule.ts';

/** Of a file of numbers. */
export type Numbers = Readonly<Record<string, readonly number[]>>;

export function plainPhaseNet(problem: Problem, numbers: Numbers, steps: number): Beam {
  const { rfChains: M, connection } = problem;
  const { rows: K, cols: N } = problem.channel;
  const unit = Math.sqrt(K * N) / frobeniusNorm(problem.channel);
  const H = scale(problem.channel, unit);
  const nu = (problem.noise / problem.power) * unit ** 2;
  const noise = Math.min(Math.max(nu, 1e-6 * N), 1e6 * N);
  const on = (place: number): number => (connection === undefined ? 1 : connection[place]);
  const masked = (a: CMatrix): CMatrix => mapped(a, (re, im, at) => [on(at) * re, on(at) * im]);

  // H = F·Qᴴ
  const lengths = rowPowers(H).map(Math.sqrt);
  const directions = scaledRows(
    H,
    lengths.map((length) => 1 / length),
  );
  const { values, vectors } = eigHermitian(add(multiplyABh(directions, directions), scale(identity(K), 1e-5)));
  const powerOf = (p: number): CMatrix =>
    multiplyABh(
      scaledColumns(
        vectors,
        values.map((value) => value ** p),
      ),
      vectors,
    );
  const Q = matmul(conjTranspose(directions), powerOf(-0.5));
  const F = scaledRows(powerOf(0.5), lengths);
  const strengths = lengths.map((length) => length ** 2 / N);

  const seenThrough = (A: CMatrix) => {
    const inSpace = multiplyAhB(Q, A);
    const heard = matmul(F, inSpace);
    const basis = solveHermitian(add(multiplyAhB(A, A), scale(identity(M), 1e-6 * N)), conjTranspose(heard));
    return {
      inSpace,
      basis,
      seen: mapped(matmul(heard, basis), (re, im, at) => (at % (K + 1) === 0 ? [re * (1 + 2e-6), im * (1 + 2e-6)] : [re, im])),
    };
  };

  const reach = connection === undefined ? N : connection.reduce((sum, one) => sum + one, 0) / M;
  const x = Math.min(Math.max(Math.log10(reach / (K * nu)) - 1.9, -2), 2);
  const table = features({ steps, reach, users: K });
  const [count, powers] = NUMBERS_SHAPE;
  const scheduled = (name: 'extraction' | 'stride' | 'momentum' | 'extrapolation', t: number): number => {
    let value = 0;
    for (let f = 0; f < count; f++)
      for (let p = 0; p < powers; p++) value += table[t * count + f] * numbers[name][f * powers + p] * x ** p;
    return value;
  };

  let A = masked(phasesOf(startOf(H, M), 1));
  let target = A;
  let S = seenThrough(A).seen;
  let [newest, before] = [1, 1].map(() => digitalStart(S, noise));
  let best: { A: CMatrix; basis: CMatrix; seen: CMatrix; X: CMatrix; rate: number } | undefined;
  for (let t = 0; t <= steps; t++) {
    const { inSpace, basis, seen } = seenThrough(A);
    S = seen;
    const omega = t < steps ? scheduled('extrapolation', t) : 0.7;
    for (let i = 0; i < 2; i++) [newest, before] = [digitalStep(S, noise, newest, before, omega), newest];
    const [X, G] = atUnitPower(S, newest);
    const { received, interference } = heardOf(G, noise);
    const rate = received.reduce((sum, all, k) => sum + Math.log(all / interference[k]), 0);
    if (best === undefined || rate >= best.rate) best = { A, basis, seen, X: newest, rate };
    if (t === steps) break;

    const share = 1 / (1 + Math.exp(-scheduled('extraction', t)));
    const B = nearestUnitary(inSpace);
    const size = innerProduct(B, inSpace) / K;
    const lambda = received.map((all, k) => Math.max(all - interference[k], 1e-12 * all) / (all * interference[k]));
    const eta = noise * sumOf(lambda);
    const D = matmul(basis, X);
    const ofChains = rowPowers(D);
    const curvature = eta + lambda.reduce((sum, value, k) => sum + value * strengths[k], 0);
    const stretch = (1 - share) * Math.exp(scheduled('stride', t));
    const scaled = ofChains.map((power) => stretch / (curvature * (power + 2e-6 * sumOf(ofChains))));
    const slope = mapped(G, (re, im, at) => {
      const k = Math.floor(at / K);
      const factor = (at % K === k ? 1 / interference[k] : 0) - lambda[k];
      return [factor * re, factor * im];
    });
    const Y = add(scale(B, share * size), scaledColumns(multiplyAhB(F, multiplyABh(slope, D)), scaled));
    const own = subtract(scale(identity(M), 1 - share), scaledColumns(scale(multiplyABh(D, D), eta), scaled));
    const V = M === K ? own : add(own, scale(subtract(identity(M), multiplyAhB(B, B)), share));
    const next = masked(add(matmul(Q, Y), matmul(A, V)));
    const moved = add(next, scale(subtract(next, target), scheduled('momentum', t)));
    target = next;
    A = phasesOf(add(moved, scale(A, 1e-6)), 0);
  }
  if (best === undefined) throw new RangeError('no steps');
  let [X, last] = [best.X, best.X];
  for (let i = 0; i < 6; i++) [X, last] = [digitalStep(best.seen, noise, X, last, 0.7), X];
  const D = matmul(best.basis, X);
  const digital = scale(D, Math.sqrt(problem.power) / frobeniusNorm(matmul(best.A, D)));
  return { analogPhase: best.A.re.map((re, i) => Math.atan2(best.A.im[i], re)), digital };
}

/** Hᴴ, and for chains beyond the users mixtures of its columns. */
function startOf(H: CMatrix, chains: number): CMatrix {
  const K = H.rows;
  const weights = zeros(K, chains);
  for (let k = 0; k < K; k++) {
    for (let m = 0; m < chains; m++) {
      const turn = (2 * Math.PI * k * (m - K + 0.5)) / K;
      weights.re[k * chains + m] = m < K ? Number(m === k) : Math.cos(turn);
      weights.im[k * chains + m] = m < K ? 0 : Math.sin(turn);
    }
  }
  return matmul(conjTranspose(H), weights);
}

function atUnitPower(S: CMatrix, X: CMatrix): [X: CMatrix, G: CMatrix] {
  const G = matmul(S, X);
  const amplitude = Math.sqrt(Math.max(innerProduct(X, G), 1e-30));
  return [scale(X, 1 / amplitude), scale(G, 1 / amplitude)];
}

const digitalStart = (S: CMatrix, noise: number): CMatrix =>
  atUnitPower(S, solveHermitian(add(S, scale(identity(S.rows), S.rows * noise)), identity(S.rows)))[0];

function digitalStep(S: CMatrix, noise: number, newest: CMatrix, before: CMatrix, omega: number): CMatrix {
  const [, G] = atUnitPower(S, add(newest, scale(subtract(newest, before), omega)));
  const { received, interference } = heardOf(G, noise);
  const rootWeight = received.map((all, k) => Math.sqrt(all / interference[k]));
  const root = received.map((all, k) => (rootWeight[k] * Math.sqrt(Math.max(all - interference[k], 1e-12 * all))) / all);
  const eta = noise * sumOf(root.map((value) => value ** 2));
  const regularised = add(scaledColumns(scaledRows(S, root), root), scale(identity(S.rows), eta));
  const solved = solveHermitian(regularised, scaledRows(identity(S.rows), rootWeight));
  return atUnitPower(S, scaledRows(solved, root))[0];
}

function heardOf(G: CMatrix, noise: number): { received: number[]; interference: number[] } {
  const received = rowPowers(G).map((power) => power + noise);
  const interference = received.map((all, k) => {
    const at = k * G.cols + k;
    return all - G.re[at] ** 2 - G.im[at] ** 2;
  });
  return { received, interference };
}

/** Four steps of Newton and Schulz. */
function nearestUnitary(a: CMatrix): CMatrix {
  const largest = Math.sqrt(frobeniusNorm(multiplyAhB(a, a)));
  let y = scale(a, 1.2 / largest);
  for (let step = 0; step < 4; step++) {
    y = matmul(y, scale(subtract(scale(identity(a.cols), 3), multiplyAhB(y, y)), 0.5));
  }
  return y;
}

/** exp(j∠·); `empty` in the place of 0. */
const phasesOf = (a: CMatrix, empty: number): CMatrix =>
  mapped(a, (re, im) => {
    const modulus = Math.hypot(re, im);
    return modulus < 1e-10 ? [empty, 0] : [re / modulus, im / modulus];
  });

function mapped(a: CMatrix, of: (re: number, im: number, at: number) => readonly [number, number]): CMatrix {
  const pairs = Array.from(a.re, (re, at) => of(re, a.im[at], at));
  return fromParts(
    a.rows,
    a.cols,
    pairs.map(([re]) => re),
    pairs.map(([, im]) => im),
  );
}

const scaledRows = (a: CMatrix, factors: ArrayLike<number>): CMatrix =>
  mapped(a, (re, im, at) => [factors[Math.floor(at / a.cols)] * re, factors[Math.floor(at / a.cols)] * im]);
const scaledColumns = (a: CMatrix, factors: ArrayLike<number>): CMatrix =>
  mapped(a, (re, im, at) => [factors[at % a.cols] * re, factors[at % a.cols] * im]);

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
const rowPowers = (a: CMatrix): number[] =>
  Array.from({ length: a.rows }, (_, row) => {
    let power = 0;
    for (let at = row * a.cols; at < (row + 1) * a.cols; at++) power += a.re[at] ** 2 + a.im[at] ** 2;
    return power;
  });

/** Re tr(AᴴB) */
const innerProduct = (a: CMatrix, b: CMatrix): number =>
  a.re.reduce((sum, re, at) => sum + re * b.re[at] + a.im[at] * b.im[at], 0);

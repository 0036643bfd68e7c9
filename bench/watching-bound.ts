/**
 * How soon a dead element can be named at all by SINRs of users who stand still: no test can do better, whatever it does.
 *
 * A test with a false alarm in γ readings in the mean raises one in some m readings with a probability of m/γ at most (Lai, IEEE Trans. Inf. Theory 44,
 * 1998, theorem 1). Told when those m readings begin and which element it would be, it cannot do better than Neyman and Pearson's test of them, which
 * finds it with the probability
 *
 *   Φ(√(m·Σ_k δ_k²/σ_k²) − z)      Φ(−z) = m/γ,   δ_k: what user k loses, dB,   σ_k²: what pilots leave, dB²
 *
 * The watch knows neither.
 */
import { faultLosses } from '../core/signal/fault-losses.ts';
import { readingVariance } from '../src/control/watch/fault-bank.ts';
import { BOARDS } from './watched-cycles.ts';
import { ELEMENTS, PILOTS, RATE_HZ, USERS, scenePoints } from './watching-model.ts';

export interface NamingBound {
  /** Mean over elements and scenes: of the best test, which knows the element and when it dies. */
  found: number;
  /** Expected log-likelihood ratio of a reading, nats, median and of the 5 % that cost least. */
  p50Nats: number;
  p05Nats: number;
  /** ln γ. */
  limitNats: number;
}

/** @param seconds from the death on; @param seeds of the scenes */
export function namingBound(seeds: readonly number[], seconds: number): NamingBound {
  const elements = Array.from({ length: ELEMENTS }, (_, index) => ({ what: 'element', index }) as const);
  const losses = faultLosses(
    elements,
    BOARDS.map((board) => board.elements),
  );
  const readings = RATE_HZ * seconds;
  const perDay = 86_400 * RATE_HZ;
  const z = -quantileOfNormal(readings / perDay);
  const into = new Float64Array(ELEMENTS * USERS);
  const nats = seeds.flatMap((seed) => {
    const [point] = scenePoints(seed, 1);
    losses(point, into);
    const weights = Array.from(point.predictedSnrDb, (db) => 1 / readingVariance(PILOTS, 10 ** (db / 10)));
    return elements.map(({ index }) => weights.reduce((sum, weight, k) => sum + (weight * into[index * USERS + k] ** 2) / 2, 0));
  });
  nats.sort((a, b) => a - b);
  const found = nats.map((each) => normal(Math.sqrt(2 * each * readings) - z));
  const at = (share: number): number => nats[Math.floor(share * nats.length)];
  return {
    found: found.reduce((sum, each) => sum + each, 0) / found.length,
    ...{ p50Nats: at(0.5), p05Nats: at(0.05), limitNats: Math.log(perDay) },
  };
}

/** Φ. Source: Abramowitz and Stegun, 26.2.17; error below 7.5e-8. */
function normal(x: number): number {
  if (x < 0) return 1 - normal(-x);
  const t = 1 / (1 + 0.2316419 * x);
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return 1 - (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * series;
}

/** Φ⁻¹ below a half, by halving. */
function quantileOfNormal(share: number): number {
  let [below, above] = [-8, 0];
  for (let step = 0; step < 60; step++) {
    const middle = (below + above) / 2;
    if (normal(middle) < share) below = middle;
    else above = middle;
  }
  return above;
}

/**
 * What is normal, as the bank of faults (fault-bank.ts) learns it in the first minute: the mean difference of each user, its spread beside what pilots
 * leave, of single readings and of seconds, and how much of each fault is there already, by how the difference goes with its losses from beam to beam.
 */
const LEARN_MS = 60_000;
const LEARN_READINGS = 100;
const BLOCK_MS = 1000;
const FEWEST_BLOCKS = 20;
/** Readings that a user must be watched in while it is learned. */
const LEAST_OF_USER = 30;
/** Of the variance that pilots leave; less is believed of no learning. */
const LEAST_SPREAD = 0.5;
/** Variance⁻¹ of the share of a fault that is there from the start, before anything is learned: half a fault. */
const PRIOR_OF_SHARE = 4;

/** Sums by user, and by fault and user, weighted by 1/v. */
export interface Learning {
  sinceMs: number;
  readings: number;
  rate: number;
  count: Float64Array;
  w: Float64Array;
  wd: Float64Array;
  wdd: Float64Array;
  lossW: Float64Array;
  lossWd: Float64Array;
  lossWw: Float64Array;
  blocks: Blocks;
}

/** Means of a second, and of whole spells where channels are sounded, of all users together: their variance beside that of single readings. */
interface Blocks {
  /** Of the one that is being filled. */
  sinceMs: number;
  spell: number | undefined;
  sum: number;
  count: number;
  /** Those that are full. */
  of: number[];
  /** Of all readings. */
  total: number;
  squares: number;
  readings: number;
}

export interface Learned {
  rate: number;
  /** b_k, dB; NaN of a user who was hardly watched. */
  mean: Float64Array;
  /** f_k: σ_k² beside what pilots leave. */
  spread: Float64Array;
  /** Σ 1/v of the learning. */
  weight: Float64Array;
  /** Mean of δ. */
  meanLoss: Float64Array;
  /** Of each fault: how much of it is there from the start, and the precision of that. */
  share: Float64Array;
  precision: Float64Array;
}

/** A reading, as it is learned from. */
export interface WeighedReading {
  timeMs: number;
  /** Predicted less measured sum rate, bit/s/Hz. */
  missingRate: number;
  /** δ: what user k loses under fault f, dB, at f·K + k. */
  losses: Float64Array;
  /** 1/v of each user, 0 of one who is not watched. */
  w: Float64Array;
  /** Predicted less measured, dB. */
  e: Float64Array;
  /** Where channels are sounded: another with each time that something was sounded. */
  spell?: number;
}

/** @returns what was learned, once that is enough */
export function learn(learning: Learning, reading: WeighedReading): Learned | undefined {
  const { timeMs, missingRate, losses, w: weights, e, spell } = reading;
  const { count, w, wd, wdd, lossW, lossWd, lossWw, blocks } = learning;
  const users = count.length;
  if (learning.readings === 0) learning.sinceMs = timeMs;
  learning.readings++;
  learning.rate += missingRate;
  let weight = 0;
  let sum = 0;
  for (let k = 0; k < users; k++) {
    const wk = weights[k];
    if (wk === 0) continue;
    const d = e[k];
    count[k]++;
    w[k] += wk;
    wd[k] += wk * d;
    wdd[k] += wk * d * d;
    weight += wk;
    sum += wk * d;
    for (let i = k; i < losses.length; i += users) {
      const loss = finite(losses[i]);
      lossW[i] += wk * loss;
      lossWd[i] += wk * loss * d;
      lossWw[i] += wk * loss * loss;
    }
  }
  if (weight > 0) addToBlock(blocks, timeMs, spell, sum / weight);
  const isEnough =
    learning.readings >= LEARN_READINGS &&
    timeMs - learning.sinceMs >= LEARN_MS &&
    (spell === undefined || blocks.of.length >= FEWEST_BLOCKS);
  return isEnough ? learnedFrom(learning) : undefined;
}

function learnedFrom({ readings, rate, count, w, wd, wdd, lossW, lossWd, lossWw, blocks }: Learning): Learned {
  const users = count.length;
  const faults = lossW.length / users;
  const mean = wd.map((sum, k) => (count[k] >= LEAST_OF_USER ? sum / w[k] : NaN));
  const slow = slowSpread(blocks);
  const spread = wdd.map((sum, k) => Math.max(LEAST_SPREAD, ((sum - mean[k] ** 2 * w[k]) / (count[k] - 1)) * slow));
  const meanLoss = lossW.map((sum, i) => (w[i % users] > 0 ? sum / w[i % users] : 0));
  const share = new Float64Array(faults);
  const precision = new Float64Array(faults);
  for (let f = 0; f < faults; f++) {
    let along = 0;
    let moved = 0;
    for (let k = 0, i = f * users; k < users; k++, i++) {
      if (Number.isNaN(mean[k])) continue;
      along += (lossWd[i] - mean[k] * lossW[i]) / spread[k];
      moved += Math.max(0, lossWw[i] - meanLoss[i] * lossW[i]) / spread[k];
    }
    precision[f] = moved + PRIOR_OF_SHARE;
    share[f] = along / precision[f];
  }
  return { rate: rate / readings, mean, spread, weight: w, meanLoss, share, precision };
}

export const finite = (value: number): number => (value - value === 0 ? value : 0);

export function newLearning(faults: number, users: number): Learning {
  const each = (length: number): Float64Array => new Float64Array(length);
  return {
    ...{ sinceMs: 0, readings: 0, rate: 0 },
    ...{ count: each(users), w: each(users), wd: each(users), wdd: each(users) },
    ...{ lossW: each(faults * users), lossWd: each(faults * users), lossWw: each(faults * users) },
    blocks: { sinceMs: -Infinity, spell: undefined, sum: 0, count: 0, of: [], total: 0, squares: 0, readings: 0 },
  };
}

function addToBlock(blocks: Blocks, timeMs: number, spell: number | undefined, value: number): void {
  if (timeMs - blocks.sinceMs >= BLOCK_MS && (spell === undefined || spell !== blocks.spell)) {
    if (blocks.count > 0) blocks.of.push(blocks.sum / blocks.count);
    Object.assign(blocks, { sinceMs: timeMs, spell, sum: 0, count: 0 });
  }
  blocks.sum += value;
  blocks.count++;
  blocks.total += value;
  blocks.squares += value * value;
  blocks.readings++;
}

/**
 * How much more the means of seconds vary than they would if readings had nothing to do with each other. 1: they have not, as far as so few can tell.
 */
function slowSpread({ of, squares, total, readings }: Blocks): number {
  if (of.length < FEWEST_BLOCKS) return 1;
  const mean = of.reduce((sum, value) => sum + value, 0) / of.length;
  const ofBlocks = of.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (of.length - 1);
  const ofReadings = squares / readings - (total / readings) ** 2;
  const ratio = ofReadings > 0 ? (ofBlocks * readings) / of.length / ofReadings : 1;
  return ratio > 1 + 2 * Math.sqrt(2 / of.length) ? ratio : 1;
}

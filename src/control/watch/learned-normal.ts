/**
 * What is normal, as the bank of faults (fault-bank.ts) learns it in the first minute: the mean difference of each user, its spread beside what pilots
 * leave, of single readings and of seconds, and how much of each fault is there already, by how the difference goes with its losses from beam to beam.
 *
 * An array whose elements are off by phases and gains that nobody has measured misses each beam by another amount, in the mean c times what independent
 * errors of all elements would cost on it, δ_s:
 *
 *   e_k = μ_k + c·(δ_sk − δ̄_sk) + v      var v = f_k·(what pilots leave) + (c·δ_sk)²/(K − 1)
 *
 * c is learned of all users together, and taken out before any other fault is supposed. The miss is above all what leaks to a user of the K − 1 other
 * streams, |Σ_n ε_n·T_n,kj|² each, which for a beam of its own in each cycle is spread like as many exponential variables.
 */
const LEARN_MS = 60_000;
const LEARN_READINGS = 100;
const BLOCK_MS = 1000;
const FEWEST_BLOCKS = 20;
/** Readings that a user must be watched in while it is learned. */
const LEAST_OF_USER = 30;
/** Of the variance that pilots leave; less is believed of no learning. */
const LEAST_SPREAD = 0.5;
/** Variance⁻¹ of c: arrays are known to a few degrees. */
const PRIOR_OF_ERRORS = 1;
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
  /** With δ_s. */
  lossWs: Float64Array;
  /** Which fault δ_s is of; −1 where none of those supposed is of all elements. */
  spreadFault: number;
  blocks: Blocks;
}

/** Means of a second, and of whole spells where channels are sounded, of all users together: their variance beside that of single readings. */
interface Blocks {
  /** Of the one that is being filled. */
  sinceMs: number;
  spell: number | undefined;
  sum: Missed;
  count: number;
  /** Those that are full. */
  of: Missed[];
  /** Of all readings. */
  total: Missed;
  squares: { ee: number; es: number; ss: number };
  readings: number;
}

/** Means over users: e, and δ_s. */
interface Missed {
  e: number;
  s: number;
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
  /** c, which fault δ_s is of, and the precision of c. */
  errors: { of: number; share: number; precision: number };
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
  const { count, w, wd, wdd, lossW, lossWd, lossWw, lossWs, spreadFault, blocks } = learning;
  const users = count.length;
  if (learning.readings === 0) learning.sinceMs = timeMs;
  learning.readings++;
  learning.rate += missingRate;
  let weight = 0;
  const sum: Missed = { e: 0, s: 0 };
  for (let k = 0; k < users; k++) {
    const wk = weights[k];
    if (wk === 0) continue;
    const d = e[k];
    count[k]++;
    w[k] += wk;
    wd[k] += wk * d;
    wdd[k] += wk * d * d;
    const ofErrors = spreadFault < 0 ? 0 : finite(losses[spreadFault * users + k]);
    weight += wk;
    sum.e += wk * d;
    sum.s += wk * ofErrors;
    for (let i = k; i < losses.length; i += users) {
      const loss = finite(losses[i]);
      lossW[i] += wk * loss;
      lossWd[i] += wk * loss * d;
      lossWw[i] += wk * loss * loss;
      lossWs[i] += wk * loss * ofErrors;
    }
  }
  if (weight > 0) addToBlock(blocks, timeMs, spell, { e: sum.e / weight, s: sum.s / weight });
  const isEnough =
    learning.readings >= LEARN_READINGS &&
    timeMs - learning.sinceMs >= LEARN_MS &&
    (spell === undefined || blocks.of.length >= FEWEST_BLOCKS);
  return isEnough ? learnedFrom(learning) : undefined;
}

function learnedFrom(learning: Learning): Learned {
  const { readings, rate, count, w, wd, wdd, lossW, lossWd, lossWw, lossWs, spreadFault, blocks } = learning;
  const users = count.length;
  const faults = lossW.length / users;
  const mean = wd.map((sum, k) => (count[k] >= LEAST_OF_USER ? sum / w[k] : NaN));
  const meanLoss = lossW.map((sum, i) => (w[i % users] > 0 ? sum / w[i % users] : 0));
  /** Σ w·(δ − δ̄)·(e − μ) of a fault, so far as users are watched; Σ w·(δ − δ̄)·(δ_s − δ̄_s), and Σ w·(δ − δ̄)². */
  const alongOf = (f: number, spread: Float64Array): { along: number; across: number; moved: number } => {
    let [along, across, moved] = [0, 0, 0];
    for (let k = 0, i = f * users; k < users; k++, i++) {
      if (Number.isNaN(mean[k])) continue;
      along += (lossWd[i] - mean[k] * lossW[i]) / spread[k];
      if (spreadFault >= 0) across += (lossWs[i] - meanLoss[spreadFault * users + k] * lossW[i]) / spread[k];
      moved += Math.max(0, lossWw[i] - meanLoss[i] * lossW[i]) / spread[k];
    }
    return { along, across, moved };
  };
  const errors = { of: spreadFault, share: 0, precision: PRIOR_OF_ERRORS };
  if (spreadFault >= 0) {
    const { along, moved } = alongOf(spreadFault, new Float64Array(users).fill(1));
    errors.precision += moved;
    errors.share = Math.max(0, along / errors.precision);
  }
  const c = errors.share;
  const slow = slowSpread(blocks, c);
  const spread = wdd.map((sum, k) => {
    const i = spreadFault * users + k;
    let left = sum - mean[k] ** 2 * w[k];
    if (spreadFault >= 0) {
      const moved = lossWw[i] - meanLoss[i] * lossW[i];
      left += c * c * moved - 2 * c * (lossWd[i] - mean[k] * lossW[i]) - errorVariance(c, users) * lossWw[i];
    }
    return Math.max(LEAST_SPREAD, (left / (count[k] - 1)) * slow);
  });
  const share = new Float64Array(faults);
  const precision = new Float64Array(faults);
  for (let f = 0; f < faults; f++) {
    const { along, across, moved } = alongOf(f, spread);
    precision[f] = moved + PRIOR_OF_SHARE;
    share[f] = (along - c * across) / precision[f];
  }
  return { rate: rate / readings, mean, spread, weight: w, meanLoss, errors, share, precision };
}

/** Of what errors of elements cost a user, times its square, where c of it is there. */
export const errorVariance = (c: number, users: number): number => c ** 2 / Math.max(1, users - 1);

export const finite = (value: number): number => (value - value === 0 ? value : 0);

export function newLearning(faults: number, users: number, spreadFault: number): Learning {
  const each = (length: number): Float64Array => new Float64Array(length);
  return {
    ...{ sinceMs: 0, readings: 0, rate: 0 },
    ...{ count: each(users), w: each(users), wd: each(users), wdd: each(users) },
    ...{ lossW: each(faults * users), lossWd: each(faults * users), lossWw: each(faults * users) },
    ...{ lossWs: each(faults * users), spreadFault },
    blocks: {
      ...{ sinceMs: -Infinity, spell: undefined, sum: { e: 0, s: 0 }, count: 0, of: [] },
      ...{ total: { e: 0, s: 0 }, squares: { ee: 0, es: 0, ss: 0 }, readings: 0 },
    },
  };
}

function addToBlock(blocks: Blocks, timeMs: number, spell: number | undefined, { e, s }: Missed): void {
  if (timeMs - blocks.sinceMs >= BLOCK_MS && (spell === undefined || spell !== blocks.spell)) {
    const { sum, count } = blocks;
    if (count > 0) blocks.of.push({ e: sum.e / count, s: sum.s / count });
    Object.assign(blocks, { sinceMs: timeMs, spell, sum: { e: 0, s: 0 }, count: 0 });
  }
  const { sum, total, squares } = blocks;
  sum.e += e;
  sum.s += s;
  total.e += e;
  total.s += s;
  squares.ee += e * e;
  squares.es += e * s;
  squares.ss += s * s;
  blocks.count++;
  blocks.readings++;
}

/**
 * How much more the means of seconds vary than they would if readings had nothing to do with each other. 1: they have not, as far as so few can tell.
 * @param c how much of δ_s is there, and is no variation of its own
 */
function slowSpread({ of, squares, total, readings }: Blocks, c: number): number {
  if (of.length < FEWEST_BLOCKS) return 1;
  const values = of.map(({ e, s }) => e - c * s);
  const mean = values.reduce((sum, value) => sum + value, 0) / of.length;
  const ofBlocks = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (of.length - 1);
  const square = squares.ee - 2 * c * squares.es + c * c * squares.ss;
  const ofReadings = square / readings - ((total.e - c * total.s) / readings) ** 2;
  const ratio = ofReadings > 0 ? (ofBlocks * readings) / of.length / ofReadings : 1;
  return ratio > 1 + 2 * Math.sqrt(2 / of.length) ? ratio : 1;
}

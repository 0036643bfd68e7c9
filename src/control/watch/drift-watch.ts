/**
 * Does the array still do what the model of it says? Watches predicted minus measured SNR with a sequential test: a one-sided CUSUM of block
 * means against a baseline that it learns, since a prediction that is off by .05 dB from the start is no news and must not become an alarm.
 *
 *   readings ─► mean over users, dB ─► blocks (1 s and 8 readings at least) ─► the first 60 are the baseline: μ, σ
 *                                                                               └─► S ← max(0, S + block − μ − k)  ─► S > h: told, once
 *
 * k = max(0.1 dB, ¾σ) and h = max(3 dB, 10σ). With normal blocks and a baseline that is a standard error too low, a false alarm comes after 700,000
 * blocks in the mean (a week of seconds); blocks of 64 pilots and four users have σ = .06 dB and are much further away from one. The baseline goes
 * on with what is no alarm, at half an hour's pace: scenes change over hours, and what drifts more slowly than .003 dB a minute is not seen.
 *
 * Users whom n pilots cannot measure are left out: the estimate of an SINR s is spread by √(2s/n) and by 1/n where there is no signal, so that below
 * 10/n its logarithm is noise, as much as 5 dB a reading, and below 1/n it is nothing but noise, and often −∞. Weighted MMSE turns users off at
 * −100 dB, or −2776.
 *
 * Pure: a state and a step. Sources: Page, Biometrika 41 (1954); average run lengths after Siegmund, Sequential Analysis (1985), section II.6.
 */
import { toDb } from '../../../core/signal/rate.ts';

export interface DriftReading {
  timeMs: number;
  cycle: number;
  /** n, that a reading is averaged over. */
  pilots: number;
  /** dB by user, of a cycle whose readings nobody doubts. */
  predictedSnrDb: Float64Array;
  measuredSnrDb: Float64Array;
  /** bit/s/Hz, for what is told. */
  predictedSumRate: number;
  measuredSumRate: number;
  /** Where channels are sounded: another with each time that something was sounded. Blocks are of whole spells then, whose readings share an error. */
  spell?: number;
}

/** What has grown, and how. */
export interface DriftAlarm {
  /** The cycle from which on it has grown. */
  sinceCycle: number;
  sinceMs: number;
  /** Predicted less measured sum rate, bit/s/Hz: before, and now. */
  beforeRate: number;
  nowRate: number;
  /** Mean over users, dB. */
  grewDb: number;
  /** 'step': it was there at once. 'slope': it came little by little. */
  shape: 'step' | 'slope';
  /** The user that has nearly all of it, where one has. */
  user: number | undefined;
}

interface Block {
  /** Of its last reading. */
  spell: number | undefined;
  sinceMs: number;
  sinceCycle: number;
  count: number;
  /** Sums while it is filled, means once it is full. */
  difference: number;
  rate: number;
  users: Float64Array;
}

export interface DriftState {
  filling: Block | undefined;
  learning: Block[];
  baseline: { mean: number; sigma: number; rate: number; users: Float64Array } | undefined;
  /** S, and how many blocks ago it was nought last. */
  sum: number;
  rising: number;
  /** The newest blocks since there is a baseline. */
  recent: Block[];
  announced: boolean;
  /** Blocks in a row that were as before, after an alarm. */
  quietBlocks: number;
}

/** Least predicted SINR of users who are watched, in parts of 1/n. */
export const LEAST_MEASURED = 10;
const BLOCK_MS = 1000;
const BLOCK_READINGS = 8;
const BASELINE_BLOCKS = 60;
const LEAST_SLACK_DB = 0.1;
const SLACK_SIGMAS = 0.75;
const LEAST_LIMIT_DB = 3;
const LIMIT_SIGMAS = 10;
/** Of the limit: one estimate of the channel may be far worse than the others, and all of its readings are. Four are needed, as in the bank of faults. */
const MOST_OF_ONE_SPELL = 2 / 7;
/** Blocks after which the baseline has followed by 63 %. */
const BASELINE_PACE = 1800;
/** Blocks kept, twenty minutes of seconds; and those that the shape of a rise is told from, at least, with as many before it as in it. */
const MOST_RECENT = 1200;
const SHAPE_BLOCKS = 20;
const MOST_SHAPE_POINTS = 200;
/** One of several users has it when it has so much of it all. */
const ONE_USERS_SHARE = 0.8;

export const newDriftState = (): DriftState => ({
  filling: undefined,
  learning: [],
  baseline: undefined,
  sum: 0,
  rising: 0,
  recent: [],
  announced: false,
  quietBlocks: 0,
});

/** Takes one reading in; the state is changed in place. @returns what is to be told, once for each rise */
export function driftStep(state: DriftState, reading: DriftReading): DriftAlarm | undefined {
  const block = filled(state, reading);
  if (block === undefined) return undefined;
  if (state.baseline === undefined) {
    state.learning.push(block);
    if (state.learning.length === BASELINE_BLOCKS) {
      state.baseline = baselineOf(state.learning);
      state.learning = [];
    }
    return undefined;
  }
  return judge(state, state.baseline, block);
}

function filled(state: DriftState, reading: DriftReading): Block | undefined {
  const { timeMs, cycle, predictedSnrDb, measuredSnrDb, predictedSumRate, measuredSumRate } = reading;
  const users = predictedSnrDb.length;
  const noiseDb = -toDb(reading.pilots);
  const leastDb = noiseDb + toDb(LEAST_MEASURED);
  let [sum, watched] = [0, 0];
  for (let k = 0; k < users; k++) {
    if (predictedSnrDb[k] < leastDb) continue;
    // Readings below their own noise are all the same: nothing was heard.
    sum += predictedSnrDb[k] - Math.max(measuredSnrDb[k], noiseDb);
    watched++;
  }
  const mean = sum / watched;
  if (!Number.isFinite(mean)) return undefined;
  const full = reading.spell !== undefined && reading.spell !== state.filling?.spell ? taken(state, timeMs) : undefined;
  const block = (state.filling ??= {
    spell: reading.spell,
    sinceMs: timeMs,
    sinceCycle: cycle,
    count: 0,
    difference: 0,
    rate: 0,
    users: new Float64Array(users),
  });
  block.spell = reading.spell;
  block.count++;
  block.difference += mean;
  block.rate += predictedSumRate - measuredSumRate;
  for (let k = 0; k < users; k++) {
    // A user who is not served, or hardly, says nothing of a drift: he goes with the others.
    block.users[k] += predictedSnrDb[k] < leastDb ? mean : predictedSnrDb[k] - Math.max(measuredSnrDb[k], noiseDb);
  }
  return reading.spell === undefined ? taken(state, timeMs) : full;
}

/** The block that is being filled, where it is full. */
function taken(state: DriftState, nowMs: number): Block | undefined {
  const { filling: block } = state;
  if (block === undefined || block.count < BLOCK_READINGS || nowMs - block.sinceMs < BLOCK_MS) return undefined;
  state.filling = undefined;
  return {
    ...block,
    difference: block.difference / block.count,
    rate: block.rate / block.count,
    users: block.users.map((sum) => sum / block.count),
  };
}

function baselineOf(blocks: readonly Block[]): NonNullable<DriftState['baseline']> {
  const mean = meanOf(blocks, ({ difference }) => difference);
  const variance = blocks.reduce((sum, { difference }) => sum + (difference - mean) ** 2, 0) / (blocks.length - 1);
  return {
    mean,
    sigma: Math.sqrt(variance),
    rate: meanOf(blocks, ({ rate }) => rate),
    users: usersOf(blocks),
  };
}

function judge(state: DriftState, baseline: NonNullable<DriftState['baseline']>, block: Block): DriftAlarm | undefined {
  // Estimates may be as far off again as while the baseline was learned.
  const estimatesDb = block.spell === undefined ? 0 : Math.abs(baseline.mean);
  const slackDb = Math.max(LEAST_SLACK_DB, SLACK_SIGMAS * baseline.sigma) + estimatesDb;
  const limitDb = Math.max(LEAST_LIMIT_DB, LIMIT_SIGMAS * baseline.sigma);
  const excessDb = block.difference - baseline.mean;
  if (state.announced) {
    // Told once; news again only when it had gone back to what it was for as long as the baseline took.
    state.quietBlocks = excessDb <= slackDb ? state.quietBlocks + 1 : 0;
    if (state.quietBlocks >= BASELINE_BLOCKS)
      Object.assign(state, { announced: false, quietBlocks: 0, sum: 0, rising: 0, recent: [] });
    return undefined;
  }
  const mostDb = block.spell === undefined ? Infinity : MOST_OF_ONE_SPELL * limitDb;
  state.sum = Math.max(0, state.sum + Math.min(excessDb - slackDb, mostDb));
  state.rising = state.sum === 0 ? 0 : state.rising + 1;
  state.recent.push(block);
  if (state.recent.length > MOST_RECENT) state.recent.shift();
  if (state.sum <= limitDb) {
    baseline.mean += excessDb / BASELINE_PACE;
    baseline.rate += (block.rate - baseline.rate) / BASELINE_PACE;
    block.users.forEach((value, user) => (baseline.users[user] += (value - baseline.users[user]) / BASELINE_PACE));
    return undefined;
  }
  state.announced = true;
  return alarm(baseline, state.recent, Math.min(state.rising, state.recent.length));
}

function alarm(baseline: NonNullable<DriftState['baseline']>, recent: readonly Block[], length: number): DriftAlarm {
  const rising = recent.slice(-length);
  const late = rising.slice(-Math.max(1, Math.floor(length / 3)));
  const byUser = usersOf(late).map((value, user) => value - baseline.users[user]);
  const most = byUser.indexOf(Math.max(...byUser));
  const others = byUser.reduce((sum, value, user) => sum + (user === most ? 0 : Math.max(value, 0)), 0);
  const alone = byUser.length > 1 && byUser[most] > ONE_USERS_SHARE * (byUser[most] + others);
  return {
    sinceCycle: rising[0].sinceCycle,
    sinceMs: rising[0].sinceMs,
    beforeRate: baseline.rate,
    nowRate: meanOf(late, ({ rate }) => rate),
    grewDb: meanOf(late, ({ difference }) => difference) - baseline.mean,
    shape: shapeOf(recent.slice(-Math.max(2 * length, SHAPE_BLOCKS)).map(({ difference }) => difference)),
    user: alone ? most : undefined,
  };
}

/** Which fits better: two levels, with the best place for the step between them, or a line? */
function shapeOf(all: readonly number[]): DriftAlarm['shape'] {
  // Every place for the step is tried: of a long rise by means of a few blocks.
  const together = Math.ceil(all.length / MOST_SHAPE_POINTS);
  const values = Array.from({ length: Math.floor(all.length / together) }, (_, i) => {
    const part = all.slice(i * together, (i + 1) * together);
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
  const squares = (part: readonly number[]): number => {
    const mean = part.reduce((sum, value) => sum + value, 0) / part.length;
    return part.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  };
  let asStep = squares(values);
  for (let at = 1; at < values.length; at++) asStep = Math.min(asStep, squares(values.slice(0, at)) + squares(values.slice(at)));
  const centre = (values.length - 1) / 2;
  const along = values.reduce((sum, value, i) => sum + value * (i - centre), 0);
  const length = values.reduce((sum, _, i) => sum + (i - centre) ** 2, 0);
  const asLine = squares(values) - along ** 2 / length;
  return asStep <= asLine ? 'step' : 'slope';
}

const meanOf = (blocks: readonly Block[], of: (block: Block) => number): number =>
  blocks.reduce((sum, block) => sum + of(block), 0) / blocks.length;

const usersOf = (blocks: readonly Block[]): Float64Array =>
  blocks[0].users.map((_, user) => meanOf(blocks, ({ users }) => users[user]));

/**
 * Which fault explains best that users hear less than was predicted? A bank of CUSUMs, one for each thing that may have happened: an element dead, a board
 * turned or dark, a chain dead, phases of all elements spread, all power down, one user's channel another. Each knows what every user would lose by it on the
 * beam that is radiated just now (core/signal/fault-losses.ts), so that beams which move tell faults apart the sooner.
 *
 *   e_k = predicted − measured − what was learned, dB      l_f = Σ_k (δ_fk·e_k − δ_fk²/2)/σ_k²      S_f ← max(0, S_f + l_f − margin) > h: an alarm
 *
 * σ_k² is what n pilots make of an SINR s, (10/ln 10)²·(1/(n − 1) + 2/(ns) + 1/(ns)²), times what the learning finds it to be beside that: channels
 * that are estimates, and beams on an array that is not as it is believed to be, spread more. Learned, in the first minute: the mean difference of
 * each user; its spread, of single readings and of seconds, the larger one; and how much of each fault is there already, by how the difference goes with
 * δ_f from beam to beam; of errors of all elements first, which every fault is then judged beside. What is there from the start is no news. The margin is
 * two standard errors of what was learned.
 *
 * False alarms: a CUSUM of log-likelihood ratios alone is e^h readings away from one in the mean, whatever the fault (Lorden, Ann. Math. Statist. 42,
 * 1971), a bank of F of them at least e^h/F. h = ln(F · readings of a day). No reading counts for more than 2/7 of h: four are needed. Where channels are
 * sounded, readings from one sounding to the next share its errors, and together count for no more than that.
 */
import { toDb } from '../../../core/signal/rate.ts';
import type { SupposedFault } from '../../../core/signal/fault-losses.ts';
import { LEAST_MEASURED } from './drift-watch.ts';
import type { LookEvidence } from './effective-channel.ts';
import { errorVariance, finite, learn, newLearning, type Learned, type Learning } from './learned-normal.ts';
import { nameFault, type NamedFault } from './fault-naming.ts';

export interface BankReading {
  timeMs: number;
  cycle: number;
  /** n, that a reading is averaged over. */
  pilots: number;
  /** dB by user, of a cycle whose readings nobody doubts. */
  predictedSnrDb: Float64Array;
  measuredSnrDb: Float64Array;
  /** Predicted less measured sum rate, bit/s/Hz. */
  missingRate: number;
  /** δ: what user k loses under fault f, dB, at f·K + k. */
  losses: Float64Array;
  /** Where channels are sounded: another with each time that something was sounded. */
  spell?: number;
}

export interface FaultFound extends NamedFault {
  /** Since when, and in how many readings. */
  sinceCycle: number;
  sinceMs: number;
  readings: number;
  /** Predicted less measured sum rate, bit/s/Hz: before, and since. */
  beforeRate: number;
  nowRate: number;
  /** Mean over users, dB. */
  grewDb: number;
}

export interface FaultBank {
  /** @returns a fault, once */
  step(reading: BankReading): FaultFound | undefined;
  /** There is an alarm, and what it is of is not certain yet. */
  readonly isAlarmed: boolean;
  /** There may be one soon. */
  readonly isSuspicious: boolean;
  /**
   * The array was looked at more closely, because of an alarm or a suspicion.
   * @returns what it is; undefined: what readings looked like it is not, and nothing else is there
   */
  lookedAt(evidence: LookEvidence): FaultFound | undefined;
  /** The fault that explains best what was read lately, where any does. */
  likeliest(): FaultFound | undefined;
  /** Learns anew what is normal: something has been told of, and is normal from now on. */
  learnAnew(): void;
}

const MARGIN_ERRORS = 2;
/** Errors of elements that are measured against, RMS. */
const ERRORS_DEG = 6;
/** Where channels are sounded, what is predicted is off by the errors of estimates, which are worse at one time than another: by so much of it, one σ. */
const ESTIMATES_DOUBT = 0.5;
/** Readings after which the learned means have followed by 63 %: half an hour at 20 a second. */
const FOLLOW_READINGS = 36_000;
/** Of the bound above: most faults cost nearly the same as another, and alarms of nothing are this much rarer (docs/results/watching.md). */
const SHARE_OF_BOUND = 0.02;
const MOST_OF_ONE_READING = 2 / 7;
/** From the alarm on, so many readings are waited for until one fault is this likely, and for what came slowly an eighth of the time that it took. */
const NAMING_READINGS = 6;
const NAMING_SHARE = 1 / 8;
/** Nats by which a closer look speaks against what it could have heard, so that it is none of that; and for what it is then, whatever readings say. */
const DISPROVED = -10;
const HEARD = 20;
/** Half of the least turn of a board that is supposed: a look that hears less of one has heard none, which a look cannot tell from a turn of nothing. */
const LEAST_TURN_HEARD_DEG = 2.5;
/** Of the limit of an alarm: from here on a look is worth its requests. */
const SUSPICION = 0.5;
const DB_PER_NEPER = 10 / Math.LN10;

/** Variance of an SINR in dB as n pilots estimate it, s linear. */
export const readingVariance = (pilots: number, sinr: number): number =>
  DB_PER_NEPER ** 2 * (1 / (pilots - 1) + 2 / (pilots * sinr) + 1 / (pilots * sinr) ** 2);

/** @param readingsPerDay how often one false alarm a day is to be waited for */
export function createFaultBank(faults: readonly SupposedFault[], users: number, readingsPerDay: number): FaultBank {
  return new Bank(faults, users, Math.log(faults.length * readingsPerDay * SHARE_OF_BOUND));
}

class Bank implements FaultBank {
  readonly #faults;
  readonly #users;
  readonly #limit;
  /** Of the faults, the one that is errors of all elements, as they may be there from the start. */
  readonly #spreadFault: number;
  #learning: Learning;
  #learned: Learned | undefined;
  /** S, and the plain log-likelihood ratio since S was nought last. */
  readonly #sum: Float64Array;
  readonly #explained: Float64Array;
  readonly #count: Float64Array;
  readonly #rate: Float64Array;
  readonly #grown: Float64Array;
  readonly #sinceCycle: Float64Array;
  readonly #sinceMs: Float64Array;
  /** S when the newest spell began. */
  readonly #sumBefore: Float64Array;
  #spell: number | undefined;
  /** Readings since an alarm whose fault is not named yet. */
  #naming: number | undefined;
  /** Of the reading: 1/v of each user, 0 of one who is not watched; predicted less measured, dB, and what was learned taken out once it is. */
  readonly #w: Float64Array;
  readonly #e: Float64Array;
  /** And 1/σ² beside what was learned, and the variance of the mean that was learned. */
  readonly #inverse: Float64Array;
  readonly #doubt: Float64Array;
  /** What errors of elements cost each user beside their mean, dB. */
  readonly #more: Float64Array;
  /** The largest S. */
  #most = 0;

  constructor(faults: readonly SupposedFault[], users: number, limit: number) {
    this.#faults = faults;
    this.#users = users;
    this.#limit = limit;
    const each = (): Float64Array => new Float64Array(faults.length);
    [this.#sum, this.#explained, this.#count] = [each(), each(), each()];
    [this.#rate, this.#grown, this.#sinceCycle, this.#sinceMs] = [each(), each(), each(), each()];
    this.#sumBefore = each();
    this.#w = new Float64Array(users);
    this.#e = new Float64Array(users);
    this.#inverse = new Float64Array(users);
    this.#doubt = new Float64Array(users);
    this.#more = new Float64Array(users);
    this.#spreadFault = faults.findIndex((fault) => fault.what === 'elements' && fault.spreadDeg === ERRORS_DEG);
    this.#learning = newLearning(faults.length, users, this.#spreadFault);
  }

  learnAnew(): void {
    this.#learned = undefined;
    this.#learning = newLearning(this.#faults.length, this.#users, this.#spreadFault);
    this.#naming = undefined;
    this.#sum.fill(0);
    this.#sumBefore.fill(0);
    this.#explained.fill(0);
    this.#most = 0;
  }

  step(reading: BankReading): FaultFound | undefined {
    this.#weigh(reading);
    if (this.#learned === undefined) {
      this.#learned = learn(this.#learning, { ...reading, w: this.#w, e: this.#e });
      return undefined;
    }
    this.#judge(reading, this.#learned);
    if (this.#naming === undefined) {
      if (this.#most <= this.#limit) {
        this.#follow(reading, this.#learned);
        return undefined;
      }
      this.#naming = 0;
    }
    const found = this.#name(this.#learned);
    if (found === undefined) {
      // It went as it came: a few readings that were all wrong.
      this.#naming = undefined;
      return undefined;
    }
    const isSure = found.candidates.length === 1 && found.otherwise === undefined;
    if (!isSure && ++this.#naming <= Math.max(NAMING_READINGS, NAMING_SHARE * found.readings)) return undefined;
    return found;
  }

  get isAlarmed(): boolean {
    return this.#naming !== undefined;
  }

  get isSuspicious(): boolean {
    return this.#most > SUSPICION * this.#limit;
  }

  lookedAt({ nats: heardNats, turnDeg }: LookEvidence): FaultFound | undefined {
    if (this.#learned === undefined) return undefined;
    const nats = heardNats.map((heard, f) => (this.#hasNoTurn(f, turnDeg) ? -Infinity : heard));
    const both = nats.map((heard, f) => {
      const isAlarmed = this.#sum[f] > this.#limit || heard >= HEARD;
      return isAlarmed ? heard + (this.#sum[f] > 0 ? this.#explained[f] : 0) : -Infinity;
    });
    const found = nats.some((heard, f) => heard > DISPROVED && both[f] > -Infinity)
      ? this.#foundAmong(both, this.#learned)
      : undefined;
    if (found === undefined) {
      this.#naming = undefined;
      nats.forEach((heard, f) => {
        if (heard <= DISPROVED) this.#sum[f] = this.#explained[f] = 0;
      });
      this.#most = this.#sum.reduce((most, sum) => Math.max(most, sum), 0);
      return undefined;
    }
    const { fault } = found;
    if (fault.what !== 'board' || fault.turnDeg === null) return found;
    return { ...found, fault: { ...fault, turnDeg: Math.round(turnDeg[fault.index]) } };
  }

  #hasNoTurn(f: number, turnDeg: Float64Array): boolean {
    const fault = this.#faults[f];
    return fault.what === 'board' && fault.turnDeg !== null && Math.abs(turnDeg[fault.index]) < LEAST_TURN_HEARD_DEG;
  }

  likeliest(): FaultFound | undefined {
    return this.#learned && this.#name(this.#learned);
  }

  /** 1/v of each user, 0 of one who is not watched, and predicted less measured. */
  #weigh({ pilots, predictedSnrDb, measuredSnrDb }: BankReading): void {
    const noiseDb = -toDb(pilots);
    for (let k = 0; k < this.#users; k++) {
      const predictedDb = predictedSnrDb[k];
      const isWatched = predictedDb >= noiseDb + toDb(LEAST_MEASURED);
      this.#w[k] = isWatched ? 1 / readingVariance(pilots, 10 ** (predictedDb / 10)) : 0;
      this.#e[k] = isWatched ? predictedDb - Math.max(measuredSnrDb[k], noiseDb) : 0;
    }
  }

  #judge(reading: BankReading, learned: Learned): void {
    const { losses, cycle, timeMs, missingRate, spell } = reading;
    const { mean, spread, weight, meanLoss, errors, share, precision } = learned;
    const users = this.#users;
    const [w, e] = [this.#w, this.#e];
    let grown = 0;
    let watched = 0;
    const [inverse, doubt, more] = [this.#inverse, this.#doubt, this.#more];
    for (let k = 0; k < users; k++) {
      inverse[k] = 0;
      if (w[k] === 0 || Number.isNaN(mean[k])) continue;
      const i = errors.of * users + k;
      const ofErrors = errors.of < 0 ? 0 : finite(losses[i]);
      more[k] = errors.of < 0 ? 0 : ofErrors - meanLoss[i];
      inverse[k] = 1 / (spread[k] / w[k] + errorVariance(errors.share, users) * ofErrors ** 2);
      doubt[k] = spread[k] / weight[k] + (spell === undefined ? 0 : (ESTIMATES_DOUBT * mean[k]) ** 2);
      e[k] -= mean[k] + errors.share * more[k];
      grown += e[k];
      watched++;
    }
    if (watched === 0) return;
    const most = MOST_OF_ONE_READING * this.#limit;
    const [sums, explained, count, rate] = [this.#sum, this.#explained, this.#count, this.#rate];
    const [grew, sinceCycle, sinceMs] = [this.#grown, this.#sinceCycle, this.#sinceMs];
    if (spell === undefined || spell !== this.#spell) this.#sumBefore.set(sums);
    this.#spell = spell;
    const before = this.#sumBefore;
    let highest = 0;
    for (let f = 0, i = 0; f < sums.length; f++) {
      let along = 0;
      let square = 0;
      let moved = 0;
      let ofMean = 0;
      let across = 0;
      for (let k = 0; k < users; k++, i++) {
        if (inverse[k] === 0) continue;
        const loss = finite(losses[i]);
        const weighed = loss * inverse[k];
        along += weighed * e[k];
        square += weighed * loss;
        moved += weighed * (loss - meanLoss[i]);
        across += weighed * more[k];
        ofMean += weighed * weighed * doubt[k];
      }
      const ratio = along - share[f] * moved - square / 2;
      const margin = MARGIN_ERRORS * Math.sqrt(ofMean + (moved * moved) / precision[f] + (across * across) / errors.precision);
      if (sums[f] <= 0) {
        // Most faults explain nothing most of the time.
        if (ratio <= margin) continue;
        explained[f] = count[f] = rate[f] = grew[f] = 0;
        sinceCycle[f] = cycle;
        sinceMs[f] = timeMs;
      }
      sums[f] = Math.max(0, Math.min(sums[f] + ratio - margin, before[f] + most));
      if (sums[f] > highest) highest = sums[f];
      explained[f] += ratio;
      count[f]++;
      rate[f] += missingRate;
      grew[f] += grown / watched;
    }
    this.#most = highest;
  }

  /** What is no alarm is followed, slowly: scenes change over hours. */
  #follow({ missingRate }: BankReading, { mean }: Learned): void {
    for (let k = 0; k < this.#users; k++) if (this.#w[k] > 0) mean[k] += this.#e[k] / FOLLOW_READINGS;
    if (this.#learned) this.#learned.rate += (missingRate - this.#learned.rate) / FOLLOW_READINGS;
  }

  #name(learned: Learned): FaultFound | undefined {
    return this.#foundAmong(
      this.#explained.map((explained, f) => (this.#sum[f] > 0 ? explained : -Infinity)),
      learned,
    );
  }

  /** @param nats how much each fault explains; −∞: it is none of those that are supposed */
  #foundAmong(nats: Float64Array, { rate }: Learned): FaultFound | undefined {
    const named = nameFault(this.#faults, nats);
    if (named === undefined) return undefined;
    // What only a look has shown came when what it was taken for began.
    const since = this.#sum[named.best] > 0 ? named.best : this.#sum.indexOf(Math.max(...this.#sum));
    return {
      ...named.found,
      readings: this.#count[since],
      sinceCycle: this.#sinceCycle[since],
      sinceMs: this.#sinceMs[since],
      beforeRate: rate,
      nowRate: this.#rate[since] / this.#count[since],
      grewDb: this.#grown[since] / this.#count[since],
    };
  }
}

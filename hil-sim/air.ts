/**
 * What is in the air: one simulated array, driven by one panel or spread over several, radiates into one scene. Each panel has a part of the
 * array's elements and drives only those; what users hear, and so what any panel measures, is what all of them radiate together.
 *
 *   panel a ─ drive ─► rows of its elements ─┐
 *   panel b ─ drive ─► rows of its elements ─┴► S ─► C·E(t)·S ─► ·D ─► scene ─► pilots ─► the report of whichever panel asks
 *
 * The matrices are worked out once a beam and again when the temperature has moved on. The array is switched on when the air is made: a panel
 * that restarts does not cool it.
 */
import { counted } from '../core/errors/counted.ts';
import type { Clock } from '../core/clock/clock.ts';
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { add, fromParts, matmul, zeros } from '../core/signal/complex-matrix.ts';
import type { UserIndex } from '../core/signal/indices.ts';
import type { Random } from '../core/signal/random.ts';
import { sinr, toDb } from '../core/signal/rate.ts';
import { FEWEST_PILOTS, estimateChainGains, estimateSinr } from './pilot-estimates.ts';
import type { Scene } from './scene.ts';
import type { ShownStates } from './phase-shifters.ts';
import type { SimulatedArray } from './simulated-array.ts';
import { thermalStep } from './simulated-array.ts';

export interface AirOptions {
  array: SimulatedArray;
  scene: Scene;
  /** σ² at each user, linear, > 0. */
  noise: number;
  /** Pilots are drawn from streams of it, one for each part. */
  random: Random;
  clock: Clock;
}

/** The words of a part's elements, (i, m) at i·M + m, and D (M×K, interleaved); without weights chain k carries stream k with power 1. */
export interface Drive {
  words: Uint16Array;
  weights: Float32Array | undefined;
  /** Amplitude of each place as a share of what its word shows, 0 … 1; undefined: all 1. */
  amplitudes?: Float64Array | undefined;
}

/** The same for chips decoded at the level of registers: what each shifter shows. */
export interface DrivenStates extends ShownStates {
  weights: Float32Array | undefined;
}

/** What all parts radiate together and who hears it: the truth, which no real panel knows. */
export interface WholeAir {
  /** C·E·S·D, N×K; zero when nothing is radiated. */
  precoder(): CMatrix;
  /** SINR of each user on the scene's channel as it stands, linear. */
  trueSinr(): Float64Array;
  /** σ² at each user. */
  noise(): number;
  /** @throws {BeamrigError} 'argument' when it is not above 0 */
  setNoise(noise: number): void;
}

export interface Air extends WholeAir {
  readonly elements: number;
  readonly users: number;
  /**
   * The part of a panel with these elements, in the panel's own order. It is dark until it is driven.
   * @param elements 0-based, of the whole array; all in order when left out
   * @throws {BeamrigError} 'argument' for none, one that the array has not, one given twice, or one that another part has
   */
  part(elements?: readonly number[]): AirPart;
  /** Receivers of a board of their own. */
  receivers(): AirReceivers;
}

/** Receivers at the users: what they hear of the whole array, and nothing to radiate. */
export interface AirReceivers extends WholeAir {
  readonly rfChains: number;
  /** K, the users of the scene. */
  readonly users: number;
  /** The users, and after them the probe where the scene has one. */
  readonly receiverCount: number;
  /** Each user's SINR of the whole array's beam from so many pilots (at least 3), in hundredths of a dB, not below SNR_FLOOR_DB. */
  measureSnr(pilots: number): { pilots: number; snrCentiDb: Int16Array };
  /** What a user, or the probe, hears of each chain of the whole array, interleaved. */
  measureChains(pilots: number, user: UserIndex): { pilots: number; values: Float32Array };
}

export interface AirPart extends AirReceivers {
  /** How many elements this part has. */
  readonly elements: number;
  readonly phaseBits: number;
  /** Of the board, °C, now. */
  temperatureC(): number;
  /**
   * Radiates this from now on; undefined: nothing. The words are not copied: whoever drives leaves them alone. Wrong ones are found when
   * something is measured: 'shape' when their number is not that of the part's places, 'argument' when one does not fit in Q bits.
   */
  drive(beam: Drive | undefined): void;
  /** The same with complex states in place of words. */
  driveStates(states: DrivenStates): void;
}

/** What is reported where there is no signal to speak of. */
export const SNR_FLOOR_DB = -60;
const SNR_CEILING_DB = 300;

/** What some parts radiate that share one D. */
interface Radiated {
  /** C·E·S, N×M. */
  analog: CMatrix;
  /** D, M×K. */
  digital: CMatrix;
}

interface Driver {
  rows: Int32Array;
  beam: Drive | DrivenStates | undefined;
  /** Its rows of S are not yet what the beam says. */
  stale: boolean;
}

/** @throws {BeamrigError} 'shape' when array and scene differ in elements, 'argument' for noise not above 0 */
export function createAir(options: AirOptions): Air {
  const { array, scene, random, clock } = options;
  if (array.elements !== scene.elements) {
    throw new BeamrigError(
      'shape',
      `the array has ${counted(array.elements, 'element')}, the scene's channel ${scene.elements}`,
      {
        wayOut: 'Build both for the same geometry.',
      },
    );
  }
  const { elements, rfChains, phaseBits } = array;
  const { users } = scene;
  const switchedOnMs = clock.nowMs();
  const timeS = (): number => (clock.nowMs() - switchedOnMs) / 1000;
  const chainPerStream = zeros(rfChains, users);
  for (let k = 0; k < Math.min(rfChains, users); k++) chainPerStream.re[k * users + k] = 1;
  const dark: Radiated = { analog: zeros(elements, rfChains), digital: chainPerStream };

  let noise = requirePositive(options.noise);
  const drivers: Driver[] = [];
  const taken = new Set<number>();
  /** S of the whole array, renewed where a part was driven anew. */
  const shown = zeros(elements, rfChains);
  /** E·S of it. Made anew for every beam, matrices of a large array have the collector of garbage at work all the time. */
  const behindShifters = zeros(elements, rfChains);
  /** By far the dearest, and the same until a beam or the temperature changes. */
  let radiated: Radiated[] = [dark];
  let step = -1;
  const radiatedNow = (): Radiated[] => {
    const time = timeS();
    const stepNow = thermalStep(time);
    if (step === stepNow) return radiated;
    for (const driver of drivers) if (driver.stale) show(driver);
    radiated = byDigital(drivers).map(({ digital, members, all }) => ({
      analog: all ? array.radiatedStates(shown, time, behindShifters) : array.radiatedStates(rowsOf(members), time),
      digital: digital ? fromInterleaved(digital, rfChains, users) : chainPerStream,
    }));
    if (radiated.length === 0) radiated = [dark];
    step = stepNow;
    return radiated;
  };
  const show = (driver: Driver): void => {
    const { rows, beam } = driver;
    if (!beam) clearRows(shown, rows);
    else if ('words' in beam) {
      array.showWords(beam.words, rows, shown);
      if (beam.amplitudes) scaleRows(shown, rows, beam.amplitudes);
    } else array.showStates(beam, rows, shown);
    driver.stale = false;
  };
  /** S of these parts alone. */
  const rowsOf = (members: readonly Driver[]): CMatrix => {
    const alone = zeros(elements, rfChains);
    for (const { rows } of members) {
      for (const n of rows) {
        const [from, to] = [n * rfChains, (n + 1) * rfChains];
        alone.re.set(shown.re.subarray(from, to), from);
        alone.im.set(shown.im.subarray(from, to), from);
      }
    }
    return alone;
  };
  /** Σ over the D in use: normally there is one. */
  const total = (of: (radiated: Radiated) => CMatrix): CMatrix => {
    const [first, ...others] = radiatedNow();
    return others.reduce((sum, other) => add(sum, of(other)), of(first));
  };
  const gains = (): CMatrix => {
    const channel = scene.channel();
    return total(({ analog, digital }) => matmul(matmul(channel, analog), digital));
  };
  const precoder = (): CMatrix => total(({ analog, digital }) => matmul(analog, digital));

  const whole: WholeAir = {
    precoder,
    trueSinr: () => sinr(scene.channel(), precoder(), noise),
    noise: () => noise,
    setNoise(next) {
      noise = requirePositive(next);
    },
  };

  const receiversWith = (pilotsAt: Random): AirReceivers => ({
    rfChains,
    users,
    receiverCount: users + (scene.probe === undefined ? 0 : 1),
    ...whole,
    measureSnr(few) {
      const pilots = Math.max(few, FEWEST_PILOTS);
      const estimates = estimateSinr(gains(), noise, pilots, pilotsAt);
      return { pilots, snrCentiDb: Int16Array.from(estimates, toCentiDb) };
    },
    measureChains(pilots, user) {
      const own = user === users && scene.probe !== undefined ? scene.probe : rowOf(scene.channel(), user);
      const effective = total(({ analog }) => matmul(own, analog));
      return { pilots, values: estimateChainGains(effective, noise, pilots, pilotsAt) };
    },
  });
  let receiverBoards = 0;

  return {
    elements,
    users,
    ...whole,
    // Streams of their own again: what panels measure does not depend on whether there are receivers beside them.
    receivers: () => receiversWith(random.stream(`pilots of receivers ${receiverBoards++}`)),
    part(asked = Array.from({ length: elements }, (_, n) => n)) {
      requireFree(asked, elements, taken);
      for (const element of asked) taken.add(element);
      const driver: Driver = { rows: Int32Array.from(asked), beam: undefined, stale: false };
      // Each part draws for itself, so that no measurement depends on when another panel was asked; the first draws what a panel for the
      // whole array draws.
      const pilotsAt = random.stream(drivers.length === 0 ? 'pilots' : `pilots ${drivers.length}`);
      drivers.push(driver);
      const drive = (beam: Drive | DrivenStates | undefined): void => {
        driver.beam = beam;
        driver.stale = true;
        step = -1;
      };
      return {
        ...receiversWith(pilotsAt),
        elements: asked.length,
        phaseBits,
        temperatureC: () => array.temperatureC(timeS()),
        drive,
        driveStates: drive,
      };
    },
  };
}

/**
 * The parts that radiate, by the D they were given. Panels of one array have the same, unless one of them has missed a beam: `all` says that
 * every part which radiates is among the members.
 */
function byDigital(drivers: readonly Driver[]): { digital: Float32Array | undefined; members: Driver[]; all: boolean }[] {
  const groups: { digital: Float32Array | undefined; members: Driver[]; all: boolean }[] = [];
  for (const driver of drivers) {
    if (!driver.beam) continue;
    const { weights } = driver.beam;
    const same = groups.find(({ digital }) => sameWeights(digital, weights));
    if (same) same.members.push(driver);
    else groups.push({ digital: weights, members: [driver], all: false });
  }
  if (groups.length === 1) groups[0].all = true;
  return groups;
}

function sameWeights(a: Float32Array | undefined, b: Float32Array | undefined): boolean {
  if (a === b) return true;
  if (!a || !b || a.length !== b.length) return false;
  return a.every((value, i) => value === b[i]);
}

const rowOf = ({ cols, re, im }: CMatrix, row: number): CMatrix =>
  fromParts(1, cols, re.subarray(row * cols, (row + 1) * cols), im.subarray(row * cols, (row + 1) * cols));

function clearRows({ re, im, cols }: CMatrix, rows: Int32Array): void {
  for (const n of rows) {
    re.fill(0, n * cols, (n + 1) * cols);
    im.fill(0, n * cols, (n + 1) * cols);
  }
}

/** @param amplitudes (i, m) at i·M + m, i counting `rows` */
function scaleRows({ re, im, cols }: CMatrix, rows: Int32Array, amplitudes: Float64Array): void {
  for (let given = 0, i = 0; i < rows.length; i++) {
    for (let place = rows[i] * cols, end = place + cols; place < end; place++, given++) {
      re[place] *= amplitudes[given];
      im[place] *= amplitudes[given];
    }
  }
}

function toCentiDb(ratio: number): number {
  const db = ratio > 0 ? toDb(ratio) : SNR_FLOOR_DB;
  return Math.round(100 * Math.min(Math.max(db, SNR_FLOOR_DB), SNR_CEILING_DB));
}

function fromInterleaved(weights: Float32Array, rows: number, cols: number): CMatrix {
  const matrix = zeros(rows, cols);
  for (let i = 0; i < rows * cols; i++) {
    matrix.re[i] = weights[2 * i];
    matrix.im[i] = weights[2 * i + 1];
  }
  return matrix;
}

function requireFree(asked: readonly number[], elements: number, taken: ReadonlySet<number>): void {
  if (asked.length === 0) throw new BeamrigError('argument', 'a part of an array without elements', { wayOut: 'Give it some.' });
  const seen = new Set<number>();
  for (const element of asked) {
    if (!Number.isInteger(element) || element < 0 || element >= elements) {
      throw new BeamrigError('argument', `element ${element} is not one of 0 … ${elements - 1}`, {
        wayOut: 'Give each part elements that the array has.',
      });
    }
    if (seen.has(element) || taken.has(element)) {
      const where = seen.has(element) ? 'given twice' : 'driven by another part already';
      throw new BeamrigError('argument', `element ${element} is ${where}`, { wayOut: 'Give each element to one part, once.' });
    }
    seen.add(element);
  }
}

function requirePositive(noise: number): number {
  if (noise > 0 && noise < Infinity) return noise;
  throw new BeamrigError('argument', `noise is ${noise}`, { wayOut: 'Choose a noise power above 0.' });
}

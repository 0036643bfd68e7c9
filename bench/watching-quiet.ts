/** Hours in which nothing happens to the array, played to the watch with closer looks and without: what it tells then is a false alarm. */
import { solveHermitian } from '../core/signal/cholesky.ts';
import { add, conjTranspose, matmul, multiplyAhB, subtract, type CMatrix } from '../core/signal/complex-matrix.ts';
import { createRandom, type Random } from '../core/signal/random.ts';
import { createSimulatedArray } from '../hil-sim/simulated-array.ts';
import { watchCycles } from './watched-cycles.ts';
import {
  CHAINS,
  ELEMENTS,
  MOVING_POINTS,
  NOISE,
  PHASE_BITS,
  RATE_HZ,
  WALK_MPS,
  asBelieved,
  beamFor,
  movingUsers,
  readingOf,
  scenePoints,
  trueChains,
  trueGains,
  type ScenePoint,
} from './watching-model.ts';

export type Quiet = 'walk' | 'stand' | 'walk, imperfect' | 'sounded, stand' | 'sounded, move';

export interface QuietStretch {
  kind: Quiet;
  seed: number;
  hours: number;
  /** By which predictions are too high from the start. */
  biasDb: number;
}

export interface QuietAlarms {
  /** Codes of what was told. */
  looking: string[];
  bySinrs: string[];
  looks: number;
}

/** A cycle in which nothing has happened. */
interface QuietCycle {
  point: ScenePoint;
  gains: CMatrix;
  chains: () => CMatrix;
  slots?: number;
}

export async function playQuiet({ kind, seed, hours, biasDb }: QuietStretch): Promise<QuietAlarms> {
  const random = createRandom(seed).stream('pilots');
  const looking = watchCycles({ hasLooks: true, random: createRandom(seed).stream('looks') });
  const bySinrs = watchCycles({ hasLooks: false, random });
  const at = cyclesOf(kind, seed);
  for (let cycle = 0; cycle < hours * 3600 * RATE_HZ; cycle++) {
    const { point, gains, chains, slots } = at(cycle);
    const reading = readingOf(gains, random, biasDb);
    for (const watched of [looking, bySinrs]) {
      const looks = watched.after(cycle, point, reading, chains, slots);
      if (looks !== undefined) await looks;
    }
  }
  const codes = ({ told }: typeof looking): string[] => told.map(({ code }) => code);
  return { looking: codes(looking), bySinrs: codes(bySinrs), looks: looking.looks };
}

function cyclesOf(kind: Quiet, seed: number): (cycle: number) => QuietCycle {
  if (kind === 'walk, imperfect') return imperfect(seed);
  return kind === 'walk' || kind === 'stand' ? known(seed, kind === 'walk') : sounded(seed, kind === 'sounded, move');
}

/** Users walk on and on, and nobody has measured the array: as the demo has it. */
function imperfect(seed: number): (cycle: number) => QuietCycle {
  const scene = movingUsers(seed, WALK_MPS);
  const array = createSimulatedArray({
    ...{ elements: ELEMENTS, rfChains: CHAINS, phaseBits: PHASE_BITS, random: createRandom(seed).stream('array') },
    impairments: { gainErrorDb: 0.5, phaseErrorDeg: 5, phaseStateErrorDeg: 1 },
  });
  return (cycle) => {
    scene.moveTo(cycle / RATE_HZ);
    const point = beamFor(scene.channel());
    const chains = matmul(point.channel, array.radiatedAnalog(point.words, 0));
    return { point, gains: matmul(chains, point.digital), chains: () => chains };
  };
}

function known(seed: number, moves: boolean): (cycle: number) => QuietCycle {
  const array = asBelieved();
  const cycles = scenePoints(seed, moves ? MOVING_POINTS : 1).map((point): QuietCycle => {
    const chains = trueChains(point, array);
    return { point, gains: trueGains(point, array), chains: () => chains };
  });
  return (cycle) => cycles[cycle % cycles.length];
}

/** As examples/rigs/sounding.yaml has it: slots until the whole channel is sounded again, and until D is solved again by one slot through the words. */
const WHOLE_SLOTS = 58;
const EFFECTIVE_SLOTS = 16;
/** Beams of a whole sounding, in slots, and pilots of each. */
const SOUNDED_SLOTS = 6;
const SOUNDED_PILOTS = 64;
/** So far that a channel is another one from one sounding to the next: 1.5 mm. */
const SLOW_MPS = 0.0005;
/** Error of an estimate, as a share of the channel: mean, and how it spreads from one to the next, in nepers. */
const ERROR_DB = -17;
const ERROR_SPREAD = 0.6;
/** Cycles in which the channel stands still. */
const STEP_CYCLES = 4;

/**
 * A rig that sounds: Ĥ is off by an error of its own with each sounding, and as old as that; in between one slot through the words corrects what is heard
 * through them, D is solved for that, and this, too, grows old.
 */
function sounded(seed: number, moves: boolean): (cycle: number) => QuietCycle {
  const scene = movingUsers(seed, moves ? SLOW_MPS : 0);
  const random = createRandom(seed).stream('soundings');
  const array = asBelieved();
  let slot = 0;
  let wholeAt = -Infinity;
  let effectiveAt = -Infinity;
  let truth = scene.channel();
  let point: ScenePoint | undefined;
  let gains: CMatrix | undefined;
  return (cycle) => {
    let slots = 0;
    if (slot - wholeAt >= WHOLE_SLOTS) {
      scene.moveTo(slot / RATE_HZ);
      truth = scene.channel();
      point = corrected(beamFor(estimateOf(truth, random)), truth, random);
      slots = SOUNDED_SLOTS + 1;
      wholeAt = effectiveAt = slot;
    } else if (slot - effectiveAt >= EFFECTIVE_SLOTS && point !== undefined) {
      point = corrected(point, truth, random);
      slots = 1;
      effectiveAt = slot;
    }
    slot += slots;
    if (moves && cycle % STEP_CYCLES === 0) {
      scene.moveTo(slot / RATE_HZ);
      truth = scene.channel();
      gains = undefined;
    }
    slot++;
    if (point === undefined) throw new Error('the first slots are of a whole sounding');
    const { analog } = point;
    if (slots > 0) gains = undefined;
    gains ??= trueGains({ ...point, channel: truth }, array);
    return { point, gains, chains: () => matmul(truth, analog), slots };
  };
}

function estimateOf(truth: CMatrix, random: Random): CMatrix {
  const out = { ...truth, re: truth.re.slice(), im: truth.im.slice() };
  for (let k = 0; k < truth.rows; k++) {
    const sigma = 10 ** (ERROR_DB / 20) * Math.exp((ERROR_SPREAD * random.normal()) / 2);
    for (let i = k * truth.cols; i < (k + 1) * truth.cols; i++) {
      const error = random.complexNormal();
      out.re[i] += sigma * error.re;
      out.im[i] += sigma * error.im;
    }
  }
  return out;
}

/** With what is heard through the words put right, and D solved for that: Ĥ + (Y − ĤA)·(AᴴA)⁻¹·Aᴴ. */
function corrected(point: ScenePoint, truth: CMatrix, random: Random): ScenePoint {
  const { channel, analog } = point;
  const heard = matmul(truth, analog);
  const sigma = Math.sqrt(NOISE / SOUNDED_PILOTS);
  for (let i = 0; i < heard.re.length; i++) {
    const error = random.complexNormal();
    heard.re[i] += sigma * error.re;
    heard.im[i] += sigma * error.im;
  }
  const missing = conjTranspose(subtract(heard, matmul(channel, analog)));
  const solved = solveHermitian(multiplyAhB(analog, analog), missing);
  return beamFor(add(channel, conjTranspose(matmul(analog, solved))), point);
}

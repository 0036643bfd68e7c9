/** Faults that come over the array after a quiet while: how soon the watch names each, and whether it is the right one. */
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import type { SupposedFault } from '../core/signal/fault-losses.ts';
import { createRandom } from '../core/signal/random.ts';
import { BOARDS, watchCycles, type Told } from './watched-cycles.ts';
import {
  ELEMENTS,
  MOVING_POINTS,
  RATE_HZ,
  asBelieved,
  readingOf,
  scenePoints,
  trueChains,
  trueGains,
  turn,
  type TrueArray,
} from './watching-model.ts';

/** Seconds before it comes, and after which nobody waits any more. */
export const QUIET_S = 70;
const LONGEST_S = 900;
const SLOPE_DEG_PER_MINUTE = 2;

export interface Play {
  name: string;
  /** By then it must be named, 95 of 100. */
  limitS: number;
  kind: SupposedFault['what'];
  /** Changes the array, so many seconds after it began. */
  change: (array: TrueArray, drawn: Drawn, sinceS: number) => void;
  isRight: (found: NonNullable<Told['found']>, drawn: Drawn) => boolean;
  /** It changes all the time. */
  slow?: boolean;
}

interface Drawn {
  element: number;
  board: number;
  sign: number;
  slopes: number[];
}

const everyElement = Array.from({ length: ELEMENTS }, (_, n) => n);
const isBoard: Play['isRight'] = ({ candidates }, { board }) => candidates.includes(board);

export const PLAYS: readonly Play[] = [
  {
    ...{ name: `an element of ${ELEMENTS} dies`, limitS: 2, kind: 'element' },
    change: ({ re }, { element }) => (re[element] = 0),
    isRight: ({ candidates }, { element }) => candidates.includes(element),
  },
  {
    ...{ name: 'a board of 16 is off by 20°', limitS: 2, kind: 'board' },
    change: (array, { board, sign }) => turn(array, BOARDS[board].elements, () => 20 * sign),
    isRight: isBoard,
  },
  {
    ...{ name: 'elements drift, 2°/min each', limitS: 180, kind: 'elements', slow: true },
    change: (array, { slopes }, s) => turn(array, everyElement, (n) => (slopes[n] * SLOPE_DEG_PER_MINUTE * s) / 60),
    isRight: () => true,
  },
  {
    ...{ name: 'a board of 16 drifts, 2°/min', limitS: 360, kind: 'board', slow: true },
    change: (array, { board, sign }, s) => turn(array, BOARDS[board].elements, () => (sign * SLOPE_DEG_PER_MINUTE * s) / 60),
    isRight: isBoard,
  },
];

export interface Named {
  seconds: number;
  as: 'right' | 'doubted' | 'other' | 'before' | 'never';
  alone: boolean;
}

/** Each of `PLAYS` on one scene. @param hasLooks panels report pilots */
export async function playFaults(seed: number, moves: boolean, hasLooks: boolean): Promise<Named[]> {
  const points = scenePoints(seed, moves ? MOVING_POINTS : 1);
  const named: Named[] = [];
  for (const play of PLAYS) named.push(await played(play, points, seed, hasLooks));
  return named;
}

async function played(play: Play, points: ReturnType<typeof scenePoints>, seed: number, hasLooks: boolean): Promise<Named> {
  const draw = createRandom(seed).stream('fault');
  const drawn: Drawn = {
    element: Math.floor(draw.uniform() * ELEMENTS),
    board: Math.floor(draw.uniform() * BOARDS.length),
    sign: draw.uniform() < 0.5 ? -1 : 1,
    slopes: everyElement.map(() => draw.normal()),
  };
  const random = createRandom(seed).stream('pilots');
  const watched = watchCycles({ hasLooks, random });
  const array = asBelieved();
  let gains: CMatrix[] = [];
  let cycle = -QUIET_S * RATE_HZ;
  for (; cycle < LONGEST_S * RATE_HZ && watched.told.length === 0; cycle++) {
    if (cycle === 0 || (cycle > 0 && play.slow === true && cycle % RATE_HZ === 0)) {
      play.change(array, drawn, cycle / RATE_HZ);
      gains = [];
    }
    const at = (cycle + QUIET_S * RATE_HZ) % points.length;
    const reading = readingOf((gains[at] ??= trueGains(points[at], array)), random);
    await watched.after(cycle, points[at], reading, () => trueChains(points[at], array));
  }
  if (watched.told.length === 0) return { seconds: Infinity, as: 'never', alone: false };
  if (cycle <= 0) return { seconds: 0, as: 'before', alone: false };
  const [{ found }] = watched.told;
  // What no supposed fault explains is told as a drift.
  const kind = found?.fault.what ?? 'elements';
  const isRight = kind === play.kind && (found === undefined || play.isRight(found, drawn));
  const as = isRight ? 'right' : found?.otherwise?.what === play.kind ? 'doubted' : 'other';
  return { seconds: cycle / RATE_HZ, as, alone: isRight && found?.candidates.length === 1 };
}

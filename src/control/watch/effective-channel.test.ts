import { describe, expect, it } from 'vitest';
import { fromPhases, matmul, type CMatrix } from '../../../core/signal/complex-matrix.ts';
import type { SupposedFault } from '../../../core/signal/fault-losses.ts';
import { createRandom, type Random } from '../../../core/signal/random.ts';
import { canLookAt, createEffectiveChannel } from './effective-channel.ts';
import type { Look } from './look-parts.ts';
import { nameFault } from './fault-naming.ts';
import { supposedFaults } from './supposed-faults.ts';

const [ELEMENTS, CHAINS, USERS] = [32, 4, 3];
const BOARDS = [0, 8, 16, 24].map((first) => Array.from({ length: 8 }, (_, i) => first + i));
const FAULTS = supposedFaults({ elements: ELEMENTS, rfChains: CHAINS, users: USERS, boards: BOARDS.length });
const VARIANCE = 1e-3;
const DEG = Math.PI / 180;

/** What the array does to the rows of its elements, gain and phase. */
type Does = (element: number) => { gain?: number; deg?: number };

interface Story {
  /** From the start, and when it is judged. */
  always?: Does;
  then?: Does;
  /** Another beam in each look. */
  moves?: boolean;
  seed?: number;
  /** Another channel of user 0 when it is judged, which nobody knows of. */
  moved?: boolean;
  there?: SupposedFault[];
}

const channelOf = (random: Random): CMatrix => ({
  ...{ rows: USERS, cols: ELEMENTS },
  re: Float64Array.from({ length: USERS * ELEMENTS }, () => random.normal() / Math.SQRT2),
  im: Float64Array.from({ length: USERS * ELEMENTS }, () => random.normal() / Math.SQRT2),
});

function judged({ always = () => ({}), then = always, moves = true, seed = 1, moved = false, there = [] }: Story) {
  const random = createRandom(seed);
  const known = createEffectiveChannel(FAULTS, BOARDS);
  known.learnAnew(there);
  let beam: Pick<Look, 'channel' | 'analog'> | undefined;
  const look = (does: Does, hasMoved: boolean): Look => {
    if (beam === undefined || moves) {
      const phases = Float64Array.from({ length: ELEMENTS * CHAINS }, () => 2 * Math.PI * random.uniform());
      beam = { channel: channelOf(random), analog: fromPhases(phases, ELEMENTS, CHAINS) };
    }
    const { channel, analog } = beam;
    const shown: CMatrix = { ...analog, re: analog.re.slice(), im: analog.im.slice() };
    for (let at = 0; at < shown.re.length; at++) {
      const { gain = 1, deg = 0 } = does(Math.floor(at / CHAINS));
      const [re, im] = [gain * Math.cos(deg * DEG), gain * Math.sin(deg * DEG)];
      shown.re[at] = analog.re[at] * re - analog.im[at] * im;
      shown.im[at] = analog.re[at] * im + analog.im[at] * re;
    }
    const truly: CMatrix = { ...channel, re: channel.re.slice(), im: channel.im.slice() };
    if (hasMoved) truly.re.set(channelOf(random).re.subarray(0, ELEMENTS));
    const heard = matmul(truly, shown);
    for (let k = 0; k < USERS; k++) {
      const rad = 2 * Math.PI * random.uniform();
      for (let at = k * CHAINS; at < (k + 1) * CHAINS; at++) {
        const noise = random.complexNormal();
        const [re, im] = [heard.re[at] + Math.sqrt(VARIANCE) * noise.re, heard.im[at] + Math.sqrt(VARIANCE) * noise.im];
        heard.re[at] = re * Math.cos(rad) - im * Math.sin(rad);
        heard.im[at] = re * Math.sin(rad) + im * Math.cos(rad);
      }
    }
    return { channel, analog, heard, variance: VARIANCE };
  };
  while (known.wants > 0) known.learn(look(always, false));
  const { nats, turnDeg } = known.judge(look(then, moved));
  return { nats, turnDeg, found: nameFault(FAULTS, nats)?.found };
}

const kinds = (nats: Float64Array, what: SupposedFault['what']): number[] =>
  FAULTS.flatMap((fault, f) => (fault.what === what ? [nats[f]] : []));
const dead =
  (element: number): Does =>
  (n) =>
    n === element ? { gain: 0 } : {};
/** An array that nobody has calibrated: 6° and 0.6 dB. */
const imperfect: Does = (n) => ({ gain: 1 + 0.07 * Math.sin(7 * n), deg: 8 * Math.cos(11 * n) });

describe.each([true, false])('the effective channel, beams that move: %s', (moves) => {
  it.each([0, 13, 31])('tells which element died: %i', (element) => {
    const { found } = judged({ moves, then: dead(element) });
    expect(found).toMatchObject({ fault: { what: 'element' }, candidates: [element], otherwise: undefined });
  });

  it('tells an element that is stuck at another phase', () => {
    const { found } = judged({ moves, then: (n) => (n === 9 ? { deg: 130 } : {}) });
    expect(found).toMatchObject({ fault: { what: 'element' }, candidates: [9] });
  });

  it.each([-20, 5, 35])('tells which board is turned, and by how much: %i°', (deg) => {
    const { found, turnDeg } = judged({ moves, then: (n) => (BOARDS[2].includes(n) ? { deg } : {}) });
    expect(found).toMatchObject({ fault: { what: 'board' }, candidates: [2] });
    expect(Math.abs(turnDeg[2] - deg)).toBeLessThan(1);
  });

  it('tells a board that is dark from one that is turned', () => {
    const { found } = judged({ moves, then: (n) => (BOARDS[1].includes(n) ? { gain: 0 } : {}) });
    expect(found).toMatchObject({ fault: { what: 'board', index: 1, turnDeg: null } });
  });

  it('tells phases that have drifted from a board that has', () => {
    const { found } = judged({ moves, then: (n) => ({ deg: 5 * Math.sin(3 * n * n + 1) }) });
    expect(found?.fault.what).toBe('elements');
  });

  it('tells a user whose channel is another', () => {
    expect(judged({ moves, moved: true }).found).toMatchObject({ fault: { what: 'user' }, candidates: [0] });
  });

  it.each([1, 2, 3, 4, 5])('hears that nothing has happened, seed %i', (seed) => {
    for (const always of [undefined, imperfect]) {
      const { nats, found } = judged({ moves, seed, ...(always && { always }) });
      expect(found).toBeUndefined();
      expect(Math.max(...kinds(nats, 'board'))).toBeLessThan(6);
      expect(Math.max(...kinds(nats, 'elements'))).toBeLessThan(6);
    }
  });

  it('tells an element of an array that is not as it is believed to be', () => {
    const { found } = judged({ moves, always: imperfect, then: (n) => (n === 20 ? { gain: 0 } : imperfect(n)) });
    expect(found).toMatchObject({ fault: { what: 'element' }, candidates: [20] });
  });

  it('tells a second element beside one that it knows to be dead', () => {
    const { found } = judged({
      ...{ moves, always: dead(3), there: [{ what: 'element', index: 3 }] },
      then: (n) => (n === 3 || n === 17 ? { gain: 0 } : {}),
    });
    expect(found).toMatchObject({ fault: { what: 'element' }, candidates: [17] });
  });
});

it('speaks neither for nor against what pilots do not hear: power and noise', () => {
  expect(kinds(judged({ then: dead(4) }).nats, 'power')).toEqual([0, 0, 0]);
});

it('looks at arrays only where that is soon done and says something', () => {
  expect(canLookAt(64, 4, 4)).toBe(true);
  expect(canLookAt(256, 4, 4)).toBe(true);
  expect(canLookAt(64, 1, 4)).toBe(false);
  expect(canLookAt(4096, 8, 8)).toBe(false);
});

import { describe, expect, it } from 'vitest';
import { matmul, type CMatrix } from './complex-matrix.ts';
import { faultLosses, type SupposedFault } from './fault-losses.ts';
import { createRandom } from './random.ts';
import { sinr, toDb } from './rate.ts';

const [ELEMENTS, CHAINS, USERS] = [12, 3, 3];
const random = createRandom(4);
const drawn = (rows: number, cols: number): CMatrix => {
  const values = Array.from({ length: rows * cols }, () => random.complexNormal());
  return { rows, cols, re: Float64Array.from(values, ({ re }) => re), im: Float64Array.from(values, ({ im }) => im) };
};
const beam = { channel: drawn(USERS, ELEMENTS), analog: drawn(ELEMENTS, CHAINS), digital: drawn(CHAINS, USERS), noise: 0.7 };
const boards = [
  [0, 1, 2, 3],
  [4, 5, 6, 7, 8, 9, 10, 11],
];

/** SINR with every row of A times a complex factor, and D as it is. */
function asIf(factor: (n: number) => [re: number, im: number], { digital, channel } = beam): Float64Array {
  const analog = { ...beam.analog, re: beam.analog.re.slice(), im: beam.analog.im.slice() };
  for (let n = 0; n < ELEMENTS; n++) {
    const [re, im] = factor(n);
    for (let i = n * CHAINS; i < (n + 1) * CHAINS; i++) {
      analog.re[i] = beam.analog.re[i] * re - beam.analog.im[i] * im;
      analog.im[i] = beam.analog.re[i] * im + beam.analog.im[i] * re;
    }
  }
  return sinr(channel, matmul(analog, digital), beam.noise).map(toDb);
}

const before = asIf(() => [1, 0]);
function lossesOf(fault: SupposedFault): number[] {
  const into = new Float64Array(USERS);
  faultLosses([fault], boards)(beam, into);
  return [...into];
}
const phasor = (deg: number): [number, number] => [Math.cos((deg * Math.PI) / 180), Math.sin((deg * Math.PI) / 180)];
const lost = (after: Float64Array): number[] => [...before.map((db, k) => db - after[k])];
const expectLosses = (fault: SupposedFault, after: Float64Array): void =>
  lost(after).forEach((db, k) => expect(lossesOf(fault)[k]).toBeCloseTo(db, 9));

describe('what users would lose is what the array gives without the part', () => {
  it('of an element that is dead', () => {
    for (const index of [0, 7, 11])
      expectLosses(
        { what: 'element', index },
        asIf((n) => (n === index ? [0, 0] : [1, 0])),
      );
  });

  it.each([-30, 20, null])('of a board that is turned by %s°, or dark', (turnDeg) => {
    const shown = turnDeg === null ? ([0, 0] as [number, number]) : phasor(turnDeg);
    expectLosses(
      { what: 'board', index: 1, turnDeg },
      asIf((n) => (n >= 4 ? shown : [1, 0])),
    );
  });

  it('of a chain that is dead', () => {
    const { digital } = beam;
    const without = { ...digital, re: digital.re.slice(), im: digital.im.slice() };
    without.re.fill(0, USERS, 2 * USERS);
    without.im.fill(0, USERS, 2 * USERS);
    expectLosses(
      { what: 'chain', index: 1 },
      asIf(() => [1, 0], { ...beam, digital: without }),
    );
  });

  it('of power, and of one user', () => {
    const gain = Math.sqrt(10 ** -0.2);
    expectLosses(
      { what: 'power', lossDb: 2 },
      asIf(() => [gain, 0]),
    );
    expect(lossesOf({ what: 'user', index: 2, lossDb: 3 }).map((db) => Math.round(1e9 * db) / 1e9)).toEqual([0, 0, 3]);
  });

  it('of phases that spread, in the mean over many draws of them', () => {
    const DRAWS = 20_000;
    const desired = new Float64Array(USERS);
    const others = new Float64Array(USERS);
    for (let draw = 0; draw < DRAWS; draw++) {
      const turns = Array.from({ length: ELEMENTS }, () => phasor(15 * random.normal()));
      const x = { ...beam.analog, re: beam.analog.re.slice(), im: beam.analog.im.slice() };
      for (let i = 0; i < x.re.length; i++) {
        const [re, im] = turns[Math.floor(i / CHAINS)];
        x.re[i] = beam.analog.re[i] * re - beam.analog.im[i] * im;
        x.im[i] = beam.analog.re[i] * im + beam.analog.im[i] * re;
      }
      const gains = matmul(beam.channel, matmul(x, beam.digital));
      for (let k = 0; k < USERS; k++) {
        for (let j = 0; j < USERS; j++) {
          const power = gains.re[k * USERS + j] ** 2 + gains.im[k * USERS + j] ** 2;
          if (j === k) desired[k] += power / DRAWS;
          else others[k] += power / DRAWS;
        }
      }
    }
    const after = desired.map((power, k) => toDb(power / (others[k] + beam.noise)));
    lost(after).forEach((db, k) => expect(Math.abs(lossesOf({ what: 'elements', spreadDeg: 15 })[k] - db)).toBeLessThan(0.05));
  });
});

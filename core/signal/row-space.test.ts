import { describe, expect, it } from 'vitest';
import { salehValenzuela } from './channel.ts';
import type { CMatrix } from './complex-matrix.ts';
import { clone, conjTranspose, frobeniusNorm, identity, matmul, multiplyAhB, subtract, zeros } from './complex-matrix.ts';
import { createRandom } from './random.ts';
import { rowSpaceBasis } from './row-space.ts';

const [elements, users] = [32, 4];
const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
const channels = Array.from({ length: 20 }, (_, seed) =>
  salehValenzuela({ random: createRandom(seed), geometry, users, paths: 10, scale: 'unit-element' }),
);

/** H with user 1 in the place of user 0, twice as loud. */
function inOnePlace(channel: CMatrix): CMatrix {
  const out = clone(channel);
  for (let n = 0; n < elements; n++) {
    out.re[elements + n] = 2 * out.re[n];
    out.im[elements + n] = 2 * out.im[n];
  }
  return out;
}

function withoutUser(channel: CMatrix, user: number): CMatrix {
  const out = clone(channel);
  out.re.fill(0, user * elements, (user + 1) * elements);
  out.im.fill(0, user * elements, (user + 1) * elements);
  return out;
}

describe('the basis of the row space', () => {
  it.each([
    ['as drawn', (channel: CMatrix) => channel, 4],
    ['with two users in one place', inOnePlace, 3],
    ['with a user who hears nothing', (channel: CMatrix) => withoutUser(channel, 2), 3],
    ['with a user 200 dB below the others', faint, 4],
  ] as const)('is orthonormal, and all of it, of channels %s', (_, change, directions) => {
    for (const drawn of channels) {
      const channel = change(drawn);
      const basis = rowSpaceBasis(channel);
      expect(basis.cols).toBe(directions);
      expect(frobeniusNorm(subtract(multiplyAhB(basis, basis), identity(directions)))).toBeLessThan(1e-6);
      const inside = matmul(matmul(channel, basis), conjTranspose(basis));
      expect(frobeniusNorm(subtract(channel, inside))).toBeLessThan(1e-6 * frobeniusNorm(channel));
    }
  });

  it('is none of a channel that is all zero or no number', () => {
    expect(() => rowSpaceBasis(zeros(2, 8))).toThrow(/all zero/);
    const broken = clone(channels[0]);
    broken.re[3] = NaN;
    expect(() => rowSpaceBasis(broken)).toThrow(/user 0 is of norm NaN/);
  });
});

function faint(channel: CMatrix): CMatrix {
  const out = clone(channel);
  for (let n = 0; n < elements; n++) {
    out.re[n] *= 1e-10;
    out.im[n] *= 1e-10;
  }
  return out;
}

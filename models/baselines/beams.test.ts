import { describe, expect, it } from 'vitest';
import { salehValenzuela } from '../../core/signal/channel.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import {
  conjTranspose,
  frobeniusNorm,
  identity,
  matmul,
  multiplyABh,
  multiplyAhB,
  scale,
  subtract,
  zeros,
} from '../../core/signal/complex-matrix.ts';
import { eigHermitian } from '../../core/signal/decompositions.ts';
import { steeringVector } from '../../core/signal/geometry.ts';
import { createRandom } from '../../core/signal/random.ts';
import { heardOnBeams, showBeam } from './beam-grid.ts';
import { chosenBeams } from './codebook.ts';
import { matchingPursuit } from './omp.ts';

const every = (elements: number): number[] => Array.from({ length: elements }, (_, n) => n);

function draw(seed: number, elements: number, users = 3): CMatrix {
  const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
  return salehValenzuela({ random: createRandom(seed), geometry, users, paths: 4, scale: 'unit-element' });
}

/** A beam as a column, N×1. */
function beamOf(elements: number, beam: number, beams: number): CMatrix {
  const out = zeros(elements, 1);
  showBeam(out, 0, beam, beams, every(elements));
  return out;
}

describe('beams of a line', () => {
  it.each([16, 15])('of %i elements are heard as the sum over those that show them says', (elements) => {
    const channel = draw(1, elements);
    const shown = every(elements).filter((n) => n % 3 !== 1);
    for (const beams of [elements, 4 * elements]) {
      const heard = heardOnBeams(channel, beams, shown);
      for (let beam = 0; beam < beams; beam += 7) {
        const column = zeros(elements, 1);
        showBeam(column, 0, beam, beams, shown);
        const direct = matmul(channel, column);
        for (let k = 0; k < 3; k++) {
          expect(heard.re[k * beams + beam]).toBeCloseTo(direct.re[k], 9);
          expect(heard.im[k * beams + beam]).toBeCloseTo(direct.im[k], 9);
        }
      }
    }
  });

  it('are those that its steering vectors are of', () => {
    const steering = steeringVector({ kind: 'ula', elements: 16, spacingWavelengths: 0.5 }, Math.asin(2 / 16));
    expect(frobeniusNorm(subtract(steering, beamOf(16, 1, 16)))).toBeLessThan(1e-9);
  });
});

describe('matching pursuit', () => {
  it('finds the beams that a precoder is made of, and has all of it then', () => {
    const columns = [5, 21, 50].map((beam) => beamOf(16, beam, 64));
    const target = zeros(16, 3);
    columns.forEach(({ re, im }, k) => {
      for (let n = 0; n < 16; n++) {
        target.re[3 * n + k] = (3 - k) * re[n];
        target.im[3 * n + k] = (3 - k) * im[n];
      }
    });
    const { analog, digital } = matchingPursuit(target, fullyConnected(16, 3));
    expect(frobeniusNorm(subtract(target, matmul(analog, digital)))).toBeLessThan(1e-6);
  });

  it('leaves less to find with every chain', () => {
    const channel = draw(4, 32);
    const target = conjTranspose(channel);
    const missed = [1, 2, 3, 5, 8].map((chains) => {
      const { analog, digital } = matchingPursuit(target, fullyConnected(32, chains));
      return frobeniusNorm(subtract(target, matmul(analog, digital)));
    });
    for (let i = 1; i < missed.length; i++) expect(missed[i]).toBeLessThan(missed[i - 1]);
  });
});

function fullyConnected(elements: number, chains: number): CMatrix {
  const out = zeros(elements, chains);
  out.re.fill(1);
  return out;
}

describe('the codebook', () => {
  const NOISE = 0.1;
  /** log₂ det(I + p·H·A·Aᴴ·Hᴴ/N) */
  function capacity(channel: CMatrix, analog: CMatrix): number {
    const heard = matmul(channel, analog);
    const gram = scale(multiplyABh(heard, heard), 1 / (channel.rows * NOISE * channel.cols));
    return eigHermitian(gram).values.reduce((sum, value) => sum + Math.log2(1 + value), 0);
  }

  it('takes different beams, which are orthogonal', () => {
    const analog = chosenBeams(draw(1, 16), NOISE, 4);
    expect(frobeniusNorm(subtract(scale(multiplyAhB(analog, analog), 1 / 16), identity(4)))).toBeLessThan(1e-9);
  });

  it('has nearly the capacity of the best choice of all, and for one chain just that', () => {
    for (let seed = 0; seed < 10; seed++) {
      const channel = draw(seed, 8, 2);
      const beams = every(8).map((beam) => beamOf(8, beam, 8));
      const single = beams.map((beam) => capacity(channel, beam));
      expect(capacity(channel, chosenBeams(channel, NOISE, 1))).toBeCloseTo(Math.max(...single), 9);
      let best = 0;
      for (let a = 0; a < 8; a++) {
        for (let b = 0; b < a; b++) best = Math.max(best, capacity(channel, sideBySide(beams[a], beams[b])));
      }
      const chosen = capacity(channel, chosenBeams(channel, NOISE, 2));
      expect(chosen).toBeLessThan(best + 1e-9);
      expect(chosen).toBeGreaterThan(0.9 * best);
    }
  });
});

function sideBySide(a: CMatrix, b: CMatrix): CMatrix {
  const out = zeros(a.rows, 2);
  for (let n = 0; n < a.rows; n++) {
    [out.re[2 * n], out.im[2 * n]] = [a.re[n], a.im[n]];
    [out.re[2 * n + 1], out.im[2 * n + 1]] = [b.re[n], b.im[n]];
  }
  return out;
}

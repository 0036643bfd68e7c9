/**
 * Phases of RF chains beside each other, where a method heard powers: each chain is then known but for a turn of its own, and digital weights go by what the
 * chains have to each other. A beam straight at the probe is shown on all of them, and they are heard together.
 *
 *   by pilots: one report has all chains in one phase         by power: P_k = |y_0 + j^k·y_m|², so that y_0*·y_m = ¼·Σ_k j^{−k}·P_k
 */
import type { StateEstimate } from '../../calibration/estimate-states.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { fromParts } from '../../core/signal/complex-matrix.ts';
import type { ArrayReader, ArraySetting } from './array-reader.ts';
import type { ArrayUnderTest, MeasuredChain } from './array-under-test.ts';

/** Of the one setting. */
const REPEATS = 4;
const QUARTERS = 4;

/** Readings that it takes. */
export const alignmentReadings = (rfChains: number, by: 'pilots' | 'power'): number =>
  rfChains === 1 ? 0 : by === 'pilots' ? REPEATS : (rfChains - 1) * REPEATS * QUARTERS;

export async function alignChains(
  array: ArrayUnderTest,
  chains: readonly MeasuredChain[],
  by: 'pilots' | 'power',
  read: ArrayReader['read'],
): Promise<MeasuredChain[]> {
  if (chains.length === 1) return [...chains];
  const words = new Uint16Array(array.elements * array.rfChains);
  const expected = chains.map(({ elements, estimate }, m) => {
    const towards = strongestWords(estimate);
    elements.forEach((n, row) => (words[n * array.rfChains + m] = towards.words[row]));
    return towards.field;
  });
  const heard = by === 'pilots' ? await byPilots(chains.length, words, read) : await byPowers(chains.length, words, read);
  return chains.map((chain, m) => {
    const turnRad = Math.atan2(heard[m].im, heard[m].re) - Math.atan2(expected[m].im, expected[m].re);
    return { ...chain, estimate: turned(chain.estimate, turnRad) };
  });
}

interface Complex {
  re: number;
  im: number;
}

/** Of each element the state that adds the most along the real axis. */
function strongestWords({ states: { rows, cols, re, im } }: StateEstimate): { words: Uint16Array; field: Complex } {
  const field = { re: 0, im: 0 };
  const words = Uint16Array.from({ length: rows }, (_, n) => {
    let best = n * cols;
    for (let at = best + 1; at < (n + 1) * cols; at++) if (re[at] > re[best]) best = at;
    field.re += re[best];
    field.im += im[best];
    return best - n * cols;
  });
  return { words, field };
}

async function byPilots(chains: number, words: Uint16Array, read: ArrayReader['read']): Promise<Complex[]> {
  // Beside the first chain, whatever phase the receiver has in a report.
  const beside = Array.from({ length: chains }, () => ({ re: 0, im: 0 }));
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const { re, im } = await read({ words });
    beside.forEach((sum, m) => {
      sum.re += re[0] * re[m] + im[0] * im[m];
      sum.im += re[0] * im[m] - im[0] * re[m];
    });
  }
  return beside;
}

async function byPowers(chains: number, words: Uint16Array, read: ArrayReader['read']): Promise<Complex[]> {
  const turns = [
    { re: 1, im: 0 },
    { re: 0, im: 1 },
    { re: -1, im: 0 },
    { re: 0, im: -1 },
  ];
  const beside: Complex[] = [{ re: 1, im: 0 }];
  for (let chain = 1; chain < chains; chain++) {
    const sum = { re: 0, im: 0 };
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      for (const turn of turns) {
        const weights = [
          { chain: 0, re: 1, im: 0 },
          { chain, ...turn },
        ];
        const setting: ArraySetting = { words, driven: { chain, weights } };
        const power = (await read(setting)).re[chain];
        if (Number.isNaN(power)) {
          throw new BeamrigError('calibration', `the SNR of chains 0 and ${chain} together is out of what a report can say`, {
            wayOut: 'Lower the gain of the receiver, and measure anew.',
          });
        }
        sum.re += turn.re * power;
        sum.im -= turn.im * power;
      }
    }
    beside.push(sum);
  }
  return beside;
}

function turned(estimate: StateEstimate, byRad: number): StateEstimate {
  const { rows, cols, re, im } = estimate.states;
  const [cos, sin] = [Math.cos(byRad), Math.sin(byRad)];
  const states = fromParts(
    rows,
    cols,
    re.map((value, i) => value * cos - im[i] * sin),
    re.map((value, i) => value * sin + im[i] * cos),
  );
  return { ...estimate, states };
}

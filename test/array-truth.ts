/** What simulated arrays show in truth, which no panel tells, and what knowing less of it costs a beam. */
import { zeros, type CMatrix } from '../core/signal/complex-matrix.ts';
import { quantiseToStates } from '../core/signal/quantise.ts';
import { createRandom } from '../core/signal/random.ts';
import type { RigFile } from '../src/config/rig-file.ts';
import { createRigArray } from '../src/rig/simulator.ts';

/** c of chain m of the simulated array of a rig, so long after it was switched on: N×2^Q of these elements. */
export function chainTruth(rig: RigFile, m: number, elements: readonly number[], timeS = 0): CMatrix {
  const array = createRigArray(rig, createRandom(rig.seed).stream('simulator'));
  const { rfChains, phaseBits } = rig.array;
  const out = zeros(elements.length, 2 ** phaseBits);
  for (let word = 0; word < out.cols; word++) {
    const shown = array.radiatedAnalog(new Uint16Array(array.elements * rfChains).fill(word), timeS);
    elements.forEach((n, row) => {
      out.re[row * out.cols + word] = shown.re[n * rfChains + m];
      out.im[row * out.cols + word] = shown.im[n * rfChains + m];
    });
  }
  return out;
}

/**
 * Gain of a half-wave line array towards a direction by words for `found`, dB below that by words for what there is.
 * @param found in any unit and phase: one common factor says nothing of a beam
 * @param sine of the direction's angle from broadside
 */
export function beamLossDb(found: CMatrix, truth: CMatrix, sine: number): number {
  const inUnit = broughtTo(found, truth);
  const wanted = Float64Array.from({ length: truth.rows }, (_, n) => Math.PI * n * sine);
  const gainDb = (known: CMatrix): number => {
    const words = quantiseToStates(wanted, (n) => ({
      re: known.re.subarray(n * known.cols, (n + 1) * known.cols),
      im: known.im.subarray(n * known.cols, (n + 1) * known.cols),
    }));
    let [re, im] = [0, 0];
    words.forEach((word, n) => {
      const at = n * truth.cols + word;
      const [cos, sin] = [Math.cos(wanted[n]), Math.sin(wanted[n])];
      re += truth.re[at] * cos + truth.im[at] * sin;
      im += truth.im[at] * cos - truth.re[at] * sin;
    });
    return 10 * Math.log10(re * re + im * im);
  };
  return gainDb(truth) - gainDb(inUnit);
}

/** The same, the worst of so many drawn directions. */
export function worstBeamLossDb(found: CMatrix, truth: CMatrix, directions: number): number {
  const from = createRandom(8).stream('directions');
  return Math.max(...Array.from({ length: directions }, () => beamLossDb(found, truth, 2 * from.uniform() - 1)));
}

/** found·f, f by least squares. */
function broughtTo(found: CMatrix, truth: CMatrix): CMatrix {
  let [re, im, power] = [0, 0, 0];
  for (let i = 0; i < found.re.length; i++) {
    re += found.re[i] * truth.re[i] + found.im[i] * truth.im[i];
    im += found.re[i] * truth.im[i] - found.im[i] * truth.re[i];
    power += found.re[i] ** 2 + found.im[i] ** 2;
  }
  const out = zeros(found.rows, found.cols);
  for (let i = 0; i < found.re.length; i++) {
    out.re[i] = (found.re[i] * re - found.im[i] * im) / power;
    out.im[i] = (found.re[i] * im + found.im[i] * re) / power;
  }
  return out;
}

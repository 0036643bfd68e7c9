/**
 * A reader that begins with what was read before an interruption. The receiver's phase and gain are others by then: the readings of the first setting, of
 * which there are several, are taken once more, and what was kept is brought to what they are now.
 */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';
import type { ArrayReader } from './array-reader.ts';
import { NOISE_READINGS } from './measure-array.ts';
import type { ReadingsJournal } from './readings-journal.ts';

export function resumedReader(
  reader: Pick<ArrayReader, 'read'>,
  journal: Pick<ReadingsJournal, 'kept' | 'add'>,
): Pick<ArrayReader, 'read'> {
  const { kept } = journal;
  let factor: { re: number; im: number } | undefined;
  let given = 0;
  return {
    async read(setting) {
      if (given >= kept.length) {
        const heard = await reader.read(setting);
        // What is kept is of one receiver: later readings are written as it was when it began.
        journal.add(factor === undefined ? heard : divided(heard, factor));
        return heard;
      }
      // The first settings are all alike, so that as many as were kept compare.
      if (given === 0 && kept.length > 0) factor = await changeSince(kept.slice(0, NOISE_READINGS), () => reader.read(setting));
      return multiplied(kept[given++], factor ?? { re: 1, im: 0 });
    },
  };
}

async function changeSince(before: readonly CMatrix[], readAgain: () => Promise<CMatrix>): Promise<{ re: number; im: number }> {
  const mean = (readings: readonly CMatrix[]): CMatrix => {
    const out = zeros(before[0].rows, 1);
    for (const { re, im } of readings) {
      for (let m = 0; m < out.rows; m++) {
        out.re[m] += re[m] / readings.length;
        out.im[m] += im[m] / readings.length;
      }
    }
    return out;
  };
  const then = mean(before);
  const again: CMatrix[] = [];
  for (let i = 0; i < before.length; i++) again.push(await readAgain());
  const now = mean(again);
  let [re, im, power] = [0, 0, 0];
  for (let m = 0; m < then.rows; m++) {
    re += now.re[m] * then.re[m] + now.im[m] * then.im[m];
    im += now.im[m] * then.re[m] - now.re[m] * then.im[m];
    power += then.re[m] ** 2 + then.im[m] ** 2;
  }
  return power > 0 ? { re: re / power, im: im / power } : { re: 1, im: 0 };
}

function multiplied(a: CMatrix, by: { re: number; im: number }): CMatrix {
  const out = zeros(a.rows, 1);
  for (let m = 0; m < a.rows; m++) {
    out.re[m] = a.re[m] * by.re - a.im[m] * by.im;
    out.im[m] = a.re[m] * by.im + a.im[m] * by.re;
  }
  return out;
}

function divided(a: CMatrix, { re, im }: { re: number; im: number }): CMatrix {
  const power = re * re + im * im;
  return multiplied(a, { re: re / power, im: -im / power });
}

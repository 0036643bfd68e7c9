import { expect, it } from 'vitest';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { fromParts } from '../../core/signal/complex-matrix.ts';
import { resumedReader } from './resumed-reader.ts';

const one = (re: number, im: number): CMatrix => fromParts(1, 1, Float64Array.of(re), Float64Array.of(im));

it('turns what was kept to the phase of the receiver as it is now, and keeps later readings in that of before', async () => {
  // Setting w is heard as w + 1, before the interruption; afterwards times 2j.
  const heardNow = (word: number): CMatrix => one(0, 2 * (word + 1));
  const settings: number[] = [];
  const added: CMatrix[] = [];
  const kept = [...Array.from({ length: 32 }, () => one(1, 0)), one(6, 0)];
  const reader = resumedReader(
    {
      read: async ({ words }) => {
        settings.push(words[0]);
        return heardNow(words[0]);
      },
    },
    { kept, add: (reading) => void added.push(reading) },
  );
  const read = async (word: number): Promise<[number, number]> => {
    const { re, im } = await reader.read({ words: Uint16Array.of(word) });
    return [re[0], im[0]];
  };
  for (let i = 0; i < 32; i++) expect(await read(0)).toEqual([0, 2]);
  expect(await read(5)).toEqual([0, 12]);
  // Of the kept ones only the first setting was shown again.
  expect(settings).toEqual(Array.from({ length: 32 }, () => 0));
  expect(await read(7)).toEqual([0, 16]);
  expect(settings.at(-1)).toBe(7);
  expect([added.length, added[0].re[0], added[0].im[0]]).toEqual([1, 8, 0]);
});

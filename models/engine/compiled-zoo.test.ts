/** The models that come with beamrig, compiled, against onnxruntime. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { enginesApart } from '../../test/engines-apart.ts';
import { listSizedModels } from '../reproduce/sized-models.ts';

describe('the zoo, compiled', () => {
  const zoo = listSizedModels();
  it.each(zoo.filter(({ card }) => card.sensing === undefined))(
    '$id is what it is in onnxruntime, on 200 channels that no training saw',
    async ({ path, card }) => {
      const { phase, meanWorth } = await enginesApart(card, readFileSync(path), 200);
      expect(phase[0]).toBeLessThan(1e-4);
      expect(Math.abs(meanWorth)).toBeLessThan(1e-4);
    },
  );

  // Thousands of steps end elsewhere after a rounding, and onnxruntime takes a quarter of a second for them.
  it.each(zoo.filter(({ card }) => card.sensing === 'input'))(
    '$id is worth what it is worth in onnxruntime, on 12 channels that no training saw',
    async ({ path, card }) => {
      const { medianWorth, meanWorth } = await enginesApart(card, readFileSync(path), 12);
      expect(medianWorth).toBeLessThan(0.1);
      expect(Math.abs(meanWorth)).toBeLessThan(0.2);
    },
    60_000,
  );
});

/** Rates of a network in onnxruntime, one channel after the other: of those that cannot be compiled. */
import { readFileSync } from 'node:fs';
import { openSession } from '../graph/session.ts';
import { beamOf, flatInputs } from '../model-tensors.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import type { SizedModelFile } from './sized-models.ts';
import { rateOfBeam, testCases } from './channel-rate.ts';
import type { BeamBits, TestSet } from './methods.ts';

export async function runtimeRates(
  { path, card }: SizedModelFile,
  bits: BeamBits,
  set: TestSet & { count: number },
): Promise<number[]> {
  const { elements, users } = card.dimensions;
  const session = await openSession(readFileSync(path));
  const rates: number[] = [];
  for (const testCase of testCases(drawChannelSet(set).channels, set)) {
    const flat = flatInputs(card, testCase.problem);
    const entries = flat.length - 2;
    const outputs = await session.run({
      channel: { values: flat.subarray(0, entries), shape: [1, users, elements, 2] },
      power: { values: flat.subarray(entries, entries + 1), shape: [1] },
      noise: { values: flat.subarray(entries + 1), shape: [1] },
    });
    const beam = beamOf(card, [...outputs['analog_phase'].values, ...outputs['digital'].values]);
    rates.push(rateOfBeam(testCase, beam, bits));
  }
  await session.close();
  return rates;
}

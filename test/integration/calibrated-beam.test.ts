/** What a table is worth to a beam: as much as knowing the array, its dead and stuck elements among the others. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CALIBRATION_METHODS } from '../../calibration/methods.ts';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { parseRigFile } from '../../src/config/rig-file.ts';
import { calibrateRig } from '../../src/measuring/calibrate-rig.ts';
import { openArray } from '../../src/measuring/open-array.ts';
import { chainTruth, worstBeamLossDb } from '../array-truth.ts';
import { forOneTest } from '../for-one-test.ts';

const own = forOneTest('calibrated-beam');
const FLAWS = 'gainErrorDb: 0.87, phaseErrorDeg: 104, deadElements: [3], stuckElements: [9]';

describe('beams by a table lose less than 0.1 dB to those of an array that is known', { timeout: 240_000 }, () => {
  it.each([
    {
      what: 'states that are wrong by themselves',
      method: 'coded',
      phaseBits: 5,
      pilots: 1,
      simulator: `{ impairments: { ${FLAWS}, phaseStateErrorDeg: 3, gainStateErrorDb: 0.3, stateErrors: independent } }`,
    },
    {
      what: 'ADAR1000 chips',
      method: 'complex',
      phaseBits: 7,
      pilots: 64,
      simulator: `{ phaseShifter: adar1000, impairments: { ${FLAWS} } }`,
    },
  ])('of $what', async ({ method: name, phaseBits, pilots, simulator }) => {
    const text = `
name: measured
seed: 7
array: { geometry: { kind: ula, elements: 16 }, rfChains: 1, phaseBits: ${phaseBits} }
users: { count: 1 }
beamformer: { model: aligned }
simulator: ${simulator}
`;
    const rig = parseRigFile(text, join(own.folder, 'rig.yaml'));
    const method = CALIBRATION_METHODS.find((each) => each.name === name);
    if (method === undefined) throw new Error(`no method ${name}`);
    const clock = createRealClock();
    const array = await openArray({ rig, clock, tell: () => undefined });
    const stop = new AbortController().signal;
    const { chains, tables } = await calibrateRig({ rig, method, pilots, resume: false }, array, {
      clock,
      stop,
      onProgress: () => undefined,
    });
    expect(await array.close()).toBe(undefined);
    expect(tables[0].flaws.map(({ element, flaw }) => [element, flaw])).toEqual([
      [3, 'dead'],
      [9, 'stuck'],
    ]);
    const [{ states, elements }] = chains;
    expect(worstBeamLossDb(states, chainTruth(rig, 0, elements), 20)).toBeLessThan(0.1);
  });
});

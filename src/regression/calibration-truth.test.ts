import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { playOnce } from './play.ts';
import { parseScenario } from './scenario-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-truth-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const errorDeg = async (timeline: string): Promise<number | undefined> => {
  const scenario = parseScenario(
    `
name: measured
about: An array that is measured while it is up.
rig:
  name: measured
  array: { geometry: { kind: ula, elements: 8 }, rfChains: 2, phaseBits: 3 }
  users: { count: 2 }
  beamformer: { model: aligned }
  simulator: { impairments: { phaseErrorDeg: 15, phaseStateErrorDeg: 4 } }
  loop: { rateHz: 10 }
seconds: 2
timeline: ${timeline}
expect: [{ check: calibration-error, atMost: 2 }]
`,
    join(folder, 'measured.yaml'),
  );
  const story = await playOnce({ scenario, one: scenario.cases[0], seed: 2, realTime: false, runFolder: folder }, 0);
  for (const { endedS = NaN, answer } of story.actions) {
    expect(answer).toEqual({ ok: true });
    expect(endedS).toBeGreaterThan(0.5);
  }
  return story.calibrationErrorDeg;
};

it('knows by how much a simulated array is off its tables, and that measuring it brings them closer', async () => {
  // Two independent deviations make √(15² + 4²) degrees, of few elements.
  const before = await errorDeg('[]');
  expect(before).toBeGreaterThan(8);
  expect(before).toBeLessThan(25);
  // A measurement takes as long as it takes, beyond the end of the scenario.
  expect(await errorDeg('[{ atS: 0.5, do: calibrate }]')).toBeLessThan(2);
});

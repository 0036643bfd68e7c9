/** The rig of paper 000: a network that is told where to sense, run by the loop. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readRigFile } from '../../src/config/rig-file.ts';
import type { CycleRecord } from '../../src/telemetry/cycle-record.ts';
import { assembleSpine } from './spine.ts';

const SENSING_RIG = fileURLToPath(new URL('../../examples/rigs/paper-000.yaml', import.meta.url));

/** The example rig, on the same channels whoever chooses the beams. */
async function recordsOf(model?: string): Promise<CycleRecord[]> {
  const rig = readRigFile(SENSING_RIG);
  if (model !== undefined) rig.beamformer.model = model;
  const spine = await assembleSpine({ rig, cycles: 4 });
  try {
    await spine.rig.run();
    return spine.records;
  } finally {
    await spine.rig.controller.stop();
  }
}

it('radiates what upganet chose, and tells of every beam how far it is from what sensing wishes for', async () => {
  const [learned, aligned] = [await recordsOf(), await recordsOf('aligned')];
  expect(learned).toHaveLength(4);
  learned.forEach(({ outcome, predictedSumRate, metrics: { predicted } }, cycle) => {
    expect(outcome).toBe('ok');
    expect(predicted['rate_less_tau']).toBeCloseTo(predictedSumRate - 0.3 * predicted['tau'], 9);
    // The same D by the objective for both: what is left is the phases.
    expect(predicted['rate_less_tau']).toBeGreaterThan(aligned[cycle].metrics.predicted['rate_less_tau'] + 1);
    expect(predicted['beampattern_mse']).toBeLessThan(aligned[cycle].metrics.predicted['beampattern_mse']);
  });
}, 60_000);

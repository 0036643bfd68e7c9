/** The example of a rig that senses, on the simulator: what it wishes for reaches every beam and every record. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { packageRoot } from '../../core/files/package-root.ts';
import { frobeniusNorm, matmul, multiplyABh, scale, subtract } from '../../core/signal/complex-matrix.ts';
import { fromPhases } from '../../core/signal/complex-matrix.ts';
import { wordsToPhases } from '../../core/signal/quantise.ts';
import { readRigFile, type RigFile } from '../../src/config/rig-file.ts';
import { assembleRig, type Rig } from '../../src/rig/assemble.ts';
import { rigSensing } from '../../src/rig/rig-sensing.ts';
import type { CycleRecord } from '../../src/telemetry/cycle-record.ts';
import { writeChannelFile } from '../doubles/write-channel-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-sensing-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const example = readRigFile(join(packageRoot(), 'examples', 'rigs', 'sensing.yaml'));

async function runOf(rig: RigFile, onCycle: (record: CycleRecord, rig: Rig) => void = () => undefined): Promise<CycleRecord[]> {
  const records: CycleRecord[] = [];
  const recorder = { cycle: () => undefined, event: () => undefined };
  const assembled = await assembleRig({ rig, clock: createVirtualClock(), hardware: false, recorder, cycles: 5 });
  assembled.controller.onCycle((record) => {
    records.push(record);
    onCycle(record, assembled);
  });
  await assembled.run();
  await assembled.controller.stop();
  return records;
}

describe('a rig that senses', () => {
  it('tells τ, R − ωτ and the error of the beampattern of the words that were commanded', async () => {
    const { factor } = rigSensing(example)!;
    const power = 10 ** (example.snrDb / 10);
    const wished = scale(multiplyABh(factor, factor), power);
    const records = await runOf(example, (record, { controller }) => {
      const { words, digital } = controller.latest()!;
      const precoder = matmul(fromPhases(wordsToPhases(words, 6), 64, 4), digital);
      const tau = frobeniusNorm(subtract(multiplyABh(precoder, precoder), wished)) ** 2;
      expect(record.metrics.predicted.tau).toBeCloseTo(tau, 6);
    });
    expect(records.map(({ outcome, objective }) => [outcome, objective])).toEqual(Array(5).fill(['ok', 'rate-sensing']));
    for (const { predictedSumRate, metrics } of records) {
      const { tau, rate_less_tau, beampattern_mse } = metrics.predicted;
      expect(rate_less_tau).toBeCloseTo(predictedSumRate - 0.3 * tau, 9);
      expect(beampattern_mse).toBeGreaterThan(0);
      expect(Object.keys(metrics.measured)).toEqual(['min_rate']);
    }
  }, 60_000);

  it('has more of R − ωτ and less of τ with the objective that weighs both, and is told of it with any', async () => {
    const weighed = await runOf(example);
    const rated = await runOf({ ...example, beamformer: { ...example.beamformer, objective: 'sum-rate' } });
    rated.forEach(({ metrics, predictedSumRate }, cycle) => {
      const other = weighed[cycle];
      expect(other.metrics.predicted.rate_less_tau).toBeGreaterThan(metrics.predicted.rate_less_tau);
      expect(other.metrics.predicted.tau).toBeLessThan(metrics.predicted.tau);
      expect(other.predictedSumRate).toBeLessThan(predictedSumRate);
    });
  }, 60_000);

  it('has phases for the objective: with it, phase-net weighs sensing, says so, and leaves those for the rates behind', async () => {
    const recorder = { cycle: () => undefined, event: () => undefined };
    const opened = async (beamformer: Partial<RigFile['beamformer']>, of = example) => {
      const rig = { ...of, beamformer: { ...of.beamformer, ...beamformer } };
      const { identity, controller } = await assembleRig({ rig, clock: createVirtualClock(), hardware: false, recorder });
      const title = controller.describe().models.find(({ id }) => id === 'phase-net')?.title;
      await controller.stop();
      return { ...identity.model, title };
    };
    const told = expect.stringContaining('; weighs sensing') as string;
    expect(await opened({})).toMatchObject({ id: 'phase-net', steps: 60, sensing: true, title: told });
    expect(await opened({ steps: 9 })).toMatchObject({ steps: 9, sensing: true });
    const forRates = await opened({ objective: 'sum-rate' });
    expect(forRates).toMatchObject({ id: 'phase-net', steps: 30, title: expect.not.stringContaining('sensing') as string });
    expect(forRates).not.toHaveProperty('sensing');
    expect(forRates).not.toHaveProperty('phaseBits');
    const words = { ...example, array: { ...example.array, phaseBits: 2 } };
    expect(await opened({ objective: 'sum-rate' }, words)).toMatchObject({
      phaseBits: 2,
      title: expect.stringContaining('; for phases of 2 bits') as string,
    });
    expect(await opened({}, words)).not.toHaveProperty('phaseBits');
    const [weighed, rates] = [
      await runOf(example),
      await runOf({ ...example, beamformer: { ...example.beamformer, model: 'phase-extraction' } }),
    ];
    weighed.forEach(({ metrics: { predicted } }, cycle) => {
      const other = rates[cycle].metrics.predicted;
      expect(predicted.rate_less_tau - other.rate_less_tau).toBeGreaterThan(0.3);
      expect(predicted.tau / other.tau).toBeLessThan(0.8);
    });
  }, 60_000);

  it('takes its covariance from a file as well, and says which', async () => {
    const { factor } = rigSensing(example)!;
    const covariance = join(folder, 'psi.npy');
    writeChannelFile(covariance, [scale(multiplyABh(factor, factor), 3)]);
    // Phases that know of rates alone: others lean on how a covariance is taken apart into columns.
    const rates = { ...example, beamformer: { ...example.beamformer, model: 'phase-extraction' } };
    const given = { ...rates, sensing: { covariance, weight: 0.3 } };
    const [directions, file] = [await runOf(rates), await runOf(given)];
    file.forEach(({ metrics }, cycle) => {
      const { tau, beampattern_mse } = directions[cycle].metrics.predicted;
      expect(metrics.predicted.tau / tau).toBeCloseTo(1, 3);
      expect(metrics.predicted.beampattern_mse / beampattern_mse).toBeCloseTo(1, 3);
    });
    const recorder = { cycle: () => undefined, event: () => undefined };
    const { controller, identity } = await assembleRig({ rig: given, clock: createVirtualClock(), hardware: false, recorder });
    expect(identity.covariance).toMatchObject({ file: covariance, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
    expect(controller.sensing()?.directionsDeg).toEqual([]);
    await controller.stop();
    const other = { ...given, array: { ...given.array, geometry: { ...given.array.geometry, elements: 32 } } } as RigFile;
    await expect(runOf(other)).rejects.toMatchObject({ code: 'covariance-file' });
  }, 60_000);
});

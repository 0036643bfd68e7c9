/** A cycle of two users that went well, for tests that say only what is special about theirs. */
import { stageTimes, type CycleRecord } from '../src/telemetry/cycle-record.ts';

export const cycleRecord = (changes: Partial<CycleRecord> = {}): CycleRecord => ({
  cycle: 0,
  timeNs: 0n,
  source: 'simulator',
  channelSource: 'simulation',
  panels: 'SIM-1',
  modelId: 'aligned',
  calibration: 'none',
  phaseBits: 4,
  beamId: (changes.cycle ?? 0) + 1,
  outcome: 'ok',
  objective: 'sum-rate',
  digital: 'objective',
  predictedSnrDb: Float64Array.of(10, 20),
  measuredSnrDb: Float64Array.of(9, 21),
  predictedSumRate: 10,
  measuredSumRate: 9.5,
  zfSumRate: 12,
  metrics: { predicted: { min_rate: 3.5 }, measured: { min_rate: 3.25 } },
  stageMs: stageTimes({ channel: 0.1, model: 1, quantise: 0.2, push: 0.5, commit: 0.1, measure: 0.3 }),
  cycleMs: 2.5,
  link: { retries: 0, timeouts: 0, discarded: 0, roundTripMs: 0.25 },
  ...changes,
});

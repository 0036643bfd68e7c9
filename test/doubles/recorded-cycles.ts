/** Recorders of a small rig, and cycles for them: what the tests of run folders write and read. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { parseRigFile } from '../../src/config/rig-file.ts';
import type { CycleRecord } from '../../src/telemetry/cycle-record.ts';
import { parseLine } from '../../src/telemetry/influx/line-protocol.ts';
import { createRunRecorder, type RunRecorder, type RunRecorderOptions } from '../../src/telemetry/run-folder.ts';
import { cycleRecord } from '../cycle-record.ts';

/** A rig of 8 elements and two users that keeps its runs in this folder. */
export function recordedRig(parent: string) {
  const rigText = `
name: bench
array: { geometry: { kind: ula, elements: 8 }, rfChains: 2, phaseBits: 4 }
users: { count: 2 }
beamformer: { model: aligned }
telemetry: { runFolder: ${JSON.stringify(parent)} }
`;
  return { rig: parseRigFile(rigText, 'bench.yaml'), rigText, rigPath: 'bench.yaml' };
}

export function recorderIn(parent: string, options: Partial<RunRecorderOptions> = {}): RunRecorder {
  return createRunRecorder({
    ...recordedRig(parent),
    seed: 7,
    clock: createRealClock(),
    time: 'real',
    startedAt: new Date('2026-03-04T05:06:07.890Z'),
    ...options,
  });
}

export const EPOCH_NS = 1_790_000_000_000_000_000n;

export const cycle = (index: number, changes: Partial<CycleRecord> = {}): CycleRecord =>
  cycleRecord({
    cycle: index,
    timeNs: EPOCH_NS + BigInt(index) * 50_000_000n,
    measuredSnrDb: Float64Array.of(9, 21 + (index % 2)),
    link: { retries: 1, timeouts: 0, discarded: 0, roundTripMs: 0.25 },
    ...changes,
  });

export const voidCycle = (index: number): CycleRecord =>
  cycle(index, {
    outcome: 'void',
    failure: 'push: no answer after 4 attempts',
    beamId: 0,
    measuredSnrDb: Float64Array.of(NaN, NaN),
    measuredSumRate: NaN,
  });

/** The points that a run folder holds. */
export const points = (run: string): ReturnType<typeof parseLine>[] =>
  readFileSync(join(run, 'records.lp'), 'utf8').trimEnd().split('\n').map(parseLine);

/** Readings that are no good in the middle of a measurement, over a panel's real bytes: absent, of a receiver whose phase steps, and at its full scale. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { coded } from '../../calibration/methods/coded.ts';
import { createRealClock } from '../../core/clock/real-clock.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import { parseRigFile } from '../../src/config/rig-file.ts';
import type { RigPanel } from '../../src/control/rig-panel.ts';
import { calibrateRig, type CalibrationResult } from '../../src/measuring/calibrate-rig.ts';
import { openArray } from '../../src/measuring/open-array.ts';
import { forOneTest } from '../for-one-test.ts';

const own = forOneTest('calibrate-readings');

/** What the receiver makes of a reading, the nth that it is asked for. */
type Receiver = (values: Float32Array, nth: number) => Float32Array;

async function measured(options: { behaviours?: Behaviour[]; receiver?: Receiver } = {}) {
  const { behaviours = [], receiver = (values) => values } = options;
  const text = `name: read
array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 4 }
users: { count: 2 }
beamformer: { model: aligned }
simulator: { impairments: { phaseErrorDeg: 60, gainErrorDb: 1 }, behaviours: ${JSON.stringify(behaviours)} }
`;
  const rig = parseRigFile(text, join(own.folder, 'rig.yaml'));
  const clock = createRealClock();
  const array = await openArray({ rig, clock, tell: () => undefined });
  const { panel } = array.rigPanel;
  let nth = 0;
  const measurePilots: typeof panel.measurePilots = async (...asked) => {
    const heard = await panel.measurePilots(...asked);
    return heard.ok ? { ok: true, value: { ...heard.value, values: receiver(heard.value.values, ++nth) } } : heard;
  };
  const changed = new Proxy(panel, {
    get(target, key) {
      const value: unknown = key === 'measurePilots' ? measurePilots : Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const rigPanel = Object.create(array.rigPanel, { panel: { value: changed } }) as RigPanel;
  const written: CalibrationResult[] = [];
  const outcome = calibrateRig(
    { rig, method: coded, readings: 768, resume: false },
    { rigPanel, recovery: array.recovery },
    {
      ...{ clock, stop: new AbortController().signal, onProgress: () => undefined },
      write: async (result) => void written.push(result),
    },
  );
  const result = await outcome.catch((error: unknown) => error);
  const status = await panel.status();
  const safe = await array.close();
  mkdirSync(rig.calibration.folder, { recursive: true });
  const left = readdirSync(rig.calibration.folder);
  return { result, written, left, safe, status, readings: nth };
}

describe('in the middle of a measurement', { timeout: 60_000 }, () => {
  it('readings that are absent are had again; where they stay away it ends, keeps what was read, and nothing is written', async () => {
    const absent = (times: number): Behaviour[] => [
      { do: 'drop', direction: 'to-host', messages: ['pilot-report'], probability: 1, nth: 200, times },
    ];
    const few = await measured({ behaviours: absent(1) });
    expect(few.result).toMatchObject({ saturated: 0 });
    expect([few.written.length, few.safe]).toEqual([1, undefined]);
    const many = await measured({
      behaviours: [
        {
          ...{ do: 'nack', code: 'fault', messages: ['measure-pilots'], direction: 'to-panel' },
          ...{ probability: 1, nth: 200, times: 100_000 },
        },
      ],
    });
    expect(many.result).toMatchObject({
      code: 'panel',
      message: expect.stringContaining('a reading could not be had') as string,
      wayOut: expect.stringContaining('go on with the readings that were kept') as string,
    });
    expect([many.written, many.safe, many.left]).toEqual([[], undefined, ['read.unfinished']]);
  });

  it('a step of the receiver’s phase is named, and nothing is written', async () => {
    const stepped: Receiver = (values, nth) => {
      if (nth < 400) return values;
      const [cos, sin] = [Math.cos(1), Math.sin(1)];
      return values.map((value, i) => (i % 2 === 0 ? cos * value - sin * values[i + 1] : sin * values[i - 1] + cos * value));
    };
    const { result, written, left, safe } = await measured({ receiver: stepped });
    expect(result).toMatchObject({
      code: 'calibration',
      message: expect.stringMatching(/the readings of RF chain \d do not fit one another/) as string,
    });
    expect([written, safe, left]).toEqual([[], undefined, ['read.unfinished.refused']]);
  });

  it('readings at the receiver’s full scale are left out, counted, and the states are as exact as told', async () => {
    let most = 0;
    const open = await measured({ receiver: (values) => ((most = Math.max(most, ...values.map(Math.abs))), values) });
    const { result, written } = await measured({
      receiver: (values) => values.map((value) => Math.max(-0.8 * most, Math.min(0.8 * most, value))),
    });
    expect((result as CalibrationResult).saturated).toBeGreaterThan(2);
    expect(written).toHaveLength(1);
    const [before, after] = [open.result, result].map((each) => (each as CalibrationResult).tables[0].accuracy.phaseDeg);
    expect(after).toBeLessThan(1.5 * before);
    const closed = await measured({
      receiver: (values) => values.map((value) => Math.sign(value) * Math.min(1, Math.abs(value))),
    });
    expect(closed.result).toMatchObject({ code: 'calibration', message: expect.stringContaining('full scale') as string });
    expect([closed.written, closed.safe]).toEqual([[], undefined]);
    expect(existsSync(join(own.folder, 'calibration', 'read.unfinished'))).toBe(false);
  });
});

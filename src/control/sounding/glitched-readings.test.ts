/** A receiver's glitch, one enormous value of a pilot report, in a sounding: it spoils neither that one nor those after it. */
import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../../core/clock/virtual-clock.ts';
import { createRandom } from '../../../core/signal/random.ts';
import { decodeFrame, encodeFrame } from '../../../firmware-protocol/codec.ts';
import { createAir } from '../../../hil-sim/air.ts';
import { createVirtualPanel } from '../../../hil-sim/virtual-panel.ts';
import { parseRigFile } from '../../config/rig-file.ts';
import { createLoopbackLink } from '../../link/loopback.ts';
import { assembleRig } from '../../rig/assemble.ts';
import { createRigArray } from '../../rig/simulator.ts';
import { createWorld } from '../../rig/world.ts';
import type { CycleRecord } from '../../telemetry/cycle-record.ts';

const PERIOD = 20;
/** Of the third sounding of six sets of words, the second. */
const GLITCHED_BEAM = 2 * PERIOD + 2;

/** @param glitch what user 0 hears of chain 0 is so much, in one report, or in those of so many sets of words after each other. @returns the rate of each period of the whole channel, bit/s/Hz */
async function rates(glitch?: number, times = 1): Promise<number[]> {
  const rig = parseRigFile(
    `
name: glitched
seed: 2
array: { geometry: { kind: ula, elements: 32 }, rfChains: 4, phaseBits: 6 }
users: { count: 3 }
beamformer: { model: phase-extraction }
channel: { source: sounding, beams: 24, wholePeriod: ${PERIOD}, effectivePeriod: 19, mostMissedDb: 100 }
loop: { rateHz: 100, pilots: 100 }
simulator: { userSpeedMps: 0 }
fallback: never
links: [{ serial: { path: /dev/board } }]
`,
    '/rig.yaml',
  );
  const clock = createVirtualClock();
  const random = createRandom(rig.seed).stream('simulator');
  const { scene } = createWorld({ rig, random, repeat: true });
  const air = createAir({ array: createRigArray(rig, random), scene, noise: 1, random, clock });
  const panel = createVirtualPanel({ clock, random: random.stream('panel'), air: air.part() });
  let left = glitch === undefined ? 0 : times;
  const glitching = (frame: Uint8Array): Uint8Array => {
    const decoded = decodeFrame(frame);
    if (!decoded.ok || left === 0) return frame;
    const { seq, message } = decoded.frame;
    if (message.type !== 'pilot-report' || message.beamId !== GLITCHED_BEAM + times - left || message.user !== 0) return frame;
    left--;
    message.values[0] = glitch ?? 0;
    return encodeFrame({ seq, message });
  };
  const records: CycleRecord[] = [];
  const assembled = await assembleRig({
    ...{ rig, clock, cycles: 9 * (PERIOD - 7) },
    recorder: { cycle: (record) => records.push(record), event: () => undefined },
    createLink: ({ name }) => {
      const peer = {
        receive: (frame: Uint8Array) => panel.receive(frame),
        onSend: (listener: (frame: Uint8Array) => void) => panel.onSend((frame) => listener(glitching(frame))),
      };
      return createLoopbackLink(peer, clock, { name, latencyMs: 0.1 });
    },
  });
  await assembled.run();
  await assembled.controller.stop();
  expect(left).toBe(0);
  const means: number[] = [];
  for (let from = 0; from < records.length; from += PERIOD) {
    const own = records.filter(({ beamId }) => beamId > from && beamId <= from + PERIOD);
    if (own.length > 0) means.push(own.reduce((sum, { measuredSumRate }) => sum + measuredSumRate, 0) / own.length);
  }
  return means;
}

describe('one enormous value of a pilot report', () => {
  it.each([100, 1e6])('of %d costs the sounding that it is in nothing, and none after it', async (glitch) => {
    const without = await rates();
    const ratios = (await rates(glitch)).map((rate, i) => rate / without[i]);
    expect(ratios.length).toBeGreaterThan(5);
    // Taken for a reading it would leave .85 of the first, and .91 of those after it.
    for (const ratio of ratios) expect(ratio).toBeGreaterThan(0.97);
  });

  it('is none where many are so: what they are differs from beam to beam', async () => {
    const [before, , hit] = await rates(1000, 3);
    expect(hit).toBeLessThan(0.9 * before);
  });
});

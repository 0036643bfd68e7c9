/**
 * Does this broker hold small messages back? One that leaves Nagle's algorithm on sends the second of two messages only when the first was
 * acknowledged, which a receiver puts off for some 40 ms: that long every cycle takes. Shown by saying a few things at once, again and again, and
 * looking how far apart they come back.
 */
import { randomBytes } from 'node:crypto';
import { createRealClock } from '../../../core/clock/real-clock.ts';
import { connectToBroker } from './mqtt-connection.ts';
import { brokerSettings, type MqttOptions } from './mqtt-settings.ts';
import { newInstance, topicsOf } from './mqtt-topics.ts';

/** A new connection is acknowledged at once for a while. */
const ROUNDS = 24;
const TOGETHER = 3;
const ROUND_MS = 500;
/** Kernels put acknowledgements off for 40 ms or more; a busy machine does not do so by the median. */
export const HELD_BACK_MS = 25;

/**
 * On the `host` topic of the panel, while no host holds it: nothing is retained, and nobody is disturbed.
 * @returns medians, ms: from saying to the first that comes back, and from that to the last; undefined when nothing comes back
 * @throws {BeamrigError} 'link' when the broker cannot be reached
 */
export async function measureBrokerDelay(
  options: MqttOptions & { panel: string },
): Promise<{ roundTripMs: number; apartMs: number } | undefined> {
  const clock = createRealClock();
  const { host } = topicsOf(options.topicPrefix, options.panel);
  const id = randomBytes(6).toString('hex');
  let turn = 0;
  let times: number[] = [];
  let notify: () => void = () => undefined;
  const connection = await connectToBroker(brokerSettings(options), {
    clientId: `beamrig-doctor-${newInstance()}`,
    clock,
    onMessage: (_topic, payload) => {
      if (!Buffer.from(payload).toString('latin1').startsWith(`{"probe":"${id}-${turn}-`)) return;
      times.push(clock.nowMs());
      notify();
    },
    onClosed: () => notify(),
  });
  try {
    await connection.subscribe({ [host]: 0 });
    const roundTrips: number[] = [];
    const apart: number[] = [];
    while (turn++ < ROUNDS) {
      times = [];
      const startMs = clock.nowMs();
      for (let i = 0; i < TOGETHER; i++) connection.sendFrame(host, Buffer.from(`{"probe":"${id}-${turn}-${i}"}`));
      await new Promise<void>((resolve) => {
        const cancel = clock.after(ROUND_MS, resolve);
        notify = () => {
          if (times.length < TOGETHER && connection.alive) return;
          cancel();
          resolve();
        };
      });
      if (times.length < TOGETHER) break;
      roundTrips.push(times[0] - startMs);
      apart.push(times[TOGETHER - 1] - times[0]);
    }
    if (apart.length < ROUNDS / 2) return undefined;
    // The first half was acknowledged at once.
    return { roundTripMs: median(roundTrips), apartMs: median(apart.slice(ROUNDS / 2)) };
  } finally {
    await connection.end();
  }
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

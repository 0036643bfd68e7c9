/** A mosquitto as it comes holds small messages back; the same with `set_tcp_nodelay true` does not. */
import { afterEach, describe, expect, it } from 'vitest';
import { Mosquitto } from '../../scripts/mosquitto.ts';
import { HELD_BACK_MS, measureBrokerDelay } from '../../src/link/mqtt/mqtt-delay.ts';
import { hasPart } from '../parts.ts';

let broker: Mosquitto | undefined;
afterEach(() => broker?.remove());

describe.skipIf(!hasPart('mosquitto'))('the delay of a broker [needs mosquitto]', () => {
  const apart = async (...lines: string[]): Promise<number> => {
    broker = await Mosquitto.place(['allow_anonymous true', ...lines]);
    await broker.start();
    const delay = await measureBrokerDelay({ url: broker.url, topicPrefix: 'beamrig', panel: 'P' });
    return delay?.apartMs ?? NaN;
  };

  it('shows that small messages are held back', async () => {
    expect(await apart('set_tcp_nodelay false')).toBeGreaterThan(HELD_BACK_MS);
  });

  it('is none where they are sent at once', async () => {
    expect(await apart()).toBeLessThan(HELD_BACK_MS);
  });
});

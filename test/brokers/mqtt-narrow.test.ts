/** Brokers that pass on small packets only: those that say so, those that throw out who says more, and those that drop it without a word. */
import { afterEach, describe, expect, it } from 'vitest';
import { Aedes } from 'aedes';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Mosquitto } from '../../scripts/mosquitto.ts';
import { hasPart } from '../parts.ts';
import { CHAINS, ELEMENTS, PHASE_BITS, drivenPanel, linkTo, panelOn, virtualPanel } from './mqtt-ends.ts';
import { linkErrorOf } from './test-broker.ts';

let ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  ends = [];
});

async function mosquitto(...lines: string[]): Promise<string> {
  const broker = await Mosquitto.place(['allow_anonymous true', ...lines]);
  await broker.start();
  ends.push(() => broker.remove());
  return broker.url;
}

/** MQTT 3.1.1, which has no words for a limit: whoever says something longer is thrown out. Counts connections. */
async function closingBroker(limit: number): Promise<{ url: string; connections: () => number }> {
  let connections = 0;
  const aedes = await Aedes.createBroker({
    authorizePublish: (_client, packet, done) => done(packet.payload.length > limit ? new Error('too long') : null),
  });
  const server = createServer((socket) => {
    connections++;
    aedes.handle(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(
    () => server.close(),
    () => new Promise<void>((resolve) => aedes.close(() => resolve())),
  );
  return { url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, connections: () => connections };
}

/** Whole beams, read back, over a broker. @returns the longest frame that the host believed in */
async function radiates(url: string, withKey: boolean): Promise<number> {
  const { driver, link, panelStates } = await drivenPanel(withKey, { url, atEnd: (end) => ends.push(end) });
  expect(await driver.connect()).toMatchObject({ ok: true });
  for (let beamId = 1; beamId <= 5; beamId++) {
    const words = Uint16Array.from({ length: ELEMENTS * CHAINS }, (_, i) => (i * 7 + beamId * 13) % 2 ** PHASE_BITS);
    const digital = { users: 2, weights: Float32Array.from({ length: 2 * CHAINS * 2 }, (_, i) => i / 10) };
    expect(await driver.apply({ beamId, phaseBits: PHASE_BITS, words, digital })).toMatchObject({ ok: true, value: { beamId } });
    expect(await driver.readBack()).toEqual({ ok: true, value: { beamId, words } });
    expect(await driver.measureSnr(beamId, 16)).toMatchObject({ ok: true });
  }
  expect(link.counters.reconnects).toBe(0);
  expect(panelStates).toHaveLength(1);
  return link.maxFrameBytes ?? Infinity;
}

describe('a broker that passes on small packets only', () => {
  it.each([false, true])(
    'and throws out who says more is found out in a few connections, and is enough (key: %s)',
    async (withKey) => {
      const { url, connections } = await closingBroker(300);
      const room = await radiates(url, withKey);
      expect(room).toBeGreaterThanOrEqual(160);
      expect(room).toBeLessThanOrEqual(300);
      // Each is two: MQTT 5 is asked for first.
      expect(connections()).toBeLessThan(16);
    },
  );

  it('and throws out whoever says anything is not asked again and again', async () => {
    const { url, connections } = await closingBroker(-1);
    expect((await linkErrorOf(linkTo({ url }).link.open())).message).toContain('the broker closed the connection');
    expect(connections()).toBeLessThanOrEqual(4);
  });

  describe.skipIf(!hasPart('mosquitto'))('as mosquitto [needs mosquitto]', () => {
    it.each([
      ['max_packet_size 1000', 1000],
      ['max_packet_size 300', 300],
      ['message_size_limit 800', 800],
      ['message_size_limit 280', 280],
    ])('with %s is enough for whole beams', async (line, limit) => {
      const room = await radiates(await mosquitto(line), true);
      expect(room).toBeLessThanOrEqual(limit);
      expect(room).toBeGreaterThan(limit / 3);
    });

    it('carries the longest frames where nothing is said', async () => {
      expect(await radiates(await mosquitto(), false)).toBe(4120);
    });

    it.each(['max_packet_size 150', 'message_size_limit 90'])('with %s is refused with the reason', async (line) => {
      const url = await mosquitto(line);
      const error = await linkErrorOf(linkTo({ url }).link.open());
      expect(error.message).toContain('the broker passes on no message of');
      expect(error.wayOut).toContain('max_packet_size');
      if (line.startsWith('max')) await expect(panelOn(virtualPanel(), { url })).rejects.toThrow(/passes on no message of/);
    });
  });
});

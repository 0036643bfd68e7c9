/** Strangers on a broker that lets everybody write: what they say of panels and hosts, and what a rig with and without a key makes of it. */
import { inspect } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { derivePanelKey } from '../../firmware-protocol/authentication.ts';
import { encodeFrame } from '../../firmware-protocol/codec.ts';
import type { NackCode } from '../../firmware-protocol/messages.ts';
import { BROKERS } from './each-broker.ts';
import { CHAINS, ELEMENTS, PANEL, PHASE_BITS, RIG_KEY, drivenPanel, linkTo } from './mqtt-ends.ts';
import { relayTo } from './relay.ts';
import { eventually, type TestBroker } from './test-broker.ts';

const TOPICS = `beamrig/panels/${PANEL}`;

for (const { title, place, there } of BROKERS) {
  describe.skipIf(!there)(`strangers on ${title}`, () => {
    let broker: TestBroker;
    let ends: (() => unknown)[];
    let client: MqttClient;

    beforeEach(async () => {
      broker = await place();
      await broker.start();
      client = await connectAsync(broker.url, { protocolVersion: 4 });
      ends = [() => broker.remove(), () => client.endAsync(true)];
    });
    afterEach(async () => {
      for (const end of ends.reverse()) await end();
    });

    const rig = (withKey: boolean, panelUrl = broker.url) =>
      drivenPanel(withKey, { url: broker.url, panelUrl, atEnd: (end) => ends.push(end) });
    const beam = (beamId: number) => ({
      beamId,
      phaseBits: PHASE_BITS,
      words: Uint16Array.from({ length: ELEMENTS * CHAINS }, (_, i) => (i * 7 + beamId * 13) % 2 ** PHASE_BITS),
    });
    const say = (topic: string, payload: string | Uint8Array, retain = false) =>
      client.publish(`${TOPICS}/${topic}`, Buffer.from(payload), { qos: 0, retain });

    it('do not make a single beam void on a rig with a key, whatever they pour in', async () => {
      const { driver, link, panelStates } = await rig(true);
      expect(await driver.connect()).toMatchObject({ ok: true });
      client.on('message', (topic, payload) => {
        if (!topic.endsWith('/to-panel')) return;
        const seq = payload[2] | (payload[3] << 8);
        for (const code of ['not-authenticated', 'replayed', 'fault'] satisfies NackCode[]) {
          say('to-host', encodeFrame({ seq, message: { type: 'nack', code, detail: 0 } }));
        }
      });
      await client.subscribeAsync(`${TOPICS}/#`);
      let turn = 0;
      const pour = setInterval(() => {
        turn++;
        say('presence', `{"state":"online","instance":"evil${turn % 3}"}`, true);
        say('presence', `{"state":"offline","instance":"evil${turn % 3}"}`, true);
        say('presence', turn % 2 === 0 ? '' : 'x'.repeat(20_000), true);
        say('host', `{"state":"online","instance":"host${turn % 3}"}`, true);
        say('host', `{"state":"asking","instance":"host${turn % 3}"}`);
        say('to-host', 'rubbish');
        say('to-panel', 'rubbish');
      }, 10);
      ends.push(() => clearInterval(pour));
      const states = link.counters.reconnects;
      for (let beamId = 1; beamId <= 40; beamId++) {
        const applied = await driver.apply(beam(beamId));
        expect(applied, inspect(applied)).toMatchObject({ ok: true, value: { beamId } });
        const measured = await driver.measureSnr(beamId, 16);
        expect(measured, inspect(measured)).toMatchObject({ ok: true });
        await sleep(50);
      }
      expect(link.counters.reconnects).toBe(states);
      expect(link.counters.strange).toBeGreaterThan(50);
      expect(driver.counters.unauthenticated).toBeGreaterThan(50);
      expect(panelStates.every(({ open }) => open)).toBe(true);
    });

    it('do not keep a rig with a key from beginning', async () => {
      say('presence', '{"state":"offline","instance":"evil"}', true);
      say('host', '{"state":"online","instance":"evil"}', true);
      const { driver } = await rig(true);
      const pour = setInterval(() => {
        say('presence', '{"state":"offline","instance":"evil"}', true);
        say('host', '{"state":"online","instance":"evil"}', true);
        client.publish(`${TOPICS}/presence`, '', { retain: true });
      }, 20);
      ends.push(() => clearInterval(pour));
      expect(await driver.connect()).toMatchObject({ ok: true });
      expect(await driver.apply(beam(1))).toMatchObject({ ok: true });
    });

    it('are told from a panel that is truly gone, and one that came back', async () => {
      const wire = await relayTo(broker.port);
      ends.push(() => wire.close());
      const { driver, link } = await rig(true, `mqtt://127.0.0.1:${wire.port}`);
      expect(await driver.connect()).toMatchObject({ ok: true });
      wire.cut();
      await eventually('lost', () => link.state.state === 'closed');
      expect(link.state).toMatchObject({ detail: `panel ${PANEL} went offline, as ${TOPICS}/presence says` });
      const gone = await driver.connect();
      expect(gone).toMatchObject({ ok: false, failure: { reason: 'link-closed' } });
      expect(JSON.stringify(gone)).toContain(`panel ${PANEL} is offline, as ${TOPICS}/presence says`);
      wire.repair();
      await eventually('back', () => {
        if (driver.capabilities === undefined) void driver.connect();
        return driver.capabilities !== undefined;
      });
      expect(await driver.apply(beam(1))).toMatchObject({ ok: true });
    });

    it.each([true, false])('do not end a panel for good (with a key: %s)', async (withKey) => {
      const { driver, panelStates } = await rig(withKey);
      expect(await driver.connect()).toMatchObject({ ok: true });
      await client.publishAsync(`${TOPICS}/presence`, '{"state":"online","instance":"rude"}', { qos: 1, retain: true });
      await eventually('radiated again', () => {
        if (driver.capabilities === undefined) void driver.connect();
        return driver.capabilities !== undefined && panelStates.at(-1)?.open === true;
      });
      if (withKey) expect(panelStates.every(({ open }) => open)).toBe(true);
      else await eventually('it gave way', () => panelStates.some(({ detail }) => detail.includes('another panel (rude)')));
    });

    it('cannot be a second controller of a rig with a key, but one that has the key is refused', async () => {
      const { driver } = await rig(true);
      expect(await driver.connect()).toMatchObject({ ok: true });
      const second = linkTo({ url: broker.url, panelKey: derivePanelKey(RIG_KEY, PANEL) });
      ends.push(() => second.link.close());
      await expect(second.link.open()).rejects.toThrow(/another controller .* drives panel/);
      expect(await driver.apply(beam(1))).toMatchObject({ ok: true });
    });
  });
}

/** The MQTT link and panel end over both brokers, with what happens to brokers, panels and hosts on benches. */
import { setTimeout as sleep } from 'node:timers/promises';
import { MqttClient, connectAsync } from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { MAX_FRAME_BYTES } from '../../firmware-protocol/limits.ts';
import { createRandom } from '../../core/signal/random.ts';
import { createMqttPanelEnd } from '../../src/link/mqtt/mqtt-panel-end.ts';
import { listMqttPanels } from '../../src/link/mqtt/mqtt-panels.ts';
import { createPanel } from '../../src/panel/panel-driver.ts';
import { hasPart } from '../parts.ts';
import { Mosquitto } from '../../scripts/mosquitto.ts';
import { CHAINS, ELEMENTS, PANEL, PHASE_BITS, linkTo, panelOn, virtualPanel } from './mqtt-ends.ts';
import { echo } from '../doubles/echo.ts';
import { relayTo } from './relay.ts';
import { embeddedBroker, eventually, linkErrorOf, type TestBroker } from './test-broker.ts';

const PRESENCE = `beamrig/panels/${PANEL}/presence`;
const brokers = [
  { title: 'aedes', place: () => embeddedBroker(), there: true },
  { title: 'mosquitto [needs mosquitto]', place: () => Mosquitto.place(), there: hasPart('mosquitto') },
];
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

for (const { title, place, there } of brokers) {
  describe.skipIf(!there)(`an MQTT link over ${title}`, () => {
    let broker: TestBroker;
    let ends: (() => Promise<unknown>)[];

    beforeEach(async () => {
      ends = [];
      broker = await place();
      await broker.start();
    });
    afterEach(async () => {
      for (const end of ends.reverse()) await end();
      await broker.remove();
    });

    const host = (url = broker.url) => {
      const watched = linkTo({ url });
      ends.push(() => watched.link.close());
      return watched;
    };
    const panel = async (peer = echo(), url = broker.url) => {
      const watched = await panelOn(peer, { url });
      ends.push(() => watched.end.close());
      return { ...watched, peer };
    };
    const stranger = async (): Promise<MqttClient> => {
      const client = await connectAsync(broker.url, { protocolVersion: 4 });
      ends.push(() => client.endAsync(true));
      return client;
    };

    it('carries frames both ways in order, and a sender may use its buffer again', async () => {
      const { peer } = await panel();
      const { link, heard, states } = host();
      await link.open();
      const buffer = Buffer.alloc(3);
      for (let i = 0; i < 50; i++) {
        buffer.fill(i);
        expect(link.send(buffer)).toBe(true);
      }
      await eventually('fifty echoes', () => heard.length === 50);
      expect(peer.received.map((frame) => frame[2])).toEqual(Array.from({ length: 50 }, (_, i) => i));
      expect(heard.map((frame) => frame[0])).toEqual(Array.from({ length: 50 }, (_, i) => i));
      expect(states).toEqual(['open']);
      expect(link.counters).toEqual({
        framesSent: 50,
        framesReceived: 50,
        bytesSent: 150,
        bytesReceived: 150,
        discarded: 0,
        reconnects: 0,
        strange: 0,
      });
    });

    it('radiates whole beams of a virtual panel, and reads them back', async () => {
      const radio = virtualPanel();
      ends.push(async () => radio.close());
      await panelOn(radio, { url: broker.url }).then(({ end }) => ends.push(() => end.close()));
      const driver = createPanel({ link: host().link, clock: createRealClock(), random: createRandom(3) });
      expect(await driver.connect()).toMatchObject({ ok: true, value: { panelSerial: PANEL } });
      for (let beamId = 1; beamId <= 20; beamId++) {
        const words = Uint16Array.from({ length: ELEMENTS * CHAINS }, (_, i) => (i * 7 + beamId * 13) % 2 ** PHASE_BITS);
        expect(await driver.apply({ beamId, phaseBits: PHASE_BITS, words })).toMatchObject({ ok: true, value: { beamId } });
        expect(await driver.readBack()).toEqual({ ok: true, value: { beamId, words } });
        expect(await driver.measureSnr(beamId, 16)).toMatchObject({ ok: true, value: { beamId } });
      }
      expect(driver.counters).toMatchObject({ nacks: 0, badFrames: 0 });
    });

    it('is not open without a panel, says on which topic one was looked for, and opens when it comes', async () => {
      const { link, states } = host();
      expect((await linkErrorOf(link.open())).message).toContain(PRESENCE);
      expect(link.state).toMatchObject({ state: 'closed', reason: 'refused' });
      expect(link.send(bytes(1))).toBe(false);
      const startMs = performance.now();
      const waiting = link.open().then(
        () => 'opened',
        () => 'gave up',
      );
      await panel();
      const upMs = performance.now() - startMs;
      // It waits 700 ms; a busy machine may take longer to bring up a panel.
      if ((await waiting) === 'gave up') {
        expect(upMs).toBeGreaterThan(400);
        await link.open();
      }
      expect(link.state).toEqual({ state: 'open' });
      expect(states).toEqual(['open']);
    });

    it('learns from the last will that the panel was killed, and finds its successor without a new connection', async () => {
      const wire = await relayTo(broker.port);
      ends.push(() => wire.close());
      await panel(echo(), `mqtt://127.0.0.1:${wire.port}`);
      const { link, states, heard } = host();
      await link.open();
      wire.cut();
      await eventually('lost', () => states.length === 2);
      expect(states[1]).toBe(`lost: panel ${PANEL} went offline, as ${PRESENCE} says`);
      expect(link.send(bytes(1))).toBe(false);
      expect((await linkErrorOf(link.open())).message).toContain('is offline');
      expect(link.state).toMatchObject({ reason: 'lost' });

      const { peer } = await panel();
      await link.open();
      link.send(bytes(2));
      await eventually('an answer', () => heard.length === 1);
      expect(peer.received).toEqual([bytes(2)]);
      expect(link.counters.reconnects).toBe(1);
      expect(states).toHaveLength(3);
    });

    it('tells also who comes later that the panel was killed', async () => {
      const wire = await relayTo(broker.port);
      ends.push(() => wire.close());
      await panel(echo(), `mqtt://127.0.0.1:${wire.port}`);
      const witness = await stranger();
      let toldOff = false;
      witness.on('message', (_topic, payload) => {
        toldOff ||= payload.toString().includes('"offline"');
      });
      await witness.subscribeAsync(PRESENCE, { qos: 1 });
      wire.cut();
      await eventually('the last will', () => toldOff);
      const late = await stranger();
      const found: string[] = [];
      late.on('message', (_topic, payload) => found.push(payload.toString()));
      await late.subscribeAsync(PRESENCE, { qos: 1 });
      await eventually('what stands there', () => found.length === 1);
      expect(found[0]).toContain('"offline"');
    });

    it('takes a panel that was restarted before the broker missed it for lost', async () => {
      const client = await stranger();
      const online = (instance: string) =>
        client.publishAsync(PRESENCE, JSON.stringify({ state: 'online', instance }), { qos: 1, retain: true });
      await online('first');
      const { link, states } = host();
      await link.open();
      await online('second');
      await eventually('lost', () => states.length === 2);
      expect(states[1]).toMatch(/^lost: panel .* was restarted \(instance first became second\)$/);
      await link.open();
      expect(link.state).toEqual({ state: 'open' });
    });

    it('says it when two panels with one id take turns, and trusts neither until they are quiet', async () => {
      const client = await stranger();
      const online = (instance: string) =>
        client.publishAsync(PRESENCE, JSON.stringify({ state: 'online', instance }), { qos: 1, retain: true });
      await online('one');
      const { link, states } = host();
      await link.open();
      await online('two');
      await eventually('lost', () => states.length === 2);
      await link.open();
      let turnMs = performance.now();
      await online('one');
      await eventually('lost again', () => states.length === 4);
      expect(states[3]).toMatch(/two panels with one id: instances one and two take turns/);
      let refusal: string | undefined;
      for (let next = 'two'; refusal === undefined; next = next === 'two' ? 'one' : 'two') {
        refusal = await link.open().then(
          () => undefined,
          (error: unknown) => String(error),
        );
        if (refusal !== undefined) break;
        // A second of quiet makes them trusted, which a busy machine may take to get here: they take turns once more.
        expect(performance.now() - turnMs).toBeGreaterThan(1000);
        turnMs = performance.now();
        await online(next);
        await eventually('lost once more', () => link.state.state === 'closed');
      }
      expect(refusal).toContain('two panels with one id');
      await eventually('quiet, and trusted', () => {
        void link.open().catch(() => undefined);
        return link.state.state === 'open';
      });
    });

    it('stops the second panel with an id, and neither the first one nor its host is disturbed', async () => {
      const first = await panel();
      const { link, states, heard } = host();
      await link.open();
      const refusal = await linkErrorOf(panelOn(echo(), { url: broker.url }));
      expect(refusal.message).toContain('two panels with one id');
      link.send(bytes(5));
      await eventually('an answer of the first', () => heard.length === 1);
      expect(states).toEqual(['open']);
      expect(first.states.at(-1)?.open).toBe(true);
      expect(first.states.at(-1)?.detail).toContain('asked to come');
    });

    it('has a panel give way to another that takes its id without asking, and come back when that one does not answer', async () => {
      const { states } = await panel();
      const client = await stranger();
      await client.publishAsync(PRESENCE, '{"state":"online","instance":"rude"}', { qos: 1, retain: true });
      await eventually('back', () => states.length === 3);
      expect(states[1]).toEqual({
        open: false,
        detail: `two panels with one id: another panel (rude) is online as ${PANEL}, so this one gives way; asking again and again whether it is there`,
      });
      expect(states[2].open).toBe(true);
    });

    it('lets a panel come whose predecessor left nothing but its retained word', async () => {
      const client = await stranger();
      await client.publishAsync(PRESENCE, '{"state":"online","instance":"dead"}', { qos: 1, retain: true });
      await panel();
      const { link, heard } = host();
      await link.open();
      link.send(bytes(5));
      await eventually('an answer', () => heard.length === 1);
    });

    it('lets a panel hear no frame before it holds the claim: it is for another', async () => {
      const client = await stranger();
      const frames = `beamrig/panels/${PANEL}/to-panel`;
      await client.publishAsync(PRESENCE, '{"state":"online","instance":"dead"}', { qos: 1, retain: true });
      let online = false;
      client.on('message', (_topic, payload) => {
        const word = JSON.parse(payload.toString()) as { state: string; instance: string };
        // From here on it waits half a second for the one whose word was retained.
        if (word.state === 'asking') client.publish(frames, Buffer.from(bytes(1)));
        else if (word.state === 'online' && word.instance !== 'dead') {
          online = true;
          client.publish(frames, Buffer.from(bytes(2)));
        }
      });
      await client.subscribeAsync(PRESENCE, { qos: 1 });
      const { peer } = await panel();
      await eventually('online', () => online);
      await eventually('what was sent to it', () => peer.received.length > 0);
      expect(peer.received).toEqual([bytes(2)]);
    });

    it('refuses a second host with the name of the topic, until the first one leaves or is killed', async () => {
      const wire = await relayTo(broker.port);
      ends.push(() => wire.close());
      await panel();
      const first = host(`mqtt://127.0.0.1:${wire.port}`);
      const second = host();
      await first.link.open();
      expect((await linkErrorOf(second.link.open())).message).toMatch(
        /another controller .* drives panel SIM-0001, as beamrig\/panels\/SIM-0001\/host says/,
      );
      expect(first.states).toEqual(['open']);
      wire.cut();
      await eventually('lost', () => first.states.length === 2);
      await second.link.open();
      await second.link.close();
      wire.mend();
      await first.link.open();
      expect(first.states.at(-1)).toBe('open');
    });

    it('lets three hosts that come at once agree on one', async () => {
      await panel();
      const hosts = [host(), host(), host()];
      await Promise.allSettled(hosts.map(({ link }) => link.open()));
      const open = (): number => hosts.filter(({ link }) => link.state.state === 'open').length;
      // One may think for a moment that it was first.
      await eventually('one is left', () => open() === 1);
      await sleep(100);
      expect(open()).toBe(1);
    });

    it('comes back on both ends after the broker was killed, and nothing of before is heard after', async () => {
      const { peer, states: panelStates } = await panel();
      const { link, states, heard } = host();
      await link.open();
      link.send(bytes(1));
      await eventually('an echo', () => heard.length === 1);
      for (let restart = 1; restart <= 2; restart++) {
        for (let i = 0; i < 20; i++) link.send(bytes(100)); // perhaps under way when the broker dies
        await broker.kill();
        await eventually('both ends know', () => link.state.state === 'closed' && panelStates.at(-1)?.open === false);
        expect(states.at(-1)).toMatch(/^lost: mqtt:\/\/127\.0\.0\.1:\d+: /);
        expect(link.send(bytes(100))).toBe(false);
        expect((await linkErrorOf(link.open())).message).toContain('connection refused');
        peer.received.length = 0;
        heard.length = 0;
        await broker.start();
        peer.say(bytes(101)); // an answer that is late by a broker
        await eventually('open again', () => {
          void link.open().catch(() => undefined);
          return link.state.state === 'open';
        });
        peer.say(bytes(101));
        link.send(bytes(restart));
        await eventually('an echo', () => heard.length > 0);
        await sleep(50);
        expect(peer.received).toEqual([bytes(restart)]);
        expect(heard).toEqual([bytes(restart)]);
        expect(link.counters.reconnects).toBe(restart);
      }
      // One event for each cause, not one for each try.
      expect(states).toHaveLength(5);
      expect(panelStates.map(({ open }) => open)).toEqual([true, false, true, false, true]);
    });

    it('drops and counts what comes while it is not open, and what was retained', async () => {
      const client = await stranger();
      await client.publishAsync(`beamrig/panels/${PANEL}/to-panel`, 'old command', { qos: 1, retain: true });
      await client.publishAsync(`beamrig/panels/${PANEL}/to-host`, 'old answer', { qos: 1, retain: true });
      const { end, peer } = await panel();
      const { link, heard } = host();
      await link.open();
      await eventually('the retained one is counted', () => link.counters.discarded === 1);
      await end.close();
      await eventually('lost', () => link.state.state === 'closed');
      await client.publishAsync(`beamrig/panels/${PANEL}/to-host`, 'late answer');
      await eventually('counted', () => link.counters.discarded === 2);
      expect(heard).toEqual([]);
      expect(peer.received).toEqual([]);
    });

    it('leaves nobody online who was closed while coming', async () => {
      const client = await stranger();
      const left: Record<string, string> = {};
      client.on('message', (topic, payload) => {
        left[topic] = payload.toString();
      });
      await client.subscribeAsync('beamrig/panels/+/presence', { qos: 1 });
      const ids = [0, 2, 5, 10, 20, 40].map((pauseMs) => ({ pauseMs, id: `LATE-${pauseMs}` }));
      for (const { pauseMs, id } of ids) {
        const end = createMqttPanelEnd({ url: broker.url, topicPrefix: 'beamrig', panel: id });
        const opening = end.open(echo()).catch((error: unknown) => expect(error).toMatchObject({ code: 'link' }));
        await sleep(pauseMs);
        await end.close();
        await opening;
      }
      await eventually('all of them said offline', () =>
        ids.every(({ id }) => left[`beamrig/panels/${id}/presence`]?.includes('offline')),
      );
    });

    it('drops what is longer than any frame, and counts it', async () => {
      const { peer } = await panel();
      const { link, heard } = host();
      await link.open();
      const client = await stranger();
      const longest = Buffer.alloc(MAX_FRAME_BYTES, 1);
      const tooLong = Buffer.alloc(MAX_FRAME_BYTES + 1, 2);
      for (const frame of [tooLong, longest]) {
        await client.publishAsync(`beamrig/panels/${PANEL}/to-panel`, frame, { qos: 1 });
        await client.publishAsync(`beamrig/panels/${PANEL}/to-host`, frame, { qos: 1 });
      }
      await eventually('the longest frame, and its echo', () => heard.length === 2);
      expect(peer.received.map(({ length }) => length)).toEqual([MAX_FRAME_BYTES]);
      expect(heard.map(({ length }) => length)).toEqual([MAX_FRAME_BYTES, MAX_FRAME_BYTES]);
      expect(link.counters.discarded).toBe(1);
    });

    it('is not stopped by messages that are no frames and no presences', async () => {
      const { peer } = await panel();
      const { link, heard, states } = host();
      await link.open();
      const client = await stranger();
      for (const topic of ['presence', 'host', 'to-host', 'to-panel']) {
        for (const garbage of ['', '{"state":"online"}', '{"state":"online","instance":"<script>"}', '\u0000'.repeat(200_000)]) {
          await client.publishAsync(`beamrig/panels/${PANEL}/${topic}`, garbage, { qos: 1 });
        }
      }
      link.send(bytes(7));
      await eventually('an echo', () => heard.some((frame) => frame.length === 1));
      expect(peer.received.at(-1)).toEqual(bytes(7));
      expect(states).toEqual(['open']);
    });

    it('lists the panels that are and were there', async () => {
      await panel();
      const gone = await panelOn(echo(), { url: broker.url, panel: 'BOARD-7' });
      await gone.end.close();
      const client = await stranger();
      await client.publishAsync('beamrig/panels/ODD/presence', 'not json', { qos: 1, retain: true });
      const listed = await listMqttPanels({ url: broker.url, topicPrefix: 'beamrig' }, 1000);
      expect(listed.map(({ panel: id, state }) => `${id} ${state}`)).toEqual(['BOARD-7 offline', `${PANEL} online`]);
    });

    it('gives up its claim and leaves nothing retained when it closes', async () => {
      const { end } = await panel();
      const { link } = host();
      await link.open();
      await link.close();
      await end.close();
      const client = await stranger();
      const retained: Record<string, string> = {};
      client.on('message', (topic, payload) => {
        retained[topic] = payload.toString();
      });
      await client.subscribeAsync('beamrig/#', { qos: 1 });
      await eventually('the presence', () => PRESENCE in retained);
      await sleep(50);
      expect(Object.keys(retained)).toEqual([PRESENCE]);
      expect(retained[PRESENCE]).toContain('"offline"');
    });

    it('ends an open under way when it is closed, and can be opened again', async () => {
      const { link } = host();
      const opening = link.open();
      await Promise.all([link.close(), expect(opening).rejects.toMatchObject({ code: 'link' })]);
      expect(link.state).toMatchObject({ state: 'closed', reason: 'closed-by-us' });
      await panel();
      await link.open();
      expect(link.state).toEqual({ state: 'open' });
    });
  });
}

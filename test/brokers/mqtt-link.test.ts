/** The MQTT link and panel end over both brokers, with what happens to brokers and to what is sent on benches. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { MAX_FRAME_BYTES } from '../../firmware-protocol/limits.ts';
import { createRandom } from '../../core/signal/random.ts';
import { createPanel } from '../../src/panel/panel-driver.ts';
import { bytes, overEachBroker } from './each-broker.ts';
import { CHAINS, ELEMENTS, PANEL, PHASE_BITS, PRESENCE, panelOn, virtualPanel } from './mqtt-ends.ts';
import { eventually, linkErrorOf } from './test-broker.ts';

overEachBroker('an MQTT link', (bench) => {
  const { host, panel, stranger } = bench;

  it('carries frames both ways in order, and a sender may use its buffer again', async () => {
    const { peer } = await panel();
    const { link, received, states } = host();
    await link.open();
    const buffer = Buffer.alloc(3);
    for (let i = 0; i < 50; i++) {
      buffer.fill(i);
      expect(link.send(buffer)).toBe(true);
    }
    await eventually('fifty echoes', () => received.length === 50);
    expect(peer.received.map((frame) => frame[2])).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(received.map((frame) => frame[0])).toEqual(Array.from({ length: 50 }, (_, i) => i));
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
    bench.atEnd(async () => radio.close());
    await panelOn(radio, { url: bench.broker.url }).then(({ end }) => bench.atEnd(() => end.close()));
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

  it('comes back on both ends after the broker was killed, and nothing of before is received after', async () => {
    const { peer, states: panelStates } = await panel();
    const { link, states, received } = host();
    await link.open();
    link.send(bytes(1));
    await eventually('an echo', () => received.length === 1);
    for (let restart = 1; restart <= 2; restart++) {
      for (let i = 0; i < 20; i++) link.send(bytes(100)); // perhaps under way when the broker dies
      await bench.broker.kill();
      await eventually('both ends know', () => link.state.state === 'closed' && panelStates.at(-1)?.open === false);
      expect(states.at(-1)).toMatch(/^lost: mqtt:\/\/127\.0\.0\.1:\d+: /);
      expect(link.send(bytes(100))).toBe(false);
      expect((await linkErrorOf(link.open())).message).toContain('connection refused');
      peer.received.length = 0;
      received.length = 0;
      await bench.broker.start();
      peer.say(bytes(101)); // an answer that is late by a broker
      await eventually('open again', () => {
        void link.open().catch(() => undefined);
        return link.state.state === 'open';
      });
      peer.say(bytes(101));
      link.send(bytes(restart));
      await eventually('an echo', () => received.length > 0);
      await sleep(50);
      expect(peer.received).toEqual([bytes(restart)]);
      expect(received).toEqual([bytes(restart)]);
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
    const { link, received } = host();
    await link.open();
    await eventually('the retained one is counted', () => link.counters.discarded === 1);
    await end.close();
    await eventually('lost', () => link.state.state === 'closed');
    await client.publishAsync(`beamrig/panels/${PANEL}/to-host`, 'late answer');
    await eventually('counted', () => link.counters.discarded === 2);
    expect(received).toEqual([]);
    expect(peer.received).toEqual([]);
  });

  it('drops what is longer than any frame, and counts it', async () => {
    const { peer } = await panel();
    const { link, received } = host();
    await link.open();
    const client = await stranger();
    const longest = Buffer.alloc(MAX_FRAME_BYTES, 1);
    const tooLong = Buffer.alloc(MAX_FRAME_BYTES + 1, 2);
    for (const frame of [tooLong, longest]) {
      await client.publishAsync(`beamrig/panels/${PANEL}/to-panel`, frame, { qos: 1 });
      await client.publishAsync(`beamrig/panels/${PANEL}/to-host`, frame, { qos: 1 });
    }
    await eventually('the longest frame, and its echo', () => received.length === 2);
    expect(peer.received.map(({ length }) => length)).toEqual([MAX_FRAME_BYTES]);
    expect(received.map(({ length }) => length)).toEqual([MAX_FRAME_BYTES, MAX_FRAME_BYTES]);
    expect(link.counters.discarded).toBe(1);
  });

  it('is not stopped by messages that are no frames and no presences', async () => {
    const { peer } = await panel();
    const { link, received, states } = host();
    await link.open();
    const client = await stranger();
    for (const topic of ['presence', 'host', 'to-host', 'to-panel']) {
      for (const garbage of ['', '{"state":"online"}', '{"state":"online","instance":"<script>"}', '\u0000'.repeat(200_000)]) {
        await client.publishAsync(`beamrig/panels/${PANEL}/${topic}`, garbage, { qos: 1 });
      }
    }
    link.send(bytes(7));
    await eventually('an echo', () => received.some((frame) => frame.length === 1));
    expect(peer.received.at(-1)).toEqual(bytes(7));
    expect(states).toEqual(['open']);
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

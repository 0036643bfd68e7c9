/** Who holds a panel's topics, over both brokers: panels and hosts that come, are killed, come twice, or leave nothing but a retained message. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createMqttPanelEnd } from '../../src/link/mqtt/mqtt-panel-end.ts';
import { listMqttPanels } from '../../src/link/mqtt/mqtt-panels.ts';
import { echo } from '../doubles/echo.ts';
import { bytes, overEachBroker } from './each-broker.ts';
import { PANEL, PRESENCE, panelOn } from './mqtt-ends.ts';
import { relayTo } from './relay.ts';
import { eventually, linkErrorOf } from './test-broker.ts';

overEachBroker('an MQTT link', (bench) => {
  const { host, panel, stranger } = bench;

  it('learns from the last will that the panel was killed, and finds its successor without a new connection', async () => {
    const wire = await relayTo(bench.broker.port);
    bench.atEnd(() => wire.close());
    await panel(echo(), `mqtt://127.0.0.1:${wire.port}`);
    const { link, states, received } = host();
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
    await eventually('an answer', () => received.length === 1);
    expect(peer.received).toEqual([bytes(2)]);
    expect(link.counters.reconnects).toBe(1);
    expect(states).toHaveLength(3);
  });

  it('tells also who comes later that the panel was killed', async () => {
    const wire = await relayTo(bench.broker.port);
    bench.atEnd(() => wire.close());
    await panel(echo(), `mqtt://127.0.0.1:${wire.port}`);
    const witness = await stranger();
    let saidOffline = false;
    witness.on('message', (_topic, payload) => {
      saidOffline ||= payload.toString().includes('"offline"');
    });
    await witness.subscribeAsync(PRESENCE, { qos: 1 });
    wire.cut();
    await eventually('the last will', () => saidOffline);
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
    const { link, states, received } = host();
    await link.open();
    const refusal = await linkErrorOf(panelOn(echo(), { url: bench.broker.url }));
    expect(refusal.message).toContain('two panels with one id');
    link.send(bytes(5));
    await eventually('an answer of the first', () => received.length === 1);
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
    const { link, received } = host();
    await link.open();
    link.send(bytes(5));
    await eventually('an answer', () => received.length === 1);
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
    const wire = await relayTo(bench.broker.port);
    bench.atEnd(() => wire.close());
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
    wire.repair();
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

  it('leaves nobody online who was closed while coming', async () => {
    const client = await stranger();
    const left: Record<string, string> = {};
    client.on('message', (topic, payload) => {
      left[topic] = payload.toString();
    });
    await client.subscribeAsync('beamrig/panels/+/presence', { qos: 1 });
    const ids = [0, 2, 5, 10, 20, 40].map((pauseMs) => ({ pauseMs, id: `LATE-${pauseMs}` }));
    for (const { pauseMs, id } of ids) {
      const end = createMqttPanelEnd({ url: bench.broker.url, topicPrefix: 'beamrig', panel: id });
      const opening = end.open(echo()).catch((error: unknown) => expect(error).toMatchObject({ code: 'link' }));
      await sleep(pauseMs);
      await end.close();
      await opening;
    }
    await eventually('all of them said offline', () =>
      ids.every(({ id }) => left[`beamrig/panels/${id}/presence`]?.includes('offline')),
    );
  });

  it('lists the panels that are and were there', async () => {
    await panel();
    const gone = await panelOn(echo(), { url: bench.broker.url, panel: 'BOARD-7' });
    await gone.end.close();
    const client = await stranger();
    await client.publishAsync('beamrig/panels/ODD/presence', 'not json', { qos: 1, retain: true });
    const listed = await listMqttPanels({ url: bench.broker.url, topicPrefix: 'beamrig' }, 1000);
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
});

/** What an MQTT link makes of messages that a real broker sends rarely, or only after half a minute: on virtual time, without a broker. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createVirtualClock, type VirtualClock } from '../../../core/clock/virtual-clock.ts';
import { createRandom } from '../../../core/signal/random.ts';
import type { BrokerSession } from './mqtt-connection.ts';
import { createMqttLink } from './mqtt.ts';

const broker = vi.hoisted(() => ({
  session: undefined as BrokerSession | undefined,
  presence: undefined as string | undefined,
}));
vi.mock('./mqtt-connection.ts', () => ({
  connectToBroker: (_settings: unknown, session: BrokerSession) => {
    broker.session = session;
    return Promise.resolve({
      alive: true,
      unsentBytes: 0,
      largestFrameBytes: () => 1e6,
      onEnd: () => () => undefined,
      subscribe: () => {
        const { presence } = broker;
        if (presence !== undefined) session.onMessage('beamrig/panels/P/presence', Buffer.from(presence), true);
        return Promise.resolve();
      },
      publish: (topic: string, payload: string) => {
        session.onMessage(topic, Buffer.from(payload), false); // comes back, as whoever subscribed hears himself
        return Promise.resolve();
      },
      sendFrame: () => true,
      end: () => Promise.resolve(),
    });
  },
}));

let clock: VirtualClock;
beforeEach(() => {
  clock = createVirtualClock();
  broker.presence = '{"state":"online","instance":"first"}';
});

const say = (topic: string, payload: string | Uint8Array, retained = false): void =>
  broker.session?.onMessage(`beamrig/panels/P/${topic}`, Buffer.from(payload), retained);
const presence = (state: 'online' | 'offline', instance: string): void => say('presence', JSON.stringify({ state, instance }));

/** A link that is open to the panel's first instance. */
async function openLink(panelKey?: Uint8Array) {
  const link = createMqttLink({
    ...{ url: 'mqtt://b', topicPrefix: 'beamrig', panel: 'P', clock, random: createRandom(1) },
    ...(panelKey !== undefined && { panelKey }),
  });
  const states: string[] = [];
  const received: Uint8Array[] = [];
  link.onState((state) => states.push(state.state === 'open' ? 'open' : (state.detail ?? state.reason)));
  link.onFrame((frame) => received.push(frame));
  const open = async (): Promise<void> => {
    const opening = link.open();
    await clock.runUntilIdle();
    await opening;
  };
  await open();
  return { link, states, received, reopen: open };
}

describe('an MQTT link that is open', () => {
  it('takes no frame that was retained, and counts it', async () => {
    const { link, received } = await openLink();
    say('to-host', Uint8Array.of(1), true);
    expect(received).toEqual([]);
    expect(link.counters.discarded).toBe(1);
    say('to-host', Uint8Array.of(2));
    expect(received).toEqual([Uint8Array.of(2)]);
  });

  it('stays open when the last will of an older instance comes late', async () => {
    const { link, states, reopen } = await openLink();
    presence('online', 'second');
    expect(states.at(-1)).toContain('was restarted');
    await reopen();
    presence('offline', 'first');
    expect(link.state).toEqual({ state: 'open' });
    presence('offline', 'second');
    expect(link.state).toMatchObject({ state: 'closed', reason: 'lost' });
  });

  it.each([
    [29_000, /two panels with one id/],
    [31_000, /was restarted/],
  ])('that sees one instance again %i ms after it went: %s', async (apartMs, words) => {
    const { states, reopen } = await openLink();
    presence('online', 'second');
    await reopen();
    void clock.sleep(apartMs);
    await clock.runUntilIdle();
    presence('online', 'first');
    expect(states.at(-1)).toMatch(words);
  });
});

describe('an MQTT link of a rig with a key', () => {
  const KEY = Uint8Array.from({ length: 32 }, (_, i) => i);

  it('stays open whatever is said of the panel, and asks its owner to find out', async () => {
    const { link, states } = await openLink(KEY);
    const { unproven } = link;
    let doubts = 0;
    unproven?.onDoubt(() => doubts++);
    presence('online', 'second');
    expect(unproven?.doubt?.detail).toContain('was restarted');
    unproven?.refute();
    presence('offline', 'second');
    expect(unproven?.doubt?.detail).toContain('went offline');
    presence('online', 'first');
    presence('online', 'second');
    for (const garbage of ['x', '[]', '{"state":"online"}', 'y'.repeat(100_000)]) say('presence', garbage);
    expect(states).toEqual(['open']);
    expect(doubts).toBe(3);
    // Neither the first word nor any of these was sealed.
    expect(link.counters.strange).toBe(9);
    presence('offline', 'second');
    unproven?.believe();
    expect(states).toEqual(['open', 'panel P went offline, as beamrig/panels/P/presence says']);
  });

  it('is opened where no panel has said that it is there, for the handshake to find out', async () => {
    broker.presence = undefined;
    const { link } = await openLink(KEY);
    expect(link.state).toEqual({ state: 'open' });
    expect(link.unproven?.doubt?.detail).toBe('no panel has said on beamrig/panels/P/presence that it is there');
  });
});

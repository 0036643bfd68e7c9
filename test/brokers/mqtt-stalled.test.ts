/** A broker that is there and does nothing: what is sent to it must stay bounded, and must not come out in another connection. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UNSENT_BYTES } from '../../src/link/mqtt/mqtt-connection.ts';
import { hasPart } from '../parts.ts';
import { Mosquitto } from '../../scripts/mosquitto.ts';
import { linkTo, panelOn } from './mqtt-ends.ts';
import { echo } from '../doubles/echo.ts';
import { relayTo } from './relay.ts';
import { eventually, linkErrorOf } from './test-broker.ts';

const FRAME_BYTES = 4000;
/** What the kernels of both ends keep of a connection on this machine, at most; more must have been refused. */
const KERNEL_BYTES = 32_000_000;

describe.skipIf(!hasPart('mosquitto'))('a broker that stalls [needs mosquitto]', () => {
  let broker: Mosquitto;
  let ends: (() => Promise<unknown>)[];

  beforeEach(async () => {
    broker = await Mosquitto.place();
    await broker.start();
    ends = [() => broker.remove()];
  });
  afterEach(async () => {
    broker.thaw();
    for (const end of ends.reverse()) await end();
  });

  const both = async (url: string) => {
    const peer = echo();
    const { end } = await panelOn(peer, { url: broker.url });
    const host = linkTo({ url });
    ends.push(
      () => end.close(),
      () => host.link.close(),
    );
    await host.link.open();
    return { peer, ...host };
  };

  it('is sent no more than the socket takes and a little, and works on when it wakes', async () => {
    const { link, peer, received } = await both(broker.url);
    broker.freeze();
    const frame = new Uint8Array(FRAME_BYTES).fill(1);
    let refused = 0;
    for (let i = 0; i < 20_000 && refused < 1000; i++) {
      if (!link.send(frame)) refused++;
      if (i % 50 === 0) await nextTurn();
    }
    expect(refused).toBe(1000);
    const accepted = link.counters.framesSent;
    expect(link.counters.bytesSent).toBeLessThan(KERNEL_BYTES + UNSENT_BYTES);
    broker.thaw();
    await eventually('room again', () => link.send(Uint8Array.of(2)));
    await eventually('the newest is answered', () => received.some((answer) => answer[0] === 2));
    expect(peer.received.filter(([kind]) => kind === 1).length).toBeLessThanOrEqual(accepted);
    expect(link.state).toEqual({ state: 'open' });
  });

  it('that answers nothing any more is given up as silent, by what happened and not by what the library calls it', async () => {
    const { link } = await both(broker.url);
    broker.freeze();
    await eventually('given up', () => link.state.state === 'closed');
    expect(link.state).toMatchObject({ reason: 'lost', cause: 'broker-silent' });
    broker.thaw();
  });

  it('delivers nothing of a lost connection once the next one is open', async () => {
    const wire = await relayTo(broker.port);
    ends.push(() => wire.close());
    const { link, peer, received } = await both(`mqtt://127.0.0.1:${wire.port}`);
    broker.freeze();
    for (let i = 0; i < 500; i++) {
      expect(link.send(Uint8Array.of(1))).toBe(true);
      await nextTurn(); // each a packet of its own in the broker's buffer
    }
    wire.cut();
    await eventually('lost', () => link.state.state === 'closed');
    wire.repair();
    expect((await linkErrorOf(link.open())).message).toContain('no answer');
    const opening = link.open();
    broker.thaw();
    await opening.catch(() => undefined); // it may be taken for one of those that gave up
    await eventually('open', () => {
      void link.open().catch(() => undefined);
      return link.state.state === 'open';
    });
    link.send(Uint8Array.of(2));
    await eventually('an answer', () => received.some((answer) => answer[0] === 2));
    link.send(Uint8Array.of(3));
    await eventually('another', () => received.some((answer) => answer[0] === 3));
    const first = peer.received.findIndex(([kind]) => kind === 2);
    expect(peer.received.slice(first)).toEqual([Uint8Array.of(2), Uint8Array.of(3)]);
  });
});

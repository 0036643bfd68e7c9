/** A broker that says no: to a subscription in words, to a message by closing the connection, as MQTT 3.1.1 has it. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Aedes, type AedesOptions } from 'aedes';
import { afterEach, describe, expect, it } from 'vitest';
import { PANEL, linkTo, panelOn } from './mqtt-ends.ts';
import { echo } from '../doubles/echo.ts';
import { linkErrorOf } from './test-broker.ts';

let ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  ends = [];
});

async function brokerWith(options: AedesOptions): Promise<string> {
  const aedes = await Aedes.createBroker(options);
  const server = createServer((socket) => aedes.handle(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(
    () => new Promise<void>((resolve) => aedes.close(() => resolve())),
    () => server.close(),
  );
  return `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a broker that denies', () => {
  it.each(['to-host', 'presence', 'host'])('names the topic %s when the controller may not subscribe to it', async (denied) => {
    const url = await brokerWith({
      authorizeSubscribe: (_client, subscription, done) =>
        done(null, subscription.topic.endsWith(`/${denied}`) ? null : subscription),
    });
    const { link, states } = linkTo({ url });
    const error = await linkErrorOf(link.open());
    expect(error.message).toContain(`does not let clients without a user subscribe to beamrig/panels/${PANEL}/${denied}`);
    expect(link.state).toMatchObject({ state: 'closed', reason: 'refused' });
    expect(states).toEqual([]);
  });

  it('names the topic when the panel may not hear its commands', async () => {
    const url = await brokerWith({
      authorizeSubscribe: (_client, subscription, done) =>
        done(null, subscription.topic.endsWith('to-panel') ? null : subscription),
    });
    const error = await linkErrorOf(panelOn(echo(), { url }));
    expect(error.message).toContain(`subscribe to beamrig/panels/${PANEL}/to-panel`);
  });

  it('is not taken for a panel that is missing when it throws out who publishes', async () => {
    const url = await brokerWith({ authorizePublish: (_client, _packet, done) => done(new Error('no')) });
    const error = await linkErrorOf(linkTo({ url }).link.open());
    expect(error.message).toContain('the broker closed the connection');
  });
});

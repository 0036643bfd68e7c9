import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { PANEL, linkTo, panelOn } from '../../../test/brokers/mqtt-ends.ts';
import { echo } from '../../../test/doubles/echo.ts';
import { eventually, linkErrorOf } from '../../../test/brokers/test-broker.ts';
import { hasPart } from '../../../test/parts.ts';
import { startEmbeddedBroker, type EmbeddedBrokerOptions } from './embedded-broker.ts';

let ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  ends = [];
});

const start = async (options: EmbeddedBrokerOptions) => {
  const events: string[] = [];
  const broker = await startEmbeddedBroker({
    port: 0,
    ...options,
    onClient: ({ client, what, detail }) =>
      events.push(`${client.replace(/-[0-9a-f]{12}$/, '')} ${what}${detail ? `: ${detail}` : ''}`),
  });
  ends.push(() => broker.close());
  return { ...broker, events };
};

describe('the embedded broker', () => {
  it('lets in who knows user and password, and says who came, left and was refused', async () => {
    const { url, events } = await start({ user: 'rig', password: 'right' });
    const login = { url, username: 'rig', password: 'right' };
    const { end } = await panelOn(echo(), login);
    const { link } = linkTo(login);
    await link.open();
    await link.close();
    await end.close();
    const wrongs: [wrong: Partial<typeof login> & { url: string }, said: string][] = [
      [{ url }, 'the broker refused clients without a user'],
      [{ ...login, password: 'wrong' }, "the broker refused user 'rig' or the password"],
      [{ ...login, username: 'rgi' }, "the broker refused user 'rgi' or the password"],
    ];
    for (const [wrong, said] of wrongs) {
      const refused = linkTo(wrong).link;
      expect((await linkErrorOf(refused.open())).message).toContain(said);
    }
    await eventually('all are gone', () => events.filter((event) => event.endsWith('left')).length >= 2);
    expect(events.filter((event) => event === 'beamrig-host refused: wrong user or password')).toHaveLength(3);
    expect(events.slice(0, 2)).toEqual(['beamrig-panel connected', 'beamrig-host connected']);
  });

  it.skipIf(!hasPart('openssl'))(
    'speaks TLS, and takes only certificates of its authority where it has one [needs openssl]',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'beamrig-tls-'));
      ends.push(() => rmSync(folder, { recursive: true }));
      const at = (name: string): string => join(folder, name);
      const key = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
      // Its own authority: enough for one broker and one client.
      const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
      execFileSync('openssl', [...key, ...names, '-keyout', at('a.key'), '-out', at('a.crt')], { stdio: 'ignore' });
      const { url, port } = await start({ tlsCert: at('a.crt'), tlsKey: at('a.key'), ca: at('a.crt') });
      expect(url).toBe(`mqtts://127.0.0.1:${port}`);
      const login = { url, caFile: at('a.crt'), certificateFile: at('a.crt'), keyFile: at('a.key') };
      const { end } = await panelOn(echo(), login);
      ends.push(() => end.close());
      const { link, received } = linkTo(login);
      ends.push(() => link.close());
      await link.open();
      link.send(Uint8Array.of(1));
      await eventually('an echo', () => received.length === 1);
      expect((await linkErrorOf(linkTo({ url, caFile: at('a.crt') }).link.open())).message).toMatch(
        /client certificate|without an answer|TLS failed/,
      );
    },
  );

  it('says that its port is taken, and what it was given wrongly', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    ends.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    await expect(startEmbeddedBroker({ port })).rejects.toMatchObject({
      code: 'port-in-use',
      message: `port ${port} of 127.0.0.1 is in use`,
    });
    const wrong: [EmbeddedBrokerOptions, RegExp][] = [
      [{ user: 'rig' }, /the password is missing/],
      [{ tlsCert: '/nowhere.crt' }, /certificate and its key/],
      [{ tlsCert: '/nowhere.crt', tlsKey: '/nowhere.key' }, /--tls-cert \/nowhere\.crt: there is no such file/],
      [{ host: '192.0.2.1', port: 0 }, /--host 192\.0\.2\.1 --port 0: this is no address of this machine/],
    ];
    for (const [options, words] of wrong) {
      await expect(startEmbeddedBroker(options)).rejects.toThrow(words);
      await expect(startEmbeddedBroker(options)).rejects.toMatchObject({ code: 'argument' });
    }
    const folder = mkdtempSync(join(tmpdir(), 'beamrig-tls-'));
    ends.push(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'no.pem'), 'no key');
    const no = join(folder, 'no.pem');
    await expect(startEmbeddedBroker({ tlsCert: no, tlsKey: no })).rejects.toMatchObject({ code: 'argument' });
  });

  it('is quick to end with clients on it, who notice', async () => {
    const broker = await startEmbeddedBroker({ port: 0 });
    const { end, states } = await panelOn(echo(), { url: broker.url });
    ends.push(() => end.close());
    const { link } = linkTo({ url: broker.url, panel: PANEL });
    ends.push(() => link.close());
    await link.open();
    await broker.close();
    await eventually('both notice', () => link.state.state === 'closed' && states.at(-1)?.open === false);
  });
});

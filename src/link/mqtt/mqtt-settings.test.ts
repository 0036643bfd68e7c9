import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../../core/signal/random.ts';
import { linkErrorOf } from '../../../test/brokers/test-broker.ts';
import { createMqttLink, type MqttLinkOptions } from './mqtt.ts';
import { denied, refused, unreachable } from './mqtt-failures.ts';
import { createMqttPanelEnd } from './mqtt-panel-end.ts';
import { brokerSettings } from './mqtt-settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-mqtt-'));
afterAll(() => rmSync(folder, { recursive: true }));

const pipe = join(folder, 'pipe.pem');
execFileSync('mkfifo', [pipe]);

const opened = (options: Partial<MqttLinkOptions>) =>
  linkErrorOf(
    createMqttLink({ url: 'mqtt://127.0.0.1:1', topicPrefix: 'beamrig', panel: 'P', random: createRandom(1), ...options }).open(),
  );

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as AddressInfo).port;
}

describe('where a broker is', () => {
  it.each([
    ['http://127.0.0.1:1883', /url is 'http:\/\/127\.0\.0\.1:1883': the scheme 'http:'; allowed: mqtt: and mqtts:/],
    ['ws://127.0.0.1:1883', /MQTT over WebSocket, which is not supported/],
    ['wss://127.0.0.1:1883', /MQTT over WebSocket, which is not supported/],
    ['127.0.0.1:1883', /url is '127\.0\.0\.1:1883', which is no broker’s address/],
    ['localhost:1883', /which is no broker’s address/],
    ['mqtt://', /which is no broker’s address|names no host/],
    ['mqtt://127.0.0.1:99999', /whose port is none; allowed: 1 to 65535/],
    ['mqtt://127.0.0.1:0', /port 0 is no port/],
    ['mqtt://127.0.0.1/topic', /after the port nothing may follow/],
  ])('refuses %s in words', async (url, words) => {
    const error = await opened({ url });
    expect(error.message).toMatch(words);
    expect(error.wayOut).toMatch(/mqtt:\/\/|topicPrefix/);
  });

  it('refuses a password in the address and does not repeat it, nor does the name of the link', async () => {
    for (const url of [
      'mqtt://rig:secret@127.0.0.1',
      'mqtt://rig:sec ret@127.0.0.1:x',
      'ws://rig:secret@127.0.0.1',
      'mqtt://rig:99/secret@127.0.0.1',
      'mqtt://rig:1/2@secret',
      'mqtt:rig:secret@127.0.0.1',
      '//rig:secret@127.0.0.1',
      'mqtt://127.0.0.1?password=secret',
      'mqtt://127.0.0.1#secret',
    ]) {
      const error = await opened({ url });
      expect(`${error.message} ${error.wayOut ?? ''}`).not.toMatch(/secret|sec ret/);
      expect(createMqttPanelEnd({ url, topicPrefix: 'beamrig', panel: 'P' }).name).not.toMatch(/secret|sec ret/);
    }
    const options = { url: 'mqtt://rig:secret@127.0.0.1', topicPrefix: 'beamrig', panel: 'P' };
    expect(createMqttLink({ ...options, random: createRandom(1) }).name).toBe('mqtt://127.0.0.1 beamrig/panels/P');
    expect(createMqttPanelEnd(options).name).toBe('mqtt://127.0.0.1 beamrig/panels/P');
  });

  it('knows the ports by scheme, and addresses of version 6', () => {
    expect(brokerSettings({ url: 'mqtt://bench' })).toMatchObject({ host: 'bench', port: 1883, tls: undefined });
    expect(brokerSettings({ url: 'mqtts://bench' })).toMatchObject({ port: 8883, tls: {} });
    expect(brokerSettings({ url: 'MQTT://[::1]:7' })).toMatchObject({ host: '::1', port: 7, url: 'mqtt://[::1]:7' });
  });

  it.each([
    [{ topicPrefix: 'a/+' }, /topicPrefix is 'a\/\+', which has a '\+', '#' or control character/],
    [{ topicPrefix: '' }, /topicPrefix is '', which has no character/],
    [{ topicPrefix: '/a' }, /an empty level or a leading \$/],
    [{ topicPrefix: '$SYS' }, /an empty level or a leading \$/],
    [{ panel: 'a/b' }, /panel is 'a\/b', which has a '\/'/],
    [{ panel: '#' }, /panel is '#'/],
  ])('refuses topics that no broker takes: %j', async (options, words) => {
    expect((await opened(options)).message).toMatch(words);
  });
});

describe('how a broker is reached', () => {
  const garbage = join(folder, 'garbage.pem');
  writeFileSync(garbage, 'no certificate');
  mkdirSync(join(folder, 'folder.pem'));

  it.each([
    [{ caFile: garbage }, /caFile is given, and mqtt:.* is not encrypted/],
    [{ url: 'mqtts://127.0.0.1', caFile: '/nowhere/ca.crt' }, /caFile is \/nowhere\/ca\.crt: there is no such file/],
    [{ url: 'mqtts://127.0.0.1', caFile: join(folder, 'folder.pem') }, /caFile is .*: this is a folder/],
    [{ url: 'mqtts://127.0.0.1', caFile: '/dev/zero' }, /caFile is \/dev\/zero: this is a device, and no file/],
    [{ url: 'mqtts://127.0.0.1', caFile: pipe }, /caFile is .*pipe\.pem: this is a pipe, and the file is read more than once/],
    [{ url: 'mqtts://127.0.0.1', caFile: garbage }, /caFile is .*garbage\.pem, which does not hold a certificate in PEM/],
    [{ url: 'mqtts://127.0.0.1', certificateFile: garbage }, /certificateFile is .* and keyFile is not given/],
    [{ url: 'mqtts://127.0.0.1', keyFile: garbage }, /keyFile is .* and certificateFile is not given/],
    [{ password: 'secret' }, /a password is given for mqtt:\/\/127\.0\.0\.1:1 and no username/],
  ])('refuses what does not fit: %j', async (options, words) => {
    const error = await opened(options);
    expect(error.message).toMatch(words);
    expect(error.message).not.toContain('secret');
  });

  it('says that nobody listens, that a name is unknown, and that this is no broker', async () => {
    expect((await opened({})).message).toBe('mqtt://127.0.0.1:1: connection refused, no broker listens on port 1');
    const nowhere = unreachable(brokerSettings({ url: 'mqtt://no-such-host.invalid' }), { code: 'ENOTFOUND' });
    expect(nowhere.message).toContain('no host is called no-such-host.invalid');
    const web = createServer();
    const port = await listening(web);
    const plain = await opened({ url: `mqtt://127.0.0.1:${port}` });
    expect(plain.message).toMatch(/what answers there is no MQTT broker, or one that wants TLS \(Invalid header flag bits/);
    const tls = await opened({ url: `mqtts://127.0.0.1:${port}` });
    expect(tls.message).toMatch(/TLS failed/);
    web.closeAllConnections();
    web.close();
  });

  it('asks whether it is a TLS port when the other end cuts off what it does not understand', async () => {
    const abrupt = createTcpServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const error = await opened({ url: `mqtt://127.0.0.1:${await listening(abrupt)}` });
    expect(error.message).toMatch(/the connection was cut off \(ECONNRESET\)/);
    expect(error.wayOut).toMatch(/^Is this a TLS port\? Write mqtts:/);
    abrupt.close();
  });

  it('names the certificate where there is no user, and the variable that a password came from', () => {
    const plain = brokerSettings({ url: 'mqtt://bench' });
    const certified = { ...plain, certificateFile: '/keys/rig.crt' };
    expect(denied(certified, 'publish to', 'a').message).toContain(
      'does not let the client of certificate /keys/rig.crt publish to a',
    );
    expect(denied(plain, 'read', 'a').message).toContain('does not let clients without a user read a');
    expect(refused(certified, 135).message).toContain('refused the client of certificate /keys/rig.crt (reason 135)');
    const login = { ...plain, username: 'rig', password: 'secret', passwordEnv: 'BENCH_PASSWORD' };
    expect(refused(login, 4).message).toContain("refused user 'rig' or the password (reason 4)");
    expect(refused(login, 4).wayOut).toContain('the environment variable BENCH_PASSWORD');
    expect(refused({ ...login, password: undefined }, 4).message).toContain("refused user 'rig' without a password");
    expect(refused(plain, 5).wayOut).toBe('Set username and passwordEnv for a user of the broker.');
  });

  it('speaks of the flag, and not of a rig file that there is none of, where a flag gave the address', async () => {
    const flagged = brokerSettings({ url: 'mqtt://bench', flag: '--mqtt' });
    const said = [
      unreachable(flagged, { code: 'ECONNREFUSED' }),
      unreachable(flagged, { code: 'ENOTFOUND' }),
      refused(flagged, 5),
    ];
    expect(said.map(({ wayOut }) => wayOut)).toEqual([
      'Start the broker (`beamrig broker` starts one on this machine), or correct --mqtt.',
      'Correct the host in --mqtt.',
      'Give a rig file whose link sets username and passwordEnv for a user of the broker.',
    ]);
    expect((await opened({ url: 'http://bench', flag: '--mqtt' })).message).toContain("--mqtt is 'http://bench'");
    const secret = await opened({ url: 'mqtt://rig:secret@bench', flag: '--mqtt' });
    expect(secret.wayOut).toContain('Give a rig file');
    expect(secret.message).not.toContain('secret');
  });
});

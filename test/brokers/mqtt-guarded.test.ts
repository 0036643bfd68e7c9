/** MQTT with TLS, passwords, an access list and client certificates, over a mosquitto that the commands of examples/mqtt/README.md made. */
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { MqttOptions } from '../../src/link/mqtt/mqtt.ts';
import { hasPart } from '../parts.ts';
import { blockOf, documentedBench, documentedCommands, type DocumentedBench } from '../../scripts/documented-bench.ts';
import { PANEL, linkTo, panelOn } from './mqtt-ends.ts';
import { echo } from '../doubles/echo.ts';
import { eventually, linkErrorOf } from './test-broker.ts';

const parts = hasPart('mosquitto') && hasPart('openssl');

describe.skipIf(!parts)('MQTT with TLS, passwords and an access list [needs mosquitto] [needs openssl]', () => {
  let bench: DocumentedBench;
  let ends: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    bench = await documentedBench();
    await bench.broker.start();
  });
  afterEach(async () => {
    for (const end of ends.reverse()) await end();
    ends = [];
  });
  afterAll(() => bench.remove());

  type Login = Partial<MqttOptions> & { url: string };
  const as = (username: string, more: Partial<MqttOptions> = {}): Login => ({
    url: `mqtts://localhost:${bench.port}`,
    caFile: bench.path('ca.crt'),
    username,
    password: bench.read(`${username}.password`),
    ...more,
  });
  const host = (login: Login) => {
    const watched = linkTo(login);
    ends.push(() => watched.link.close());
    return watched;
  };
  const panel = async (login: Login) => {
    const peer = echo();
    const { end } = await panelOn(peer, login);
    ends.push(() => end.close());
    return peer;
  };
  const refusal = (login: Login): Promise<BeamrigError> => linkErrorOf(host(login).link.open());

  const title = 'runs the documented commands from the folder to the look at the broker [needs mosquitto-clients]';
  it.skipIf(!hasPart('mosquitto_sub'))(title, async () => {
    expect(documentedCommands().map(({ heading }) => heading.slice(0, 2))).toContain('4.');
    expect(blockOf('4. The broker')).toBe('mosquitto -c mosquitto.conf\n');
    expect(bench.read('passwords')).not.toContain(bench.read('rig.password'));
    const empty = await bench.run(blockOf('4. The broker', 1));
    expect(empty.output).toContain('Timed out');
    await panel(as(PANEL));
    const seen = await bench.run(blockOf('4. The broker', 1));
    expect(seen.output).toContain(`beamrig/panels/${PANEL}/presence {"state":"online"`);
  });

  it('carries frames by name and by address that the certificate holds', async () => {
    const peer = await panel(as(PANEL, { url: `mqtts://127.0.0.1:${bench.port}` }));
    const { link, received } = host(as('rig'));
    await link.open();
    link.send(Uint8Array.of(1, 2, 3));
    await eventually('an echo', () => received.length === 1);
    expect(peer.received).toEqual([Uint8Array.of(1, 2, 3)]);
  });

  it('says that the password is wrong, and never what it was', async () => {
    const error = await refusal(as('rig', { password: 'wrong-and-secret', passwordEnv: 'MQTT_PASSWORD' }));
    expect(error.wayOut).toBe('Check username, and the password in the environment variable MQTT_PASSWORD.');
    expect(error.message).toContain("refused user 'rig' or the password");
    expect(JSON.stringify([error.message, error.wayOut])).not.toContain('wrong-and-secret');
  });

  it('does not trust a broker whose authority it does not know', async () => {
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'].concat(
      ['-subj', '/CN=somebody else', '-keyout', bench.path('other.key'), '-out', bench.path('other.crt')]), { stdio: 'ignore' }); // prettier-ignore
    const error = await refusal(as('rig', { caFile: bench.path('other.crt') }));
    expect(error.message).toMatch(/certificate is not trusted \(caFile is .*other\.crt/);
    const { caFile: _, ...without } = as('rig');
    expect((await refusal(without)).message).toContain('not trusted (no caFile is given');
  });

  it('refuses a broker whose certificate is for another name', async () => {
    await withCertificate('DNS:bench.example', async () => {
      expect((await refusal(as('rig'))).message).toContain('certificate is not for the host name localhost (DNS:bench.example)');
    });
  });

  it('refuses a certificate that has expired', async () => {
    await withCertificate(
      'DNS:localhost',
      async () => {
        expect((await refusal(as('rig'))).message).toContain('certificate has expired');
      },
      ['-days', '-1'],
    );
  });

  it('says so when encryption is on one side only', async () => {
    expect((await refusal({ url: `mqtt://127.0.0.1:${bench.port}` })).message).toMatch(
      /closed the connection without an answer|the connection was cut off|or one that wants TLS/,
    );
  });

  it('tells a controller that may not write its topics, and a panel that is another one', async () => {
    const asPanel = await refusal(as(PANEL));
    expect(asPanel.message).toContain(`does not let user '${PANEL}' publish to beamrig/panels/${PANEL}/host`);
    expect(asPanel.wayOut).toContain('access list');
    const other = await linkErrorOf(panelOn(echo(), { ...as(PANEL), panel: 'BOARD-0002' }));
    expect(other.message).toContain(`does not let user '${PANEL}' publish to beamrig/panels/BOARD-0002/presence`);
  });

  it('tells a controller that may write its claim and not read it', async () => {
    const acl = bench.path('acl');
    const before = readFileSync(acl, 'utf8');
    await bench.broker.kill();
    writeFileSync(acl, before.replace('topic readwrite beamrig/panels/+/host', 'topic write beamrig/panels/+/host'));
    await bench.broker.start();
    try {
      expect((await refusal(as('rig'))).message).toContain(`does not let user 'rig' read beamrig/panels/${PANEL}/host`);
    } finally {
      await bench.broker.kill();
      writeFileSync(acl, before);
      await bench.broker.start();
    }
  });

  it('knows controllers by certificate where the page says how, and turns away who has none', async () => {
    await bench.broker.kill();
    const config = readFileSync(bench.path('mosquitto.conf'), 'utf8');
    const made = await bench.run(blockOf('Client certificates'));
    expect(made.code).toBe(0);
    await bench.broker.start();
    try {
      const { password: _, username: __, ...bare } = as('rig');
      const login = { ...bare, certificateFile: bench.path('rig.crt'), keyFile: bench.path('rig.key') };
      const { link } = host(login);
      expect((await linkErrorOf(link.open())).message).toContain('no panel has said'); // the broker, the claim: all there
      await link.close();
      expect((await refusal(bare)).message).toMatch(/client certificate|closed the connection|TLS failed/);
      const stolen = await refusal({ ...login, certificateFile: bench.path('broker.crt') });
      expect(stolen.message).toContain('is not the key of certificateFile');
    } finally {
      await bench.broker.kill();
      writeFileSync(bench.path('mosquitto.conf'), config);
      await bench.broker.start();
    }
  });

  it('says which file it cannot read', async () => {
    chmodSync(bench.path('broker.csr'), 0o600);
    expect((await refusal(as('rig', { caFile: bench.path('broker.csr') }))).message).toMatch(
      /caFile is .*broker\.csr, which does not hold a certificate/,
    );
  });

  /** The broker with another certificate of the same authority, for a while. */
  async function withCertificate(names: string, during: () => Promise<void>, days = ['-days', '2']): Promise<void> {
    const broker = bench.path('broker.crt');
    const before = readFileSync(broker);
    writeFileSync(bench.path('other.ext'), `subjectAltName=${names}\n`);
    await bench.broker.kill();
    const from = ['x509', '-req', '-in', 'broker.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'];
    execFileSync('openssl', [...from, ...days, '-extfile', 'other.ext', '-out', 'broker.crt'], {
      cwd: bench.folder,
      stdio: 'ignore',
    });
    try {
      await bench.broker.start();
      await during();
    } finally {
      await bench.broker.kill();
      writeFileSync(broker, before);
      await bench.broker.start();
    }
  }
});

/** The brokers over which the common story is told, and the links of its rig file there: as the controller and as the panel sees them. */
import { startEmbeddedBroker } from '../src/link/mqtt/embedded-broker.ts';
import { documentedBench } from './documented-bench.ts';

export interface BrokerScenario {
  description: string;
  /** Of the rig file; the panel's own are other ones where it is another user of the broker. */
  links: string;
  panelLinks?: string;
  /** Environment of the panel. */
  env?: NodeJS.ProcessEnv;
  close(): Promise<void>;
}

const PANEL = 'SIM-0001';

/** The embedded broker, for anybody, on a free port of this machine. */
export async function openScenario(): Promise<BrokerScenario> {
  const broker = await startEmbeddedBroker({ port: 0 });
  return {
    description: `the embedded one, ${broker.url}`,
    links: `links: [{ panel: ${PANEL}, mqtt: { url: '${broker.url}' } }]`,
    close: () => broker.close(),
  };
}

/** Where this process and the panel each look for their own password. */
const PASSWORD_ENV = 'BEAMRIG_SCENARIO_PASSWORD';

/**
 * A mosquitto as examples/mqtt/README.md makes it: TLS with a certificate of its own authority, passwords, and the access list.
 * @throws {BeamrigError} 'argument', 'link' where mosquitto or openssl is missing
 */
export async function guardedScenario(): Promise<BrokerScenario> {
  const bench = await documentedBench();
  const links = (username: string): string =>
    `links: [{ panel: ${PANEL}, mqtt: { url: 'mqtts://localhost:${bench.port}', username: ${username}, ` +
    `passwordEnv: ${PASSWORD_ENV}, caFile: '${bench.path('ca.crt')}' } }]`;
  try {
    await bench.broker.start();
    process.env[PASSWORD_ENV] = bench.read('rig.password');
    return {
      description: `mosquitto with TLS, passwords and an access list, mqtts://localhost:${bench.port}`,
      links: links('rig'),
      panelLinks: links(PANEL),
      env: { [PASSWORD_ENV]: bench.read(`${PANEL}.password`) },
      async close() {
        delete process.env[PASSWORD_ENV];
        await bench.remove();
      },
    };
  } catch (error) {
    await bench.remove();
    throw error;
  }
}

/**
 * Benches behind one broker, for what can happen there and on no other wire: the broker is a process that can be killed, frozen or made to
 * guard itself; the panel's end is one that can be killed; and strangers can be on it. Several panels of a rig share the broker.
 *
 *   host ══ broker ══ cable ══ end ─► far panel
 *             ║
 *          strangers
 */
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import type { MqttOptions } from '../../src/link/mqtt/mqtt.ts';
import { createMqttPanelEnd } from '../../src/link/mqtt/mqtt-panel-end.ts';
import type { PanelEnd } from '../../src/link/panel-end.ts';
import { Mosquitto } from '../../scripts/mosquitto.ts';
import { relayTo, type Relay } from '../brokers/relay.ts';
import { embeddedBroker, type TestBroker } from '../brokers/test-broker.ts';
import type { FaultRig, FaultRigOptions, FaultWire } from './fault-rig.ts';

export const PREFIX = 'beamrig';
const PASSWORD_ENV = 'BEAMRIG_BENCH_PASSWORD';
const HOST = { username: 'rig', password: 'the rig is me' };
const PANEL = { username: 'panels', password: 'the panels are we' };

export interface BrokerBench extends FaultWire {
  readonly broker: TestBroker;
  /** As a process: throws where the bench has the embedded one. */
  readonly mosquitto: Mosquitto;
  /** How anybody gets in. */
  readonly access: Pick<MqttOptions, 'url' | 'topicPrefix' | 'username' | 'password'>;
  /** Between the panel and the broker. */
  readonly cable: Relay;
  /** The panel's process is killed: no goodbye, and it is not there until the next `start`. */
  kill(): Promise<void>;
  /** Another process for the same panel, which has forgotten everything. */
  start(rig: FaultRig): Promise<void>;
  /** Somebody else on the broker; gone with the bench. */
  stranger(): Promise<MqttClient>;
  /** The broker lets the host in with its password, or does not know it. */
  knowHost(known: boolean): void;
  /** The broker lets the host publish frames, or drops them without a word. */
  allowFrames(allowed: boolean): void;
  /** Let go of when the bench is. */
  onClose(close: () => unknown): void;
}

export const benchOf = (rig: FaultRig, panel = 0): BrokerBench => rig.wires[panel] as BrokerBench;

type Kind = 'aedes' | 'mosquitto' | 'guarded mosquitto';

/** One broker for all panels of a rig: what `openWire` of a fault rig takes. Before the rig is there, `prepare` may be on the broker. */
export function onOneBroker(
  kind: Kind,
  prepare?: (bench: BrokerBench) => Promise<void>,
): NonNullable<FaultRigOptions['openWire']> {
  let place: Place | undefined;
  return async (panel) => {
    if (panel === 0) place = await openPlace(kind);
    const bench = await openBench(place ?? (await openPlace(kind)), panel);
    await prepare?.(bench);
    return bench;
  };
}

/** A broker, with what it reads. */
interface Place {
  broker: TestBroker;
  folder: string;
  guarded: boolean;
}

async function openPlace(kind: Kind): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'beamrig-broker-bench-'));
  const guarded = kind === 'guarded mosquitto';
  const broker = kind === 'aedes' ? await embeddedBroker() : await Mosquitto.place(guarded ? guard(folder) : undefined);
  const place = { broker, folder, guarded };
  if (guarded) writeGuard(place, { hostKnown: true, framesAllowed: true });
  await broker.start();
  return place;
}

const guard = (folder: string): string[] => [
  'allow_anonymous false',
  `password_file ${join(folder, 'passwords')}`,
  `acl_file ${join(folder, 'acl')}`,
];

function writeGuard({ folder }: Place, { hostKnown, framesAllowed }: { hostKnown: boolean; framesAllowed: boolean }): void {
  const host = hostKnown ? HOST : { ...HOST, password: 'another one' };
  writeFileSync(join(folder, 'passwords'), [host, PANEL].map(passwordLine).join(''), { mode: 0o600 });
  const panels = `${PREFIX}/panels/+`;
  const rules = [
    `user ${PANEL.username}`,
    `topic readwrite ${PREFIX}/#`,
    `user ${HOST.username}`,
    `topic read ${PREFIX}/#`,
    `topic write ${panels}/host`,
    ...(framesAllowed ? [`topic write ${panels}/to-panel`] : []),
  ];
  writeFileSync(join(folder, 'acl'), `${rules.join('\n')}\n`, { mode: 0o600 });
}

/** As mosquitto_passwd writes it: PBKDF2 of SHA-512. */
function passwordLine({ username, password }: typeof HOST): string {
  const rounds = 101;
  const salt = randomBytes(12);
  const hash = pbkdf2Sync(password, salt, rounds, 64, 'sha512');
  return `${username}:$7$${rounds}$${salt.toString('base64')}$${hash.toString('base64')}\n`;
}

async function openBench(place: Place, panel: number): Promise<BrokerBench> {
  const { broker, guarded } = place;
  const closers: (() => unknown)[] = [];
  const cable = await relayTo(broker.port);
  const access = { url: broker.url, topicPrefix: PREFIX, ...(guarded ? HOST : {}) };
  if (guarded) process.env[PASSWORD_ENV] = HOST.password;
  const now = { hostKnown: true, framesAllowed: true };
  const mosquitto = (): Mosquitto => {
    if (broker instanceof Mosquitto) return broker;
    throw new Error('the embedded broker is no process');
  };
  let end: PanelEnd;
  const newEnd = (serial: string, panelKey?: Uint8Array): PanelEnd => {
    const own = { ...(guarded && PANEL), ...(panelKey && { panelKey }) };
    end = createMqttPanelEnd({ url: `mqtt://127.0.0.1:${cable.port}`, topicPrefix: PREFIX, panel: serial, ...own });
    return end;
  };

  return {
    broker,
    get mosquitto() {
      return mosquitto();
    },
    access,
    cable,
    link: `mqtt: { url: '${broker.url}'${guarded ? `, username: ${HOST.username}, passwordEnv: ${PASSWORD_ENV}` : ''} }`,
    end: newEnd,
    pull: () => broker.kill(),
    putBack: () => broker.start(),
    kill: async () => {
      cable.cut();
      await end.close();
    },
    start: async ({ panels }) => {
      const far = panels[panel];
      far.panel.reset();
      cable.repair();
      await newEnd(far.panelSerial, far.panelKey).open(far);
    },
    stranger: async () => {
      const { username, password } = access as MqttOptions;
      const known = username === undefined || password === undefined ? {} : { username, password };
      const client = await connectAsync(broker.url, { protocolVersion: 4, reconnectPeriod: 0, ...known });
      closers.push(() => client.endAsync(true));
      return client;
    },
    knowHost: (known) => {
      now.hostKnown = known;
      writeGuard(place, now);
      mosquitto().reload();
    },
    allowFrames: (allowed) => {
      now.framesAllowed = allowed;
      writeGuard(place, now);
      mosquitto().reload();
    },
    onClose: (close) => void closers.push(close),
    close: async () => {
      for (const close of closers.reverse()) await close();
      await end?.close();
      await cable.close();
      if (panel > 0) return;
      await broker.remove();
      if (guarded) Reflect.deleteProperty(process.env, PASSWORD_ENV);
      rmSync(place.folder, { recursive: true, force: true });
    },
  };
}

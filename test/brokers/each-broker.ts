/** Tests that are run over each kind of broker: an embedded one, and a mosquitto where there is one. */
import { connectAsync, type MqttClient } from 'mqtt';
import { afterEach, beforeEach, describe } from 'vitest';
import { Mosquitto } from '../../scripts/mosquitto.ts';
import { echo } from '../doubles/echo.ts';
import { hasPart } from '../parts.ts';
import { linkTo, panelOn } from './mqtt-ends.ts';
import { embeddedBroker, type TestBroker } from './test-broker.ts';

export const BROKERS = [
  { title: 'aedes', place: () => embeddedBroker(), there: true },
  { title: 'mosquitto [needs mosquitto]', place: () => Mosquitto.place(), there: hasPart('mosquitto') },
];

export const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

/** A broker that is new for each test, with hosts, panels and strangers that are closed after it. */
export type EachBroker = ReturnType<typeof benchOf>;

export function overEachBroker(what: string, tests: (bench: EachBroker) => void): void {
  for (const { title, place, there } of BROKERS) {
    describe.skipIf(!there)(`${what} over ${title}`, () => tests(benchOf(place)));
  }
}

function benchOf(place: () => Promise<TestBroker>) {
  let broker: TestBroker;
  let ends: (() => Promise<unknown>)[];

  beforeEach(async () => {
    ends = [];
    broker = await place();
    await broker.start();
  });
  afterEach(async () => {
    for (const end of ends.reverse()) await end();
    await broker.remove();
  });

  return {
    get broker() {
      return broker;
    },
    /** Closes this after the test, before the broker goes. */
    atEnd: (end: () => Promise<unknown>): void => void ends.push(end),
    host: (url = broker.url) => {
      const watched = linkTo({ url });
      ends.push(() => watched.link.close());
      return watched;
    },
    panel: async (peer = echo(), url = broker.url) => {
      const watched = await panelOn(peer, { url });
      ends.push(() => watched.end.close());
      return { ...watched, peer };
    },
    stranger: async (): Promise<MqttClient> => {
      const client = await connectAsync(broker.url, { protocolVersion: 4 });
      ends.push(() => client.endAsync(true));
      return client;
    },
  };
}

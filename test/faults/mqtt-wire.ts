/** Host and panel on one broker, the host over a cable that can be pulled, and the broker as a process that can be killed. */
import { createMqttPanelEnd } from '../../src/link/mqtt/mqtt-panel-end.ts';
import { Mosquitto } from '../../scripts/mosquitto.ts';
import { relayTo } from '../brokers/relay.ts';
import { embeddedBroker, type TestBroker } from '../brokers/test-broker.ts';
import type { FaultWire } from './fault-rig.ts';

export interface MqttWire extends FaultWire {
  readonly broker: TestBroker;
}

/** @param kind 'aedes' in this process, or a mosquitto of its own */
export async function openMqttWire(kind: 'aedes' | 'mosquitto' = 'aedes'): Promise<MqttWire> {
  const broker = kind === 'aedes' ? await embeddedBroker() : await Mosquitto.place();
  await broker.start();
  const relay = await relayTo(broker.port);
  return {
    broker,
    link: `mqtt: { url: 'mqtt://127.0.0.1:${relay.port}' }`,
    end: (panelSerial, panelKey) =>
      createMqttPanelEnd({ url: broker.url, topicPrefix: 'beamrig', panel: panelSerial, ...(panelKey && { panelKey }) }),
    pull: async () => relay.cut(),
    putBack: async () => relay.repair(),
    close: async () => {
      await relay.close();
      await broker.remove();
    },
  };
}

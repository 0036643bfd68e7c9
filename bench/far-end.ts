/**
 * What is at the far end of the wires in links.ts, as a process of its own, so that its work is not counted with the host's.
 *
 *   far-end.ts bench FIRMWARE_PORT            chips, baseband and users behind the second UART of the firmware
 *   far-end.ts panel RIG_FILE WIRE [PAYLOAD]  a virtual panel on a serial port or a broker's URL, with chunks of at most PAYLOAD bytes
 *   far-end.ts echo URL TOPIC                 answers TOPIC/ask on TOPIC/answer with as many bytes as the first two of a message say
 *   far-end.ts broker                         the embedded broker
 *
 * Prints 'ready' and, where it has one, its address; ends with its input.
 */
import { createRealClock } from '../core/clock/real-clock.ts';
import { createVirtualPanel } from '../hil-sim/virtual-panel.ts';
import { attachBench } from '../firmware-protocol/reference/scenario.ts';
import { createRandom } from '../core/signal/random.ts';
import { readRigFile } from '../src/config/rig-file.ts';
import { startEmbeddedBroker } from '../src/link/mqtt/embedded-broker.ts';
import { createMqttPanelEnd } from '../src/link/mqtt/mqtt-panel-end.ts';
import { createSerialPanelEnd } from '../src/link/serial/serial-panel-end.ts';
import { createRigArray } from '../src/rig/simulator.ts';
import { createWorld } from '../src/rig/world.ts';
import { connectBare } from './bare-line.ts';

const BAUD_RATE = 921_600;

const [role, ...words] = process.argv.slice(2);
const address = await begin();
console.log(`ready ${address}`);
process.stdin.on('end', () => process.exit(0)).resume();

async function begin(): Promise<string> {
  switch (role) {
    case 'bench':
      await attachBench({ hostPort: '', benchPort: words[0], pid: 0, complaints: () => '', stop: async () => undefined });
      return words[0];
    case 'panel':
      return openPanel(words[0], words[1], words[2]);
    case 'echo':
      return openEcho(words[0], words[1]);
    case 'broker':
      return (await startEmbeddedBroker({ port: 0 })).url;
    default:
      throw new Error(`${role} is none of bench, panel, echo, broker`);
  }
}

/** The panel is named by the first link of the rig file. */
async function openPanel(rigPath: string, wire: string, payload: string | undefined): Promise<string> {
  const rig = readRigFile(rigPath);
  const panelSerial = rig.links[0]?.panel ?? 'BOARD-0001';
  const random = createRandom(rig.seed).stream('simulator');
  const world = createWorld({ rig, random, repeat: true });
  const panel = createVirtualPanel({
    clock: createRealClock(),
    array: createRigArray(rig, random),
    scene: world.scene,
    noise: 1,
    random: random.stream('panel'),
    capabilities: { panelSerial, ...(payload === undefined ? {} : { maxPayloadBytes: Number(payload) }) },
    onLatch: (beamId) => world.latched(beamId),
  });
  const end = wire.startsWith('mqtt')
    ? createMqttPanelEnd({ url: wire, topicPrefix: 'beamrig', panel: panelSerial })
    : createSerialPanelEnd({ path: wire, baudRate: BAUD_RATE });
  await end.open(panel);
  return wire;
}

async function openEcho(url: string, topic: string): Promise<string> {
  const client = await connectBare(url);
  client.on('message', (_topic, asked) => client.publish(`${topic}/answer`, Buffer.alloc(asked[0] + 256 * asked[1], 1)));
  await client.subscribeAsync(`${topic}/ask`);
  return topic;
}

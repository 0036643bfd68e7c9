/**
 * Beams that are sent beside beams that lie in the panel's memory: bytes on the wire and time until one is radiated, on one link in turn.
 *
 *   npx tsx bench/beam-memory.ts [--rounds 200]
 *
 * Over a pseudo terminal with the reference firmware (64 × 4 ADAR1000 channels), and over the embedded broker. Needs gcc.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createRealClock } from '../core/clock/real-clock.ts';
import { createRandom } from '../core/signal/random.ts';
import { createMqttLink } from '../src/link/mqtt/mqtt.ts';
import { createSerialLink } from '../src/link/serial/serial.ts';
import type { Link } from '../src/link/link.ts';
import { createPanel } from '../src/panel/panel-driver.ts';
import type { Result } from '../src/panel/panel.ts';
import { CHAINS, ELEMENTS, USERS, randomBeam } from './links-frames.ts';
import { openLinksBench } from './links-wires.ts';
import { percentiles } from './statistics.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '200' } } });
const rounds = Number(values.rounds);
const KEPT = 8;
const WARM_UP = 50;
const random = createRandom(1);
const bench = openLinksBench();
try {
  await compare('pty, host firmware', createSerialLink({ name: 'firmware', path: await bench.firmware(), baudRate: 921_600 }));
  await bench.endAll();
  const url = await bench.farEnd('broker');
  const rig = join(bench.folder, 'memory.yaml');
  writeFileSync(
    rig,
    `name: memory
array: { geometry: { kind: ula, elements: ${ELEMENTS} }, rfChains: ${CHAINS}, phaseBits: 6 }
users: { count: ${USERS} }
beamformer: { model: aligned }
links: [ { panel: BOARD-0001, mqtt: { url: '${url}' } } ]
`,
  );
  await bench.farEnd('panel', rig, url);
  await compare('MQTT', createMqttLink({ url, topicPrefix: 'beamrig', panel: 'BOARD-0001', random: random.stream('mqtt') }));
} finally {
  await bench.close();
}

async function compare(name: string, link: Link): Promise<void> {
  let bytes = 0;
  const send = link.send.bind(link);
  link.send = (frame) => {
    bytes += frame.length;
    return send(frame);
  };
  const panel = createPanel({ link, clock: createRealClock(), random: random.stream(name) });
  const { phaseBits } = await must(panel.connect());
  const kept = Array.from({ length: KEPT }, () => randomBeam(phaseBits));
  for (const [position, beam] of kept.entries()) await must(panel.storeBeam(beam, position, true));
  let newest = kept[KEPT - 1].beamId;
  const took = { sent: new Float64Array(rounds), selected: new Float64Array(rounds) };
  const onWire = { sent: 0, selected: 0 };
  for (let i = -WARM_UP; i < rounds; i++) {
    for (const way of ['sent', 'selected'] as const) {
      const beam = { ...(way === 'sent' ? randomBeam(phaseBits) : kept[(i + WARM_UP) % KEPT]), beamId: ++newest };
      const before = bytes;
      const startMs = performance.now();
      await must(panel.apply(beam));
      if (i < 0) continue;
      took[way][i] = performance.now() - startMs;
      onWire[way] += bytes - before;
    }
  }
  if ((panel.counters.selectedBeams ?? 0) !== rounds + WARM_UP)
    throw new Error(`${name}: beams were not switched to in the memory`);
  await panel.close();
  const ms = { sent: percentiles(took.sent).p50, selected: percentiles(took.selected).p50 };
  const each = { sent: onWire.sent / rounds, selected: onWire.selected / rounds };
  console.log(
    `${name}: ${each.sent.toFixed(1)} bytes and ${ms.sent.toFixed(2)} ms a beam that is sent, ${each.selected.toFixed(1)} bytes and ${ms.selected.toFixed(2)} ms from memory: 1/${(each.sent / each.selected).toFixed(1)} of the bytes, ${(ms.selected / ms.sent).toFixed(2)} of the time`,
  );
}

async function must<T>(result: Promise<Result<T>>): Promise<T> {
  const answer = await result;
  if (!answer.ok) throw new Error(JSON.stringify(answer.failure));
  return answer.value;
}

/** What goes over the wire to a real broker, byte by byte: promises that show only after minutes, or only to a broker that is slow or hostile. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Mosquitto } from '../../scripts/mosquitto.ts';
import { hasPart } from '../parts.ts';
import { linkTo, panelOn } from './mqtt-ends.ts';
import { echo } from '../doubles/echo.ts';
import { eventually } from './test-broker.ts';

const CONNECT = 1;
const PUBLISH = 3;

interface Packet {
  type: number;
  flags: number;
  body: Buffer;
}

/** MQTT 5, section 2.1: a byte of type and flags, the length in groups of seven bits, and so many bytes. */
function packetsIn(bytes: Buffer): Packet[] {
  const packets: Packet[] = [];
  for (let at = 0; at < bytes.length;) {
    const [first] = bytes.subarray(at++);
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const group = bytes[at++];
      length |= (group & 0x7f) << shift;
      if (group < 0x80) break;
    }
    packets.push({ type: first >> 4, flags: first & 0x0f, body: bytes.subarray(at, at + length) });
    at += length;
  }
  return packets;
}

describe.skipIf(!hasPart('mosquitto'))('the packets of an MQTT link [needs mosquitto]', () => {
  let broker: Mosquitto;
  let ends: (() => unknown)[];

  beforeEach(async () => {
    broker = await Mosquitto.place();
    await broker.start();
    ends = [() => broker.remove()];
  });
  afterEach(async () => {
    for (const end of ends.reverse()) await end();
  });

  /** A wire to the broker that keeps what the client says on its only connection. */
  async function tapped(): Promise<{ url: string; said: () => Packet[] }> {
    const chunks: Buffer[] = [];
    const server = createServer((near) => {
      const far = connect({ port: broker.port, host: '127.0.0.1' });
      near.on('data', (chunk: Buffer) => chunks.push(chunk));
      near.pipe(far).pipe(near);
      for (const socket of [near, far]) socket.on('error', () => undefined); // its close ends the other one
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    ends.push(() => server.close());
    return {
      url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
      said: () => packetsIn(Buffer.concat(chunks)),
    };
  }

  async function both() {
    const [hostWire, panelWire] = [await tapped(), await tapped()];
    const peer = echo();
    const { end } = await panelOn(peer, { url: panelWire.url });
    ends.push(() => end.close());
    const host = linkTo({ url: hostWire.url });
    ends.push(() => host.link.close());
    await host.link.open();
    host.link.send(Uint8Array.of(1));
    await eventually('an echo', () => host.received.length === 1);
    return { host: hostWire.said(), panel: panelWire.said() };
  }

  it('promise a sign of life every four seconds, and take no packet that is longer than a frame can need', async () => {
    const { host, panel } = await both();
    for (const [connecting] of [host, panel]) {
      expect(connecting.type).toBe(CONNECT);
      const { body } = connecting;
      expect([body.toString('latin1', 2, 6), body[6]]).toEqual(['MQTT', 5]);
      expect(body.readUInt16BE(8)).toBe(4);
      const properties = body.subarray(11, 11 + body[10]);
      expect([...properties]).toEqual([0x27, 0, 0, 0x40, 0]); // maximum packet size: 16,384
    }
  });

  it('leave a last will that is kept, with an answer to it', async () => {
    const { host, panel } = await both();
    // Clean start, a will, of QoS 1, retained; neither user nor password.
    for (const [connecting] of [host, panel]) expect(connecting.body[7]).toBe(0b0010_1110);
  });

  it('give a frame one second on its way, and retain none', async () => {
    const { host, panel } = await both();
    for (const packets of [host, panel]) {
      // Beside what the host says to itself, to learn how long a frame may be.
      const frames = packets.filter(
        ({ type, flags, body }) => type === PUBLISH && (flags & 0b0110) === 0 && !body.includes('probe'),
      );
      expect(frames).toHaveLength(1);
      const [{ flags, body }] = frames;
      const topicEnd = 2 + body.readUInt16BE(0);
      expect(body.toString('utf8', 2, topicEnd)).toMatch(/\/to-(panel|host)$/);
      expect(flags & 1).toBe(0);
      expect([...body.subarray(topicEnd + 1, topicEnd + 1 + body[topicEnd])]).toEqual([0x02, 0, 0, 0, 1]); // expires after 1 s
    }
  });
});

/**
 * How long a frame this broker passes on. MQTT 5 lets a broker announce its largest packet; some announce nothing and close the connection on a
 * larger one, or drop it without a word. So the host says something as long as the longest frame to itself, on its own topic, and something
 * short behind it:
 *
 *   long, short ─┬─► both come back: longest frames pass          ├─► the connection is closed: next time the shortest first, then halves
 *                ├─► only the short one: half as long, again      └─► nothing comes back: the topic cannot be read, which others find out
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../../core/clock/clock.ts';
import { MAX_FRAME_BYTES } from '../../../firmware-protocol/limits.ts';
import { LinkRefused } from '../link.ts';
import type { BrokerConnection } from './mqtt-connection.ts';
import type { PanelTopics } from './mqtt-topics.ts';

/** A sealed frame with the least payload that a panel may ask for has 88, a sealed word about who is there some 150. */
export const SHORTEST_FRAME_BYTES = 160;
const ECHO_MS = 1000;

/** A connection may have been closed for another reason: the whole length is tried again when the last time is so long ago. */
const FORGOTTEN_MS = 60_000;

/** What one panel's host knows of its broker, over all connections. */
export interface RoomProbe {
  /** The longest frame that passes; what was not tried yet counts as passing. */
  readonly bytes: number;
  /** Finds out what passes now. 'closed': connect again and call it again. @throws {LinkRefused} when it is too little */
  look(connection: BrokerConnection, topics: Pick<PanelTopics, 'host' | 'toPanel'>): Promise<'known' | 'closed'>;
  /** A message on the topic: true when it is one of ours that came back. */
  received(payload: Uint8Array): boolean;
}

export const tooNarrow = (shownUrl: string): LinkRefused =>
  new LinkRefused(
    `${shownUrl}: the broker passes on no message of ${SHORTEST_FRAME_BYTES} bytes, and a panel's frames take up to ${MAX_FRAME_BYTES}`,
    `Let it take packets of ${MAX_FRAME_BYTES + 500} bytes (mosquitto: max_packet_size, message_size_limit); with less, beams go in smaller pieces.`,
  );

export function createRoomProbe(clock: Clock, shownUrl: string): RoomProbe {
  const id = randomBytes(6).toString('hex');
  let room = MAX_FRAME_BYTES;
  /** The broker closed the connection on the last one that was tried. */
  let closed = false;
  let closedMs = -Infinity;
  let turn = 0;
  let come = new Set<string>();
  let notify: () => void = () => undefined;

  const say = (connection: BrokerConnection, topic: string, kind: 'long' | 'short', bytes: number): void => {
    const head = `{"probe":"${id}-${turn}-${kind}","pad":"`;
    connection.sendFrame(topic, Buffer.from(`${head}${'x'.repeat(Math.max(0, bytes - head.length - 2))}"}`));
  };

  /** @returns whether something so long came back; undefined when nothing did */
  const passes = async (connection: BrokerConnection, topic: string, bytes: number): Promise<boolean | undefined> => {
    turn++;
    come = new Set();
    say(connection, topic, 'long', bytes);
    say(connection, topic, 'short', 0);
    await new Promise<void>((resolve) => {
      const done = (): boolean => come.has('short') || !connection.alive;
      const cancel = clock.after(ECHO_MS, resolve);
      const stop = connection.onEnd(() => notify());
      notify = () => {
        if (!done()) return;
        cancel();
        stop();
        resolve();
      };
      notify();
    });
    return come.has('long') ? true : come.has('short') ? false : undefined;
  };

  return {
    get bytes() {
      return room;
    },
    async look(connection, { host: topic, toPanel }) {
      if (!closed && clock.nowMs() - closedMs > FORGOTTEN_MS) room = MAX_FRAME_BYTES;
      room = Math.min(room, connection.largestFrameBytes(toPanel));
      if (room < SHORTEST_FRAME_BYTES) throw tooNarrow(shownUrl);
      const narrow = (): void => {
        room = Math.max(SHORTEST_FRAME_BYTES, Math.floor(room / 2));
      };
      // After it was thrown out, the shortest first: perhaps the length was not why.
      if (closed) {
        const passed = await passes(connection, topic, SHORTEST_FRAME_BYTES);
        if (!connection.alive || passed === undefined) return 'known';
        closed = false;
      }
      for (;;) {
        const tried = room;
        const passed = await passes(connection, topic, tried);
        if (!connection.alive) {
          closed = true;
          closedMs = clock.nowMs();
          narrow();
          return 'closed';
        }
        if (passed !== false) return 'known';
        closedMs = clock.nowMs();
        if (tried === SHORTEST_FRAME_BYTES) throw tooNarrow(shownUrl);
        narrow();
      }
    },
    received(payload) {
      const prefix = `{"probe":"${id}-${turn}-`;
      const text = Buffer.from(payload.subarray(0, prefix.length + 5)).toString('latin1');
      if (!text.startsWith(`{"probe":"${id}-`)) return false;
      if (text.startsWith(prefix)) come.add(text.slice(prefix.length).startsWith('long') ? 'long' : 'short');
      notify();
      return true;
    },
  };
}

/**
 * A page without a browser: as much of WebSocket (RFC 6455), engine.io and socket.io as it takes to watch a rig, to say of each frame that it was drawn,
 * and to stop reading. What is lost is opened again, as pages do.
 */
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';

export interface PageClient {
  /** Frames that came. */
  readonly frames: number;
  /** Reads nothing of what comes, until it does again. */
  hang(hangs: boolean): void;
  close(): void;
}

const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
const AGAIN_MS = 500;
/** engine.io's answer to its ping, socket.io's greeting, and what the page wants to see. */
const ALIVE = '3';
const HELLO = '40';
const WATCH = '42["watch",["words","beampattern"]]';
/** An event that is to be acknowledged, with or without parts in binary. */
const ASKS = /^4(?:2|5\d+-)(\d+)\[/;

/** Resolves once it is connected. @param url of the page */
export async function openPage(url: string): Promise<PageClient> {
  let socket: Socket | undefined;
  let hangs = false;
  let isClosed = false;
  let frames = 0;

  const connect = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const asking = request(new URL('socket.io/?EIO=4&transport=websocket', url), {
        headers: {
          ...{ Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' },
          'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
        },
      });
      asking.once('error', reject);
      asking.once('response', ({ statusCode = 0 }) =>
        reject(new BeamrigError('argument', `${url} lets no page in: it answers ${statusCode}`)),
      );
      asking.once('upgrade', (_answer, opened: Socket, head: Buffer) => {
        socket = opened;
        const say = (text: string): void => void opened.write(masked(TEXT, Buffer.from(text)));
        const take = reader((opcode, payload) => {
          if (opcode === PING) opened.write(masked(PONG, payload));
          if (opcode === CLOSE) opened.destroy();
          if (opcode !== TEXT) return;
          const text = payload.toString('utf8');
          if (text.startsWith('0')) say(HELLO);
          else if (text === '2') say(ALIVE);
          else if (text.startsWith(HELLO)) {
            say(WATCH);
            resolve();
          }
          const id = ASKS.exec(text)?.[1];
          if (id === undefined) return;
          frames++;
          say(`43${id}[]`);
        });
        opened.on('data', take);
        opened.on('error', () => undefined); // that it has ended is seen by its end
        opened.once('close', () => {
          if (!isClosed) setTimeout(again, AGAIN_MS);
        });
        take(head);
        if (hangs) opened.pause();
      });
      asking.end();
    });
  const again = (): void => {
    if (!isClosed) connect().catch(() => setTimeout(again, AGAIN_MS));
  };

  await connect();
  return {
    get frames() {
      return frames;
    },
    hang(next) {
      hangs = next;
      if (next) socket?.pause();
      else socket?.resume();
    },
    close() {
      isClosed = true;
      socket?.destroy();
    },
  };
}

/** A client's frame, which is masked. */
function masked(opcode: number, payload: Buffer): Buffer {
  const mask = randomBytes(4);
  const head = payload.length < 126 ? [payload.length | 0x80] : [126 | 0x80, payload.length >> 8, payload.length & 0xff];
  return Buffer.concat([Buffer.from([0x80 | opcode, ...head]), mask, payload.map((byte, i) => byte ^ mask[i % 4])]);
}

/** Frames of a server, which are not masked; the parts of one that came in several are joined. */
function reader(onMessage: (opcode: number, payload: Buffer) => void): (bytes: Buffer) => void {
  let waiting = Buffer.alloc(0);
  let parts: Buffer[] = [];
  let first = 0;
  return (bytes) => {
    waiting = Buffer.concat([waiting, bytes]);
    for (;;) {
      if (waiting.length < 2) return;
      const short = waiting[1] & 0x7f;
      const head = short === 127 ? 10 : short === 126 ? 4 : 2;
      if (waiting.length < head) return;
      const length = short === 127 ? Number(waiting.readBigUInt64BE(2)) : short === 126 ? waiting.readUInt16BE(2) : short;
      if (waiting.length < head + length) return;
      const opcode = waiting[0] & 0x0f;
      const payload = waiting.subarray(head, head + length);
      const isLast = (waiting[0] & 0x80) !== 0;
      waiting = waiting.subarray(head + length);
      if (opcode >= CLOSE) {
        onMessage(opcode, payload);
        continue;
      }
      if (opcode !== 0) first = opcode;
      parts.push(payload);
      if (!isLast) continue;
      const whole = Buffer.concat(parts);
      parts = [];
      onMessage(first, whole);
    }
  };
}

/**
 * The connection of one page, guarded: what it has not read, what it sends too much of, and what it is called.
 *
 * Frames wait for the page's acknowledgement, but that says nothing of the connection: whoever acknowledges without reading would have every
 * frame kept for him. So a frame is sent only when all before it has left this machine, and a page that does not read is hung up on.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP, type Socket as Connection } from 'node:net';
import type { Socket } from 'socket.io';
import { Allowance, BYTES_A_SECOND, BYTES_AT_ONCE, SLOWEST_FRAME_MS, UNREAD_BYTES, UNREAD_MS } from './page-limits.ts';

/** Why a page was hung up on. */
export type HungUp = 'unread' | 'flood' | 'place';

export class PageLine {
  readonly #engine: Socket['conn'];
  readonly #connection: Connection;
  readonly #bytes = new Allowance(BYTES_A_SECOND, BYTES_AT_ONCE);
  #receivedBytes: number;
  #leftBytes = 0;
  /** When bytes last left, and when all had left, while some wait. */
  #movedMs: number | undefined;
  #idleMs: number | undefined;
  #binary = false;

  constructor(engine: Socket['conn']) {
    this.#engine = engine;
    this.#connection = engine.request.socket;
    this.#receivedBytes = this.#connection.bytesRead;
    // A page says nothing in bulk: parts of such a message would be kept until the last of them comes.
    engine.on('packet', ({ data }: { data?: unknown }) => {
      if (data !== undefined && typeof data !== 'string') this.#binary = true;
    });
  }

  /** Everything that was sent has left this machine. */
  get idle(): boolean {
    const idle = this.#engine.transport.writable && this.#connection.writableLength === 0;
    if (idle) this.#idleMs = undefined;
    return idle;
  }

  /** Everything said within `say` leaves in one piece: engine.io would send the first part alone and wait until it has left. */
  together(say: () => void): void {
    const { transport } = this.#engine;
    this.#connection.cork();
    transport.writable = false;
    try {
      say();
    } finally {
      transport.writable = true;
      transport.emit('ready');
      this.#connection.uncork();
    }
  }

  /** Why the page has to be hung up on, looked at now and then. */
  trouble(nowMs: number): HungUp | undefined {
    const { bytesRead, bytesWritten, writableLength } = this.#connection;
    const affordable = this.#bytes.take(nowMs, bytesRead - this.#receivedBytes);
    this.#receivedBytes = bytesRead;
    if (!affordable || this.#binary) return 'flood';
    if (writableLength > UNREAD_BYTES) return 'unread';
    if (this.idle) return undefined;
    const leftBytes = bytesWritten - writableLength;
    if (this.#idleMs === undefined || leftBytes !== this.#leftBytes) this.#movedMs = nowMs;
    this.#idleMs ??= nowMs;
    this.#leftBytes = leftBytes;
    // Reading a byte now and then is not reading.
    const unread = nowMs - (this.#movedMs ?? nowMs) > UNREAD_MS || nowMs - this.#idleMs > SLOWEST_FRAME_MS;
    return unread ? 'unread' : undefined;
  }

  /** At once, and without a word: a farewell would have to be read. */
  hangUp(): void {
    this.#connection.destroy();
  }
}

/**
 * Where a page is, as honestly as it can be told: behind a proxy only the proxy's address is certain.
 * @param address of the other end of the connection
 */
export function whereIs(address: string, headers: IncomingHttpHeaders): string {
  const plain = plainAddress(address);
  const last = claimedAddress(headers);
  if (last === '') return plain;
  return isIP(last) === 0 ? `through a proxy at ${plain}` : `${plainAddress(last)}, says the proxy at ${plain}`;
}

/** What the proxy nearest to us says of whom it speaks for; '' where it says nothing. Anybody can send that. */
export function claimedAddress(headers: IncomingHttpHeaders): string {
  const claimed = headers['x-forwarded-for'];
  return (Array.isArray(claimed) ? claimed.join() : (claimed ?? '')).split(',').at(-1)?.trim() ?? '';
}

/** An IPv4 address that came in on an IPv6 socket, as people write it. */
export const plainAddress = (address: string): string =>
  address === '' ? 'unknown address' : address.replace(/^::ffff:(?=\d+\.)/i, '');

/**
 * A stranger at the page's socket: a WebSocket written out by hand over TCP, so that it can do what no browser does, such as answering frames
 * that it never read.
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

export class RawPage {
  readonly socket: Socket;
  closed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('close', () => (this.closed = true));
  }

  /** A connection that has said nothing yet. */
  static connect(url: string): Promise<RawPage> {
    const { hostname, port } = new URL(url);
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname);
      socket.once('error', reject);
      socket.once('connect', () => resolve(new RawPage(socket)));
    });
  }

  /** A page that was let in. */
  static async open(url: string, headers: Record<string, string> = {}): Promise<RawPage> {
    const page = await RawPage.connect(url);
    const lines = Object.entries({
      Host: new URL(url).host,
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
      ...headers,
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    const answer = new Promise<string>((resolve) => page.socket.once('data', (bytes) => resolve(bytes.toString('latin1'))));
    page.socket.write(`GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n${lines.join('')}\r\n`);
    const first = await answer;
    if (!first.startsWith('HTTP/1.1 101')) throw new Error(`not let in: ${first}`);
    page.say('40');
    return page;
  }

  /** Sends a text frame. */
  say(text: string): void {
    this.frame(0x81, Buffer.from(text));
  }

  /** Sends a frame whose first byte is this: 0x81 text, 0x82 binary, 0x89 ping. At most 65,535 bytes. */
  frame(firstByte: number, payload: Buffer): void {
    if (this.closed) return;
    const long = payload.length > 125;
    const head = Buffer.from(
      long ? [firstByte, 0x80 | 126, payload.length >> 8, payload.length & 0xff] : [firstByte, 0x80 | payload.length],
    );
    this.socket.write(Buffer.concat([head, Buffer.alloc(4), payload])); // masked with zeros
  }

  /** Takes nothing from the network any more. */
  stopReading(): void {
    this.socket.pause();
  }

  end(): void {
    this.socket.destroy();
  }
}

/** Links to a serial port that a terminal server (ser2net, raw) or another program has on the network: the bytes of a serial line over TCP. */
import * as z from 'zod';
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import type { LinkKind } from '../link-kind.ts';
import { addressText, connectStream, type TcpAddress } from './tcp-stream.ts';

export interface TcpBlock extends TcpAddress {
  /** Of the line behind the server, where there is one and somebody has said it. */
  baudRate?: number;
}

const MOST_PORT = 65_535;
/** A name or an address, and nothing that belongs to a URL. */
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$/;

const schema = z
  .strictObject({
    host: z
      .string()
      .regex(HOST)
      .meta({ allowed: 'the name or address of a host, without scheme and port' })
      .describe('Where the server is: bench.lab, 192.168.1.20, ::1.'),
    port: z.int().min(1).max(MOST_PORT).describe('Its TCP port for the raw bytes of the line.'),
    baudRate: z
      .int()
      .min(1)
      .max(20_000_000)
      .optional()
      .describe(
        'Bits a second on the line behind it, as the server is set: how long a beam takes follows from it. Default: no slower than TCP.',
      ),
  })
  .describe('A serial line behind a terminal server (ser2net, raw TCP).');

export const tcpKind: LinkKind<TcpBlock, TcpAddress> = {
  schema,
  defaultName: ({ host, port }) =>
    typeof host === 'string' && typeof port === 'number' ? addressText({ host, port }) : undefined,
  sameAs({ host, port }) {
    if (typeof host !== 'string' || typeof port !== 'number') return undefined;
    const written = addressText({ host, port });
    return { key: 'port', written, same: written.toLowerCase() };
  },
  read({ host, port, baudRate }: z.output<typeof schema>) {
    return { host, port, ...(baudRate === undefined ? {} : { baudRate }) };
  },

  describe: ({ block }) => `tcp ${addressText(block)}`,
  place: ({ block }) => ({ where: `tcp ${addressText(block)}` }),
  strangersAction:
    'They are thrown away and counted. Look at the baud rate that the server has for this line, and at what else is connected to it.',
  silentAction: 'Is the panel on, is this its port at the server, raw and not telnet, and has the server the panel’s baud rate?',

  bitsASecond: ({ baudRate }) => baudRate,
  async createLink({ name, block }) {
    const { createStreamLink } = await import('../stream/stream-link.ts');
    return createStreamLink({
      kind: 'tcp',
      name,
      where: addressText(block),
      openStream: (events) => connectStream(block, events),
    });
  },

  readFlag(text) {
    const [, bracketed, plain, digits = text] = /^(?:(?:\[([^\]]*)\]|([^:]*)):)?([^:]*)$/.exec(text) ?? [];
    const host = bracketed ?? plain ?? LOOPBACK;
    const port = /^\d+$/.test(digits) ? Number(digits) : NaN;
    if (HOST.test(host) && port >= 1 && port <= MOST_PORT) return { host, port };
    throw new BeamrigError('argument', `--tcp ${text}: not allowed; allowed: [HOST:]PORT, a port from 1 to ${MOST_PORT}`, {
      wayOut: 'Without a host the panel listens on this machine alone; 0.0.0.0 is all of its addresses.',
    });
  },
  // Both ends have one address: the panel listens where its host looks for it.
  endOf: ({ block: { host, port } }) => ({ host, port }),
  async createPanelEnd(end) {
    const { createTcpPanelEnd } = await import('./tcp-panel-end.ts');
    return createTcpPanelEnd(end);
  },
};

const LOOPBACK = '127.0.0.1';

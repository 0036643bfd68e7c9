/** The link to a panel on a serial port, which it keeps to itself while it is open. */
import type { Link } from '../link.ts';
import { createStreamLink } from '../stream/stream-link.ts';
import { requireBaudRate } from './serial-port-errors.ts';
import { openSerialPort } from './serial-port.ts';

export interface SerialLinkOptions {
  /** For messages; default the path. */
  name?: string;
  /** '/dev/ttyUSB0', or better a name that lasts: '/dev/serial/by-id/…'. */
  path: string;
  baudRate: number;
}

/**
 * A closed link to the port at `path`. The line may leave 64 KiB unsent; what comes on top is refused.
 * @throws {LinkError} for a baud rate that is no whole number above 0; `open` says what is wrong with the port
 */
export function createSerialLink(options: SerialLinkOptions): Link {
  const { path, baudRate, name = path } = options;
  requireBaudRate(path, baudRate);
  return createStreamLink({
    kind: 'serial',
    name,
    where: path,
    openStream: (events) => openSerialPort({ path, baudRate, ...events }),
  });
}

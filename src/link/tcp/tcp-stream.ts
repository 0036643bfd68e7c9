/** One TCP connection as a stream of bytes, for both ends of it: small frames go out at once, and what nobody reads is not kept without end. */
import { connect, type Socket } from 'node:net';
import { LinkError, type LinkCause } from '../link.ts';
import type { ByteStream, StreamEvents } from '../stream/stream-link.ts';

/** What may wait for an end that takes nothing, beside what the kernels hold. */
export const MAX_UNSENT_BYTES = 65_536;
/** A server that is there answers within a round trip. */
const CONNECT_MS = 2000;
/** An end that vanished without a word is found out in this and ten seconds more, but not while bytes of ours wait for its kernel: then the system gives up, in minutes. */
const KEEP_ALIVE_MS = 5000;
/** How long what was sent last may take to leave when the connection is closed. */
const GRACE_MS = 200;

export interface TcpAddress {
  host: string;
  port: number;
}

/** 'bench.lab:4001', '[::1]:4001' */
export const addressText = ({ host, port }: TcpAddress): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** Addresses that nobody answers at now, and may later. */
const AWAY: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN', 'ETIMEDOUT'],
  ...['ENOTFOUND', 'EAI_AGAIN', 'EPIPE'],
]);

/** @throws {LinkError} 'server-unreachable' while nobody answers there, 'server-failed' otherwise */
export async function connectStream(address: TcpAddress, events: StreamEvents): Promise<ByteStream> {
  const socket = connect({ ...address, timeout: CONNECT_MS });
  await new Promise<void>((resolve, reject) => {
    const fail = (code: string, what: string, cause?: unknown): void => {
      socket.destroy();
      reject(unreachable(address, code, what, cause));
    };
    socket.once('connect', resolve);
    socket.once('timeout', () => fail('ETIMEDOUT', `no answer within ${CONNECT_MS / 1000} s`));
    socket.once('error', (error: NodeJS.ErrnoException) => fail(error.code ?? '', reasonOf(error), error));
  });
  // Only ours: a socket has listeners of its own.
  socket.removeAllListeners('timeout').removeAllListeners('error').setTimeout(0);
  return streamOver(socket, events);
}

/** A connection that is there. */
export function streamOver(socket: Socket, { onBytes, onGone }: StreamEvents): ByteStream {
  let open = true;
  let spoken = false;
  let failure: string | undefined;
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  socket.on('error', (error: NodeJS.ErrnoException) => (failure = reasonOf(error)));
  socket.on('data', (bytes: Buffer) => {
    spoken = true;
    if (open) onBytes(bytes);
  });
  socket.on('close', () => {
    if (!open) return;
    open = false;
    const how = failure === undefined ? 'the other end closed the connection' : `the connection was lost: ${failure}`;
    onGone(spoken ? how : `${how} before it had said anything, as a panel does that has another host`);
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return {
    write(bytes) {
      if (!open || socket.destroyed || socket.writableLength + bytes.length > MAX_UNSENT_BYTES) return false;
      socket.write(bytes);
      return true;
    },
    close() {
      open = false;
      // What waits for an end that does not read is forgotten; what the kernel has taken, a last safe state among it, still goes out.
      if (socket.writableLength > 0) socket.destroy();
      else if (!socket.destroyed) {
        socket.end();
        setTimeout(() => socket.destroy(), GRACE_MS).unref();
      }
      return closed;
    },
  };
}

function unreachable(address: TcpAddress, code: string, what: string, cause: unknown): LinkError {
  const reason: LinkCause = AWAY.has(code) ? 'server-unreachable' : 'server-failed';
  return new LinkError(reason, `${addressText(address)}: ${what}.`, {
    wayOut: 'Start what listens there (a terminal server such as ser2net, or `beamrig panel --tcp`), or correct host and port.',
    cause,
  });
}

function reasonOf({ code = '', message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'connection refused, nothing listens on this port';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'no host has this name';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'the host cannot be reached from here';
    case 'ETIMEDOUT':
      return 'the other end answers no more';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'the other end broke it off';
    default:
      return code === '' ? message : code;
  }
}

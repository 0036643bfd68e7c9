/**
 * A broker for a bench that has none: aedes, in this process, in memory. On loopback unless told otherwise; with a user and password, TLS,
 * and client certificates where they are given. It speaks MQTT 3.1.1; nothing survives its end.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { createServer as createTlsServer } from 'node:tls';
import { Aedes } from 'aedes';
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import { readBoundedFile } from '../../../core/files/bounded-file.ts';
import { LARGEST_PEM } from './mqtt-settings.ts';

export interface EmbeddedBrokerOptions {
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 1883, with TLS 8883; 0 takes any free one. */
  port?: number;
  /** Only this user may come. Both or neither. */
  user?: string;
  password?: string;
  /** PEM files of the broker's certificate and its key: both or neither; then only TLS is spoken. */
  tlsCert?: string;
  tlsKey?: string;
  /** PEM file of an authority: clients need a certificate that it signed. */
  ca?: string;
  /** Clients coming and going, and who was turned away. */
  onClient?: (event: { client: string; what: 'connected' | 'left' | 'refused'; detail?: string }) => void;
}

export interface EmbeddedBroker {
  /** As a rig file names it: of a broker on all addresses, with the name of this machine. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** A client that does not take what is sent to it for so long is put out: it would hold up all others. */
const DRAIN_MS = 5000;

/** @throws {BeamrigError} 'port-in-use', or 'argument' for files and addresses that cannot be used */
export async function startEmbeddedBroker(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
  const { host = '127.0.0.1', onClient = () => undefined } = options;
  const tls = readTls(options);
  const { port = tls === undefined ? 1883 : 8883 } = options;
  const allows = loginOf(options);
  // The server first: it refuses bad files, and a broker that nobody closes would keep the process alive.
  const server = tls === undefined ? createTcpServer() : tlsServer(tls);
  const aedes = await Aedes.createBroker({
    drainTimeout: DRAIN_MS,
    authenticate: (client, username, password, done) => {
      const allowed = allows(username, password);
      if (!allowed) onClient({ client: client.id, what: 'refused', detail: 'wrong user or password' });
      done(allowed ? null : Object.assign(new Error('wrong user or password'), { returnCode: 4 as const }), allowed);
    },
  });
  aedes.on('clientReady', (client) => onClient({ client: client.id, what: 'connected' }));
  aedes.on('clientDisconnect', (client) => onClient({ client: client.id, what: 'left' }));
  aedes.on('keepaliveTimeout', (client) => onClient({ client: client.id, what: 'left', detail: 'no sign of life' }));

  const sockets = new Set<Socket>();
  server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    socket.setNoDelay(true);
    aedes.handle(socket);
  });
  // The TCP sockets, so that the end does not wait for clients that stay, nor for handshakes under way.
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined); // its close is what counts
  });
  server.on('tlsClientError', (error: Error, socket: Socket) => {
    onClient({ client: socket.remoteAddress ?? 'a client', what: 'refused', detail: `TLS: ${error.message}` });
  });
  try {
    await listen(server, host, port);
  } catch (error) {
    aedes.close();
    throw error;
  }
  const taken = (server.address() as AddressInfo).port;
  return {
    url: `${tls === undefined ? 'mqtt' : 'mqtts'}://${nameOf(host)}:${taken}`,
    port: taken,
    close: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const socket of sockets) socket.destroy();
      await closed;
      await new Promise<void>((resolve) => {
        aedes.close(() => resolve());
      });
    },
  };
}

function nameOf(host: string): string {
  if (host === '0.0.0.0' || host === '::') return hostname();
  return host.includes(':') ? `[${host}]` : host;
}

function tlsServer(tls: { cert: Buffer; key: Buffer; ca?: Buffer }): Server {
  try {
    return createTlsServer({ ...tls, requestCert: tls.ca !== undefined });
  } catch (error) {
    throw new BeamrigError('argument', `--tls-cert and --tls-key cannot be used: ${(error as Error).message}`, {
      wayOut: 'Give a certificate and its own key, both in PEM; examples/mqtt/README.md has commands that make them.',
      cause: error,
    });
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const cause = { cause: error };
      if (error.code === 'EADDRINUSE') {
        const wayOut = 'Another broker may be running there: use it, or choose another port with --port.';
        return reject(new BeamrigError('port-in-use', `port ${port} of ${host} is in use`, { wayOut, ...cause }));
      }
      const why =
        {
          EACCES: 'this user may not listen there',
          EADDRNOTAVAIL: 'this is no address of this machine',
          ENOTFOUND: 'no such host',
        }[error.code ?? ''] ?? error.message;
      reject(
        new BeamrigError('argument', `--host ${host} --port ${port}: ${why}`, {
          wayOut: 'Leave --host out for this machine only.',
          ...cause,
        }),
      );
    });
    server.listen(port, host, resolve);
  });
}

function loginOf({ user, password }: EmbeddedBrokerOptions): (username?: string, password?: Readonly<Buffer>) => boolean {
  if (user === undefined && password === undefined) return () => true;
  if (user === undefined || password === undefined) {
    const missing = user === undefined ? 'user' : 'password';
    throw new BeamrigError('argument', `a broker with a login needs user and password, and the ${missing} is missing`, {
      wayOut: 'Give --user and --password-env, or neither.',
    });
  }
  const digest = (text: string | Readonly<Buffer>): Buffer => createHash('sha256').update(text).digest();
  const expected = [digest(user), digest(password)];
  return (givenUser = '', givenPassword = Buffer.alloc(0)) => {
    // Both are compared, and in the same time whatever they are.
    const right = [digest(givenUser), digest(givenPassword)].map((given, index) => timingSafeEqual(given, expected[index]));
    return right.every(Boolean);
  };
}

function readTls({ tlsCert, tlsKey, ca }: EmbeddedBrokerOptions): { cert: Buffer; key: Buffer; ca?: Buffer } | undefined {
  if (tlsCert === undefined && tlsKey === undefined && ca === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new BeamrigError('argument', 'TLS needs the broker’s certificate and its key', {
      wayOut: 'Give --tls-cert and --tls-key; examples/mqtt/README.md has commands that make them.',
    });
  }
  const read = (flag: string, path: string): Buffer => {
    const file = readBoundedFile(path, { maxBytes: LARGEST_PEM });
    if (file.ok) return file.bytes;
    throw new BeamrigError('argument', `${flag} ${path}: ${file.why}`, {
      wayOut: 'Give the path of a PEM file that this user may read.',
      cause: file.cause,
    });
  };
  return { cert: read('--tls-cert', tlsCert), key: read('--tls-key', tlsKey), ...(ca !== undefined && { ca: read('--ca', ca) }) };
}

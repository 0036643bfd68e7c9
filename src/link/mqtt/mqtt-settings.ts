/**
 * How a broker is reached, checked before anything is sent: the scheme says whether TLS is used and nothing else does, files are read and
 * understood here, and what is wrong is said with its field. Passwords come in by their own field only and are in no message.
 */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import { readBoundedFile } from '../../../core/files/bounded-file.ts';

export interface MqttOptions {
  /** mqtt://host[:1883], or mqtts://host[:8883] for TLS. */
  url: string;
  topicPrefix: string;
  username?: string;
  password?: string;
  /** The environment variable that the password came from, for messages. */
  passwordEnv?: string;
  /** The flag that gave `url`, for messages: advice speaks of it and not of the rig file. */
  flag?: '--mqtt';
  /** PEM of the authority that signed the broker's certificate; without it the system's authorities are trusted. */
  caFile?: string;
  /** PEM of our own certificate and its key, where the broker asks for one. */
  certificateFile?: string;
  keyFile?: string;
}

export interface BrokerSettings {
  /** For messages: without user and password. */
  url: string;
  host: string;
  port: number;
  tls: { ca?: Buffer; cert?: Buffer; key?: Buffer } | undefined;
  username: string | undefined;
  password: string | undefined;
  passwordEnv: string | undefined;
  caFile: string | undefined;
  certificateFile: string | undefined;
  flag: string | undefined;
}

const SCHEME_WAY_OUT = 'Write mqtt://host:1883, or mqtts://host:8883 for TLS.';

/** @throws {BeamrigError} 'link' that names the field, its value and the way out */
export function brokerSettings(options: Omit<MqttOptions, 'topicPrefix'>): BrokerSettings {
  const { username, password, passwordEnv, caFile, certificateFile, keyFile, flag } = options;
  const address = readUrl(options.url, flag);
  if (password !== undefined && username === undefined) {
    throw new BeamrigError('link', `a password is given for ${address.url} and no username`, { wayOut: 'Give username, too.' });
  }
  if ((certificateFile === undefined) !== (keyFile === undefined)) {
    const [given, path, missing] =
      keyFile === undefined ? ['certificateFile', certificateFile, 'keyFile'] : ['keyFile', keyFile, 'certificateFile'];
    throw new BeamrigError('link', `${given} is ${path} and ${missing} is not given; a client certificate needs both`, {
      wayOut: `Give ${missing}, too.`,
    });
  }
  const files = Object.entries({ caFile, certificateFile, keyFile }).filter(([, path]) => path !== undefined);
  if (!address.secure && files.length > 0) {
    throw new BeamrigError('link', `${files[0][0]} is given, and ${address.url} is not encrypted`, {
      wayOut: 'Write mqtts:// and the broker’s TLS port (usually 8883), or leave the file out.',
    });
  }
  const tls = address.secure ? tlsFiles({ caFile, certificateFile, keyFile }) : undefined;
  const { url, host, port } = address;
  return { url, host, port, tls, username, password, passwordEnv, caFile, certificateFile, flag };
}

/**
 * What messages may show of an address that somebody wrote: scheme and host. Where an '@' stands behind a '/', `mqtt://user:99/se@cret`, what
 * a URL takes for the host is the user and the rest his password.
 */
export function shownUrl(text: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (scheme === undefined) return /[@/]/.test(text) ? '(not shown)' : text;
  if (parsed === undefined) return text.includes('@') ? `${scheme}://…` : text;
  const plain = ['', '/'].includes(parsed.pathname) && parsed.search === '' && parsed.hash === '';
  return plain || !text.includes('@') ? `${scheme}://${parsed.host}` : `${scheme}://…`;
}

function readUrl(text: string, field = 'url'): { url: string; host: string; port: number; secure: boolean } {
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (parsed === undefined || scheme === undefined) {
    const port = /^[a-z][a-z0-9+.-]*:\/\/(?:\[[^\]]*\]|[^:/?#@]*):(\d+)$/i.exec(text)?.[1];
    const why = Number(port) > 65_535 ? 'whose port is none; allowed: 1 to 65535' : 'which is no broker’s address';
    throw new BeamrigError('link', `${field} is '${shownUrl(text)}', ${why}`, { wayOut: SCHEME_WAY_OUT });
  }
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  const shown = shownUrl(text);
  if (scheme !== 'mqtt' && scheme !== 'mqtts') {
    const what = scheme === 'ws' || scheme === 'wss' ? 'MQTT over WebSocket, which is not supported' : `the scheme '${scheme}:'`;
    throw new BeamrigError('link', `${field} is '${shown}': ${what}; allowed: mqtt: and mqtts:`, { wayOut: SCHEME_WAY_OUT });
  }
  if (host === '') throw new BeamrigError('link', `${field} is '${shown}', which names no host`, { wayOut: SCHEME_WAY_OUT });
  const seenBy = field === 'url' ? 'rig files are copied into run folders' : 'command lines are seen by everybody on the machine';
  if (parsed.username !== '' || parsed.password !== '') {
    throw new BeamrigError('link', `${field} holds a user or password for ${shown}; ${seenBy}`, {
      wayOut:
        field === 'url'
          ? 'Give username, and the password by passwordEnv: the name of an environment variable.'
          : 'Give a rig file whose link says username and passwordEnv, the name of an environment variable.',
    });
  }
  if (!['', '/'].includes(parsed.pathname) || parsed.search !== '' || parsed.hash !== '') {
    throw new BeamrigError('link', `${field} is '${shown}' and more; after the port nothing may follow`, {
      wayOut: 'Topics start with topicPrefix, which has a field of its own in the rig file.',
    });
  }
  const secure = scheme === 'mqtts';
  const port = parsed.port === '' ? (secure ? 8883 : 1883) : Number(parsed.port);
  if (port === 0) throw new BeamrigError('link', `${field} is '${shown}': port 0 is no port`, { wayOut: SCHEME_WAY_OUT });
  return { url: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`, host, port, secure };
}

/** Room for all authorities that a system trusts. */
export const LARGEST_PEM = 1_000_000;

type Files = Record<'caFile' | 'certificateFile' | 'keyFile', string | undefined>;

function tlsFiles(files: Files): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  const certificate = (field: keyof Files): Buffer | undefined =>
    readPem(files, field, 'a certificate', (pem) => new X509Certificate(pem));
  const ca = certificate('caFile');
  const cert = certificate('certificateFile');
  const key = readPem(files, 'keyFile', 'a private key without a passphrase', (pem) => createPrivateKey(pem));
  if (cert !== undefined && key !== undefined) {
    try {
      createSecureContext({ cert, key });
    } catch (error) {
      throw new BeamrigError('link', `keyFile ${files.keyFile} is not the key of certificateFile ${files.certificateFile}`, {
        wayOut: 'Give the key that the certificate was made for.',
        cause: error,
      });
    }
  }
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

function readPem(files: Files, field: keyof Files, what: string, parse: (pem: Buffer) => unknown): Buffer | undefined {
  const path = files[field];
  if (path === undefined) return undefined;
  // Read again with every new connection, which a pipe cannot be.
  const read = readBoundedFile(path, { maxBytes: LARGEST_PEM, pipes: 'refuse' });
  if (!read.ok) {
    const why = read.reason === 'not-allowed' ? 'no permission to read it' : read.why;
    throw new BeamrigError('link', `${field} is ${path}: ${why}`, {
      wayOut: 'Give the path of a PEM file that this user may read.',
      cause: read.cause,
    });
  }
  const pem = read.bytes;
  try {
    parse(pem);
  } catch (error) {
    throw new BeamrigError('link', `${field} is ${path}, which does not hold ${what} in PEM`, {
      wayOut: 'PEM files start with -----BEGIN; examples/mqtt/README.md has commands that make them.',
      cause: error,
    });
  }
  return pem;
}

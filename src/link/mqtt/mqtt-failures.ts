/** What goes wrong between here and a broker: each cause as a code, and its message with the broker's address and what to do about it. */
import { shownVariable } from '../../../core/errors/variable-name.ts';
import { LinkError, type LinkCause } from '../link.ts';
import type { BrokerSettings } from './mqtt-settings.ts';

/** Reason codes of MQTT 5, and the return codes of 3.1.1 below 0x80. */
export const REASON = {
  oldUnsupportedVersion: 1,
  unsupportedVersion: 132,
  notAuthorised: 135,
} as const;

const UNTRUSTED = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'INVALID_CA',
]);

const UNREACHABLE: ReadonlySet<string> = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
]);

/** Why no connection came about, or why TLS failed. */
export function unreachable(settings: BrokerSettings, error: unknown): LinkError {
  const { code, message, port } = facts(error);
  const { url, host, tls, caFile, flag } = settings;
  const fail = (reason: LinkCause, what: string, wayOut: string): LinkError =>
    new LinkError(UNREACHABLE.has(code) ? 'broker-unreachable' : reason, `${url}: ${what}`, { wayOut, cause: error });
  const start = `Start the broker (\`beamrig broker\` starts one on this machine), or correct ${flag ?? 'url in the rig file'}.`;

  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return fail('broker-unreachable', `no host is called ${host}`, `Correct the host in ${flag ?? 'url'}.`);
  if (code === 'ECONNREFUSED')
    return fail('broker-unreachable', `connection refused, no broker listens on port ${port ?? settings.port}`, start);
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH')
    return fail('broker-unreachable', 'the host cannot be reached from here', `Check network and ${flag ?? 'url'}.`);
  if (code === 'ETIMEDOUT') return fail('broker-unreachable', `no answer (${message})`, start);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return fail(
      'certificate',
      `the broker’s certificate is not for the host name ${host} (${message.replace(/^.*altnames: /, '')})`,
      'Use a name that is in the certificate, or make one with subjectAltName for this name.',
    );
  }
  if (code === 'CERT_HAS_EXPIRED')
    return fail('certificate', 'the broker’s certificate has expired', 'Renew the broker’s certificate.');
  if (code === 'CERT_NOT_YET_VALID')
    return fail('certificate', 'the broker’s certificate is not valid yet', 'Check the clocks of both machines.');
  if (UNTRUSTED.has(code)) {
    return fail(
      'certificate',
      `the broker’s certificate is not trusted (${caFile === undefined ? 'no caFile is given' : `caFile is ${caFile}`}; ${code})`,
      set(settings, 'caFile to the certificate of the authority that signed the broker’s'),
    );
  }
  if (/ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_REQUIRED|CERTIFICATE_EXPIRED|HANDSHAKE_FAILURE)/i.test(code)) {
    return fail(
      'certificate',
      `the broker did not accept our client certificate (${code})`,
      set(settings, 'certificateFile and keyFile to a certificate that the broker’s authority signed'),
    );
  }
  if (tls !== undefined && (code === 'EPROTO' || code.startsWith('ERR_SSL') || code === 'ECONNRESET')) {
    return fail(
      'tls',
      `TLS failed (${code})`,
      'Is this the broker’s TLS port? A broker without TLS is reached by mqtt:// and port 1883.',
    );
  }
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return fail(
      'broker-mute',
      `the connection was cut off (${code})`,
      'Is this a TLS port? Write mqtts:// (usually port 8883) then. ' + start,
    );
  }
  // A system's failures have codes; this is the parser's word on what came in.
  if (code === '') {
    const what = tls === undefined ? 'no MQTT broker, or one that wants TLS' : 'no MQTT broker';
    const secure = tls === undefined ? 'write mqtts:// if it is a TLS port, or ' : '';
    return fail(
      'not-a-broker',
      `what answers there is ${what} (${message})`,
      `Give the broker’s own port: ${secure}correct ${flag ?? 'url'}.`,
    );
  }
  return fail('broker-failed', `the connection failed (${code})`, start);
}

/** Advice on a field of the link: a panel that was given its broker by a flag has none. */
const set = ({ flag }: BrokerSettings, what: string): string =>
  flag === undefined ? `Set ${what}.` : `Give a rig file whose link sets ${what}.`;

/** The broker answered, and the answer was no. */
export function refused(settings: BrokerSettings, code: number): LinkError {
  const { url } = settings;
  const who = clientOf(settings);
  const fail = (reason: LinkCause, what: string, wayOut: string): LinkError =>
    new LinkError(reason, `${url}: ${what}`, { wayOut });
  switch (code) {
    case 4:
    case 5:
    case 134:
    case 135:
      return fail('broker-login', `the broker refused ${who}${passwordOf(settings)} (reason ${code})`, loginAdvice(settings));
    case REASON.oldUnsupportedVersion:
    case REASON.unsupportedVersion:
      return fail('broker-version', 'the broker speaks neither MQTT 5 nor 3.1.1', 'Use a broker that does, as mosquitto 2.');
    case 3:
    case 136:
    case 137:
      return fail(
        'broker-unavailable',
        `the broker is not available now (reason ${code})`,
        'Try again; the broker’s log says why.',
      );
    case 138:
      return fail('broker-banned', `the broker has banned ${who}`, 'The broker’s log says why.');
    default:
      return fail('broker-failed', `the broker refused the connection (reason ${code})`, 'The broker’s log says why.');
  }
}

/** Whom the broker sees. */
function clientOf({ username, certificateFile }: BrokerSettings): string {
  if (username !== undefined) return `user '${username}'`;
  return certificateFile === undefined ? 'clients without a user' : `the client of certificate ${certificateFile}`;
}

function passwordOf({ username, password }: BrokerSettings): string {
  if (username === undefined) return '';
  return password === undefined ? ' without a password' : ' or the password';
}

function loginAdvice(settings: BrokerSettings): string {
  const { username, password, passwordEnv, certificateFile } = settings;
  if (username !== undefined && password !== undefined) {
    return passwordEnv === undefined
      ? 'Check username and password.'
      : `Check username, and the password in the environment variable ${shownVariable(passwordEnv)}.`;
  }
  if (username !== undefined) return set(settings, 'passwordEnv to the name of an environment variable with the password');
  if (certificateFile !== undefined) return 'The broker’s log says which user it takes this certificate for.';
  return set(settings, 'username and passwordEnv for a user of the broker');
}

/** The broker closed the connection where it should have answered. */
export function closedInstead(settings: BrokerSettings): LinkError {
  return new LinkError('broker-mute', `${settings.url}: the broker closed the connection without an answer`, {
    wayOut:
      settings.tls === undefined
        ? 'Is this a TLS port (mqtts://, usually 8883), or another server than a broker? The broker’s log says why.'
        : `It may ask for a client certificate. ${set(settings, 'certificateFile and keyFile')} The broker’s log says why.`,
  });
}

export function denied(settings: BrokerSettings, verb: 'publish to' | 'subscribe to' | 'read', topic: string): LinkError {
  return new LinkError('broker-denied', `${settings.url}: the broker does not let ${clientOf(settings)} ${verb} ${topic}`, {
    wayOut: 'Allow it in the broker’s access list; examples/mqtt/acl has one for mosquitto.',
  });
}

/** What the library says of a request that failed without a code. */
export function asLinkError(settings: BrokerSettings, error: Error | null | undefined): Error | null {
  if (!error) return null;
  return new LinkError('broker-failed', `${settings.url}: ${error.message}`, {
    wayOut: 'The broker’s log says why.',
    cause: error,
  });
}

/** Why a connection that was there is gone, as data and as a message. */
export interface Ending {
  cause: LinkCause;
  detail: string;
}

export const WITHOUT_A_WORD: Ending = { cause: 'broker-closed', detail: 'the broker closed the connection' };
export const NO_LONGER_ANSWERS: Ending = { cause: 'broker-silent', detail: 'the broker no longer answers' };

/** The broker said goodbye, with a reason code of MQTT 5. */
export const saidGoodbye = (code: number): Ending => ({
  cause: 'broker-ended',
  detail: `the broker ended the connection: ${goodbyeMessage(code)}`,
});

export function cutOff(settings: BrokerSettings, { cause, detail }: Ending = WITHOUT_A_WORD): LinkError {
  return new LinkError(cause, `${settings.url}: ${detail}`, {
    wayOut:
      'The broker’s log says why. One that speaks only MQTT 3.1.1 closes the connection on a message that it does not allow.',
  });
}

function goodbyeMessage(code: number): string {
  switch (code) {
    case 0:
      return 'without a reason';
    case 139:
      return 'it is shutting down';
    case 141:
      return 'it heard nothing from here for too long';
    case 142:
      return 'another client came with the same client id';
    case 135:
      return 'not authorised any more';
    case 149:
      return 'a message was larger than it takes';
    default:
      return `reason ${code}`;
  }
}

function facts(error: unknown): { code: string; message: string; port: number | undefined } {
  const { code, message, port, errors } = error as NodeJS.ErrnoException & { port?: number; errors?: unknown[] };
  // A name with several addresses fails with one error for each.
  if (code === undefined && errors !== undefined && errors.length > 0) return facts(errors[0]);
  return { code: code ?? '', message: message ?? String(error), port };
}

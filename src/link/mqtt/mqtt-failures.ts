/** What goes wrong between here and a broker, in words: each cause with the broker's address and what to do about it. */
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import { shownVariable } from '../../../core/errors/variable-name.ts';
import { LinkRefused } from '../link.ts';
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

/** Why no connection came about, or why TLS failed. */
export function unreachable(settings: BrokerSettings, error: unknown): BeamrigError {
  const { code, message, port } = facts(error);
  const { url, host, tls, caFile, flag } = settings;
  const fail = (what: string, wayOut: string): BeamrigError =>
    new BeamrigError('link', `${url}: ${what}`, { wayOut, cause: error });
  const start = `Start the broker (\`beamrig broker\` starts one on this machine), or correct ${flag ?? 'url in the rig file'}.`;

  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return fail(`no host is called ${host}`, `Correct the host in ${flag ?? 'url'}.`);
  if (code === 'ECONNREFUSED') return fail(`connection refused, no broker listens on port ${port ?? settings.port}`, start);
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH')
    return fail('the host cannot be reached from here', `Check network and ${flag ?? 'url'}.`);
  if (code === 'ETIMEDOUT') return fail(`no answer (${message})`, start);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return fail(
      `the broker’s certificate is not for the host name ${host} (${message.replace(/^.*altnames: /, '')})`,
      'Use a name that is in the certificate, or make one with subjectAltName for this name.',
    );
  }
  if (code === 'CERT_HAS_EXPIRED') return fail('the broker’s certificate has expired', 'Renew the broker’s certificate.');
  if (code === 'CERT_NOT_YET_VALID')
    return fail('the broker’s certificate is not valid yet', 'Check the clocks of both machines.');
  if (UNTRUSTED.has(code)) {
    return fail(
      `the broker’s certificate is not trusted (${caFile === undefined ? 'no caFile is given' : `caFile is ${caFile}`}; ${code})`,
      set(settings, 'caFile to the certificate of the authority that signed the broker’s'),
    );
  }
  if (/ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_REQUIRED|CERTIFICATE_EXPIRED|HANDSHAKE_FAILURE)/i.test(code)) {
    return fail(
      `the broker did not accept our client certificate (${code})`,
      set(settings, 'certificateFile and keyFile to a certificate that the broker’s authority signed'),
    );
  }
  if (tls !== undefined && (code === 'EPROTO' || code.startsWith('ERR_SSL') || code === 'ECONNRESET')) {
    return fail(
      `TLS failed (${code})`,
      'Is this the broker’s TLS port? A broker without TLS is reached by mqtt:// and port 1883.',
    );
  }
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return fail(`the connection was cut off (${code})`, 'Is this a TLS port? Write mqtts:// (usually port 8883) then. ' + start);
  }
  // A system's failures have codes; this is the parser's word on what came in.
  if (code === '') {
    const what = tls === undefined ? 'no MQTT broker, or one that wants TLS' : 'no MQTT broker';
    const secure = tls === undefined ? 'write mqtts:// if it is a TLS port, or ' : '';
    return fail(`what answers there is ${what} (${message})`, `Give the broker’s own port: ${secure}correct ${flag ?? 'url'}.`);
  }
  return fail(`the connection failed (${code})`, start);
}

/** Advice on a field of the link: a panel that was given its broker by a flag has none. */
const set = ({ flag }: BrokerSettings, what: string): string =>
  flag === undefined ? `Set ${what}.` : `Give a rig file whose link sets ${what}.`;

/** The broker answered, and the answer was no. */
export function refused(settings: BrokerSettings, code: number): BeamrigError {
  const { url } = settings;
  const who = clientOf(settings);
  const fail = (what: string, wayOut: string): BeamrigError => new BeamrigError('link', `${url}: ${what}`, { wayOut });
  switch (code) {
    case 4:
    case 5:
    case 134:
    case 135:
      return new LinkRefused(`${url}: the broker refused ${who}${passwordOf(settings)} (reason ${code})`, loginAdvice(settings));
    case REASON.oldUnsupportedVersion:
    case REASON.unsupportedVersion:
      return fail('the broker speaks neither MQTT 5 nor 3.1.1', 'Use a broker that does, as mosquitto 2.');
    case 3:
    case 136:
    case 137:
      return fail(`the broker is not available now (reason ${code})`, 'Try again; the broker’s log says why.');
    case 138:
      return new LinkRefused(`${url}: the broker has banned ${who}`, 'The broker’s log says why.');
    default:
      return fail(`the broker refused the connection (reason ${code})`, 'The broker’s log says why.');
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
export function closedInstead(settings: BrokerSettings): BeamrigError {
  return new BeamrigError('link', `${settings.url}: the broker closed the connection without an answer`, {
    wayOut:
      settings.tls === undefined
        ? 'Is this a TLS port (mqtts://, usually 8883), or another server than a broker? The broker’s log says why.'
        : `It may ask for a client certificate. ${set(settings, 'certificateFile and keyFile')} The broker’s log says why.`,
  });
}

export function denied(settings: BrokerSettings, verb: 'publish to' | 'subscribe to' | 'read', topic: string): BeamrigError {
  return new LinkRefused(
    `${settings.url}: the broker does not let ${clientOf(settings)} ${verb} ${topic}`,
    'Allow it in the broker’s access list; examples/mqtt/acl has one for mosquitto.',
  );
}

function facts(error: unknown): { code: string; message: string; port: number | undefined } {
  const { code, message, port, errors } = error as NodeJS.ErrnoException & { port?: number; errors?: unknown[] };
  // A name with several addresses fails with one error for each.
  if (code === undefined && errors !== undefined && errors.length > 0) return facts(errors[0]);
  return { code: code ?? '', message: message ?? String(error), port };
}

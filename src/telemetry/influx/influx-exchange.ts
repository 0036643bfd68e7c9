/**
 * One request to an HTTP server that may be anything: away, busy, a proxy's log-in page, or hostile. The whole exchange is bounded in time,
 * and the answer in bytes; redirects are not followed, because the password would go with them.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { originOf, type InfluxTarget } from './influx-target.ts';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  /** At most 64 KiB of it. */
  body: string;
  /** False when the body went on past the limits: what is here is its beginning. */
  whole: boolean;
}

/** `cause` is short and stable, to tell one trouble from the next: 'ECONNREFUSED', 'timeout', … */
export type Exchanged = { ok: true; answer: Answer } | { ok: false; cause: string; why: string };

export type Exchange = (path: string, body: string, contentType: string) => Promise<Exchanged>;

const MOST_BODY_BYTES = 64 * 1024;

/** Posts to the target's server over connections that are kept. */
export function createExchange(target: InfluxTarget, timeoutMs: number): Exchange {
  const tls = target.tls === true;
  const agent = tls ? new HttpsAgent({ keepAlive: true, maxSockets: 2 }) : new HttpAgent({ keepAlive: true, maxSockets: 2 });
  const request = tls ? httpsRequest : httpRequest;
  const authorization = authorizationOf(target);

  const once = (path: string, body: string, contentType: string): Promise<Exchanged & { stale?: boolean }> =>
    new Promise((resolve) => {
      let answer: IncomingMessage | undefined;
      const chunks: Buffer[] = [];
      let bytes = 0;
      const end = (whole: boolean, otherwise: { cause: string; why: string; stale?: boolean }): void => {
        clearTimeout(timer);
        sent.destroy();
        const text = Buffer.concat(chunks).toString('utf8');
        const { statusCode: status, headers } = answer ?? {};
        // A status that came counts, however long the body goes on.
        if (status !== undefined && headers !== undefined) resolve({ ok: true, answer: { status, headers, body: text, whole } });
        else resolve({ ok: false, ...otherwise });
      };
      const sent = request(`${originOf(target)}${path}`, {
        method: 'POST',
        agent,
        headers: {
          'content-type': contentType,
          'content-length': Buffer.byteLength(body),
          'user-agent': 'beamrig',
          ...(authorization === undefined ? {} : { authorization }),
        },
      });
      const timer = setTimeout(() => end(false, { cause: 'timeout', why: `no answer within ${timeoutMs / 1000} s` }), timeoutMs);
      sent.on('response', (response) => {
        answer = response;
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk.subarray(0, MOST_BODY_BYTES - bytes));
          bytes += chunk.length;
          if (bytes > MOST_BODY_BYTES) end(false, NEVER);
        });
        response.on('end', () => {
          clearTimeout(timer);
          resolve({
            ok: true,
            answer: {
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(chunks).toString('utf8'),
              whole: true,
            },
          });
        });
        response.on('error', () => end(false, NEVER));
      });
      sent.on('error', (error: NodeJS.ErrnoException) => {
        const cause = error.code ?? 'no-answer';
        const why = error.message === '' ? cause : oneLine(error.message);
        end(false, { cause, why, stale: sent.reusedSocket && (cause === 'ECONNRESET' || cause === 'EPIPE') });
      });
      sent.end(body);
    });

  return async (path, body, contentType) => {
    try {
      const first = await once(path, body, contentType);
      // The server had closed the kept connection meanwhile: that is no trouble, and the same points sent twice count once.
      return !first.ok && first.stale === true ? await once(path, body, contentType) : first;
    } catch (error) {
      // A host or a password that cannot stand in a request at all.
      return { ok: false, cause: 'request', why: oneLine((error as Error).message) };
    }
  };
}

/** Where a status came, this is not read. */
const NEVER = { cause: 'no-answer', why: 'the answer broke off' };

function authorizationOf({ username, password, token }: InfluxTarget): string | undefined {
  if (token !== undefined) return `Token ${token}`;
  if (username === undefined) return undefined;
  return `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`;
}

/** The first words of a text that came from elsewhere. */
export const oneLine = (text: string): string => (text.trim().split(/[\r\n]/, 1)[0] ?? '').slice(0, 200);

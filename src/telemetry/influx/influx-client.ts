/**
 * Lines of a run folder to InfluxDB, as they are, by the write path of its version 1, which version 2 answers too. The three ways a write
 * can go are told apart as data: taken, refused for good (these very points; sending them again would be refused again), or to be tried
 * again later (server away, busy, not letting us in, or no InfluxDB at all).
 *
 * Only 204 is a yes: a proxy or the log-in page of a network answers 200 to anything.
 * Sources: InfluxDB 1.8 and 2.7 documentation, "InfluxDB API reference", /write; /query.
 */
import { droppedPoints, refusalOf } from './influx-errors.ts';
import { createExchange, oneLine, type Answer } from './influx-exchange.ts';
import { targetName, type InfluxTarget } from './influx-target.ts';
import { isRecord } from '../record-reader.ts';

export type WriteOutcome =
  | {
      outcome: 'taken';
      points: number;
      refused: number;
      why?: string;
      /** It does not say that it is InfluxDB. */ nameless?: true;
    }
  /** `cause` is short and stable, so that a change of the cause is seen: '401', 'ECONNREFUSED', 'no-database', … */
  | { outcome: 'again'; cause: string; why: string };

export interface InfluxClient {
  /** For messages: `http://127.0.0.1:8086, database beamrig`. */
  readonly name: string;
  write(lines: readonly string[]): Promise<WriteOutcome>;
}

/** Whether points would be taken; nothing is written to find out. */
export type InfluxCheck =
  | { verdict: 'good'; detail: string }
  | { verdict: 'away'; detail: string }
  | { verdict: 'wrong'; cause: string; detail: string; wayOut: string };

const TIMEOUT_MS = 10_000;

export function createInfluxClient(target: InfluxTarget, timeoutMs = TIMEOUT_MS): InfluxClient {
  const server = serverOf(target, timeoutMs);

  const writeAll = async (lines: readonly string[]): Promise<WriteOutcome> => {
    let judged = await server.write(lines.join('\n'));
    if (judged.is === 'no-database') {
      const made = await server.createDatabase();
      if (made !== undefined) return { outcome: 'again', cause: 'no-database', why: `${judged.why}, and ${made}` };
      judged = await server.write(lines.join('\n'));
    }
    switch (judged.is) {
      case 'taken':
        return { outcome: 'taken', points: lines.length, refused: 0, ...(judged.nameless ? { nameless: true } : {}) };
      case 'no-database':
      case 'again':
        return { outcome: 'again', cause: judged.is === 'again' ? judged.cause : judged.is, why: judged.why };
      case 'refused': {
        const { why } = judged;
        const dropped = Math.min(droppedPoints(why), lines.length);
        if (dropped > 0) return { outcome: 'taken', points: lines.length - dropped, refused: dropped, why };
        if (lines.length > 1) return writeHalves(lines);
        // One short line is never too large: somebody between us and the server refuses everything.
        if (judged.tooLarge && lines[0].length < SHORT_LINE) return { outcome: 'again', cause: '413', why };
        return { outcome: 'taken', points: 0, refused: 1, why };
      }
    }
  };
  // Refused as a whole, for one bad line or for its size: halved until the one that spoils it stands alone.
  const writeHalves = async (lines: readonly string[]): Promise<WriteOutcome> => {
    const middle = lines.length >> 1;
    const first = await writeAll(lines.slice(0, middle));
    if (first.outcome === 'again') return first;
    const second = await writeAll(lines.slice(middle));
    if (second.outcome === 'again') return second;
    const why = first.why ?? second.why;
    const sum = { points: first.points + second.points, refused: first.refused + second.refused };
    return { outcome: 'taken', ...sum, ...(why === undefined ? {} : { why }) };
  };

  return {
    name: targetName(target),
    write: async (lines) => {
      const whole = lines.filter(isRecord);
      const damaged = lines.length - whole.length;
      const result = whole.length === 0 ? ({ outcome: 'taken', points: 0, refused: 0 } as const) : await writeAll(whole);
      if (result.outcome === 'again' || damaged === 0) return result;
      return { ...result, refused: result.refused + damaged, why: 'lines that are no whole record' };
    },
  };
}

const SHORT_LINE = 16 * 1024;

/** Asks as a write would, with a comment instead of points. */
export async function checkInflux(target: InfluxTarget, timeoutMs = 3000): Promise<InfluxCheck> {
  const server = serverOf(target, timeoutMs);
  const judged = await server.write('# beamrig doctor');
  const name = targetName(target);
  const wrong = (cause: string, why: string): InfluxCheck => ({
    verdict: 'wrong',
    cause,
    detail: `${name} takes no points: ${why}`,
    wayOut:
      REMEDIES[cause] ?? 'Repair what is named, or take telemetry.influx out of the rig file: records stay in the run folder.',
  });
  switch (judged.is) {
    case 'taken':
      return judged.nameless
        ? wrong('nameless', 'it answers 204 as InfluxDB does, and does not say that it is InfluxDB')
        : { verdict: 'good', detail: `${name} takes points${judged.version === undefined ? '' : `, version ${judged.version}`}` };
    case 'refused':
      // Version 2 wants points and got a comment: it has let us in and knows the database.
      return refusalOf(judged.why) === 'no-points'
        ? { verdict: 'good', detail: `${name} takes points` }
        : wrong('refused', judged.why);
    case 'no-database': {
      const refusal = await server.mayCreate();
      if (refusal === undefined) return { verdict: 'good', detail: `${name}: the server answers; a run makes the database` };
      return wrong('no-database', `${judged.why}, and ${refusal}`);
    }
    case 'again':
      return judged.answered
        ? wrong(judged.cause, judged.why)
        : { verdict: 'away', detail: `${name} does not answer: ${judged.why}` };
  }
}

/** For whoever sent points to a server that took them and does not say what it is. */
export const namelessServer = (name: string): { message: string; action: string } => ({
  message: `The server at ${name} takes points and does not say that it is InfluxDB: a proxy may throw them away.`,
  action: 'Look whether they are there. Records stay in the run folder.',
});

const REMEDIES: Partial<Record<string, string>> = {
  'no-database':
    'Make the database and let this user write to it. InfluxDB 2: make a bucket and map it, `influx v1 dbrp create --db NAME --rp autogen --bucket-id ID --default`.',
  'not-influx': 'Name the server itself in telemetry.influx.host, not a proxy or a portal before it.',
  nameless: 'See that telemetry.influx names the server itself and not a proxy before it: points may be thrown away.',
  redirect: 'Name the address that it points to in telemetry.influx, with tls: true for https.',
  '401': 'Set telemetry.influx.username and passwordEnv, or tokenEnv for InfluxDB 2, to what the server knows.',
  '403': 'Let this user write to the database, or name another in telemetry.influx.',
};

type Judged =
  | { is: 'taken'; nameless: boolean; version: string | undefined }
  | { is: 'refused'; why: string; tooLarge: boolean }
  | { is: 'no-database'; why: string }
  | { is: 'again'; answered: boolean; cause: string; why: string };

function serverOf(target: InfluxTarget, timeoutMs: number) {
  const exchange = createExchange(target, timeoutMs);
  const writePath = `/write?${new URLSearchParams({ db: target.database, precision: 'ns' }).toString()}`;
  const ask = async (query: string): Promise<string | undefined> => {
    const form = new URLSearchParams({ q: query }).toString();
    const exchanged = await exchange('/query', form, 'application/x-www-form-urlencoded');
    if (!exchanged.ok) return exchanged.why;
    const { status } = exchanged.answer;
    const error = messageOf(exchanged.answer);
    return status === 200 && error === undefined ? undefined : (error ?? `the server answers ${status}`);
  };
  /** Undefined when it worked. */
  const orWhyNot = async (query: string): Promise<string | undefined> => {
    const error = await ask(query);
    if (error === undefined) return undefined;
    return refusalOf(error) === 'not-implemented'
      ? 'this server makes none by itself (InfluxDB 2: map a bucket to this name)'
      : `it cannot be made: ${error}`;
  };
  return {
    write: async (body: string): Promise<Judged> => {
      const exchanged = await exchange(writePath, body, 'text/plain; charset=utf-8');
      return exchanged.ok
        ? judge(exchanged.answer)
        : { is: 'again', answered: false, cause: exchanged.cause, why: exchanged.why };
    },
    createDatabase: () => orWhyNot(`CREATE DATABASE ${quoted(target.database)}`),
    /** A question that only those are answered who may make databases. */
    mayCreate: () => orWhyNot('SHOW USERS'),
  };
}

const quoted = (name: string): string => `"${name.replace(/[\\"]/g, '\\$&')}"`;

function judge(answer: Answer): Judged {
  const { status, headers } = answer;
  const said = messageOf(answer);
  const version = headers['x-influxdb-version'];
  const named = version !== undefined || headers['x-influxdb-build'] !== undefined || headers['x-influxdb-error'] !== undefined;
  const again = (cause: string, why: string): Judged => ({ is: 'again', answered: true, cause, why });
  if (status === 204) return { is: 'taken', nameless: !named, version: typeof version === 'string' ? version : undefined };
  if (status >= 200 && status < 300) {
    const kind = String(headers['content-type'] ?? 'something').split(';', 1)[0];
    return again(
      'not-influx',
      `it answers ${status} with ${kind}, where InfluxDB answers 204: a proxy, or the log-in page of a network`,
    );
  }
  if (status >= 300 && status < 400) return again('redirect', `it answers ${status} and points elsewhere${elsewhere(answer)}`);
  const why = `${status} ${said ?? 'without a reason'}`;
  if (said === undefined && !named && status !== 413 && status < 500 && status !== 401 && status !== 403 && status !== 429) {
    return again('not-influx', `it answers ${status} without a word of InfluxDB: a proxy, or another server`);
  }
  if (status === 404) return { is: 'no-database', why: said ?? 'there is no such database' };
  if (status === 400 || status === 413 || status === 422) return { is: 'refused', why: said ?? why, tooLarge: status === 413 };
  return again(String(status), why);
}

/** What the server gives as its reason, in the header of version 1, or in the JSON of either version or of a query. */
function messageOf({ headers, body }: Answer): string | undefined {
  const header = headers['x-influxdb-error'];
  if (typeof header === 'string') return oneLine(header);
  try {
    const content = JSON.parse(body) as unknown;
    const error = errorIn(content);
    return error === undefined ? undefined : oneLine(error);
  } catch {
    return undefined; // HTML, or cut off: no words of InfluxDB
  }
}

function errorIn(content: unknown): string | undefined {
  if (typeof content !== 'object' || content === null) return undefined;
  const { error, message, results } = content as { error?: unknown; message?: unknown; results?: unknown };
  if (typeof error === 'string') return error;
  if (typeof message === 'string') return message;
  return Array.isArray(results) ? results.map(errorIn).find((text) => text !== undefined) : undefined;
}

/** The server that a redirect names, without path and password. */
function elsewhere({ headers: { location } }: Answer): string {
  try {
    return location === undefined ? '' : `, to ${new URL(location).origin}`;
  } catch {
    return '';
  }
}

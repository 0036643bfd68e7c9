/**
 * Lines of a run folder to an InfluxDB 1.x server through the `influx` package. The three ways a write can go are told apart as data: taken,
 * refused for good (these very points; sending them again would be refused again), or to be tried again later (server away, busy, or
 * not letting us in).
 */
import { InfluxDB, type IPoint } from 'influx';
import { BeamrigError } from '../../errors/beamrig-error.ts';
import { shownVariable } from '../../errors/variable-name.ts';
import type { RigFile } from '../config/rig-file.ts';
import { parseLine, type FieldValue } from './line-protocol.ts';

export interface InfluxTarget {
  host: string;
  port: number;
  database: string;
  username?: string | undefined;
  password?: string | undefined;
}

export type WriteOutcome =
  { outcome: 'taken'; points: number; refused: number; why?: string } | { outcome: 'again'; why: string };

export interface InfluxClient {
  /** For messages: `http://127.0.0.1:8086, database beamrig`. */
  readonly name: string;
  write(lines: readonly string[]): Promise<WriteOutcome>;
}

/** The target a rig file names, its password taken from the environment. Throws BeamrigError 'influx' when the variable is not set. */
export function influxTarget(config: NonNullable<RigFile['telemetry']['influx']>, environment = process.env): InfluxTarget {
  const { passwordEnv, ...target } = config;
  if (passwordEnv === undefined) return target;
  const password = environment[passwordEnv];
  if (password === undefined) {
    throw new BeamrigError('influx', `telemetry.influx.passwordEnv names ${shownVariable(passwordEnv)}, which is not set`, {
      wayOut: `Set it, for example: export ${shownVariable(passwordEnv)}=…, or take passwordEnv out of the rig file.`,
    });
  }
  return { ...target, password };
}

/** `http://user:password@host:8086/database` as a target. Throws BeamrigError 'argument'. */
export function influxTargetFromUrl(text: string): InfluxTarget {
  const wayOut = 'Give it as http://127.0.0.1:8086/beamrig, with user:password@ before the host where the server asks for them.';
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new BeamrigError('argument', `--influx ${text}: not a URL`, { wayOut });
  }
  if (url.protocol !== 'http:')
    throw new BeamrigError('argument', `--influx: ${url.protocol}// is not spoken here; http:// is`, { wayOut });
  const database = decodeURIComponent(url.pathname.slice(1));
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 80 : Number(url.port),
    database: database === '' ? 'beamrig' : database,
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) }),
  };
}

export function createInfluxClient(target: InfluxTarget, requestTimeoutMs = 10_000): InfluxClient {
  const { username, password, ...server } = target;
  const influx = new InfluxDB({
    ...server,
    ...(username === undefined ? {} : { username, password: password ?? '' }),
    // Waiting and trying again is the writer's, with its own spool; the package would give up and lose the points.
    pool: { maxRetries: 0, requestTimeout: requestTimeoutMs, backoff: NO_BACKOFF },
  });
  let databaseMade = false;

  const writeAll = async (points: IPoint[]): Promise<WriteOutcome> => {
    try {
      await influx.writePoints(points, { precision: 'n', database: target.database });
      return { outcome: 'taken', points: points.length, refused: 0 };
    } catch (error) {
      const { status, why } = reasonOf(error);
      if (status === 404) databaseMade = false; // somebody dropped it; it is made again before the next try
      if (status !== 400 && status !== 413) return { outcome: 'again', why };
      // InfluxDB says how many points of the batch it dropped for their field types, and has kept the others.
      const dropped = Number(/\bdropped=(\d+)/.exec(why)?.[1] ?? 0);
      if (dropped > 0) return { outcome: 'taken', points: points.length - dropped, refused: dropped, why };
      if (points.length === 1) return { outcome: 'taken', points: 0, refused: 1, why };
      return writeHalves(points);
    }
  };
  // Refused as a whole, for one bad line or for its size: halved until the one that spoils it stands alone.
  const writeHalves = async (points: IPoint[]): Promise<WriteOutcome> => {
    const middle = points.length >> 1;
    const first = await writeAll(points.slice(0, middle));
    if (first.outcome === 'again') return first;
    const second = await writeAll(points.slice(middle));
    if (second.outcome === 'again') return second;
    const why = first.why ?? second.why;
    const sum = { points: first.points + second.points, refused: first.refused + second.refused };
    return { outcome: 'taken', ...sum, ...(why === undefined ? {} : { why }) };
  };

  return {
    name: `http://${target.host}:${target.port}, database ${target.database}`,
    write: async (lines) => {
      const points = lines.map(pointOf).filter((point) => point !== undefined);
      const damaged = lines.length - points.length;
      if (!databaseMade) {
        try {
          await influx.createDatabase(target.database);
        } catch (error) {
          const { status, why } = reasonOf(error);
          // A user who may write need not be one who may create.
          if (status !== 401 && status !== 403) return { outcome: 'again', why };
        }
        databaseMade = true;
      }
      const result = points.length === 0 ? ({ outcome: 'taken', points: 0, refused: 0 } as const) : await writeAll(points);
      if (result.outcome === 'again' || damaged === 0) return result;
      return { ...result, refused: result.refused + damaged, why: 'lines that are no line protocol' };
    },
  };
}

/** Version of the server, or undefined when it does not answer within two seconds. */
export async function pingInflux({ host, port }: InfluxTarget): Promise<string | undefined> {
  const [answer] = await new InfluxDB({ host, port }).ping(2000);
  return answer?.online ? (answer.version ?? 'unknown') : undefined;
}

/** A record's line as `influx` takes it; the values keep their written form, so that integers stay integers. */
function pointOf(line: string): IPoint | undefined {
  const point = parseLine(line);
  if (!point) return undefined;
  const fields = Object.entries(point.fields).map(([key, value]) => [key, asWritten(value)] as const);
  return {
    measurement: point.measurement,
    tags: { ...point.tags },
    fields: Object.fromEntries(fields),
    timestamp: String(point.timeNs),
  };
}

const asWritten = (value: FieldValue | undefined): unknown => (typeof value === 'bigint' ? new InfluxInteger(value) : value);

/** `influx` writes whatever is no string by its text, and an integer's text ends in i. */
class InfluxInteger {
  readonly #value: bigint;

  constructor(value: bigint) {
    this.#value = value;
  }

  toString(): string {
    return `${this.#value}i`;
  }
}

function reasonOf(error: unknown): { status: number | undefined; why: string } {
  const { message, code, res } = error as Error & { code?: string; res?: { statusCode?: number } };
  const inner = /error occurred: \{"error":"(.*)"\}/.exec(message ?? '')?.[1]?.replaceAll('\\"', '"');
  const text = inner ?? (message === '' || message === undefined ? code : message.trim().split('\n', 1)[0]);
  return { status: res?.statusCode, why: text ?? 'no answer' };
}

interface Backoff {
  getDelay(): number;
  next(): Backoff;
  reset(): Backoff;
}
const NO_BACKOFF: Backoff = { getDelay: () => 0, next: () => NO_BACKOFF, reset: () => NO_BACKOFF };

/** An InfluxDB server of a run's own, on loopback ports that were free, in a folder that goes away. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { createInfluxClient } from '../telemetry/influx/influx-client.ts';
import { startInfluxWriter, type InfluxWriterOptions } from '../telemetry/influx/influx-writer.ts';
import { RECORDS_FILE } from '../telemetry/record-reader.ts';

export interface Database {
  /** Sends the records of a run folder, as `beamrig run` does. */
  follow(options: Pick<InfluxWriterOptions, 'folder' | 'random' | 'onEvent'>): void;
  /** As a loss of power does. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Call it after the recorder has closed its files. @returns records of the folder that are not there, in the end */
  missing(): Promise<number>;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
const NAME = 'beamrig';
const START_MS = 20_000;
const LOOK_EVERY_MS = 50;
/** For what is left to be sent. */
const FLUSH_MS = 20_000;
/** A field that every point of a measurement has. */
const COUNTED = { cycle: 'cycle_ms', user_snr: 'cycle', event: 'message' };

/** @throws {BeamrigError} 'bench-part' where influxd is not installed */
export async function startDatabase(): Promise<Database> {
  const folder = mkdtempSync(join(tmpdir(), 'beamrig-influxd-'));
  const [port, other] = await freePorts();
  const at = (name: string): string => JSON.stringify(join(folder, name));
  const config = [
    `reporting-disabled = true\nbind-address = "${HOST}:${other}"`,
    `[meta]\n  dir = ${at('meta')}`,
    `[data]\n  dir = ${at('data')}\n  wal-dir = ${at('wal')}\n  query-log-enabled = false`,
    `[monitor]\n  store-enabled = false`,
    `[http]\n  bind-address = "${HOST}:${port}"\n  log-enabled = false`,
  ];
  const file = join(folder, 'influxdb.conf');
  writeFileSync(file, config.join('\n'));
  const clock = createRealClock();
  const origin = `http://${HOST}:${port}`;
  let server: ChildProcess | undefined;
  let writer: ReturnType<typeof startInfluxWriter> | undefined;
  let records = '';

  const kill = async (): Promise<void> => {
    const running = server;
    server = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const gone = once(running, 'exit');
    running.kill('SIGKILL');
    await gone;
  };
  const start = async (): Promise<void> => {
    const started = spawn('influxd', ['-config', file], { stdio: 'ignore' });
    server = started;
    let refused: NodeJS.ErrnoException | undefined;
    started.once('error', (error) => (refused = error));
    const killIt = (): void => void started.kill('SIGKILL');
    process.once('exit', killIt);
    started.once('exit', () => process.removeListener('exit', killIt));
    const endMs = clock.nowMs() + START_MS;
    while (!(await answers(`${origin}/ping`))) {
      if (refused?.code === 'ENOENT') {
        throw new BeamrigError('bench-part', 'The database needs influxd, which is not installed.', {
          wayOut: 'Install InfluxDB 1.x (Debian: apt-get install influxdb).',
        });
      }
      if (clock.nowMs() > endMs) throw new BeamrigError('influx', `influxd did not come up within ${START_MS / 1000} s.`);
      await clock.sleep(LOOK_EVERY_MS);
    }
  };
  const close = async (): Promise<void> => {
    await kill();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    follow(options) {
      records = join(options.folder, RECORDS_FILE);
      writer = startInfluxWriter({ ...options, client: createInfluxClient({ host: HOST, port, database: NAME }), clock });
    },
    ...{ kill, start, close },
    async missing() {
      await writer?.close(FLUSH_MS);
      const lines = readFileSync(records, 'utf8').split('\n');
      const counts = await Promise.all(
        Object.entries(COUNTED).map(async ([measurement, field]) => {
          const written = lines.filter((line) => line.startsWith(`${measurement},`)).length;
          return written - (await countOf(origin, measurement, field));
        }),
      );
      return counts.reduce((sum, count) => sum + count, 0);
    },
  };
}

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );

/** None where the server is away. */
async function countOf(origin: string, measurement: string, field: string): Promise<number> {
  const query = new URLSearchParams({ db: NAME, q: `SELECT COUNT("${field}") FROM "${measurement}"` });
  try {
    const answer = (await (await fetch(`${origin}/query?${query.toString()}`)).json()) as {
      results: { series?: { values: [string, number][] }[] }[];
    };
    return answer.results[0].series?.[0].values[0][1] ?? 0;
  } catch {
    return 0;
  }
}

/** Two that were free a moment ago, both at once: none is given twice. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports = await Promise.all(
    servers.map(async (server) => {
      await once(server.listen(0, HOST), 'listening');
      return (server.address() as AddressInfo).port;
    }),
  );
  for (const server of servers) await once(server.close(), 'close');
  return [ports[0], ports[1]];
}

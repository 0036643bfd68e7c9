/** A real InfluxDB 1.x for tests: its own config and data folder, on loopback ports that were free, ended by its process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InfluxDB } from 'influx';
import { endWithUs } from '../scripts/end-with-us.ts';
import { freePort } from '../scripts/free-port.ts';
import { partPath } from './parts.ts';

export class InfluxServer {
  readonly port: number;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  private constructor(port: number, rpcPort: number) {
    this.port = port;
    this.#folder = mkdtempSync(join(tmpdir(), 'beamrig-influxd-'));
    const at = (name: string): string => JSON.stringify(join(this.#folder, name));
    const config = [
      'reporting-disabled = true',
      `bind-address = "127.0.0.1:${rpcPort}"`,
      `[meta]\n  dir = ${at('meta')}`,
      `[data]\n  dir = ${at('data')}\n  wal-dir = ${at('wal')}\n  query-log-enabled = false`,
      '[monitor]\n  store-enabled = false',
      `[http]\n  bind-address = "127.0.0.1:${port}"\n  log-enabled = false`,
    ];
    writeFileSync(join(this.#folder, 'influxdb.conf'), config.join('\n'));
  }

  /** A place for a server on free ports; nothing runs yet. */
  static async place(): Promise<InfluxServer> {
    return new InfluxServer(await freePort(), await freePort());
  }

  client(database: string): InfluxDB {
    return new InfluxDB({ host: '127.0.0.1', port: this.port, database });
  }

  async start(): Promise<this> {
    const program = partPath('influxd');
    if (program === undefined) throw new Error('influxd is not installed');
    this.#process = spawn(program, ['-config', join(this.#folder, 'influxdb.conf')], { stdio: 'ignore' });
    endWithUs(this.#process);
    for (let attempt = 0; attempt < 300; attempt++) {
      const [answer] = await this.client('none').ping(500);
      if (answer?.online) return this;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await this.remove();
    throw new Error('influxd did not come up');
  }

  /** Pulls the plug: no chance to finish anything. */
  async kill(): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const gone = once(running, 'exit');
    running.kill('SIGKILL');
    await gone;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

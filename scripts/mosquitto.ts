/** A real mosquitto for tests and demonstrations: its own config and folder, on a loopback port that was free, ended by its process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import { endWithUs } from './end-with-us.ts';
import { freePort } from './free-port.ts';

export class Mosquitto {
  readonly name = 'mosquitto';
  readonly port: number;
  readonly #config: string;
  readonly #folder: string;
  readonly #ownsFolder: boolean;
  #process: ChildProcess | undefined;
  #log = '';

  private constructor(port: number, folder: string, config: string, ownsFolder: boolean) {
    this.port = port;
    this.#folder = folder;
    this.#config = config;
    this.#ownsFolder = ownsFolder;
  }

  /** A broker for anybody on a free port, with these lines more in its config; nothing runs yet. */
  static async place(lines: readonly string[] = ['allow_anonymous true']): Promise<Mosquitto> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'beamrig-mosquitto-'));
    const config = join(folder, 'mosquitto.conf');
    writeFileSync(config, [`listener ${port} 127.0.0.1`, 'set_tcp_nodelay true', ...lines, ...asOurselves()].join('\n'));
    return new Mosquitto(port, folder, config, true);
  }

  /** A broker by a config file that exists, started in its folder. */
  static by(folder: string, config: string, port: number): Mosquitto {
    return new Mosquitto(port, folder, config, false);
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    // Debian has it where only root looks for programs.
    const env = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/usr/local/sbin` };
    const running = spawn('mosquitto', ['-c', this.#config], { cwd: this.#folder, stdio: ['ignore', 'ignore', 'pipe'], env });
    this.#process = running;
    running.once('error', (error) => {
      this.#log = error.message;
    });
    endWithUs(running);
    running.stderr.on('data', (chunk: Buffer) => {
      this.#log = (this.#log + chunk.toString()).slice(-4000);
    });
    for (let attempt = 0; attempt < 400; attempt++) {
      if (running.exitCode !== null || running.pid === undefined) break;
      if (await answers(this.port)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new BeamrigError('link', `mosquitto did not come up: ${this.#log}`, {
      wayOut: 'Look at its message, or install it (Debian: apt-get install mosquitto).',
    });
  }

  async kill(): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (running?.pid === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const gone = once(running, 'exit');
    running.kill('SIGKILL');
    await gone;
  }

  /** The process is there and does nothing. */
  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  /** Reads its passwords and access list again; who is not let in by them any more is thrown out. */
  reload(): void {
    this.#process?.kill('SIGHUP');
  }

  async remove(): Promise<void> {
    await this.kill();
    if (this.#ownsFolder) rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Root would become the user mosquitto, who cannot read files that only we may read. */
export const asOurselves = (): string[] => (process.getuid?.() === 0 ? ['user root'] : []);

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** The demo rig, or another of the examples, as a process of its own, on a port and with a run folder of its own, to be watched, killed and started again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { endWithUs } from '../../scripts/end-with-us.ts';
import { packageRoot } from '../../core/files/package-root.ts';
import { BEAMRIG } from '../built-program.ts';

const START_MS = 60_000;

export class DemoRig {
  readonly url: string;
  readonly #folder: string;
  readonly #rigFile: string;
  #process: ChildProcess | undefined;
  #output = '';

  private constructor(port: number, example: string) {
    this.url = `http://127.0.0.1:${port}/`;
    this.#folder = mkdtempSync(join(tmpdir(), 'beamrig-demo-'));
    this.#rigFile = join(this.#folder, 'demo.yaml');
    const rig = parseDocument(readFileSync(join(packageRoot(), 'examples', 'rigs', `${example}.yaml`), 'utf8'));
    rig.setIn(['dashboard', 'port'], port);
    rig.setIn(['telemetry', 'runFolder'], join(this.#folder, 'runs'));
    writeFileSync(this.#rigFile, String(rig));
  }

  /** Reserves a port that is free now; `start` brings the rig up on it, as often as it is called. */
  static async create(example = 'demo'): Promise<DemoRig> {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    return new DemoRig(port, example);
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [...BEAMRIG, 'run', this.#rigFile], {
      cwd: packageRoot(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    endWithUs(child);
    this.#output = '';
    const note = (chunk: Buffer): void => void (this.#output += chunk.toString());
    child.stdout.on('data', note);
    child.stderr.on('data', note);
    const deadline = Date.now() + START_MS;
    for (;;) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`the demo rig did not come up:\n${this.#output}`);
      const answer = await fetch(`${this.url}healthz`).catch(() => undefined);
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** What scripts are told about the rig. */
  async state(): Promise<RigState> {
    return (await (await fetch(`${this.url}api/state`)).json()) as RigState;
  }

  async end(signal: 'SIGKILL' | 'SIGINT'): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  async dispose(): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export interface RigState {
  state: string;
  rig: { modelId: string; phaseBits: number; source: string };
  latest: { cycle: number; modelId: string; phaseBits: number } | null;
}

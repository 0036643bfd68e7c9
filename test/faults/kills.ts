/**
 * Controllers that are killed (-9) while InfluxDB is away, one after another on one rig with a panel at the other end of a broker, and what
 * became of every record once the database is there. How many beams were radiated comes from the panel, which sees nothing of the kills.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { endWithUs } from '../../scripts/end-with-us.ts';
import { type PanelProcess } from '../../scripts/panel-process.ts';
import type { Random } from '../../core/signal/random.ts';
import { startEmbeddedBroker } from '../../src/link/mqtt/embedded-broker.ts';
import { readRecord } from '../../src/telemetry/record-reader.ts';
import { InfluxServer } from '../influx-server.ts';
import { BEAMRIG, startPanels } from '../built-program.ts';

export interface KilledRun {
  run: string;
  /** Beams that the panel radiated. */
  radiated: number;
  /** Of these, beams whose cycle has no record. */
  unrecorded: number;
  /** Whole lines of records, of all measurements. */
  records: number;
  /** Points of this run in the database. */
  points: number;
}

const DATABASE = 'kills';
/** A message on its way to the panel when its sender is killed still arrives. */
const SETTLE_MS = 300;

export async function playKills(
  kills: number,
  random: Random,
  onKill: (done: number) => void = () => undefined,
): Promise<KilledRun[]> {
  const folder = mkdtempSync(join(tmpdir(), 'beamrig-kills-'));
  const broker = await startEmbeddedBroker({ port: 0 });
  const server = await InfluxServer.place();
  const rig = join(folder, 'rig.yaml');
  const runs = join(folder, 'runs');
  writeFileSync(
    rig,
    `name: kills
array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 6 }
users: { count: 2 }
beamformer: { model: aligned }
links: [{ panel: SIM-1, mqtt: { url: ${broker.url} } }]
fallback: never
loop: { rateHz: 50 }
telemetry: { runFolder: ${JSON.stringify(runs)}, influx: { port: ${server.port}, database: ${DATABASE} } }
dashboard: { port: 0 }
`,
  );
  const panel = startPanels([rig]);
  try {
    await panel.line(({ type }) => type === 'ready');
    const played: Omit<KilledRun, 'records' | 'points'>[] = [];
    for (let kill = 0; kill < kills; kill++) {
      played.push(await playOne(rig, panel, 3 + Math.floor(random.uniform() * 60)));
      onKill(kill + 1);
    }
    await server.start();
    await sendAll(rig);
    const client = server.client(DATABASE);
    const points = new Map<string, number>();
    for (const [measurement, field] of [
      ['cycle', 'cycle'],
      ['user_snr', 'cycle'],
      ['event', 'message'],
    ]) {
      const rows = await client.query<{ run: string; n: number }>(`select count(${field}) as n from ${measurement} group by run`);
      for (const { run, n } of rows) points.set(run, (points.get(run) ?? 0) + n);
    }
    return played.map((one) => ({
      ...one,
      records: recordsOf(join(runs, one.run)).length,
      points: points.get(one.run) ?? 0,
    }));
  } finally {
    await panel.stop();
    await server.remove();
    await broker.close();
    rmSync(folder, { recursive: true, force: true });
  }

  /** Runs a controller until the panel has radiated so many beams of it, and kills it. */
  async function playOne(path: string, at: PanelProcess, beams: number): Promise<Omit<KilledRun, 'records' | 'points'>> {
    const seen = at.lines.length;
    const before = new Set(foldersIn(runs));
    const radiated = (): Set<number> =>
      new Set(
        at.lines
          .slice(seen)
          .flatMap(({ type, beamId }) => (type === 'radiates' && beamId !== undefined && beamId > 0 ? [beamId] : [])),
      );
    const controller = spawn(process.execPath, [...BEAMRIG, 'run', path, '--json'], { stdio: 'ignore' });
    endWithUs(controller);
    const gone = once(controller, 'exit');
    while (radiated().size < beams) {
      if (controller.exitCode !== null) throw new Error(`the controller ended by itself, with ${controller.exitCode}`);
      await pause(1);
    }
    controller.kill('SIGKILL');
    await gone;
    await pause(SETTLE_MS);
    const run = foldersIn(runs).find((name) => !before.has(name)) ?? '';
    const recorded = new Set(
      recordsOf(join(runs, run)).flatMap((point) => (point.measurement === 'cycle' ? [Number(point.fields.cycle) + 1] : [])),
    );
    const all = [...radiated()];
    return { run, radiated: all.length, unrecorded: all.filter((beamId) => !recorded.has(beamId)).length };
  }
}

/** One more run, which finds what the others left. */
async function sendAll(rig: string): Promise<void> {
  const last = spawn(process.execPath, [...BEAMRIG, 'run', rig, '--json'], { stdio: ['ignore', 'pipe', 'ignore'] });
  endWithUs(last);
  const gone = once(last, 'exit');
  for await (const line of createInterface({ input: last.stdout })) {
    if ((JSON.parse(line) as { code?: string }).code === 'influx-earlier-sent') last.kill('SIGINT');
  }
  await gone;
}

function foldersIn(runs: string): string[] {
  try {
    return readdirSync(runs);
  } catch {
    return []; // the first run makes it
  }
}

const recordsOf = (folder: string): NonNullable<ReturnType<typeof readRecord>>[] =>
  readFileSync(join(folder, 'records.lp'), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map(readRecord)
    .filter((point) => point !== undefined);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

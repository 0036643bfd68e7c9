/** `beamrig regress --rig` on a board that runs the reference firmware in C, with its chips and users behind it: attached, as far as the command knows. */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { createRandom } from '../../core/signal/random.ts';
import { createBenchBus, type BenchBus } from '../../firmware-protocol/reference/bench-bus.ts';
import { startFirmware, type RunningFirmware } from '../../firmware-protocol/reference/run-firmware.ts';
import { createAir } from '../../hil-sim/air.ts';
import { adar1000 } from '../../hil-sim/chips/adar1000.ts';
import { BEAMRIG } from '../../test/built-program.ts';
import { CliFolder, type Ended } from '../../test/cli.ts';
import { hasPart } from '../../test/parts.ts';
import { parseRigFile } from '../config/rig-file.ts';
import { createSerialPanelEnd } from '../link/serial/serial-panel-end.ts';
import { BAUD_RATE, firmwareFor } from '../regression/firmware-board.ts';
import { readReport } from '../regression/reports/report-json.ts';
import type { CaseResult } from '../regression/results.ts';
import { createRigArray } from '../rig/simulator.ts';
import { createWorld } from '../rig/world.ts';

const folder = new CliFolder();
afterAll(() => folder.remove());
const at = (...names: string[]): string => join(folder.path, ...names);
/** Where locks lie. */
const temporary = at('temporary');
mkdirSync(temporary);
const locks = (): string[] => readdirSync(temporary).filter((name) => name.endsWith('.lock'));

const RIG = `
name: lab
array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 7 }
users: { count: 2 }
beamformer: { model: aligned }
loop: { rateHz: 10 }
simulator: { phaseShifter: adar1000 }
`;
const LAB = at('lab.yaml');
writeFileSync(
  LAB,
  `${RIG}links: [{ panel: BOARD-7, serial: { path: ./port, baudRate: ${BAUD_RATE} } }]\n`.replace('./port', at('port')),
);
writeFileSync(at('rig.yaml'), RIG);
const scenario = (name: string, more: string): void =>
  writeFileSync(at(`${name}.yaml`), `name: ${name}\nabout: A test.\nrig: rig.yaml\n${more}`);

interface Board {
  firmware: RunningFirmware;
  bus: BenchBus;
  close(): Promise<void>;
}
let board: Board;

/** Its port is always called the same. @param chips of a board that was there before: they have kept their supply */
async function attach(chips?: BenchBus): Promise<Board> {
  const { program } = firmwareFor('host', adar1000.name);
  const args = ['--elements', '16', '--chains', '2', '--users', '2', '--serial', 'BOARD-7'];
  const firmware = await startFirmware({ target: 'host', program, args });
  rmSync(at('port'), { force: true });
  symlinkSync(firmware.hostPort, at('port'));
  const rig = parseRigFile(RIG, 'lab');
  const random = createRandom(rig.seed).stream('simulator');
  const { scene } = createWorld({ rig, random, repeat: true });
  const air = createAir({
    array: createRigArray(rig, random),
    scene,
    noise: 1,
    random: random.stream('bench'),
    clock: createRealClock(),
  });
  const bus = chips ?? createBenchBus({ part: air.part(), chip: adar1000 });
  const end = createSerialPanelEnd({ path: firmware.benchPort, baudRate: BAUD_RATE });
  await end.open(bus);
  return {
    ...{ firmware, bus },
    close: async () => {
      await end.close();
      await firmware.stop();
    },
  };
}
const radiates = (): Promise<void> =>
  vi.waitUntil(() => board.bus.words() !== undefined, { timeout: 90_000 }).then(() => undefined);
const isDark = (): Promise<void> =>
  vi.waitUntil(() => board.bus.words() === undefined, { timeout: 90_000 }).then(() => undefined);

function regress(name: string, ...more: string[]) {
  const words = ['regress', `${name}.yaml`, '--rig', LAB, '--retries', '0', '--output', `report-${name}`, ...more];
  const child = spawn(process.execPath, [...BEAMRIG, ...words], { cwd: folder.path, env: { ...process.env, TMPDIR: temporary } });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => void (said[stream] += text));
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code: code ?? -1, ...said })));
  return { child, ended, cases: (): CaseResult[] => readReport(at(`report-${name}`, 'report.json')).cases };
}
/** Of the first seed, by name. */
const checksOf = ({ seeds }: CaseResult): Record<string, string> =>
  Object.fromEntries(seeds[0].attempts[0].checks.map(({ name, verdict }) => [name, verdict]));

describe.skipIf(!hasPart('gcc'))('attached hardware [needs gcc]', () => {
  beforeEach(async () => void (board = await attach()), 120_000);
  afterEach(() => board.close(), 60_000);

  it('is played on once, whatever the carriers, with names of what was not done', async () => {
    scenario(
      'attached',
      `
seconds: 4
matrix: { carrier: [loopback, mqtt, pty] }
timeline:
  - { atS: 1, do: unplug, forS: 0.5 }
  - { atS: 2, do: pause }
  - { atS: 3, do: run }
expect:
  - { check: void-cycles, atMost: 0, toS: 1 }
  - { check: recovery, after: unplug, withinS: 1 }
  - { check: answered, after: pause }
  - { check: recovery, after: run, withinS: 20 }
`,
    );
    const run = regress('attached');
    expect(await run.ended).toMatchObject({ code: 0, stdout: expect.stringContaining('2 skipped, 1 passed') as unknown });
    const [played, ...others] = run.cases();
    expect(checksOf(played)).toEqual({
      sound: 'passed',
      'void-cycles to 1 s': 'passed',
      'recovery after unplug': 'skipped',
      'answered done after pause': 'passed',
      'recovery after run': 'passed',
    });
    for (const each of others) {
      expect(each).toMatchObject({ verdict: 'skipped', seeds: [] });
      expect(each.why).toMatch(/the same as carrier=loopback, which is played/);
    }
    await isDark();
    expect(locks()).toEqual([]);
  }, 300_000);

  it('that dies in the middle of a run fails it, which says that nobody knows what it radiates, and is dark once it is back', async () => {
    scenario('dies', 'seconds: 12\nexpect: [{ check: void-cycles, atMost: 0 }]\n');
    const run = regress('dies');
    await radiates();
    process.kill(board.firmware.pid, 'SIGKILL');
    expect(await run.ended).toMatchObject({ code: 1 });
    const [dead] = run.cases();
    expect(dead.verdict).toBe('failed');
    const [sound] = dead.seeds[0].attempts[0].checks;
    expect(sound).toMatchObject({
      name: 'sound',
      verdict: 'failed',
      says: expect.stringContaining('at the end the array was') as unknown,
    });
    expect(dead.seeds[0].attempts[0].story?.events.map(({ code }) => code)).toContain('panel-lost');
    expect(locks()).toEqual([]);
    // No word reaches chips without their board; they keep what they had.
    expect(board.bus.words()).toBeDefined();
    const { bus } = board;
    await board.close();
    board = await attach(bus);
    await isDark();
  }, 300_000);

  it('is of one run at a time, and when that is killed dark by itself and free for whoever waits', async () => {
    scenario('next', 'seconds: 3\nexpect: [{ check: void-cycles, atMost: 0, toS: 3 }]\n');
    scenario('long', 'seconds: 600\nlimitS: 900\nexpect: [{ check: void-cycles, atMost: 0 }]\n');
    const long = regress('long');
    await radiates();
    const refused = await regress('next').ended;
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(
      /The bench is held by .+ on .+ \(process \d+: beamrig regress long\.yaml .+\) since \d+ seconds?\./,
    );
    expect(refused.stderr).toContain('--wait-for-bench');
    const waits = regress('next', '--wait-for-bench', '200');
    long.child.kill('SIGKILL');
    await long.ended;
    expect(await waits.ended).toMatchObject({
      ...{ code: 0, stderr: expect.stringContaining('which is gone: it is taken over') as unknown },
    });
    await isDark();
    expect(locks()).toEqual([]);
    // Nobody waits: it is dark because it hears nothing.
    const again = regress('long');
    await radiates();
    again.child.kill('SIGKILL');
    await again.ended;
    await isDark();
    expect(locks()).toHaveLength(1);
  }, 300_000);

  it('is left alone where nothing can be put to the test there, which is told and counted', async () => {
    scenario(
      'unplugged',
      'seconds: 3\ntimeline: [{ atS: 1, do: unplug, forS: 1 }]\nexpect: [{ check: recovery, after: unplug, withinS: 1 }]\n',
    );
    const { code, stdout } = await regress('unplugged').ended;
    expect(code).toBe(0);
    expect(stdout).toContain('1 skipped');
    expect(stdout).toMatch(/all that is expected rests on unplug, which cannot be played on attached hardware/);
    const junit = readFileSync(at('report-unplugged', 'junit.xml'), 'utf8');
    expect(junit).toContain('<skipped');
    expect(board.bus.words()).toBeUndefined();
  }, 300_000);
});

/** `beamrig steer` and `beamrig mute` on the simulator: what a beam is like and how it is received; on real links: test/integration/by-hand.test.ts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it } from 'vitest';
import { CliFolder, beamrigHere, expectRefusal } from '../../test/cli.ts';
import { BEAMRIG } from '../../test/built-program.ts';

const cli = new CliFolder();
afterAll(() => cli.remove());

/** One path, straight from where each user stands, who stays there. */
const STILL =
  'simulator: { userSpeedMps: 0, channel: { model: saleh-valenzuela, paths: 1, directShare: 1 } }\nloop: { rateHz: 100, pilots: 4096 }';
const still = (text: string): string => text.replace('loop: { rateHz: 100 }', STILL);

interface Line {
  type: string;
  calculated?: { peakAzimuthDeg: number; eirpOverElementDb: number; sidelobeDb: { azimuth: number }; beamwidthDeg: object };
  users?: { user: number; measuredDb: number; predictedDb: number }[];
  void?: number;
  cycles?: number;
  unsafe?: string;
}
const linesOf = (text: string): Line[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

describe('beamrig steer', () => {
  it('says what the beam is like, and measures what it expects', async () => {
    const { stdout, code } = await cli.beamrig('steer', cli.rigFile(still), '--azimuth', '20', '--for', '1', '--json');
    const [beam, ...others] = linesOf(stdout);
    expect(beam.calculated?.peakAzimuthDeg).toBeCloseTo(20, 0);
    // 16 elements in phase are 24.08 dB; 4-bit words cost about 0.06 dB of that.
    expect(beam.calculated?.eirpOverElementDb).toBeGreaterThan(23.9);
    expect(beam.calculated?.eirpOverElementDb).toBeLessThan(24.09);
    expect(beam.calculated?.sidelobeDb.azimuth).toBeLessThan(-11);
    const status = others.filter(({ type }) => type === 'status');
    expect(status.length).toBeGreaterThan(0);
    for (const { users = [] } of status) {
      expect(users.map(({ user }) => user)).toEqual([0]);
      for (const { measuredDb, predictedDb } of users) expect(Math.abs(measuredDb - predictedDb)).toBeLessThan(0.5);
    }
    const end = others.at(-1);
    expect(end).toMatchObject({ type: 'end', void: 0, faulted: false });
    expect(end?.unsafe).toBeUndefined();
    expect(code).toBe(0);
  });

  it('says of a planar array what both cuts are like, and draws them', async () => {
    const rig = cli.rigFile((text) => text.replace('{ kind: ula, elements: 16 }', '{ kind: upa, rows: 8, columns: 4 }'));
    const svg = join(cli.path, 'cuts.svg');
    const words = ['steer', rig, '--azimuth', '20', '--elevation', '10', '--for', '0.3', '--svg', svg];
    const { stdout, code } = await cli.beamrig(...words);
    expect(stdout).toMatch(/points to +\d+\.\d+°, elevation \d+\.\d+°/);
    expect(stdout).toMatch(/beamwidth +2\d\.\d° in azimuth, 1\d\.\d° in elevation at −3 dB/);
    expect(stdout).toMatch(/sidelobes +-1\d\.\d dB in azimuth, -1\d\.\d dB in elevation/);
    expect(code).toBe(0);
    const picture = readFileSync(svg, 'utf8');
    expect(picture).toMatch(/over azimuth, at elevation (9|10)\.\d°/);
    expect(picture).toMatch(/over elevation, at azimuth (19|20)\.\d°/);
    expect(picture).not.toContain('NaN');
    expectRefusal(await beamrigHere(...words), 'there is a file already');
  });

  it('counts no cycle as void that its own end breaks off', async () => {
    const slow = cli.rigFile((text) => `${still(text).replace('userSpeedMps: 0', 'userSpeedMps: 0, panel: { answerMs: 30 }')}`);
    const { stdout, code } = await cli.beamrig('steer', slow, '--azimuth', '20', '--for', '0.5', '--json');
    const end = linesOf(stdout).at(-1);
    expect(end).toMatchObject({ type: 'end', void: 0, faulted: false });
    expect(end).not.toHaveProperty('failure');
    expect(end?.cycles).toBeGreaterThan(1);
    expect(code).toBe(0);
  });

  it('ends with Ctrl-C, the array safe', async () => {
    const child = spawn(process.execPath, [...BEAMRIG, 'steer', cli.rigFile(), '--azimuth=-30', '--user', '1'], {
      cwd: cli.path,
    });
    let said = '';
    for await (const line of createInterface({ input: child.stdout })) {
      said += `${line}\n`;
      if (line.startsWith('SINR measured: user 1 ')) child.kill('SIGINT');
    }
    if (child.exitCode === null) await once(child, 'exit');
    expect(said).toContain('steered to azimuth -30°, with the stream of user 1, Q = 4; simulator, SIM-');
    expect(said).toMatch(/beamwidth {6}\d\.\d° at −3 dB/);
    expect(said).toContain("The array is in its safe state 'mute' again.");
    expect(child.exitCode).toBe(0);
  });

  it.each([
    ['--azimuth 120: not allowed; allowed: a number from -90 to 90', ['--azimuth', '120']],
    ['--user 2: not allowed; allowed: a whole number from 0 to 1', ['--azimuth', '0', '--user', '2']],
    ['a line of elements cannot tell elevations apart', ['--azimuth', '0', '--elevation', '5']],
    ['--for 0: not allowed', ['--azimuth', '0', '--for', '0']],
  ])('is refused: %s', async (message, options) => {
    expectRefusal(await beamrigHere('steer', cli.rigFile(), ...options), message);
  });
});

describe('beamrig mute', () => {
  it('makes the array dark where the rig file would hold, and radiates nothing for it', async () => {
    const rig = cli.rigFile((text) => `${text}safeState: hold\n`);
    const { stdout, code } = await cli.beamrig('mute', rig, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ rig: 'bench', source: 'simulator', muted: true });
    expect(code).toBe(0);
  });
});

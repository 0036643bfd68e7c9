/** `beamrig scan` on the simulator, and where the operator moves the receiver. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it } from 'vitest';
import { freePort } from '../../scripts/free-port.ts';
import { CliFolder, beamrigHere, expectRefusal } from '../../test/cli.ts';
import { agreementOf, levelled, type CutFigures } from './scan-figures.ts';
import { BEAMRIG, startPanels } from '../../test/built-program.ts';

const cli = new CliFolder();
afterAll(() => cli.remove());

interface Line {
  type: string;
  kind?: string;
  about?: string;
  azimuthDeg: number;
  elevationDeg: number;
  measuredDb: number;
  calculatedDb: number;
  agreement: { points: number; mostDb: number };
  complete: boolean;
}
const linesOf = (text: string): Line[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

describe('beamrig scan', () => {
  it('measures many beams at one place and says so, as a table and a picture too', async () => {
    const [csv, svg] = [join(cli.path, 'scan.csv'), join(cli.path, 'scan.svg')];
    const words = ['scan', cli.rigFile(), '--azimuth=-40:40:4', '--pilots', '16384', '--csv', csv, '--svg', svg];
    const { stdout, code } = await cli.beamrig(...words);
    expect(stdout).toContain('bench: 21 beams, measured at the one place where user 0 stands');
    expect(stdout).toMatch(/Measured and calculated are 0\.\d\d dB apart at most/);
    expect(stdout).toMatch(/^ +-40° +-?\d+\.\d\d +-?\d+\.\d\d/m);
    expect(code).toBe(0);
    const rows = readFileSync(csv, 'utf8').trim().split('\n');
    expect(rows[0]).toBe('beam,azimuth_deg,elevation_deg,measured_db,calculated_db');
    expect(rows).toHaveLength(22);
    // The users stand still, so that calculated and measured are of one channel.
    for (const row of rows.slice(1)) {
      const [, , , measured, calculated] = row.split(',').map(Number);
      if (calculated > 0) expect(Math.abs(measured - calculated)).toBeLessThan(0.2);
    }
    const picture = readFileSync(svg, 'utf8');
    expect(picture).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(picture).toContain('azimuth of the beam, degrees');
    expect(picture).not.toContain('NaN');
    expectRefusal(await beamrigHere(...words), 'there is a file already');
  });

  it('measures the pattern of one beam by a receiver that the simulator moves', async () => {
    const { stdout, code } = await cli.beamrig(
      'scan',
      cli.rigFile(),
      '--beam',
      '10',
      '--azimuth=-20:40:1',
      '--pilots',
      '16384',
      '--json',
    );
    const lines = linesOf(stdout);
    expect(lines[0]).toMatchObject({
      type: 'begin',
      kind: 'receiver',
      about: expect.stringContaining('its receiver moved over 61 angles') as string,
    });
    const points = lines.filter(({ type }) => type === 'point');
    expect(points).toHaveLength(61);
    const best = points.reduce((most, point) => (point.measuredDb > most.measuredDb ? point : most));
    expect(Math.abs(best.azimuthDeg - 10)).toBeLessThanOrEqual(1);
    const end = lines.at(-1);
    expect(end).toMatchObject({ type: 'end', complete: true });
    expect(end?.agreement.points).toBeGreaterThan(15);
    expect(end?.agreement.mostDb).toBeLessThan(0.2);
    expect(code).toBe(0);
  });

  it('goes over azimuth and over elevation of a planar array, through the main lobe, and says how wide each cut is', async () => {
    const rig = cli.rigFile((text) => text.replace('{ kind: ula, elements: 16 }', '{ kind: upa, rows: 8, columns: 4 }'));
    const widths: number[] = [];
    for (const [axis, range] of [
      ['azimuth', '--azimuth=-30:50:2'],
      ['elevation', '--elevation=-40:50:2'],
    ]) {
      const svg = join(cli.path, `${axis}.svg`);
      const words = ['scan', rig, '--beam', '10,5', range, '--pilots', '16384', '--svg', svg, '--json'];
      const { stdout, stderr, code } = await cli.beamrig(...words);
      const end = linesOf(stdout).at(-1) as unknown as { complete: boolean; agreement: { mostDb: number }; cut: CutFigures };
      expect(end, stderr).toMatchObject({ complete: true, cut: { axis } });
      expect(end.agreement.mostDb).toBeLessThan(0.2);
      const { peakDeg, beamwidthDeg, sidelobeDb } = end.cut;
      expect(Math.abs((peakDeg.measured ?? NaN) - (axis === 'azimuth' ? 10 : 5))).toBeLessThanOrEqual(2);
      expect(beamwidthDeg.measured).toBeCloseTo(beamwidthDeg.calculated ?? NaN, 0);
      expect(Math.abs((sidelobeDb.measured ?? NaN) - (sidelobeDb.calculated ?? NaN))).toBeLessThan(0.5);
      expect(sidelobeDb.calculated).toBeLessThan(-9);
      expect(readFileSync(svg, 'utf8')).toContain(`${axis} of the receiver, degrees`);
      widths.push(beamwidthDeg.measured ?? NaN);
      expect(code).toBe(0);
    }
    // Eight rows are twice as sharp as four columns.
    expect(widths[0] / widths[1]).toBeCloseTo(2, 0);
    const beams = await cli.beamrig('scan', rig, '--elevation=-20:20:10', '--azimuth', '15', '--json');
    const points = linesOf(beams.stdout).filter(({ type }) => type === 'point');
    expect(points.map(({ azimuthDeg, elevationDeg }) => [azimuthDeg, elevationDeg])).toEqual(
      [-20, -10, 0, 10, 20].map((elevation) => [15, elevation]),
    );
    expectRefusal(await beamrigHere('scan', rig, '--elevation=-20:20:10', '--azimuth=-20:20:10'), 'are both ranges');
    expectRefusal(await beamrigHere('scan', cli.rigFile(), '--elevation=-20:20:10'), 'cannot tell elevations apart');
    expectRefusal(
      await beamrigHere('scan', cli.rigFile(), '--beam', '0', '--elevation=-20:20:10'),
      'cannot tell elevations apart',
    );
  }, 120_000);

  it('asks the operator to move the receiver of a panel elsewhere, and stops when nobody answers any more', async () => {
    const rig = cli.rigFile((text) => `${text}links: [ { tcp: { host: 127.0.0.1, port: ${ports[0]} } } ]\nfallback: never\n`);
    const panel = startPanels([rig]);
    try {
      await panel.line(({ type }) => type === 'ready');
      const child = spawn(process.execPath, [...BEAMRIG, 'scan', rig, '--beam', '0', '--azimuth=0:20:10', '--json'], {
        cwd: cli.path,
      });
      let said = '';
      child.stdout.on('data', (text: Buffer) => (said += text.toString()));
      const asked: string[] = [];
      for await (const line of createInterface({ input: child.stderr })) {
        if (!line.startsWith('Put the receiver')) continue;
        asked.push(line);
        if (asked.length < 3) child.stdin.write('\n');
        else child.stdin.end();
      }
      if (child.exitCode === null) await once(child, 'exit');
      expect(asked).toEqual(
        [0, 10, 20].map((deg, i) => `Put the receiver of user 0 at ${deg}°, then press Enter. (${i + 1} of 3)`),
      );
      const lines = linesOf(said);
      expect(lines.filter(({ type }) => type === 'point').map(({ azimuthDeg }) => azimuthDeg)).toEqual([0, 10]);
      expect(lines.at(-1)).toMatchObject({ type: 'end', complete: false });
      expect(child.exitCode).toBe(1);
    } finally {
      await panel.stop();
    }
  });

  it.each([
    ['FROM:TO:STEP, degrees', ['--azimuth', '10']],
    ['rising, at most 4096', ['--azimuth=10:-10:1']],
    ['allowed: dft | beams', ['--codebook', 'butler']],
    ['--pilots 2: not allowed', ['--pilots', '2']],
  ])('is refused: %s', async (message, options) => {
    expectRefusal(await beamrigHere('scan', cli.rigFile(), ...options), message);
  });
});

const ports = [await freePort()];

describe('what a scan is compared by', () => {
  const points = [0, -3, -19, -25].map((calculatedDb, i) => {
    return { name: '', azimuthDeg: i, elevationDeg: 0, calculatedDb, measuredDb: calculatedDb + 5 + [0.1, 0, -0.3, 9][i] };
  });

  it('is the points above −20 dB, a level that nobody knows taken out by the median', () => {
    const { points: moved, byDb } = levelled(points);
    expect(byDb).toBeCloseTo(5, 9);
    expect(agreementOf(moved)).toEqual({
      points: 3,
      mostDb: expect.closeTo(0.3, 9) as number,
      rmsDb: expect.closeTo(Math.sqrt(0.1 / 3), 9) as number,
    });
    expect(agreementOf([])).toEqual({ points: 0, mostDb: null, rmsDb: null });
    // A beam without a stream of the user whose SINR is read.
    expect(agreementOf([{ measuredDb: -60, calculatedDb: -Infinity }])).toEqual({ points: 0, mostDb: null, rmsDb: null });
  });
});

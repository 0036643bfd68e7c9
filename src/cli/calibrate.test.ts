/** `beamrig calibrate` and `beamrig calibration`, as their user has them, on the simulator. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stateDifference } from '../../calibration/state-difference.ts';
import { alphabetsOf } from '../../calibration/tables/state-table.ts';
import { fromParts } from '../../core/signal/complex-matrix.ts';
import { packageRoot } from '../../core/files/package-root.ts';
import { createRandom } from '../../core/signal/random.ts';
import { CliFolder, expectRefusal, type Ended } from '../../test/cli.ts';
import { loadRigFile } from '../config/rig-file.ts';
import { readTables } from '../rig/calibration.ts';
import { createRigArray } from '../rig/simulator.ts';
import { BEAMRIG } from '../../test/built-program.ts';

let cli: CliFolder;
beforeEach(() => (cli = new CliFolder()));
afterEach(() => cli.remove());

const IMPAIRED = `
simulator:
  impairments: { gainErrorDb: 0.8, phaseErrorDeg: 100, phaseStateErrorDeg: 3, gainStateErrorDb: 0.3, stateErrors: independent, deadElements: [3], stuckElements: [5] }
`;
const impaired = (more = ''): string => cli.rigFile((text) => text + IMPAIRED + more);
const tables = (): string[] => readdirSync(join(cli.path, 'calibration')).filter((name) => name.endsWith('.json'));

/** RMS error of the newest table of the folder against what the simulated array of the rig file shows, flawed elements left out. */
function missed(rigPath: string) {
  const { rig } = loadRigFile(rigPath);
  const array = createRigArray(rig, createRandom(rig.seed).stream('simulator'));
  const table = readTables(join(cli.path, 'calibration')).at(-1);
  if (table === undefined) throw new Error('no table');
  const alphabets = alphabetsOf(table);
  const states = 2 ** rig.array.phaseBits;
  const flawed = new Set(table.flaws.map(({ element }) => element));
  const places = Array.from(alphabets.keys()).filter(
    (place) => alphabets[place] && !flawed.has(Math.floor(place / table.rfChains)),
  );
  const shown = Array.from({ length: states }, (_, word) =>
    array.radiatedAnalog(new Uint16Array(alphabets.length).fill(word), 0),
  );
  const truth = fromParts(
    places.length,
    states,
    Float64Array.from(places.flatMap((place) => shown.map(({ re }) => re[place]))),
    Float64Array.from(places.flatMap((place) => shown.map(({ im }) => im[place]))),
  );
  const found = fromParts(
    places.length,
    states,
    Float64Array.from(places.flatMap((place) => Array.from(alphabets[place]?.re ?? []))),
    Float64Array.from(places.flatMap((place) => Array.from(alphabets[place]?.im ?? []))),
  );
  return { ...stateDifference(found, truth), table };
}

/** Ctrl-C once so many readings are told on standard output. */
function stoppedAt(readings: number, ...words: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...BEAMRIG, ...words, '--json'], { cwd: cli.path });
    let [stdout, stderr, isStopped] = ['', '', false];
    child.stderr.on('data', (data) => (stderr += String(data)));
    child.stdout.on('data', (data) => {
      stdout += String(data);
      const done = Math.max(0, ...Array.from(stdout.matchAll(/"done":(\d+)/g), ([, count]) => Number(count)));
      if (isStopped || done < readings) return;
      isStopped = true;
      child.kill('SIGINT');
    });
    child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
}

describe('beamrig calibrate', () => {
  it('writes a table that says what the array shows, and a report; a run goes by it from then on', async () => {
    const rig = impaired();
    const before = await cli.beamrig('run', rig, '--cycles', '60', '--virtual-time');
    expect(before.stdout).toContain('Calibration: none: ideal phase states (SIM-0001: there are no tables)');
    const measured = await cli.beamrig('calibrate', rig, '--pilots', '4');
    expect(measured).toMatchObject({ code: 0 });
    expect(measured.stdout).toMatch(/element 3 dead, element 5 stuck\. Table: /);
    const { phaseDeg, gainDb, table } = missed(rig);
    expect(phaseDeg).toBeLessThan(1.25 * table.accuracy.phaseDeg);
    expect(gainDb).toBeLessThan(1.25 * table.accuracy.gainDb);
    const report = readdirSync(join(cli.path, 'calibration')).find((name) => name.endsWith('.html')) ?? '';
    const html = readFileSync(join(cli.path, 'calibration', report), 'utf8');
    expect(html).toContain('element 3 dead, element 5 stuck');
    expect(html).toContain('SIMULATED: the simulator was measured');
    expect(html).toContain('Errors of the states, simulated');
    expect(html.match(/<svg/g)).toHaveLength(6);
    const after = await cli.beamrig('run', rig, '--cycles', '60', '--virtual-time');
    expect(after.stdout).toMatch(/Calibration: SIM-0001\/28GHz\/25C\/[0-9a-f]{8}, measured /);
    const gap = ({ stdout }: Ended): number => {
      const [, measuredRate, predicted] = /sum rate: measured ([\d.]+), predicted ([\d.]+)/.exec(stdout) ?? [];
      return Number(predicted) - Number(measuredRate);
    };
    expect(gap(before)).toBeGreaterThan(2);
    expect(Math.abs(gap(after))).toBeLessThan(0.15);
  }, 120_000);

  it('says beforehand how many readings it takes and how exact it will be, and radiates nothing for that', async () => {
    const { code, stdout } = await cli.beamrig('calibrate', impaired(), '--dry-run', '--json');
    expect(code).toBe(0);
    const plan = JSON.parse(stdout) as { type: string; readings: number; commits: number; expected: { phaseDeg: number } };
    expect(plan).toMatchObject({
      type: 'plan',
      readings: 32 + 256 + 64,
      commits: 32 + 256 + 64,
      method: 'coded',
      panels: ['SIM-0001'],
    });
    expect(plan.expected.phaseDeg).toBeGreaterThan(0.3);
    expect(plan.expected.phaseDeg).toBeLessThan(3);
    expect(existsSync(join(cli.path, 'calibration'))).toBe(false);
  }, 60_000);

  it('says beforehand that a method takes more readings than were asked for, and why it cannot say how exact it will be', async () => {
    const few = await cli.beamrig('calibrate', impaired(), '--dry-run', '--readings', '3');
    expect(few.stderr).toMatch(/352 readings of pilots \(--readings 3: coded takes 320 a chain or more\), .* RMS\n/);
    const many = await cli.beamrig('calibrate', impaired(), '--dry-run', '--readings', '200000');
    expect(many.stderr).toMatch(
      / readings of pilots, .*; how exact states will be is not known beforehand: working it out would/,
    );
  }, 60_000);

  it('ends at Ctrl-C with 130 and no table, and goes on from there', async () => {
    const rig = impaired('  panel: { answerMs: 1 }\n');
    const stopped = await stoppedAt(100, 'calibrate', rig, '--pilots', '4');
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain('stopped; what was read is kept, and no table was written');
    expect(tables()).toEqual([]);
    const anew = await cli.beamrig('calibrate', rig, '--pilots', '4');
    expectRefusal(anew, /bench\.unfinished: a measurement was not finished/);
    expectRefusal(await cli.beamrig('calibrate', rig, '--pilots', '8', '--resume'), /begun with pilots 4, and now it is 8/);
    const resumed = await cli.beamrig('calibrate', rig, '--pilots', '4', '--resume', '--json');
    const last = JSON.parse(resumed.stdout.trim().split('\n').at(-1) ?? '') as {
      type: string;
      readings: number;
      commits: number;
    };
    expect(last).toMatchObject({ type: 'calibrated', readings: 352 });
    // Those of before, and the first setting once more as often as it was read.
    expect(last.commits).toBeLessThan(352 - 100 + 33);
    expect(missed(rig).phaseDeg).toBeLessThan(1.25 * missed(rig).table.accuracy.phaseDeg);
    expect(readdirSync(join(cli.path, 'calibration')).some((name) => name.endsWith('.unfinished'))).toBe(false);
  }, 120_000);

  it('has the sub-connected example radiate what is predicted', async () => {
    const folder = `telemetry: { runFolder: ${JSON.stringify(join(cli.path, 'runs'))} }\n`;
    const example = readFileSync(join(packageRoot(), 'examples', 'rigs', 'sub-connected.yaml'), 'utf8');
    const rig = cli.rigFile(() => `${example}${folder}`);
    const gap = async (): Promise<number> => {
      const { stdout } = await cli.beamrig('run', rig, '--cycles', '200', '--virtual-time');
      const [, measuredRate, predicted] = /sum rate: measured ([\d.]+), predicted ([\d.]+)/.exec(stdout) ?? [];
      return Number(predicted) - Number(measuredRate);
    };
    expect(await gap()).toBeGreaterThan(5);
    expect(await cli.beamrig('calibrate', rig)).toMatchObject({ code: 0 });
    expect(Math.abs(await gap())).toBeLessThan(0.15);
  }, 240_000);

  it('neither goes on with readings of another frequency or Q, nor uses their table', async () => {
    const slow = impaired('  panel: { answerMs: 1 }\n');
    expect((await stoppedAt(60, 'calibrate', slow, '--pilots', '4')).code).toBe(130);
    const changed = (by: [string, string]): string => cli.rigFile(() => readFileSync(slow, 'utf8').replace(...by));
    const otherBits = changed(['phaseBits: 4', 'phaseBits: 3']);
    const otherCarrier = changed(['phaseBits: 4', 'phaseBits: 4, carrierGhz: 30']);
    const again = (rig: string): Promise<Ended> => cli.beamrig('calibrate', rig, '--pilots', '4', '--resume');
    expectRefusal(await again(otherBits), /begun with (readings|phaseBits) \d+, and now it is \d+/);
    expectRefusal(await again(otherCarrier), /begun with frequencyGhz 28, and now it is 30/);
    expect(tables()).toEqual([]);
    expect(await again(slow)).toMatchObject({ code: 0 });
    const run = (rig: string): Promise<Ended> => cli.beamrig('run', rig, '--cycles', '2', '--virtual-time');
    expect((await run(otherCarrier)).stdout).toContain(
      'none: ideal phase states (SIM-0001: it was measured at 28 GHz, and the rig is at 30)',
    );
    expect((await run(otherBits)).stdout).toContain(
      'Calibration: none: ideal phase states (SIM-0001: its tables are of an array that was simulated from other settings',
    );
  }, 240_000);

  it('goes on from what is whole of readings that were damaged meanwhile, and says so', async () => {
    const rig = impaired('  panel: { answerMs: 1 }\n');
    expect((await stoppedAt(100, 'calibrate', rig, '--pilots', '4')).code).toBe(130);
    const path = join(cli.path, 'calibration', 'bench.unfinished');
    const lines = readFileSync(path, 'utf8').split('\n');
    lines[60] = lines[60].replace(/^\[-?\d/, '[7');
    writeFileSync(path, lines.join('\n'));
    const resumed = await cli.beamrig('calibrate', rig, '--pilots', '4', '--resume');
    expect(resumed.stderr).toMatch(/bench\.unfinished: line 61 is not as it was written: .* 59 readings before it are kept/);
    expect(resumed.code).toBe(0);
    expect(missed(rig).phaseDeg).toBeLessThan(1.25 * missed(rig).table.accuracy.phaseDeg);
  }, 60_000);

  it('ends at Ctrl-C also where the panel answers at once', async () => {
    const stopped = await stoppedAt(500, 'calibrate', impaired(), '--readings', '200000');
    expect(stopped.code).toBe(130);
    expect(tables()).toEqual([]);
    const moved = impaired('calibration: { probe: { azimuthDeg: 20 } }\n');
    expectRefusal(await cli.beamrig('calibrate', moved, '--readings', '200000', '--resume'), /it was begun with probe /);
  }, 60_000);

  it('refuses a probe towards which power alone cannot tell elements apart, and arrays that a method is not for', async () => {
    const aside = cli.rigFile(
      (text) => `${text}simulator: { impairments: { gainErrorDb: 0.5 } }\ncalibration: { probe: { azimuthDeg: 35 } }\n`,
    );
    for (const method of ['rev', 'on-off']) {
      expectRefusal(await cli.beamrig('calibrate', aside, '--method', method), /times as strong as one of them at the probe/);
      const coarse = cli.rigFile((text) => text.replace('phaseBits: 4', 'phaseBits: 1'));
      expectRefusal(
        await cli.beamrig('calibrate', coarse, '--method', method),
        /needs 2 elements a chain and 2 bits, and there are 16 and 1/,
      );
    }
    expect(tables()).toEqual([]);
  }, 120_000);

  it('loses nothing to a panel that restarts in the middle', async () => {
    const rig = impaired("  behaviours: [{ do: reset, messages: ['commit'], nth: 90, bootMs: 50 }]\n");
    expect(await cli.beamrig('calibrate', rig, '--pilots', '4')).toMatchObject({ code: 0 });
    expect(missed(rig).phaseDeg).toBeLessThan(1.25 * missed(rig).table.accuracy.phaseDeg);
  }, 60_000);

  it('says that the newest table is worse than one that was there, and how to use that again', async () => {
    const rig = impaired();
    const coded = await cli.beamrig('calibrate', rig, '--pilots', '4');
    expect(coded.stderr).not.toContain('worse');
    const offsets = await cli.beamrig('calibrate', rig, '--method', 'hadamard', '--json');
    expect(offsets).toMatchObject({ code: 0 });
    const [, newest] = tables();
    expect(offsets.stderr).toMatch(
      /is worse than one that was there: SIM-0001\S+ of .* UTC is known to [\d.]+°, the new one to /,
    );
    expect(offsets.stderr).toContain(`${newest} elsewhere.`);
    expect(offsets.stdout).toContain('"betterBefore":{"id":"SIM-0001/');
    const [before, after] = [newest, tables()[0]].map((name) => join('calibration', name));
    expect((await cli.beamrig('calibration', 'diff', before, after)).stdout).toContain(
      'Element 5, chain 0: not known (hadamard does not tell who is stuck) before, stuck now.',
    );
  }, 60_000);

  it('says what a method lacks', async () => {
    const old = impaired('  panel: { elementEnable: false }\n');
    expectRefusal(
      await cli.beamrig('calibrate', old, '--method', 'hadamard'),
      /the method hadamard switches elements off, and the panel cannot \(feature element-enable\)/,
    );
    expect(await cli.beamrig('calibrate', old, '--method', 'steering')).toMatchObject({ code: 0 });
    expectRefusal(await cli.beamrig('calibrate', old, '--method', 'rev', '--seed', '2'), /--seed: the method rev draws nothing/);
    expectRefusal(await cli.beamrig('calibrate', old, '--method', 'magic'), /--method magic: not allowed; allowed: coded \|/);
  }, 120_000);

  it('measures by power alone where a panel reports no pilots, the receiver of a user at the probe’s place', async () => {
    const deaf = impaired('  panel: { pilotReport: false }\n');
    expectRefusal(await cli.beamrig('calibrate', deaf), /calibration\.probe\.receiver is no user’s, and only users’ receivers/);
    const rig = impaired('  panel: { pilotReport: false }\ncalibration: { probe: { receiver: 0 } }\n');
    expectRefusal(await cli.beamrig('calibrate', rig, '--reading', 'pilots'), /reports no pilots \(feature pilot-report\)/);
    const planned = await cli.beamrig('calibrate', rig, '--dry-run', '--json');
    // Of each chain: 32 for the noise, 64 to find a reference, 32 and 16 of that alone, two of each setting; then one chain beside the other.
    const readings = 2 * (32 + 64 + 32 + 16 + 2 * (256 + 64)) + 16;
    expect(JSON.parse(planned.stdout)).toMatchObject({ reading: 'power', readings, commits: readings });
    const measured = await cli.beamrig('calibrate', rig);
    expect(measured).toMatchObject({ code: 0 });
    expect(measured.stdout).toMatch(/element 3 dead, element 5 stuck\. Table: /);
    const { phaseDeg, gainDb, table } = missed(rig);
    expect(phaseDeg).toBeLessThan(1.25 * table.accuracy.phaseDeg);
    expect(gainDb).toBeLessThan(1.25 * table.accuracy.gainDb);
    expect(table.accuracy.phaseDeg).toBeLessThan(1);
  }, 120_000);

  it('knows the chains beside each other whatever is read: their phases are those of one table', async () => {
    const rig = impaired('calibration: { probe: { receiver: 1 } }\n');
    for (const words of [
      ['--method', 'pairwise', '--reading', 'power', '--pilots', '400000'],
      ['--method', 'pairwise', '--pilots', '64'],
    ]) {
      expect(await cli.beamrig('calibrate', rig, ...words)).toMatchObject({ code: 0 });
      const { phaseDeg, table } = missed(rig);
      expect(phaseDeg).toBeLessThan(1.3 * table.accuracy.phaseDeg);
      expect(table.accuracy.phaseDeg).toBeLessThan(2);
    }
  }, 120_000);

  it('refuses readings of a probe that hears nothing', async () => {
    const deaf = impaired('  probeSnrDb: -50\n');
    expectRefusal(await cli.beamrig('calibrate', deaf), /RF chain 0 is not heard: the readings leave its states unknown/);
    expect(tables()).toEqual([]);
  }, 60_000);
});

describe('beamrig run', () => {
  it('does not start without tables where the rig file needs them', async () => {
    const rig = cli.rigFile((text) => `${text}calibration: { need: tables }\n`);
    expectRefusal(await cli.beamrig('run', rig, '--cycles', '1', '--virtual-time'), /'bench' needs tables \(calibration\.need\)/);
  }, 60_000);

  it('keeps the tables that it went by, so that a kept beam is checked by them when the lab has others', async () => {
    const rig = cli.rigFile((text) => text.replace('telemetry: {', 'telemetry: { keep: all,') + IMPAIRED);
    await cli.beamrig('calibrate', rig);
    await cli.beamrig('run', rig, '--cycles', '5', '--virtual-time');
    const [name] = tables();
    writeFileSync(join(cli.path, 'calibration', name), 'lost');
    const [run] = readdirSync(join(cli.path, 'runs'));
    const { code, stdout } = await cli.beamrig('beam', join('runs', run), '--cycle', '2');
    expect(code).toBe(0);
    expect(stdout).toContain('as recorded to the last digit');
  }, 120_000);
});

describe('beamrig calibration', () => {
  it('shows, checks, compares, merges and exports tables', async () => {
    const rig = impaired();
    await cli.beamrig('calibrate', rig);
    const [one] = tables().map((name) => join('calibration', name));
    writeFileSync(join(cli.path, 'first.json'), readFileSync(join(cli.path, one)));
    await cli.beamrig('calibrate', rig, '--seed', '2');
    const two =
      tables()
        .map((name) => join('calibration', name))
        .at(-1) ?? '';
    expect((await cli.beamrig('calibration', 'show', one)).stdout).toMatch(
      /16 elements × 2 RF chains, Q = 4; 28 GHz, 25.* °C[^]*SIMULATED: measured on the simulator[^]*element 3 dead, element 5 stuck/,
    );
    const differ = JSON.parse((await cli.beamrig('calibration', 'diff', 'first.json', two, '--json')).stdout) as {
      phaseDeg: number;
    };
    expect(differ.phaseDeg).toBeGreaterThan(0.1);
    expect(differ.phaseDeg).toBeLessThan(3);
    const merged = await cli.beamrig('calibration', 'merge', 'first.json', two, '-o', 'both.json', '--json');
    expect(JSON.parse(merged.stdout)).toMatchObject({ output: 'both.json', id: expect.stringMatching(/^SIM-0001/) as string });
    expect((await cli.beamrig('calibration', 'show', 'both.json')).stdout).toMatch(/^Measured \S+: the mean between SIM-0001/m);
    const toMean = JSON.parse((await cli.beamrig('calibration', 'diff', 'both.json', two, '--json')).stdout) as {
      phaseDeg: number;
    };
    expect(toMean.phaseDeg).toBeLessThan(0.6 * differ.phaseDeg);
    expect((await cli.beamrig('calibration', 'export', 'both.json', '--csv')).stdout.split('\r\n').length).toBe(1 + 16 * 2 * 16);
    writeFileSync(join(cli.path, 'bad.json'), readFileSync(join(cli.path, two), 'utf8').replace(/\[-?\d+\.\d+,/, '[1.234,'));
    const verified = await cli.beamrig('calibration', 'verify', 'calibration', 'both.json', 'bad.json', 'none.json');
    expect(verified.code).toBe(1);
    expect(verified.stderr).toContain('docs/calibration-table.schema.json');
    expect(verified.stdout).toMatch(
      /both\.json: good, SIM-0001.*, simulated\n[^]*bad\.json: its checksum is that of another content[^]*none\.json: there is no such file/,
    );
  }, 180_000);
});

/** `beamrig beams`: kept by name, listed, sent on the simulator, exported and imported. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadRigFile } from '../config/rig-file.ts';
import { beamByHand } from '../rig/hand-beam-files.ts';
import { CliFolder, beamrigHere, expectRefusal } from '../../test/cli.ts';

const cli = new CliFolder();
afterAll(() => cli.remove());
let folders = 0;
const rigWith = (change: (text: string) => string = (text) => text): string =>
  cli.rigFile((text) => `${change(text)}beamFolder: beams-${++folders}\n`);

describe('beamrig beams', () => {
  it('keeps a beam towards a direction, lists it with what it is like, and radiates it', async () => {
    const rig = rigWith();
    expect((await beamrigHere('beams', 'list', rig)).stdout).toContain('No beam is kept');
    const saved = await beamrigHere('beams', 'save', rig, 'east', '--azimuth', '40', '--user', '1');
    expect(saved.stdout).toMatch(/^Saved as .*beams-\d+\/east\.beam\.json\n$/);
    const { stdout } = await beamrigHere('beams', 'list', rig);
    expect(stdout).toMatch(/east +40 +8\.\d +-1\d\.\d +2[34]\.\d +yes +steered to azimuth 40°/);
    expectRefusal(await beamrigHere('beams', 'save', rig, 'east', '--azimuth', '41'), "there is a beam 'east' already");
    const sent = await cli.beamrig('beams', 'send', rig, 'east', '--cycles', '10', '--json');
    const lines = sent.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ type: 'beam', source: 'simulator' });
    expect(Math.abs((lines[0].calculated as { pointingErrorDeg: number }).pointingErrorDeg)).toBeLessThan(0.5);
    expect(lines[1]).toMatchObject({ type: 'status', users: [{ user: 1 }] });
    expect(lines.at(-1)).toMatchObject({ type: 'end', cycles: 10, void: 0, faulted: false });
    expect(sent.code).toBe(0);
  });

  it('keeps one that a run kept, and one that is being steered, with the words that were radiated', async () => {
    const rig = rigWith((text) => text.replace(/telemetry: \{/, 'telemetry: { keep: all,'));
    expect((await cli.beamrig('run', rig, '--cycles', '5', '--virtual-time')).code).toBe(0);
    const runs = join(cli.path, 'runs');
    const run = join(runs, readdirSync(runs)[0]);
    expect((await beamrigHere('beams', 'save', rig, 'best', '--run', run, '--cycle', '3')).code).toBe(0);
    const { stdout } = await beamrigHere('beam', run, '--cycle', '3', '--json');
    const path = join(cli.path, `beams-${folders}`);
    const file = JSON.parse(readFileSync(join(path, 'best.beam.json'), 'utf8')) as { words: number[]; from: string };
    expect(file.words).toEqual((JSON.parse(stdout) as { words: number[] }).words);
    expect(file.from).toMatch(/^cycle 3 of /);
    expectRefusal(
      await beamrigHere('beams', 'save', rig, 'late', '--run', run, '--cycle', '99'),
      'it has no phase words of cycle 99',
    );
    expect((await cli.beamrig('steer', rig, '--azimuth', '-12', '--for', '0.3', '--save', 'west')).code).toBe(0);
    expect((await beamrigHere('beams', 'save', rig, 'too', '--azimuth', '-12')).code).toBe(0);
    const wordsOf = (name: string): number[] =>
      (JSON.parse(readFileSync(join(path, `${name}.beam.json`), 'utf8')) as { words: number[] }).words;
    expect(wordsOf('west')).toEqual(wordsOf('too'));
  });

  it('lists the others where one is damaged, says why, and ends with 1', async () => {
    const rig = rigWith();
    for (const azimuth of ['-30', '10']) await beamrigHere('beams', 'save', rig, `at${azimuth}`, '--azimuth', azimuth);
    const folder = join(cli.path, `beams-${folders}`);
    const text = readFileSync(join(folder, 'at10.beam.json'), 'utf8');
    writeFileSync(join(folder, 'bent.beam.json'), text.replace('"azimuthDeg": 10', '"azimuthDeg": 11'));
    const listed = await beamrigHere('beams', 'list', rig);
    expect(listed.stdout).toMatch(/^at-30 .*\n^at10 /m);
    expect(listed.stdout).toMatch(/^bent: damaged: .*its checksum is not that of its contents\. Save the beam again/m);
    expect(listed.code).toBe(1);
    const json = JSON.parse((await beamrigHere('beams', 'list', rig, '--json')).stdout) as { name: string; damaged?: string }[];
    expect(json.map(({ name, damaged }) => [name, damaged !== undefined])).toEqual([
      ['at-30', false],
      ['at10', false],
      ['bent', true],
    ]);
    const exported = await beamrigHere('beams', 'export', rig);
    expect(exported.stdout.trim().split('\n')).toHaveLength(2 * 16 + 1);
    expect(exported.stderr).toContain('Left out: ');
    expect(exported.code).toBe(1);
    expectRefusal(await beamrigHere('beams', 'send', rig, 'bent'), 'its checksum is not that of its contents');
  });

  it('goes by the table of the array, notes it, and says where it is sent under another one', async () => {
    const impaired = 'simulator: { impairments: { phaseErrorDeg: 100, phaseStateErrorDeg: 3, stateErrors: independent } }\n';
    const rig = rigWith((text) => `${text}${impaired}calibration: { folder: tables-${folders} }\n`);
    await beamrigHere('beams', 'save', rig, 'ideal', '--azimuth', '20');
    expect((await cli.beamrig('calibrate', rig, '--pilots', '4')).code).toBe(0);
    const byTable = await beamrigHere('beams', 'save', rig, 'by-table', '--azimuth', '20', '--json');
    expect(JSON.parse(byTable.stdout)).toMatchObject({
      name: 'by-table',
      calibration: expect.stringMatching(/^SIM-0001/) as string,
    });
    expect((await cli.beamrig('steer', rig, '--azimuth', '20', '--for', '0.3', '--save', 'steered')).code).toBe(0);
    const fileOf = (name: string): { words: number[]; calibration: string } =>
      JSON.parse(readFileSync(join(cli.path, `beams-${folders}`, `${name}.beam.json`), 'utf8')) as ReturnType<typeof fileOf>;
    expect(fileOf('by-table').calibration).toMatch(/^SIM-0001\/28GHz\//);
    expect(fileOf('by-table').calibration).toBe(fileOf('steered').calibration);
    expect(fileOf('by-table').words).toEqual(fileOf('steered').words);
    expect(fileOf('by-table').words).not.toEqual(fileOf('ideal').words);
    const other = await cli.beamrig('beams', 'send', rig, 'ideal', '--cycles', '5', '--json');
    expect(other.stderr).toContain(
      "Words were chosen by other states than the array is known to show now: 'ideal' by ideal states",
    );
    expect(JSON.parse(other.stdout.split('\n')[0])).toMatchObject({
      madeBy: 'none',
      calibration: fileOf('by-table').calibration,
    });
    const same = await cli.beamrig('beams', 'send', rig, 'by-table', '--cycles', '5');
    expect(same.stderr).not.toContain('Words were chosen');
    const listed = await beamrigHere('beams', 'list', rig);
    expect(listed.stderr).toMatch(/^Calibration: SIM-0001\/28GHz/);
    const eirpOf = (name: string): number => Number(new RegExp(`^${name} +20 +\\S+ +\\S+ +(\\S+)`, 'm').exec(listed.stdout)?.[1]);
    // Phases of elements are off by 100° RMS: words for ideal states add up to much less.
    expect(eirpOf('by-table')).toBeGreaterThan(eirpOf('ideal') + 3);
    const scanned = await cli.beamrig('scan', rig, '--codebook', 'beams');
    expect(scanned.stderr).toContain("'ideal' by ideal states; it goes by the table SIM-0001");
  }, 60_000);

  it('scans those that are for the array, and says which are left out', async () => {
    const rig = rigWith();
    await beamrigHere('beams', 'save', rig, 'ours', '--azimuth', '20');
    const smaller = cli.rigFile(() => readFileSync(rig, 'utf8').replace('elements: 16', 'elements: 8'));
    await beamrigHere('beams', 'save', smaller, 'theirs', '--azimuth', '20');
    const scanned = await cli.beamrig('scan', rig, '--codebook', 'beams', '--json');
    expect(scanned.stderr).toContain("Left out: the beam 'theirs' is for another array: elements 8, not 16.");
    expect(scanned.stdout).toContain('"name":"ours"');
    expect(scanned.code).toBe(0);
  }, 60_000);

  it('goes into the table of a kit and back', async () => {
    const rig = rigWith();
    for (const azimuth of ['-30', '10', '45']) await beamrigHere('beams', 'save', rig, `at${azimuth}`, '--azimuth', azimuth);
    const csv = join(cli.path, 'table.csv');
    const exported = await beamrigHere('beams', 'export', rig, '-o', csv);
    expect(exported.stderr).toContain('3 beams: 1 at-30, 2 at10, 3 at45.');
    expect(readFileSync(csv, 'utf8').split('\n')).toHaveLength(3 * 16 + 2);
    const imported = await beamrigHere('beams', 'import', rig, csv, '--prefix', 'kit-');
    expect(imported.stdout).toMatch(/^3 beams of .*table\.csv saved in .*: kit-1, kit-2, kit-3\.\n$/);
    const listed = JSON.parse((await beamrigHere('beams', 'list', rig, '--json')).stdout) as { name: string; fits: boolean }[];
    expect(listed.map(({ name, fits }) => [name, fits])).toEqual([
      ...['at-30', 'at10', 'at45'].map((name) => [name, true]),
      ...['kit-1', 'kit-2', 'kit-3'].map((name) => [name, true]),
    ]);
    const again = await beamrigHere('beams', 'export', rig, 'kit-1', 'kit-2', 'kit-3');
    expect(again.stdout).toBe(readFileSync(csv, 'utf8'));
    expectRefusal(
      await beamrigHere('beams', 'import', rig, csv, '--prefix', 'kit-'),
      'there are beams of these names already: kit-1',
    );
  });

  it('sends what a table has off and weaker, as it is expected, and refuses it by name where panels have no such thing', async () => {
    const still = `simulator: { userSpeedMps: 0, channel: { model: saleh-valenzuela, paths: 1, directShare: 1 } }
loop: { rateHz: 100, pilots: 16384 }`;
    const rig = rigWith((text) => text.replace('loop: { rateHz: 100 }', still));
    const csv = join(cli.path, 'off.csv');
    const rows = Array.from({ length: 16 }, (_, i) => `TX,5,${i + 1},${i < 8 ? 1 : 0},${i < 12 ? 0 : -6},0`);
    writeFileSync(csv, `Mode,BeamID,ch,ch_sw,ch_db,ch_deg\n${rows.join('\n')}\n`);
    const named = await beamrigHere('beams', 'import', rig, csv, '--prefix', 'json-', '--json');
    expect(JSON.parse(named.stdout)).toMatchObject({
      beams: [{ name: 'json-5', takes: ['element-enable', 'element-gain'] }],
      skipped: 0,
    });
    const imported = await beamrigHere('beams', 'import', rig, csv);
    expect(imported.stderr).toContain('sent to panels with element-enable and element-gain alone: tx-5');
    const sent = await cli.beamrig('beams', 'send', rig, 'tx-5', '--for', '1', '--json');
    const lines = sent.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    // Half of the elements are dark: 4 of amplitude 1 and 4 of about a half are as 6 in phase, beside the mean power of the 16.
    const { eirpOverElementDb } = lines[0].calculated as { eirpOverElementDb: number };
    expect(eirpOverElementDb).toBeCloseTo(10 * Math.log10((6 ** 2 * 16) / 5), 0);
    const [{ measuredDb, predictedDb }] = lines[1].users as { measuredDb: number; predictedDb: number }[];
    expect(Math.abs(measuredDb - predictedDb)).toBeLessThan(0.3);
    expect(lines.at(-1)).toMatchObject({ type: 'end', void: 0 });
    for (const [lacking, feature] of [
      ['protocolMinor: 2', 'element-enable'],
      ['elementEnable: false', 'element-enable'],
      ['gainBits: 0', 'element-gain'],
    ]) {
      const older = cli.rigFile((text) => `${text}simulator: { panel: { ${lacking} } }\nbeamFolder: beams-${folders}\n`);
      expectRefusal(await beamrigHere('beams', 'send', older, 'tx-5'), `has no ${feature}`);
    }
    const kept = cli.rigFile(
      (text) => `${text.replace('telemetry: {', 'telemetry: { keep: all,')}beamFolder: beams-${folders}\n`,
    );
    expect(() => beamByHand(loadRigFile(kept).rig, { do: 'beam', name: 'tx-5' })).toThrow('telemetry.keep');
  });

  it('does not send to another array, nor what is not there', async () => {
    const rig = rigWith();
    await beamrigHere('beams', 'save', rig, 'east', '--azimuth', '40');
    const other = cli.rigFile((text) => `${text.replace('elements: 16', 'elements: 8')}beamFolder: beams-${folders}\n`);
    expectRefusal(
      await beamrigHere('beams', 'send', other, 'east'),
      "is for another array than that of 'bench': elements 16, not 8",
    );
    expectRefusal(await beamrigHere('beams', 'send', rig, 'nobody'), 'nobody.beam.json');
    expectRefusal(await beamrigHere('beams', 'send', rig, '../east'), "the name '../east' is not allowed");
  });
});

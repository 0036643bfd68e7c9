/** The table of records that crashes, full disks and people's editors have been at. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { exportCsv } from './export-csv.ts';
import { openRun, refuseOtherUsers } from './run-folder.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'beamrig-csv-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const manifest = { format: 1, run: 'r', rig: 'bench', users: 2 };
const time = (cycle: number): bigint => 1_790_000_000_000_000_000n + BigInt(cycle) * 50_000_000n;
const own = (cycle: number, outcome = 'ok'): string =>
  `cycle,rig=bench,run=r,model=m,outcome=${outcome} cycle=${cycle}i,beam_id=${cycle + 1}i ${time(cycle)}`;
const user = (cycle: number, index: number | string): string =>
  `user_snr,rig=bench,run=r,user=${index} cycle=${cycle}i,measured_db=${cycle}.5 ${time(cycle)}`;
const whole = (cycle: number): string[] => [own(cycle), user(cycle, 0), user(cycle, 1)];

/** Cycle and outcome of each row, and what was counted. */
async function table(records: string, head: object = manifest) {
  writeFileSync(join(folder, 'records.lp'), records);
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(head));
  const out = new PassThrough();
  const all = text(out);
  const count = await exportCsv(openRun(folder), out);
  out.end();
  const written = await all;
  const [names = '', ...rows] = written.split('\r\n').slice(0, -1);
  const column = (name: string): number => names.split(',').indexOf(name);
  return {
    count,
    text: written,
    rows: rows.map((row) => `${row.split(',')[column('cycle')]} ${row.split(',')[column('outcome')]}`),
  };
}
const lines = (...all: string[]): string => all.map((line) => `${line}\n`).join('');

it('has no row of a last line that was torn within its time', async () => {
  for (const torn of [1, 5, 18]) {
    const { rows, count } = await table(lines(...whole(0)) + own(1).slice(0, -torn));
    expect(rows).toEqual(['0 ok']);
    expect(count.damagedLines).toBe(1);
    // Nor where it was ended afterwards, and records went on.
    expect((await table(lines(...whole(0), own(1).slice(0, -torn), ...whole(2)))).rows).toEqual(['0 ok', '2 ok']);
  }
});

it('has the row of a last line that lacks its newline only', async () => {
  expect((await table(lines(...whole(0)) + whole(1).join('\n'))).rows).toEqual(['0 ok', '1 ok']);
});

it('calls no cycle ok whose users are missing', async () => {
  const { rows, count } = await table(lines(own(0), user(0, 0), own(1), own(2, 'void'), ...whole(3)));
  expect(rows).toEqual(['0 incomplete', '1 incomplete', '2 void', '3 ok']);
  expect(count).toEqual({ rows: 4, damagedLines: 0, incompleteRows: 2 });
});

it('has no text that a spreadsheet would run, wherever it splits the row', async () => {
  const cellOf = async (failure: string): Promise<string> => {
    const line = own(0, 'void').replace('beam_id', `failure="${failure}",beam_id`);
    const { text: all } = await table(lines(line, user(0, 0), user(0, 1)), { ...manifest, channels: { file: '=HYPERLINK(1)' } });
    expect(all).toContain(",'=HYPERLINK(1)");
    return /,void,0,,1,(.*?),,,/s.exec(all)?.[1] ?? '';
  };
  for (const start of ['=1+1', '+1', '-1', '@SUM(1)', '\t=1', '\r=1', ' =1', '＝1', '＋1'])
    expect(await cellOf(start)).toMatch(/^"?'/);
  expect(await cellOf('a;=1;+1')).toBe("a;'=1;'+1");
  expect(await cellOf('panel A: no answer; 3 attempts - given up')).toBe('panel A: no answer; 3 attempts - given up');
});

it('has every cycle once, in order of time, however the lines lie', async () => {
  const { rows, count } = await table(
    lines(...whole(1).reverse(), ...whole(0), ...whole(1), own(2), own(3), user(2, 1), user(2, 0)),
  );
  expect(rows).toEqual(['0 ok', '1 ok', '2 ok', '3 incomplete']);
  expect(count.repeatedCycles).toBe(1);
  const twice = lines(...Array.from({ length: 200 }, (_, cycle) => whole(cycle)).flat());
  expect((await table(twice + twice)).count).toEqual({ rows: 200, damagedLines: 0, repeatedCycles: 200 });
});

it('leaves out what is no record: users who are not, other measurements, zeros of a power cut, lines without end', async () => {
  const { rows, count } = await table(
    lines(...whole(0), user(0, 2), user(0, '-1'), 'weather,run=r rain=1i 1790000000000000000', '\0'.repeat(4096), '') +
      `${'x'.repeat(3 << 20)}\n` +
      lines(...whole(1)).replaceAll('\n', '\r\n'),
  );
  expect(rows).toEqual(['0 ok', '1 ok']);
  expect(count.damagedLines).toBe(5);
});

it('is refused for a manifest that cannot be of a run, naming what cannot be', async () => {
  for (const users of [1e9, -1, 0, 2.5, '2', null, undefined, [2]]) {
    await expect(table('', { ...manifest, users })).rejects.toThrow(/manifest\.json cannot be of a run: users is /);
  }
  const run = '../../x\u001b[31m';
  await expect(table('', { ...manifest, run })).rejects.toThrow('run is "../../x\\u001b[31m" (a run is named by letters');
  const rigFile = { path: 'a', sha256: 'b', text: 5 };
  await expect(table('', { ...manifest, rigFile })).rejects.toThrow('rigFile.text is 5');
  await expect(table('', { ...manifest, rig: { deep: [] } })).rejects.toThrow('rig is {"deep":[]}');
  await expect(table('', [])).rejects.toThrow('manifest.json is missing, damaged or of another version');
});

it('is refused where the users of the manifest are not those of the records', async () => {
  const other = async (records: string, users: number): Promise<void> => {
    await table(records, { ...manifest, users });
    await refuseOtherUsers(openRun(folder));
  };
  const records = lines(...whole(0), ...whole(1), ...whole(2));
  await other(records, 2);
  await expect(other(records, 1)).rejects.toThrow('users is 1, and the records have 2');
  await expect(other(records, 3)).rejects.toThrow('users is 3, and the records have 2');
  await expect(other(lines(...whole(0)), 1)).rejects.toThrow('users is 1');
  // Damage is no proof.
  await other('', 2);
  await other(lines(own(0), user(0, 0)), 2);
  await other(lines(own(0), user(0, 1), own(1), user(1, 1), user(2, 0)), 2);
  await other(lines(...whole(0), user(0, 2), ...whole(1)), 2);
});

it('is refused where folder or records are something else, without waiting for anybody', async () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  expect(() => openRun(file)).toThrow('this is no folder');
  expect(() => openRun(join(file, 'below'))).toThrow(/no such folder|cannot be looked at/);
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  mkdirSync(join(folder, 'records.lp'));
  expect(() => openRun(folder)).toThrow('its records.lp is no file');
  rmSync(join(folder, 'records.lp'), { recursive: true });
  execFileSync('mkfifo', [join(folder, 'records.lp')]);
  expect(() => openRun(folder)).toThrow('its records.lp is no file');
});

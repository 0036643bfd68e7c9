/** Sweeps of trainings on one machine: stopped and gone on with, and what they refuse before anything is trained. */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { CliFolder, beamrigHere, expectRefusal } from '../../test/cli.ts';
import { startBeamrig } from '../../test/started-beamrig.ts';

const cli = new CliFolder();
afterAll(() => cli.remove());

const SMALL = ['--elements', '8', '--rf-chains', '2', '--users', '2', '--layers', '1', '--inner-steps', '1'];
const COURSE = ['--channels', '12', '--batch', '6', '--validation-channels', '5'];
const TRAIN = ['train', 'unfolded-pga', ...SMALL, ...COURSE];
const refusedIn = (folder: string, ...more: string[]) =>
  beamrigHere(...TRAIN, '--epochs', '1000000', '--output', join(cli.path, folder), ...more);

it('goes on after Ctrl-C where it was, and comes to the very files of a sweep that nobody stopped', async () => {
  const sweep = [...TRAIN, '--epochs', '300', '--sweep', 'seed=1,2,3', '--workers', '1'];
  const [stopped, whole] = ['stopped', 'whole'].map((name) => join(cli.path, name));
  const first = startBeamrig(...sweep, '--output', stopped);
  await vi.waitFor(() => expect(first.said()).toContain('1/3,'), { timeout: 60_000, interval: 5 });
  first.interrupt();
  expect((await first.ended).code).toBe(1);
  expect(first.said()).toContain('Stopped. Go on with the same command.');
  const left = readdirSync(stopped);
  expect(left.filter((name) => name.endsWith('.onnx')).length).toBeLessThan(3);

  const again = await startBeamrig(...sweep, '--output', stopped, '--json').ended;
  expect(again.code).toBe(0);
  // Nothing is trained twice.
  const trained = again.stdout
    .trim()
    .split('\n')
    .flatMap((line) => (JSON.parse(line) as { type: string; model: string }).model ?? []);
  expect(trained.filter((model) => left.includes(model))).toEqual([]);
  expect(trained.length).toBe(3 - left.filter((name) => name.endsWith('.onnx')).length);

  expect((await startBeamrig(...sweep, '--output', whole).ended).code).toBe(0);
  const files = readdirSync(whole).sort();
  expect(readdirSync(stopped).sort()).toEqual(files);
  for (const name of files) expect(readFileSync(join(stopped, name)), name).toEqual(readFileSync(join(whole, name)));
}, 120_000);

describe('beamrig train refuses, by option, value and way out,', () => {
  it.each<[string, string[], RegExp, RegExp?]>([
    [
      'a queue for one training',
      ['--queue', 'redis://127.0.0.1:1'],
      /--queue: has no meaning without --sweep/,
      /--sweep seed=1,2,3/,
    ],
    ['workers for one training', ['--workers', '2'], /--workers: has no meaning without --sweep/, /--sweep seed=1,2,3/],
    [
      'to resume a sweep, which goes on by itself',
      ['--sweep', 'seed=1,2', '--resume'],
      /--resume: has no meaning beside --sweep/,
      /give the same command again/,
    ],
    [
      'a list of an option that there is not',
      ['--sweep', 'leaning-rate=0.01,0.003'],
      /--sweep leaning-rate=0\.01,0\.003: unfolded-pga has no option 'leaning-rate'; allowed: .*learning-rate/,
      /Write it as --sweep learning-rate=1,2,3/,
    ],
    ['a list without values', ['--sweep', 'seed='], /--sweep seed=: a value is missing/, /--sweep seed=1,2,3/],
    ['an option without a list', ['--sweep', 'seed'], /--sweep seed: a value is missing/, /--sweep seed=1,2,3/],
    ['a hole in a list', ['--sweep', 'seed=1,,3'], /--sweep seed=1,,3: a value is missing/, /--sweep seed=1,2,3/],
    ['a value twice', ['--sweep', 'seed=1,2,1.0'], /--sweep seed=1,2,1\.0: 1\.0 stands in it twice/, /--sweep seed=1,2,3/],
    ['a list twice', ['--sweep', 'seed=1', '--sweep', 'seed=2'], /--sweep seed: stands there twice/, /into one list/],
    [
      'a list of what is given',
      ['--sweep', 'epochs=1,2'],
      /--sweep epochs=1,2: --epochs 1000000 is given, too/,
      /Leave --epochs out/,
    ],
    ['a value that the option has not', ['--sweep', 'seed=1,two'], /--seed two: not allowed; allowed: a whole number from 0/],
    [
      'workers that are none',
      ['--sweep', 'seed=1,2', '--workers', '0'],
      /--workers 0: not allowed; allowed: a whole number from 1 to 256/,
    ],
    [
      'more trainings than anyone waits for',
      ['--sweep', `seed=${Array.from({ length: 1001 }, (_, i) => i + 1).join(',')}`],
      /--sweep: 1001 trainings; allowed: up to 1000/,
      /shorter lists/,
    ],
    [
      'an address that is none',
      ['--sweep', 'seed=1,2', '--queue', 'http://127.0.0.1'],
      /--queue http:\/\/127\.0\.0\.1/,
      /redis:\/\//,
    ],
  ])('%s', async (_, more, message, wayOut) => {
    const ended = await refusedIn('nothing', ...more);
    expectRefusal(ended, message);
    if (wayOut !== undefined) expect(ended.stderr).toMatch(new RegExp(`What to do: .*${wayOut.source}`));
  });

  it('a folder for models that is a file', async () => {
    writeFileSync(join(cli.path, 'file'), '');
    expectRefusal(await refusedIn('file', '--sweep', 'seed=1,2'), /--output .*file: no folder for models/);
  });

  it('and trains nothing', () => {
    const folder = join(cli.path, 'nothing');
    expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([]);
  });
});

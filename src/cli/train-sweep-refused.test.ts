/** What sweeps of trainings refuse before anything is trained. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CliFolder, beamrigHere, expectRefusal } from '../../test/cli.ts';

const cli = new CliFolder();
afterAll(() => cli.remove());

const SMALL = ['--elements', '8', '--rf-chains', '2', '--users', '2', '--layers', '1', '--inner-steps', '1'];
const COURSE = ['--channels', '12', '--batch', '6', '--validation-channels', '5'];
const TRAIN = ['train', 'unfolded-pga', ...SMALL, ...COURSE];
const refusedIn = (folder: string, ...more: string[]) =>
  beamrigHere(...TRAIN, '--epochs', '1000000', '--output', join(cli.path, folder), ...more);

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
      /Write --sweep learning-rate=0\.01,0\.003, if that was meant/,
    ],
    ['a list without values', ['--sweep', 'seed='], /--sweep seed=: a value is missing/, /--sweep seed=VALUE,VALUE/],
    ['an option without a list', ['--sweep', 'seed'], /--sweep seed: a value is missing/, /--sweep seed=VALUE,VALUE/],
    ['a hole in a list', ['--sweep', 'seed=1,,3'], /--sweep seed=1,,3: a value is missing/, /--sweep seed=VALUE,VALUE/],
    ['a value twice', ['--sweep', 'seed=1,2,1.0'], /--sweep seed=1,2,1\.0: 1\.0 stands in it twice/, /--sweep seed=VALUE,VALUE/],
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

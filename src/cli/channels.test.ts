import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CliFolder, beamrigHere, expectRefusal } from '../../test/cli.ts';
import { createRandom } from '../../core/signal/random.ts';
import { salehValenzuela } from '../../core/signal/channel.ts';
import { readChannelFile } from '../config/channel-file.ts';

const cli = new CliFolder();
afterAll(() => cli.remove());

describe('beamrig channels', () => {
  it('draws what it says, the same from the same seed, over nothing that is there, and others can read it', async () => {
    const [a, b] = ['a.npy', 'b.npy'].map((name) => join(cli.path, name));
    const words = ['--elements', '6', '--users', '2', '--count', '5', '--scale', 'paper-001'];
    const { code, stdout } = await beamrigHere('channels', a, ...words);
    expect(code).toBe(0);
    expect(stdout).toContain('5 channels of shape [K, N] = [2, 6], rows h_kᴴ, paper-001');
    await beamrigHere('channels', b, ...words);
    expect(readFileSync(b)).toEqual(readFileSync(a));
    const random = createRandom(1).stream('test');
    const geometry = { kind: 'ula', elements: 6, spacingWavelengths: 0.5 } as const;
    expect(readChannelFile(a).channels[0]).toEqual(
      salehValenzuela({ random, geometry, users: 2, paths: 10, scale: 'paper-001' }),
    );
    expectRefusal(await beamrigHere('channels', a, ...words), /a\.npy cannot be written: there is a file already/);
    expectRefusal(
      await beamrigHere('channels', a, '--elements', '0'),
      /--elements 0: not allowed; allowed: a whole number from 1 to 4096/,
    );
    const large = ['--elements', '4096', '--users', '256', '--count', '100000'];
    expectRefusal(
      await beamrigHere('channels', a, ...large, '--force'),
      /--count 100000: a file of 1677722 MB is more than can be read again/,
    );
    expect(readFileSync(b)).toEqual(readFileSync(a));
  });

  it('are written into no file that is called otherwise than what it is', async () => {
    const text = join(cli.path, 'drawn.txt');
    const refused = await beamrigHere('channels', text, '--count', '1');
    expectRefusal(refused, /drawn\.txt: channels are written as a NumPy file, whose name ends in \.npy/);
    expect(refused.stderr).toContain('drawn.npy.');
    expect(existsSync(text)).toBe(false);
  });

  it('says that more users than elements are no channel for an array, and draws it all the same', async () => {
    const path = join(cli.path, 'crowded.npy');
    const { code, stderr } = await beamrigHere('channels', path, '--elements', '2', '--users', '3', '--count', '1');
    expect(code).toBe(0);
    expect(stderr).toContain('warning: no array of 2 elements can serve 3 users at a time; they are written as asked for, and ');
    expectRefusal(await beamrigHere('evaluate', 'aligned', '--channels', path), /look swapped/);
    expect(readChannelFile(path).channels[0]).toMatchObject({ rows: 3, cols: 2 });
  });
});

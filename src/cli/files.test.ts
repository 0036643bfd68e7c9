/** Files as people have them, through the command line. */
import { readFileSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CliFolder } from '../../test/cli.ts';

const cli = new CliFolder();
afterAll(() => cli.remove());

describe('a rig file with a value in another unit', () => {
  it('runs, and says so on the terminal, in the events and in the manifest', async () => {
    const rig = cli.rigFile((text) => text.replace('elements: 16', 'elements: 16, spacingWavelengths: 5.35'));
    const { code, stdout, stderr } = await cli.beamrig('run', rig, '--cycles', '2', '--virtual-time');
    const doubt = 'array.geometry.spacingWavelengths: 5.35 wavelengths are 57.3 mm at 28 GHz; if 5.35 mm is meant, write 0.5';
    expect(code).toBe(0);
    expect(`${stdout}${stderr}`).toContain(doubt);
    const [run] = readdirSync(join(cli.path, 'runs'));
    const read = (file: string): string => readFileSync(join(cli.path, 'runs', run, file), 'utf8');
    expect(read('events.jsonl')).toContain(doubt);
    expect(JSON.parse(read('manifest.json'))).toMatchObject({ doubts: [doubt] });
  });
});

describe('a path that begins with ~', () => {
  const said = async (...words: string[]): Promise<string> => (await cli.beamrig(...words)).stderr;

  it('is this user’s home, in arguments and in options that a shell left as they are', async () => {
    const home = homedir();
    expect(await said('run', '~/no-such-rig.yaml')).toContain(`${home}/no-such-rig.yaml: there is no such file`);
    expect(await said('run', cli.rigFile(), '--channels=~/no-such.npy')).toContain(`${home}/no-such.npy: there is no such file`);
    expect(await said('models', 'verify', '~/no-such.onnx')).toContain(`looked for ${home}/no-such.onnx`);
  });

  it('and goes on with the name of another is refused', async () => {
    const ended = await cli.beamrig('run', cli.rigFile(), '--channels=~bob/h.npy');
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('~bob/h.npy begins with the home of another user');
  });
});

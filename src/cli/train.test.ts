import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { scale } from '../../core/signal/complex-matrix.ts';
import { FAMILY_IDS } from '../../models/families.ts';
import { drawChannelSet } from '../../models/training/channel-set.ts';
import { readCard } from '../../models/zoo.ts';
import { writeChannelFile } from '../../test/doubles/write-channel-file.ts';
import { CliFolder, beamrigHere, expectRefusal } from '../../test/cli.ts';

const cli = new CliFolder();
afterAll(() => cli.remove());

const SMALL = ['--elements', '8', '--rf-chains', '2', '--users', '2', '--layers', '1', '--inner-steps', '1', '--channels', '20'];
/** So many epochs that a training which began would not end within the test. */
const train = (output: string, ...more: string[]) =>
  beamrigHere('train', 'unfolded-pga', ...SMALL, '--epochs', '1000000', '--output', join(cli.path, output), ...more);

it.each<[string, string[]]>([
  ['unfolded-pga', ['--layers', '2', '--inner-steps', '1', '--step-coefficients', '2', '--clip-norm', '0.5']],
  ['unfolded-pga', ['--engine', 'onnxruntime']],
  ...FAMILY_IDS.map((id): [string, string[]] => [id, []]),
])(
  'the command in a card makes the same model and the same card: %s %j',
  async (id, own) => {
    const shape = ['--elements', '8', '--rf-chains', '2', '--users', '2', '--paths', '3', '--validation-channels', '5'];
    const course = ['--channels', '12', '--batch', '6', '--epochs', '1', '--snr-range=-5,15'];
    const folders = ['first', 'again'].map((name) => join(cli.path, `${id}-${own.length}-${name}`));
    const files = folders.map((folder) => ['onnx', 'json'].map((end) => join(folder, `mine.${end}`)));
    expect(await beamrigHere('train', id, ...shape, ...own, ...course, '--output', files[0][0])).toMatchObject({ code: 0 });
    const { training } = readCard(files[0][0]);
    if (typeof training === 'string') throw new Error('trained, and the card says none');
    const [program, ...words] = training.command.replace('mine.onnx', files[1][0]).split(' ');
    expect(program).toBe('beamrig');
    expect(await beamrigHere(...words)).toMatchObject({ code: 0 });
    const [first, again] = files.map((paths) => paths.map((path) => readFileSync(path)));
    expect(again).toEqual(first);
  },
  60_000,
);

it('takes channels at any level without a word, since it scales them', async () => {
  const path = join(cli.path, 'strong.npy');
  const { channels } = drawChannelSet({
    ...{ seed: 1, name: 'test', count: 5, elements: 8, users: 2, paths: 3, scale: 'unit-element' },
  });
  const strong = channels.map((channel) => scale(channel, 1e4));
  writeChannelFile(path, strong);
  const { code, stderr } = await beamrigHere(
    ...['train', 'phase-net', '--channels', path, '--rf-chains', '2', '--steps', '2', '--epochs', '0'],
    ...['--output', join(cli.path, 'strong.numbers.json')],
  );
  expect({ code, stderr: stderr.split('\n').filter((line) => line.includes('|h|²')) }).toEqual({ code: 0, stderr: [] });
}, 60_000);

it('says what was reached and on which channels, and that what comes with beamrig is better', async () => {
  const file = cli.channelFile(2, 8);
  const ended = await beamrigHere(
    ...['train', 'phase-net', '--channels', file, '--rf-chains', '2', '--steps', '3', '--epochs', '0'],
    ...['--phase-bits', '1', '--output', join(cli.path, 'from-nothing.numbers.json')],
  );
  expect(ended.stdout).toMatch(
    /^Reached \d+\.\d{3} bit\/s\/Hz, mean over -5, 0, 5, 10, 15, 20 dB and the last 1 channel of .*\.npy, phases of 1 bit; best epoch 0, the start\.\nThere phase-net reaches \d+\.\d{3}\.$/m,
  );
  expect(ended.stderr).toMatch(/^validation: mean over -5, 0, 5, 10, 15, 20 dB and the last 1 channel of .*, phases of 1 bit$/m);
  expect(ended.stderr).toMatch(/phase-net is better than what was trained\nWhat to do: Go on from it by --from phase-net, or /);
}, 60_000);

it('says in its help what stays of which file, and how much of a learning rate is left for going on', async () => {
  const { stdout } = await beamrigHere('train', 'phase-net', '--help');
  const help = stdout.replace(/\s+/g, ' ');
  expect(help).toContain('stay as they are in the model of --from, or in the one that comes with beamrig');
  expect(help).toContain('but for 0.3 of its learning rate');
});

describe('beamrig train refuses, before it trains,', () => {
  it.each(['my_model.onnx', 'Model.onnx', '-model.onnx', '.onnx', 'modèle.onnx', 'my model.onnx'])(
    'a name that no model can have: %s',
    async (name) => {
      expectRefusal(await train(name), /a model cannot be called .*; allowed: lower-case letters, digits and dashes/);
    },
  );

  it('to write over a model or a card, and leaves both as they are', async () => {
    writeFileSync(join(cli.path, 'mine.onnx'), 'a model');
    writeFileSync(join(cli.path, 'noted.json'), 'notes');
    mkdirSync(join(cli.path, 'folder.onnx'));
    expectRefusal(await train('mine.onnx'), /mine\.onnx exists already and is kept as it is/);
    expectRefusal(await train('noted.onnx'), /noted\.json exists already/);
    expectRefusal(await train('folder.onnx'), /folder\.onnx exists already/);
    expect(readFileSync(join(cli.path, 'mine.onnx'), 'utf8')).toBe('a model');
  });

  it('to begin anew over the checkpoint of a training that was stopped, and keeps it', async () => {
    const checkpoint = join(cli.path, 'stopped.checkpoint.json');
    writeFileSync(checkpoint, 'hours of work');
    expectRefusal(await train('stopped.onnx'), /stopped\.checkpoint\.json exists already and is kept as it is/);
    writeFileSync(join(cli.path, 'other.checkpoint.json'), 'of another');
    expectRefusal(await train('stopped.onnx', '--resume', join(cli.path, 'other.checkpoint.json')), /exists already/);
    expect(readFileSync(checkpoint, 'utf8')).toBe('hours of work');
  });

  it('a folder that takes no file', async () => {
    writeFileSync(join(cli.path, 'file'), '');
    expectRefusal(await train('file/model.onnx'), /cannot be written/);
    expectRefusal(await beamrigHere('train', 'unfolded-pga', ...SMALL, '--output', '/proc/model.onnx'), /cannot be written/);
    expectRefusal(await train(`${'long'.repeat(100)}.onnx`), /cannot be written: ENAMETOOLONG/);
  });

  it('channels with users and elements swapped, by file and way out, whatever else is asked for', async () => {
    const swapped = cli.channelFile(8, 2);
    for (const more of [[], ['--from', 'phase-net'], ['--elements', '8', '--users', '2']]) {
      const output = ['--output', join(cli.path, 'swapped.numbers.json')];
      const ended = await beamrigHere('train', 'phase-net', '--channels', swapped, ...more, ...output);
      expectRefusal(ended, /channels-\d+\.npy: 8 users for 2 elements, and users and elements look swapped/);
      expect(ended.stderr).toMatch(/What to do: .*np\.swapaxes\(h, 1, 2\)/);
      expect(ended.stderr).not.toContain('--elements and --users');
    }
  });

  it('an engine that there is not', async () => {
    expectRefusal(
      await train('new.onnx', '--engine', 'gpu'),
      /--engine gpu: not allowed; allowed: auto \| compiled \| onnxruntime/,
    );
  });

  it('to go on from a checkpoint that is not there', async () => {
    expectRefusal(await train('new.onnx', '--resume'), /there is no checkpoint .*new\.checkpoint\.json/);
  });

  it('and leaves nothing behind', () => {
    expect(readdirSync(cli.path).filter((name) => name.includes('.part'))).toEqual([]);
    expect(existsSync(join(cli.path, 'new.onnx'))).toBe(false);
  });
});

describe('beamrig train says what is to be done', () => {
  it.each(FAMILY_IDS)('where no rig can have the array, of every family: %s', async (id) => {
    const of = (...shape: string[]) => beamrigHere('train', id, ...shape, '--output', join(cli.path, 'unfit.onnx'));
    expectRefusal(
      await of('--elements', '4', '--rf-chains', '8'),
      /--rf-chains 8: not allowed; allowed: a whole number from 1 to 4/,
    );
    for (const [flag, wrong, most] of [
      ['--elements', '70000', '65535'],
      ['--rf-chains', '257', '256'],
    ]) {
      expectRefusal(
        await of(flag, wrong),
        new RegExp(`${flag} ${wrong}: not allowed; allowed: a whole number from 1 to ${most}`),
      );
    }
    expectRefusal(
      await of('--elements', '8', '--rf-chains', '2', '--users', '3'),
      /--users 3: not allowed; allowed: a whole number from 1 to 2/,
    );
  });

  it('about a checkpoint that is damaged, and about one that is missing beside one that is there', async () => {
    writeFileSync(join(cli.path, 'cut.checkpoint.json'), '{"format":');
    const ended = await train('cut.onnx', '--resume');
    expectRefusal(ended, /is damaged, or no checkpoint/);
    expect(ended.stderr).toContain('Move it away, and start the training anew without --resume.');
    expectRefusal(await train('cut.onnx', '--resume', '/nonexist'), /there is no checkpoint \/nonexist/);
  });
});

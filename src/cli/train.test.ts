import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FAMILY_IDS } from '../../models/families.ts';
import { readCard } from '../../models/zoo.ts';
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

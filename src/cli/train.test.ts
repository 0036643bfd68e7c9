import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CliFolder, beamrigHere, expectRefusal } from '../../test/cli.ts';

const cli = new CliFolder();
afterAll(() => cli.remove());

const SMALL = ['--elements', '8', '--rf-chains', '2', '--users', '2', '--layers', '1', '--inner-steps', '1', '--channels', '20'];
/** So many epochs that a training which began would not end within the test. */
const train = (output: string, ...more: string[]) =>
  beamrigHere('train', 'unfolded-pga', ...SMALL, '--epochs', '1000000', '--output', join(cli.path, output), ...more);

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

  it('a folder that takes no file', async () => {
    writeFileSync(join(cli.path, 'file'), '');
    expectRefusal(await train('file/model.onnx'), /cannot be written/);
    expectRefusal(await beamrigHere('train', 'unfolded-pga', ...SMALL, '--output', '/proc/model.onnx'), /cannot be written/);
    expectRefusal(await train(`${'long'.repeat(100)}.onnx`), /cannot be written: ENAMETOOLONG/);
  });

  it('to go on from a checkpoint that is not there', async () => {
    expectRefusal(await train('new.onnx', '--resume'), /there is no checkpoint .*new\.checkpoint\.json/);
  });

  it('and leaves nothing behind', () => {
    expect(readdirSync(cli.path).filter((name) => name.includes('.part'))).toEqual([]);
    expect(existsSync(join(cli.path, 'new.onnx'))).toBe(false);
  });
});

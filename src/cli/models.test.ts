import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CliFolder, beamrigHere, expectRefusal } from '../../test/cli.ts';
import { findModel, readCard } from '../../models/zoo.ts';
import { ENDLESS, writeTroubledModel } from '../../test/integration/troubled-networks.ts';

const cli = new CliFolder();
afterAll(() => cli.remove());

describe('beamrig models verify', () => {
  it('says good only of what opens and runs', async () => {
    const good = await beamrigHere('models', 'verify', writeTroubledModel(cli.path, 'good', { digitalScale: 1 / Math.sqrt(32) }));
    expect(good).toMatchObject({ code: 0, stderr: '' });
    expect(good.stdout).toMatch(
      /^good: good \(sha256 .*, onnxruntime runs it: [0-9.]+ ms at most, the first beam included\)\ngood: not compiled, since it has the op Loop\nNot looked at: how good the beams are\. beamrig evaluate MODEL .*\n$/,
    );

    const unknown = await beamrigHere('models', 'verify', writeTroubledModel(cli.path, 'unknown', { unknownOp: true }));
    expectRefusal(unknown, /onnxruntime cannot open the model 'unknown'/);
    expect(unknown.stdout).toBe('');
    expectRefusal(await beamrigHere('models', 'verify', writeTroubledModel(cli.path, 'new', { opset: 99 })), /opset 99/);
    // The runtime would say much more.
    expect(unknown.stderr.split('\n')[0].length).toBeLessThan(250);
    const outside = writeTroubledModel(cli.path, 'outside', { externalWeights: 'weights.bin' });
    expectRefusal(await beamrigHere('models', 'verify', outside), /weights in another file/);
  }, 60_000);

  it('tries one that weighs sensing where that counts with it and without', async () => {
    const { code, stdout } = await beamrigHere('models', 'verify', 'phase-net');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^phase-net: good \(.*, it runs compiled, with sensing and without: [0-9.]+ ms at most/);
    const shown = await beamrigHere('models', 'show', 'phase-net');
    expect(JSON.parse(shown.stdout)).toMatchObject({
      sensing: 'any',
      training: { sensing: { command: expect.stringContaining('learn-sensing.ts') as string } },
    });
  }, 60_000);

  it('says of a damaged file that it is, and not that the card should have its checksum', async () => {
    const path = writeTroubledModel(cli.path, 'cut', { elements: 8 });
    writeFileSync(path, readFileSync(path).subarray(0, 300));
    const { code, stderr } = await beamrigHere('models', 'verify', path);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^beamrig: model .*cut\.onnx has sha256 .*\nbeamrig: model .*cut\.onnx is not an ONNX file .*\nWhat to do: fetch the model/,
    );
    expect(stderr).not.toContain('write "sha256"');
    const numbers = join(cli.path, 'cut.numbers.json');
    writeFileSync(numbers, '{"format":');
    copyFileSync(findModel('phase-net').replace('.numbers.json', '.json'), join(cli.path, 'cut.json'));
    const ofNumbers = await beamrigHere('models', 'verify', numbers);
    expect(ofNumbers.stderr).toMatch(/^beamrig: model .*cut\.numbers\.json is no file of numbers/m);
    expect(ofNumbers.stderr).not.toContain('write "sha256"');
  }, 60_000);

  it('takes a name with a dot for a path, and looks for it nowhere else', async () => {
    const path = cli.channelFile(2, 8);
    expectRefusal(await beamrigHere('models', 'verify', path), /channels-\d+\.npy: this is no \.onnx file by its name/);
    const none = await beamrigHere('models', 'verify', 'none.npy');
    expectRefusal(none, /model none\.npy is not there \(looked for none\.npy\)/);
  });

  it('gives up a model that does not answer, and names it', async () => {
    const path = writeTroubledModel(cli.path, 'endless', { turns: ENDLESS });
    expectRefusal(await beamrigHere('models', 'verify', path), /the model 'endless' did not answer within 10000 ms/);
  }, 60_000);
});

describe('a model of one’s own', () => {
  it('gets a card that says what the file does, and is refused for all at once that is still to be filled in', async () => {
    const path = writeTroubledModel(cli.path, 'mine', { elements: 8, unsaid: true });
    const card = path.replace('.onnx', '.json');
    const whole = readFileSync(card, 'utf8');
    expectRefusal(await beamrigHere('models', 'card', path), /mine\.json cannot be written: there is a file already/);
    const begun = await beamrigHere('models', 'card', path, '--force');
    expect(begun).toMatchObject({ code: 0, stdout: `Card: ${card}\n` });
    expect(begun.stderr).toContain(
      'title, dimensions.rfChains, algorithm, paper, outputs.0.shape.2, outputs.1.shape.1, training',
    );
    const { code, stderr } = await beamrigHere('models', 'verify', path);
    expect(code).toBe(1);
    for (const field of ['title', 'dimensions.rfChains', 'algorithm', 'paper', 'training']) {
      expect(stderr).toContain(`${field}: still to be filled in (TODO`);
    }
    const filled = readFileSync(card, 'utf8')
      .replace(/"TODO: [NM](, [^"]*)?"/g, '2')
      .replace(/"TODO: [^"]*"/g, '"none"');
    writeFileSync(card, filled);
    const { dimensions, outputs, sha256 } = JSON.parse(readFileSync(card, 'utf8')) as Record<string, unknown>;
    expect({ dimensions, outputs, sha256 }).toMatchObject({
      dimensions: { elements: 8, rfChains: 2, users: 2 },
      outputs: (JSON.parse(whole) as { outputs: unknown }).outputs,
      sha256: (JSON.parse(whole) as { sha256: string }).sha256,
    });
    expect(await beamrigHere('models', 'verify', path)).toMatchObject({ code: 0, stderr: '' });
  }, 60_000);

  it('gets none begun where it is a file of numbers, which comes with one', async () => {
    const refused = await beamrigHere('models', 'card', findModel('phase-net'));
    expectRefusal(refused, /phase-net\.numbers\.json is a file of numbers, and a card is begun for ONNX files/);
    expect(refused.stderr).toContain('beamrig train');
  });

  it('gets the inputs of sensing into its card where its file has them', async () => {
    const path = join(cli.path, 'senses.onnx');
    copyFileSync(findModel('upganet-n64-j1'), path);
    expect(await beamrigHere('models', 'card', path)).toMatchObject({ code: 0 });
    const { sensing, inputs } = JSON.parse(readFileSync(path.replace('.onnx', '.json'), 'utf8')) as Record<string, unknown>;
    const known = readCard(findModel('upganet-n64-j1'));
    expect({ sensing, inputs }).toEqual({ sensing: 'input', inputs: known.inputs });
  }, 60_000);

  it('is told all that does not fit, for people and for scripts', async () => {
    const path = writeTroubledModel(cli.path, 'askew', { opset: 99 });
    const card = path.replace('.onnx', '.json');
    const text = readFileSync(card, 'utf8').replace('"elements": 16', '"elements": 12').replace('"askew"', '"straight"');
    writeFileSync(card, text);
    const { code, stdout } = await beamrigHere('models', 'verify', path, '--json');
    const { models } = JSON.parse(stdout) as {
      models: { id: string; good: boolean; flaws: { message: string; wayOut: string }[] }[];
    };
    expect(code).toBe(1);
    expect(models).toMatchObject([{ id: 'straight', good: false }]);
    const told = models[0].flaws.map(({ message }) => message.replace(path, 'FILE').replace(card, 'CARD')).sort();
    expect(told).toEqual([
      "card of FILE: id: 'straight', and the file is called 'askew'",
      'model FILE is too new: opset 99, and up to 26 is accepted',
      'model FILE: the input channel [B, 2, 16, 2] of the card should be channel [B, 2, 12, 2]',
      'model FILE: the input channel [B, 2, 16, 2] of the file should be channel [B, 2, 12, 2]',
      'model FILE: the output analog_phase [B, 16, 2] of the card should be analog_phase [B, 12, 2]',
      'model FILE: the output analog_phase [B, 16, 2] of the file should be analog_phase [B, 12, 2]',
    ]);
    const words = await beamrigHere('models', 'verify', path);
    for (const { message } of models[0].flaws) expect(words.stderr).toContain(message);
  }, 60_000);

  it('is told some of very much, and where all of it is', async () => {
    const path = writeTroubledModel(cli.path, 'much', {});
    const card = path.replace('.onnx', '.json');
    const unknown = Array.from({ length: 300 }, (_, i) => `"unknown-${i}": 1`).join(',');
    writeFileSync(card, readFileSync(card, 'utf8').replace('{', `{${unknown},`));
    const { stderr } = await beamrigHere('models', 'verify', path);
    expect(stderr.match(/unknown key/g)).toHaveLength(20);
    expect(stderr).toContain(`beamrig: and 280 more things; beamrig models verify ${path} --json lists all`);
  });

  it('may leave lengths of its outputs unsaid, and is held to them when it runs', async () => {
    const right = writeTroubledModel(cli.path, 'unsaid', { unsaid: true });
    expect(await beamrigHere('models', 'verify', right)).toMatchObject({ code: 0, stderr: '' });
    const wrong = writeTroubledModel(cli.path, 'unsaid-turned', { unsaid: true, transposed: true });
    expectRefusal(await beamrigHere('models', 'verify', wrong), /'analog_phase' came as \[1, 2, 16\], not \[1, 16, 2\]/);
  }, 60_000);
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { CliFolder, beamrigHere, expectRefusal } from '../../test/cli.ts';
import { writeChannelFile } from '../../test/doubles/write-channel-file.ts';
import { OBJECTIVE_NAMES } from '../../core/signal/objectives/objective-names.ts';
import { createRandom } from '../../core/signal/random.ts';
import { salehValenzuela } from '../../core/signal/channel.ts';
import { readChannelFile } from '../config/channel-file.ts';
import { findModel, readCard } from '../../models/zoo.ts';
import { ENDLESS, writeTroubledModel } from '../../test/integration/troubled-networks.ts';
import { BEAMRIG } from '../../test/built-program.ts';

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

describe('beamrig evaluate', () => {
  it('compares at full power, and says by how much a model was off', async () => {
    const path = writeTroubledModel(cli.path, 'strong', { digitalScale: 1 / 4 });
    const channels = cli.channelFile(2, 16);
    const text = await beamrigHere('evaluate', path, '--channels', channels, '--snr', '10');
    expect(text.stdout.match(/warning: strong gives beams of 2\.00 times the power asked for/g)).toHaveLength(1);
    const json = await beamrigHere('evaluate', path, '--channels', channels, '--snr', '10', '--json');
    const { power, results } = JSON.parse(json.stdout) as {
      power: { leastRatio: number; mostRatio: number; scaled: number };
      results: { sumRate: { mean: number }; wmmse: { mean: number } }[];
    };
    expect(power.mostRatio).toBeCloseTo(2, 4);
    expect(power.scaled).toBe(6);
    const right = writeTroubledModel(cli.path, 'right', { digitalScale: 1 / Math.sqrt(32) });
    const same = await beamrigHere('evaluate', right, '--channels', channels, '--snr', '10', '--json');
    const full = JSON.parse(same.stdout) as { power: { scaled: number }; results: { sumRate: { mean: number } }[] };
    expect(full.power.scaled).toBe(0);
    expect(results[0].sumRate.mean).toBeCloseTo(full.results[0].sumRate.mean, 3);
    expect(results[0].sumRate.mean).toBeLessThan(results[0].wmmse.mean);
  }, 60_000);
});

it('beamrig evaluate shows no share of a WMMSE that reaches nothing', async () => {
  const channels = join(cli.path, 'faint.npy');
  writeChannelFile(channels, [{ rows: 1, cols: 16, re: new Float64Array(16).fill(1e-6), im: new Float64Array(16) }]);
  const { stdout } = await beamrigHere('evaluate', 'aligned', '--channels', channels, '--snr', '-100');
  expect(stdout).toMatch(/–\s*$/m);
  expect(stdout).not.toContain('NaN %');
});

it('beamrig evaluate judges by the objective that it is told, and names what there are', async () => {
  const channels = join(cli.path, 'two-users.npy');
  const random = createRandom(1);
  const geometry = { kind: 'ula', elements: 16, spacingWavelengths: 0.5 } as const;
  writeChannelFile(channels, [salehValenzuela({ random, geometry, users: 2, paths: 4, scale: 'unit-element' })]);
  const at = async (objective: string) => {
    const words = ['evaluate', 'aligned', '--channels', channels, '--snr', '10', '--bits', '3', '--objective', objective];
    const { stdout } = await beamrigHere(...words, '--json');
    const told = JSON.parse(stdout) as { objective: string; results: { score: { mean: number }; sumRate: { mean: number } }[] };
    expect(told.objective).toBe(objective);
    return told.results[0];
  };
  const [sum, least] = [await at('sum-rate'), await at('min-rate')];
  expect(sum.score.mean).toBe(sum.sumRate.mean);
  // Two users who have the same each: twice the least is all there is.
  expect(2 * least.score.mean).toBeCloseTo(least.sumRate.mean, 6);
  expect(least.sumRate.mean).toBeLessThan(sum.sumRate.mean);
  const { stderr } = await beamrigHere('evaluate', 'aligned', '--channels', channels, '--objective', 'max-rate');
  expect(stderr).toContain(`--objective max-rate: not allowed; allowed: ${OBJECTIVE_NAMES.join(' | ')}`);
});

it('has words chosen with the array in mind where it is asked to, says so, and refuses what is no quantiser', async () => {
  const channels = cli.channelFile(2, 16);
  const evaluate = (...more: string[]) =>
    beamrigHere('evaluate', 'aligned', '--channels', channels, '--snr', '10', '--bits', '1', ...more);
  const at = async (...more: string[]) => {
    const { stdout } = await evaluate('--json', ...more);
    return JSON.parse(stdout) as { quantiser: string; sweeps?: number; results: { sumRate: { mean: number } }[] };
  };
  const [nearest, array] = [await at(), await at('--quantiser', 'array', '--sweeps', '3')];
  expect(array).toMatchObject({ quantiser: 'array', sweeps: 3 });
  expect(nearest.quantiser).toBe('nearest');
  expect(array.results[0].sumRate.mean).toBeGreaterThan(nearest.results[0].sumRate.mean);
  expect((await evaluate('--quantiser', 'array')).stdout).toMatch(/standard error, words by array in 10 sweeps$/m);
  expect((await evaluate('--quantiser', 'best')).stderr).toContain('--quantiser best: not allowed; allowed: nearest | array');
  expect((await evaluate('--quantiser', 'array', '--sweeps', '0')).stderr).toMatch(/--sweeps/);
});

describe('beamrig run', () => {
  it('tells of a model that is meant from the working folder', async () => {
    const model = writeTroubledModel(cli.path, 'near', {});
    mkdirSync(join(cli.path, 'rigs'));
    const rig = join(cli.path, 'rigs', 'rig.yaml');
    renameSync(
      cli.rigFile((text) => text.replace('model: aligned', `model: ./${basename(model)}`)),
      rig,
    );
    const ended = await cli.beamrig('run', rig, '--cycles', '1');
    expectRefusal(ended, /rigs\/near\.onnx is not there, and .*near\.onnx is\b/);
    expect(ended.stderr).toContain(`relative to the rig file: write model: ../${basename(model)}.`);
  }, 60_000);

  const rigWith = (model: string, deadlineMs: number): string =>
    cli.rigFile((text) => text.replace('model: aligned', `model: ${JSON.stringify(model)}, deadlineMs: ${deadlineMs}`));

  it('voids cycles of a model that never answers, names it, and faults in the end', async () => {
    const rig = rigWith(writeTroubledModel(cli.path, 'stuck', { turns: ENDLESS }), 300);
    const { code, stdout } = await cli.beamrig('run', rig, '--json');
    expect(code).toBe(1);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.find(({ code: of }) => of === 'cycle-void')?.message).toBe(
      "Cycle 0 is void at model: the model 'stuck' did not answer within 300 ms.",
    );
    expect(lines.find(({ code: of }) => of === 'model-failed')?.message).toMatch(
      /^The model 'stuck' failed 5 times in a row: the model 'stuck' did not answer within 300 ms/,
    );
    expect(lines.at(-1)).toMatchObject({ type: 'end', ended: 'faulted' });
  }, 60_000);

  it('is no reason for the page not to show at once that the array has confirmed its safe state', async () => {
    const model = JSON.stringify(writeTroubledModel(cli.path, 'watched', { turns: ENDLESS }));
    const rig = cli.rigFile((text) =>
      text
        .replace('model: aligned', `model: ${model}, deadlineMs: 60000`)
        .replace('rateHz: 100', 'rateHz: 100, watchdogMs: 1000'),
    );
    const child = spawn(process.execPath, [...BEAMRIG, 'run', rig, '--json'], {
      cwd: cli.path,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const gone = once(child, 'exit');
    let url = '';
    const codes: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      const said = JSON.parse(line) as { type: string; code?: string; url?: string };
      url = said.url ?? url;
      if (said.type === 'event') codes.push(said.code ?? '');
      // No cycle has ended, and none will for a minute.
      if (said.code === 'watchdog') {
        const shows = async (): Promise<unknown> =>
          ((await (await fetch(`${url}api/state`)).json()) as { radiation: unknown }).radiation;
        await vi.waitFor(async () => expect(await shows()).toMatchObject({ shows: 'dark', confirmed: true }), 10_000);
        child.kill('SIGTERM');
      }
    }
    expect(await gone).toEqual([0, null]);
    expect(codes).toContain('watchdog-safe');
  }, 60_000);

  it('has the array made safe while it is waited for, before its panel takes that for the end, and that is told', async () => {
    const rig = rigWith(writeTroubledModel(cli.path, 'no-beam', { turns: ENDLESS }), 600);
    const { stdout } = await cli.beamrig('run', rig, '--json');
    const events = stdout.split('\n').filter((line) => line.includes('"type":"event"'));
    expect(events.filter((line) => line.includes('"no-beam"'))).toHaveLength(1);
    expect(events.find((line) => line.includes('"no-beam"'))).toMatch(
      /No beam came for \d\.\d s \(the model 'no-beam' did not answer within 600 ms.*\): the array was put into its safe state/,
    );
    expect(stdout).not.toContain('panel-lost');
  }, 60_000);

  it('killed outright, leaves no process of a stuck model behind', async () => {
    const rig = rigWith(writeTroubledModel(cli.path, 'orphan', { turns: ENDLESS }), 60_000);
    const child = spawn(process.execPath, [...BEAMRIG, 'run', rig, '--json'], {
      cwd: cli.path,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    child.stdout?.resume();
    const model = await vi.waitFor(() => childrenOf(child.pid ?? 0, 'onnx-process')[0] ?? fail('no model yet'), 30_000);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    child.kill('SIGKILL');
    await once(child, 'exit');
    await vi.waitFor(() => expect(existsSync(`/proc/${model}`) && isRunning(model)).toBe(false), 10_000);
  }, 60_000);

  it('tells once of a model whose beams have another power, and predicts at full power', async () => {
    const rig = rigWith(writeTroubledModel(cli.path, 'loud', { digitalScale: 1 / 2 }), 20_000);
    const { code, stdout } = await cli.beamrig('run', rig, '--cycles', '5', '--json');
    expect(code).toBe(0);
    const told = stdout.split('\n').filter((line) => line.includes('"model-power"'));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain("'loud' gives beams of 8.00 times the power asked for");
  }, 60_000);
});

/** Processes that a process has started and whose command names a file. */
function childrenOf(parent: number, file: string): number[] {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return processes.map(Number).filter((pid) => {
    try {
      const [, of] = /\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
      return Number(of) === parent && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(file);
    } catch {
      return false; // gone between the two
    }
  });
}

/** A process that has ended may yet be in the list, for somebody to ask how. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

function fail(why: string): never {
  throw new Error(why);
}

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

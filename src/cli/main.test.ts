import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { CliFolder, beamrigHere, expectRefusal } from '../../test/cli.ts';
import { parseRigFile } from '../config/rig-file.ts';
import { BEAMRIG } from '../../test/built-program.ts';

const cli = new CliFolder();
afterAll(() => cli.remove());

describe('the command line', () => {
  it('ends with its failure, whatever still keeps the process alive', async () => {
    const env = { ...process.env, NODE_OPTIONS: '--import=data:text/javascript,setInterval(Date.now,1000)' };
    const running = spawn(process.execPath, [...BEAMRIG, 'run', 'none.yaml'], { cwd: cli.path, env, timeout: 60_000 });
    expect(await once(running, 'exit')).toEqual([1, null]);
  });

  it.each([
    [['run'], "missing required argument 'rig'"],
    [['rum', 'rig.yaml'], 'Did you mean run?'],
    [['run', 'rig.yaml', '--cycle', '3'], 'Did you mean --cycles?'],
    [['run', 'rig.yaml', '--cycles', '1.5'], '--cycles 1.5: not allowed; allowed: a whole number from 1'],
    [['run', 'rig.yaml', '--seed', '-1'], '--seed -1: not allowed'],
    [['run', 'none.yaml'], 'none.yaml: there is no such file'],
    [
      ['evaluate', 'aligned', '--channels', 'none.npy', '--bits', '2,x'],
      "'x' is not allowed; allowed: whole numbers from 1 to 16, and inf",
    ],
    [['evaluate', 'aligned', '--channels', 'none.npy', '--snr', '0,'], "--snr '0,': an entry of the list is empty"],
    [['evaluate', 'aligned', '--channels', 'none.npy'], 'none.npy: there is no such file'],
    [['evaluate', 'nothing', '--channels', 'none.npy'], 'model nothing is not there'],
    [['train', 'everything'], 'there is no model family everything; there are: phase-net, unfolded-pga'],
    [['train', 'unfolded-pga', '--epochs', '-1'], '--epochs -1: not allowed'],
    [['export', 'none', '--csv'], 'none: there is no such folder'],
    [['export', 'none'], 'neither --csv nor --influx was given'],
    [['models', 'show', 'none'], 'model none is not there'],
  ])('refuses %j by name', async (words, message) => {
    const ended = await beamrigHere(...words);
    expect(ended.stderr).toContain(message);
    expectRefusal(ended, /./);
  });

  it.each([
    [['run', '--json'], "missing required argument 'rig'"],
    [['train', '--json'], "missing required argument 'family'"],
    [['train', 'unfolded-pga', '--epoch', '3', '--json'], "unknown option '--epoch' (Did you mean --epochs?)"],
    [['train', 'unfolded-pga', 'more', '--json'], 'too many arguments'],
    [['panel', 'x', 'y', '--json'], 'too many arguments'],
    [['broker', '--foo', '--json'], "unknown option '--foo'"],
    [['broker', '--hots', 'x', '--json'], "unknown option '--hots' (Did you mean --host?)"],
    [['rum', '--json'], 'run?'],
  ])('tells scripts what is wrong with %j, in one line', async (words, message) => {
    const { code, stdout } = await beamrigHere(...words);
    expect(code).toBe(2);
    const told = JSON.parse(stdout) as { message: string };
    expect(told).toMatchObject({ type: 'error', code: 'argument', wayOut: expect.any(String) as string });
    expect(told.message).toContain(message);
    expect(told.message).not.toMatch(/^error|\n/);
  });

  it('asks the panels of a rig file’s links, and says what to do about those that are missing or wrong', async () => {
    const keyFile = join(cli.path, 'open.key');
    writeFileSync(keyFile, 'ab'.repeat(16), { mode: 0o644 });
    const serial = 'links: [ { name: board, panel: B-1, serial: { path: /dev/no-such-port } } ]';
    const finding = async (more: string, what: string) => {
      const { stdout } = await beamrigHere(
        'doctor',
        cli.rigFile((text) => `${text}${serial}\n${more}\n`),
        '--json',
      );
      const { findings } = JSON.parse(stdout) as { findings: { what: string; state: string; detail: string; todo?: string }[] };
      return findings.find((one) => one.what === what);
    };
    expect(await finding('', 'link board')).toMatchObject({
      state: 'missing',
      detail: '/dev/no-such-port: there is no such port.',
    });
    expect(await finding('', 'fallback')).toMatchObject({ state: 'missing', detail: 'at-start' });
    expect(await finding('fallback: never', 'link board')).toMatchObject({ state: 'broken' });
    expect(await finding(`authentication: { keyFile: ${keyFile} }`, 'links')).toMatchObject({
      state: 'broken',
      detail: expect.stringContaining('has mode 0644') as string,
      todo: `Run: chmod 600 ${keyFile}`,
    });
  });

  it('has an example in the help of every command', async () => {
    const commands = [
      ['run'],
      ['train'],
      ['train', 'unfolded-pga'],
      ['models'],
      ['models', 'show'],
      ['models', 'verify'],
      ['evaluate'],
      ['doctor'],
      ['panels'],
      ['panel'],
      ['broker'],
      ['init'],
      ['export'],
    ];
    for (const words of commands) {
      const { code, stdout } = await beamrigHere(...words, '--help');
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`Examples?:\\n {2}\\$ beamrig ${words.join(' ')}`));
    }
  });
});

describe('a password in what was typed', () => {
  it.each([
    ['export', 'runs/x', '--influx', 'http://lab:hunter2@127.0.0.1:99999/beamrig'],
    ['export', 'http://lab:hunter2@127.0.0.1:8086/beamrig', '--csv'],
    ['export', 'runs/x', '--inflx=http://lab:hunter2@127.0.0.1:8086/beamrig'],
    ['run', 'mqtt://lab:hunter2@10.0.0.7'],
    ['http://lab:hunter2@127.0.0.1:8086'],
  ])('is shown nowhere: beamrig %s %s %s', async (...words) => {
    for (const more of [[], ['--json']]) {
      const { code, stdout, stderr } = await beamrigHere(...words, ...more);
      expect(code).toBeGreaterThan(0);
      expect(stdout + stderr).not.toContain('hunter2');
    }
  });
});

describe('beamrig init', () => {
  it.each([
    ['exec', 'npx beamrig'],
    ['run-script', 'beamrig'],
  ])('says what to type next as it was called itself: by npm %s', async (how, name) => {
    vi.stubEnv('npm_command', how);
    const { stdout } = await beamrigHere('init', join(cli.path, `by-${how}.yaml`));
    vi.unstubAllEnvs();
    expect(stdout).toMatch(new RegExp(`Run it with: ${name} run `));
    expect(stdout).toMatch(new RegExp(`can be measured with: ${name} calibrate \\S+ --dry-run`));
  });

  it('writes a rig file that runs, and never overwrites one', async () => {
    const lab = join(cli.path, 'lab.yaml');
    expect(await beamrigHere('init', lab)).toMatchObject({ code: 0 });
    const text = readFileSync(lab, 'utf8');
    expect(text).toContain('name: "lab"');
    // It is nobody's demo any more.
    expect(text.split('\n').slice(0, 2)).toEqual([
      '# A 64-element line array with 4 RF chains and 4 users that walk about.',
      '# Every key is explained in docs/rig-file.md.',
    ]);
    expectRefusal(await beamrigHere('init', lab), /lab\.yaml exists already/);
    expect(readFileSync(lab, 'utf8')).toBe(text);
    const measuring = text.replace(/^# (calibration:.*)\n# (.*)\n# (.*)$/m, '$1\n$2\n$3');
    expect(parseRigFile(measuring, lab).calibration.probe.azimuthDeg).toBe(0);
    expect(measuring).toMatch(/^calibration: .*\n {2}folder: calibration\n {2}probe: /m);
    expect((await beamrigHere('doctor', lab)).stdout).toContain('lab.yaml is rig lab');
  });
});

describe('beamrig models', () => {
  it('lists, shows and verifies what can choose beams', async () => {
    const list = await beamrigHere('models', '--json');
    const card = await beamrigHere('models', 'show', 'unfolded-pga-n64');
    const good = await beamrigHere('models', 'verify');
    const known = JSON.parse(list.stdout) as { models: { id: string }[]; baselines: { name: string }[] };
    expect(known.models.map(({ id }) => id)).toContain('unfolded-pga-n64');
    expect(known.baselines.map(({ name }) => name)).toContain('aligned');
    expect(JSON.parse(card.stdout)).toMatchObject({
      id: 'unfolded-pga-n64',
      dimensions: { elements: 64, rfChains: 4, users: 4 },
    });
    expect(good).toMatchObject({ code: 0, stderr: '' });
    expect(good.stdout).toContain('unfolded-pga-n64: good');
  }, 120_000);
});

describe('beamrig evaluate', () => {
  it('gives JSON as documented, beside ZF and WMMSE on the same channels', async () => {
    const file = cli.channelFile(2, 16);
    const { code, stdout } = await cli.beamrig(
      'evaluate',
      'aligned',
      '--channels',
      file,
      '--snr',
      '0,10',
      '--bits',
      '3,inf',
      '--json',
    );
    expect(code).toBe(0);
    const result = JSON.parse(stdout) as {
      results: { snrDb: number; bits: number | 'inf'; sumRate: { mean: number }; wmmse: { mean: number } }[];
    };
    expect(result).toMatchObject({ model: 'aligned', channels: { file, count: 6 } });
    expect(result.results.map(({ snrDb, bits }) => [snrDb, bits])).toEqual([
      [0, 3],
      [0, 'inf'],
      [10, 3],
      [10, 'inf'],
    ]);
    for (const { sumRate, wmmse } of result.results) expect(sumRate.mean).toBeLessThan(wmmse.mean);
  });
});

describe('beamrig train', () => {
  it('makes a small model and its card, which then evaluates', async () => {
    const words = [
      '--elements',
      '8',
      '--rf-chains',
      '2',
      '--users',
      '2',
      '--layers',
      '2',
      '--inner-steps',
      '2',
      '--channels',
      '20',
      '--epochs',
      '1',
    ];
    const small = join(cli.path, 'small.onnx');
    const trained = await beamrigHere('train', 'unfolded-pga', ...words, '--output', small, '--json');
    expect(trained).toMatchObject({ code: 0, stderr: '' });
    expect(trained.stdout.trimEnd().split('\n').at(-1)).toContain('"type":"finished"');
    expect((await beamrigHere('models', 'verify', small)).stdout).toContain('small: good');
    const judged = await beamrigHere('evaluate', small, '--channels', cli.channelFile(2, 8), '--snr', '10', '--json');
    expect(judged).toMatchObject({ code: 0, stderr: '' });
  });
});

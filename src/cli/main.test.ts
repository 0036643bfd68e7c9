import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { zeros } from '../../signal/complex-matrix.ts';
import { createRandom } from '../../signal/random.ts';
import { salehValenzuela } from '../../signal/channel.ts';
import { zooFolder } from '../../models/zoo.ts';
import { InfluxServer } from '../../test/influx-server.ts';
import { hasPart } from '../../test/parts.ts';
import { writeChannelFile } from '../config/channel-file.ts';
import { packageRoot } from '../config/package-root.ts';
import { commandLine } from './command-line.ts';
import type { RunSummary } from '../telemetry/run-summary.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const command = [
  '--import',
  join(packageRoot(), 'node_modules', 'tsx', 'dist', 'esm', 'index.mjs'),
  join(packageRoot(), 'src', 'cli', 'main.ts'),
];

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs `beamrig …` in the test's folder to its end. */
function beamrig(...words: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [...command, ...words], { cwd: folder, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

/** As beamrig, inside this process: quicker, for commands that neither run a rig nor end the process. */
async function beamrigHere(...words: string[]): Promise<Ended> {
  const said = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      said[name] += String(text);
      return true;
    }),
  );
  const log = vi.spyOn(console, 'log').mockImplementation((text) => void (said.stdout += `${String(text)}\n`));
  try {
    await commandLine(words);
    return { code: Number(process.exitCode ?? 0), ...said };
  } finally {
    for (const spy of [...spies, log]) spy.mockRestore();
    process.exitCode = undefined;
  }
}

let files = 0;
/** A rig file that differs from a small good one as told. */
function rigFile(change: (text: string) => string = (text) => text): string {
  const text = `
name: bench
array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 4 }
users: { count: 2 }
beamformer: { model: aligned }
loop: { rateHz: 100 }
telemetry: { runFolder: ${JSON.stringify(join(folder, 'runs'))} }
dashboard: { port: 0 }
`;
  files += 1;
  const path = join(folder, `rig-${files}.yaml`);
  writeFileSync(path, change(text));
  return path;
}

function channelFile(
  users: number,
  elements: number,
  spoil: (channel: ReturnType<typeof zeros>) => void = () => undefined,
): string {
  const random = createRandom(3);
  const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
  const channels = Array.from({ length: 6 }, () => salehValenzuela({ random, geometry, users, paths: 3, scale: 'unit-element' }));
  if (channels[2]) spoil(channels[2]);
  files += 1;
  const path = join(folder, `channels-${files}.npy`);
  writeChannelFile(path, channels);
  return path;
}

/** One clear message with a way out, an exit code, no stack trace. */
function expectRefusal({ code, stderr }: Ended, message: string | RegExp): void {
  expect(stderr).toMatch(message);
  expect(code).toBeGreaterThan(0);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stderr).not.toContain('.ts:');
}

describe('beamrig run', () => {
  it('says that it falls back to the simulator, ends after its cycles and leaves a complete run folder', async () => {
    const runs = join(folder, 'runs-complete');
    const { code, stdout, stderr } = await beamrig(
      'run',
      rigFile((text) => text.replace('/runs"', '/runs-complete"')),
      '--cycles',
      '20',
    );
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toContain('No hardware found: falling back to the simulator (fallback: at-start)');
    expect(stdout).toMatch(/Page: +http:\/\/127\.0\.0\.1:\d+\//);
    expect(stdout).toContain('20 cycles (0 void)');
    const [run = ''] = readdirSync(runs);
    expect(readdirSync(join(runs, run)).sort()).toEqual(['events.jsonl', 'manifest.json', 'records.lp', 'summary.json']);
    expect(readFileSync(join(runs, run, 'manifest.json'), 'utf8')).toContain('"source": "simulator"');

    const table = await beamrig('export', join(runs, run), '--csv', '-o', 'run.csv');
    expect(table.code).toBe(0);
    const rows = readFileSync(join(folder, 'run.csv'), 'utf8').trimEnd().split('\r\n');
    expect(rows).toHaveLength(21);
    expect(rows[0]).toContain('user_1_measured_snr_db');
  });

  it('stops cleanly at Ctrl-C: safe state, summary, exit code 0', async () => {
    const running = spawn(process.execPath, [...command, 'run', rigFile(), '--json'], { cwd: folder });
    const lines: { type: string; cycle?: number; ended?: string; folder?: string; summary?: RunSummary }[] = [];
    let stderr = '';
    running.stderr.on('data', (text) => (stderr += String(text)));
    const gone = once(running, 'exit');
    for await (const line of createInterface({ input: running.stdout })) {
      lines.push(JSON.parse(line) as (typeof lines)[number]);
      // Under npm one Ctrl-C arrives twice, which must not force the end.
      if (lines.at(-1)?.type === 'status' || lines.at(-1)?.type === 'stopping') running.kill('SIGINT');
    }
    expect(await gone).toEqual([0, null]);
    expect(stderr).toBe('');
    expect(lines[0]?.type).toBe('start');
    expect(lines.some(({ type }) => type === 'stopping')).toBe(true);
    const end = lines.at(-1);
    expect(end).toMatchObject({ type: 'end', ended: 'stopped' });
    const stored = JSON.parse(readFileSync(join(end?.folder ?? '', 'summary.json'), 'utf8')) as RunSummary;
    const lastShown = lines.findLast(({ type }) => type === 'status')?.cycle ?? NaN;
    expect(stored.cycles).toBeGreaterThanOrEqual(lastShown + 1); // nothing that was shown is missing
    expect(stored).toEqual(end?.summary);
  });

  it('runs recorded channels to the last one, on virtual time twice with the same bytes', async () => {
    const channels = channelFile(2, 16);
    const records = async (): Promise<string> => {
      const { code, stdout } = await beamrig('run', rigFile(), '--channels', channels, '--virtual-time', '--seed', '5', '--json');
      expect(code).toBe(0);
      const end = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as { folder: string; summary: RunSummary };
      expect(end.summary).toMatchObject({ cycles: 6, ok: 6 });
      // The name of the run is the only thing that differs.
      return readFileSync(join(end.folder, 'records.lp'), 'utf8').replaceAll(/,run=[^,]*/g, '');
    };
    expect(await records()).toBe(await records());
  });

  it('with a wrong rig file lists what is wrong', async () => {
    const path = rigFile((text) => text.replace('phaseBits: 4', 'phaseBit: 4').replace('count: 2', 'count: 0'));
    const ended = await beamrig('run', path, '--json');
    expectRefusal(
      ended,
      /has 2 problems:\n {2}line 3: array\.phaseBit: unknown key; did you mean phaseBits\?\n {2}line 4: users\.count: 0/,
    );
    expect(ended.stderr).toContain('What to do: ');
    expect(JSON.parse(ended.stdout)).toMatchObject({ type: 'error', code: 'rig-file' });
  });

  it('without the model names those there are', async () => {
    expectRefusal(
      await beamrig(
        'run',
        rigFile((text) => text.replace('aligned', 'no-such-model')),
      ),
      /model no-such-model is not there/,
    );
  });

  it('with a damaged model, or one whose card is of another array, does not start', async () => {
    const models = join(folder, 'models');
    mkdirSync(models);
    for (const end of ['.onnx', '.json']) {
      cpSync(join(zooFolder(), `unfolded-pga-n32${end}`), join(models, `good${end}`));
      cpSync(join(zooFolder(), `unfolded-pga-n32${end}`), join(models, `damaged${end}`));
    }
    const bytes = readFileSync(join(models, 'damaged.onnx'));
    writeFileSync(join(models, 'damaged.onnx'), bytes.subarray(0, bytes.length - 100));
    const using = (name: string): string => rigFile((text) => text.replace('aligned', join(models, name)));
    const [damaged, misfit] = await Promise.all([beamrig('run', using('damaged.onnx')), beamrig('run', using('good.onnx'))]);
    expectRefusal(damaged, /sha256/);
    expectRefusal(misfit, /is for 32 elements, the rig has 16/);
    expect(damaged.stderr).toContain('What to do: ');
    expect(misfit.stderr).toContain('What to do: ');
  });

  it('with channels of another shape, or with NaN in them, names what was found', async () => {
    const [shape, notFinite] = await Promise.all([
      beamrig('run', rigFile(), '--channels', channelFile(2, 8)),
      beamrig(
        'run',
        rigFile(),
        '--channels',
        channelFile(2, 16, ({ re }) => (re[17] = NaN)),
      ),
    ]);
    expectRefusal(shape, /channels of 2 users × 8 elements; expected 2 users × 16 elements/);
    expectRefusal(notFinite, /\[2, 1, 1\] is NaN/);
  });

  it('names the port that another program has, and leaves no run folder behind', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const path = rigFile((text) => text.replace('port: 0', `port: ${port}`).replace('/runs"', '/runs-port"'));
    expectRefusal(await beamrig('run', path), new RegExp(`127\\.0\\.0\\.1:${port} is taken[^]*dashboard\\.port`));
    expect(readdirSync(join(folder, 'runs-port'))).toEqual([]);
    other.close();
  });

  it('with a run folder that cannot be made says which setting to change', async () => {
    writeFileSync(join(folder, 'a-file'), '');
    const ended = await beamrig(
      'run',
      rigFile((text) => text.replace('/runs"', '/a-file/runs"')),
    );
    expectRefusal(ended, /run folder .*a-file\/runs cannot be made or written[^]*telemetry\.runFolder/);
  });

  it('goes on without its InfluxDB, says so once, and says how to send the points later', async () => {
    const path = rigFile((text) => text.replace('/runs" }', '/runs", influx: { port: 1 } }'));
    const { code, stdout, stderr } = await beamrig('run', path, '--cycles', '200');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.match(/takes no points/g)).toHaveLength(1);
    expect(stdout).toContain('200 cycles (0 void)');
    expect(stdout).toMatch(
      /60\d points are not in InfluxDB yet\. Send them with: beamrig export .* --influx http:\/\/127\.0\.0\.1:1\/beamrig/,
    );
  });

  it.skipIf(!hasPart('influxd'))('sends every point to its InfluxDB before it ends [needs influxd]', async () => {
    const server = await (await InfluxServer.place()).start();
    try {
      const path = rigFile((text) => text.replace('/runs" }', `/runs", influx: { port: ${server.port}, database: lab } }`));
      const { code, stdout } = await beamrig('run', path, '--cycles', '30');
      expect(code).toBe(0);
      expect(stdout).toMatch(/InfluxDB took 9\d points\./);
      const [row] = await server.client('lab').query<{ n: number }>('select count(measured_db) as n from user_snr');
      expect(row?.n).toBe(60);
    } finally {
      await server.remove();
    }
  });

  it('does not use a panel of another protocol version, and names both versions', async () => {
    const fault = 'simulator: { behaviours: [{ do: wrong-version, major: 3 }] }';
    const ended = await beamrig(
      'run',
      rigFile((text) => `${text.replace('/runs"', '/runs-version"')}${fault}\n`),
    );
    expectRefusal(ended, /speaks? protocol .*3[^]*What to do: .*firmware/);
    expect(readdirSync(join(folder, 'runs-version'))).toEqual([]);
  });

  it('plays the faults of its rig file: a refused request voids its cycle, and the run goes on', async () => {
    const fault = 'simulator: { behaviours: [{ do: nack, code: fault, messages: [measure-snr], nth: 3 }] }';
    const ended = await beamrig(
      'run',
      rigFile((text) => `${text}${fault}\n`),
      '--cycles',
      '10',
      '--virtual-time',
    );
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toContain('Cycle 2 is void at measure');
    expect(ended.stdout).toContain('10 cycles (1 void)');
  });

  it('does not end well when the panel never confirmed its safe state, whatever was measured before', async () => {
    const fault = 'simulator: { behaviours: [{ do: nack, code: fault, messages: [set-safe-state] }] }';
    const ended = await beamrig(
      'run',
      rigFile((text) => `${text}${fault}\n`),
      '--cycles',
      '3',
      '--virtual-time',
    );
    expect(ended).toMatchObject({ code: 1 });
    expect(ended.stdout).toContain('3 cycles (0 void)');
    expect(ended.stdout).toContain('did not confirm its safe state');
  });

  it('lets neither the key nor a password into what it prints and writes', async () => {
    const keyFile = join(folder, 'rig.key');
    const key = '5ec2e7'.repeat(6);
    writeFileSync(keyFile, key, { mode: 0o600 });
    const links = `links: [ { name: board, panel: B-1, mqtt: { url: 'mqtt://127.0.0.1:1', username: rig, passwordEnv: BENCH_PASSWORD } } ]`;
    const path = rigFile((text) => `${text}${links}\nauthentication: { keyFile: ${keyFile} }\n`);
    vi.stubEnv('BENCH_PASSWORD', 'pass-5ec2e7-word');
    const { code, stdout, stderr } = await beamrig('run', path, '--cycles', '5', '--json');
    vi.unstubAllEnvs();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const start = JSON.parse(stdout.split('\n', 1)[0]) as {
      source: string;
      fallback: string;
      runFolder: string;
      lookedFor: string[];
    };
    expect(start).toMatchObject({ source: 'simulator', fallback: 'at-start' });
    expect(start.lookedFor.join('\n')).toContain('board: mqtt://127.0.0.1:1 beamrig/panels/B-1, elements 0-15');
    expect(stdout).toContain('no broker listens');
    const written = readdirSync(start.runFolder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
    expect(written.length).toBeGreaterThan(2);
    for (const text of [stdout, ...written]) expect(text).not.toContain('5ec2e7');
  });

  it('looks for no hardware on virtual time, and says so', async () => {
    const path = rigFile((text) => `${text}links: [ { serial: { path: /dev/no-such-port } } ]\n`);
    const { code, stdout } = await beamrig('run', path, '--cycles', '3', '--virtual-time', '--json');
    expect(code).toBe(0);
    expect(stdout).toContain('keeps simulated time');
  });

  it('refuses to start without hardware where the rig file forbids the simulator', async () => {
    expectRefusal(
      await beamrig(
        'run',
        rigFile((text) => `${text}fallback: never\n`),
      ),
      /No panel was found[^]*fallback: at-start/,
    );
  });
});

describe('the command line', () => {
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
    [['evaluate', 'aligned', '--channels', 'none.npy', '--snr', '0,'], '--snr : not allowed; allowed: a number'],
    [['evaluate', 'aligned', '--channels', 'none.npy'], 'none.npy: there is no such file'],
    [['evaluate', 'nothing', '--channels', 'none.npy'], 'model nothing is not there'],
    [['train', 'everything'], 'system everything: not allowed; allowed: unfolded-pga'],
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
    const keyFile = join(folder, 'open.key');
    writeFileSync(keyFile, 'ab'.repeat(16), { mode: 0o644 });
    const serial = 'links: [ { name: board, panel: B-1, serial: { path: /dev/no-such-port } } ]';
    const finding = async (more: string, what: string) => {
      const { stdout } = await beamrigHere(
        'doctor',
        rigFile((text) => `${text}${serial}\n${more}\n`),
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

describe('beamrig init', () => {
  it('writes a rig file that runs, and never overwrites one', async () => {
    const lab = join(folder, 'lab.yaml');
    expect(await beamrigHere('init', lab)).toMatchObject({ code: 0 });
    const text = readFileSync(lab, 'utf8');
    expect(text).toContain('name: "lab"');
    expectRefusal(await beamrigHere('init', lab), /lab\.yaml exists already/);
    expect(readFileSync(lab, 'utf8')).toBe(text);
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
  });
});

describe('beamrig evaluate', () => {
  it('gives JSON as documented, beside ZF and WMMSE on the same channels', async () => {
    const file = channelFile(2, 16);
    const { code, stdout } = await beamrig(
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
    const small = join(folder, 'small.onnx');
    const trained = await beamrigHere('train', 'unfolded-pga', ...words, '--output', small, '--json');
    expect(trained).toMatchObject({ code: 0, stderr: '' });
    expect(trained.stdout.trimEnd().split('\n').at(-1)).toContain('"type":"finished"');
    expect((await beamrigHere('models', 'verify', small)).stdout).toContain('small: good');
    const judged = await beamrigHere('evaluate', small, '--channels', channelFile(2, 8), '--snr', '10', '--json');
    expect(judged).toMatchObject({ code: 0, stderr: '' });
  });
});

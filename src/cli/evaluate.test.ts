import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { scale, type CMatrix } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { salehValenzuela } from '../../core/signal/channel.ts';
import { OBJECTIVE_NAMES } from '../../core/signal/objectives/objective-names.ts';
import { OBJECTIVES } from '../../core/signal/objectives/objectives.ts';
import { createRandom } from '../../core/signal/random.ts';
import { evaluateBeamformer, type EvaluationRow } from '../../models/evaluation/evaluate.ts';
import { drawChannelSet } from '../../models/training/channel-set.ts';
import { CliFolder, beamrigHere, expectRefusal } from '../../test/cli.ts';
import { writeChannelFile } from '../../test/doubles/write-channel-file.ts';
import { writeTroubledModel } from '../../test/integration/troubled-networks.ts';
import { openBeamformer } from '../beamforming/open-beamformer.ts';
import { readChannelFile } from '../config/channel-file.ts';

const cli = new CliFolder();
afterAll(() => cli.remove());

/** So many, at two SNRs, that several threads are worth their start. */
const file = join(cli.path, 'many.npy');
writeChannelFile(
  file,
  drawChannelSet({ seed: 1, name: 'test', count: 260, elements: 32, users: 4, paths: 10, scale: 'unit-element' }).channels,
);

interface Told {
  engine: string | null;
  threads: number;
  channelsPerSecond: number;
  dimensions: { elements: number; rfChains: number; users: number };
  channels: { file: string; count: number; meanPower: number; normalised: boolean };
}

it('evaluates each number of bits with the network for it, and says where that is one for words', async () => {
  const few = join(cli.path, 'few.npy');
  const drawn = drawChannelSet({ seed: 3, name: 'test', count: 3, elements: 8, users: 2, paths: 4, scale: 'unit-element' });
  writeChannelFile(few, drawn.channels);
  const figuresAt = async (bits: string) => {
    const asked = ['--channels', few, '--snr', '0,10', '--steps', '3', '--bits', bits, '--json'];
    return (JSON.parse((await beamrigHere('evaluate', 'phase-net', ...asked)).stdout) as { results: EvaluationRow[] }).results;
  };
  const together = await figuresAt('2,inf,1');
  const words = together.map((row) => [row.snrDb, row.bits, 'phaseBits' in row ? row.phaseBits : null]);
  expect(words).toEqual(
    [0, 10].flatMap((snrDb) => [
      [snrDb, 2, 2],
      [snrDb, 'inf', null],
      [snrDb, 1, 1],
    ]),
  );
  expect(await figuresAt('2')).toEqual(together.filter(({ bits }) => bits === 2));
}, 60_000);

it('solves D again at every Q and at inf, so that rows can be compared, and keeps that of the model where it is told to', async () => {
  const [alone, ...others] = drawChannelSet({
    ...{ seed: 3, name: 'test', count: 4, elements: 16, users: 2, paths: 4, scale: 'unit-element' },
  }).channels;
  const twice = join(cli.path, 'twice.npy');
  // Users in one place, of whom an own D that shares evenly can serve none well.
  const inOnePlace = (channel: CMatrix): CMatrix => ({
    ...channel,
    re: channel.re.map((_, i) => channel.re[i % 16]),
    im: channel.im.map((_, i) => channel.im[i % 16]),
  });
  writeChannelFile(twice, [alone, ...others].map(inOnePlace));
  const evaluate = (...words: string[]) =>
    beamrigHere('evaluate', 'zf-factored', '--channels', twice, '--snr', '10', '--bits', '6,inf', ...words);
  const figures = async (...words: string[]) => {
    const told = JSON.parse((await evaluate('--json', ...words)).stdout) as { ownDigitalAtInf?: true; results: EvaluationRow[] };
    return { own: told.ownDigitalAtInf, rates: told.results.map(({ sumRate }) => sumRate.mean) };
  };
  const [again, own] = [await figures(), await figures('--own-digital')];
  expect([again.own, own.own]).toEqual([undefined, true]);
  expect(again.rates[1]).toBeGreaterThan(again.rates[0]);
  expect(own.rates[0]).toBe(again.rates[0]);
  expect(own.rates[1]).toBeLessThan(again.rates[1]);
  expect((await evaluate('--own-digital')).stdout).toMatch(/^bits inf: the digital weights that the model gave; other rows: /m);
  expectRefusal(await evaluate('--bits', '6', '--own-digital'), /--own-digital: has no meaning without inf among --bits/);
});

it('evaluates one channel without a standard error, which it has none of', async () => {
  const one = join(cli.path, 'one.npy');
  const drawn = drawChannelSet({ seed: 3, name: 'test', count: 1, elements: 8, users: 2, paths: 4, scale: 'unit-element' });
  writeChannelFile(one, drawn.channels);
  const { stdout } = await beamrigHere('evaluate', 'aligned', '--channels', one, '--snr', '10');
  expect(stdout).toMatch(/\d\.\d{3} ± –/);
  expect(stdout).not.toContain('0.000');
  const json = await beamrigHere('evaluate', 'aligned', '--channels', one, '--snr', '10', '--json');
  expect(JSON.parse(json.stdout)).toMatchObject({ results: [{ sumRate: { stderr: null }, wmmse: { stderr: null } }] });
}, 60_000);

describe('beamrig evaluate, of many channels,', () => {
  it.each([
    ['unfolded-phase-extraction-n32', 'compiled'],
    ['aligned', null],
  ])(
    'gives the figures that its beams one after the other have, and says how fast: %s',
    async (model, engine) => {
      const { stdout } = await beamrigHere('evaluate', model, '--channels', file, '--snr', '0,10', '--bits', '3,inf', '--json');
      const { channelsPerSecond, threads, engine: told, dimensions, ...result } = JSON.parse(stdout) as Told;
      expect({ told, isFast: channelsPerSecond > 0, isThreaded: threads >= 1 }).toEqual({
        told: engine,
        isFast: true,
        isThreaded: true,
      });
      const beamformer = await openBeamformer(model, { elements: 32, rfChains: 4, users: 4 }, { deadlineMs: 10_000 });
      const { channels } = readChannelFile(file, { conjugate: false });
      const alone = await evaluateBeamformer({
        model,
        compute: (problem) => beamformer.compute(problem),
        ...{ channels, file, rfChains: 4, snrsDb: [0, 10], bits: [3, 'inf'] },
        objective: OBJECTIVES['sum-rate'],
      });
      await beamformer.close();
      const { meanPower, normalised, ...of } = result.channels;
      expect({ ...result, channels: of }).toEqual(alone);
      expect({ dimensions, normalised }).toEqual({ dimensions: { elements: 32, rfChains: 4, users: 4 }, normalised: false });
      expect(meanPower).toBeCloseTo(1, 1);
    },
    60_000,
  );

  it('says the pace in a line of its own', async () => {
    const channels = cli.channelFile(2, 16);
    const { stdout } = await beamrigHere('evaluate', 'aligned', '--channels', channels, '--snr', '0,10');
    expect(stdout).toMatch(/^12 beams of 6 channels at \d+\/s, yardsticks included, on 1 thread$/m);
  });
});

describe('beamrig evaluate says what it was given', () => {
  const channelsOf = (factor: number): string => {
    const { channels } = drawChannelSet({
      ...{ seed: 1, name: 'test', count: 4, elements: 16, users: 2, paths: 10, scale: 'unit-element' },
    });
    const path = join(cli.path, `times-${factor}.npy`);
    writeChannelFile(
      path,
      channels.map((channel) => scale(channel, factor)),
    );
    return path;
  };

  it('with its size and scale, and a word where that is far from 1', async () => {
    const near = await beamrigHere('evaluate', 'aligned', '--channels', channelsOf(1), '--snr', '10');
    expect(near.stdout).toMatch(/^N = 16 elements, M = 2 RF chains, K = 2 users; mean \|h\|² (0\.9|1\.)\d* \(-?0\.\d dB\)$/m);
    expect(near.stdout).not.toContain('warning');
    const far = await beamrigHere('evaluate', 'aligned', '--channels', channelsOf(0.1), '--snr', '10');
    expect(far.stdout).toMatch(/mean \|h\|² 0\.0\d+ \(-\d+\.\d dB\)\nwarning: SNR is P\/σ² at a mean \|h\|² of 1.*--normalise/);
  });

  it('and scaled, gives the figures of channels that were', async () => {
    const at = async (...words: string[]) => {
      const { stdout } = await beamrigHere('evaluate', 'aligned', '--snr', '10', '--json', ...words);
      return JSON.parse(stdout) as Told & { results: { sumRate: { mean: number } }[] };
    };
    const [unit, faint] = [channelsOf(1), channelsOf(0.01)];
    const [scaled, same, plain] = [
      await at('--channels', faint, '--normalise'),
      await at('--channels', unit, '--normalise'),
      await at('--channels', faint),
    ];
    expect(scaled.channels).toMatchObject({ normalised: true });
    expect(scaled.channels.meanPower / same.channels.meanPower).toBeCloseTo(1e-4, 9);
    expect(scaled.results[0].sumRate.mean).toBeCloseTo(same.results[0].sumRate.mean, 9);
    expect(plain.results[0].sumRate.mean).toBeLessThan(scaled.results[0].sumRate.mean / 10);
  });

  it('or which column is the objective and which the sum rate, where these are two', async () => {
    const asked = ['evaluate', 'aligned', '--channels', channelsOf(1), '--snr', '10', '--objective', 'min-rate'];
    const { stdout } = await beamrigHere(...asked);
    expect(stdout).toMatch(/^SNR dB +bits +aligned: min-rate +its sum rate +digital ZF /m);
  });

  it('or that there is neither model nor baseline of such a name, with those that there are', async () => {
    const of = (name: string) => beamrigHere('evaluate', name, '--channels', channelsOf(1), '--snr', '10');
    expectRefusal(
      await of('NO_SUCH_NAME'),
      /NO_SUCH_NAME is not there.*use one of phase-net, .*a baseline of aligned, codebook, /s,
    );
    expectRefusal(await of('codebok'), /codebok is not there \(looked for .*\); did you mean codebook\?/);
    expectRefusal(await of('phase-nett'), /; did you mean phase-net\?/);
  });

  it('or that users and elements look swapped, or chains are too few', async () => {
    const swapped = cli.channelFile(16, 2);
    const told = await beamrigHere('evaluate', 'aligned', '--channels', swapped);
    expectRefusal(
      told,
      /channels-\d+\.npy: 16 users for 2 elements, and users and elements look swapped: the axes are \[n, K, N\]/,
    );
    expect(told.code).toBe(1);
    expect(told.stderr).toMatch(/What to do: .*np\.swapaxes\(h, 1, 2\)/);
    const few = ['evaluate', 'aligned', '--channels', channelsOf(1), '--rf-chains'];
    expectRefusal(await beamrigHere(...few, '1'), /2 users need as many RF chains, got 1/);
    expectRefusal(await beamrigHere(...few, '17'), /17 RF chains for 16 elements/);
  });
});

describe('beamrig evaluate, of a sub-connected array,', () => {
  const channels = cli.channelFile(2, 16);
  const evaluate = (model: string, ...words: string[]) =>
    beamrigHere('evaluate', model, '--channels', channels, '--snr', '10', '--connection', 'sub', ...words);

  it('gives the figures of an array whose chains have a run of elements each, and says so', async () => {
    for (const model of ['aligned', 'phase-net']) {
      const { stdout } = await evaluate(model, '--bits', '2,inf', '--json');
      const told = JSON.parse(stdout) as { connection: string; results: EvaluationRow[] };
      expect(told.connection).toBe('sub');
      const of = readChannelFile(channels).channels;
      for (const { bits, sumRate } of told.results) {
        const needs = {
          elements: 16,
          rfChains: 2,
          users: 2,
          connection: 'sub',
          ...(bits === 2 ? { phaseBits: 2 } : {}),
        } as const;
        const beamformer = await openBeamformer(model, needs, { deadlineMs: 10_000 });
        const alone = await evaluateBeamformer({
          model,
          compute: (problem) => beamformer.compute(problem),
          ...{ channels: of, file: channels, rfChains: 2, snrsDb: [10], bits: [bits] },
          ...{ objective: OBJECTIVES['sum-rate'], connection: connectionMask('sub', 16, 2) },
        });
        await beamformer.close();
        expect({ model, bits, sumRate }).toEqual({ model, bits, sumRate: alone.results[0].sumRate });
      }
    }
    const { stdout } = await evaluate('aligned');
    expect(stdout).toContain('K = 2 users, sub-connected: a run of elements to each chain; ');
  }, 60_000);

  it('refuses what is for fully connected ones alone, and a wiring that there is not', async () => {
    const file = join(cli.path, 'n32.npy');
    writeChannelFile(
      file,
      drawChannelSet({ seed: 1, name: 'test', count: 1, elements: 32, users: 4, paths: 3, scale: 'unit-element' }).channels,
    );
    expectRefusal(
      await beamrigHere('evaluate', 'unfolded-pga-n32', '--channels', file, '--connection', 'sub'),
      /unfolded-pga-n32 is for fully connected arrays/,
    );
    expectRefusal(await evaluate('two-phase', '--rf-chains', '4'), /two-phase/);
    expectRefusal(await evaluate('aligned', '--connection', 'half'), /--connection half: not allowed; allowed: full \| sub/);
  });
});

describe('beamrig evaluate refuses', () => {
  const evaluate = (...more: string[]) => beamrigHere('evaluate', 'aligned', '--channels', file, ...more);

  it.each([
    [['--sweeps', '3'], /--sweeps 3: has no meaning without --quantiser array/],
    [['--quantiser', 'array'], /--quantiser array: has no meaning where --bits is inf alone/],
    [['--engine', 'compiled'], /--engine compiled: aligned is a baseline/],
    [['--snr', '10,,20'], /--snr '10,,20': an entry of the list is empty/],
    [['--snr', ''], /--snr '': an entry of the list is empty/],
    [['--snr', '10,5,10'], /--snr 10,5,10: 10 stands in it twice/],
    [['--bits', '2,inf,2'], /--bits 2,inf,2: 2 stands in it twice/],
    [['--sensing=10,10'], /--sensing 10,10: 10 stands in it twice/],
  ])('what would have no effect, or says nothing: %j', async (words, message) => {
    expectRefusal(await evaluate(...words), message);
  });

  it.each([
    [['--snr', 'ten'], 'Write for example --snr 0.'],
    [['--snr', '300'], 'Write for example --snr 100.'],
    [['--quantiser', 'aray'], 'Write --quantiser array, if that was meant.'],
    [['--sweeps', '0', '--quantiser', 'array', '--bits', '2'], 'Write for example --sweeps 1.'],
    [['--objective', 'x'], 'Write for example --objective sum-rate.'],
  ])('%j with a way out', async (words, wayOut) => {
    const { code, stderr } = await evaluate(...words);
    expect({ code, stderr: stderr.split('\n')[1] }).toEqual({ code: 2, stderr: `What to do: ${wayOut}` });
  });

  it('more users than elements without naming a range that is empty', async () => {
    const swapped = join(cli.path, 'swapped.npy');
    writeChannelFile(
      swapped,
      drawChannelSet({ seed: 1, name: 'test', count: 1, elements: 4, users: 16, paths: 3, scale: 'unit-element' }).channels,
    );
    const { stderr } = await beamrigHere('evaluate', 'aligned', '--channels', swapped);
    expect(stderr).toContain('No array serves more users than it has elements');
    expect(stderr).not.toContain('--rf-chains');
  });
});

it('opens phase-net for as many users as elements, however many these are', async () => {
  const large = join(cli.path, 'large.npy');
  writeChannelFile(
    large,
    drawChannelSet({ seed: 1, name: 'test', count: 1, elements: 96, users: 96, paths: 10, scale: 'unit-element' }).channels,
  );
  const { code, stdout } = await beamrigHere(
    'evaluate',
    'phase-net',
    '--channels',
    large,
    '--snr',
    '10',
    '--steps',
    '2',
    '--json',
  );
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    engine: 'onnxruntime',
    engineReason: 'it has a system of 192 equations, which onnxruntime solves faster',
  });
}, 120_000);

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

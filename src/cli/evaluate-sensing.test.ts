/** `beamrig evaluate` with a covariance that is wished for: what it tells of sensing, and what it weighs. */
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fromPhases, identity, multiplyABh, scale, type CMatrix } from '../../core/signal/complex-matrix.ts';
import { CliFolder, beamrigHere, expectRefusal } from '../../test/cli.ts';
import { writeChannelFile } from '../../test/doubles/write-channel-file.ts';

const cli = new CliFolder();
afterAll(() => cli.remove());

describe('beamrig evaluate, with sensing,', () => {
  interface Row {
    snrDb: number;
    sumRate: { mean: number };
    score: { mean: number };
    tau: { mean: number; stderr: number };
    objective: { mean: number; stderr: number };
    beampatternMse: { mean: number; stderr: number };
  }
  const channels = cli.channelFile(2, 16);
  const evaluate = (...words: string[]) => beamrigHere('evaluate', 'aligned', '--channels', channels, '--snr', '0,10', ...words);
  const rowsOf = async (...words: string[]): Promise<Row[]> => {
    const { stdout } = await evaluate('--json', '--bits', '3', ...words);
    return (JSON.parse(stdout) as { results: Row[] }).results;
  };
  /** As long as 16 elements that all radiate the same. */
  const flat = (trace: number): CMatrix => scale(identity(16), trace / 16);

  it('tells τ, R − ωτ and the error of the beampattern, and weighs it where it is told to', async () => {
    const [low, high] = await rowsOf('--sensing=-60,0,60', '--omega', '0.2');
    for (const { sumRate, tau, objective, score, beampatternMse } of [low, high]) {
      expect(objective.mean).toBeCloseTo(sumRate.mean - 0.2 * tau.mean, 9);
      expect(score.mean).toBe(sumRate.mean);
      expect([tau, objective, beampatternMse].map(({ stderr }) => stderr > 0)).toEqual([true, true, true]);
    }
    // τ is of the order of P².
    expect(high.tau.mean / low.tau.mean).toBeCloseTo(100, -2);
    const weighed = await rowsOf('--sensing=-60,0,60', '--omega', '0.2', '--objective', 'rate-sensing');
    weighed.forEach(({ objective, score, tau }, i) => {
      expect(score.mean).toBeCloseTo(objective.mean, 9);
      expect(objective.mean).toBeGreaterThan([low, high][i].objective.mean);
      expect(tau.mean).toBeLessThan([low, high][i].tau.mean);
    });
    const { stdout } = await evaluate('--sensing', '0,30', '--sensing-width', '20');
    expect(stdout).toMatch(/^sensing: 0°, 30°, 20° wide, of a half-wave line; ω = 0\.3; digital weights are for sum-rate/m);
    expect(stdout).toMatch(/aligned +τ +R − ωτ +pattern error +digital ZF/);
  });

  it('has phase-net weigh it where the objective does, also of a covariance of many directions', async () => {
    const wide = join(cli.path, 'wide.npy');
    writeChannelFile(wide, [flat(1)]);
    for (const wish of [
      ['--sensing=-60,0,60', '--omega', '0.2'],
      ['--covariance', wide],
    ]) {
      const rows = async (...words: string[]): Promise<Row[]> => {
        const all = [
          'evaluate',
          'phase-net',
          '--channels',
          channels,
          '--snr',
          '0,10',
          '--json',
          '--bits',
          'inf',
          ...wish,
          ...words,
        ];
        const { stdout } = await beamrigHere(...all);
        return (JSON.parse(stdout) as { results: Row[] }).results;
      };
      const rates = await rows();
      const weighed = await rows('--objective', 'rate-sensing', '--steps', '100');
      weighed.forEach(({ objective, tau }, i) => {
        expect(objective.mean).toBeGreaterThan(rates[i].objective.mean);
        expect(tau.mean).toBeLessThan(rates[i].tau.mean);
      });
    }
  }, 60_000);

  it('takes a covariance of any power, for all SNRs or for each', async () => {
    const [one, scaled, each] = ['one', 'scaled', 'each'].map((name) => join(cli.path, `${name}.npy`));
    writeChannelFile(one, [flat(1)]);
    writeChannelFile(scaled, [flat(7)]);
    const peaked = multiplyABh(fromPhases(new Float64Array(16), 16, 1), fromPhases(new Float64Array(16), 16, 1));
    writeChannelFile(each, [flat(1), peaked]);
    const [ofOne, ofScaled, ofEach] = [
      await rowsOf('--covariance', one),
      await rowsOf('--covariance', scaled),
      await rowsOf('--covariance', each),
    ];
    ofScaled.forEach(({ tau }, i) => expect(tau.mean / ofOne[i].tau.mean).toBeCloseTo(1, 9));
    expect(ofEach[0]).toEqual(ofOne[0]);
    expect(ofEach[1].tau.mean).toBeGreaterThan(1.1 * ofOne[1].tau.mean);
    expectRefusal(await evaluate('--snr', '0,5,10', '--covariance', each), /2 covariances; expected 1 or 3/);
  });

  it.each([
    [['--omega', '1'], /--omega 1: has no meaning without --sensing or --covariance/],
    [['--sensing-width', '5'], /--sensing-width 5: has no meaning without --sensing/],
    [['--sensing', '0', '--covariance', 'a.npy'], /--sensing and --covariance: both say what is wished for/],
    [['--sensing', '0,100'], /--sensing 100: not allowed; allowed: a number from -90 to 90/],
    [['--sensing', '0', '--omega', '-1'], /--omega -1: not allowed; allowed: a number from 0 to 1000000/],
    [['--objective', 'rate-sensing'], /'rate-sensing' needs to know what sensing wishes for/],
    [['--covariance', 'none.npy'], /none\.npy: there is no such file/],
  ])('refuses %j', async (words, message) => {
    expectRefusal(await evaluate(...words), message);
  });
});

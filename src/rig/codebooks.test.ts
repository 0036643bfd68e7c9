/** `model: codebook` of a rig file, whose beams are found by measuring: a run on the simulator. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CliFolder, beamrigHere, expectRefusal } from '../../test/cli.ts';

const cli = new CliFolder();
afterAll(() => cli.remove());

const STILL = 'simulator: { userSpeedMps: 0, channel: { model: saleh-valenzuela, paths: 1, directShare: 1 } }\nsnrDb: 20';
const rigWith = (codebook: string): string =>
  cli.rigFile((text) => `${text.replace('{ model: aligned }', `{ model: codebook, codebook: ${codebook} }`)}${STILL}\n`);

interface Line {
  type: string;
  code?: string;
  message?: string;
  summary?: { parts: { modelId: string }[]; void: number };
  measuredSnrDb?: number[];
}
async function runOf(rig: string): Promise<{ news: string[]; last: Line | undefined; lines: Line[] }> {
  const { stdout, code } = await cli.beamrig('run', rig, '--cycles', '60', '--virtual-time', '--json');
  expect(code).toBe(0);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  const news = lines.flatMap(({ code: of, message = '' }) => (of === 'beam-search' ? [message] : []));
  return { news, last: lines.findLast(({ type }) => type === 'status'), lines };
}

describe('a codebook that is searched by measuring', () => {
  it('serves every user after the probes that it says it took', async () => {
    const { news, last } = await runOf(rigWith('hierarchical'));
    expect(news).toHaveLength(1);
    const probes = Number(/searched with (\d+) probes: user 0 at .*, user 1 at /.exec(news[0])?.[1]);
    // Two users of 16 elements: four levels of two, and one or two beside the last.
    expect(probes).toBeGreaterThanOrEqual(2 * 9);
    expect(probes).toBeLessThanOrEqual(2 * 10);
    // Half of the power each, 12 dB of gain and up to 4 dB lost between two beams are 25 dB; what is left of the other's beam costs some of it.
    expect(Math.min(...(last?.measuredSnrDb ?? [NaN]))).toBeGreaterThan(10);
  });

  it('tries all beams of a table of its own', async () => {
    const table = join(cli.path, 'codebook.csv');
    const rows = Array.from({ length: 15 }, (_, i) => `TX,${i},0,${Math.abs(i - 7) * 8},${i < 7 ? 180 : 0}`);
    writeFileSync(table, `Mode,BeamID,BeamType,beam_theta,beam_phi\n${rows.join('\n')}\n`);
    const { news } = await runOf(rigWith('codebook.csv'));
    expect(news).toEqual([
      expect.stringMatching(/^The codebook was searched with 30 probes: user 0 at beam tx-\d+, user 1 at beam tx-\d+\.$/),
    ]);
  });

  it('is refused without its model, and without its table', async () => {
    const other = cli.rigFile((text) => text.replace('{ model: aligned }', '{ model: aligned, codebook: hierarchical }'));
    expectRefusal(await beamrigHere('run', other), 'beamformer.codebook: has no meaning without model: codebook');
    expectRefusal(await cli.beamrig('run', rigWith('nowhere.csv'), '--virtual-time', '--cycles', '1'), 'nowhere.csv: ');
  });
});

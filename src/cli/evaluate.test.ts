import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { OBJECTIVES } from '../../core/signal/objectives/objectives.ts';
import { evaluateBeamformer } from '../../models/evaluation/evaluate.ts';
import { drawChannelSet } from '../../models/training/channel-set.ts';
import { CliFolder, beamrigHere } from '../../test/cli.ts';
import { writeChannelFile } from '../../test/doubles/write-channel-file.ts';
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
}

describe('beamrig evaluate, of many channels,', () => {
  it.each([
    ['unfolded-phase-extraction-n32', 'compiled'],
    ['aligned', null],
  ])(
    'gives the figures that its beams one after the other have, and says how fast: %s',
    async (model, engine) => {
      const { stdout } = await beamrigHere('evaluate', model, '--channels', file, '--snr', '0,10', '--bits', '3,inf', '--json');
      const { channelsPerSecond, threads, engine: told, ...result } = JSON.parse(stdout) as Told & object;
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
      expect(result).toEqual(alone);
    },
    60_000,
  );

  it('says the pace in a line of its own', async () => {
    const channels = cli.channelFile(2, 16);
    const { stdout } = await beamrigHere('evaluate', 'aligned', '--channels', channels, '--snr', '0,10');
    expect(stdout).toMatch(/^12 channels at \d+\/s, yardsticks included, on 1 thread$/m);
  });
});

import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { packageRoot } from '../../../core/files/package-root.ts';
import { scenarioOf } from '../scenario-file.ts';
import { packJob, unpackJob } from './travelling-job.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-travelling-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('takes the model that a timeline switches to along, from the folder of the scenario', () => {
  const own = join(folder, 'own');
  mkdirSync(join(own, 'models'), { recursive: true });
  for (const ending of ['numbers.json', 'json'])
    copyFileSync(join(packageRoot(), 'models', 'zoo', `phase-net.${ending}`), join(own, 'models', `mine.${ending}`));
  const scenario = scenarioOf(
    {
      ...{ name: 'switched', about: 'A test.', seconds: 3 },
      rig: {
        name: 'small',
        array: { geometry: { kind: 'ula', elements: 16 }, rfChains: 2, phaseBits: 6 },
        users: { count: 2 },
        beamformer: { model: 'aligned' },
      },
      timeline: [
        { atS: 1, do: 'switch-model', model: 'models/mine.numbers.json' },
        { atS: 2, do: 'switch-model', model: 'phase-net' },
      ],
    },
    own,
  );
  const { job, files } = packJob({ scenario, one: scenario.cases[0], seed: 1, runFolder: join(folder, 'run') });
  const there = unpackJob(job, '/there');
  expect(files.map(({ path }) => join('/there', path))).toEqual(
    ['numbers.json', 'json'].map((ending) => join(there.scenario.folder, 'models', `mine.${ending}`)),
  );
  expect(there.scenario.text.timeline).toMatchObject([{ model: 'models/mine.numbers.json' }, { model: 'phase-net' }]);
});

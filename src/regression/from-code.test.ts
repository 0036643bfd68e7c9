import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { packageRoot } from '../../core/files/package-root.ts';
import { regress, type RegressProgress } from './from-code.ts';
import { readReport } from './reports/report-json.ts';
import type { ScenarioInput } from './scenario-schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-from-code-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const scenario = (name: string, more: Partial<ScenarioInput> = {}): ScenarioInput => ({
  name,
  about: 'A test.',
  rig: {
    name: 'small',
    array: { geometry: { kind: 'ula', elements: 16 }, rfChains: 2, phaseBits: 6 },
    users: { count: 2 },
    beamformer: { model: 'aligned' },
    loop: { rateHz: 50 },
  },
  seconds: 1,
  ...more,
});
const verdicts = ({ cases }: Awaited<ReturnType<typeof regress>>): string[] =>
  cases.map(({ scenario: name, verdict }) => `${name} ${verdict}`);

async function refusalOf(work: () => Promise<unknown>): Promise<{ text: string; wayOut: string | undefined }> {
  try {
    await work();
  } catch (error) {
    if (!isBeamrigError(error)) throw error;
    return { text: error.message, wayOut: error.wayOut };
  }
  return { text: 'not refused', wayOut: undefined };
}

// Scenarios are played in processes of their own, which are compiled as they start.
describe('a regression from code', { timeout: 120_000 }, () => {
  it('plays objects beside files, tells how far it is, and gives the report', async () => {
    const file = join(folder, 'of-a-file.yaml');
    writeFileSync(file, JSON.stringify(scenario('of-a-file')));
    const bad = scenario('bad', { expect: [{ check: 'sum-rate', atLeast: 1000 }] });
    const progress: RegressProgress[] = [];
    const output = join(folder, 'reports');
    const report = await regress([file, bad, scenario('good', { with: { snrDb: 20, loop: null } })], {
      ...{ workers: 1, retries: 0, output },
      onProgress: (now) => progress.push(now),
    });
    expect(verdicts(report)).toEqual(['of-a-file passed', 'bad failed', 'good passed']);
    expect(progress.map(({ done, of }) => `${done}/${of}`)).toEqual(['0/3', '1/3', '2/3', '3/3']);
    expect(readReport(join(output, 'report.json'))).toEqual(report);
    expect(existsSync(join(output, 'junit.xml'))).toBe(true);
    expect(Object.keys(report.underTest.scenarios)).toEqual(['of-a-file', 'bad', 'good']);
  });

  it('begins nothing once it is aborted, and reports what is left as skipped', async () => {
    const stop = new AbortController();
    const report = await regress([scenario('first'), scenario('second')], {
      ...{ workers: 1, signal: stop.signal },
      onProgress: ({ case: judged }) => judged && stop.abort(),
    });
    expect(verdicts(report)).toEqual(['first passed', 'second skipped']);
  });

  it.each<[string, ScenarioInput, RegressOptionsOf, RegExp]>([
    ['a key that is none', scenario('x', { secnods: 3 } as object), {}, /the scenario 'x' has a problem:\n.*secnods.*seconds/s],
    [
      'a rig that is none',
      scenario('x', { rig: { name: 'x' } as never }),
      {},
      /the scenario 'x' has \d problems:\n.*of the rig/s,
    ],
    ['no plain data', circular(), {}, /the scenario 'x' has a problem:\n.*no plain data/s],
    ['a rig file that is not there', scenario('x', { rig: 'none.yaml' }), {}, /rig: none\.yaml is not there/],
    ['a seed that is none', scenario('x'), { seed: -1 }, /^seed: -1: /],
    ['a shard that is none', scenario('x'), { shard: { index: 3, of: 2 } }, /^shard: .*index from 1 to of/],
    ['two benches', scenario('x'), { queue: 'redis://127.0.0.1:1', rig: 'lab.yaml' }, /^queue beside rig/],
    ['nothing that is chosen', scenario('x'), { filter: ['other'] }, /no case of these scenarios is chosen/],
  ])('refuses %s with a way out, and plays nothing', async (_, given, options, message) => {
    const { text, wayOut } = await refusalOf(() => regress(given, options));
    expect(text).toMatch(message);
    expect(wayOut).toBeTruthy();
  });

  it('refuses two of one name', async () => {
    const other = scenario('twin', { seconds: 2 });
    expect((await refusalOf(() => regress([scenario('twin'), other]))).text).toContain("name: 'twin' stands in");
  });

  it('finds the model that a timeline switches to from the folder of the scenario, not from the working folder', async () => {
    const own = join(folder, 'own');
    mkdirSync(join(own, 'models'), { recursive: true });
    for (const ending of ['numbers.json', 'json']) {
      copyFileSync(join(packageRoot(), 'models', 'zoo', `phase-net.${ending}`), join(own, 'models', `mine.${ending}`));
    }
    const card = join(own, 'models', 'mine.json');
    writeFileSync(card, readFileSync(card, 'utf8').replace('"id": "phase-net"', '"id": "mine"'));
    const switched = scenario('switched', {
      seconds: 2,
      timeline: [{ atS: 1, do: 'switch-model', model: 'models/mine.numbers.json' }],
      expect: [
        { check: 'answered', after: 'switch-model' },
        { check: 'event', code: 'model-switched', says: 'mine' },
      ],
    });
    writeFileSync(join(own, 'switched.yaml'), JSON.stringify(switched));
    const elsewhere = { ...switched, name: 'elsewhere' };
    const report = await regress([join(own, 'switched.yaml'), elsewhere], { workers: 1, retries: 0, folder: own });
    expect(verdicts(report)).toEqual(['switched passed', 'elsewhere passed']);
    expect(verdicts(await regress(switched, { workers: 1, retries: 0 }))).toEqual(['switched failed']);
  });
});

type RegressOptionsOf = NonNullable<Parameters<typeof regress>[1]>;

function circular(): ScenarioInput {
  const given = scenario('x') as ScenarioInput & { itself?: unknown };
  given.itself = given;
  return given;
}

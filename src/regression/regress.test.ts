import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { packageRoot } from '../../core/files/package-root.ts';
import { openJobPool, type JobPlayer } from './job-pool.ts';
import { playJob, type Job, type Played } from './job.ts';
import { regress, type RegressOptions } from './regress.ts';
import { reportJson } from './reports/report-json.ts';
import type { Report } from './results.ts';
import { readScenarios } from './scenario-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-regress-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const RIG = `rig:
  name: small
  array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 6 }
  users: { count: 2 }
  beamformer: { model: aligned }
  loop: { rateHz: 50 }
`;
let files = 0;
/** A folder with these scenarios. */
function scenarios(...texts: [name: string, more: string][]) {
  const here = mkdtempSync(join(folder, `${files++}-`));
  for (const [name, more] of texts)
    writeFileSync(join(here, `${name}.yaml`), `name: ${name}\nabout: A test.\n${RIG}seconds: 2\n${more}`);
  return readScenarios([here]);
}
/** Plays in this process, and says what was asked for. */
function player(change: (played: Played, job: Job, nth: number) => Played = (played) => played): JobPlayer & { jobs: Job[] } {
  const jobs: Job[] = [];
  return {
    jobs,
    parallel: 1,
    play: async (job) => change(await playJob(job), job, jobs.push(job)),
    close: async () => undefined,
  };
}
const played = (
  options: Partial<RegressOptions> & Pick<RegressOptions, 'scenarios'>,
  by: JobPlayer = player(),
): Promise<Report> => regress({ player: by, retries: 0, ...options });
const verdicts = ({ cases }: Report): string[] =>
  cases.map((each) => `${each.scenario} ${each.case} ${each.verdict}`.replace('  ', ' '));
/** What of a report may not differ between two runs. */
const withoutTimes = (report: Report): unknown =>
  JSON.parse(reportJson(report), (key, value: unknown) => (key === 'times' ? undefined : value));

describe('a regression', () => {
  it('gives the same report for the same seeds, to the byte but for times, and another for others', async () => {
    const of = scenarios([
      'lost',
      'behaviours: [{ do: drop, probability: 0.05 }]\nseeds: 2\nexpect: [{ check: void-cycles, atMost: 9 }]\n',
    ]);
    const [one, two, other] = [
      await played({ scenarios: of }),
      await played({ scenarios: of }),
      await played({ scenarios: of, seed: 50 }),
    ];
    expect(withoutTimes(two)).toEqual(withoutTimes(one));
    const digests = (report: Report) => report.cases[0].seeds.map(({ attempts }) => attempts[0].digest);
    expect(digests(one)).not.toContain(null);
    expect(new Set([...digests(one), ...digests(other)]).size).toBe(4);
  });

  it('tells a measurement of the array in the same words each time, wherever its report lies', async () => {
    const of = scenarios(['measured', 'timeline: [{ atS: 0.5, do: calibrate }]\nexpect: [{ check: event, code: calibrated }]\n']);
    const [one, two] = [await played({ scenarios: of }), await played({ scenarios: of })];
    expect(verdicts(one)).toEqual(['measured passed']);
    expect(withoutTimes(two)).toEqual(withoutTimes(one));
  });

  it('tells of files in the same words wherever the scenario and its files lie', async () => {
    const missing =
      'timeline: [{ atS: 0.2, do: switch-model, model: ./none.onnx, label: file }, { atS: 0.4, do: switch-model, model: none, label: zoo }]\n';
    const expects = 'expect: [{ check: answered, after: file, as: refused }, { check: answered, after: zoo, as: refused }]\n';
    const of = () => scenarios(['files', missing + expects]);
    const [here, there] = [await played({ scenarios: of() }), await played({ scenarios: of() })];
    expect(verdicts(here)).toEqual(['files passed']);
    const seeds = ({ cases }: Report): unknown =>
      JSON.parse(JSON.stringify(cases[0].seeds, (key, value: unknown) => (key === 'times' ? undefined : value)));
    expect(seeds(there)).toEqual(seeds(here));
    expect(JSON.stringify(seeds(here))).not.toContain(packageRoot());
  });

  it('plays what was chosen: by part of a name, by tag, by share, by what failed before', async () => {
    const of = scenarios(
      ['alpha', 'tags: [quick]\nmatrix: { phaseBits: [2, 3] }\nexpect: [{ check: sum-rate, atLeast: 1 }]\n'],
      ['beta', 'expect: [{ check: sum-rate, atLeast: 1000 }]\n'],
    );
    const all = await played({ scenarios: of });
    expect(verdicts(all)).toEqual(['alpha phaseBits=2 passed', 'alpha phaseBits=3 passed', 'beta failed']);
    expect(all.totals).toMatchObject({ passed: 2, failed: 1 });
    expect(verdicts(await played({ scenarios: of, filter: ['phaseBits=3'] }))).toEqual(['alpha phaseBits=3 passed']);
    expect(verdicts(await played({ scenarios: of, tags: ['quick'] }))).toHaveLength(2);
    expect(verdicts(await played({ scenarios: of, failedIn: all }))).toEqual(['beta failed']);
    const shares = await Promise.all([1, 2].map((index) => played({ scenarios: of, shard: { index, of: 2 } })));
    expect(shares.flatMap(verdicts).sort()).toEqual(verdicts(all).sort());
    const nothing = await played({ scenarios: of, filter: ['gamma'] }).catch((error: unknown) => error);
    expect(isBeamrigError(nothing) && nothing.code).toBe('argument');
  });

  it('plays cases once on attached hardware that differ in carrier and panels alone, over all shares', async () => {
    const of = scenarios(['a', 'matrix: { carrier: [mqtt, loopback], panels: [1, 2], phaseBits: [3, 6] }\n']);
    const jobs: Job[] = [];
    const by: JobPlayer = {
      ...player(),
      play: async ({ hardware: _, ...job }) => {
        jobs.push(job);
        return playJob({ ...job, one: { ...job.one, carrier: 'loopback' } });
      },
    };
    const on = { scenarios: of, hardware: 'lab.yaml' };
    const reports = [];
    for (const index of [1, 2, 3]) reports.push(await played({ ...on, shard: { index, of: 3 } }, by));
    expect(jobs.map(({ one }) => one.id).sort()).toEqual([
      'carrier=mqtt phaseBits=3 panels=1',
      'carrier=mqtt phaseBits=6 panels=1',
    ]);
    const skipped = reports.flatMap(({ cases }) => cases).filter(({ verdict }) => verdict === 'skipped');
    expect(skipped).toHaveLength(6);
    for (const { why } of skipped) expect(why).toMatch(/the same as carrier=mqtt phaseBits=\d panels=1, which is played/);
    // Whoever asks for one of them gets that one.
    const one = await played({ ...on, filter: ['carrier=loopback phaseBits=3 panels=2'] }, by);
    expect(one.totals).toMatchObject({ passed: 1, skipped: 0 });
  });

  it('begins nothing new once a case has failed, where that was asked for', async () => {
    const of = scenarios(['a', 'expect: [{ check: sum-rate, atLeast: 1000 }]\n'], ['b', '']);
    const by = player();
    expect(verdicts(await played({ scenarios: of, failFast: true }, by))).toEqual(['a failed', 'b skipped']);
    expect(by.jobs).toHaveLength(1);
  });

  it('calls a seed flaky that failed and, played again, did not: with both kept, and still failed', async () => {
    const of = scenarios(['a', '']);
    const by = player((result, _, nth) => (nth === 1 ? { ...result, verdict: 'failed' } : result));
    const report = await played({ scenarios: of, retries: 2 }, by);
    expect(report.cases[0].seeds[0]).toMatchObject({ verdict: 'failed', flaky: true });
    expect(report.cases[0].seeds[0].attempts.map(({ verdict }) => verdict)).toEqual(['failed', 'passed']);
  });

  it('calls nothing flaky that failed and then broke: it never passed', async () => {
    const by = player((result, _, nth) => ({ ...result, verdict: nth === 1 ? 'failed' : 'error' }));
    const report = await played({ scenarios: scenarios(['a', '']), retries: 1 }, by);
    expect(report.cases[0].seeds[0]).toMatchObject({ verdict: 'failed', flaky: false });
  });

  it('keeps run folders of what failed, and no others', async () => {
    const of = scenarios(['a', 'expect: [{ check: sum-rate, atLeast: 1000 }]\n'], ['b', '']);
    const keep = join(folder, 'kept');
    const { cases } = await played({ scenarios: of, keep });
    const kept = cases[0].seeds[0].attempts[0].runFolder ?? '';
    expect(existsSync(join(kept, 'manifest.json'))).toBe(true);
    expect(cases[1].seeds[0].attempts[0].runFolder).toBeUndefined();
  });

  it('gives every case a run folder of its own, whatever signs its model has and however long it is', async () => {
    const models = ['./a/b', './a_b', `./${'m'.repeat(300)}`];
    const of = scenarios(['a', `matrix: { model: ${JSON.stringify(models)} }\n`]);
    const by = player((result) => result);
    expect(verdicts(await played({ scenarios: of, keep: join(folder, 'kept-models') }, by))).toHaveLength(3);
    expect(new Set(by.jobs.map(({ runFolder }) => runFolder)).size).toBe(3);
  });

  it('writes goldens anew where that is asked for, and then finds every word that is another', async () => {
    const of = scenarios(['a', 'expect: [{ check: words, cycles: 5 }]\n']);
    const missing = await played({ scenarios: of });
    expect(missing.cases[0]).toMatchObject({ verdict: 'failed', why: expect.stringMatching(/there is no golden/) as string });
    await played({ scenarios: of, updateGolden: true });
    expect(verdicts(await played({ scenarios: of }))).toEqual(['a passed']);
    writeFileSync(of[0].file, readFileSync(of[0].file, 'utf8').replace('model: aligned', 'model: phase-extraction'));
    const [changed] = (await played({ scenarios: readScenarios([of[0].file]) })).cases;
    expect(changed).toMatchObject({ verdict: 'failed', why: expect.stringMatching(/words differ over 5 cycles/) as string });
  });

  it('writes no golden where no cycle was good, and says so of that case alone', async () => {
    const of = scenarios(['a', 'behaviours: [{ do: drop, probability: 1 }]\nexpect: [{ check: words, cycles: 5 }]\n'], ['b', '']);
    const { cases } = await played({ scenarios: of, updateGolden: true });
    expect(cases[0]).toMatchObject({ verdict: 'error', why: expect.stringMatching(/no cycle was good/) as string });
    expect(cases[1].verdict).toBe('passed');
    expect(existsSync(join(of[0].folder, 'goldens'))).toBe(false);
  });

  it('fails what is worse than a baseline, by how much, and says nothing of what is the same', async () => {
    const of = scenarios(['a', 'seeds: 4\nexpect: [{ check: sum-rate, of: predicted, atLeast: 1 }]\n']);
    const before = await played({ scenarios: of });
    const baseline = { report: before, file: 'before.json', sha256: '' };
    expect(verdicts(await played({ scenarios: of, baseline }))).toEqual(['a passed']);
    const [file] = of.map((each) => each.file);
    writeFileSync(file, readFileSync(file, 'utf8').replace('phaseBits: 6', 'phaseBits: 1'));
    const [worse] = (await played({ scenarios: readScenarios([file]), baseline })).cases;
    expect(worse.verdict).toBe('failed');
    const found = worse.baseline.find(({ verdict }) => verdict === 'failed');
    expect(found?.worseBy).toBeGreaterThan(0.5);
  });

  it('does not count what is in quarantine, until its day', async () => {
    const of = scenarios(['a', 'expect: [{ check: sum-rate, atLeast: 1000 }]\n']);
    const quarantine = { file: 'q.yaml', entries: [{ scenario: 'a', reason: 'a known fault', until: '2026-12-31', line: '2' }] };
    const on = (day: string) => played({ scenarios: of, quarantine, startedAt: new Date(`${day}T12:00:00Z`) });
    expect((await on('2026-12-31')).totals).toMatchObject({ failed: 0, quarantined: 1 });
    expect((await on('2027-01-01')).totals).toMatchObject({ failed: 1, quarantined: 0 });
  });
});

describe('a rig that a scenario refuses, or breaks', () => {
  it('has a record of its own: refused, void, and with nothing radiated at the end', async () => {
    const of = scenarios(
      [
        'newer',
        'behaviours: [{ do: wrong-version, major: 2 }]\nexpect: [{ check: ends, as: refused, code: protocol-version }]\n',
      ],
      [
        'out',
        'timeline: [{ atS: 0.5, do: unplug }]\nexpect: [{ check: void-cycles, atLeast: 1 }, { check: event, code: panel-lost }]\n',
      ],
    );
    expect(verdicts(await played({ scenarios: of }))).toEqual(['newer passed', 'out passed']);
  });
});

describe('processes that play', () => {
  it('are killed where a scenario does not come to an end, which is told, and the next one is played', async () => {
    const of = scenarios(['endless', 'limitS: 0.5\nseconds: 80000\n'.replace('seconds: 80000\n', '')], ['quick', '']);
    of[0].text.seconds = 80_000;
    const pool = openJobPool(1);
    try {
      const report = await regress({ scenarios: of, player: pool, retries: 0 });
      expect(verdicts(report)).toEqual(['endless error', 'quick passed']);
      expect(report.cases[0].why).toMatch(/did not come to an end within 0\.5 s and was killed/);
    } finally {
      await pool.close();
    }
  });
});

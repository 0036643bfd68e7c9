import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { packageRoot } from '../../core/files/package-root.ts';
import { checkRig } from '../config/rig-file.ts';
import { SCENARIO_FILE_PAGE, scenarioFilePage } from '../../scripts/scenario-file-doc.ts';
import { parseScenario, readScenarios } from './scenario-file.ts';
import { CARRIERS } from './scenario-schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-scenario-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const GOOD = `name: good
about: All is well.
rig:
  name: small
  array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 6 }
  users: { count: 2 }
  beamformer: { model: aligned }
seconds: 4
timeline:
  - { atS: 1, do: unplug, forS: 1 }
expect:
  - { check: recovery, after: unplug, withinS: 1 }
`;
const written = (text: string, name = 'good.yaml'): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const refusal = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (!isBeamrigError(error)) throw error;
    expect(['scenario-file', 'rig-file']).toContain(error.code);
    expect(error.wayOut).toBeTruthy();
    return error.message;
  }
  return 'not refused';
};
const problems = (change: (text: string) => string): string => refusal(() => parseScenario(change(GOOD), join(folder, 'x.yaml')));

describe('a scenario file', () => {
  it('is read with its defaults and one case', () => {
    const { text, cases } = parseScenario(GOOD, join(folder, 'good.yaml'));
    expect(text).toMatchObject({ carrier: 'loopback', seeds: 1, confidence: 0.95, limitS: 120 });
    expect(cases).toMatchObject([{ id: '', carrier: 'loopback', panels: 1 }]);
  });

  it('has a case for each combination of its matrix, with the rig of that combination', () => {
    const { cases } = parseScenario(
      `${GOOD}matrix: { quantiser: [nearest, array], phaseBits: [2, 4] }\n`,
      join(folder, 'm.yaml'),
    );
    expect(cases.map(({ id }) => id)).toEqual([
      'phaseBits=2 quantiser=nearest',
      'phaseBits=2 quantiser=array',
      'phaseBits=4 quantiser=nearest',
      'phaseBits=4 quantiser=array',
    ]);
    expect(cases[3].rig).toMatchObject({ array: { phaseBits: 4, rfChains: 2 }, beamformer: { quantiser: 'array' } });
  });

  it('has no more cases, and is played no more often, than anybody waits for', () => {
    const numbers = (count: number): string => Array.from({ length: count }, (_, i) => i / 100).join(', ');
    const many = `matrix: { snrDb: [${numbers(100)}], userSpeedMps: [${numbers(100)}] }\n`;
    expect(problems((text) => `${text}${many}`)).toMatch(/line 13: matrix: 10000 cases; allowed: up to 4096 in a scenario/);
    expect(problems((text) => `${text}matrix: { phaseBits: [1, 2, 3, 4, 5, 6, 7, 8] }\nseeds: 20000\n`)).toMatch(/seeds/);
    expect(problems((text) => `${text}matrix: { snrDb: [${numbers(100)}] }\nseeds: 1001\n`)).toMatch(
      /line 14: seeds: 1001 of 100 cases are played 100100 times; allowed: up to 100000 in a scenario/,
    );
  });

  it('has its own paths from its own folder, and those of a rig file from where that lies', () => {
    const elsewhere = mkdtempSync(join(folder, 'rigs-'));
    const lab = 'array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 6 }\nusers: { count: 2 }\n';
    writeFileSync(join(elsewhere, 'lab.yaml'), `name: lab\n${lab}beamformer: { model: aligned }\nbeamFolder: kept\n`);
    const text = `name: paths
about: Paths of two files.
rig: ${join(elsewhere, 'lab.yaml')}
with: { calibration: { folder: mine } }
matrix: { model: [./one.onnx, aligned] }
seconds: 1
expect: [{ check: void-cycles, atMost: 0 }]
`;
    const { cases, rigFolder } = parseScenario(text, join(folder, 'paths.yaml'));
    const placed = cases
      .map(({ rig }) => checkRig(rig, rigFolder))
      .map((checked) => ('rig' in checked ? checked.rig : undefined));
    expect(placed[0]).toMatchObject({
      beamformer: { model: join(folder, 'one.onnx') },
      calibration: { folder: join(folder, 'mine') },
      beamFolder: join(elsewhere, 'kept'),
    });
    expect(placed[1]?.beamformer.model).toBe('aligned');
  });

  it('changes its rig key by key, and takes away what is null', () => {
    const path = written(`${GOOD}with: { array: { phaseBits: 3 }, beamformer: { model: zf-factored }, seed: null }\n`);
    expect(parseScenario(readFileSync(path, 'utf8'), path).rig).toMatchObject({
      array: { phaseBits: 3, rfChains: 2 },
      beamformer: { model: 'zf-factored' },
    });
  });

  it.each([
    [
      'a key that is not there',
      (text: string) => text.replace('about:', 'abuot:'),
      /line 2: abuot: unknown key; did you mean about\?/,
    ],
    [
      'a value out of range',
      (text: string) => text.replace('seconds: 4', 'seconds: -1'),
      /line 8: seconds: -1 is not allowed; allowed: a number above 0/,
    ],
    ['an action that is not there', (text: string) => text.replace('do: unplug', 'do: unplgu'), /line 10: timeline\[0\]/],
    [
      'an entry after the end',
      (text: string) => text.replace('atS: 1', 'atS: 9'),
      /line 10: timeline\[0\]\.atS: 9, and the scenario ends at 4 s/,
    ],
    [
      'an entry that lasts beyond the end',
      (text: string) => text.replace('forS: 1', 'forS: 7'),
      /line 10: timeline\[0\]: it lasts until 8 s/,
    ],
    [
      'a label that is not there',
      (text: string) => text.replace('after: unplug', 'after: unplugged'),
      /line 12: expect\[0\]\.after: nothing in the timeline is called unplugged; did you mean unplug\?/,
    ],
    [
      'a user that is not there',
      (text: string) => `${text}  - { check: sinr, user: 2, atLeast: 1 }\n`,
      /line 13: expect\[1\]\.user: 2, and there are users 0 to 1/,
    ],
    ['no bound', (text: string) => `${text}  - { check: sum-rate }\n`, /line 13: expect\[1\].*no bound/],
    [
      'bounds that exclude each other',
      (text: string) => `${text}  - { check: sum-rate, atLeast: 5, atMost: 4 }\n`,
      /line 13: expect\[1\]\.atMost: 4 is below atLeast, 5/,
    ],
    [
      'something across one seed',
      (text: string) => `${text}  - { check: sum-rate, atLeast: 5, across: mean }\n`,
      /line 13: expect\[1\]\.across: .*there is 1/,
    ],
    [
      'a wrong key of its rig',
      (text: string) => text.replace('rfChains: 2', 'rfChain: 2'),
      /line 5: of the rig: array\.rfChain: unknown key; did you mean rfChains\?/,
    ],
    ['a wrong value in its matrix', (text: string) => `${text}matrix: { model: [aligned, "no\\u0007"] }\n`, /line 13: /],
    [
      'panels that cannot share the array',
      (text: string) => `${text}panels: 3\n`,
      /line 13: panels: 3 cannot share 16 elements evenly/,
    ],
    [
      'a second golden, which nothing would be compared with',
      (text: string) => `${text}  - { check: words }\n  - { check: words, name: more, golden: more.json }\n`,
      /line 14: expect\[2\]: words are compared with one golden, and expect\[1\] has it/,
    ],
    [
      'a value twice in its matrix',
      (text: string) => `${text}matrix: { phaseBits: [2, 4, 2] }\n`,
      /line 13: matrix\.phaseBits\[2\]: 2 stands there twice/,
    ],
    [
      'a carrier that is not there',
      (text: string) => `${text}matrix: { carrier: [loopback, gpib] }\n`,
      /line 13: matrix\.carrier\[1\]: "gpib" is not allowed; allowed: loopback \| mqtt \| pty \| qemu/,
    ],
    [
      'an array that the emulated board has not',
      (text: string) => `${text}matrix: { carrier: [loopback, qemu] }\n`,
      /line 5: of the rig \(case carrier=qemu\): array\.geometry: 16 elements, and the firmware of carrier qemu has 64 elements/,
    ],
    [
      'an array without chips for a firmware',
      (text: string) => `${text}carrier: pty\n`,
      /simulator\.phaseShifter: ideal, and the firmware of carrier pty drives chips; allowed: adar1000 \(array\.phaseBits: 7\)/,
    ],
    [
      'two panels of a firmware',
      (text: string) => `${text}carrier: pty\npanels: 2\n`,
      /line 14: panels: 2, and the firmware of carrier pty is one panel; allowed: 1/,
    ],
    [
      'a fault that only panels of our own play, on a firmware',
      (text: string) => `${text}carrier: pty\nbehaviours: [{ do: reset, messages: [commit] }]\n`,
      /line 14: behaviours: reset is played by panels of our own.*allowed: drop, corrupt, duplicate, delay, reorder/,
    ],
    ['two names for one thing', (text: string) => `${text}name: other\n`, /name: given twice/],
    ['no scenario at all', () => '- 1\n', /a scenario file is a list of `key: value` lines/],
  ])('is refused with its line for %s', (_, change, message) => {
    expect(problems(change)).toMatch(message);
  });

  it('is refused where its rig is missing, and says which file was looked for', () => {
    expect(problems((text) => text.replace(/rig:\n( {2}.*\n)+/, 'rig: not-there.yaml\n'))).toMatch(
      /rig: not-there\.yaml is not there/,
    );
  });

  it('shares its name with no other', () => {
    const [one, other] = [written(GOOD, 'one.yaml'), written(GOOD, 'other.yaml')];
    expect(refusal(() => readScenarios([one, other]))).toMatch(/name: 'good' stands in .*one\.yaml and in .*other\.yaml/);
    expect(readScenarios([one, one])).toHaveLength(1);
  });

  it('has to be there', () => {
    expect(refusal(() => readScenarios([join(folder, 'nowhere.yaml')]))).toMatch(/nowhere\.yaml: .*no such file/);
    const empty = mkdtempSync(join(folder, 'empty-'));
    expect(refusal(() => readScenarios([empty]))).toMatch(/there is no scenario/);
  });
});

describe('the library of scenarios', () => {
  it('has at least ten that are played over every carrier', () => {
    const scenarios = readScenarios([join(packageRoot(), 'examples', 'scenarios')]);
    const everywhere = scenarios.filter(({ text }) => CARRIERS.every((carrier) => text.matrix.carrier?.includes(carrier)));
    expect(everywhere.length).toBeGreaterThanOrEqual(10);
    for (const { text } of everywhere) expect(text.tags).toContain('carriers');
  });

  it('has at least thirty, each in a file of its own name', () => {
    const scenarios = readScenarios([join(packageRoot(), 'examples', 'scenarios')]);
    expect(scenarios.length).toBeGreaterThanOrEqual(30);
    for (const { text, file } of scenarios) expect(file.endsWith(`/${text.name}.yaml`)).toBe(true);
  });
});

describe('docs/scenario-file.md', () => {
  it('is what the schema says now (npx tsx scripts/scenario-file-doc.ts writes it)', () => {
    expect(readFileSync(join(packageRoot(), SCENARIO_FILE_PAGE), 'utf8')).toBe(scenarioFilePage());
  });
});

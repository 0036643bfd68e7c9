import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SMALL_RIG } from '../../test/doubles/small-rig.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { packageRoot, packageVersion } from '../../core/files/package-root.ts';
import { rigFilePage } from '../../scripts/rig-file-doc.ts';
import { elementsOf, loadRigFile, parseRigFile, readRigFile } from './rig-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-rig-file-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const demo = join(packageRoot(), 'examples', 'rigs', 'demo.yaml');

/** Begins in line 2. */
const SMALL = `\n${SMALL_RIG}`;

/** The problems of a rig file, one line each. */
function problems(text: string): string[] {
  try {
    parseRigFile(text, 'rig.yaml');
  } catch (error) {
    expect(error).toBeInstanceOf(BeamrigError);
    expect((error as BeamrigError).code).toBe('rig-file');
    expect((error as BeamrigError).wayOut).toContain('docs/rig-file.md');
    return (error as Error).message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}

describe('a good rig file', () => {
  it('is read as the demo describes itself', () => {
    const rig = readRigFile(demo);
    expect(rig.name).toBe('demo');
    expect(elementsOf(rig)).toBe(64);
    expect(rig.array).toMatchObject({ rfChains: 4, connection: 'full', phaseBits: 6 });
    expect(rig.users.count).toBe(4);
    expect(rig.simulator.impairments.gainErrorDb).toBe(0.5);
    expect(rig.telemetry.influx).toBeUndefined();
  });

  it('comes with its own text, for the manifest', () => {
    expect(loadRigFile(demo).text).toBe(readFileSync(demo, 'utf8'));
  });

  it('gets every default when it says only what it must', () => {
    const rig = parseRigFile(SMALL, 'rig.yaml');
    expect(rig).toMatchObject({
      seed: 1,
      snrDb: 10,
      links: [],
      fallback: 'at-start',
      safeState: 'mute',
      loop: { rateHz: 20, pilots: 64 },
      simulator: {
        userSpeedMps: 1.4,
        channel: { paths: 10, scale: 'unit-element' },
        impairments: { gainErrorDb: 0, deadElements: [] },
      },
      telemetry: { runFolder: 'runs' },
      dashboard: { host: '127.0.0.1', port: 8080, allowedHosts: [], maxPages: 32 },
    });
  });

  it('says where to sense, with a weight of its own and a file from its own folder', () => {
    const looking = parseRigFile(`${SMALL}sensing: { directionsDeg: [-60, 0, 60] }\n`, 'rig.yaml');
    expect(looking.sensing).toEqual({ directionsDeg: [-60, 0, 60], weight: 0.3 });
    const given = parseRigFile(`${SMALL}sensing: { covariance: psi.npy, weight: 1 }\n`, join(folder, 'rig.yaml'));
    expect(given.sensing).toEqual({ covariance: join(folder, 'psi.npy'), weight: 1 });
  });

  it('counts the elements of a rectangle', () => {
    const rig = parseRigFile(SMALL.replace('{ kind: ula, elements: 8 }', '{ kind: upa, rows: 4, columns: 6 }'), 'rig.yaml');
    expect(elementsOf(rig)).toBe(24);
  });
});

describe('a wrong rig file', () => {
  it('names the nearest known key and the line, and does not also call the meant key missing', () => {
    expect(problems(SMALL.replace('phaseBits', 'phaseBit'))).toEqual([
      'line 6: array.phaseBit: unknown key; did you mean phaseBits?',
    ]);
  });

  it('says where a key belongs that stands in the wrong block', () => {
    expect(problems(`${SMALL}rateHz: 5\n`)).toEqual(['line 9: rateHz: unknown key; did you mean loop.rateHz?']);
  });

  it('lists the known keys when none is near', () => {
    expect(problems(`${SMALL}zzzzzz: 5\n`)[0]).toMatch(/^line 9: zzzzzz: unknown key; known here: name, seed, array/);
  });

  it.each([
    ['phaseBits: 4', 'phaseBits: 17', 'line 6: array.phaseBits: 17 is not allowed; allowed: a whole number from 1 to 16'],
    ['phaseBits: 4', 'phaseBits: "4"', 'line 6: array.phaseBits: "4" is not allowed; allowed: a whole number from 1 to 16'],
    ['phaseBits: 4', 'phaseBits: .nan', 'line 6: array.phaseBits: NaN is not allowed; allowed: a whole number from 1 to 16'],
    ['phaseBits: 4', 'phaseBits:', 'line 6: array.phaseBits: has no value; allowed: a whole number from 1 to 16'],
    [
      'users: { count: 2 }',
      'users: { count: 2 }\nloop: { rateHz: 0 }',
      'line 8: loop.rateHz: 0 is not allowed; allowed: a number above 0, up to 10000, which is as fast as it goes',
    ],
    ['kind: ula', 'kind: ring', 'line 4: array.geometry.kind: "ring" is not allowed; allowed: ula | upa'],
    ['name: bench', 'name: ../up', 'line 2: name: "../up" is not allowed; allowed: 1 to 64 letters, digits, dots'],
    ['users: { count: 2 }', 'users: {}', 'line 7: users.count: missing; allowed: a whole number from 1 to 256'],
    ['users: { count: 2 }', 'users: { count: 3 }', 'line 7: users.count: 3 users need as many RF chains and array.rfChains is 2'],
    ['rfChains: 2', 'rfChains: 9', 'line 5: array.rfChains: 9 chains for 8 elements; allowed: 1 to 8'],
    [
      'rfChains: 2',
      'rfChains: 3\n  connection: sub',
      "line 5: array.rfChains: connection 'sub' gives each chain a block of equal size",
    ],
    [
      'kind: ula, elements: 8',
      'kind: upa, rows: 256, columns: 256',
      'line 4: array.geometry: 65536 elements are more than a panel can number; allowed: up to 65535',
    ],
    [
      'rfChains: 2\n  phaseBits: 4',
      'rfChains: 8\n  phaseBits: 4\nsimulator: { panel: { maxPayloadBytes: 83 } }',
      'line 7: simulator.panel.maxPayloadBytes: 83 bytes do not hold a report of 2 users and 8 RF chains; allowed: 84 to 4096, or leave it out',
    ],
  ])('with %s changed to %s is refused by key, value and range', (good, bad, message) => {
    const found = problems(SMALL.replace(good, bad));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(message);
  });

  it('is told which element is listed twice', () => {
    expect(problems(`${SMALL}simulator: { impairments: { deadElements: [3, 3, 5], stuckElements: [1, 2, 1] } }`)).toEqual([
      'line 9: simulator.impairments.deadElements[1]: element 3 is that of simulator.impairments.deadElements[0] already',
      'line 9: simulator.impairments.stuckElements[2]: element 1 is that of simulator.impairments.stuckElements[0] already',
    ]);
  });

  it.each([
    ['sensing: {}', 'line 9: sensing: says neither directionsDeg nor covariance; allowed: one of them, as sensing: {'],
    [
      'sensing: { directionsDeg: [] }',
      'line 9: sensing.directionsDeg: [] is not allowed; allowed: a list of 1 to 64, each a number from -90 to 90',
    ],
    [
      'sensing: { directionsDeg: [-60, 91] }',
      'line 9: sensing.directionsDeg[1]: 91 is not allowed; allowed: a number from -90 to 90',
    ],
    [
      'sensing: { directionsDeg: [0], widthDeg: 0 }',
      'line 9: sensing.widthDeg: 0 is not allowed; allowed: a number above 0, up to 180',
    ],
    [
      'sensing: { directionsDeg: [0], weight: -1 }',
      'line 9: sensing.weight: -1 is not allowed; allowed: a number from 0 to 1000000',
    ],
    [
      'sensing: { directionsDeg: [0], covariance: a.npy }',
      'line 9: sensing.directionsDeg: has no meaning beside sensing.covariance',
    ],
    ['sensing: { covariance: a.npy, widthDeg: 10 }', 'line 9: sensing.widthDeg: has no meaning beside sensing.covariance'],
    ['sensing: { covariance: ~bob/a.npy }', 'line 9: sensing.covariance: "~bob/a.npy" begins with the home of another user'],
    ['sensing: { directions: [0] }', 'line 9: sensing.directions: unknown key; did you mean directionsDeg?'],
  ])('is told what sensing cannot be: %s', (block, message) => {
    expect(problems(`${SMALL}${block}\n`)[0]).toContain(message);
  });

  it('is told that rate-sensing has to know where to look', () => {
    const text = SMALL.replace(/^beamformer: .*$/m, 'beamformer: { model: aligned, objective: rate-sensing }');
    expect(problems(text)).toEqual([
      'line 8: beamformer.objective: rate-sensing has to know where to look; missing: sensing: { directionsDeg: [-60, 0, 60] }',
    ]);
    expect(problems(`${text}sensing: { directionsDeg: [0] }\n`)).toEqual([]);
    // Without that objective beams are told how far they are from it all the same.
    expect(problems(`${SMALL}sensing: { directionsDeg: [0] }\n`)).toEqual([]);
  });

  it('is told which element does not exist', () => {
    expect(problems(`${SMALL}calibration: { watch: { boardElements: 9 } }`)).toEqual([
      'line 9: calibration.watch.boardElements: 9 on a board, and the array has 8; allowed: 2 to 8',
    ]);
    expect(problems(`${SMALL}simulator: { impairments: { deadElements: [0, 8] } }`)).toEqual([
      'line 9: simulator.impairments.deadElements[1]: 8 is no element of this array; allowed: 0 to 7',
    ]);
  });

  it.each([
    [
      '{ do: dorp }',
      '[0].do: "dorp" is not allowed; allowed: drop | corrupt | duplicate | delay | reorder | stall | reset | wrong-version | nack',
    ],
    ['{ do: delay }', '[0].delayMs: missing; allowed: a number from 0 to 1000000000'],
    ['{ do: drop, probabilty: 0.1 }', '[0].probabilty: unknown key; did you mean probability?'],
    ['{ do: drop, nth: 0 }', '[0].nth: 0 is not allowed; allowed: a whole number from 1 up'],
    ['{ do: drop, messages: [comit] }', '[0].messages[0]: "comit" is not allowed; allowed: hello | ping | '],
    ['{ do: stall, forMs: 5, direction: to-host }', '[0].direction: "to-host" is not allowed; allowed: to-panel'],
  ])('with the fault %s to play is refused by key, value and range', (fault, message) => {
    const found = problems(`${SMALL}simulator: { behaviours: [${fault}] }`);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`line 9: simulator.behaviours${message}`);
  });

  it('shows all of its problems at once, in order of lines', () => {
    const text = SMALL.replace('phaseBits: 4', 'phaseBits: 0')
      .replace('count: 2', 'count: 7')
      .replace('name: bench', 'nam: bench');
    expect(problems(text).map((line) => line.split(':')[1]?.trim())).toEqual(['nam', 'array.phaseBits', 'users.count']);
  });

  it.each([
    ['a: [1, 2', 'line 1:9: not YAML:'],
    ['name: a\nname: b', 'line 2:1: name: given twice in the same block'],
    ['', 'the file is empty'],
    ['- 1\n- 2', 'a rig file is a list of `key: value` lines'],
    ['name: a\n---\nname: b', 'line 2:1: a rig file is one YAML document'],
    ['name: !!js/function "x"', 'line 1:7: not YAML: Unresolved tag'],
  ])('that is not YAML as a rig file needs it (%j) is told where', (text, message) => {
    expect(problems(text)[0]).toContain(message);
  });

  it('that would blow up by aliases is refused', () => {
    const levels = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (const [below, level] of [
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'd'],
    ]) {
      levels.push(`${level}: &${level} [${Array<string>(10).fill(`*${below}`).join(', ')}]`);
    }
    expect(problems(levels.join('\n'))[0]).toContain('Excessive alias count');
  });

  it('that is missing, or a folder, is named', () => {
    expect(() => readRigFile(join(folder, 'none.yaml'))).toThrow('there is no such file');
    expect(() => readRigFile(folder)).toThrow('this is a folder');
    const big = join(folder, 'big.yaml');
    writeFileSync(big, '#'.repeat(1_100_000));
    expect(() => readRigFile(big)).toThrow('larger than 1 MB');
  });
});

describe('the example rigs', () => {
  const rigs = join(packageRoot(), 'examples', 'rigs');
  it.each(readdirSync(rigs))('%s is a good rig file of its own name', (file) => {
    expect(readRigFile(join(rigs, file)).name).toBe(file.replace('.yaml', ''));
  });
});

describe('docs/rig-file.md', () => {
  it('is what the schema says now (npx tsx scripts/rig-file-doc.ts writes it)', () => {
    expect(readFileSync(join(packageRoot(), 'docs', 'rig-file.md'), 'utf8')).toBe(rigFilePage());
  });
});

describe('the package', () => {
  it('knows its own folder and version', () => {
    const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string };
    expect(packageVersion()).toBe(version);
  });
});

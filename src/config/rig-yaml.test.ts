import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SMALL_RIG } from '../../test/doubles/small-rig.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { parseRigFile, readRigFile } from './rig-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-rig-yaml-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const refusal = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(BeamrigError);
    return (error as Error).message;
  }
  return '';
};
const problems = (text: string): string => refusal(() => parseRigFile(text, 'rig.yaml'));
const lines = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('\n');

describe('a rig file made to hurt its reader', () => {
  it.each([
    ['brackets', `a: ${'['.repeat(400_000)}`],
    ['closed brackets', `a: ${'['.repeat(10_000)}${']'.repeat(10_000)}`],
    ['braces', `a: ${'{a: '.repeat(50_000)}`],
    ['dashes', '- '.repeat(100_000)],
    ['question marks', '? '.repeat(100_000)],
    ['indentation', lines(1300, (index) => `${' '.repeat(index)}a:`)],
  ])('by nesting (%s) is refused before it is built', (_, text) => {
    expect(problems(text)).toMatch(/nested more than 32 deep/);
  });

  it.each([
    ['keys', lines(100_000, (index) => `k${index}: 1`), 'more than 5000 keys'],
    ['entries', `links: [${'1,'.repeat(200_000)}]`, 'lists with more than 70000 entries'],
    ['aliases', `a: &a 1\nb: [${'*a,'.repeat(100_000)}]`, 'more than 100 aliases'],
  ])('by number (%s) is refused before it is built', (_, text, message) => {
    expect(problems(text)).toContain(message);
  });

  it('by an alias inside of what it names is refused', () => {
    expect(problems(`${SMALL_RIG}links: &a [*a]`)).toContain('line 8: links[0]: an alias inside of what it names');
    expect(problems('a: &a\n  b: *a\n')).toContain('a.b: an alias inside of what it names');
  });

  it('is not seen in what looks like it and is none', () => {
    const drawing = lines(60, (index) => `#${' '.repeat(index)}[[{{`);
    expect(problems(`${drawing}\n${SMALL_RIG}telemetry: { runFolder: "${'['.repeat(60)}" }\n`)).toBe('');
    expect(problems(`${SMALL_RIG}simulator: { impairments: { deadElements: [0, 1, 2] } }\n`)).toBe('');
  });

  it('gets a bounded answer, whatever it has', () => {
    const many = problems(lines(3_000, (index) => `k${index}: 1`));
    expect(many.split('\n')).toHaveLength(22);
    expect(many).toMatch(/^rig\.yaml has more than 100 problems:/);
    expect(problems(lines(500, () => 'same: 1'))).toMatch(
      /^rig\.yaml has a problem:\n {2}line 2:1: same: given twice .* so this is no rig file$/,
    );
    expect(problems(`${'x'.repeat(500)}: 1\n${SMALL_RIG}`).length).toBeLessThan(600);
  });
});

describe('a value that YAML reads as another than was written', () => {
  it.each([
    ['8E1', 'the number 80'],
    ['00123', 'the number 123'],
    ['1.10', 'the number 1.1'],
    ['0x10', 'the number 16'],
    ['true', 'the logical value true'],
    ['~', 'nothing'],
  ])('%s, where a text belongs, is shown as written, with the way out', (written, what) => {
    expect(problems(`${SMALL_RIG}links: [ { panel: ${written}, serial: { path: /dev/x } } ]\n`)).toContain(
      `line 8: links[0].panel: ${written} is not allowed; allowed: a text; YAML reads it as ${what}, so write it in quotes: "${written}"`,
    );
    expect(problems(`${SMALL_RIG}links: [ { panel: "${written}", serial: { path: /dev/x } } ]\n`)).toBe('');
  });

  it('is so under the rules of YAML 1.1 where the file asks for them', () => {
    expect(problems(`%YAML 1.1\n---\n${SMALL_RIG.replace('bench', 'yes')}`)).toContain('name: yes is not allowed');
  });

  it('is not shown where it may be a secret', () => {
    const message = problems(`${SMALL_RIG}telemetry: { influx: { passwordEnv: 12345 } }\n`);
    expect(message).toContain('what stands here is not allowed');
    expect(message).not.toContain('12345');
  });

  it.each([
    ['1_000', '"1_000" is not allowed; allowed: a whole number from 1 to 16; as a number: 1000'],
    ['"4"', '"4" is not allowed; allowed: a whole number from 1 to 16; as a number: 4'],
    ['4 bit', '"4 bit" is not allowed; allowed: a whole number from 1 to 16; write the number without its unit: 4'],
    ['0x20', '32 is not allowed; allowed: a whole number from 1 to 16; it is written 0x20'],
  ])('%s, where a number belongs, is told how to be one', (written, message) => {
    expect(problems(SMALL_RIG.replace('phaseBits: 4', `phaseBits: ${written}`))).toContain(`array.phaseBits: ${message}`);
  });

  it('with an escaped control character in it is refused', () => {
    expect(problems(`${SMALL_RIG}telemetry: { runFolder: "a\\0b" }\n`)).toContain(
      'line 8: telemetry.runFolder: holds a NUL character',
    );
  });
});

describe('paths in a rig file', () => {
  it('may begin with the home of this user, wherever they stand', () => {
    const rig = parseRigFile(
      `${SMALL_RIG.replace('aligned', '~/m.onnx')}authentication: { keyFile: ~/k }
links: [ { panel: A, mqtt: { url: "mqtts://h", caFile: ~/ca.pem } } ]
telemetry: { runFolder: ~/runs }\n`,
      '/somewhere/rig.yaml',
    );
    expect(rig.beamformer.model).toBe(join(homedir(), 'm.onnx'));
    expect(rig.authentication?.keyFile).toBe(join(homedir(), 'k'));
    expect(rig.telemetry.runFolder).toBe(join(homedir(), 'runs'));
    expect(rig.links[0]).toMatchObject({ mqtt: { caFile: join(homedir(), 'ca.pem') } });
  });

  it('that begin with the home of another are refused', () => {
    const message = problems(`${SMALL_RIG.replace('aligned', '~bob/m.onnx')}telemetry: { runFolder: ~bob }\n`);
    expect(message).toContain(
      'line 7: beamformer.model: "~bob/m.onnx" begins with the home of another user; allowed: ~/, or the whole path',
    );
    expect(message).toContain('line 8: telemetry.runFolder: "~bob" begins');
  });

  it('of models are relative to the folder of the file, and ids of the zoo are none', () => {
    const of = (model: string, name: string): string => parseRigFile(SMALL_RIG.replace('aligned', model), name).beamformer.model;
    expect(of('mine/m.onnx', '/lab/rigs/rig.yaml')).toBe('/lab/rigs/mine/m.onnx');
    expect(of('/else/m.onnx', '/lab/rigs/rig.yaml')).toBe('/else/m.onnx');
    expect(of('unfolded-pga-n64', '/lab/rigs/rig.yaml')).toBe('unfolded-pga-n64');
    expect(of('m.onnx', '/dev/stdin')).toBe(join(process.cwd(), 'm.onnx'));
  });
});

describe('a rig file that is no regular file', () => {
  it('is read from a pipe to its end', () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const whole = join(folder, 'whole.yaml');
    writeFileSync(whole, SMALL_RIG);
    const writer = spawn('sh', ['-c', 'cat "$1" > "$2"', 'sh', whole, pipe], { stdio: 'ignore' });
    expect(readRigFile(pipe).name).toBe('bench');
    writer.kill();
  });

  it('is refused at once where it is a device', () => {
    expect(refusal(() => readRigFile('/dev/zero'))).toBe('/dev/zero: this is a device, and no file');
  });
});

/** The package as another project has it: packed, put into its node_modules, imported from TypeScript, and run. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../core/files/package-root.ts';

const root = packageRoot();
const project = mkdtempSync(join(tmpdir(), 'beamrig-install-'));
const modules = join(project, 'node_modules');
afterAll(() => rmSync(project, { recursive: true, force: true }));

const write = (name: string, text: string): void => writeFileSync(join(project, name), text);

/** Packed as it is published, which builds what is not built. Its dependencies are those that are here: no registry is asked. */
beforeAll(() => {
  const said = execFileSync('npm', ['pack', '--json', '--pack-destination', project], {
    ...{ cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  });
  const [{ filename }] = JSON.parse(said.slice(said.indexOf('['))) as [{ filename: string }];
  mkdirSync(join(modules, 'beamrig'), { recursive: true });
  execFileSync('tar', ['-xzf', join(project, filename), '-C', join(modules, 'beamrig'), '--strip-components', '1']);
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: object };
  for (const name of [...Object.keys(dependencies), '@types/node']) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  write('package.json', JSON.stringify({ name: 'a-lab', private: true, type: 'module' }));
  write('all.ts', ALL);
  write('wrong.ts', WRONG);
  write('example.ts', EXAMPLE);
  for (const [name, resolution] of RESOLUTIONS) compile(name, resolution);
}, 600_000);

const STRICT: ts.CompilerOptions = {
  ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false },
  ...{ target: ts.ScriptTarget.ES2022, lib: ['lib.es2023.d.ts'], types: ['node'], outDir: join(project, 'out') },
};
const RESOLUTIONS: [string, ts.CompilerOptions][] = [
  ['node16', { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16 }],
  ['nodenext', { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext }],
  ['bundler', { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler }],
];

/** What the compiler says of the files of the project, by resolution; `out` has the programs. */
const said = new Map<string, string[]>();

function compile(name: string, resolution: ts.CompilerOptions): void {
  const here = process.cwd();
  process.chdir(project);
  try {
    const program = ts.createProgram(['all.ts', 'wrong.ts', 'example.ts'], { ...STRICT, ...resolution });
    const found = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
    const texts = found.map(({ messageText, file }) => {
      return `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    });
    said.set(name, texts);
  } finally {
    process.chdir(here);
  }
}

const run = (name: string): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [join('out', name)], { cwd: project, encoding: 'utf8' });

const ALL = `
import { isBeamrigError, regress, type Report, type Scenario } from 'beamrig';
import { openRig, type CycleRecord, type RigInput } from 'beamrig/rig';
import { cobsFrame, decodeFrame, encodeFrame, packWords, SerialFrameReader, type Frame } from 'beamrig/protocol';
import { createQuantiser, createRandom, fromDb, OBJECTIVES, realiseBeam, salehValenzuela, wordsToPhases, zeroForcing, type Problem } from 'beamrig/signal';

const small: RigInput = {
  name: 'small',
  array: { geometry: { kind: 'ula', elements: 16 }, rfChains: 2, phaseBits: 4 },
  users: { count: 2 },
  beamformer: { model: 'aligned' },
};
const scenario: Scenario = { name: 'short', about: 'A second.', rig: small, with: { snrDb: 20, loop: { rateHz: 50 } }, seconds: 1 };
const report: Report = await regress(scenario, { workers: 1 });

const cycles: CycleRecord[] = [];
const rig = await openRig(small, { cycles: 5, virtualTime: true, seed: 3, onCycle: (record) => cycles.push(record) });
const outcome = await rig.run();

const frame: Frame = { seq: 7, message: { type: 'ping', nonce: 5 } };
const heard: Uint8Array[] = [];
new SerialFrameReader({ onFrame: (bytes) => heard.push(bytes) }).push(cobsFrame(encodeFrame(frame)));
const decoded = heard.map((bytes) => decodeFrame(bytes)).map((each) => (each.ok ? each.frame.message.type : each.reason));

const random = createRandom(1);
const channel = salehValenzuela({ random, geometry: { kind: 'ula', elements: 16, spacingWavelengths: 0.5 }, users: 2, paths: 4, scale: 'unit-element' });
const problem: Problem = { channel, rfChains: 2, power: fromDb(10), noise: 1 };
const objective = OBJECTIVES['sum-rate'];
const beam = { analogPhase: new Float64Array(32).map(() => 6 * random.uniform()), digital: zeroForcing({ rows: 2, cols: 2, re: new Float64Array([1, 0, 0, 1]), im: new Float64Array(4) }, 10) };
const quantise = createQuantiser({ quantiser: 'array', sweeps: 4 }, objective, 'nearest');
const { words, sumRate } = realiseBeam(problem, beam, { states: { bits: 4 }, objective, quantise });

const refusal = await regress({ ...scenario, seconds: -1 }).catch((error: unknown) => (isBeamrigError(error) ? error.code : 'other'));
console.log(JSON.stringify({
  verdicts: report.cases.map(({ verdict }) => verdict), refusal,
  source: rig.source, outcome, cycles: cycles.length, decoded,
  bytes: packWords(words, 4).length, phases: wordsToPhases(words, 4).length, rated: sumRate > 1,
}));
`;

/** Each of these lines is an error of the compiler; where one is not, that is one. */
const WRONG = `
import { regress, type Scenario } from 'beamrig';
const good: Scenario = { name: 'x', about: 'x', rig: 'rig.yaml', seconds: 1 };
// @ts-expect-error a key that is none
export const a: Scenario = { ...good, secnods: 3 };
// @ts-expect-error a text for a number
export const b: Scenario = { ...good, seconds: '3' };
// @ts-expect-error a carrier that is none
export const c: Scenario = { ...good, carrier: 'pigeon' };
// @ts-expect-error an action that is none
export const d: Scenario = { ...good, timeline: [{ atS: 1, do: 'explode' }] };
// @ts-expect-error a key of another action
export const e: Scenario = { ...good, timeline: [{ atS: 1, do: 'unplug', bootMs: 3 }] };
// @ts-expect-error a check without what it takes
export const f: Scenario = { ...good, expect: [{ check: 'recovery', after: 'unplug' }] };
// @ts-expect-error a key that a rig has not
export const g: Scenario = { ...good, with: { beamformer: { modle: 'aligned' } } };
// @ts-expect-error a rig without users
export const h: Scenario = { ...good, rig: { name: 'x', array: { geometry: { kind: 'ula', elements: 4 }, rfChains: 1, phaseBits: 2 }, beamformer: { model: 'aligned' } } };
// @ts-expect-error an option that is none
export const i = () => regress(good, { worker: 3 });
// @ts-expect-error no scenario at all
export const j = () => regress(3);
// @ts-expect-error nothing but the four entries
export type Inside = import('beamrig/dist/src/regression/regress.js').RegressOptions;
`;

/** The example of the page. */
const EXAMPLE = /## From code\n[^]*?```ts\n([^]*?)```/.exec(readFileSync(join(root, 'docs', 'regression.md'), 'utf8'))?.[1] ?? '';

describe('the package in another project', () => {
  it.each(RESOLUTIONS.map(([name]) => name))(
    'is typed under moduleResolution %s, strictly and with all of its declarations',
    (name) => {
      expect(said.get(name)).toEqual([]);
    },
  );

  it('does in Node what it is typed for', { timeout: 120_000 }, () => {
    const { status, stdout, stderr } = run('all.js');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      ...{ verdicts: ['passed'], refusal: 'scenario-file' },
      ...{ source: 'simulator', outcome: { reason: 'done', cycles: 5, voidCycles: 0 }, cycles: 5, decoded: ['ping'] },
      ...{ bytes: 16, phases: 32, rated: true },
    });
  });

  it('runs the example of docs/regression.md', { timeout: 120_000 }, () => {
    expect(EXAMPLE).toContain("from 'beamrig'");
    const { status, stdout, stderr } = run('example.js');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.trim().split('\n')).toHaveLength(4);
    expect(stdout).toContain('3/3');
    expect(readFileSync(join(project, 'regression', 'junit.xml'), 'utf8')).toContain('outage-2000-ms');
  });

  it('lets nothing else be imported', () => {
    writeFileSync(join(project, 'out', 'inside.js'), "import 'beamrig/dist/src/regression/regress.js';\n");
    expect(run('inside.js').stderr).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });
});

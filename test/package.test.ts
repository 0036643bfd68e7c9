/** What an install of the project does on a machine that reaches the package registry and nothing else. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { afterAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../core/files/package-root.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-package-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const root = packageRoot();
/** Where the shipped programs begin: the command, the process and the thread that a model runs in, those that states, phases and figures are worked out in, the processes that do jobs, what other programs import, and threads that compute many channels. */
const ENTRIES = [
  'src/cli/main.ts',
  'src/exports/regress.ts',
  'src/exports/rig.ts',
  'src/exports/protocol.ts',
  'src/exports/signal.ts',
  'src/beamforming/onnx-process.ts',
  'src/beamforming/compiled-thread.ts',
  'src/control/sounding/phase-thread.ts',
  'src/measuring/figures-thread.ts',
  'src/measuring/method-thread.ts',
  'src/regression/job-process.ts',
  'src/jobs/evaluation/evaluation-process.ts',
  'src/jobs/training/training-process.ts',
  'models/engine/parallel-worker.ts',
  'models/evaluation/evaluation-worker.ts',
];
const jsonOf = (file: string): unknown => JSON.parse(readFileSync(join(root, file), 'utf8'));

describe('an install', () => {
  it('runs no install script of onnxruntime-node, which would fetch GPU libraries from elsewhere', () => {
    const { packages } = jsonOf('package-lock.json') as { packages: Record<string, { hasInstallScript?: boolean }> };
    expect(packages['node_modules/onnxruntime-node']).toBeDefined();
    // npm 10 goes by the lock file, npm 11 by package.json as well.
    expect(packages['node_modules/onnxruntime-node'].hasInstallScript).toBeUndefined();
    expect(jsonOf('package.json')).toMatchObject({ allowScripts: { 'onnxruntime-node': false } });
  });

  it('needs no settings of npm, so that npm has none to warn of', () => {
    expect(existsSync(join(root, '.npmrc'))).toBe(false);
  });

  it('without development packages says in one message what is missing and what to do', () => {
    const clone = join(folder, 'clone');
    mkdirSync(join(clone, 'scripts'), { recursive: true });
    for (const room of ['core', 'dashboard', 'firmware-protocol', 'hil-sim', 'models', 'src']) {
      mkdirSync(join(clone, room));
    }
    for (const file of ['package.json', 'tsconfig.build.json', 'scripts/ensure-built.mjs', 'scripts/beamrig.mjs']) {
      cpSync(join(root, file), join(clone, file));
    }
    const built = () => spawnSync(process.execPath, ['scripts/ensure-built.mjs'], { cwd: clone, encoding: 'utf8' });
    const said = built();
    expect(said.status).toBe(1);
    expect(said.stdout).toBe('');
    expect(said.stderr).toMatch(/^beamrig: not built yet, and typescript and vite to build it with are not installed\n/);
    expect(said.stderr).toContain('What to do: npm ci --include=dev');
    // What npm runs after an install lets the install stand, and npx come to the command.
    const prepared = spawnSync(process.execPath, ['scripts/ensure-built.mjs', '--if-possible'], { cwd: clone, encoding: 'utf8' });
    expect(prepared).toMatchObject({ status: 0, stderr: said.stderr });
    const asCommand = spawnSync(process.execPath, ['scripts/beamrig.mjs', '--version'], { cwd: clone, encoding: 'utf8' });
    expect(asCommand).toMatchObject({ status: 1, stdout: '', stderr: said.stderr });
    // Built before the development packages went, it needs them no more.
    for (const file of ['dist/src/cli/main.js', 'dist/dashboard/index.html']) {
      mkdirSync(join(clone, file, '..'), { recursive: true });
      writeFileSync(join(clone, file), '');
    }
    expect(built()).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });
});

/** All that these files import, and what that imports, themselves included; paths from the root. Types count, too. */
function reachableFrom(entries: readonly string[]): Set<string> {
  const reached = new Set<string>();
  const reach = (file: string): void => {
    if (reached.has(file)) return;
    reached.add(file);
    if (!file.endsWith('.ts')) return;
    for (const { fileName } of ts.preProcessFile(readFileSync(join(root, file), 'utf8'), true, true).importedFiles) {
      if (fileName.startsWith('.')) reach(relative(root, resolve(root, dirname(file), fileName)));
    }
  };
  entries.forEach(reach);
  return reached;
}

/** What of these compiled files is of no source that was reached. */
function strays(compiled: readonly string[], reached: ReadonlySet<string>): string[] {
  return compiled.filter((file) => {
    const source = file.replace(/^dist\//, '').replace(/\.(js(\.map)?|d\.ts)$/, '.ts');
    return !reached.has(source);
  });
}

describe('the package', () => {
  const reached = reachableFrom(ENTRIES);
  const packed = JSON.parse(
    spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, encoding: 'utf8' }).stdout,
  ) as [{ files: { path: string }[] }];
  const files = packed[0].files.map(({ path }) => path);
  const compiled = files.filter((path) => path.startsWith('dist/') && !path.startsWith('dist/dashboard/'));

  it('is built from nothing but what the command and the process of a model import', () => {
    const { config } = ts.readConfigFile(join(root, 'tsconfig.build.json'), (path) => readFileSync(path, 'utf8')) as {
      config: unknown;
    };
    const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
    const sources = ts
      .createProgram(fileNames, options)
      .getSourceFiles()
      .map(({ fileName }) => relative(root, fileName))
      // Declarations alone are compiled to nothing.
      .filter((file) => !file.startsWith('node_modules/') && !file.startsWith('..') && !file.endsWith('.d.ts'));
    expect(sources.filter((file) => !reached.has(file))).toEqual([]);
    expect(sources).toEqual(expect.arrayContaining(ENTRIES));
  });

  it('holds no compiled file that they do not import (`npm run build` removes what an earlier build left)', () => {
    for (const entry of ENTRIES) expect(compiled).toContain(`dist/${entry.replace(/ts$/, 'js')}`);
    expect(strays(compiled, reached)).toEqual([]);
  });

  it('holds no test, no stand-in of one, no bench, and no generator of a page', () => {
    expect(files.filter((path) => /(^|\/)(test|bench)\/|\.test\.|-doc\./.test(path))).toEqual([]);
    expect(files.filter((path) => path.startsWith('scripts/'))).toEqual(['scripts/beamrig.mjs', 'scripts/ensure-built.mjs']);
  });

  it('would be found out if it held one', () => {
    expect([...reached]).not.toContain('test/doubles/scripted-panel.ts');
    expect(strays(['dist/src/cli/main.js', 'dist/test/doubles/scripted-panel.js.map'], reached)).toEqual([
      'dist/test/doubles/scripted-panel.js.map',
    ]);
  });
});

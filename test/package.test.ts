/** What an install of the project does on a machine that reaches the package registry and nothing else. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../core/files/package-root.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-package-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const root = packageRoot();
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

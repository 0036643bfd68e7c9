import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { BEAMRIG } from '../../test/built-program.ts';
import { hasFailures } from '../regression/reports/outcome.ts';
import { CliFolder } from '../../test/cli.ts';

const folder = new CliFolder();
afterAll(() => folder.remove());
writeFileSync(join(folder.path, 'a-file'), 'mine');
const SHORT = `name: short
about: A test.
rig:
  name: small
  array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 6 }
  users: { count: 2 }
  beamformer: { model: aligned }
seconds: 1
`;
writeFileSync(join(folder.path, 'short.yaml'), SHORT);

it.each([
  ['--output', 'a-file'],
  ['--output', 'a-file/below'],
  ['--keep', 'a-file'],
  ['--output', '/proc/below'],
])('says before anything is played that nothing can be written at %s %s', async (option, path) => {
  const { code, stdout, stderr } = await folder.beamrig('regress', 'short.yaml', option, path);
  expect(code).toBe(2);
  expect(stderr).toContain(`${option} ${path}: nothing can be written there`);
  expect(stdout + stderr).not.toContain('passed');
});

it('ends well only where nothing failed, broke or was flaky', () => {
  const totals = { passed: 4, failed: 0, error: 0, skipped: 1, flaky: 0, quarantined: 2 };
  expect(hasFailures(totals)).toBe(false);
  for (const one of ['failed', 'error', 'flaky']) expect(hasFailures({ ...totals, [one]: 1 })).toBe(true);
});

it('takes a share of few cases that is none of them for done, and a filter that finds nothing for a mistake', async () => {
  const { code, stdout } = await folder.beamrig('regress', 'short.yaml', '--shard', '2/2', '--output', 'no-share');
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('no case') as string });
  expect(readFileSync(join(folder.path, 'no-share', 'junit.xml'), 'utf8')).toContain('<testsuites');
  expect((await folder.beamrig('regress', 'short.yaml', '--filter', 'nothing')).code).toBe(2);
});

it('skips by name, with what to install, what needs a part that is not here, and counts it', async () => {
  writeFileSync(
    join(folder.path, 'parts.yaml'),
    SHORT.replace('short', 'parts')
      .replace('elements: 16 }, rfChains: 2, phaseBits: 6 }', 'elements: 64 }, rfChains: 4, phaseBits: 7 }')
      .replace('count: 2 }', 'count: 4 }\n  simulator: { phaseShifter: adar1000 }') + 'matrix: { carrier: [mqtt, pty, qemu] }\n',
  );
  writeFileSync(join(folder.path, 'database.yaml'), `${SHORT.replace('short', 'database')}parts: { database: true }\n`);
  const words = ['regress', 'parts.yaml', 'database.yaml', '--workers', '1', '--output', 'without-parts'];
  const program = spawn(process.execPath, [...BEAMRIG, ...words], { cwd: folder.path, env: { PATH: folder.path } });
  let said = '';
  program.stdout.setEncoding('utf8').on('data', (text: string) => void (said += text));
  const [code] = (await once(program, 'close')) as [number];
  expect(code).toBe(0);
  expect(said).toContain('3 skipped, 1 passed: 4 cases');
  expect(said).toMatch(/parts, carrier=pty +The firmware needs gcc, which is not installed\. Install gcc/);
  expect(said).toMatch(/parts, carrier=qemu +The firmware needs arm-none-eabi-gcc, which is not installed\./);
  expect(said).toMatch(/database +The database needs influxd, which is not installed\./);
}, 120_000);

it('leaves neither processes nor folders behind when it is told twice to end', async () => {
  const temporary = join(folder.path, 'temporary');
  mkdirSync(temporary);
  writeFileSync(join(folder.path, 'long.yaml'), SHORT.replace('seconds: 1', 'seconds: 80000'));
  const program = spawn(process.execPath, [...BEAMRIG, 'regress', 'long.yaml', '--workers', '1'], {
    ...{ cwd: folder.path, stdio: 'ignore', env: { ...process.env, TMPDIR: temporary } },
  });
  const ended = once(program, 'exit');
  const children = (): string => readFileSync(`/proc/${program.pid}/task/${program.pid}/children`, 'utf8').trim();
  try {
    // A bench of its own, in the folder of the pool.
    const playing = (): boolean =>
      readdirSync(temporary, { recursive: true }).some((name) => String(name).includes('beamrig-bench-'));
    await vi.waitUntil(playing, { timeout: 50_000 });
    const [child] = children().split(' ');
    program.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    program.kill('SIGINT');
    expect(await ended).toEqual([null, 'SIGINT']);
    await vi.waitUntil(() => !existsSync(`/proc/${child}`), { timeout: 10_000 });
    expect(readdirSync(temporary)).toEqual([]);
  } finally {
    program.kill('SIGKILL');
  }
});

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect } from 'mqtt';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { linkTo, panelOn } from '../../test/brokers/mqtt-ends.ts';
import { echo } from '../../test/doubles/echo.ts';
import { eventually } from '../../test/brokers/test-broker.ts';
import { packageRoot } from '../../core/files/package-root.ts';
import { broker, type BrokerOptions } from './broker.ts';
import { BEAMRIG } from '../../test/built-program.ts';

let children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children = [];
});

const LOADER = join(packageRoot(), 'node_modules', 'tsx', 'dist', 'esm', 'index.mjs');

/** The command as a process of its own, with these options. */
function start(options: BrokerOptions, env: Record<string, string> = {}) {
  const code = `const { broker } = await import('./src/cli/broker.ts'); await broker(${JSON.stringify(options)});`;
  const child = spawn(process.execPath, ['--import', LOADER, '--input-type=module', '-e', code], {
    cwd: packageRoot(),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const lines: string[] = [];
  const warnings: string[] = [];
  createInterface(child.stdout).on('line', (line) => lines.push(line));
  createInterface(child.stderr).on('line', (line) => warnings.push(line));
  return { child, lines, warnings };
}

describe('beamrig broker', () => {
  it('prints what a rig file needs, who comes and goes, and ends with Ctrl-C', async () => {
    const { child, lines, warnings } = start(
      { port: '0', user: 'rig', passwordEnv: 'BENCH_PASSWORD' },
      { BENCH_PASSWORD: 'top-secret' },
    );
    await eventually('four lines', () => lines.length >= 4);
    const url = /url: '(mqtt:\/\/127\.0\.0\.1:\d+)'/.exec(lines[3])?.[1] ?? '';
    expect(lines[3]).toContain("username: 'rig', passwordEnv: BENCH_PASSWORD");
    const { end } = await panelOn(echo(), { url, username: 'rig', password: 'top-secret' });
    const { link } = linkTo({ url, username: 'rig', password: 'top-secret' });
    await link.open();
    await link.close();
    await end.close();
    await eventually('both came and went', () => lines.filter((line) => line.endsWith(' left')).length === 2);
    child.kill('SIGINT');
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(0);
    expect(lines.at(-1)).toBe('Broker stopped.');
    expect(lines.join('\n')).not.toContain('top-secret');
    expect(warnings).toEqual([]);
  });

  it('warns when others can reach it without a login and in the clear, and gives scripts one object a line', async () => {
    const { child, lines, warnings } = start({ port: '0', host: '0.0.0.0', json: true });
    await eventually('listening and warned', () => lines.length >= 2 && warnings.length >= 2);
    expect(JSON.parse(lines[0])).toMatchObject({ type: 'listening' });
    expect(JSON.parse(lines[1])).toMatchObject({ type: 'warning' });
    expect(warnings.join('\n')).toMatch(
      /listens on 0\.0\.0\.0 without a login and without TLS: whoever reaches it can .* steer arrays/,
    );
    child.kill('SIGTERM');
    await once(child, 'exit');
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({ type: 'stopped' });
  });

  it('ends with its message when certificate and key are none', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'beamrig-broker-'));
    const garbage = join(folder, 'garbage.pem');
    writeFileSync(garbage, 'no certificate');
    const words = ['broker', '--port', '0', '--tls-cert', garbage, '--tls-key', garbage];
    const child = spawn(process.execPath, [...BEAMRIG, ...words]);
    children.push(child);
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const [code] = (await once(child, 'close')) as [number];
    expect(said).toMatch(/--tls-cert and --tls-key cannot be used[^]*What to do: Give a certificate and its own key/);
    expect(code).toBe(2);
    rmSync(folder, { recursive: true });
  });

  it('lets no stranger write lines that look like its own', async () => {
    const { lines } = start({ port: '0', user: 'rig', passwordEnv: 'BENCH_PASSWORD' }, { BENCH_PASSWORD: 'top-secret' });
    await eventually('four lines', () => lines.length >= 4);
    const url = /url: '(mqtt:[^']+)'/.exec(lines[3])?.[1] ?? '';
    const stranger = connect(url, { clientId: '\u001b]0;owned\u0007X\nBroker stopped.', reconnectPeriod: 0 });
    stranger.on('error', () => undefined);
    await eventually('it was turned away', () => lines.some((line) => line.includes('refused')));
    await stranger.endAsync(true);
    expect(lines.at(-1)).toBe('\\x1b]0;owned\\x07X\\x0aBroker stopped. refused: wrong user or password');
  });

  it('refuses half a login and a variable that is not set', async () => {
    await expect(broker({ user: 'rig' })).rejects.toMatchObject({ code: 'argument' });
    await expect(broker({ passwordEnv: 'X' })).rejects.toMatchObject({ code: 'argument' });
    await expect(broker({ user: 'rig', passwordEnv: 'BEAMRIG_TEST_NOT_SET' })).rejects.toThrow(
      /BEAMRIG_TEST_NOT_SET: no such variable/,
    );
    vi.stubEnv('BEAMRIG_TEST_EMPTY', '');
    await expect(broker({ user: 'rig', passwordEnv: 'BEAMRIG_TEST_EMPTY' })).rejects.toThrow(/the variable is empty/);
    vi.unstubAllEnvs();
    await expect(broker({ port: 'x' })).rejects.toMatchObject({ code: 'argument' });
  });
});

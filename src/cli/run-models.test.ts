/** Models that are in trouble, as a rig that runs has them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { CliFolder, expectRefusal } from '../../test/cli.ts';
import { ENDLESS, writeTroubledModel } from '../../test/integration/troubled-networks.ts';
import { BEAMRIG } from '../../test/built-program.ts';

const cli = new CliFolder();
afterAll(() => cli.remove());

describe('beamrig run', () => {
  it('tells of a model that is meant from the working folder', async () => {
    const model = writeTroubledModel(cli.path, 'near', {});
    mkdirSync(join(cli.path, 'rigs'));
    const rig = join(cli.path, 'rigs', 'rig.yaml');
    renameSync(
      cli.rigFile((text) => text.replace('model: aligned', `model: ./${basename(model)}`)),
      rig,
    );
    const ended = await cli.beamrig('run', rig, '--cycles', '1');
    expectRefusal(ended, /rigs\/near\.onnx is not there, and .*near\.onnx is\b/);
    expect(ended.stderr).toContain(`relative to the rig file: write model: ../${basename(model)}.`);
  }, 60_000);

  const rigWith = (model: string, deadlineMs: number): string =>
    cli.rigFile((text) => text.replace('model: aligned', `model: ${JSON.stringify(model)}, deadlineMs: ${deadlineMs}`));

  it('voids cycles of a model that never answers, names it, and faults in the end', async () => {
    const rig = rigWith(writeTroubledModel(cli.path, 'stuck', { turns: ENDLESS }), 300);
    const { code, stdout } = await cli.beamrig('run', rig, '--json');
    expect(code).toBe(1);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.find(({ code: of }) => of === 'cycle-void')?.message).toBe(
      "Cycle 0 is void at model: the model 'stuck' did not answer within 300 ms.",
    );
    expect(lines.find(({ code: of }) => of === 'model-failed')?.message).toMatch(
      /^The model 'stuck' failed 5 times in a row: the model 'stuck' did not answer within 300 ms/,
    );
    expect(lines.at(-1)).toMatchObject({ type: 'end', ended: 'faulted' });
  }, 60_000);

  it('is no reason for the page not to show at once that the array has confirmed its safe state', async () => {
    const model = JSON.stringify(writeTroubledModel(cli.path, 'watched', { turns: ENDLESS }));
    const rig = cli.rigFile((text) =>
      text
        .replace('model: aligned', `model: ${model}, deadlineMs: 60000`)
        .replace('rateHz: 100', 'rateHz: 100, watchdogMs: 1000'),
    );
    const child = spawn(process.execPath, [...BEAMRIG, 'run', rig, '--json'], {
      cwd: cli.path,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const gone = once(child, 'exit');
    let url = '';
    const codes: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      const said = JSON.parse(line) as { type: string; code?: string; url?: string };
      url = said.url ?? url;
      if (said.type === 'event') codes.push(said.code ?? '');
      // No cycle has ended, and none will for a minute.
      if (said.code === 'watchdog') {
        const shows = async (): Promise<unknown> =>
          ((await (await fetch(`${url}api/state`)).json()) as { radiation: unknown }).radiation;
        await vi.waitFor(async () => expect(await shows()).toMatchObject({ shows: 'dark', confirmed: true }), 10_000);
        child.kill('SIGTERM');
      }
    }
    expect(await gone).toEqual([0, null]);
    expect(codes).toContain('watchdog-safe');
  }, 60_000);

  it('has the array made safe while it is waited for, before its panel takes that for the end, and that is told', async () => {
    const rig = rigWith(writeTroubledModel(cli.path, 'no-beam', { turns: ENDLESS }), 600);
    const { stdout } = await cli.beamrig('run', rig, '--json');
    const events = stdout.split('\n').filter((line) => line.includes('"type":"event"'));
    expect(events.filter((line) => line.includes('"no-beam"'))).toHaveLength(1);
    expect(events.find((line) => line.includes('"no-beam"'))).toMatch(
      /No beam came for \d\.\d s \(the model 'no-beam' did not answer within 600 ms.*\): the array was put into its safe state/,
    );
    expect(stdout).not.toContain('panel-lost');
  }, 60_000);

  it('killed outright, leaves no process of a stuck model behind', async () => {
    const rig = rigWith(writeTroubledModel(cli.path, 'orphan', { turns: ENDLESS }), 60_000);
    const child = spawn(process.execPath, [...BEAMRIG, 'run', rig, '--json'], {
      cwd: cli.path,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    child.stdout?.resume();
    const model = await vi.waitFor(() => childrenOf(child.pid ?? 0, 'onnx-process')[0] ?? fail('no model yet'), 30_000);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    child.kill('SIGKILL');
    await once(child, 'exit');
    await vi.waitFor(() => expect(existsSync(`/proc/${model}`) && isRunning(model)).toBe(false), 10_000);
  }, 60_000);

  it('tells once of a model whose beams have another power, and predicts at full power', async () => {
    const rig = rigWith(writeTroubledModel(cli.path, 'loud', { digitalScale: 1 / 2 }), 20_000);
    const { code, stdout } = await cli.beamrig('run', rig, '--cycles', '5', '--json');
    expect(code).toBe(0);
    const told = stdout.split('\n').filter((line) => line.includes('"model-power"'));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain("'loud' gives beams of 8.00 times the power asked for");
  }, 60_000);
});

/** Processes that a process has started and whose command names a file. */
function childrenOf(parent: number, file: string): number[] {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return processes.map(Number).filter((pid) => {
    try {
      const [, of] = /\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
      return Number(of) === parent && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(file);
    } catch {
      return false; // gone between the two
    }
  });
}

/** A process that has ended may yet be in the list, for somebody to ask how. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

function fail(why: string): never {
  throw new Error(why);
}

/** `beamrig beam` on runs that this command line made: kept, checked to the last digit, and radiated again. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { beamrigHere, CliFolder } from '../../test/cli.ts';
import { findKept } from '../telemetry/kept-beams.ts';
import { BEAMRIG } from '../../test/built-program.ts';

const cli = new CliFolder();
afterAll(() => cli.remove());
let made = 0;

/** A rig that keeps, differing from the small one as told, and the folder that its run will be in. */
function keepingRig(keep: string, change: (text: string) => string = (text) => text): { rig: string; runs: string } {
  const runs = join(cli.path, `kept-${++made}`);
  const rig = cli.rigFile((text) =>
    change(text).replace(/telemetry: .*/, `telemetry: { runFolder: ${JSON.stringify(runs)}, keep: ${keep} }`),
  );
  return { rig, runs };
}
async function runOf(rig: string, runs: string, ...more: string[]): Promise<string> {
  const { code, stderr } = await cli.beamrig('run', rig, '--cycles', '12', '--virtual-time', ...more);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return join(runs, readdirSync(runs)[0]);
}

interface Told {
  words: number[];
  digital: object;
  channel: { re: number[] };
  record: { predicted_sum_rate: number; predicted_min_rate: number; beam_id: number };
  audit: { verdict: string; sumRate: { recorded: number; computed: number }; snrDb: object[] };
  sent: { worked: boolean; source: string; void: number; measuredSnrDb: number[]; predictedSnrDb: number[]; unsafe?: string };
}
const tell = async (...words: string[]): Promise<Told> => {
  const { stdout, stderr } = await beamrigHere('beam', ...words, '--json');
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Told;
};

describe('a beam that was kept', () => {
  it.each([
    ['of a fully connected array', (text: string) => text],
    ['of a sub-connected array', (text: string) => text.replace('phaseBits: 4', 'phaseBits: 4, connection: sub')],
    ['whose users are to fare alike', (text: string) => text.replace('model: aligned', 'model: aligned, objective: min-rate')],
  ])('%s is the one of its record, to the last digit', async (_, change) => {
    const { rig, runs } = keepingRig('all', change);
    const run = await runOf(rig, runs);
    for (const cycle of ['0', '11']) {
      const { audit, record, words, channel } = await tell(run, '--cycle', cycle);
      expect(audit.verdict).toBe('same');
      expect(audit.sumRate.computed).toBe(record.predicted_sum_rate);
      expect(record.predicted_min_rate).toBeGreaterThan(0);
      expect(audit.snrDb).toHaveLength(2);
      expect(words).toHaveLength(32);
      expect(channel.re).toHaveLength(32);
    }
    const { code, stdout } = await beamrigHere('beam', run, '--cycle', '3');
    expect(code).toBe(0);
    expect(stdout).toContain('Phase words of chain 1, elements 0 to 15:');
    expect(stdout).toMatch(/Checked: .* as recorded to the last digit\./);
  });

  it('that is not the one of its record is told, and the command fails', async () => {
    const { rig, runs } = keepingRig('all');
    const run = await runOf(rig, runs);
    const path = join(run, 'records.lp');
    const lines = readFileSync(path, 'utf8').split('\n');
    const own = lines.findIndex((line) => line.startsWith('cycle,') && line.includes(' cycle=5i'));
    lines[own] = lines[own].replace(/(predicted_sum_rate=\d+\.\d+)\d/, '$1');
    writeFileSync(path, lines.join('\n'));
    const { code, stdout } = await beamrigHere('beam', run, '--cycle', '5');
    expect(stdout).toContain('NOT THE SAME: channel, words and digital weights give');
    expect(code).toBe(1);
    expect((await tell(run, '--cycle', '6')).audit.verdict).toBe('same');
  });

  it('is the one of its record where a user is not served, and is sent as such', async () => {
    const { rig, runs } = keepingRig('all');
    // In one place: better served one at a time.
    const channels = cli.channelFile(2, 16, (channel) => {
      channel.re.copyWithin(16, 0, 16);
      channel.im.copyWithin(16, 0, 16);
    });
    const run = await runOf(rig, runs, '--channels', channels, '--cycles', '6');
    const { stdout, code } = await beamrigHere('beam', run, '--cycle', '2');
    expect(stdout).toMatch(/Checked: .* as recorded to the last digit\./);
    expect(code).toBe(0);
    expect((await tell(run, '--cycle', '2')).audit.snrDb).toContainEqual({ recorded: null, computed: null });
    const sent = await cli.beamrig('beam', run, '--cycle', '2', '--send', rig);
    expect(sent.stdout).toMatch(/SNR read back .* dB, expected .*\(not served\)/);
    const path = join(run, 'records.lp');
    const lines = readFileSync(path, 'utf8').split('\n');
    const spoil = (change: (line: string) => string) => {
      const changed = lines.map((line) => (line.startsWith('user_snr,') && line.includes(' cycle=2i') ? change(line) : line));
      writeFileSync(path, changed.join('\n'));
    };
    spoil((line) => line.replace(/predicted_db=[^,]*/, 'predicted_db=7'));
    expect((await beamrigHere('beam', run, '--cycle', '2')).stdout).toMatch(
      /NOT THE SAME: .*; SINR differs by up to \d+\.\d+ dB\.$/m,
    );
    spoil((line) => line.replace(/cycle=2i/, '$&,predicted_db=7').replace(/,predicted_db=7(.*,predicted_db)/, '$1'));
    const served = await beamrigHere('beam', run, '--cycle', '2');
    expect(served.stdout).toMatch(/; user \d has no signal, recorded: 7 dB\.$/m);
    spoil(() => '');
    const lost = await beamrigHere('beam', run, '--cycle', '2');
    expect(lost.stdout).toMatch(/; user 0 has .*, recorded: nothing; user 1 has .*, recorded: nothing\.$/m);
    expect(lost.code).toBe(1);
  });

  it('is radiated again: its users hear it as they did, and the array ends safe', async () => {
    const { rig, runs } = keepingRig('all');
    const run = await runOf(rig, runs);
    const { sent, audit } = await tell(run, '--cycle', '4', '--send', rig, '--cycles', '3');
    expect(sent).toMatchObject({ worked: true, source: 'simulator', channel: 'kept', cycles: 3, void: 0 });
    expect(sent.unsafe).toBeUndefined();
    // The very words and D on the very channel are expected to do what they did.
    expect(sent.predictedSnrDb).toEqual(audit.snrDb.map((user) => (user as { recorded: number }).recorded));
    sent.measuredSnrDb.forEach((db, user) => expect(Math.abs(db - sent.predictedSnrDb[user])).toBeLessThan(3));
    const { code, stdout } = await cli.beamrig('beam', run, '--cycle', '4', '--send', rig);
    expect(stdout).toMatch(
      /Sent to bench: simulator, SIM-\d+: SNR read back \d.* dB, expected .* over the channel that was kept/,
    );
    expect(stdout).toContain('The array is in its safe state again.');
    expect(code).toBe(0);
  });

  it('is not sent to another array, and without words not at all', async () => {
    const { rig, runs } = keepingRig('channels');
    const run = await runOf(rig, runs);
    const nothing = await beamrigHere('beam', run, '--cycle', '0', '--send', rig);
    expect(nothing.stdout).toContain('Not checked: phase words and digital weights');
    expect(nothing.stderr).toContain('channels were kept, and no phase words');
    expect(nothing.code).toBe(1);
    const words = keepingRig('words');
    const kept = await runOf(words.rig, words.runs);
    const other = cli.rigFile((text) => text.replace('elements: 16', 'elements: 8').replace('phaseBits: 4', 'phaseBits: 3'));
    const refused = await beamrigHere('beam', kept, '--cycle', '0', '--send', other);
    expect(refused.stderr).toContain("another array than that of 'bench': elements 16, not 8; words of 4 bits, not 3");
    expect(refused.code).toBe(1);
    const { sent } = await tell(kept, '--cycle', '0', '--send', words.rig);
    expect(sent).toMatchObject({ worked: true, channel: 'of the rig' });
  });

  it('is never radiated with more power than the rig file says, whatever the run says of it', async () => {
    const loud = keepingRig('all', (text) => `${text}\nsnrDb: 40\n`);
    const quiet = keepingRig('all', (text) => `${text}\nsnrDb: 10\n`);
    const [loudRun, quietRun] = [await runOf(loud.rig, loud.runs), await runOf(quiet.rig, quiet.runs)];
    const refused = "has more power than 'bench' may radiate: 40.00 dB, and snrDb is 10";
    const louder = await beamrigHere('beam', loudRun, '--cycle', '2', '--send', quiet.rig);
    expect([louder.stderr.includes(refused), louder.code]).toEqual([true, 1]);
    // The same beams in the folder of a run that was quiet.
    copyFileSync(join(loudRun, 'beams.bin'), join(quietRun, 'beams.bin'));
    const foreign = await beamrigHere('beam', quietRun, '--cycle', '2', '--send', quiet.rig);
    expect([foreign.stderr.includes(refused), foreign.code]).toEqual([true, 1]);
    expect((await tell(loudRun, '--cycle', '2', '--send', loud.rig)).sent.worked).toBe(true);
  });

  it('less loud than the rig file is sent as it is', async () => {
    const quiet = keepingRig('all', (text) => `${text}\nsnrDb: 10\n`);
    const loud = keepingRig('all', (text) => `${text}\nsnrDb: 40\n`);
    const run = await runOf(quiet.rig, quiet.runs);
    const { sent, audit } = await tell(run, '--cycle', '2', '--send', loud.rig);
    expect(sent.predictedSnrDb).toEqual(audit.snrDb.map((user) => (user as { recorded: number }).recorded));
  });

  it.each([
    ['a pipe', (path: string) => execFileSync('mkfifo', [path])],
    ['a device', (path: string) => symlinkSync('/dev/zero', path)],
    ['a folder', (path: string) => mkdirSync(path)],
  ])('is not looked for in %s, whose end might never come', async (_, put) => {
    const { rig, runs } = keepingRig('words');
    const run = await runOf(rig, runs);
    const path = join(run, 'beams.bin');
    rmSync(path);
    put(path);
    const { stderr, code } = await beamrigHere('beam', run, '--cycle', '0');
    expect(stderr).toContain('beams.bin is no file');
    expect(code).toBe(1);
  });

  it('is asked for in vain where none was kept, or not of this cycle', async () => {
    const { rig, runs } = keepingRig('none');
    const run = await runOf(rig, runs);
    expect(readdirSync(run)).not.toContain('beams.bin');
    expect((await beamrigHere('beam', run, '--cycle', '0')).stderr).toContain(
      'no beams were kept\nWhat to do: Set telemetry.keep: all',
    );
    const keeping = keepingRig('words');
    const kept = await runOf(keeping.rig, keeping.runs);
    const { stderr, code } = await beamrigHere('beam', kept, '--cycle', '12');
    expect(stderr).toContain('cycle 12 is not among the beams that were kept, of cycles 0 to 11');
    expect(code).toBe(1);
  });

  it('of every cycle that was recorded is there after kill -9', async () => {
    const { rig, runs } = keepingRig('all');
    const running = spawn(process.execPath, [...BEAMRIG, 'run', rig], { cwd: cli.path, stdio: 'ignore' });
    const records = await vi.waitFor(
      () => {
        const path = join(runs, readdirSync(runs)[0], 'records.lp');
        expect(statSync(path).size).toBeGreaterThan(30_000);
        return path;
      },
      { timeout: 30_000, interval: 5 },
    );
    const gone = once(running, 'exit');
    running.kill('SIGKILL');
    await gone;
    const cycles = [...readFileSync(records, 'utf8').matchAll(/^cycle,.* cycle=(\d+)i/gm)].map(([, cycle]) => Number(cycle));
    expect(cycles.length).toBeGreaterThan(20);
    const last = cycles.at(-1) ?? -1;
    const search = await findKept(join(records, '..', 'beams.bin'), last);
    expect(search.found?.cycle).toBe(last);
    expect(search.damaged).toBe(0);
    expect((await tell(join(records, '..'), '--cycle', String(last))).audit.verdict).toBe('same');
  });
});

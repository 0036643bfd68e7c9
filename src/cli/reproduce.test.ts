import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../models/report/report.ts';
import { CliFolder, beamrigHere, expectRefusal, type Ended } from '../../test/cli.ts';
import { claimOutput } from './output-file.ts';
import { BEAMRIG } from '../../test/built-program.ts';

const cli = new CliFolder();
const cache = mkdtempSync(join(tmpdir(), 'beamrig-reproduce-cache-'));
afterAll(() => {
  cli.remove();
  rmSync(cache, { recursive: true, force: true });
});

const TINY = ['reproduce', '001', '--quick', '--count', '2'];

/** In a process of its own, with the cache of this file. @param stopAt what is on standard error when Ctrl-C comes */
function beamrig(words: readonly string[], stopAt?: RegExp): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...BEAMRIG, ...words], {
      cwd: cli.path,
      env: { ...process.env, XDG_CACHE_HOME: cache },
    });
    let [stdout, stderr, isStopped] = ['', '', false];
    child.stdout.on('data', (data) => (stdout += String(data)));
    child.stderr.on('data', (data) => {
      stderr += String(data);
      if (stopAt === undefined || isStopped || !stopAt.test(stderr)) return;
      isStopped = true;
      child.kill('SIGINT');
    });
    child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
}

const kept = (): string[] => (existsSync(join(cache, 'beamrig')) ? readdirSync(join(cache, 'beamrig', 'results')) : []);

describe('beamrig reproduce refuses, before it computes,', () => {
  it('a paper that it does not know', async () => {
    expectRefusal(await beamrigHere('reproduce', '007'), /PAPER 007: not allowed; allowed: 000 \| 001/);
  }, 60_000);

  it('a name that is neither of HTML nor of Markdown', async () => {
    expectRefusal(
      await beamrigHere('reproduce', '001', '--output', 'r0.txt'),
      /--output r0\.txt: a report's name ends in \.html or \.md/,
    );
  });

  it('too few channels for an error to be told', async () => {
    expectRefusal(await beamrigHere('reproduce', '001', '--count', '1'), /--count 1: not allowed/);
    const file = ['--channels', 'test-channels.npy'];
    expectRefusal(await beamrigHere('reproduce', '001', ...file), /have no meaning for paper 001/);
    expectRefusal(await beamrigHere('reproduce', '000', ...file), /--channels and --covariance belong together/);
  });

  it('to write over a report, or where there is no folder, and leaves what is there', async () => {
    const path = join(cli.path, 'there.html');
    writeFileSync(path, 'mine');
    expectRefusal(await beamrigHere(...TINY, '--output', path), /there is a file already/);
    expectRefusal(await beamrigHere(...TINY, '--output', join(cli.path, 'no', 'folder.html')), /there is no such folder/);
    expectRefusal(await beamrigHere(...TINY, '--output', cli.path), /this is a folder, and no file/);
    expect(readFileSync(path, 'utf8')).toBe('mine');
  });

  it('begins, where another process makes that report, and not where that has ended', async () => {
    const path = join(cli.path, 'claimed.html');
    const claim = `${path}.claimed`;
    const other = spawn(process.execPath, ['-e', 'setInterval(Date.now, 1000)']);
    writeFileSync(claim, String(other.pid));
    const refused = await beamrigHere(...TINY, '--output', path, '--force');
    expectRefusal(refused, new RegExp(`claimed\\.html is being made by another process, ${other.pid}`));
    expect(refused.stderr).toContain('Wait for that one, or give another path');
    expect(readFileSync(claim, 'utf8')).toBe(String(other.pid));
    other.kill();
    await once(other, 'exit');
    const giveBack = claimOutput(path);
    expect(() => claimOutput(path)).toThrow(/is being made by another process/);
    giveBack();
    expect(existsSync(claim)).toBe(false);
  });
});

describe('beamrig reproduce 001', () => {
  let stopped: Ended;
  let made: Ended;
  beforeAll(async () => {
    stopped = await beamrig(TINY, /channels/);
    made = await beamrig([...TINY, '--output', 'report.html']);
  }, 180_000);

  it('ends at Ctrl-C with 130, says that nothing is lost, and leaves no report', () => {
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toMatch(
      /beamrig: stopped; what was computed is kept\nWhat to do: The same command goes on from there\.\n$/,
    );
    expect(stopped.stderr).not.toMatch(/^\s+at /m);
    expect(readdirSync(cli.path).filter((name) => name.includes('paper-001.html'))).toEqual([]);
  });

  it('writes a report that says how few channels it is of, with a verdict for every claim', () => {
    expect(made).toMatchObject({ code: 0 });
    const html = readFileSync(join(cli.path, 'report.html'), 'utf8');
    expect(html).toContain('A quick look: 2 channels are few');
    expect(html.match(/class="verdict (holds|fails)"/g)).toHaveLength(made.stdout.match(/^[✓✗]/gm)?.length ?? NaN);
    expect(made.stdout).toMatch(/\d+ of \d+ claims hold\. Report: report\.html/);
    expect(kept().filter((name) => !name.endsWith('.json'))).toEqual([]);
    expect(readdirSync(cli.path)).not.toContain('report.html.claimed');
  });

  it('has the same again from the cache, as JSON, computes nothing, and writes no file that is not asked for', async () => {
    const before = kept();
    const again = await beamrig([...TINY, '--json']);
    const { claims, sections } = JSON.parse(again.stdout) as Report;
    expect(claims.filter(({ holds }) => holds)).toHaveLength(made.stdout.match(/^✓/gm)?.length ?? NaN);
    const bothNumbers = /^`paper-001` at worst \d+\.\d\d against \d+\.\d\d, [+−]\d+\.\d\d ± .*; phase extraction \d+\.\d\d\)/;
    expect(claims.find(({ claim }) => claim.includes('outperform SCA-RMM at every SNR'))?.ours).toMatch(bothNumbers);
    expect(new Set(claims.map(({ claim }) => claim)).size).toBe(claims.length);
    expect(claims.find(({ claim }) => claim.includes('PGA, J = 1, ends above SCA-RMM'))?.rule).toBe(
      'the mean of the differences is more than 2 standard errors above 0, scale `paper-001`',
    );
    expect(sections.flatMap(({ plots = [] }) => plots).length).toBeGreaterThan(6);
    expect(again.stderr).toMatch(/(\d+) of \1 results are in the cache/);
    expect(again.stderr).not.toMatch(/\d\/s/);
    expect(kept()).toEqual(before);
    expect(readdirSync(cli.path)).not.toContain('paper-001.html');
  }, 60_000);

  it('writes Markdown where the name ends so, over what is there where that is forced', async () => {
    const page = join(cli.path, 'page.md');
    writeFileSync(page, 'old');
    expect(await beamrig([...TINY, '--output', page, '--force'])).toMatchObject({ code: 0 });
    expect(readFileSync(page, 'utf8')).toMatch(/^# Paper 001: .*\n\n[^]*\n## The claims\n\n\| claim \| theirs \| ours \|/);
  }, 60_000);
});

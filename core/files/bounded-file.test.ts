import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { readBoundedFile } from './bounded-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-bounded-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const path = (name: string): string => join(folder, name);
const written = (name: string, content: string | Uint8Array): string => {
  writeFileSync(path(name), content);
  return path(name);
};
const fifo = (name: string): string => {
  execFileSync('mkfifo', ['-m', '600', path(name)]);
  return path(name);
};
const why = (read: ReturnType<typeof readBoundedFile>): string =>
  read.ok ? `${read.bytes.length} bytes` : `${read.reason}: ${read.why}`;

describe('a file that somebody names', () => {
  it('is read whole up to the limit, and not a byte beyond it', () => {
    const file = written('ten', '0123456789');
    expect(readBoundedFile(file, { maxBytes: 10 })).toMatchObject({ ok: true, bytes: Buffer.from('0123456789') });
    expect(why(readBoundedFile(file, { maxBytes: 9 }))).toBe(
      'too-large: holds 10 bytes, more than the 9 bytes that are read here',
    );
    expect(why(readBoundedFile(written('none', ''), { maxBytes: 9 }))).toBe('0 bytes');
  });

  it('of many terabytes is refused without being read', () => {
    const sparse = written('sparse', '');
    truncateSync(sparse, 2 ** 42);
    expect(why(readBoundedFile(sparse, { maxBytes: 1_000_000 }))).toMatch(
      /^too-large: holds 4398046511104 bytes, more than the 1 MB/,
    );
  });

  it('is read by its content where the system says that its size is 0', () => {
    const read = readBoundedFile('/proc/self/status', { maxBytes: 1_000_000 });
    expect(read.ok && read.bytes.toString()).toContain('Pid:');
    expect(why(readBoundedFile('/proc/self/status', { maxBytes: 10 }))).toMatch(/^too-large: holds more than the 10 bytes/);
  });

  it.each([
    ['/dev/zero', 'no-file: this is a device, and no file'],
    ['/dev/null', 'no-file: this is a device, and no file'],
    ['/', 'no-file: this is a folder, and no file'],
    ['/nowhere/file', 'missing: there is no such file'],
    ['/dev/null/file', 'missing: there is no such file: a part of the path is no folder'],
    [`/${'x'.repeat(300)}`, 'missing: this is longer than a path can be'],
    ['a\0b', 'missing: this is no path'],
  ])('is refused at once where %s stands in its place', (place, said) => {
    expect(why(readBoundedFile(place, { maxBytes: 10 }))).toBe(said);
  });

  it('is refused where its link leads round in a circle, or is a socket', async () => {
    symlinkSync(path('circle'), path('circle'));
    expect(why(readBoundedFile(path('circle'), { maxBytes: 10 }))).toMatch(/^missing: the links of this path lead round/);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path('socket'), resolve));
    expect(why(readBoundedFile(path('socket'), { maxBytes: 10 }))).toBe('no-file: this is a socket, and no file');
    await new Promise((resolve) => server.close(resolve));
  });

  it('that this user may not read is told so', () => {
    const file = written('closed', 'x');
    chmodSync(file, 0);
    // Root may read everything: it is somebody else for so long.
    const root = process.geteuid?.() === 0;
    if (root) process.seteuid?.(65_534);
    try {
      expect(why(readBoundedFile(file, { maxBytes: 10 }))).toBe('not-allowed: this user may not read it');
    } finally {
      if (root) process.seteuid?.(0);
    }
  });
});

describe('a pipe', () => {
  const patienceMs = { writer: 100, bytes: 100 };

  it('that nobody writes into is given up', () => {
    expect(why(readBoundedFile(fifo('silent'), { maxBytes: 10, patienceMs }))).toMatch(
      /^nothing-comes: this is a pipe that nobody writes into/,
    );
  });

  it('whose writer writes nothing is given up', () => {
    const name = fifo('idle');
    const writer = openSync(name, constants.O_RDWR);
    try {
      expect(why(readBoundedFile(name, { maxBytes: 10, patienceMs }))).toMatch(/^nothing-comes: nothing came for/);
      writeSync(writer, 'abc');
      expect(why(readBoundedFile(name, { maxBytes: 2, patienceMs }))).toMatch(/^too-large/);
    } finally {
      closeSync(writer);
    }
  });

  it('is read to its end, however late it comes and in whatever pieces', () => {
    const name = fifo('late');
    const script = `sleep 0.3; exec > "$1"; head -c 100000 /dev/zero; sleep 0.3; head -c 100000 /dev/zero`;
    const writer = spawn('sh', ['-c', script, 'sh', name], { stdio: 'ignore' });
    expect(why(readBoundedFile(name, { maxBytes: 1_000_000 }))).toBe('200000 bytes');
    writer.kill();
  });

  it('is refused for a file that is read more than once', () => {
    expect(why(readBoundedFile(fifo('twice'), { maxBytes: 10, pipes: 'refuse' }))).toMatch(
      /^no-file: this is a pipe, and the file is read more/,
    );
  });

  it('on standard input is read, be it a pipe, an empty one or a socket', () => {
    const program = `import { readBoundedFile } from ${JSON.stringify(fileURLToPath(new URL('bounded-file.ts', import.meta.url)))};
      const read = readBoundedFile('/dev/stdin', { maxBytes: 100_000 });
      console.log(read.ok ? String(read.bytes.length) : read.why);`;
    const script = written('reader.ts', program);
    const shell = (before: string): string =>
      spawnSync('sh', ['-c', `${before} | "$1" --import tsx "$2"`, 'sh', process.execPath, script], {
        encoding: 'utf8',
      }).stdout.trim();
    expect(shell('sleep 0.2; echo hello')).toBe('6');
    expect(shell('printf ""')).toBe('0');
    expect(shell('head -c 200000 /dev/zero')).toMatch(/^holds more than the 100000 bytes/);
    // Node itself gives its children sockets.
    const options = { input: 'hello', encoding: 'utf8' as const };
    expect(spawnSync(process.execPath, ['--import', 'tsx', script], options).stdout.trim()).toBe('5');
  });
});

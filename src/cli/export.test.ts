/** What `export` says of a place that takes no table, and of a server that does not say what it is. */
import { once } from 'node:events';
import { linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { beamrigHere, CliFolder } from '../../test/cli.ts';

const cli = new CliFolder();
afterAll(() => cli.remove());
const run = join(cli.path, 'stored');

beforeAll(() => {
  mkdirSync(run);
  writeFileSync(join(run, 'manifest.json'), JSON.stringify({ format: 1, run: 'stored', rig: 'bench', users: 1 }));
  const tags = 'rig=bench,run=stored';
  writeFileSync(
    join(run, 'records.lp'),
    `cycle,${tags},outcome=ok cycle=0i 1790000000000000000\nuser_snr,${tags},user=0 cycle=0i 1790000000000000000\n`,
  );
});

describe('export --csv to a place', () => {
  it.each([
    ['without room', '/dev/full', 'no space left on device', 'Make room'],
    ['in no folder', join(cli.path, 'none', 'a.csv'), 'there is no such folder', 'Make the folder first'],
    ['that is a folder', cli.path, 'this is a folder, and no file', 'Give the path of a file'],
  ])('%s says so, with a way out', async (_, path, why, wayOut) => {
    const { code, stderr } = await beamrigHere('export', run, '--csv', '-o', path);
    expect(stderr).toContain(`${path} cannot be written: ${why}\nWhat to do: ${wayOut}`);
    expect(stderr).not.toMatch(/E[A-Z]{4,}|should not/);
    expect(code).toBe(1);
  });
});

it('export --csv writes over no file that is there, unless it is told to, and into what is no file', async () => {
  const path = join(cli.path, 'kept.csv');
  writeFileSync(path, 'the only copy');
  const refused = await beamrigHere('export', run, '--csv', '-o', path);
  expect(refused.stderr).toContain(
    `${path} cannot be written: there is a file already\nWhat to do: Give another path, or --force`,
  );
  expect(refused.code).toBe(1);
  expect(readFileSync(path, 'utf8')).toBe('the only copy');
  const forced = await beamrigHere('export', run, '--csv', '-o', path, '--force');
  expect(forced.code).toBe(0);
  expect(readFileSync(path, 'utf8')).toMatch(/^time_utc,/);
  expect((await beamrigHere('export', run, '--csv', '-o', '/dev/null')).code).toBe(0);
});

it.each(['records.lp', 'manifest.json'])('export -o --force never writes over %s of the run, by whatever name', async (name) => {
  const own = join(run, name);
  const before = readFileSync(own, 'utf8');
  const [soft, hard] = [join(run, `soft-${name}`), join(run, `hard-${name}`)];
  symlinkSync(own, soft);
  linkSync(own, hard);
  for (const path of [own, soft, hard]) {
    const { stderr, code } = await beamrigHere('export', run, '--csv', '-o', path, '--force');
    expect(stderr).toContain(`${path} cannot be written: it is a file of the run that is exported`);
    expect([code, readFileSync(own, 'utf8')]).toEqual([1, before]);
  }
});

it('export --influx says that a server which takes the points does not call itself InfluxDB', async () => {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(204).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const { stderr } = await beamrigHere('export', run, '--influx', `http://127.0.0.1:${port}/beamrig`);
    expect(stderr).toContain('2 points sent');
    expect(stderr).toContain('takes points and does not say that it is InfluxDB: a proxy may throw them away. Look whether');
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

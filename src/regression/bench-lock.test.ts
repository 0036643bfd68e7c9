import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { parseRigFile } from '../config/rig-file.ts';
import { holdBench, type HoldOptions } from './bench-lock.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'beamrig-lock-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A port that is not there is known by what the rig file says. */
const links = (...ports: number[]) =>
  parseRigFile(
    `
name: bench
array: { geometry: { kind: ula, elements: ${2 * ports.length} }, rfChains: 1, phaseBits: 2 }
users: { count: 1 }
beamformer: { model: aligned }
links: [${ports.map((port, i) => `{ name: l${i}, elements: '${2 * i}-${2 * i + 1}', serial: { path: /dev/no-port-${port} } }`).join(', ')}]
`,
    'bench',
  ).links;

const hold = (ports: number[], more: Partial<HoldOptions> = {}) =>
  holdBench({
    ...{
      links: links(...ports),
      command: 'beamrig regress nightly',
      waitS: 0,
      clock: createRealClock(),
      tell: () => undefined,
      folder,
    },
    ...more,
  });

it('lets one run have a bench, and says to others who that is', async () => {
  const release = await hold([1, 2]);
  const refused = hold([2, 3]);
  await expect(refused).rejects.toMatchObject({ code: 'bench-busy' });
  await expect(refused).rejects.toThrow(`process ${process.pid}: beamrig regress nightly) since`);
  const other = await hold([3, 4]);
  other();
  release();
  expect(readdirSync(folder)).toEqual([]);
  (await hold([2]))();
});

it('is had by who waits for it, once it is free', async () => {
  const release = await hold([1]);
  const waiting = hold([1], { waitS: 60 });
  release();
  (await waiting)();
});

it('is taken over where the run that had it is gone', async () => {
  const release = await hold([1]);
  const [file] = readdirSync(folder);
  release();
  // A process of our own number that began at another time is not this one.
  const gone = {
    user: 'nobody',
    host: hostname(),
    pid: process.pid,
    started: '1',
    command: 'beamrig regress old',
    since: '2026-11-01T00:00:00Z',
  };
  writeFileSync(join(folder, file), JSON.stringify(gone));
  const told: string[] = [];
  (await hold([1], { tell: (message) => void told.push(message) }))();
  expect(told).toEqual([expect.stringContaining('nobody') as unknown]);
  writeFileSync(join(folder, file), JSON.stringify({ ...gone, host: 'another machine' }));
  await expect(hold([1])).rejects.toThrow('nobody on another machine');
});

/** What is wrong with the links of a rig before any of them is opened. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { createRandom } from '../../core/signal/random.ts';
import { parseRigFile } from '../config/rig-file.ts';
import { assembleHardware, remedyOf } from './hardware.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'beamrig-links-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const assemble = (links: object[]) => {
  const text = `name: bench
array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 6 }
users: { count: 2 }
beamformer: { model: aligned }
links: ${JSON.stringify(links)}
`;
  return assembleHardware({
    rig: parseRigFile(text, join(folder, 'rig.yaml')),
    clock: createVirtualClock(),
    random: createRandom(1),
  });
};

describe('the links of a rig', () => {
  it('are not two when their ports are one under two names', async () => {
    const port = join(folder, 'ttyUSB0');
    writeFileSync(port, '');
    symlinkSync(port, join(folder, 'by-id'));
    const links = [
      { name: 'left', elements: '0-7', serial: { path: './ttyUSB0' } },
      { name: 'right', elements: '8-15', serial: { path: './by-id' } },
    ];
    await expect(assemble(links)).rejects.toMatchObject({
      code: 'link',
      message: `links left and right are the same port, ${port}`,
      wayOut: expect.stringContaining('its own panel') as string,
    });
  });

  it('need the password that they name, and not an empty one', async () => {
    const links = [{ panel: 'B-1', mqtt: { url: 'mqtt://h', username: 'rig', passwordEnv: 'BEAMRIG_TEST_PASSWORD' } }];
    await expect(assemble(links)).rejects.toThrow('BEAMRIG_TEST_PASSWORD, and no such environment variable is set');
    vi.stubEnv('BEAMRIG_TEST_PASSWORD', '');
    await expect(assemble(links)).rejects.toThrow('BEAMRIG_TEST_PASSWORD, and that environment variable is empty');
  });
});

it('advises about the firmware of a panel that answered, and not about its power or its line', () => {
  const unanswered = { reason: 'no-answer', request: 'hello', attempts: 3, waitedMs: 1500 } as const;
  const refusal = { reason: 'rejected', request: 'hello', detail: 0 } as const;
  const toRepair = /firmware is to be repaired/;
  expect(remedyOf({ ...unanswered, discarded: 'phaseBits 17 in capabilities', framed: true })[1]).toMatch(toRepair);
  expect(remedyOf({ ...refusal, code: 'malformed' })[1]).toMatch(toRepair);
  expect(remedyOf({ ...refusal, code: 'busy' })[1]).toMatch(/busy: wait/);
  expect(remedyOf({ ...unanswered, discarded: '9 bytes that are no frame' })[1]).toMatch(/another baud rate/);
  expect(remedyOf(unanswered)[1]).toMatch(/is powered/);
});

it('advises about the end that lacks the key', () => {
  const adviceTo = (lacking: 'rig' | 'panel'): string =>
    remedyOf({ reason: 'not-authenticated', detail: 'no key', lacking }).join(': ');
  expect(adviceTo('panel')).toMatch(/^key: Give the panel its key/);
  expect(adviceTo('rig')).toMatch(/^key: Name in authentication of the rig file/);
});

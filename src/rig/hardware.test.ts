/** What is wrong with the links of a rig before any of them is opened. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { fromParts } from '../../core/signal/complex-matrix.ts';
import { createRandom } from '../../core/signal/random.ts';
import type { Feature } from '../../firmware-protocol/messages.ts';
import { createAir } from '../../hil-sim/air.ts';
import { createRecordedScene } from '../../hil-sim/scene.ts';
import { createSimulatedArray } from '../../hil-sim/simulated-array.ts';
import { createVirtualPanel } from '../../hil-sim/virtual-panel.ts';
import { parseRigFile } from '../config/rig-file.ts';
import { createLoopbackLink } from '../link/loopback.ts';
import { assembleHardware, remedyOf, slowestTransferMs } from './hardware.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'beamrig-links-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const rigText = (links: object[]): string => `name: bench
array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 6 }
users: { count: 2 }
beamformer: { model: aligned }
links: ${JSON.stringify(links)}
`;
const assemble = (links: object[]) =>
  assembleHardware({
    rig: parseRigFile(rigText(links), join(folder, 'rig.yaml')),
    clock: createVirtualClock(),
    random: createRandom(1),
  });

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

describe('receivers of a rig', () => {
  const [ELEMENTS, USERS] = [16, 2];
  const serial = (name: string) => ({ name, serial: { path: `/dev/${name}` } });

  /** The links of a rig file on loopback wires: an array that reports nothing, and receivers, in one air. */
  async function loopbackRig(links: object[], features: readonly Feature[], users = USERS) {
    const clock = createVirtualClock();
    const random = createRandom(1);
    const channel = new Float64Array(users * ELEMENTS).fill(1);
    const air = createAir({
      array: createSimulatedArray({ elements: ELEMENTS, rfChains: 2, phaseBits: 6, random }),
      scene: createRecordedScene([fromParts(users, ELEMENTS, channel, channel)]),
      ...{ noise: 1, random, clock },
    });
    const rig = parseRigFile(rigText(links), join(folder, 'rig.yaml'));
    const hardware = await assembleHardware({
      ...{ rig, clock, random },
      createLink: ({ name, users: hears }) => {
        const panel =
          hears === undefined
            ? createVirtualPanel({ clock, random, air: air.part(), capabilities: { panelSerial: name, features: [...features] } })
            : createVirtualPanel({ clock, random, receivers: air.receivers(), hears, capabilities: { panelSerial: name } });
        return createLoopbackLink(panel, clock, { name });
      },
    });
    return hardware;
  }

  it('report in place of a panel of the array, on each user that they have', async () => {
    const links = [serial('front'), { ...serial('one'), role: 'user', users: 1 }, { ...serial('zero'), role: 'user', users: 0 }];
    const hardware = await loopbackRig(links, ['digital-weights', 'read-back']);
    expect(await hardware.reach()).toEqual([]);
    expect(hardware.boards().map(({ link }) => link)).toEqual(['front', 'one', 'zero']);
    expect(hardware.phasesOnly()).toEqual([]);
    expect('apart' in hardware).toBe(false);
  });

  it('leave the rest to a panel of the array, and are not enough without one that reports', async () => {
    const links = [serial('front'), { ...serial('one'), role: 'user', users: 1 }];
    expect(await (await loopbackRig(links, ['snr-report'])).reach()).toEqual([]);
    const [problem] = await (await loopbackRig(links, ['read-back'])).reach();
    expect(problem).toMatchObject({
      detail:
        "the panel's features is receivers of 1 user, and no panel of the array that reports the others, the rig wants snr-report on 2 users",
      fault: 'panel',
    });
  });

  it('must be of as many users as the rig has', async () => {
    const links = [serial('front'), { ...serial('probe'), role: 'user', users: 0 }];
    const problems = await (await loopbackRig(links, ['snr-report'], 3)).reach();
    expect(problems).toMatchObject([{ link: 'probe', detail: "the panel's users is 3, the rig wants 2", fault: 'panel' }]);
  });

  it('are sent no beams, however slow their line is', () => {
    const slow = { path: '/dev/probe', baudRate: 9600 };
    const rigOf = (...links: object[]) => parseRigFile(rigText(links), join(folder, 'rig.yaml'));
    const fast = slowestTransferMs(rigOf(serial('front')));
    expect(slowestTransferMs(rigOf(serial('front'), { role: 'user', serial: slow }))).toBe(fast);
    expect(slowestTransferMs(rigOf({ serial: slow }))).toBeGreaterThan(10 * fast);
  });
});

it('advises what a request that was kept back says', () => {
  const kept = { reason: 'not-sent', request: 'set-enables', detail: 'beam 2 has enabled' } as const;
  expect(remedyOf({ ...kept, wayOut: 'Leave it out.' })).toEqual([undefined, 'Leave it out.']);
  expect(remedyOf(kept)[1]).toMatch(/is powered/);
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

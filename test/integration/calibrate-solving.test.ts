/** While the states of a large array are worked out, which takes seconds, a page is answered and what it asks for is done. */
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { io, type Socket } from 'socket.io-client';
import { expect, it } from 'vitest';
import { hadamard } from '../../calibration/methods/hadamard.ts';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { parseRigFile } from '../../src/config/rig-file.ts';
import type { CalibrationNow } from '../../src/control/calibrating.ts';
import type { RigPanel } from '../../src/control/rig-panel.ts';
import type { ControlResult } from '../../src/control/controller.ts';
import { calibrateRig } from '../../src/measuring/calibrate-rig.ts';
import { openArray } from '../../src/measuring/open-array.ts';
import { assembleRig } from '../../src/rig/assemble.ts';
import { startServer } from '../../src/server/server.ts';
import type { PageToServer, ServerToPage } from '../../src/server/socket-contract.ts';

const SOON = { timeout: 25_000, interval: 5 };
const RIG = `name: large
array: { geometry: { kind: ula, elements: 64 }, rfChains: 4, phaseBits: 6 }
users: { count: 2 }
beamformer: { model: aligned }
loop: { rateHz: 20 }
safeState: mute
`;
/** Its panel reports SNR alone, so that chain after chain is read, and worked out before the next one is. */
const BY_POWER = `${RIG}calibration: { probe: { receiver: 0 } }
simulator: { panel: { pilotReport: false } }
`;

it.each([
  ['pause', 'all is read', RIG],
  ['cancelCalibration', 'all is read', RIG],
  ['pause', 'the first chain is read, by power', BY_POWER],
  ['cancelCalibration', 'the first chain is read, by power', BY_POWER],
] as const)(
  'a page that sees states being worked out is answered on %s once %s, before there is any table',
  async (verb, when, text) => {
    const folder = mkdtempSync(join(tmpdir(), 'beamrig-solving-'));
    const file = parseRigFile(text, join(folder, 'rig.yaml'));
    const { controller, run, simulator } = await assembleRig({
      rig: file,
      clock: createRealClock(),
      recorder: { cycle: () => undefined, event: () => undefined },
    });
    const server = await startServer({ controller, host: '127.0.0.1', port: 0, pageFolder: folder });
    const page: Socket<ServerToPage<Uint8Array>, PageToServer> = io(server.url, { transports: ['websocket'] });
    const phases: CalibrationNow['phase'][] = [];
    page.on('frame', ({ calibration }, drawn) => {
      if (calibration && phases.at(-1) !== calibration.phase) phases.push(calibration.phase);
      drawn();
    });
    const done = run();
    const ask = (ends: typeof verb): Promise<ControlResult> => new Promise((resolve) => page.emit(ends, resolve));
    try {
      await expect.poll(() => controller.state, SOON).toBe('running');
      const wish = { method: 'hadamard', readings: null, pilots: 1, resume: false };
      expect(await new Promise((resolve) => page.emit('calibrate', wish, resolve))).toEqual({ ok: true });
      const during = when === 'all is read' ? ['measuring', 'solving'] : ['measuring'];
      await expect.poll(() => phases.at(-1), SOON).toBe(during.at(-1));
      const isDark = (): boolean => (controller.calibrating.now?.done ?? 0) > 100 && simulator?.panel.radiated().beamId === 0;
      await expect.poll(isDark, SOON).toBe(true);
      const { done: read = 0, of = 0 } = controller.calibrating.now ?? {};
      expect(read < of).toBe(when !== 'all is read');
      expect(await ask(verb)).toEqual({ ok: true });
      expect(simulator?.panel.radiated().beamId).toBe(0);
      await expect.poll(() => phases.at(-1), SOON).toBe('cancelled');
      expect(phases).toEqual([...during, 'cancelled']);
      const left = readdirSync(file.calibration.folder);
      expect([left.filter((name) => name.endsWith('.json')), left.filter((name) => name.endsWith('.unfinished'))]).toEqual([
        [],
        ['large.unfinished'],
      ]);
    } finally {
      page.disconnect();
      await controller.stop();
      await done;
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

it('a socket of this process answers a hundred times while states are worked out', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'beamrig-solving-'));
  const clock = createRealClock();
  const rig = parseRigFile(RIG, join(folder, 'rig.yaml'));
  // Who has asked last is gone before it is answered.
  const echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const asker = connect((echo.address() as AddressInfo).port, '127.0.0.1');
  const array = await openArray({ rig, clock, tell: () => undefined });
  let [isSolving, answers] = [false, 0];
  asker.on('data', (data) => {
    if (isSolving) answers++;
    asker.write(data);
  });
  try {
    asker.write('?');
    // Its status is asked for next once they are worked out, or while they are.
    const { panel } = array.rigPanel;
    const status: typeof panel.status = () => {
      isSolving = false;
      return panel.status();
    };
    const bound = new Proxy(panel, {
      get(target, key) {
        const value: unknown = key === 'status' ? status : Reflect.get(target, key, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const rigPanel = Object.create(array.rigPanel, { panel: { value: bound } }) as RigPanel;
    await calibrateRig(
      { rig, method: hadamard, resume: false },
      { rigPanel, recovery: array.recovery },
      {
        ...{ clock, stop: new AbortController().signal, onProgress: () => undefined },
        whenRead: async () => void (isSolving = (await array.recovery.makeSafe()) === undefined),
      },
    );
    expect(answers).toBeGreaterThan(100);
  } finally {
    asker.destroy();
    echo.close();
    await array.close();
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);

/** A panel that bears little silence, C firmware on a pseudo terminal, in session and showing nothing, while something else takes far longer. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { createRandom } from '../../core/signal/random.ts';
import { buildFirmware } from '../../firmware-protocol/reference/build.ts';
import { startFirmware } from '../../firmware-protocol/reference/run-firmware.ts';
import { attachBench } from '../../firmware-protocol/reference/scenario.ts';
import { ELEMENTS, RF_CHAINS, scenarioText, USERS } from '../../scripts/same-scenario.ts';
import { forOneTest } from '../../test/for-one-test.ts';
import { hasPart } from '../../test/parts.ts';
import { parseRigFile } from '../config/rig-file.ts';
import { createPanelRecovery } from '../control/panel-recovery.ts';
import { sessionKeeper } from './keep-session.ts';
import { openArray } from './open-array.ts';

const own = forOneTest('keep-session');
const SILENCE_MS = 1000;
/** As long as states of a large array take. */
const WORK_MS = 3.5 * SILENCE_MS;

async function attached() {
  const program = buildFirmware({ target: 'host', folder: own.folder, chip: 'adar1000' });
  const args = ['--elements', ELEMENTS, '--chains', RF_CHAINS, '--users', USERS].map(String);
  const firmware = own.later(await startFirmware({ target: 'host', program, args }), (it) => it.stop());
  const bench = await attachBench(firmware);
  await bench.link.close();
  own.later(bench.end, (end) => end.close());
  const links = `fallback: never\nlinks: [{ serial: { path: ${firmware.hostPort}, baudRate: 921600 } }]`;
  const clock = createRealClock();
  const rig = parseRigFile(scenarioText(links), join(own.folder, 'rig.yaml'));
  const array = own.later(await openArray({ rig, clock, tell: () => undefined }), (it) => it.close());
  const { rigPanel } = array;
  const told: string[] = [];
  const recovery = createPanelRecovery({
    ...{ panel: rigPanel.panel, connect: () => rigPanel.connect(), clock, random: createRandom(1) },
    ...{ safe: { state: 'mute' }, silenceMs: SILENCE_MS, tell: ({ code }) => told.push(code) },
  });
  const stop = new AbortController();
  const show = (beamId: number) =>
    rigPanel.panel.apply({ beamId, phaseBits: 7, words: new Uint16Array(ELEMENTS * RF_CHAINS).fill(beamId) });
  expect(await rigPanel.connect()).toMatchObject({ ok: true });
  await recovery.arm();
  return { bench, firmware, clock, recovery, told, stop, show, keep: sessionKeeper({ rigPanel, recovery }, clock, stop.signal) };
}

describe.skipIf(!hasPart('gcc'))('while something takes longer than the panel bears silence', { timeout: 120_000 }, () => {
  it('its session is kept, it stays dark, and takes the next setting at once [needs gcc]', async () => {
    const { bench, clock, recovery, told, show, keep } = await attached();
    expect(await keep(clock.sleep(WORK_MS).then(() => 'worked out'))).toBe('worked out');
    expect(recovery.lost).toBe(false);
    expect(told).toEqual([]);
    expect(bench.bus.words()).toBeUndefined();
    expect(await show(2)).toMatchObject({ ok: true });
  });

  it('nobody keeping it, it refuses that setting [needs gcc]', async () => {
    const { clock, show } = await attached();
    await clock.sleep(WORK_MS);
    expect(await show(2)).toMatchObject({ ok: false });
  });

  it('killed meanwhile, it is told lost, and the work goes on; stopped, nobody asks any more [needs gcc]', async () => {
    const { clock, recovery, told, keep, firmware, stop } = await attached();
    const working = keep(clock.sleep(WORK_MS).then(() => 'worked out'));
    process.kill(firmware.pid, 'SIGKILL');
    expect(await working).toBe('worked out');
    expect([recovery.lost, told]).toEqual([true, ['panel-lost']]);
    stop.abort();
    expect(await keep(Promise.resolve('at once'))).toBe('at once');
  });
});

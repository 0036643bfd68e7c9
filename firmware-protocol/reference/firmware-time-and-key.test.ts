/** What protocol 1.1 adds, on the firmware: beams at a time of the board's own clock, and frames that only the right host can make. */
import { beforeAll, describe, expect, it } from 'vitest';
import { derivePanelKey } from '../authentication.ts';
import { createRandom } from '../../core/signal/random.ts';
import { createPanel } from '../../src/panel/panel-driver.ts';
import type { ArrayMember } from '../../src/panel/panel.ts';
import { hasPart } from '../../test/parts.ts';
import { attachBench } from './scenario.ts';
import { builtFirmware } from './test/built-firmware.ts';
import type { Lab } from './test/firmware-lab.ts';
import { SIZE, beam, connectedWithin, createFirmwareLab, shown, weightsOf } from './test/firmware-lab.ts';

const firmwareLab = createFirmwareLab();

describe.skipIf(!hasPart('gcc'))('the firmware, its clock and its key, under sanitizers [needs gcc]', () => {
  let program: string;
  beforeAll(async () => {
    program = await builtFirmware({ target: 'host', sanitize: true });
  }, 120_000);
  const lab = (): Promise<Lab> => firmwareLab.open('host', program);

  it('speaks only with a host that has its key, and takes no counter twice over a restart', async () => {
    const rigKey = Uint8Array.from({ length: 32 }, (_, i) => 7 * i);
    const panelKey = derivePanelKey(rigKey, 'BOARD-0001');
    const eeprom = new Uint8Array(256);
    eeprom[16] = panelKey.length;
    eeprom.set(panelKey, 17);
    /** A host's view of the firmware, started anew each time with the same EEPROM. */
    const visit = async (args: string[], env: NodeJS.ProcessEnv, key: Uint8Array | undefined) => {
      const firmware = await firmwareLab.start({
        target: 'host',
        program,
        args: [...SIZE, ...args],
        env: { ...process.env, ...env },
      });
      const bench = await attachBench(firmware, { prepare: (bus) => bus.eeprom.set(eeprom) });
      const panel = createPanel({
        link: bench.link,
        clock: bench.setting.clock,
        random: createRandom(3),
        expected: { panelSerial: 'BOARD-0001' },
        ...(key === undefined ? {} : { authentication: { rigKey: key } }),
      });
      const connected = await connectedWithin(panel);
      const applied = connected.ok ? await panel.apply(beam(1)) : undefined;
      eeprom.set(bench.bus.eeprom);
      await panel.close();
      await bench.close();
      await firmware.stop();
      expect(firmware.complaints()).toBe('');
      return { connected, applied, words: bench.bus.words() };
    };
    const good = { connected: { ok: true }, applied: { ok: true }, words: shown(1) };
    expect(await visit([], {}, rigKey)).toMatchObject(good);
    const limits = () => [96, 108].map((at) => new DataView(eeprom.buffer).getBigUint64(at, true));
    const newest = () => limits().reduce((a, b) => (a > b ? a : b));
    const limit = newest();
    expect(limit).toBeGreaterThan(0n);
    expect(await visit([], {}, rigKey)).toMatchObject(good);
    const later = newest();
    expect(later).toBeGreaterThan(limit);
    // Power has gone while the newest was written: the one before it counts, and the next is above both.
    const torn = limits().indexOf(later);
    eeprom.fill(0xff, 96 + 12 * torn + 3, 96 + 12 * torn + 12);
    const before = limits()[1 - torn];
    expect(await visit([], {}, rigKey)).toMatchObject(good);
    expect([limits()[1 - torn], limits()[torn] > before]).toEqual([before, true]);
    for (const key of [undefined, rigKey.map((byte) => byte ^ 1)]) {
      const { connected, words } = await visit([], {}, key);
      expect([connected.ok, words]).toEqual([false, undefined]);
    }
    // Memory that makes no sense is no memory that is new: nobody is let in, and nothing is radiated.
    const kept = eeprom.slice();
    for (const spoil of [
      () => eeprom.set([15], 16),
      () => eeprom.set([0], 16),
      () => eeprom.set([0xff], 16),
      () => eeprom.fill(1, 96, 120),
    ]) {
      spoil();
      for (const key of [undefined, rigKey]) {
        const { connected, words } = await visit([], {}, key);
        expect([connected.ok, words]).toEqual([false, undefined]);
      }
      eeprom.set(kept);
    }
    eeprom.fill(0, 16, 81);
    const env = { PANEL_KEY: Buffer.from(panelKey).toString('hex') };
    expect(await visit(['--key-env', 'PANEL_KEY'], env, rigKey)).toMatchObject(good);
  });

  /** The board's time, a little ahead. */
  const boardTimeIn = async (panel: ArrayMember, ms: bigint): Promise<bigint> => {
    const sample = await panel.syncClock();
    if (!sample.ok) throw new Error(JSON.stringify(sample.failure));
    return sample.value.panelSendUs + 1000n * ms;
  };
  const stagedBeam = async (panel: ArrayMember, beamId: number) => {
    const staged = await panel.stage(beam(beamId));
    if (!staged.ok) throw new Error(JSON.stringify(staged.failure));
    return staged.value;
  };

  it('switches at a time of its own clock, with the load alone left to do', async () => {
    const { panel, bench } = await lab();
    await panel.apply(beam(1));
    const staged = await stagedBeam(panel, 2);
    expect(await panel.arm(staged, await boardTimeIn(panel, 3_000n))).toMatchObject({ ok: true });
    expect(await panel.ping()).toMatchObject({ ok: true });
    const before = bench.bus.counters.spiWords;
    expect(bench.bus.words()).toEqual(shown(1));
    await expect.poll(() => bench.bus.words(), { timeout: 10_000 }).toEqual(shown(2));
    expect(bench.bus.weights()).toEqual(weightsOf(2));
    expect(await panel.confirm(staged)).toMatchObject({ ok: true, value: { beamId: 2 } });
    // The four load words, and looks at chips; a beam is 556.
    expect(bench.bus.counters.spiWords - before).toBeLessThan(500);
  });

  it('shows the beam that was asked for at once, whatever waited and was written ahead', async () => {
    const { panel, bench } = await lab();
    const waiting = await stagedBeam(panel, 2);
    await panel.arm(waiting, await boardTimeIn(panel, 60_000n));
    expect(await panel.cancel(waiting)).toMatchObject({ ok: true });
    expect(bench.bus.words()).toBeUndefined();
    expect(await panel.apply(beam(3))).toMatchObject({ ok: true });
    expect([bench.bus.words(), bench.bus.weights()]).toEqual([shown(3), weightsOf(3)]);
    const muted = await stagedBeam(panel, 4);
    await panel.arm(muted, await boardTimeIn(panel, 60_000n));
    await panel.setSafeState('mute', { enter: true });
    expect(bench.bus.words()).toBeUndefined();
    expect(await panel.apply(beam(5))).toMatchObject({ ok: true });
    expect([bench.bus.words(), bench.bus.weights()]).toEqual([shown(5), weightsOf(5)]);
  });

  it.each([
    ['with weights', 'without', true],
    ['without weights', 'with them', false],
  ])('does not take a beam that waits %s for one with the same words %s', async (_waits, _asked, withWeights) => {
    const { panel, bench } = await lab();
    const waiting = await panel.stage(beam(2, withWeights));
    if (!waiting.ok) throw new Error(JSON.stringify(waiting.failure));
    expect(await panel.arm(waiting.value, await boardTimeIn(panel, 60_000n))).toMatchObject({ ok: true });
    const same = { ...beam(3, !withWeights), words: beam(2).words };
    expect(await panel.apply(same)).toMatchObject({ ok: true });
    expect([bench.bus.words(), bench.bus.weights()]).toEqual([shown(2), withWeights ? undefined : weightsOf(3)]);
  });
});

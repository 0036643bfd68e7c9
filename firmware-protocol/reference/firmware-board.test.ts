/** The firmware's image for a Cortex-M3, on the board that QEMU emulates. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeFrame } from '../codec.ts';
import { compare, tellOverLoopback } from '../../scripts/same-scenario.ts';
import { hasPart } from '../../test/parts.ts';
import { buildFirmware } from './build.ts';
import { tellToFirmware } from './scenario.ts';
import { builtFirmware } from './test/built-firmware.ts';
import { beam, connectedWithin, createFirmwareLab, darkOf, shown, without } from './test/firmware-lab.ts';

const firmwareLab = createFirmwareLab();

describe.skipIf(!hasPart('arm-none-eabi-gcc') || !hasPart('qemu-system-arm'))(
  'the firmware on an emulated Cortex-M3 [needs arm-none-eabi-gcc, qemu-system-arm]',
  () => {
    let image: string;
    beforeAll(async () => {
      image = await builtFirmware({ target: 'board' });
    }, 120_000);

    it('tells the story that loopback tells, word by word', async () => {
      const firmware = await firmwareLab.start({ target: 'board', program: image });
      const comparison = compare(await tellOverLoopback(3), await tellToFirmware(firmware, 3));
      expect(comparison).toMatchObject({ cycles: 3, differentWords: 0, greatestTrueDifferenceDb: 0 });
    }, 60_000);

    it('falls silent by itself when the host does, and counts time as the host does', async () => {
      const { panel, bench } = await firmwareLab.open('board', image);
      await panel.apply(beam(1));
      expect(bench.bus.words()).toEqual(shown(1));
      await panel.setSafeState('mute', { silenceMs: 200 });
      await expect.poll(() => bench.bus.words(), { timeout: 5_000 }).toBeUndefined();
      expect(await panel.status()).toMatchObject({ ok: true, value: { state: 'safe', bootCount: 1 } });
    }, 60_000);

    it('radiates nothing of the elements that a beam has off, out of its memory too, and all of the next one', async () => {
      const { panel, bench } = await firmwareLab.open('board', image);
      const gains = new Uint16Array(without().length).fill(63);
      expect(await panel.apply({ ...beam(1), enabled: without(3, 40), gains })).toMatchObject({ ok: true });
      expect(darkOf(bench.air)).toEqual([3, 40]);
      expect(await panel.storeBeam({ ...beam(2), enabled: without(7) }, 3)).toMatchObject({ ok: true });
      expect(await panel.setSafeState('codeword', { position: 3, enter: true })).toMatchObject({ ok: true });
      expect(darkOf(bench.air)).toEqual([7]);
      expect(await panel.apply(beam(3))).toMatchObject({ ok: true });
      expect(darkOf(bench.air)).toEqual([]);
      expect(bench.bus.words()).toEqual(shown(3));
    }, 60_000);

    it('is dark soon after its core has failed, and is back as a board that has started again', async () => {
      // A build that crashes in the middle of a request, before it is answered.
      const source = readFileSync(fileURLToPath(new URL('firmware.c', import.meta.url)), 'utf8');
      const crash =
        '  board_feed_watchdog();\n  if (block[1] == BEAMRIG_READ_PHASES) __builtin_trap();\n  const uint16_t storing';
      const changed = source.replace('  board_feed_watchdog();\n  const uint16_t storing', crash);
      expect(changed).not.toBe(source);
      const path = join(firmwareLab.folder, 'firmware.c');
      writeFileSync(path, changed);
      const crashing = { build: dirname(image), sources: { 'firmware.c': path } };
      const mutant = buildFirmware({ target: 'board', folder: join(firmwareLab.folder, 'crashing'), changed: crashing });
      const { panel, bench } = await firmwareLab.open('board', mutant);
      await panel.apply(beam(1));
      expect(bench.bus.words()).toEqual(shown(1));
      // Once: a host that asks again would crash the board again.
      bench.link.send(
        encodeFrame({ seq: 9, message: { type: 'read-phases', source: 'radiated', slot: 0, offset: 0, count: 1 } }),
      );
      await expect.poll(() => bench.bus.words(), { timeout: 20_000 }).toBeUndefined();
      expect(await connectedWithin(panel)).toMatchObject({ ok: true });
      expect(await panel.status()).toMatchObject({ ok: true, value: { state: 'idle', bootCount: 2 } });
      expect(await panel.apply(beam(2))).toMatchObject({ ok: true });
      expect(bench.bus.words()).toEqual(shown(2));
    }, 60_000);
  },
);

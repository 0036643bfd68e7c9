/** The firmware's image for a Cortex-M3, on the board that QEMU emulates. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { compare, tellOverLoopback } from '../scripts/same-scenario.ts';
import { hasPart } from '../test/parts.ts';
import { buildFirmware } from './build.ts';
import { tellToFirmware } from './scenario.ts';
import { beam, createFirmwareLab, shown } from './test/firmware-lab.ts';

const firmwareLab = createFirmwareLab();

describe.skipIf(!hasPart('arm-none-eabi-gcc') || !hasPart('qemu-system-arm'))(
  'the firmware on an emulated Cortex-M3 [needs arm-none-eabi-gcc, qemu-system-arm]',
  () => {
    let image: string;
    beforeAll(() => {
      image = buildFirmware({ target: 'board', folder: join(firmwareLab.folder, 'board') });
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
  },
);

/** Each fault that drivers are known to have is built into the firmware once, and must be seen as a wrong beam by whoever looks at its chips. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { compare, tellOverLoopback } from '../../scripts/same-scenario.ts';
import { hasPart } from '../../test/parts.ts';
import { buildFirmware } from './build.ts';
import { tellToFirmware } from './scenario.ts';
import { SIZE, beam, createFirmwareLab, mutated as mutatedIn, shown, weightsOf } from './test/firmware-lab.ts';

const DRIVER = 'chips/adar1000/adar1000.c';
const firmwareLab = createFirmwareLab();

const mutated = (file: string, from: string | RegExp, to: string) => mutatedIn(firmwareLab.folder, file, from, to);

describe.skipIf(!hasPart('gcc'))('a driver with a fault is seen as a wrong beam [needs gcc]', () => {
  const right = join(firmwareLab.folder, 'right');
  let program: string;
  beforeAll(() => {
    program = buildFirmware({ target: 'host', folder: right });
  }, 120_000);

  /** How many places show something else than they should, and whether the weights are right. */
  async function wrongPlaces(built: string): Promise<{ places: number; weights: boolean }> {
    const { panel, bench } = await firmwareLab.open('host', built);
    await panel.apply(beam(1));
    expect(await panel.apply(beam(2))).toMatchObject({ ok: true });
    const words = bench.bus.words();
    const places = shown(2).filter((word, place) => words?.[place] !== word).length;
    return { places, weights: bench.bus.weights()?.join() === weightsOf(2).join() };
  }

  it('and one without a fault is not', async () => {
    expect(await wrongPlaces(program)).toEqual({ places: 0, weights: true });
  });

  it.each<[string, string, string | RegExp, string]>([
    ['an empty table', DRIVER, /adar1000_phases\[128\] = \{[^;]*\}/, 'adar1000_phases[128] = {{0, 0}}'],
    ['registers counted from 1', DRIVER, '2u * channel', '2u * (channel + 1u)'],
    ['a wrap at 360° to the wrong neighbour', DRIVER, 'words[place] & 127u', 'words[place] % 127u'],
    ['the latch bit of the other direction', DRIVER, 'LD_WRK_REGS, LDTX_OVERRIDE', 'LD_WRK_REGS, 0x01'],
    ['I and Q changed over', DRIVER, /channel\), codes\.i/, 'channel), codes.q'],
    ['channels in reverse', 'chip.c', '(uint8_t)(place % chip.channels)', '(uint8_t)(3u - place % chip.channels)'],
    ['chips in reverse', 'chip.c', '(uint8_t)(number % chip.per_line)', '(uint8_t)(3u - number % chip.per_line)'],
    ['select lines off by one', 'chip.c', '<< (number / chip.per_line)', '<< (number / 4u ^ 1u)'],
    [
      'a latch on the first line only',
      DRIVER,
      'write_all(array, LD_WRK_REGS, LDTX_OVERRIDE);',
      'for (uint8_t a = 0; a < 4u; a++) write_register(array, 1u, a, LD_WRK_REGS, LDTX_OVERRIDE);',
    ],
    ['a sign turned over', DRIVER, 'codes.i);', 'codes.i ^ 0x20u);'],
  ])('%s', async (_fault, file, from, to) => {
    const changed = { build: right, sources: mutated(file, from, to) };
    const built = buildFirmware({ target: 'host', folder: mkdtempSync(join(firmwareLab.folder, 'mutant-')), changed });
    const { places } = await wrongPlaces(built);
    expect(places).toBeGreaterThan(0);
  });

  it('and the story that the demonstration compares tells of it', async () => {
    const changed = { build: right, sources: mutated(DRIVER, 'words[place] & 127u', 'words[place] % 127u') };
    const built = buildFirmware({ target: 'host', folder: mkdtempSync(join(firmwareLab.folder, 'mutant-')), changed });
    const firmware = await firmwareLab.start({ target: 'host', program: built, args: SIZE });
    const comparison = compare(await tellOverLoopback(3), await tellToFirmware(firmware, 3));
    expect(comparison.equal).toBe(false);
    expect(comparison.differentWords).toBeGreaterThan(0);
    expect(comparison.differentWords).toBeLessThan(30);
  });

  it('weights that are staged and never loaded', async () => {
    const changed = {
      build: right,
      sources: mutated('array.c', 'BENCH_LOAD_WEIGHTS | BENCH_AMPLIFIERS_ON', 'BENCH_AMPLIFIERS_ON'),
    };
    const built = buildFirmware({ target: 'host', folder: mkdtempSync(join(firmwareLab.folder, 'mutant-')), changed });
    expect(await wrongPlaces(built)).toEqual({ places: 0, weights: false });
  });
});

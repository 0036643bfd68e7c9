/** Each fault that drivers are known to have is built into the firmware once, and must be seen as a wrong beam by whoever looks at its chips. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { compare, tellOverLoopback } from '../../scripts/same-scenario.ts';
import { hasPart } from '../../test/parts.ts';
import { buildFirmware } from './build.ts';
import { tellToFirmware } from './scenario.ts';
import { SIZE, beam, createFirmwareLab, shown, weightsOf } from './test/firmware-lab.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const firmwareLab = createFirmwareLab();

/** A source with one passage changed wherever it stands, as a file of its own. */
function mutated(file: string, from: string | RegExp, to: string): Record<string, string> {
  const source = readFileSync(join(HERE, file), 'utf8');
  const changed = source.replaceAll(typeof from === 'string' ? from : new RegExp(from, 'g'), to);
  expect(changed, `${file} has no ${String(from)} any more`).not.toBe(source);
  const path = join(mkdtempSync(join(firmwareLab.folder, 'mutant-')), file);
  writeFileSync(path, changed);
  return { [file]: path };
}

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
    ['an empty table', 'adar1000.c', /adar1000_phases\[128\] = \{[^;]*\}/, 'adar1000_phases[128] = {{0, 0}}'],
    ['registers counted from 1', 'adar1000.c', '2u * channel', '2u * (channel + 1u)'],
    ['a wrap at 360° to the wrong neighbour', 'adar1000.c', 'words[place] & 127u', 'words[place] % 127u'],
    ['the latch bit of the other direction', 'adar1000.c', 'LD_WRK_REGS, LDTX_OVERRIDE', 'LD_WRK_REGS, 0x01'],
    ['I and Q changed over', 'adar1000.c', /channel\), codes\.i/, 'channel), codes.q'],
    ['channels in reverse', 'adar1000.c', '(place % ADAR1000_CHANNELS)', '(3u - place % ADAR1000_CHANNELS)'],
    ['chips in reverse', 'adar1000.c', '(uint8_t)(chip % ADAR1000_CHIPS_PER_LINE)', '(uint8_t)(3u - chip % 4u)'],
    ['select lines off by one', 'adar1000.c', '<< (chip / ADAR1000_CHIPS_PER_LINE)', '<< (chip / 4u ^ 1u)'],
    [
      'a latch on the first line only',
      'adar1000.c',
      'write_all(array, LD_WRK_REGS, LDTX_OVERRIDE);',
      'for (uint8_t a = 0; a < 4u; a++) write_register(array, 1u, a, LD_WRK_REGS, LDTX_OVERRIDE);',
    ],
    ['a sign turned over', 'adar1000.c', 'codes.i);', 'codes.i ^ 0x20u);'],
  ])('%s', async (_fault, file, from, to) => {
    const changed = { build: right, sources: mutated(file, from, to) };
    const built = buildFirmware({ target: 'host', folder: mkdtempSync(join(firmwareLab.folder, 'mutant-')), changed });
    const { places } = await wrongPlaces(built);
    expect(places).toBeGreaterThan(0);
  });

  it('and the story that the demonstration compares tells of it', async () => {
    const changed = { build: right, sources: mutated('adar1000.c', 'words[place] & 127u', 'words[place] % 127u') };
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

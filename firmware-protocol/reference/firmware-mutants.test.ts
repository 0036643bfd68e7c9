/** Each fault that drivers are known to have is built into the firmware once, and must be seen as a wrong beam by whoever looks at its chips. */
import { mkdtempSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeFrame } from '../codec.ts';
import { compare, tellOverLoopback } from '../../scripts/same-scenario.ts';
import { hasPart } from '../../test/parts.ts';
import { buildFirmware } from './build.ts';
import { tellToFirmware } from './scenario.ts';
import type { Bench } from './scenario.ts';
import { builtFirmware } from './test/built-firmware.ts';
import { PLACES, SIZE, beam, createFirmwareLab, mutated as mutatedIn, shown, weightsOf } from './test/firmware-lab.ts';

const DRIVER = 'chips/adar1000/adar1000.c';
const LIBRARY = '../c/';
const firmwareLab = createFirmwareLab();

const mutated = (file: string, from: string | RegExp, to: string) => mutatedIn(firmwareLab.folder, file, from, to);

describe.skipIf(!hasPart('gcc'))('a driver with a fault is seen as a wrong beam [needs gcc]', () => {
  let program: string;
  beforeAll(async () => {
    program = await builtFirmware({ target: 'host' });
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
    const changed = { build: dirname(program), sources: mutated(file, from, to) };
    const built = buildFirmware({ target: 'host', folder: mkdtempSync(join(firmwareLab.folder, 'mutant-')), changed });
    const { places } = await wrongPlaces(built);
    expect(places).toBeGreaterThan(0);
  });

  it('and the story that the demonstration compares tells of it', async () => {
    const changed = { build: dirname(program), sources: mutated(DRIVER, 'words[place] & 127u', 'words[place] % 127u') };
    const built = buildFirmware({ target: 'host', folder: mkdtempSync(join(firmwareLab.folder, 'mutant-')), changed });
    const firmware = await firmwareLab.start({ target: 'host', program: built, args: SIZE });
    const comparison = compare(await tellOverLoopback(3), await tellToFirmware(firmware, 3));
    expect(comparison.equal).toBe(false);
    expect(comparison.differentWords).toBeGreaterThan(0);
    expect(comparison.differentWords).toBeLessThan(30);
  });

  /** What is not as it should be of beams with places off and gains of their own. */
  async function wrongSettings(built: string): Promise<string[]> {
    const { panel, bench } = await firmwareLab.open('host', built);
    const wrong = new Set<string>();
    const expectShown = (what: string, { enabled, gains }: Settings): void => {
      const share = (place: number): number => (enabled?.[place] === 0 ? 0 : ((gains?.[place] ?? 127) + 1) / 128);
      if (amplitudesOf(bench).some((amplitude, place) => !(Math.abs(amplitude / whole[place] - share(place)) < 1e-9)))
        wrong.add(what);
    };
    const like1 = (beamId: number, settings: Settings = {}) => ({ ...beam(1), beamId, ...settings });

    await panel.apply(beam(1));
    const whole = amplitudesOf(bench);
    const allowed = new Set([ALL.join(), OFF.join(), OTHERS.join()]);
    bench.bus.onRadiated(() => {
      const on = amplitudesOf(bench).map((amplitude) => (amplitude > 0 ? 1 : 0));
      if (on.includes(1) && !allowed.has(on.join())) wrong.add('between two beams');
    });
    await panel.apply(like1(2, { enabled: OFF }));
    expectShown('enables', { enabled: OFF });
    await panel.apply(like1(3, { gains: GAINS }));
    expectShown('gains', { gains: GAINS });
    await panel.apply(like1(4, { enabled: OFF, gains: GAINS }));
    expectShown('both', { enabled: OFF, gains: GAINS });
    await panel.apply(like1(5, { enabled: OTHERS }));
    expectShown('others off', { enabled: OTHERS });
    await panel.apply(like1(6));
    expectShown('the next beam', {});

    await panel.storeBeam(like1(7, { enabled: OFF, gains: GAINS }), 3);
    await panel.setSafeState('codeword', { position: 3, enter: true });
    expectShown('the codeword', { enabled: OFF, gains: GAINS });
    await panel.apply(like1(8));
    bench.link.send(encodeFrame({ seq: 9, message: { type: 'select-beam', beamId: 9, position: 3 } }));
    expect(await panel.ping()).toMatchObject({ ok: true });
    expectShown('a beam of the memory', { enabled: OFF, gains: GAINS });

    // A beam that stands ready for its time, and another one at once with the same words and weights.
    for (const [id, settings] of [
      [10, { enabled: OFF }],
      [12, { gains: GAINS }],
    ] as const) {
      const staged = await panel.stage(like1(id, settings));
      const sample = await panel.syncClock();
      if (!staged.ok || !sample.ok) throw new Error(JSON.stringify([staged, sample]));
      await panel.arm(staged.value, sample.value.panelSendUs + 3_600_000_000n);
      await panel.apply(like1(id + 1));
      expectShown('a beam before its time', {});
    }
    return [...wrong];
  }

  it('and one without a fault shows enables and gains as they were sent', async () => {
    expect(await wrongSettings(program)).toEqual([]);
  });

  it.each<[string, string, string, string, string]>([
    ['off where on was asked', DRIVER, 'enables[place] == 0) staged', 'enables[place] != 0) staged', 'enables'],
    ['the bits of a chip in reverse', DRIVER, 'CH1_TX_ENABLED >> (place', '8u << (place', 'enables'],
    ['another chip switched off', DRIVER, 'staged_enables[place / ADAR1000_CHANNELS]', 'staged_enables[place / 8u]', 'enables'],
    ['enables that go out before the load', DRIVER, 'loaded_enables[number] | staged', 'staged', 'between two beams'],
    [
      'places that stay off',
      DRIVER,
      'memset(staged_enables, ALL',
      'if (enables != NULL || staged_enables[0] == 0) memset(staged_enables, ALL',
      'the next beam',
    ],
    ['one gain for all', DRIVER, 'beam->gains[place] & 127u', 'beam->gains[0] & 127u', 'gains'],
    [
      'gains that only come with enables',
      DRIVER,
      'beam->enables == NULL && beam->gains == NULL',
      'beam->enables == NULL',
      'gains',
    ],
    ['full gain in the memory', DRIVER, 'entry, gain_of(beam, place)', 'entry, FULL_GAIN', 'a beam of the memory'],
    ['enables forgotten on the way to the chips', 'firmware.c', '{beam->words, beam->enables,', '{beam->words, NULL,', 'enables'],
    ['gains forgotten on the way to the chips', 'firmware.c', 'beam->enables, beam->gains}', 'beam->enables, NULL}', 'gains'],
    [
      'a beam that stands ready taken for one with other enables',
      'array.c',
      'same(a->enables, b->enables, array.places)',
      'true',
      'a beam before its time',
    ],
    [
      'a beam that stands ready taken for one with other gains',
      'array.c',
      'same(a->gains, b->gains, array.places * sizeof *a->gains)',
      'true',
      'a beam before its time',
    ],
    [
      'enables that the library leaves from the beam before',
      `${LIBRARY}beamrig_beams.c`,
      '(parts & BEAMRIG_WITH_ENABLES) != 0 ? beamrig',
      'true ? beamrig',
      'the next beam',
    ],
    [
      'gains that the library does not keep with a stored beam',
      `${LIBRARY}beamrig_requests.c`,
      '(uint8_t)(STORED_WORDS | parts)',
      '(uint8_t)(STORED_WORDS | (parts & 3u))',
      'the codeword',
    ],
  ])('%s', async (_fault, file, from, to, seen) => {
    const changed = { build: dirname(program), sources: mutated(file, from, to) };
    const built = buildFirmware({ target: 'host', folder: mkdtempSync(join(firmwareLab.folder, 'mutant-')), changed });
    expect(await wrongSettings(built)).toContain(seen);
  });

  it('weights that are staged and never loaded', async () => {
    const changed = {
      build: dirname(program),
      sources: mutated('array.c', 'BENCH_LOAD_WEIGHTS | BENCH_AMPLIFIERS_ON', 'BENCH_AMPLIFIERS_ON'),
    };
    const built = buildFirmware({ target: 'host', folder: mkdtempSync(join(firmwareLab.folder, 'mutant-')), changed });
    expect(await wrongPlaces(built)).toEqual({ places: 0, weights: false });
  });
});

interface Settings {
  enabled?: Uint8Array;
  gains?: Uint16Array;
}

const ALL = new Uint8Array(PLACES).fill(1);
/** Another pattern on each chip and each line, and not that of a neighbour. */
const OFF = Uint8Array.from({ length: PLACES }, (_, place) => ((place * place + Math.floor(place / 4)) % 7 < 2 ? 0 : 1));
const OTHERS = Uint8Array.from({ length: PLACES }, (_, place) => (place % 5 === 1 ? 0 : 1));
const GAINS = Uint16Array.from({ length: PLACES }, (_, place) => (29 * place + 3) % 128);

/** What each place radiates, as its chip decodes: 0 where it is off. */
function amplitudesOf({ bus }: Bench): number[] {
  return bus.chips.flatMap((chip) =>
    [0, 1, 2, 3].map((channel) => {
      const { re, im } = chip.radiated(channel);
      return Math.hypot(re, im);
    }),
  );
}

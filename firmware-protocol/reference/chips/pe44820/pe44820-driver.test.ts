/** The driver in C: its words against bits derived apart from it; chips.test.ts has the rest. And what a board does with chips that keep no beam. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { pe44820 } from '../../../../hil-sim/chips/pe44820.ts';
import { hasPart } from '../../../../test/parts.ts';
import { buildFirmware } from '../../build.ts';
import { builtFirmware } from '../../test/built-firmware.ts';
import { driverLines } from '../../test/driver-lines.ts';
import { beam, createFirmwareLab, mutated, shown } from '../../test/firmware-lab.ts';
import { putOn } from '../../test/lossy-bench.ts';
import type { Line } from '../../test/lossy-bench.ts';

const vectors = JSON.parse(readFileSync(new URL('./pe44820.json', import.meta.url), 'utf8')) as {
  states: { word: number; bits: string }[];
};
const STATES = 256;
const firmwareLab = createFirmwareLab();

describe.skipIf(!hasPart('gcc'))('the PE44820 driver [needs gcc]', () => {
  it('clocks out the bits of all 256 states, each for the address and on the line of its place', () => {
    // Place p has address p mod 16, and the words rise by one.
    const expected = vectors.states.map(({ word, bits }) => ({ lines: 2 ** Math.floor(word / 16), word: parseInt(bits, 2) }));
    expect(driverLines('pe44820', STATES, 1).wordsOf('stage')).toEqual(expected);
  });
});

describe.skipIf(!hasPart('gcc'))('a board of PE44820, which show what they are told at once [needs gcc]', () => {
  let program: string;
  beforeAll(async () => {
    program = await builtFirmware({ target: 'host', chip: 'pe44820' });
  }, 120_000);

  /** A board that shows beam 1, and all that is radiated from then on, looked at after every single word: chips latch one after the other. */
  const radiating = async (built: string) => {
    let line: Line | undefined;
    const { panel, bench } = await firmwareLab.open('host', built, {
      chip: pe44820,
      prepare: (bus) => (line = putOn(bus)),
    });
    if (line === undefined) throw new Error('no line');
    expect(await panel.apply(beam(1, true, STATES))).toMatchObject({ ok: true });
    const moments = new Set<string>();
    const look = (): void => void moments.add(bench.bus.words()?.join() ?? 'dark');
    bench.bus.onRadiated(look);
    for (const chip of bench.bus.chips) {
      const word = chip.word.bind(chip);
      chip.word = (bits) => {
        const read = word(bits);
        look();
        return read;
      };
    }
    return { panel, bench, line, moments };
  };
  const whole = (...beamIds: number[]): string[] => beamIds.map((beamId) => shown(beamId, STATES).join());

  it('is dark from the first word of a beam to the last', async () => {
    const { panel, moments } = await radiating(program);
    await panel.apply(beam(2, true, STATES));
    expect([...moments]).toEqual(['dark', ...whole(2)]);
  });

  it('would radiate a mixture of two beams if it were not', async () => {
    const sources = mutated(firmwareLab.folder, 'array.c', 'chip.load == NULL && !bench_finish', 'false && !bench_finish');
    const built = buildFirmware({
      target: 'host',
      folder: join(firmwareLab.folder, 'bright'),
      chip: 'pe44820',
      changed: { build: dirname(program), sources },
    });
    const { panel, moments } = await radiating(built);
    await panel.apply(beam(2, true, STATES));
    expect([...moments].filter((moment) => ![...whole(1, 2), 'dark'].includes(moment))).not.toEqual([]);
  });

  it('writes nothing before it is known to be dark', async () => {
    const { panel, bench, line, moments } = await radiating(program);
    // The transfer that switches the amplifiers off gets lost, once.
    let lost = false;
    line.loses = (frame) => frame[1] === 0x70 && (frame[4] & 2) !== 0 && !lost && (lost = true);
    expect(await panel.apply(beam(2, true, STATES))).toMatchObject({ ok: false, failure: { reason: 'rejected', code: 'fault' } });
    expect(lost).toBe(true);
    expect([...moments].filter((moment) => ![...whole(1), 'dark'].includes(moment))).toEqual([]);
    await expect.poll(() => panel.status(), { timeout: 10_000 }).toMatchObject({ ok: true, value: { state: 'idle' } });
    expect(bench.bus.words()).toBeUndefined();
    expect(await panel.apply(beam(3, true, STATES))).toMatchObject({ ok: true });
    expect(bench.bus.words()).toEqual(shown(3, STATES));
  });

  it('does not notice that chips were without supply, and is right again with the next beam', async () => {
    const { panel, bench } = await radiating(program);
    for (const chip of bench.bus.chips.slice(10, 20)) chip.powerCycle();
    expect(await panel.status()).toMatchObject({ ok: true, value: { state: 'radiating' } });
    await panel.apply(beam(2, true, STATES));
    expect(bench.bus.words()).toEqual(shown(2, STATES));
  });
});

/**
 * What holds for every kind of chip, whatever its registers are: the simulated one against vectors derived apart from it, the driver in C
 * against the simulated one, and the firmware with both. What only one kind has is in a test of its own.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { CHIPS, CHIP_NAMES } from '../../../hil-sim/chips/chips.ts';
import { compare, tellOverLoopback } from '../../../scripts/same-scenario.ts';
import { hasPart } from '../../../test/parts.ts';
import { tellToFirmware } from '../scenario.ts';
import { builtFirmware } from '../test/built-firmware.ts';
import { chipsOnLines, driverLines, shownBy } from '../test/driver-lines.ts';
import type { DriverLines } from '../test/driver-lines.ts';
import type { Lab } from '../test/firmware-lab.ts';
import { SIZE, beam, createFirmwareLab, shown, weightsOf } from '../test/firmware-lab.ts';

const HERE = new URL('.', import.meta.url);
const firmwareLab = createFirmwareLab();

it('every kind has a folder with its driver, and every folder is a kind', () => {
  const folders = readdirSync(HERE, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name).sort()).toEqual([...CHIP_NAMES].sort());
  for (const name of CHIP_NAMES) expect(CHIPS[name].name).toBe(name);
});

describe.each(CHIP_NAMES)('%s, simulated', (name) => {
  const kind = CHIPS[name];

  it('has the states of its vectors, of mean magnitude 1, and knows the word of each', () => {
    const vectors = JSON.parse(readFileSync(new URL(`${name}/${name}.json`, HERE), 'utf8')) as {
      meanMagnitudeSteps: number;
      states: { word: number; re: number; im: number }[];
    };
    const { re, im } = kind.states();
    expect(vectors.states.map(({ word }) => word)).toEqual(Array.from({ length: 2 ** kind.phaseBits }, (_, word) => word));
    expect([re.length, im.length]).toEqual([vectors.states.length, vectors.states.length]);
    expect(kind.fullScale).toBeCloseTo(vectors.meanMagnitudeSteps, 6);
    for (const state of vectors.states) {
      expect(re[state.word] * kind.fullScale).toBeCloseTo(state.re, 6);
      expect(im[state.word] * kind.fullScale).toBeCloseTo(state.im, 6);
      expect(kind.wordOf(state)).toBe(state.word);
    }
    expect(kind.wordOf({ re: 0, im: 0 })).toBeUndefined();
  });
});

describe.skipIf(!hasPart('gcc')).each(CHIP_NAMES)('the driver of %s [needs gcc]', (name) => {
  const kind = CHIPS[name];
  const states = 2 ** kind.phaseBits;
  // Neither the last line nor the last chip is full.
  const places = states + kind.chipsPerLine * kind.channels + 1;
  const beamOf = (step: number) => Array.from({ length: places }, (_, place) => (step * place) % states);
  let driver: DriverLines;
  let other: DriverLines;
  beforeAll(() => {
    driver = driverLines(name, places, 1);
    other = driverLines(name, places, 3);
  }, 60_000);
  const has = (called: string): boolean => driver.wordsOf(called).length > 0;
  /** What the places of an array show that was told the words of these calls, from the first supply on. */
  const shownAfter = (...calls: { wordsOf: string; of?: DriverLines }[]) => {
    const { chips, take } = chipsOnLines(kind, places);
    for (const { wordsOf, of = driver } of calls) take(of.wordsOf(wordsOf));
    return shownBy(kind, chips).slice(0, places);
  };
  const [start, stage, load, mute] = ['start', 'stage', 'load', 'mute'].map((wordsOf) => ({ wordsOf }));
  const stageOther = () => ({ wordsOf: 'stage', of: other });
  const silent = () => new Array<undefined>(places).fill(undefined);

  it('is for the chip that it says', () => {
    expect(driver.facts.slice(0, 4)).toEqual([name, kind.phaseBits, kind.channels, kind.chipsPerLine].map(String));
  });

  it('shows every word of every place, also in chips that were without supply before', () => {
    expect(shownAfter(start, stage, load)).toEqual(beamOf(1));
    expect(shownAfter(stage, load)).toEqual(beamOf(1));
  });

  it('shows the beam before, whole, until the next one is loaded, where it has a load', () => {
    if (!has('load')) return;
    expect(shownAfter(start, stage, load, stageOther())).toEqual(beamOf(1));
    expect(shownAfter(start, stage, load, stageOther(), load)).toEqual(beamOf(3));
  });

  it('is silent after a mute and until the next load, where it can be', () => {
    if (!has('mute')) return;
    expect(shownAfter(start)).toEqual(silent());
    expect(shownAfter(start, stage, load, mute)).toEqual(silent());
    expect(shownAfter(start, stage, load, mute, load)).toEqual(silent());
  });

  it('keeps a beam in its memory without showing it, and fetches it in fewer words, where it has one', () => {
    expect(has('store')).toBe(driver.facts[4] !== '0');
    if (!has('store')) return;
    const [store, fetch] = [{ wordsOf: 'store' }, { wordsOf: 'fetch' }];
    expect(shownAfter(start, stageOther(), load, store)).toEqual(beamOf(3));
    expect(shownAfter(start, stageOther(), load, store, fetch)).toEqual(beamOf(3));
    expect(shownAfter(start, stageOther(), load, store, fetch, load)).toEqual(beamOf(1));
    expect(driver.wordsOf('fetch').length).toBeLessThan(driver.wordsOf('stage').length);
  });

  it('reads a mark that goes with the supply, where chips can be read', () => {
    if (!has('mark')) return;
    const { chips, take } = chipsOnLines(kind, kind.chipsPerLine * kind.channels);
    take(driver.wordsOf('start'));
    const [write, read] = driver.wordsOf('mark');
    expect(kind.reads(write.word)).toBe(false);
    expect(kind.reads(read.word)).toBe(true);
    take([write]);
    expect(chips.map((chip) => chip.word(read.word))).toEqual(chips.map((_, at) => (at === 1 ? 0x5a : undefined)));
    chips[1].powerCycle();
    take(driver.wordsOf('start'));
    expect(chips[1].word(read.word)).not.toBe(0x5a);
  });

  it('reaches the chips of all 32 lines', () => {
    const most = 32 * kind.chipsPerLine * kind.channels;
    const largest = driverLines(name, most, 1);
    const { chips, take } = chipsOnLines(kind, most);
    for (const called of ['start', 'stage', 'load']) take(largest.wordsOf(called));
    expect(shownBy(kind, chips)).toEqual(Array.from({ length: most }, (_, place) => place % states));
    expect(() => driverLines(name, most + 1, 1)).toThrow();
  });
});

describe.skipIf(!hasPart('gcc')).each(CHIP_NAMES)('the firmware with %s, under sanitizers [needs gcc]', (name) => {
  const kind = CHIPS[name];
  const states = 2 ** kind.phaseBits;
  let program: string;
  beforeAll(async () => {
    program = await builtFirmware({ target: 'host', chip: name, sanitize: true });
  }, 120_000);
  const lab = (): Promise<Lab> => firmwareLab.open('host', program, { chip: kind });

  it('says what it is', async () => {
    const { panel } = await lab();
    expect(panel.capabilities).toMatchObject({
      phaseBits: kind.phaseBits,
      firmware: expect.stringContaining(`-${name} `) as string,
    });
    const [gainBits, enables] = driverLines(name, 4, 1).facts.slice(5).map(Number);
    expect(panel.capabilities).toMatchObject({ gainBits });
    const named = panel.capabilities?.features.filter((feature) => feature.startsWith('element-'));
    expect(named).toEqual([...(gainBits > 0 ? ['element-gain'] : []), ...(enables > 0 ? ['element-enable'] : [])]);
  });

  it('tells the story that loopback tells, word by word', async () => {
    const firmware = await firmwareLab.start({ target: 'host', program, args: SIZE });
    const comparison = compare(await tellOverLoopback(5, kind), await tellToFirmware(firmware, 5, kind));
    expect(comparison).toMatchObject({ cycles: 5, differentWords: 0, cyclesThatDiffer: 0, greatestTrueDifferenceDb: 0 });
    expect(firmware.complaints()).toBe('');
  });

  it('shows whole beams with their weights and nothing in between, and is dark after a mute', async () => {
    const { panel, bench } = await lab();
    const moments: string[] = [];
    const lookNow = (): string => `${bench.bus.words()?.join() ?? 'dark'} ${bench.bus.weights()?.join()}`;
    bench.bus.onRadiated(() => moments.push(lookNow()));
    for (const beamId of [1, 2, 3]) {
      expect(await panel.apply(beam(beamId, true, states))).toMatchObject({ ok: true });
      expect(bench.bus.words()).toEqual(shown(beamId, states));
    }
    await panel.setSafeState('mute', { enter: true });
    expect(bench.bus.words()).toBeUndefined();
    const whole = [1, 2, 3].map((beamId) => `${shown(beamId, states).join()} ${weightsOf(beamId).join()}`);
    expect([...new Set(moments)].filter((moment) => !moment.startsWith('dark'))).toEqual(whole);
  });

  it('switches a whole beam when its time has come', async () => {
    const { panel, bench } = await lab();
    await panel.apply(beam(1, true, states));
    const staged = await panel.stage(beam(2, true, states));
    const sample = await panel.syncClock();
    if (!staged.ok || !sample.ok) throw new Error(JSON.stringify([staged, sample]));
    expect(await panel.arm(staged.value, sample.value.panelSendUs + 1_000_000n)).toMatchObject({ ok: true });
    const moments = new Set<string | undefined>();
    bench.bus.onRadiated(() => moments.add(bench.bus.words()?.join()));
    expect(bench.bus.words()).toEqual(shown(1, states));
    await expect.poll(() => bench.bus.words(), { timeout: 10_000 }).toEqual(shown(2, states));
    expect(await panel.confirm(staged.value)).toMatchObject({ ok: true, value: { beamId: 2 } });
    moments.delete(undefined);
    moments.delete(shown(1, states).join());
    expect([...moments]).toEqual([shown(2, states).join()]);
  });

  it('shows a beam that it was told to keep', async () => {
    const { panel, bench } = await lab();
    expect(await panel.storeBeam(beam(1, true, states), 3)).toMatchObject({ ok: true });
    await panel.apply(beam(2, true, states));
    await panel.setSafeState('codeword', { position: 3, enter: true });
    expect(bench.bus.words()).toEqual(shown(1, states));
  });
});

/**
 * One story for whatever panel is to be held to another: users move, a model chooses beams, the panel radiates and measures. World, array and
 * pilots come from one seed, so that two panels which do the same radiate the same.
 */
import { createRealClock } from '../clock/real-clock.ts';
import type { Clock } from '../clock/clock.ts';
import { BeamrigError } from '../errors/beamrig-error.ts';
import { adar1000States } from '../hil-sim/adar1000.ts';
import type { Air } from '../hil-sim/air.ts';
import { createAir } from '../hil-sim/air.ts';
import type { BenchBus } from '../hil-sim/bench-bus.ts';
import { createBenchBus } from '../hil-sim/bench-bus.ts';
import { createSimulatedArray } from '../hil-sim/simulated-array.ts';
import type { SimulatedArray } from '../hil-sim/simulated-array.ts';
import { createVirtualPanel } from '../hil-sim/virtual-panel.ts';
import type { Random } from '../signal/random.ts';
import { createRandom } from '../signal/random.ts';
import { fromDb, toDb } from '../signal/rate.ts';
import type { Beamformer } from '../src/beamforming/beamformer.ts';
import { openBeamformer } from '../src/beamforming/open-beamformer.ts';
import { quantiseAndResolve } from '../src/beamforming/quantise-and-resolve.ts';
import { parseRigFile } from '../src/config/rig-file.ts';
import type { RigFile } from '../src/config/rig-file.ts';
import type { BlockFading } from '../src/control/channel-source.ts';
import type { Link } from '../src/link/link.ts';
import { createLoopbackLink } from '../src/link/loopback.ts';
import type { PanelEnd } from '../src/link/panel-end.ts';
import { createSerialPanelEnd } from '../src/link/serial-panel-end.ts';
import { createSerialLink } from '../src/link/serial.ts';
import { createPanel } from '../src/panel/panel-driver.ts';
import type { Panel } from '../src/panel/panel.ts';
import { createWorld } from '../src/rig/world.ts';
import type { RunningFirmware } from './run-firmware.ts';

export const ELEMENTS = 64;
export const RF_CHAINS = 4;
export const USERS = 4;

const RIG = `
name: firmware
seed: 7
array: { geometry: { kind: ula, elements: ${ELEMENTS} }, rfChains: ${RF_CHAINS}, phaseBits: 7 }
users: { count: ${USERS} }
snrDb: 10
beamformer: { model: unfolded-pga-n64 }
simulator: { phaseShifter: adar1000, userSpeedMps: 1.4 }
`;
const PILOTS = 64;
const NOISE = 1;
/** A pseudo terminal has no line rate. */
const BAUD_RATE = 921_600;

/** What happened in each cycle. */
export interface Story {
  /** As radiated; undefined when nothing was. */
  words: (Uint16Array | Int16Array | undefined)[];
  /** Mean over the users, dB: as measured from pilots, and the truth. */
  measuredSnrDb: number[];
  trueSnrDb: number[];
  /** From the call of apply to the reading, ms. */
  cycleMs: number[];
}

/** A panel, and what is known of it that no panel would tell. */
interface Witnessed {
  panel: Panel;
  radiated(): Uint16Array | Int16Array | undefined;
  trueSinr(): Float64Array;
}

interface Setting {
  clock: Clock;
  rig: RigFile;
  world: BlockFading;
  array: SimulatedArray;
  random: Random;
}

function createSetting(): Setting {
  const rig = parseRigFile(RIG, 'the firmware scenario');
  const random = createRandom(rig.seed).stream('simulator');
  const { rfChains, phaseBits } = rig.array;
  const array = createSimulatedArray({
    elements: ELEMENTS,
    rfChains,
    phaseBits,
    random: random.stream('array'),
    states: adar1000States(),
  });
  return { clock: createRealClock(), rig, world: createWorld({ rig, random, repeat: false }), array, random };
}

/** The story over loopback: the virtual panel with the states of an ADAR1000. */
export async function tellOverLoopback(cycles: number): Promise<Story> {
  const { clock, rig, world, array, random } = createSetting();
  const virtual = createVirtualPanel({ clock, array, scene: world.scene, noise: NOISE, random: random.stream('panel') });
  const panel = createPanel({ link: createLoopbackLink(virtual), clock, random: random.stream('driver') });
  try {
    const witnessed = { panel, radiated: () => virtual.radiated().words, trueSinr: () => virtual.trueSinr() };
    return await tell(witnessed, { clock, rig, world, cycles });
  } finally {
    await panel.close();
    virtual.close();
  }
}

/** The firmware's surroundings: chips, baseband and users behind its bench port, in a world of their own. */
export interface Bench {
  bus: BenchBus;
  air: Air;
  setting: Setting;
  /** To the port with the panel protocol. */
  link: Link;
  /** On the bench port. */
  end: PanelEnd;
  close(): Promise<void>;
}

/**
 * Puts the bench on the firmware's second UART.
 * @param prepare what to do with the bench before the board finds it
 * @throws {BeamrigError} 'link' when a port cannot be opened
 */
export async function attachBench(firmware: RunningFirmware, prepare: (bus: BenchBus) => void = () => undefined): Promise<Bench> {
  const setting = createSetting();
  const air = benchAir(setting);
  const bus = createBenchBus({ part: air.part() });
  prepare(bus);
  const end = createSerialPanelEnd({ path: firmware.benchPort, baudRate: BAUD_RATE });
  await end.open(bus);
  const link = createSerialLink({ name: 'firmware', path: firmware.hostPort, baudRate: BAUD_RATE });
  return {
    bus,
    air,
    setting,
    link,
    end,
    async close() {
      await link.close();
      await end.close();
    },
  };
}

/** An air with pilots of its own: readings agree with those over loopback within their noise and no better. */
export const benchAir = ({ array, world, random, clock }: Setting): Air =>
  createAir({ array, scene: world.scene, noise: NOISE, random: random.stream('bench'), clock });

/** The story told to the firmware; its words are what its chips decode to. */
export async function tellToFirmware(firmware: RunningFirmware, cycles: number): Promise<Story> {
  const bench = await attachBench(firmware);
  const { clock, rig, world, random } = bench.setting;
  const panel = createPanel({ link: bench.link, clock, random: random.stream('driver') });
  try {
    const witnessed = { panel, radiated: () => bench.bus.words(), trueSinr: () => bench.air.trueSinr() };
    return await tell(witnessed, { clock, rig, world, cycles });
  } finally {
    await panel.close();
    await bench.close();
  }
}

async function tell(
  { panel, radiated, trueSinr }: Witnessed,
  { clock, rig, world, cycles }: Pick<Setting, 'clock' | 'rig' | 'world'> & { cycles: number },
): Promise<Story> {
  const story: Story = { words: [], measuredSnrDb: [], trueSnrDb: [], cycleMs: [] };
  const needs = { elements: ELEMENTS, rfChains: RF_CHAINS, users: USERS, connection: rig.array.connection };
  const beamformer = await openBeamformer(rig.beamformer.model, needs);
  try {
    await connectWithin(panel, clock);
    for (let cycle = 0; cycle < cycles; cycle++) await tellCycle(cycle, beamformer);
    return story;
  } finally {
    await beamformer.close();
  }

  async function tellCycle(cycle: number, model: Beamformer): Promise<void> {
    const given = world.take(cycle);
    if (given === undefined) return;
    const { channel } = given;
    const power = fromDb(rig.snrDb);
    const wished = await model.compute({ channel, power, noise: NOISE });
    const bits = rig.array.phaseBits;
    const beam = quantiseAndResolve({ channel, analogPhase: wished.analogPhase, rfChains: RF_CHAINS, power, noise: NOISE, bits });
    world.present(cycle);
    const weights = new Float32Array(2 * beam.digital.re.length);
    for (let i = 0; i < beam.digital.re.length; i++) {
      weights[2 * i] = beam.digital.re[i];
      weights[2 * i + 1] = beam.digital.im[i];
    }
    const beamId = cycle + 1;
    const startMs = clock.nowMs();
    const applied = await panel.apply({ beamId, phaseBits: bits, words: beam.words, digital: { users: USERS, weights } });
    if (!applied.ok) throw failed(`cycle ${cycle}: the beam was not applied`, applied.failure);
    const measured = await panel.measureSnr(beamId, PILOTS);
    if (!measured.ok) throw failed(`cycle ${cycle}: the beam was not measured`, measured.failure);
    story.cycleMs.push(clock.nowMs() - startMs);
    story.words.push(radiated());
    story.measuredSnrDb.push(mean(measured.value.snrDb));
    story.trueSnrDb.push(mean(trueSinr().map(toDb)));
  }
}

/** Longest that a board may take to start its chips once the bench is there, ms. */
const START_MS = 20_000;

/** A board answers once its chips are set up. */
async function connectWithin(panel: Panel, clock: Clock): Promise<void> {
  const endMs = clock.nowMs() + START_MS;
  for (;;) {
    const shaken = await panel.connect();
    if (shaken.ok) return;
    if (shaken.failure.reason !== 'no-answer' || clock.nowMs() > endMs) throw failed('no handshake', shaken.failure);
  }
}

const failed = (what: string, failure: object): BeamrigError =>
  new BeamrigError('panel', `${what}: ${JSON.stringify(failure)}`, { wayOut: 'Look at what the firmware has said.' });

const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

export interface Comparison {
  cycles: number;
  wordsPerCycle: number;
  /** Words that differ, a cycle that radiates nothing counted whole. */
  differentWords: number;
  cyclesThatDiffer: number;
  meanSnrDb: { loopback: number; firmware: number };
  /** Mean of the differences cycle by cycle, firmware minus loopback, and its standard error. */
  differenceDb: number;
  standardErrorDb: number;
  /** Greatest difference of the true SNR in a cycle. */
  greatestTrueDifferenceDb: number;
  equal: boolean;
}

/** Readings agree when their mean difference is within so many of its standard errors. */
export const STANDARD_ERRORS = 4;

/** Holds the firmware's story to the one over loopback, word by word; `equal` when all words are and the readings agree within noise. */
export function compare(loopback: Story, firmware: Story): Comparison {
  const cycles = loopback.words.length;
  const wordsPerCycle = ELEMENTS * RF_CHAINS;
  const different = loopback.words.map((expected, cycle) => {
    const actual = firmware.words[cycle];
    if (expected === undefined || actual === undefined) return wordsPerCycle;
    return Array.from(expected).filter((word, place) => actual[place] !== word).length;
  });
  const differences = loopback.measuredSnrDb.map((db, cycle) => firmware.measuredSnrDb[cycle] - db);
  const differenceDb = mean(differences);
  const variance = differences.reduce((sum, db) => sum + (db - differenceDb) ** 2, 0) / Math.max(1, cycles - 1);
  const standardErrorDb = Math.sqrt(variance / cycles);
  const differentWords = different.reduce((sum, count) => sum + count, 0);
  return {
    cycles,
    wordsPerCycle,
    differentWords,
    cyclesThatDiffer: different.filter((count) => count > 0).length,
    meanSnrDb: { loopback: mean(loopback.measuredSnrDb), firmware: mean(firmware.measuredSnrDb) },
    differenceDb,
    standardErrorDb,
    greatestTrueDifferenceDb: Math.max(...loopback.trueSnrDb.map((db, cycle) => Math.abs(firmware.trueSnrDb[cycle] - db))),
    equal: differentWords === 0 && Math.abs(differenceDb) <= STANDARD_ERRORS * standardErrorDb,
  };
}

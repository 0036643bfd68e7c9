/**
 * One story for whatever panel is to be held to another: users move, a model chooses beams, the panel radiates and measures. It is told by a
 * whole rig, from rig file to record; world, array and pilots come from one seed, so that two panels which do the same radiate the same.
 */
import type { Clock } from '../clock/clock.ts';
import { createRealClock } from '../clock/real-clock.ts';
import { BeamrigError } from '../errors/beamrig-error.ts';
import { decodeFrame } from '../firmware-protocol/codec.ts';
import type { Air } from '../hil-sim/air.ts';
import { createAir } from '../hil-sim/air.ts';
import type { BenchBus } from '../hil-sim/bench-bus.ts';
import { createBenchBus } from '../hil-sim/bench-bus.ts';
import type { SimulatedArray } from '../hil-sim/simulated-array.ts';
import type { Random } from '../signal/random.ts';
import { createRandom } from '../signal/random.ts';
import { toDb } from '../signal/rate.ts';
import { parseRigFile } from '../src/config/rig-file.ts';
import type { RigFile } from '../src/config/rig-file.ts';
import type { BlockFading } from '../src/control/channel-source.ts';
import type { Link } from '../src/link/link.ts';
import type { PanelEnd } from '../src/link/panel-end.ts';
import { createSerialPanelEnd } from '../src/link/serial-panel-end.ts';
import { createSerialLink } from '../src/link/serial.ts';
import { createPanel } from '../src/panel/panel-driver.ts';
import { assembleRig } from '../src/rig/assemble.ts';
import type { AssembleOptions, Rig } from '../src/rig/assemble.ts';
import { createRigArray } from '../src/rig/simulator.ts';
import { createWorld, showBeam } from '../src/rig/world.ts';
import type { CycleRecord } from '../src/telemetry/cycle-record.ts';
import type { RunningFirmware } from './run-firmware.ts';

export const ELEMENTS = 64;
export const RF_CHAINS = 4;
export const USERS = 4;

/** A pseudo terminal has no line rate. */
const BAUD_RATE = 921_600;
/** As the rig has it: only P/σ² counts. */
const NOISE = 1;

const rigWith = (more: string): RigFile =>
  parseRigFile(
    `
name: firmware
seed: 7
array: { geometry: { kind: ula, elements: ${ELEMENTS} }, rfChains: ${RF_CHAINS}, phaseBits: 7 }
users: { count: ${USERS} }
snrDb: 10
beamformer: { model: unfolded-pga-n64 }
simulator: { phaseShifter: adar1000, userSpeedMps: 1.4 }
loop: { rateHz: 100, pilots: 64 }
${more}
`,
    'the firmware scenario',
  );

/** What happened in each cycle. */
export interface Story {
  /** As radiated; undefined when nothing was. */
  words: (Uint16Array | Int16Array | undefined)[];
  /** Mean over the users, dB: as measured from pilots, and the truth. */
  measuredSnrDb: number[];
  trueSnrDb: number[];
  /** Pushing, committing and measuring, ms. */
  cycleMs: number[];
}

/** The surroundings of a panel that is no virtual one, as the rig's own simulator would have them. */
export interface Setting {
  clock: Clock;
  random: Random;
  world: BlockFading;
  array: SimulatedArray;
}

function createSetting(): Setting {
  const rig = rigWith('');
  const random = createRandom(rig.seed).stream('simulator');
  return {
    clock: createRealClock(),
    random,
    world: createWorld({ rig, random, repeat: true }),
    array: createRigArray(rig, random),
  };
}

/** The story over loopback: the virtual panel with the states of an ADAR1000. */
export const tellOverLoopback = (cycles: number): Promise<Story> =>
  tell({ rig: rigWith('fallback: at-start'), hardware: false }, cycles, ({ simulator }) => {
    if (simulator === undefined) throw new BeamrigError('panel', 'a rig without links has no simulator');
    return { words: simulator.panel.radiated().words, sinr: simulator.panel.trueSinr() };
  });

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
  const link = serialTo(firmware);
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
  try {
    await awaitBoard(bench);
    const rig = rigWith(`fallback: never
links: [{ serial: { path: ${firmware.hostPort}, baudRate: ${BAUD_RATE} } }]`);
    const createLink = (): Link => showingBeams(serialTo(firmware), bench.setting.world);
    return await tell({ rig, createLink }, cycles, () => ({ words: bench.bus.words(), sinr: bench.air.trueSinr() }));
  } finally {
    await bench.close();
  }
}

const serialTo = (firmware: RunningFirmware): Link =>
  createSerialLink({ name: 'firmware', path: firmware.hostPort, baudRate: BAUD_RATE });

/** The bench's users stand where they stood when the beam was worked out that is committed: chips know nothing of beams. */
function showingBeams(link: Link, world: BlockFading): Link {
  const send = link.send.bind(link);
  link.send = (frame) => {
    const decoded = decodeFrame(frame);
    if (decoded.ok && decoded.frame.message.type === 'commit') showBeam(world, decoded.frame.message.beamId);
    return send(frame);
  };
  return link;
}

/** Longest that a board may take to start its chips once the bench is there, ms. */
const START_MS = 20_000;

/** A board answers once its chips are set up. */
async function awaitBoard({ link, setting: { clock, random } }: Bench): Promise<void> {
  const panel = createPanel({ link, clock, random: random.stream('waiting') });
  const endMs = clock.nowMs() + START_MS;
  for (;;) {
    const shaken = await panel.connect();
    if (shaken.ok) return panel.close();
    if (shaken.failure.reason !== 'no-answer' || clock.nowMs() > endMs) {
      throw new BeamrigError('panel', `The firmware does not shake hands: ${JSON.stringify(shaken.failure)}`, {
        wayOut: 'Look at what it has said.',
      });
    }
  }
}

/** Runs a rig for so many cycles; `witness` says what is radiated, which no panel would tell. */
async function tell(
  options: Pick<AssembleOptions, 'rig' | 'hardware' | 'createLink'>,
  cycles: number,
  witness: (rig: Rig) => { words: Uint16Array | Int16Array | undefined; sinr: Float64Array },
): Promise<Story> {
  const story: Story = { words: [], measuredSnrDb: [], trueSnrDb: [], cycleMs: [] };
  let trouble: string | undefined;
  const record = (cycle: CycleRecord): void => {
    if (cycle.outcome !== 'ok') {
      trouble ??= `cycle ${cycle.cycle} is ${cycle.outcome}: ${cycle.failure ?? 'no cause given'}`;
      return;
    }
    const { words, sinr } = witness(assembled);
    const { push, commit, measure } = cycle.stageMs;
    story.words.push(words?.slice());
    story.measuredSnrDb.push(mean(cycle.measuredSnrDb));
    story.trueSnrDb.push(mean(sinr.map(toDb)));
    story.cycleMs.push(push + commit + measure);
  };
  const recorder = { cycle: record, event: () => undefined };
  // A beam is radiated in the world it was worked out for: one cycle after the other.
  const assembled = await assembleRig({
    ...options,
    clock: createRealClock(),
    recorder,
    cycles,
    rateHz: 'max',
    pipelined: false,
  });
  try {
    await assembled.run();
  } finally {
    await assembled.controller.stop();
  }
  if (trouble !== undefined || story.words.length !== cycles) {
    throw new BeamrigError('panel', `Of ${cycles} cycles ${story.words.length} were good; ${trouble ?? 'the run ended early'}.`);
  }
  return story;
}

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

/**
 * One story for whatever panel is to be held to another: users move, a model chooses beams, the panel radiates and measures. It is told by a
 * whole rig, from rig file to record; world, array and pilots come from one seed, so that two panels which do the same radiate the same.
 *
 *   tellOverLoopback ─► Story ─┐
 *   any other wire ──► Story ──┴─► compare: words one by one, SNR within its noise
 */
import { createRealClock } from '../core/clock/real-clock.ts';
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import { toDb } from '../core/signal/rate.ts';
import type { ChipKind } from '../hil-sim/chips/chip.ts';
import { CHIPS } from '../hil-sim/chips/chips.ts';
import { parseRigFile } from '../src/config/rig-file.ts';
import type { RigFile } from '../src/config/rig-file.ts';
import { assembleRig } from '../src/rig/assemble.ts';
import type { AssembleOptions, Rig } from '../src/rig/assemble.ts';
import type { CycleRecord } from '../src/telemetry/cycle-record.ts';
import { panelsMs } from './panel-times.ts';

export const ELEMENTS = 64;
export const RF_CHAINS = 4;
export const USERS = 4;
const WORDS_PER_CYCLE = ELEMENTS * RF_CHAINS;

/** Whose phase shifters the array has, where the story is not told of another chip. */
export const SCENARIO_CHIP: ChipKind = CHIPS.adar1000;

/** The rig file of the story, with what is said of its links. */
export const scenarioText = (links: string, chip = SCENARIO_CHIP): string => `
name: same-scenario
seed: 7
array: { geometry: { kind: ula, elements: ${ELEMENTS} }, rfChains: ${RF_CHAINS}, phaseBits: ${chip.phaseBits} }
users: { count: ${USERS} }
snrDb: 10
beamformer: { model: unfolded-pga-n64 }
simulator: { phaseShifter: ${chip.name}, userSpeedMps: 1.4 }
loop: { rateHz: 100, pilots: 64 }
${links}
`;

export const scenarioRig = (links: string, chip = SCENARIO_CHIP): RigFile =>
  parseRigFile(scenarioText(links, chip), 'the same scenario');

export type Words = Uint16Array | Int16Array;

/** What happened, cycle by cycle. */
export interface Story {
  records: CycleRecord[];
  /** As radiated; undefined when nothing was. */
  words: (Words | undefined)[];
  /** True SNR, mean over the users, dB; empty where nobody can know it. */
  trueSnrDb: number[];
  /** From the first cycle to the end of the last one. */
  seconds: number;
}

/** What no panel would tell: what is radiated now, and how well the users really hear it. */
export type Witness = (rig: Rig) => { words: Words | undefined; sinr: Float64Array };

/** The story over loopback: the virtual panel with the states of the chip. */
export const tellOverLoopback = (cycles: number, chip = SCENARIO_CHIP): Promise<Story> =>
  tell({ rig: scenarioRig('fallback: at-start', chip), hardware: false }, cycles, ({ simulator }) => {
    if (simulator === undefined) throw new BeamrigError('panel', 'a rig without links has no simulator');
    return { words: simulator.panel.radiated().words, sinr: simulator.panel.trueSinr() };
  });

/**
 * Runs a rig for so many cycles, as fast as it goes.
 * @param witness asked at the end of every cycle; left out where the words are learned in another way
 * @throws {BeamrigError} whatever assembling the rig does; 'panel' when the run ends early
 */
export async function tell(
  options: Pick<AssembleOptions, 'rig' | 'hardware' | 'createLink'>,
  cycles: number,
  witness?: Witness,
): Promise<Story> {
  const story: Story = { records: [], words: [], trueSnrDb: [], seconds: 0 };
  const clock = createRealClock();
  const record = (cycle: CycleRecord): void => {
    story.records.push(cycle);
    if (witness === undefined) return;
    const { words, sinr } = witness(assembled);
    story.words.push(words?.slice());
    story.trueSnrDb.push(mean(sinr.map(toDb)));
  };
  const recorder = { cycle: record, event: () => undefined };
  // A beam is radiated in the world it was worked out for: one cycle after the other.
  const assembled = await assembleRig({ ...options, clock, recorder, cycles, rateHz: 'max', pipelined: false });
  const startMs = clock.nowMs();
  try {
    await assembled.run();
    story.seconds = (clock.nowMs() - startMs) / 1000;
  } finally {
    await assembled.controller.stop();
  }
  if (story.records.length !== cycles) {
    const causes = voidCycles(story).join('; ') || 'none was void';
    throw new BeamrigError('panel', `The run ended after ${story.records.length} of ${cycles} cycles: ${causes}.`);
  }
  return story;
}

/** Which cycles were void, and why. */
export const voidCycles = ({ records }: Story): string[] =>
  records
    .filter(({ outcome }) => outcome === 'void')
    .map(({ cycle, failure }) => `cycle ${cycle}: ${failure ?? 'no cause given'}`);

export interface Comparison {
  cycles: number;
  wordsPerCycle: number;
  /** Words that differ, a cycle that radiates nothing counted whole. */
  differentWords: number;
  cyclesThatDiffer: number;
  /** Which ones, and why; over a wire that loses nothing there are none. */
  voidCycles: string[];
  meanSnrDb: { loopback: number; panel: number };
  /** Mean of the differences cycle by cycle, panel minus loopback, and its standard error. */
  differenceDb: number;
  standardErrorDb: number;
  /** The one in units of the other. */
  z: number;
  /** Greatest difference of the true SNR in a cycle; undefined where nobody can know it. */
  greatestTrueDifferenceDb?: number;
  cyclesPerSecond: number;
  equal: boolean;
}

/**
 * Readings agree when their mean difference is within so many of its standard errors: where the truth is the same, less than 3 of 100,000
 * comparisons of 100 cycles differ by more.
 */
export const STANDARD_ERRORS = 4.5;

/**
 * Holds a panel's story to the one over loopback, word by word. What both measured is noisy, since each hears a number of pilots: the mean over
 * users of one is taken from that of the other in every cycle, which leaves the noise alone, and the mean of these differences is judged by
 * its standard error, √(variance / cycles). `equal` when all words are, no cycle is void, and |z| < STANDARD_ERRORS.
 */
export function compare(loopback: Story, panel: Story): Comparison {
  const cycles = loopback.words.length;
  const different = loopback.words.map((expected, cycle) => {
    const actual = panel.words[cycle];
    if (expected === undefined || actual === undefined) return WORDS_PER_CYCLE;
    return Array.from(expected).filter((word, place) => actual[place] !== word).length;
  });
  // A void cycle has no reading to compare.
  const received = loopback.records
    .map((record, cycle) => ({ loopback: mean(record.measuredSnrDb), panel: mean(panel.records[cycle].measuredSnrDb) }))
    .filter((both) => !Number.isNaN(both.loopback + both.panel));
  const differences = received.map((both) => both.panel - both.loopback);
  const differenceDb = mean(differences);
  const variance =
    mean(differences.map((db) => (db - differenceDb) ** 2)) * (differences.length / Math.max(1, differences.length - 1));
  const standardErrorDb = Math.sqrt(variance / differences.length);
  const z = differenceDb === 0 ? 0 : differenceDb / standardErrorDb;
  const differentWords = different.reduce((sum, count) => sum + count, 0);
  const voids = [...voidCycles(loopback), ...voidCycles(panel)];
  const trueDifferences = panel.trueSnrDb.map((db, cycle) => Math.abs(db - loopback.trueSnrDb[cycle]));
  return {
    cycles,
    wordsPerCycle: WORDS_PER_CYCLE,
    differentWords,
    cyclesThatDiffer: different.filter((count) => count > 0).length,
    voidCycles: voids,
    meanSnrDb: { loopback: mean(received.map((both) => both.loopback)), panel: mean(received.map((both) => both.panel)) },
    differenceDb,
    standardErrorDb,
    z,
    ...(trueDifferences.length === 0 ? {} : { greatestTrueDifferenceDb: Math.max(...trueDifferences) }),
    cyclesPerSecond: cycles / panel.seconds,
    equal: differentWords === 0 && voids.length === 0 && Math.abs(z) < STANDARD_ERRORS,
  };
}

const VOIDS_SHOWN = 5;

/** What came out, in lines for a person. */
export function comparisonText(it: Comparison): string[] {
  const db = (value: number): string => `${value.toFixed(3)} dB`;
  const all = it.cycles * it.wordsPerCycle;
  const noise =
    it.differenceDb === 0 && it.standardErrorDb === 0
      ? 'the same to the last bit: both drew the same noise'
      : `difference ${db(it.differenceDb)} ± ${db(it.standardErrorDb)} (one standard error; up to ${STANDARD_ERRORS} of them agree)`;
  return [
    it.differentWords === 0
      ? `All ${all} words of ${it.cycles} cycles are radiated as over loopback.`
      : `${it.differentWords} of ${all} words differ, in ${it.cyclesThatDiffer} of ${it.cycles} cycles.`,
    ...it.voidCycles.slice(0, VOIDS_SHOWN).map((cause) => `Void: ${cause}.`),
    ...(it.voidCycles.length > VOIDS_SHOWN ? [`… and ${it.voidCycles.length - VOIDS_SHOWN} more void cycles.`] : []),
    `Mean SNR as measured: loopback ${db(it.meanSnrDb.loopback)}, panel ${db(it.meanSnrDb.panel)};`,
    `${noise}.`,
    ...(it.greatestTrueDifferenceDb === undefined
      ? []
      : [`True SNR differs by at most ${it.greatestTrueDifferenceDb.toExponential(1)} dB in any cycle.`]),
  ];
}

const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

/** Pushing, committing and measuring, ms a cycle. */
export function cycleMs({ records }: Story): { median: number; most: number } {
  const sorted = records.map(({ stageMs }) => panelsMs(stageMs)).sort((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)], most: sorted[sorted.length - 1] };
}

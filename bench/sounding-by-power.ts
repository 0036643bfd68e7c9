/**
 * Sounding by users' SNR alone, on a rig whose panel reports no pilots: what it radiates beside what the true channel would let it, and what that takes.
 *
 *   npx tsx bench/sounding-by-power.ts [--seeds 20] [--first 2001] [--markdown FILE]
 *
 * N = 64, M = K = 4, Q = 6, 10 dB of data SNR, users who stand, phase extraction, the simulated panel over loopback. Noise at the users so that the pilots of a
 * reading would hear a random beam of norm 1 at the SNR of the case, as in bench/sounding-rig.ts. Rates are those of the true SINR, as shares of what phase
 * extraction makes of the true channel. The scene's channel is looked at by this bench alone.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createVirtualClock } from '../core/clock/virtual-clock.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { createRandom, type Random } from '../core/signal/random.ts';
import { meanAndError } from '../models/evaluation/statistics.ts';
import { machine } from '../models/reproduce/provenance.ts';
import { steeringDictionary } from '../sounding/dictionary.ts';
import { rowOf } from '../sounding/estimator.ts';
import { createHierarchicalSearch } from '../sounding/hierarchical-beams.ts';
import { bestBeam, channelOfPhases, retrievePhases } from '../sounding/power-only.ts';
import { seenDirections, soundedWith } from '../sounding/seen-directions.ts';
import { dftBeams, randomBeams, shownBeams } from '../sounding/sounding-beams.ts';
import { parseRigFile } from '../src/config/rig-file.ts';
import { assembleRig } from '../src/rig/assemble.ts';
import { createWorld } from '../src/rig/world.ts';
import { analogFor, channelAt, DATA_NOISE, drawUsers, lineArray, noiseAt, readingsOf } from './sounding-scene.ts';

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    first: { type: 'string', default: '2001' },
    markdown: { type: 'string' },
  },
});
const [SEEDS, FIRST_SEED] = [Number(options.seeds), Number(options.first)];
if (![SEEDS, FIRST_SEED].every((each) => Number.isInteger(each) && each > 0)) {
  console.error('--seeds and --first are whole numbers above 0. Try: npx tsx bench/sounding-by-power.ts --seeds 20');
  process.exit(2);
}

const ELEMENTS = 64;
const ARRAY = lineArray(ELEMENTS);
const PILOTS = 100;
const CYCLES = 4;

interface Case {
  estimator: 'best-beam' | 'phase-retrieval';
  /** Of a search: how many it takes for all users. */
  beams: number;
  isSearched?: boolean;
  pilotSnrDb: number;
  paths: number;
}

async function outcomeOf({ estimator, beams, isSearched = false, pilotSnrDb, paths }: Case, seed: number) {
  const noise = PILOTS * noiseAt(pilotSnrDb, ELEMENTS);
  const rig = parseRigFile(
    `
name: sounding-by-power
seed: ${seed}
array: { geometry: { kind: ula, elements: ${ELEMENTS} }, rfChains: 4, phaseBits: 6 }
users: { count: 4 }
snrDb: ${10 * Math.log10(noise / DATA_NOISE)}
beamformer: { model: phase-extraction }
channel: { source: sounding, estimator: ${estimator}, ${isSearched ? 'words: hierarchical' : `beams: ${beams}`} }
loop: { rateHz: 10000, pilots: ${PILOTS} }
simulator: { userSpeedMps: 0, panel: { pilotReport: false, answerMs: 0 }, channel: { directShare: 0, paths: ${paths}, scale: unit-element } }
`,
    'bench',
  );
  const truth = createWorld({ rig, random: createRandom(seed).stream('simulator'), repeat: true }).scene.channel();
  let [rate, good, slots] = [0, 0, 0];
  const assembled = await assembleRig({
    ...{ rig, clock: createVirtualClock(), cycles: CYCLES, hardware: false },
    recorder: {
      cycle: ({ outcome, sounding }) => {
        slots += sounding?.slots ?? 0;
        if (outcome === 'void') return;
        good++;
        for (const sinr of assembled.simulator?.panel.trueSinr() ?? []) rate += Math.log2(1 + sinr) / CYCLES;
      },
      event: () => undefined,
    },
  });
  assembled.simulator?.panel.setNoise(noise);
  await assembled.run();
  await assembled.controller.stop();
  if (good < CYCLES) throw new Error(`${CYCLES - good} void cycles: ${estimator}, seed ${seed}`);
  return { share: (100 * rate) / analogFor(truth, ARRAY).sumRate, slots };
}

/** Processor ms of one estimate of all users, least of some rounds. */
function costOf({ estimator, beams, isSearched = false, pilotSnrDb, paths }: Case): number {
  const random = createRandom(1);
  const noise = noiseAt(pilotSnrDb, ELEMENTS);
  const words = estimator === 'best-beam' ? dftBeams(ARRAY, beams / 4) : randomBeams(ARRAY, beams / 4, random);
  const sounded = seenDirections(shownBeams(ARRAY, words), steeringDictionary(ARRAY.geometry));
  const channel = channelAt(ARRAY, drawUsers(random, paths));
  const powers = readingsOf(channel, sounded.beams, noise, random);
  for (let i = 0; i < powers.re.length; i++) {
    powers.re[i] = powers.re[i] ** 2 + powers.im[i] ** 2;
    powers.im[i] = 0;
  }
  let least = Infinity;
  for (let round = 0; round < 4; round++) {
    const before = process.cpuUsage();
    if (isSearched) searchIn(channel, noise, random);
    else if (estimator === 'best-beam') bestBeam(sounded, powers, noise);
    else channelOfPhases(sounded, powers, noise, retrievePhases(sounded, powers, noise, random));
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

/** With the beams, which are made as the search goes. */
function searchIn(channel: CMatrix, noise: number, random: Random): void {
  for (let user = 0; user < channel.rows; user++) {
    const search = createHierarchicalSearch(ARRAY);
    for (let words = search.next(); words.length > 0; words = search.next()) {
      const sounded = soundedWith(shownBeams(ARRAY, words));
      const powers = readingsOf(rowOf(channel, user), sounded.beams, noise, random);
      for (let i = 0; i < powers.re.length; i++) powers.re[i] = powers.re[i] ** 2 + powers.im[i] ** 2;
      powers.im.fill(0);
      bestBeam(sounded, powers, noise);
      search.heard(powers);
    }
  }
}

const CASES: readonly Case[] = [10, 3].flatMap((paths) => [
  { estimator: 'best-beam' as const, beams: 64, pilotSnrDb: 20, paths },
  { estimator: 'best-beam' as const, beams: 48, isSearched: true, pilotSnrDb: 20, paths },
  { estimator: 'phase-retrieval' as const, beams: 96, pilotSnrDb: 20, paths },
  { estimator: 'phase-retrieval' as const, beams: 128, pilotSnrDb: 20, paths },
]);

const rows: string[] = [];
for (const one of CASES) {
  const outcomes: { share: number; slots: number }[] = [];
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) outcomes.push(await outcomeOf(one, seed));
  const { mean, stderr } = meanAndError(outcomes.map(({ share }) => share));
  const cells = [
    one.isSearched === true ? `${one.estimator}, hierarchical` : one.estimator,
    one.beams,
    one.paths,
    outcomes[0].slots,
    `${mean.toFixed(1)} ± ${stderr.toFixed(1)}`,
  ];
  rows.push(`| ${[...cells, Number(costOf(one).toPrecision(2))].join(' | ')} |`);
  console.error(rows.at(-1));
}
const page = `# Sounding by users' SNR alone

A rig whose panel reports no pilots (\`channel.estimator\`), from rig file to panel and back: N = 64 half-wave line array, M = K = 4, Q = 6, 10 dB of data SNR, users who stand, phase extraction, the simulated panel over loopback, ideal
elements. ${SEEDS} seeds from ${FIRST_SEED} on. Each SNR is of ${PILOTS} pilots, which would hear a random beam of norm 1 at 20 dB. Rates are those of the true SINR in slots of data, in per cent ± standard error of what the true channel gives by the same phase extraction.
Beams of hierarchical words (\`channel.words\`) are those of all users, each looked for by himself. Slots are those of one sounding: of every user and chain under each set of words, and of every pair with the strongest chain through the words that stand, by which D is solved.

\`npx tsx bench/sounding-by-power.ts --seeds ${SEEDS} --first ${FIRST_SEED}\` on ${machine()}.

| estimator | beams | paths | slots | share in data slots | processor ms |
| --- | ---: | ---: | ---: | ---: | ---: |
${rows.join('\n')}

Processor time is of one estimate of all users. Pilots take 7 slots for a better one ([sounding-on-a-rig.md](sounding-on-a-rig.md)): powers are for panels that have nothing else.
`;
if (options.markdown === undefined) console.log(page);
else writeFileSync(options.markdown, page);

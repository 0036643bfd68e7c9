/**
 * How long the array quantiser takes, and what it gains for it: M = K = 4, 10 dB, from ten steps of phase extraction, sum rate with D solved
 * again. Gains are those of the mean rate on the nearest words. What is final can be read in two ways, and both are told: the gain of sweeps
 * from there until one changes nothing, and that of a budget of 40, whose kicks find better words beyond that.
 *
 *   npx tsx bench/array-quantiser.ts [--channels 20] [--json]
 *
 * The goals, at N = 64: 99 % of the final gain within 3 ms for Q = 2 and 3, a sweep within 2 ms for Q = 6.
 */
import { parseArgs } from 'node:util';
import { createArrayQuantiser, requireSurrogate } from '../core/signal/array-quantiser.ts';
import { ArraySweep } from '../core/signal/array-sweep.ts';
import type { Beam, Problem, Quantiser } from '../core/signal/beam-contract.ts';
import { sumRateObjective } from '../core/signal/objectives/sum-rate.ts';
import { choiceFor, nearestStates, nearestWords } from '../core/signal/realise-beam.ts';
import { runBaseline } from '../models/baselines/baselines.ts';
import { machine } from '../models/reproduce/provenance.ts';
import { drawChannelSet } from '../models/training/channel-set.ts';
import { percentiles } from './statistics.ts';

const { values: options } = parseArgs({
  options: { channels: { type: 'string', default: '20' }, json: { type: 'boolean', default: false } },
});
const count = Number(options.channels);
if (!Number.isInteger(count) || count < 2) {
  console.error(`--channels is ${options.channels}, not a whole number from 2 on. Try: npx tsx bench/array-quantiser.ts`);
  process.exit(2);
}
const USERS = 4;
const FINAL_SWEEPS = 40;
const BUDGETS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 30, 35, FINAL_SWEEPS];
const SHARE = 0.99;
const REPEATS = 7;

interface Times {
  minMs: number;
  medianMs: number;
}
interface Case {
  problem: Problem;
  beam: Beam;
}

function casesOf(elements: number, channels: number): Case[] {
  const set = drawChannelSet({
    seed: 1,
    name: 'test',
    count: channels,
    elements,
    users: USERS,
    paths: 10,
    scale: 'unit-element',
  });
  return set.channels.map((channel) => {
    const problem = { channel, rfChains: USERS, power: 1, noise: 0.1 };
    return { problem, beam: runBaseline('phase-extraction', problem) };
  });
}

/** Of a beam, over all cases and some repetitions; the median over cases of each one's own minimum and median. */
function time(cases: readonly Case[], bits: number, sweeps: number): Times {
  const quantise = createArrayQuantiser({ sweeps, start: 'nearest' });
  const spent = cases.map(() => [] as number[]);
  for (let repeat = -2; repeat < REPEATS; repeat++) {
    cases.forEach(({ problem, beam }, i) => {
      const startMs = performance.now();
      quantise(problem, beam, { bits }, sumRateObjective);
      if (repeat >= 0) spent[i].push(performance.now() - startMs);
    });
  }
  const median = (values: readonly number[]): number => percentiles(Float64Array.from(values)).p50;
  return { minMs: median(spent.map((each) => Math.min(...each))), medianMs: median(spent.map(median)) };
}

/** Mean gain of words on the nearest ones, bit/s/Hz. */
function gainOf(cases: readonly Case[], bits: number, quantise: Quantiser): number {
  let gain = 0;
  for (const { problem, beam } of cases) {
    const [after, before] = [quantise, nearestStates].map(
      (each) =>
        choiceFor(problem, beam, each(problem, beam, { bits }, sumRateObjective).words, { bits }, sumRateObjective).score.value,
    );
    gain += (after - before) / cases.length;
  }
  return gain;
}

/** Sweeps until one changes nothing, and no kicks. */
const settle: Quantiser = (problem, beam, states, objective) => {
  const nearest = nearestWords(problem, beam, states);
  const sweep = new ArraySweep(problem, nearest, states, requireSurrogate(objective)(problem));
  for (;;) {
    const before = sweep.words.join();
    sweep.next();
    if (sweep.words.join() === before) return { words: sweep.words };
  }
};

/** A sweep alone: the difference of eleven sweeps and one, so that what comes before and after does not count. */
function sweepMs(cases: readonly Case[], bits: number): number {
  return (time(cases, bits, 11).minMs - time(cases, bits, 1).minMs) / 10;
}

const at64 = casesOf(64, count);
const byBits = [1, 2, 3, 6].map((bits) => {
  const gains = BUDGETS.map((sweeps) => gainOf(at64, bits, createArrayQuantiser({ sweeps, start: 'nearest' })));
  const [one, ten, final] = [1, 10, FINAL_SWEEPS].map((sweeps) => gains[BUDGETS.indexOf(sweeps)]);
  const settled = gainOf(at64, bits, settle);
  const [toSettled, toFinal] = [settled, final].map((goal) => {
    const sweeps = BUDGETS.find((_, i) => gains[i] >= SHARE * goal) ?? FINAL_SWEEPS;
    return { sweeps, ...time(at64, bits, sweeps) };
  });
  return { bits, gains: { one, ten, settled, final }, toSettled, toFinal, sweepMs: sweepMs(at64, bits) };
});
const growth = [16, 64, 256, 1024, 4096].map((elements) => {
  const cases = casesOf(elements, elements > 256 ? 2 : 8);
  return { elements, sweepsMs: [2, 3, 6].map((bits) => ({ bits, ms: sweepMs(cases, bits) })) };
});

if (options.json) {
  console.log(JSON.stringify({ bench: 'array-quantiser', machine: machine(), channels: count, byBits, growth }, null, 2));
} else {
  const short = (ms: number): string => String(Number(ms.toPrecision(3)));
  const pair = ({ minMs, medianMs }: Times): string => `${short(minMs)} / ${short(medianMs)}`;
  console.log(
    `N = 64, M = K = ${USERS}, ${count} channels; ms a beam, minimum / median of ${REPEATS}, median over channels; ${machine()}\n`,
  );
  console.log(
    '| Q | gain of 1 sweep, bit/s/Hz | of 10 | of sweeps until none helps | of 40 | 99 % of until none helps: sweeps | ms | 99 % of 40: sweeps | ms | ms a sweep |',
  );
  console.log('| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const { bits, gains, toSettled, toFinal, sweepMs: ms } of byBits) {
    const { one, ten, settled, final } = gains;
    const told = [one, ten, settled, final].map((gain) => gain.toFixed(3));
    const cells = [bits, ...told, toSettled.sweeps, pair(toSettled), toFinal.sweeps, pair(toFinal), short(ms)];
    console.log(`| ${cells.join(' | ')} |`);
  }
  console.log('\nMilliseconds a sweep:\n\n| N | Q = 2 | Q = 3 | Q = 6 |\n| ---: | ---: | ---: | ---: |');
  for (const { elements, sweepsMs } of growth)
    console.log(`| ${[elements, ...sweepsMs.map(({ ms }) => short(ms))].join(' | ')} |`);
  console.log();
  const line = (what: string, ms: number, goal: number): void =>
    console.log(`${what} within ${goal} ms: ${ms <= goal ? 'holds' : 'does not hold'}, ${short(ms)} ms.`);
  for (const { bits, toSettled, toFinal, sweepMs: ms } of byBits) {
    if (bits === 6) line('Q = 6: a sweep', ms, 2);
    if (bits !== 2 && bits !== 3) continue;
    line(`Q = ${bits}: 99 % of the gain of sweeps until none helps`, toSettled.minMs, 3);
    line(`Q = ${bits}: 99 % of the gain of ${FINAL_SWEEPS} sweeps with kicks`, toFinal.minMs, 3);
  }
}

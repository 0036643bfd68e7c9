/**
 * Whole measurements through panel drivers: readings, commits, seconds and errors of four chains and of ADAR1000 chips that warm up, by power alone, link by link,
 * and as arrays grow. Seconds of reading and of working out apart: a machine that is shared makes both longer.
 *
 *   npx tsx bench/calibration-rigs.ts [arrays power links growth] [--output docs/results/calibration-rigs.md]
 *
 * All parts unless some are named.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DRAWN_REFERENCE_SHARE } from '../calibration/drawn-array.ts';
import type { CalibrationMethod } from '../calibration/method.ts';
import { CALIBRATION_METHODS } from '../calibration/methods.ts';
import { stateDifference } from '../calibration/state-difference.ts';
import { createRealClock } from '../core/clock/real-clock.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { createRandom } from '../core/signal/random.ts';
import { machine } from '../models/reproduce/provenance.ts';
import { scenarioText } from '../scripts/same-scenario.ts';
import { elementsOf, parseRigFile } from '../src/config/rig-file.ts';
import { calibrateRig, type CalibrationResult } from '../src/measuring/calibrate-rig.ts';
import type { ReadingKind } from '../src/measuring/calibration-request.ts';
import { openArray } from '../src/measuring/open-array.ts';
import { planned } from '../src/measuring/planned-measurement.ts';
import { chainTruth, worstBeamLossDb } from '../test/array-truth.ts';
import { openPacedLine } from '../test/paced-line.ts';
import { complexBoundDeg } from './calibration-bounds.ts';
import { openLinksBench } from './links-wires.ts';

interface Asked {
  method: string;
  readings?: number;
  reading?: ReadingKind;
  pilots?: number;
}

interface Carried extends CalibrationResult {
  /** As a dry run tells them. */
  plannedSeconds: number;
  /** Until the last reading, and from there on. */
  readSeconds: number;
  computedSeconds: number;
  /** Settings begin and end so long after the array was switched on, s. */
  middleS: number;
}

const methodOf = (name: string): CalibrationMethod => {
  const method = CALIBRATION_METHODS.find((each) => each.name === name);
  if (method === undefined) throw new Error(`no method ${name}`);
  return method;
};

async function carriedOut(text: string, folder: string, { method, ...asked }: Asked): Promise<Carried> {
  const rig = parseRigFile(text, join(folder, 'rig.yaml'));
  const clock = createRealClock();
  const openedMs = clock.nowMs();
  const array = await openArray({ rig, clock, tell: () => undefined });
  try {
    const request = { rig, method: methodOf(method), ...asked, resume: false };
    const { seconds } = await planned(request, array, clock);
    const beganMs = clock.nowMs();
    let readMs = beganMs;
    const onProgress = (): void => void (readMs = clock.nowMs());
    const result = await calibrateRig(request, array, { clock, stop: new AbortController().signal, onProgress });
    const readSeconds = (readMs - beganMs) / 1000;
    const computedSeconds = (clock.nowMs() - readMs) / 1000;
    return {
      ...result,
      plannedSeconds: seconds,
      readSeconds,
      computedSeconds,
      middleS: (beganMs - openedMs) / 1000 + readSeconds / 2,
    };
  } finally {
    await array.close();
  }
}

interface ArrayRow {
  what: string;
  method: string;
  snrDb: number | string;
  readings: number;
  commits: number;
  phaseDeg: number;
  gainDb: number;
  claimedDeg: number;
  boundDeg: number;
  seconds: number;
  flaws: string;
  /** Of beams to drawn directions. */
  lossDb: number;
}

const BEAMS = 20;

const rigText = (elements: number, rfChains: number, phaseBits: number, simulator: string, more = ''): string => `
name: measured
seed: 7
array: { geometry: { kind: ula, elements: ${elements} }, rfChains: ${rfChains}, phaseBits: ${phaseBits} }
users: { count: ${rfChains} }
beamformer: { model: aligned }
simulator: ${simulator}
${more}
`;

const FLAWS = 'deadElements: [9], stuckElements: [40]';
const DRAWN = 'gainErrorDb: 0.87, phaseErrorDeg: 104';
const STATES = 'phaseStateErrorDeg: 3, gainStateErrorDb: 0.3, stateErrors: independent';

interface ArrayCase {
  what: string;
  text: (snrDb: number) => string;
  asked: Asked[];
  snrsDb: number[];
}

const independent = (rfChains: number, asked: Asked[], snrsDb: number[]): ArrayCase => ({
  what: `64 × ${rfChains}, independent state errors`,
  text: (snrDb) =>
    rigText(
      ...([64, rfChains, 6, `{ probeSnrDb: ${snrDb}, impairments: { ${DRAWN}, ${STATES}, ${FLAWS} } }`] as const),
      'calibration: { probe: { receiver: 0 } }',
    ),
  ...{ asked, snrsDb },
});

/** Four chains with errors of each state by itself, and chips at the level of registers with drift: each beside a dead and a stuck element. */
const ARRAY_CASES: ArrayCase[] = [
  independent(4, [{ method: 'coded' }, { method: 'hadamard', readings: 256 }], [10, 20, 30]),
  {
    what: '64 × 1, ADAR1000, Q = 7, drift of 5°/min',
    text: (snrDb: number) =>
      rigText(
        64,
        1,
        7,
        `{ probeSnrDb: ${snrDb}, phaseShifter: adar1000, impairments: { ${DRAWN}, ${FLAWS}, temperatureDriftDegPerMinute: 5 } }`,
      ),
    asked: [{ method: 'coded' }],
    snrsDb: [10, 20, 30],
  },
];

/**
 * Takes minutes: a chain after the other, two readings for each setting, and states again for every step. Two chains are one with its reference, and the same the
 * other way about.
 */
const POWER_CASES: ArrayCase[] = [2, 4].map((rfChains) =>
  independent(
    rfChains,
    [16_384, 32_000].map((pilots) => ({ method: 'coded', reading: 'power', readings: 8192, pilots })),
    [20],
  ),
);

async function throughPanels(folder: string, cases: readonly ArrayCase[]): Promise<ArrayRow[]> {
  const rows: ArrayRow[] = [];
  for (const { what, text, asked, snrsDb } of cases) {
    for (const each of asked) {
      for (const snrDb of snrsDb) {
        console.error(`${what}: ${each.method}${each.reading === 'power' ? ' by power' : ''} at ${snrDb} dB`);
        const result = await carriedOut(text(snrDb), folder, each);
        const offsets = methodOf(each.method).finds === 'offsets';
        const errors = result.chains.map(({ elements, states, flaws }, m) => {
          const truth = chainTruth(parseRigFile(text(snrDb), join(folder, 'rig.yaml')), m, elements, result.middleS);
          const counts = (at: number): boolean =>
            !flaws.has(Math.floor(at / states.cols)) && (!offsets || at % states.cols === 0);
          return { ...stateDifference(states, truth, counts), lossDb: worstBeamLossDb(states, truth, BEAMS) };
        });
        const byPower = each.reading === 'power';
        const readingDb = byPower ? powerReadingDb(each.pilots ?? 1) : snrDb;
        rows.push({
          what,
          method: byPower ? `${each.method}, power of ${(each.pilots ?? 0).toLocaleString('en')} pilots` : each.method,
          snrDb: byPower ? readingDb.toFixed(1) : snrDb,
          ...{ readings: result.readings, commits: result.commits, seconds: result.readSeconds },
          phaseDeg: rms(errors.map(({ phaseDeg }) => phaseDeg)),
          gainDb: rms(errors.map(({ gainDb }) => gainDb)),
          claimedDeg: result.tables[0].accuracy.phaseDeg,
          boundDeg: boundOf(each, text(snrDb), folder, readingDb),
          flaws: [...new Set(result.tables[0].flaws.map(({ element, flaw }) => `${element} ${flaw}`))].join(', '),
          lossDb: Math.max(...errors.map(({ lossDb }) => lossDb)),
        });
      }
    }
  }
  return rows;
}

const rms = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);

/** SNR of a reading of an element of power 1: a power scatters by 1/√pilots of all that is heard, the reference among it. */
const powerReadingDb = (pilots: number): number => 10 * Math.log10((2 * pilots) / (64 * (1 + DRAWN_REFERENCE_SHARE ** 2)));

/** Of the readings of a chain, of elements of power 1, where the spread of the states is 3° and 0.3 dB. */
function boundOf({ method: name, readings, reading }: Asked, text: string, folder: string, snrDb: number): number {
  const rig = parseRigFile(text, join(folder, 'rig.yaml'));
  const method = methodOf(name);
  // Two readings of power are worth a complex one.
  const asked = readings === undefined ? {} : { readings: reading === 'power' ? readings / 2 : readings };
  const random = createRandom(1).stream('plan');
  const { phaseBits } = rig.array;
  const setup = { elements: elementsOf(rig), phaseBits, elementEnable: true, random, ...asked };
  return complexBoundDeg(method, setup, 10 ** (-snrDb / 10), method.finds === 'states');
}

interface LinkRow {
  link: string;
  readings: number;
  commits: number;
  readSeconds: number;
  computedSeconds: number;
  plannedSeconds: number;
  phaseDeg: number;
  /** Beside the table over loopback: where both have the same error, each by itself, √2 of it. */
  besideDeg: number;
}

/** The same 64 × 4 chains of ADAR1000, `hadamard` with 256 readings, over each link that this machine has the parts of. */
async function byLink(folder: string): Promise<LinkRow[]> {
  const asked: Asked = { method: 'hadamard', readings: 256, pilots: 16 };
  const rows: LinkRow[] = [];
  let first: Carried | undefined;
  const add = async (link: string, links: string): Promise<void> => {
    console.error(`link: ${link}`);
    const { chains, readings, commits, ...seconds } = await carriedOut(scenarioText(links), folder, asked);
    first ??= { chains, readings, commits, ...seconds };
    const loopback = first.chains;
    const rig = parseRigFile(scenarioText(links), join(folder, 'rig.yaml'));
    const errorOf = (beside: (m: number, elements: readonly number[]) => CMatrix): number =>
      rms(
        chains.map(({ states, elements }, m) => {
          const { phaseDeg } = stateDifference(states, beside(m, elements), (at) => at % states.cols === 0);
          return phaseDeg;
        }),
      );
    const { readSeconds, computedSeconds, plannedSeconds } = seconds;
    rows.push({
      ...{ link, readings, commits, readSeconds, computedSeconds, plannedSeconds },
      phaseDeg: errorOf((m, elements) => chainTruth(rig, m, elements)),
      besideDeg: errorOf((m) => loopback[m].states),
    });
  };
  await add('loopback', 'fallback: at-start');
  const bench = openLinksBench();
  const never = (link: string): string => `fallback: never\nlinks: [${link}]`;
  try {
    const rigFile = (link: string): string => {
      const path = join(folder, 'far.yaml');
      writeFileSync(path, scenarioText(never(link)));
      return path;
    };
    if (spawnSync('gcc', ['--version']).status === 0) {
      await add('C firmware on a pty', never(`{ serial: { path: ${await bench.firmware()}, baudRate: 921600 } }`));
      const line = await openPacedLine({ baudRate: 921_600 });
      const link = `{ panel: LINE-0001, serial: { path: ${line.host}, baudRate: 921600 } }`;
      await bench.farEnd('panel', rigFile(link), line.panel);
      await add('serial line held to 921,600 baud', never(link));
      await bench.endAll();
      await line.close();
    }
    const url = await bench.farEnd('broker');
    const link = `{ panel: MQTT-0001, mqtt: { url: '${url}' } }`;
    await bench.farEnd('panel', rigFile(link), url);
    await add('MQTT, broker and panel in processes of their own', never(link));
  } finally {
    await bench.close();
  }
  return rows;
}

interface GrowthRow {
  elements: number;
  readings: number;
  readSeconds: number;
  computedSeconds: number;
  phaseDeg: number;
  boundDeg: number;
}

/** Offsets of one chain of 4 bits over loopback, 2·N readings at 20 dB. */
async function growing(folder: string): Promise<GrowthRow[]> {
  const rows: GrowthRow[] = [];
  for (const elements of [16, 64, 256, 1024]) {
    console.error(`N = ${elements}`);
    const text = rigText(elements, 1, 4, `{ probeSnrDb: 20, impairments: { ${DRAWN}, ${STATES} } }`);
    const asked: Asked = { method: 'hadamard', readings: 2 * elements };
    const { chains, readings, readSeconds, computedSeconds } = await carriedOut(text, folder, asked);
    const [{ states, elements: own }] = chains;
    const { phaseDeg } = stateDifference(
      states,
      chainTruth(parseRigFile(text, join(folder, 'rig.yaml')), 0, own),
      (at) => at % states.cols === 0,
    );
    const boundDeg = boundOf(asked, text, folder, 20);
    rows.push({ elements, readings, readSeconds, computedSeconds, phaseDeg, boundDeg });
  }
  return rows;
}

type Cell = string | number;
const table = (rows: readonly object[]): string[] => {
  const cells = rows.map((row) => Object.entries(row) as [string, Cell][]);
  const line = (each: readonly Cell[]): string => `| ${each.join(' | ')} |`;
  const shown = (value: Cell): Cell => (typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(3) : value);
  const [first] = cells;
  return [
    line(first.map(([name]) => HEADINGS[name] ?? name)),
    line(first.map(([, value]) => (typeof value === 'number' ? '---:' : '---'))),
    ...cells.map((row) => line(row.map(([, value]) => shown(value)))),
  ];
};

const HEADINGS: Readonly<Record<string, string>> = {
  ...{ what: 'array', snrDb: 'SNR, dB', phaseDeg: 'phase, °', gainDb: 'gain, dB', claimedDeg: 'error of the table, °' },
  ...{ boundDeg: 'bound, °', seconds: 's of reading', flaws: 'named', lossDb: 'worst of 20 beams, dB lost', elements: 'N' },
  ...{
    besideDeg: 'beside loopback’s, °',
    readSeconds: 's of reading',
    computedSeconds: 's of working out',
    plannedSeconds: 's as planned',
  },
};

interface Section {
  title: string;
  rows: (folder: string) => Promise<object[]>;
  /** What a reader should know of its figures. */
  about?: string;
}

const SECTIONS: Readonly<Record<string, Section>> = {
  arrays: { title: 'Four chains, and chips that warm up', rows: (folder) => throughPanels(folder, ARRAY_CASES) },
  power: {
    title: 'By power alone, in 8,192 readings a chain',
    rows: (folder) => throughPanels(folder, POWER_CASES),
    about:
      'A chain is heard beside its neighbour, so that two chains are the fewest, and each of four is measured as each of two is: more chains take more readings and are known as well. The probe hears one element at 20 dB in one pilot. ' +
      'A power scatters with itself, by 1/√pilots of all that is heard, the reference among it: 16,384 pilots are the default, and 32,000 make the 20 dB of a reading that other rows and [calibration.md](calibration.md) have. ' +
      'The bound is for that SNR, of half as many complex readings. The noise that the table is told by is known from 32 readings, to a fifth.',
  },
  links: {
    title: 'By link: 64 × 4 chains of ADAR1000, `hadamard`, 16 pilots a reading',
    rows: byLink,
    about: 'Two tables of the same array, each with an error of its own, are √2 of it apart.',
  },
  growth: { title: 'As arrays grow: `hadamard` with 2·N readings, one chain, Q = 4, 20 dB, loopback', rows: growing },
};

const { values: options, positionals } = parseArgs({ options: { output: { type: 'string' } }, allowPositionals: true });
const unknown = positionals.find((name) => !(name in SECTIONS));
if (unknown !== undefined) throw new Error(`there is no ${unknown}; there are ${Object.keys(SECTIONS).join(', ')}`);
const folder = mkdtempSync(join(tmpdir(), 'beamrig-calibration-'));
const command = ['npx tsx bench/calibration-rigs.ts', ...positionals, '--output docs/results/calibration-rigs.md'].join(' ');
const lines = [
  '# Calibration of whole rigs',
  '',
  `\`${command}\`, ${machine()}. One array each. Seconds are those of a machine that others used as well; the load of its cores stands beside them. Errors do not depend on it, but those of chips that drift: by real time, so that a measurement that took minutes is of another array at its end.`,
  'Errors are RMS over the elements that do what they are told (`hadamard`: state 0), one common factor of each chain taken out. Where an array has flaws element 9 is dead and 40 is stuck; offsets alone do not tell a stuck element. The bound is that of elements of power 1.',
];
for (const [name, { title, rows, about }] of Object.entries(SECTIONS)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const load = loadavg()[0].toFixed(1);
  lines.push(
    '',
    `## ${title}`,
    '',
    ...table(await rows(folder)),
    '',
    `Load ${load} at the start.${about === undefined ? '' : ` ${about}`}`,
  );
}
rmSync(folder, { recursive: true });
const text = [...lines, ''].join('\n');
if (options.output === undefined) console.log(text);
else writeFileSync(options.output, text);

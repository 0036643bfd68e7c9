/**
 * Whole measurements through panel drivers: readings, commits, seconds and errors of four chains and of ADAR1000 chips that warm up, link by link, and as arrays
 * grow. Seconds of reading and of working out apart: a machine that is shared makes both longer.
 *
 *   npx tsx bench/calibration-rigs.ts links|growth|arrays
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CalibrationMethod } from '../calibration/method.ts';
import { CALIBRATION_METHODS } from '../calibration/methods.ts';
import { stateDifference } from '../calibration/state-difference.ts';
import { createRealClock } from '../core/clock/real-clock.ts';
import { zeros, type CMatrix } from '../core/signal/complex-matrix.ts';
import { createRandom } from '../core/signal/random.ts';
import { quantiseToStates } from '../core/signal/quantise.ts';
import { scenarioText } from '../scripts/same-scenario.ts';
import { parseRigFile } from '../src/config/rig-file.ts';
import { calibrateRig, type CalibrationResult } from '../src/measuring/calibrate-rig.ts';
import type { ReadingKind } from '../src/measuring/calibration-request.ts';
import { openArray } from '../src/measuring/open-array.ts';
import { planned } from '../src/measuring/planned-measurement.ts';
import { createRigArray } from '../src/rig/simulator.ts';
import { openPacedLine } from '../test/paced-line.ts';
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
    const { seconds } = await planned(request, array.rigPanel);
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

/** What chain m of the array of a rig file shows in truth, so long after it was switched on. */
function truthOf(text: string, folder: string, m: number, elements: readonly number[], timeS: number): CMatrix {
  const rig = parseRigFile(text, join(folder, 'rig.yaml'));
  const array = createRigArray(rig, createRandom(rig.seed).stream('simulator'));
  const { rfChains, phaseBits } = rig.array;
  const out = zeros(elements.length, 2 ** phaseBits);
  for (let word = 0; word < out.cols; word++) {
    const shown = array.radiatedAnalog(new Uint16Array(array.elements * rfChains).fill(word), timeS);
    elements.forEach((n, row) => {
      out.re[row * out.cols + word] = shown.re[n * rfChains + m];
      out.im[row * out.cols + word] = shown.im[n * rfChains + m];
    });
  }
  return out;
}

interface ArrayRow {
  what: string;
  method: string;
  snrDb: number;
  readings: number;
  commits: number;
  phaseDeg: number;
  gainDb: number;
  claimedDeg: number;
  seconds: number;
  flaws: string;
  /** Of beams to drawn directions. */
  lossDb: number;
}

const BEAMS = 20;

/** Gain by words for what was measured, below that by words for what is there; the worst of some directions. */
function worstLossDb(found: CMatrix, truth: CMatrix): number {
  const from = createRandom(8).stream('directions');
  let worst = -Infinity;
  for (let beam = 0; beam < BEAMS; beam++) {
    const sine = 2 * from.uniform() - 1;
    const wanted = Float64Array.from({ length: truth.rows }, (_, n) => Math.PI * n * sine);
    const gain = (known: CMatrix): number => {
      const words = quantiseToStates(wanted, (n) => ({
        re: known.re.subarray(n * known.cols, (n + 1) * known.cols),
        im: known.im.subarray(n * known.cols, (n + 1) * known.cols),
      }));
      let [re, im] = [0, 0];
      words.forEach((word, n) => {
        const at = n * truth.cols + word;
        re += truth.re[at] * Math.cos(wanted[n]) + truth.im[at] * Math.sin(wanted[n]);
        im += truth.im[at] * Math.cos(wanted[n]) - truth.re[at] * Math.sin(wanted[n]);
      });
      return 10 * Math.log10(re * re + im * im);
    };
    worst = Math.max(worst, gain(truth) - gain(found));
  }
  return worst;
}

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

/** Four chains with errors of each state by itself, and chips at the level of registers with drift: each beside a dead and a stuck element. */
async function throughPanels(folder: string): Promise<ArrayRow[]> {
  const rows: ArrayRow[] = [];
  const cases = [
    {
      what: '64 × 4, independent state errors',
      text: (snrDb: number) =>
        rigText(
          64,
          4,
          6,
          `{ probeSnrDb: ${snrDb}, impairments: { ${DRAWN}, phaseStateErrorDeg: 3, gainStateErrorDb: 0.3, stateErrors: independent, ${FLAWS} } }`,
          'calibration: { probe: { receiver: 0 } }',
        ),
      asked: [{ method: 'coded' }, { method: 'hadamard', readings: 256 }] as Asked[],
      snrsDb: [10, 20, 30],
    },
    {
      what: '64 × 4, independent state errors',
      text: () =>
        rigText(
          64,
          4,
          6,
          `{ probeSnrDb: 20, impairments: { ${DRAWN}, phaseStateErrorDeg: 3, gainStateErrorDb: 0.3, stateErrors: independent, ${FLAWS} } }`,
          'calibration: { probe: { receiver: 0 } }',
        ),
      asked: [{ method: 'coded', reading: 'power', readings: 8192, pilots: 16_384 }] as Asked[],
      snrsDb: [20],
    },
    {
      what: '64 × 1, ADAR1000, Q = 7, drift of 5°/min',
      text: (snrDb: number) =>
        rigText(
          64,
          1,
          7,
          `{ probeSnrDb: ${snrDb}, phaseShifter: adar1000, impairments: { ${DRAWN}, ${FLAWS}, temperatureDriftDegPerMinute: 5 } }`,
        ),
      asked: [{ method: 'coded' }] as Asked[],
      snrsDb: [10, 20, 30],
    },
  ];
  for (const { what, text, asked, snrsDb } of cases) {
    for (const each of asked) {
      for (const snrDb of snrsDb) {
        console.error(`${what}: ${each.method}${each.reading === 'power' ? ' by power' : ''} at ${snrDb} dB`);
        const result = await carriedOut(text(snrDb), folder, each);
        const offsets = methodOf(each.method).finds === 'offsets';
        const errors = result.chains.map(({ elements, states, flaws }, m) => {
          const truth = truthOf(text(snrDb), folder, m, elements, result.middleS);
          const counts = (at: number): boolean =>
            !flaws.has(Math.floor(at / states.cols)) && (!offsets || at % states.cols === 0);
          return { ...stateDifference(states, truth, counts), lossDb: worstLossDb(states, truth) };
        });
        rows.push({
          ...{ what, method: each.reading === 'power' ? `${each.method}, power` : each.method, snrDb },
          ...{ readings: result.readings, commits: result.commits, seconds: result.readSeconds },
          phaseDeg: Math.sqrt(errors.reduce((sum, { phaseDeg }) => sum + phaseDeg ** 2, 0) / errors.length),
          gainDb: Math.sqrt(errors.reduce((sum, { gainDb }) => sum + gainDb ** 2, 0) / errors.length),
          claimedDeg: result.tables[0].accuracy.phaseDeg,
          flaws: [...new Set(result.tables[0].flaws.map(({ element, flaw }) => `${element} ${flaw}`))].join(', '),
          lossDb: Math.max(...errors.map(({ lossDb }) => lossDb)),
        });
      }
    }
  }
  return rows;
}

interface LinkRow {
  link: string;
  readings: number;
  commits: number;
  readSeconds: number;
  computedSeconds: number;
  plannedSeconds: number;
}

/** The same 64 × 4 chains of ADAR1000, `hadamard` with 256 readings, over each link that this machine has the parts of. */
async function byLink(folder: string): Promise<LinkRow[]> {
  const asked: Asked = { method: 'hadamard', readings: 256, pilots: 16 };
  const rows: LinkRow[] = [];
  const add = async (link: string, links: string): Promise<void> => {
    console.error(`link: ${link}`);
    const { readings, commits, readSeconds, computedSeconds, plannedSeconds } = await carriedOut(
      scenarioText(links),
      folder,
      asked,
    );
    rows.push({ link, readings, commits, readSeconds, computedSeconds, plannedSeconds });
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
}

/** Offsets of one chain of 4 bits over loopback, 2·N readings at 20 dB, as arrays grow. */
async function growing(folder: string): Promise<GrowthRow[]> {
  const rows: GrowthRow[] = [];
  for (const elements of [16, 64, 256, 1024]) {
    console.error(`N = ${elements}`);
    const text = rigText(
      elements,
      1,
      4,
      `{ probeSnrDb: 20, impairments: { ${DRAWN}, phaseStateErrorDeg: 3, gainStateErrorDb: 0.3, stateErrors: independent } }`,
    );
    const { chains, readings, readSeconds, computedSeconds } = await carriedOut(text, folder, {
      method: 'hadamard',
      readings: 2 * elements,
    });
    const [{ states, elements: own }] = chains;
    const { phaseDeg } = stateDifference(states, truthOf(text, folder, 0, own, 0), (at) => at % states.cols === 0);
    rows.push({ elements, readings, readSeconds, computedSeconds, phaseDeg });
  }
  return rows;
}

const SECTIONS = { links: byLink, growth: growing, arrays: throughPanels };
const asked = Object.entries(SECTIONS).find(([name]) => name === process.argv[2]);
if (asked === undefined) throw new Error(`give one of ${Object.keys(SECTIONS).join(', ')}`);
const folder = mkdtempSync(join(tmpdir(), 'beamrig-calibration-'));
console.table(await asked[1](folder));
rmSync(folder, { recursive: true });

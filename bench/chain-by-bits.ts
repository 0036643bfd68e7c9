/**
 * The whole chain at Q = 1 … 8, 12 and 16 on the test channels of paper 001's setting: model → words → driver → bytes → virtual panel →
 * SNR. For each Q: the words the panel radiates against those asked for, bit by bit, and the rates: asked for, radiated (the truth of the
 * simulated array), and measured from pilots.
 *
 *   npx tsx bench/chain-by-bits.ts [--channels 200] [--snr 10] [--output docs/results/chain-by-bits.md] [--json FILE]
 *
 * "Infinite" Q cannot go over a wire. Its row is the network's own A and D, never quantised; Q = 16, the most the protocol carries, stands beside it.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createVirtualClock } from '../core/clock/virtual-clock.ts';
import { evaluateBeamformer } from '../models/evaluation/evaluate.ts';
import { sumRateObjective } from '../core/signal/objectives/sum-rate.ts';
import { meanAndError } from '../models/evaluation/statistics.ts';
import type { MeanAndError } from '../models/evaluation/statistics.ts';
import { drawChannelSet } from '../models/training/channel-set.ts';
import type { ChannelScale } from '../core/signal/channel.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { openBeamformer } from '../src/beamforming/open-beamformer.ts';
import { readRigFile } from '../src/config/rig-file.ts';
import { assembleRig } from '../src/rig/assemble.ts';

const RIG = new URL('../examples/rigs/paper-001.yaml', import.meta.url);
const BITS = [1, 2, 3, 4, 5, 6, 7, 8, 12, 16];
const SCALES: ChannelScale[] = ['unit-element', 'paper-001'];
const ELEMENTS = 32;
const USERS = 4;

interface ChainRow {
  scale: ChannelScale;
  bits: number | 'inf';
  /** Cycles credited, words compared and words that differed; absent where nothing goes over the wire. */
  cycles?: number;
  words?: number;
  wrongWords?: number;
  asked: MeanAndError;
  radiated?: MeanAndError;
  measured?: MeanAndError;
}

async function chainAt(bits: number, scale: ChannelScale, channels: CMatrix[], snrDb: number): Promise<ChainRow> {
  const rig = readRigFile(RIG.pathname);
  rig.array.phaseBits = bits;
  rig.snrDb = snrDb;
  const [asked, radiated, measured]: number[][] = [[], [], []];
  let words = 0;
  let wrongWords = 0;
  const assembled = await assembleRig({
    rig,
    clock: createVirtualClock(),
    channels: { channels, file: 'test channels' },
    recorder: {
      cycle: (record) => {
        if (record.outcome !== 'ok') throw new Error(`cycle ${record.cycle} at Q = ${bits} is void: ${record.failure}`);
        asked.push(record.predictedSumRate);
        measured.push(record.measuredSumRate);
      },
      event: () => undefined,
    },
    pipelined: false,
  });
  const { controller, simulator } = assembled;
  if (simulator === undefined) throw new Error('this chain runs on the simulator');
  controller.onCycle(() => {
    const view = controller.latest();
    const shown = simulator.panel.radiated();
    if (view === undefined || shown.beamId !== view.record.beamId) throw new Error(`the panel shows beam ${shown.beamId}`);
    words += view.words.length;
    for (let i = 0; i < view.words.length; i++) if (view.words[i] !== shown.words[i]) wrongWords++;
    radiated.push(simulator.panel.trueSinr().reduce((rate, sinr) => rate + Math.log2(1 + sinr), 0));
  });
  await assembled.run();
  await controller.stop();
  return {
    scale,
    bits,
    cycles: asked.length,
    words,
    wrongWords,
    asked: meanAndError(asked),
    radiated: meanAndError(radiated),
    measured: meanAndError(measured),
  };
}

async function unquantised(
  scale: ChannelScale,
  channels: CMatrix[],
  snrDb: number,
): Promise<ChainRow & { zf: MeanAndError; wmmse: MeanAndError }> {
  const needs = { elements: ELEMENTS, rfChains: USERS, users: USERS, connection: 'full' } as const;
  const network = await openBeamformer('unfolded-pga-n32', needs, { deadlineMs: 10_000 });
  const { results } = await evaluateBeamformer({
    model: network.id,
    file: 'test channels',
    channels,
    snrsDb: [snrDb],
    bits: ['inf'],
    rfChains: USERS,
    objective: sumRateObjective,
    compute: (problem) => network.compute(problem),
  });
  await network.close();
  const [{ sumRate, zf, wmmse }] = results;
  return { scale, bits: 'inf', asked: sumRate, zf, wmmse };
}

const show = (figure: MeanAndError | undefined): string =>
  figure === undefined ? '–' : `${figure.mean.toFixed(2)} ± ${figure.stderr.toFixed(2)}`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      channels: { type: 'string', default: '200' },
      snr: { type: 'string', default: '10' },
      output: { type: 'string', default: 'docs/results/chain-by-bits.md' },
      json: { type: 'string' },
    },
  });
  const [count, snrDb] = [Number(values.channels), Number(values.snr)];
  const rows: ChainRow[] = [];
  const page = [
    '# The whole chain at Q bits',
    `N = 32, M = K = 4, ${snrDb} dB, ${count} channels of the stream \`test\` of seed 1, which training never saw; model \`unfolded-pga-n32\`, the digital ` +
      'precoder solved again for the quantised phases. Every beam goes model → words → panel driver → protocol bytes → virtual panel of an ideal array. ' +
      '"Words wrong" counts the words that the panel radiates and that were not asked for. Rates in bit/s/Hz, mean ± standard error; "measured" is what ' +
      'users report from 64 pilots.',
    `\`npx tsx bench/chain-by-bits.ts --channels ${count} --snr ${snrDb}\``,
  ];
  for (const scale of SCALES) {
    const { channels } = drawChannelSet({ seed: 1, name: 'test', count, elements: ELEMENTS, users: USERS, paths: 10, scale });
    const lines = ['| Q | cycles credited | words wrong of | asked for | radiated | measured |', '|---|---|---|---|---|---|'];
    for (const bits of BITS) {
      const row = await chainAt(bits, scale, channels, snrDb);
      rows.push(row);
      lines.push(
        `| ${bits} | ${row.cycles} of ${count} | ${row.wrongWords} of ${row.words} | ${show(row.asked)} | ${show(row.radiated)} | ${show(row.measured)} |`,
      );
    }
    const free = await unquantised(scale, channels, snrDb);
    rows.push(free);
    lines.push(`| ∞ (never quantised, the network's own D) | – | – | ${show(free.asked)} | – | – |`);
    page.push(
      `## Channel scale \`${scale}\``,
      lines.join('\n'),
      `Fully digital on the same channels: ZF ${show(free.zf)}, WMMSE ${show(free.wmmse)}.`,
    );
  }
  console.log(page.join('\n\n'));
  writeFileSync(values.output, `${page.join('\n\n')}\n`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
}

await main();

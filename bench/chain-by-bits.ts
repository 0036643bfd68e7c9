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
import type { ChannelScale } from '../core/signal/channel.ts';
import type { MeanAndError } from '../models/evaluation/statistics.ts';
import { drawChannelSet } from '../models/training/channel-set.ts';
import type { ChainFigures, ChainJob } from './chain-worker.ts';
import { rowsInThreads } from './rows-in-threads.ts';

const BITS = [1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 'inf'] as const;
const SCALES: ChannelScale[] = ['unit-element', 'paper-001'];
const ELEMENTS = 32;
const USERS = 4;

type ChainRow = ChainJob['rows'][number] & ChainFigures;

/** All rows, those of a scale after one another. */
async function chains(count: number, snrDb: number): Promise<ChainRow[]> {
  const draw = (scale: ChannelScale) =>
    drawChannelSet({ seed: 1, name: 'test', count, elements: ELEMENTS, users: USERS, paths: 10, scale }).channels;
  const rows = SCALES.flatMap((scale) => BITS.map((bits) => ({ scale, bits })));
  const channels = { 'unit-element': draw('unit-element'), 'paper-001': draw('paper-001') };
  const job = { rows, channels, snrDb };
  const figures = await rowsInThreads<ChainJob, ChainFigures>(import.meta.url, 'chain-worker', job, rows.length, count);
  return rows.map((row, i) => ({ ...row, ...figures[i] }));
}

const show = (figure: MeanAndError | undefined): string =>
  figure === undefined ? '–' : `${figure.mean.toFixed(2)} ± ${figure.stderr.toFixed(2)}`;

const line = (count: number, { bits, cycles, wrongWords, words, asked, radiated, measured }: ChainRow): string =>
  bits === 'inf'
    ? `| ∞ (never quantised, the network's own D) | – | – | ${show(asked)} | – | – |`
    : `| ${bits} | ${cycles} of ${count} | ${wrongWords} of ${words} | ${show(asked)} | ${show(radiated)} | ${show(measured)} |`;

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
  const page = [
    '# The whole chain at Q bits',
    `N = 32, M = K = 4, ${snrDb} dB, ${count} channels of the stream \`test\` of seed 1, which training never saw; model \`unfolded-pga-n32\`, the digital ` +
      'precoder solved again for the quantised phases. Every beam goes model → words → panel driver → protocol bytes → virtual panel of an ideal array. ' +
      '"Words wrong" counts the words that the panel radiates and that were not asked for. Rates in bit/s/Hz, mean ± standard error; "measured" is what ' +
      'users report from 64 pilots.',
    `\`npx tsx bench/chain-by-bits.ts --channels ${count} --snr ${snrDb}\``,
  ];
  const rows = await chains(count, snrDb);
  for (const scale of SCALES) {
    const own = rows.filter((row) => row.scale === scale);
    const free = own.find(({ bits }) => bits === 'inf');
    page.push(
      `## Channel scale \`${scale}\``,
      [
        '| Q | cycles credited | words wrong of | asked for | radiated | measured |',
        '|---|---|---|---|---|---|',
        ...own.map((row) => line(count, row)),
      ].join('\n'),
      `Fully digital on the same channels: ZF ${show(free?.zf)}, WMMSE ${show(free?.wmmse)}.`,
    );
  }
  console.log(page.join('\n\n'));
  writeFileSync(values.output, `${page.join('\n\n')}\n`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
}

await main();

/**
 * `evaluate` against `run`, word by word and digit by digit: the table of docs/results/evaluate-as-run.md.
 *
 *   npx tsx bench/evaluate-as-run.ts [--channels 200] [--output docs/results/evaluate-as-run.md]
 *
 * Ends with 1 where any word or any digit differs.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { SameBeams } from '../scripts/evaluate-as-run.ts';
import { salehValenzuela } from '../core/signal/channel.ts';
import { OBJECTIVE_NAMES } from '../core/signal/objectives/objective-names.ts';
import { createRandom } from '../core/signal/random.ts';
import type { ComparisonJob } from './evaluate-as-run-worker.ts';
import { rowsInThreads } from './rows-in-threads.ts';

const { values } = parseArgs({ options: { channels: { type: 'string', default: '200' }, output: { type: 'string' } } });
const BEAMFORMERS = ['unfolded-pga-n32', 'unfolded-pga-n32-3', 'aligned', 'wmmse-factored'];
const BITS = [1, 2, 3, 4, 5, 6, 7, 8, 16];
const SNR_DB = 20;

const random = createRandom(1).stream('test');
const geometry = { kind: 'ula', elements: 32, spacingWavelengths: 0.5 } as const;
const channels = Array.from({ length: Number(values.channels) }, () =>
  salehValenzuela({ random, geometry, users: 4, paths: 10, scale: 'unit-element' }),
);
const compared = OBJECTIVE_NAMES.flatMap((objective) =>
  BEAMFORMERS.flatMap((beamformer) => BITS.map((bits) => ({ beamformer, bits, objective, snrDb: SNR_DB }))),
);
const rows = await rowsInThreads<ComparisonJob, SameBeams>(
  import.meta.url,
  'evaluate-as-run-worker',
  { channels, compared },
  compared.length,
  channels.length,
);
const differ = rows.filter((row) => row.differentWords + row.differentRates + row.differentMetrics + row.voidCycles > 0);
const sum = (of: (row: SameBeams) => number, among = rows): number => among.reduce((total, row) => total + of(row), 0);
const lines = OBJECTIVE_NAMES.flatMap((objective) =>
  BEAMFORMERS.map((beamformer) => {
    const own = rows.filter((row) => row.beamformer === beamformer && row.objective === objective);
    const cells = [
      objective,
      beamformer,
      sum((row) => row.cycles, own),
      sum((row) => row.words, own),
      sum((row) => row.differentWords, own),
      sum((row) => row.differentRates, own),
      sum((row) => row.differentMetrics, own),
      sum((row) => row.voidCycles, own),
      own.map((row) => row.ownDigital).join(' '),
    ];
    return `| ${cells.join(' | ')} |`;
  }),
);
const text = `# What is evaluated is what is radiated

\`npx tsx bench/evaluate-as-run.ts --channels ${values.channels}\`: a rig on the simulator runs through ${values.channels} recorded channels (N = 32, M = K = 4, ${SNR_DB} dB) at each of
Q = ${BITS.join(', ')}; \`evaluate\` takes the same channels. Compared: every phase word, every sum rate and metric to the last digit, and whose D was radiated.

| objective | beamformer | beams | words | words that differ | rates that differ | beams with metrics that differ | void | D of the beamformer itself, beams of ${values.channels}, by Q |
|---|---|---:|---:|---:|---:|---:|---:|---|
${lines.join('\n')}
`;
console.log(text);
if (values.output !== undefined) writeFileSync(values.output, text);
process.exitCode = differ.length === 0 ? 0 : 1;

/**
 * A controller killed (-9) a hundred times while InfluxDB is away: what is in the database afterwards, and what was radiated unrecorded.
 *
 *   npx tsx bench/kills.ts [--kills 100] [--output docs/results/kills.md]
 */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { createRandom } from '../core/signal/random.ts';
import { playKills } from '../test/faults/kills.ts';

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' }, output: { type: 'string' } },
});

const runs = await playKills(Number(values.kills), createRandom(Number(values.seed)), (done) => {
  process.stderr.write(`\r${done} kills`);
});
process.stderr.write('\n');
const sum = (of: (run: (typeof runs)[number]) => number): number => runs.reduce((total, run) => total + of(run), 0);
const radiated = runs.map((run) => run.radiated);
const good = runs.every(({ unrecorded, records, points }) => unrecorded <= 1 && points === records);
const text = `# Kills with the database away

\`npm run bench:kills\`: a controller at 50 cycles/s over a broker, killed with \`kill -9\` after 3 to 62 beams while InfluxDB is away, then the next
one on the same rig. When the last is gone, a real InfluxDB is started and one more run sends what all of them left. Beams are counted by the panel, a
process of its own that no kill touches; records are the whole lines of each run folder; points are what the database holds of each run.

| kills | beams radiated | beams in a run | records | points in InfluxDB | runs with points ≠ records | radiated unrecorded | the most of one kill |
|---|---|---|---|---|---|---|---|
| ${runs.length} | ${sum((run) => run.radiated)} | ${Math.min(...radiated)} … ${Math.max(...radiated)} | ${sum((run) => run.records)} | ${sum((run) => run.points)} | ${runs.filter(({ records, points }) => records !== points).length} | ${sum((run) => run.unrecorded)} | ${Math.max(...runs.map((run) => run.unrecorded))} |

${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus()[0]?.model ?? 'unknown'} (${cpus().length} cores, load ${loadavg()[0].toFixed(1)}), seed ${values.seed}.
`;
console.log(text);
if (values.output !== undefined) writeFileSync(values.output, text);
process.exit(good ? 0 : 1);

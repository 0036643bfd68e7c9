/**
 * How much faster than its own time a rig runs in a scenario: the demo rig as its file says, and with the words that cost the least and the most,
 * assembling, records and checks and all. The must is 50 for the demo rig.
 *
 *   npm run build && npx tsx bench/virtual-time.ts [--seconds 600] [--rounds 3]
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../core/files/package-root.ts';
import type { Report } from '../src/regression/results.ts';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '600' }, rounds: { type: 'string', default: '3' } },
});
const seconds = Number(values.seconds);
const root = packageRoot();
const folder = mkdtempSync(join(tmpdir(), 'beamrig-virtual-time-'));

const shown = { 'as-its-file-says': '{}', 'nearest-words': '{ quantiser: nearest }', 'ten-sweeps': '{ sweeps: 10 }' };
try {
  for (const [name, beamformer] of Object.entries(shown)) {
    const file = join(folder, `${name}.yaml`);
    const rig = join(root, 'examples', 'rigs', 'demo.yaml');
    writeFileSync(
      file,
      `{ name: ${name}, about: How fast it goes., seconds: ${seconds}, seeds: ${values.rounds}, rig: ${rig}, with: { beamformer: ${beamformer} }, expect: [{ check: void-cycles, atMost: 0 }] }`,
    );
    const output = join(folder, name);
    execFileSync(process.execPath, [join(root, 'scripts', 'beamrig.mjs'), 'regress', file, '--workers', '1', '--output', output]);
    const report = JSON.parse(readFileSync(join(output, 'report.json'), 'utf8')) as Report;
    const ratios = report.cases[0].seeds.map(({ attempts }) => seconds / attempts[0].times.seconds).sort((a, b) => a - b);
    console.log(`${name}: ${seconds} s of the rig, times its own time: ${ratios.map((ratio) => ratio.toFixed(1)).join(', ')}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

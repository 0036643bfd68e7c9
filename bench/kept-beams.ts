/**
 * What keeping the beams of a run costs (`telemetry.keep`): bytes and microseconds a cycle at N = 64, M = K = 4, Q = 6, on the channels of the demo rig.
 * `npx tsx bench/kept-beams.ts`
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createVirtualClock } from '../core/clock/virtual-clock.ts';
import { readRigFile } from '../src/config/rig-file.ts';
import { assembleRig } from '../src/rig/assemble.ts';
import { AppendFile } from '../src/telemetry/append-file.ts';
import type { CommandedBeam } from '../src/telemetry/cycle-record.ts';
import { encodeKept } from '../src/telemetry/kept-beams.ts';
import { percentiles } from './statistics.ts';

const CYCLES = 2000;
const rig = readRigFile(fileURLToPath(new URL('../examples/rigs/demo.yaml', import.meta.url)));
rig.beamformer.model = 'aligned';
const beams: CommandedBeam[] = [];
const { run, controller } = await assembleRig({
  rig,
  clock: createVirtualClock(),
  recorder: { cycle: (_, beam) => beam && beams.push(beam), event: () => undefined },
  cycles: CYCLES,
});
await run();
await controller.stop();

const folder = mkdtempSync(join(tmpdir(), 'beamrig-kept-'));
for (const keep of ['words', 'channels', 'all'] as const) {
  const path = join(folder, keep);
  const file = new AppendFile(path);
  const times = new Float64Array(beams.length);
  for (const [cycle, beam] of beams.entries()) {
    const startMs = performance.now();
    file.append(encodeKept(cycle, rig.array.phaseBits, beam, keep) ?? '');
    times[cycle] = 1000 * (performance.now() - startMs);
    if (cycle % 50 === 49) await new Promise(setImmediate);
  }
  await file.close();
  const { p50, p95 } = percentiles(times);
  const bytes = statSync(path).size / beams.length;
  console.log(
    `keep: ${keep.padEnd(8)} ${bytes.toFixed(0).padStart(5)} bytes a cycle, ${p50.toFixed(0)} µs (95 %: ${p95.toFixed(0)} µs)`,
  );
}
rmSync(folder, { recursive: true, force: true });

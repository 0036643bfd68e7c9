/**
 * How often the drift watch raises an alarm on a simulated array that does not drift, and how soon it tells of one that does: whole control cycles on
 * virtual time, users moving, the array with its impairments.
 *
 *   npm run bench:drift -- [--hours 2] [--model aligned] [--seeds 2] [--drift 2]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createVirtualClock } from '../core/clock/virtual-clock.ts';
import { packageRoot } from '../core/files/package-root.ts';
import { parseRigFile } from '../src/config/rig-file.ts';
import { assembleRig } from '../src/rig/assemble.ts';
import type { RigEvent } from '../src/telemetry/cycle-record.ts';

const { values } = parseArgs({
  options: {
    hours: { type: 'string', default: '2' },
    model: { type: 'string', default: 'aligned' },
    seeds: { type: 'string', default: '2' },
    /** Degrees a minute; 0 for false alarms. */
    drift: { type: 'string', default: '0' },
  },
});
const hours = Number(values.hours);

async function alarms(seed: number): Promise<{ cycles: number; alarms: RigEvent[] }> {
  const path = join(packageRoot(), 'examples', 'rigs', 'demo.yaml');
  const rig = parseRigFile(readFileSync(path, 'utf8'), path);
  const { impairments } = rig.simulator;
  const simulator = { ...rig.simulator, impairments: { ...impairments, temperatureDriftDegPerMinute: Number(values.drift) } };
  const found: RigEvent[] = [];
  const cycles = Math.round(hours * 3600 * rig.loop.rateHz);
  const assembled = await assembleRig({
    rig: { ...rig, links: [], simulator, beamformer: { ...rig.beamformer, model: values.model } },
    seed,
    clock: createVirtualClock(),
    recorder: {
      cycle: () => undefined,
      event: (event) => void (event.code === 'prediction-drift' && found.push(event)),
    },
    cycles,
    hardware: false,
  });
  await assembled.run();
  return { cycles, alarms: found };
}

let cycles = 0;
let total = 0;
for (let seed = 1; seed <= Number(values.seeds); seed++) {
  const run = await alarms(seed);
  cycles += run.cycles;
  total += run.alarms.length;
  console.log(`seed ${seed}: ${run.cycles} cycles, ${run.alarms.length} alarms`);
  for (const { message, action } of run.alarms) console.log(`  ${message} ${action ?? ''}`);
}
console.log(
  `${total} alarms in ${cycles} cycles with ${values.drift}° a minute (${(cycles / 20 / 3600).toFixed(1)} h at 20 a second), model ${values.model}`,
);

/** The rig of links.ts: its file, and how many cycles it makes with its model. */
import { createRealClock } from '../core/clock/real-clock.ts';
import { panelsMs } from '../scripts/panel-times.ts';
import { parseRigFile } from '../src/config/rig-file.ts';
import { assembleRig } from '../src/rig/assemble.ts';
import { CHAINS, ELEMENTS, USERS } from './links-frames.ts';
import type { RigRow } from './links-report.ts';
import { percentiles } from './statistics.ts';

/** The rig with its model and no pacing, over the same link. */
export async function wholeRig(name: string, link: string, seconds: number): Promise<RigRow> {
  const clock = createRealClock();
  const push: number[] = [];
  const cycle: number[] = [];
  let voids = 0;
  const rig = await assembleRig({
    rig: parseRigFile(rigText(7, link), 'the rig of this bench'),
    clock,
    rateHz: 'max',
    recorder: {
      cycle: ({ outcome, stageMs, cycleMs }) => {
        if (outcome === 'void') voids++;
        push.push(panelsMs(stageMs));
        cycle.push(cycleMs);
      },
      event: () => undefined,
    },
  });
  const running = rig.run();
  await clock.sleep(1000);
  push.length = cycle.length = voids = 0;
  const startMs = clock.nowMs();
  await clock.sleep(1000 * seconds);
  const rigCyclesPerSecond = (1000 * cycle.length) / (clock.nowMs() - startMs);
  const [link50, cycle50] = [push, cycle].map((each) => percentiles(Float64Array.from(each)));
  const voidCycles = voids; // the one that the stop finds under way is void by right
  await rig.controller.stop();
  await running;
  return { name, cyclesPerSecond: rigCyclesPerSecond, linkMs: link50, cycleMs: cycle50, voids: voidCycles };
}

export function rigText(phaseBits: number, link: string): string {
  return `
name: links
seed: 1
array: { geometry: { kind: ula, elements: ${ELEMENTS} }, rfChains: ${CHAINS}, phaseBits: ${phaseBits} }
users: { count: ${USERS} }
beamformer: { model: unfolded-pga-n64 }
links: [ ${link} ]
fallback: never
`;
}

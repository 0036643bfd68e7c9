/** A rig that sounds its channel, on the simulator's panel: real bytes over a loopback, on virtual time. */
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { createRandom } from '../../core/signal/random.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import { parseRigFile, type RigFile } from '../../src/config/rig-file.ts';
import { assembleRig } from '../../src/rig/assemble.ts';
import { createWorld } from '../../src/rig/world.ts';
import type { CycleRecord, RigEvent } from '../../src/telemetry/cycle-record.ts';

const LINE = '{ geometry: { kind: ula, elements: 32 }, rfChains: 4, phaseBits: 6 }';
/** @param channel of the rig file */
export const rigOf = (
  channel: string,
  { model = 'phase-extraction', speedMps = 0, more = '', panel = 'answerMs: 0.1', array = LINE, users = 3 } = {},
): RigFile =>
  parseRigFile(
    `
name: heard
seed: 5
array: ${array}
users: { count: ${users} }
beamformer: { model: ${model} }
channel: ${channel}
loop: { rateHz: 100, pilots: 100 }
simulator: { userSpeedMps: ${speedMps}, panel: { ${panel} } }
${more}
`,
    'rig.yaml',
  );

export const SOUNDED = '{ source: sounding, beams: 16, wholePeriod: 20, effectivePeriod: 6 }';

export async function assemble(rig: RigFile, { cycles: many = 40, behaviours = [] as Behaviour[] } = {}) {
  const clock = createVirtualClock();
  const records: CycleRecord[] = [];
  const events: RigEvent[] = [];
  const assembled = await assembleRig({
    ...{ rig, clock, cycles: many, behaviours },
    recorder: { cycle: (record) => records.push(record), event: (event) => events.push(event) },
  });
  return { ...assembled, clock, records, events, loop: assembled.controller };
}

export async function runOf(rig: RigFile, options: Parameters<typeof assemble>[1] = {}) {
  const assembled = await assemble(rig, options);
  const outcome = await assembled.run();
  await assembled.loop.stop();
  return { ...assembled, outcome };
}

export const meanOf = (records: readonly CycleRecord[], of: (record: CycleRecord) => number): number =>
  records.reduce((sum, record) => sum + of(record), 0) / records.length;
/** What nobody tells a rig that sounds. */
export const sceneOf = (rig: RigFile): CMatrix =>
  createWorld({ rig, random: createRandom(rig.seed).stream('simulator'), repeat: true }).scene.channel();

/**
 * What the controller itself costs a cycle, without the model and without the wire: the real loop, recorder and frame encoder, with a
 * beamformer that answers at once and a panel that acknowledges what was encoded for it.
 *
 *   npx tsx bench/as-built.ts controller-overhead [--cycles 5000] [--json]
 *
 * Target: a median of at most 0.1 ms at N = 64, M = K = 4, Q = 6. The parts below the sum are timed by themselves on the same inputs.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createRealClock } from '../core/clock/real-clock.ts';
import { beamFrames } from '../firmware-protocol/chunking.ts';
import { encodeFrame } from '../firmware-protocol/codec.ts';
import { wordsCrc32c } from '../firmware-protocol/packing.ts';
import { runBaseline } from '../models/baselines/baselines.ts';
import { salehValenzuela } from '../core/signal/channel.ts';
import { quantisePhases } from '../core/signal/quantise.ts';
import { createRandom } from '../core/signal/random.ts';
import { fromDb } from '../core/signal/rate.ts';
import { nearestStates, realiseBeam } from '../core/signal/realise-beam.ts';
import type { Problem } from '../core/signal/beam-contract.ts';
import { sumRateObjective } from '../core/signal/objectives/sum-rate.ts';
import type { Beamformer } from '../src/beamforming/beamformer.ts';
import { loadRigFile } from '../src/config/rig-file.ts';
import { zfRate } from '../src/control/control-cycle.ts';
import { createControlLoop } from '../src/control/control-loop.ts';
import type { RigDescription } from '../src/control/controller.ts';
import type { BeamCommand, Panel } from '../src/panel/panel.ts';
import type { CycleRecord } from '../src/telemetry/cycle-record.ts';
import { createRunRecorder } from '../src/telemetry/run-folder.ts';
import { percentiles } from './statistics.ts';

const { values } = parseArgs({
  options: { cycles: { type: 'string', default: '5000' }, json: { type: 'boolean', default: false } },
});
const cycles = Number(values.cycles);
const WARM_UP = 1000;
const [elements, rfChains, users, bits] = [64, 4, 4, 6];
const power = fromDb(10);
const NOISE = 1;
const CHANNELS = 200;

const random = createRandom(1);
const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
const channels = Array.from({ length: CHANNELS }, () =>
  salehValenzuela({ random, geometry, users, paths: 10, scale: 'unit-element' }),
);
const problems = channels.map((channel): Problem => ({ channel, rfChains, power, noise: NOISE }));
const beams = problems.map((problem) => runBaseline('pga', problem));

const clock = createRealClock();
const folder = mkdtempSync(join(tmpdir(), 'beamrig-bench-'));
const rigPath = fileURLToPath(new URL('../examples/rigs/demo.yaml', import.meta.url));
const { rig, text: rigText } = loadRigFile(rigPath);
rig.telemetry.runFolder = folder;
const recorder = createRunRecorder({ rig, rigText, rigPath, seed: 1, clock, time: 'real' });

const commands = channels.map((_, i): BeamCommand => {
  const { words, digital } = resolve(i);
  const weights = Float32Array.from({ length: 2 * digital.re.length }, (_, j) => (j % 2 === 0 ? digital.re : digital.im)[j >> 1]);
  return { beamId: i + 1, phaseBits: bits, words, digital: { users, weights } };
});

let lastRecord: CycleRecord | undefined;
const totals = await wholeCycles();
if (lastRecord === undefined) throw new Error('no cycle was run');
const record: CycleRecord = lastRecord;
const parts = {
  'quantise phases': time((i) => quantisePhases(beams[i].analogPhase, bits)),
  'quantise, solve D again, predict SINR': time((i) => resolve(i)),
  'sum rate of digital ZF': time((i) => zfRate(channels[i], power, NOISE)),
  'encode all frames and the checksum': time((i) => encode(commands[i])),
  'write the record': time(() => recorder.cycle(record)),
};
await recorder.close('done');
rmSync(folder, { recursive: true });

const result = {
  elements,
  rfChains,
  users,
  phaseBits: bits,
  cycles,
  overheadMs: percentiles(totals),
  partsMs: parts,
  targetMs: 0.1,
};
if (values.json) {
  console.log(JSON.stringify(result, null, 2));
} else {
  const line = (name: string, { p50, p95 }: { p50: number; p95: number }): string =>
    `${name.padEnd(40)} ${p50.toFixed(3)} / ${p95.toFixed(3)} ms`;
  console.log(
    `controller overhead, N = ${elements}, M = K = ${users}, Q = ${bits}, ${cycles} cycles, median / p95 (target 0.100)`,
  );
  console.log(line('whole cycle', result.overheadMs));
  for (const [name, figures] of Object.entries(parts)) console.log(line(`  ${name}`, figures));
}

/** Time from one cycle's end to the next one's, with everything but model and wire in between. */
async function wholeCycles(): Promise<Float64Array> {
  const times = new Float64Array(cycles);
  let previousMs = 0;
  let next = 0;
  const panel = acknowledgingPanel();
  const loop = createControlLoop({
    setting: {
      clock,
      channels: {
        origin: 'simulation',
        take: (cycle) => ({ channel: channels[cycle % CHANNELS], userAzimuthRad: new Float64Array(0) }),
      },
      rfChains,
      connection: undefined,
      panelPhaseBits: bits,
      power,
      noise: NOISE,
      objective: sumRateObjective,
      quantise: nearestStates,
      pilots: 64,
    },
    panel: {
      panel,
      source: 'simulator',
      connected: true,
      connect: () => panel.connect(),
      boards: () => [],
      linkDiscarded: () => 0,
      links: () => [],
    },
    description: {} as RigDescription,
    beamformer: instantBeamformer(),
    openBeamformer: async () => instantBeamformer(),
    rateHz: 0,
    pipelined: true,
    cycles: WARM_UP + cycles,
    safe: { state: 'mute' },
    random,
    sink: recorder,
  });
  loop.onCycle((done) => {
    const nowMs = clock.nowMs();
    if (next >= WARM_UP) times[next - WARM_UP] = nowMs - previousMs;
    next++;
    previousMs = nowMs;
    lastRecord = done;
  });
  await loop.start();
  return times;
}

function instantBeamformer(): Beamformer {
  let next = 0;
  return {
    id: 'instant',
    kind: 'baseline',
    title: 'answers at once',
    dimensions: { elements, rfChains, users },
    compute: async () => beams[next++ % CHANNELS],
    close: async () => undefined,
  };
}

function encode(beam: BeamCommand): number {
  const frames = beamFrames({ ...beam, slot: 0, maxPayloadBytes: 1024, firstSeq: 1 });
  return frames.reduce((bytes, frame) => bytes + encodeFrame(frame).length, wordsCrc32c(beam.words) & 1);
}

function acknowledgingPanel(): Panel {
  const snrDb = Float64Array.of(10, 11, 12, 13);
  const done = { ok: true, value: undefined } as const;
  const never = (): never => {
    throw new Error('not used by the bench');
  };
  return {
    name: 'acknowledging',
    capabilities: undefined,
    counters: { requests: 0, retries: 0, timeouts: 0, nacks: 0, strayReplies: 0, badFrames: 0, roundTripMs: 0 },
    safeAs: undefined,
    onSafe: () => undefined,
    apply: async (beam) => {
      encode(beam);
      return { ok: true, value: { beamId: beam.beamId, panelTimeUs: 0n, pushMs: 0, commitMs: 0 } };
    },
    measureSnr: async (beamId, pilots) => ({ ok: true, value: { beamId, panelTimeUs: 0n, pilots, firstUser: 0, snrDb } }),
    setSafeState: async () => done,
    commandSafe: () => true,
    close: async () => undefined,
    connect: never,
    storeBeam: never,
    foundStored: never,
    measurePilots: never,
    readBack: never,
    ping: never,
    status: never,
  };
}

function resolve(i: number) {
  return realiseBeam(problems[i], beams[i], { states: { bits }, objective: sumRateObjective });
}

function time(work: (index: number) => unknown): { p50: number; p95: number } {
  const times = new Float64Array(cycles);
  for (let i = -WARM_UP; i < cycles; i++) {
    const startMs = performance.now();
    work((i + WARM_UP) % CHANNELS);
    if (i >= 0) times[i] = performance.now() - startMs;
  }
  return percentiles(times);
}

/**
 * What the simulator costs: whole cycles a second of the virtual panel, driven in bytes (chunks of words and weights, commit, SNR), against
 * the least that any simulator in this program must do for them: decode the same requests, encode the same replies, and multiply the same
 * matrices once, H·F and (H·F)·D.
 *
 *     npx tsx bench/simulator.ts [--json] [--rounds N]
 *
 * Panel and limit take turns every few cycles within a round, and processor time is counted beside time on the wall, so that a busy machine
 * is told from slow code; ratios are of processor time. Figures are medians over the rounds with their range.
 */
import { createVirtualClock } from '../core/clock/virtual-clock.ts';
import { beamFrames } from '../firmware-protocol/chunking.ts';
import { decodeFrame, encodeFrame } from '../firmware-protocol/codec.ts';
import type { Frame } from '../firmware-protocol/messages.ts';
import { createMovingUsers } from '../hil-sim/scene.ts';
import { createSimulatedArray } from '../hil-sim/simulated-array.ts';
import { createVirtualPanel } from '../hil-sim/virtual-panel.ts';
import { fromParts, matmul } from '../core/signal/complex-matrix.ts';
import { createRandom } from '../core/signal/random.ts';

const json = process.argv.includes('--json');
const roundsAt = process.argv.indexOf('--rounds');
const rounds = roundsAt < 0 ? 9 : Number(process.argv[roundsAt + 1]);
if (!Number.isInteger(rounds) || rounds < 5) {
  const given = process.argv[roundsAt + 1];
  console.error(`--rounds is ${given}, not a whole number from 5 on. Try: npx tsx bench/simulator.ts --rounds 9`);
  process.exit(2);
}

const CYCLES_A_ROUND = 500;
const CYCLES_A_TURN = 50;
const WARM_UP_ROUNDS = 2;
const PHASE_BITS = 6;
const PILOTS = 64;

/** Kept from the optimiser: every measured function's result goes in here. */
let sink = 0;

interface Spread {
  median: number;
  least: number;
  most: number;
}

/** Microseconds a cycle. */
interface Cost {
  wallUs: Spread;
  cpuUs: Spread;
}

interface Row {
  elements: number;
  rfChains: number;
  users: number;
  framesPerCycle: number;
  /** From the median of the panel's time on the wall. */
  cyclesPerSecond: number;
  /** Panel alone, the scene standing still. */
  panel: Cost;
  /** Codec and matrix products alone. */
  limit: Cost;
  /** Panel ÷ limit in processor time, round by round. */
  ratio: Spread;
  /** Moving the scene and taking its channel, once a cycle in a rig. */
  scene: Cost;
}

/** Adds up what is spent on some work, round by round. */
class Stopwatch {
  readonly #wallUs: number[] = [];
  readonly cpuUs: number[] = [];
  #wall = 0;
  #cpu = 0;

  time(work: () => void): void {
    const cpu = process.cpuUsage();
    const wall = performance.now();
    work();
    this.#wall += 1000 * (performance.now() - wall);
    const spent = process.cpuUsage(cpu);
    this.#cpu += spent.user + spent.system;
  }

  /** Ends a round; one that only warms up is not kept. */
  endRound(kept: boolean): void {
    if (kept) {
      this.#wallUs.push(this.#wall / CYCLES_A_ROUND);
      this.cpuUs.push(this.#cpu / CYCLES_A_ROUND);
    }
    this.#wall = 0;
    this.#cpu = 0;
  }

  cost(): Cost {
    return { wallUs: spread(this.#wallUs), cpuUs: spread(this.cpuUs) };
  }
}

function measure(elements: number, rfChains: number, maxPayloadBytes: number): Row {
  const users = rfChains;
  const random = createRandom(1);
  const scene = createMovingUsers({
    geometry: { kind: 'ula', elements, spacingWavelengths: 0.5 },
    users,
    paths: 10,
    scale: 'unit-element',
    speedMps: 1.4,
    carrierGhz: 28,
    random: random.stream('scene'),
  });
  const array = createSimulatedArray({
    elements,
    rfChains,
    phaseBits: PHASE_BITS,
    random: random.stream('array'),
    impairments: { gainErrorDb: 0.5, phaseErrorDeg: 5, phaseStateErrorDeg: 1, temperatureDriftDegPerMinute: 2 },
  });
  const clock = createVirtualClock();
  const panel = createVirtualPanel({
    clock,
    array,
    scene,
    noise: 0.1,
    random: random.stream('panel'),
    capabilities: { maxPayloadBytes },
  });
  let replies: Uint8Array[] = [];
  panel.onSend((reply) => replies.push(reply));

  let beamId = 0;
  let seq = 0;
  const words = new Uint16Array(elements * rfChains);
  const weights = new Float32Array(2 * rfChains * users);
  const cycle = (): Uint8Array[] => {
    beamId += 1;
    for (let i = 0; i < words.length; i++) words[i] = Math.floor(random.uniform() * 2 ** PHASE_BITS);
    for (let i = 0; i < weights.length; i++) weights[i] = random.normal();
    const digital = { users, weights };
    const beam = beamFrames({ slot: 0, beamId, phaseBits: PHASE_BITS, words, digital, maxPayloadBytes, firstSeq: 0 });
    const measureSnr: Frame = { seq: 0, message: { type: 'measure-snr', beamId, pilots: PILOTS } };
    return [...beam, measureSnr].map(({ message }) => encodeFrame({ seq: seq++ & 0xffff, message }));
  };

  const channel = scene.channel();
  const analog = array.radiatedAnalog(words, 0);
  const digital = fromParts(rfChains, users, new Float64Array(rfChains * users).fill(0.5), new Float64Array(rfChains * users));
  const drivePanel = (frames: Uint8Array[]): void => {
    for (const frame of frames) panel.receive(frame);
  };
  const driveLimit = (frames: Uint8Array[], answers: Frame[]): void => {
    for (const frame of frames) sink += decodeFrame(frame).ok ? 1 : 0;
    for (const answer of answers) sink += encodeFrame(answer).length;
    for (let i = 0; i < CYCLES_A_TURN; i++) sink += matmul(matmul(channel, analog), digital).re[0];
  };
  let timeS = 0;
  const driveScene = (): void => {
    for (let i = 0; i < CYCLES_A_TURN; i++) {
      scene.moveTo((timeS += 0.05));
      sink += scene.channel().re[0];
    }
  };

  const watch = { panel: new Stopwatch(), limit: new Stopwatch(), scene: new Stopwatch() };
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (let turn = 0; turn < CYCLES_A_ROUND / CYCLES_A_TURN; turn++) {
      const frames = Array.from({ length: CYCLES_A_TURN }, cycle).flat();
      replies = [];
      watch.panel.time(() => drivePanel(frames));
      const answers = replies.map(decodeFrame).flatMap((decoded) => (decoded.ok ? [decoded.frame] : []));
      const refused = answers.find(({ message }) => message.type === 'nack');
      if (refused || answers.length !== frames.length) {
        throw new Error(`the panel refused: ${JSON.stringify(refused?.message)}`);
      }
      watch.limit.time(() => driveLimit(frames, answers));
      watch.scene.time(driveScene);
    }
    for (const one of Object.values(watch)) one.endRound(round >= 0);
  }
  panel.close();
  const panelCost = watch.panel.cost();
  return {
    elements,
    rfChains,
    users,
    framesPerCycle: cycle().length,
    cyclesPerSecond: 1e6 / panelCost.wallUs.median,
    panel: panelCost,
    limit: watch.limit.cost(),
    ratio: spread(watch.panel.cpuUs.map((us, i) => us / watch.limit.cpuUs[i])),
    scene: watch.scene.cost(),
  };
}

function spread(values: number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: sorted[sorted.length >> 1], least: sorted[0], most: sorted[sorted.length - 1] };
}

const rows = [measure(64, 4, 1024), measure(256, 8, 1024)];
if (json) {
  console.log(
    JSON.stringify({ rounds, cyclesPerRound: CYCLES_A_ROUND, phaseBits: PHASE_BITS, pilots: PILOTS, rows }, undefined, 2),
  );
} else {
  const show = ({ median, least, most }: Spread): string => `${median.toFixed(1)} (${least.toFixed(1)} … ${most.toFixed(1)})`;
  const cost = ({ wallUs, cpuUs }: Cost): string => `${show(wallUs)} µs a cycle, processor ${show(cpuUs)}`;
  console.log(`virtual panel, Q = ${PHASE_BITS}, ${PILOTS} pilots, ${rounds} rounds of ${CYCLES_A_ROUND} cycles: median (range)`);
  for (const row of rows) {
    const size = `N = ${row.elements}, M = K = ${row.rfChains}`;
    console.log(`\n${size}: ${Math.round(row.cyclesPerSecond)} cycles/s, ${row.framesPerCycle} frames a cycle`);
    console.log(`  panel             ${cost(row.panel)}`);
    console.log(`  codec + products  ${cost(row.limit)}`);
    console.log(`  ratio             ${show(row.ratio)}`);
    console.log(`  moving the scene  ${cost(row.scene)}`);
  }
}
if (sink === Infinity) console.error(sink);

/**
 * The watch of a rig on cycles that are made up (watching-model.ts): what it would be handed after each, and a panel that it can ask for pilots before the
 * next. It is the one of the loop, its closer looks included; only its clock and its panel are not.
 */
import { faultLosses } from '../core/signal/fault-losses.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import type { Random } from '../core/signal/random.ts';
import { estimateChainGains } from '../hil-sim/pilot-estimates.ts';
import type { Bench, NextCycle } from '../src/control/between-cycles.ts';
import type { CycleView } from '../src/control/controller.ts';
import type { FoundFault } from '../src/control/array-health.ts';
import { createPredictionWatch } from '../src/control/watch/prediction-watch.ts';
import type { CycleRecord } from '../src/telemetry/cycle-record.ts';
import { CHAINS, ELEMENTS, NOISE, PILOTS, RATE_HZ, USERS, type ScenePoint, type readingOf } from './watching-model.ts';

export const BOARD = 16;
export const BOARDS = Array.from({ length: ELEMENTS / BOARD }, (_, board) => ({
  name: String(board),
  elements: Array.from({ length: BOARD }, (_, i) => board * BOARD + i),
}));

/** Told, and what the watch takes it for; undefined: it cannot say. */
export interface Told {
  code: string;
  found: (FoundFault & { otherwise?: FoundFault['fault'] | undefined }) | undefined;
}

export interface WatchedCycles {
  /**
   * Wait for what it gives.
   * @param chains H·A of the true array, as the next beam's pilots would be heard; asked for where the watch looks
   * @param slots that sounding took just before; undefined: channels are not sounded
   */
  after(
    cycle: number,
    point: ScenePoint,
    reading: ReturnType<typeof readingOf>,
    chains: () => CMatrix,
    slots?: number,
  ): Promise<unknown> | undefined;
  readonly told: readonly Told[];
  /** Closer looks so far. */
  readonly looks: number;
}

export function watchCycles({ hasLooks, random }: { hasLooks: boolean; random: Random }): WatchedCycles {
  let timeMs = 0;
  let looks = 0;
  let chains: () => CMatrix;
  const told: Told[] = [];
  let found: Told['found'];
  const watch = createPredictionWatch({
    clock: { nowMs: () => timeMs } as Parameters<typeof createPredictionWatch>[0]['clock'],
    ...{ rateHz: RATE_HZ, pilots: PILOTS, noise: NOISE, boards: BOARDS, temperatureC: () => null },
    health: { found: (what) => (found = what), lost: () => undefined, beginsAnew: () => undefined, forget: () => undefined },
    tell: ({ code }) => {
      told.push({ code, found });
      found = undefined;
    },
    lossesOf: rememberedLosses,
  });
  const panel = {
    capabilities: { features: hasLooks ? ['pilot-report'] : [] },
    measurePilots: (_: number, user: number, pilots: number) => {
      if (user === 0) looks++;
      return Promise.resolve({ ok: true, value: { values: heardBy(chains(), user, pilots, random), pilots } });
    },
  };
  const next = { on: { source: 'simulator', panel } } as unknown as NextCycle;
  const bench = { ...next, signal: new AbortController().signal, heard: () => undefined } as unknown as Bench;
  const record = {
    ...{ source: 'simulator', channelSource: 'simulation', modelId: 'aligned', phaseBits: 6, panels: 'A', calibration: 'none' },
  } as CycleRecord;
  const view = { record } as CycleView;
  return {
    told,
    get looks() {
      return looks;
    },
    after(cycle, { channel, analog, digital, predictedSnrDb, sumRate }, { measuredSnrDb, measuredSumRate }, heard, slots) {
      timeMs = (1000 * cycle) / RATE_HZ;
      chains = heard;
      Object.assign(record, { cycle, beamId: cycle + 1, predictedSnrDb, measuredSnrDb, measuredSumRate });
      record.predictedSumRate = sumRate;
      if (slots !== undefined) Object.assign(record, { channelSource: 'sounding', sounding: { slots } });
      view.channel = channel;
      view.analog = analog;
      view.digital = digital;
      watch.after(record, view);
      return watch.look.due(next) ? watch.look.work(bench) : undefined;
    },
  };
}

/** Each through a receiver of its own phase. */
function heardBy(chains: CMatrix, user: number, pilots: number, random: Random): Float32Array {
  const [from, to] = [user * CHAINS, (user + 1) * CHAINS];
  const row = { rows: 1, cols: CHAINS, re: chains.re.slice(from, to), im: chains.im.slice(from, to) };
  const values = estimateChainGains(row, NOISE, pilots, random);
  const rad = 2 * Math.PI * random.uniform();
  const [cos, sin] = [Math.cos(rad), Math.sin(rad)];
  for (let m = 0; m < 2 * CHAINS; m += 2) {
    const [re, im] = [values[m], values[m + 1]];
    values[m] = re * cos - im * sin;
    values[m + 1] = re * sin + im * cos;
  }
  return values;
}

/** Of beams that were shown before, as they were worked out then. */
const rememberedLosses: typeof faultLosses = (faults, boards) => {
  const of = faultLosses(faults, boards);
  const known = new WeakMap<CMatrix, Float64Array>();
  return (beam, into) => {
    let losses = known.get(beam.digital);
    if (losses === undefined) {
      losses = new Float64Array(faults.length * USERS);
      of(beam, losses);
      known.set(beam.digital, losses);
    }
    into.set(losses);
  };
};

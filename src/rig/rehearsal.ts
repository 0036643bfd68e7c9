/**
 * Cycles before the first. Code that has never run is slow, and the first cycle would take ten times as long as the thousandth: while the model
 * is being opened, the very loop that the rig will run turns on a small simulated panel, in a world of its own. What comes of it is thrown away,
 * and nothing of the rig is touched: no panel, no record, no event, no number of its random streams.
 */
import type { Clock } from '../../core/clock/clock.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { createQuantiser } from '../../core/signal/quantisers.ts';
import { OBJECTIVES } from '../../core/signal/objectives/objectives.ts';
import { createRandom } from '../../core/signal/random.ts';
import { fromDb } from '../../core/signal/rate.ts';
import { baselineMisfit, isBaselineName } from '../../models/baselines/baselines.ts';
import { openBeamformer } from '../beamforming/open-beamformer.ts';
import { elementsOf, type RigFile } from '../config/rig-file.ts';
import { createControlLoop } from '../control/control-loop.ts';
import type { RigDescription } from '../control/controller.ts';
import { cycleLines } from '../telemetry/influx/points.ts';
import { safeChoice, simulatedPanel } from './simulated-panel.ts';
import { assembleSimulator } from './simulator.ts';
import { createWorld } from './world.ts';

/** After so many there is little left to gain. */
export const CYCLES = 100;
/** How long it goes on, at the most, when the model is open. */
const LONGER_MS = 40;

/**
 * Resolves when enough cycles have turned, or what is being opened has been open for a while. Never rejects: a rig starts without it just the same.
 * @param clock real time
 * @param opening what the rig waits for anyway
 * @returns how many cycles have turned well
 */
export async function rehearse(rig: RigFile, clock: Clock, opening: Promise<unknown>): Promise<number> {
  const over = Promise.allSettled([opening]).then(() => clock.sleep(LONGER_MS));
  try {
    const loop = await loopInAWorldOfItsOwn(inSmall(rig), clock);
    const outcome = loop.start();
    await Promise.race([outcome, over]);
    await loop.stop();
    const { cycles, voidCycles } = await outcome;
    return cycles - voidCycles;
  } catch {
    return 0; // whatever it is, the rig itself says it in its own words
  }
}

/** Divided by each number of chains here, where each has a block of its own. */
const ELEMENTS = 60;
const MOST_CHAINS = 4;

/** The rig with an array so small that a cycle of it never takes long: the code is the same. Its simulator takes no time on purpose. */
function inSmall(rig: RigFile): RigFile {
  const { array, users, simulator } = rig;
  const { panel, impairments } = simulator;
  return {
    ...rig,
    array: {
      ...array,
      geometry: { kind: 'ula', elements: ELEMENTS, spacingWavelengths: 0.5 },
      rfChains: Math.min(array.rfChains, MOST_CHAINS),
    },
    users: { ...users, count: Math.min(users.count, MOST_CHAINS) },
    simulator: {
      ...simulator,
      impairments: { ...impairments, deadElements: [], stuckElements: [], stuckWords: [] },
      panel: { ...panel, answerMs: 0 },
    },
  };
}

async function loopInAWorldOfItsOwn(rig: RigFile, clock: Clock) {
  const { rfChains, connection, phaseBits } = rig.array;
  const elements = elementsOf(rig);
  const { model, deadlineMs, quantiser, sweeps, sweepStart } = rig.beamformer;
  // What sensing wishes for is of the real array, and takes long to work out.
  const objective = OBJECTIVES[rig.beamformer.objective === 'rate-sensing' ? 'sum-rate' : rig.beamformer.objective];
  const needs = { elements, rfChains, users: rig.users.count, connection };
  // A model is code of another thread.
  const own = isBaselineName(model) && baselineMisfit(model, needs) === undefined;
  const open = () => openBeamformer(own ? model : 'aligned', needs, { deadlineMs });
  const beamformer = await open();
  const random = createRandom(rig.seed).stream('rehearsal');
  const world = createWorld({ rig, random, repeat: false });
  const simulator = assembleSimulator({ rig, random, clock, noise: 1, world, behaviours: [], latencyMs: 0 });
  return createControlLoop({
    setting: {
      clock,
      channels: world,
      rfChains,
      connection: connection === 'full' ? undefined : connectionMask(connection, elements, rfChains),
      panelPhaseBits: phaseBits,
      power: fromDb(rig.snrDb),
      noise: 1,
      objective,
      quantise: createQuantiser({ quantiser, sweeps }, objective, sweepStart),
      sensing: undefined,
      pilots: rig.loop.pilots,
    },
    panel: simulatedPanel(rig, simulator, clock, random),
    description: {} as RigDescription, // for pages, and it has none
    beamformer,
    openBeamformer: open,
    rateHz: 0,
    pipelined: false,
    cycles: CYCLES,
    safe: safeChoice(rig),
    random,
    sink: {
      cycle: (record) => void cycleLines(record, { rig: rig.name, run: rig.name }, record.timeNs),
      event: () => undefined,
    },
    release: () => simulator.panel.close(),
  });
}

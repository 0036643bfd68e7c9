/**
 * The simulator as the rest of the rig sees it: a link with a panel of all elements at its other end, in the world it is given. Array and
 * panel are built from the rig file and one seed, each from a stream of its own.
 */
import type { Clock } from '../../core/clock/clock.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import { chipNamed } from '../../hil-sim/chips/chips.ts';
import { createSimulatedArray } from '../../hil-sim/simulated-array.ts';
import type { SimulatedArray } from '../../hil-sim/simulated-array.ts';
import { createVirtualPanel } from '../../hil-sim/virtual-panel.ts';
import type { PanelSettings, VirtualPanel } from '../../hil-sim/virtual-panel.ts';
import { neighbourCoupling } from '../../hil-sim/coupling.ts';
import type { Random } from '../../core/signal/random.ts';
import { elementsOf } from '../config/rig-file.ts';
import type { RigFile } from '../config/rig-file.ts';
import type { World } from './world.ts';
import { createLoopbackLink } from '../link/loopback.ts';
import type { LoopbackLink } from '../link/loopback.ts';

export interface Simulator {
  panel: VirtualPanel;
  link: LoopbackLink;
}

export interface SimulatorOptions {
  rig: RigFile;
  random: Random;
  clock: Clock;
  /** σ² at each user, linear. */
  noise: number;
  /** Where its users are, and where the controller's channels come from. */
  world: World;
  /** Faults to play: drops, resets, stalls, … */
  behaviours: readonly Behaviour[];
  /** One-way latency of the loopback link, ms. */
  latencyMs: number;
}

export function assembleSimulator(options: SimulatorOptions): Simulator {
  const { rig, random, clock, noise, world, behaviours, latencyMs } = options;
  const array = createRigArray(rig, random);
  const panel = createVirtualPanel({
    clock,
    array,
    scene: world.scene,
    noise,
    random: random.stream('panel'),
    behaviours,
    ...panelSettings(rig),
    onLatch: (beamId) => world.latched(beamId),
  });
  const link = createLoopbackLink(panel, clock, { name: 'simulator', latencyMs });
  return { panel, link };
}

/** What the rig file says of the panels in front of its simulated array, in a loopback or at the far end of a wire. */
export function panelSettings({ simulator }: RigFile): Required<Pick<PanelSettings, 'answerMs' | 'capabilities'>> {
  const { answerMs, protocolMinor, elementEnable, pilotReport, gainBits, maxPayloadBytes, stagingSlots, beamMemory } =
    simulator.panel;
  const payload = maxPayloadBytes === undefined ? {} : { maxPayloadBytes };
  return {
    answerMs,
    capabilities: { protocolMinor, elementEnable, pilotReport, gainBits, ...payload, stagingSlots, beamMemory },
  };
}

/** The array of the rig file, with the states of its chips and its impairments drawn from the simulator's seed. */
export function createRigArray(rig: RigFile, random: Random): SimulatedArray {
  const { geometry, rfChains, phaseBits, connection } = rig.array;
  const { coupling, stuckElements, stuckWords, ...impairments } = rig.simulator.impairments;
  const chip = chipNamed(rig.simulator.phaseShifter);
  return createSimulatedArray({
    elements: elementsOf(rig),
    rfChains,
    phaseBits,
    connection,
    random: random.stream('array'),
    impairments: { ...impairments, stuckElements: [...stuckElements, ...stuckWords] },
    faults: rig.simulator.faults,
    ...(coupling === undefined
      ? {}
      : { coupling: neighbourCoupling(geometry, coupling.neighbourDb, coupling.neighbourPhaseDeg) }),
    ...(chip === undefined ? {} : { states: chip.states() }),
  });
}

/**
 * The common story of scripts/same-scenario.ts, told to the firmware: its bench (chips, baseband and users) stands in a world of its own, and
 * what its chips decode to is what it radiates.
 */
import type { Clock } from '../../core/clock/clock.ts';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { decodeFrame } from '../codec.ts';
import type { Air } from '../../hil-sim/air.ts';
import { createAir } from '../../hil-sim/air.ts';
import type { BenchBus } from './bench-bus.ts';
import { createBenchBus } from './bench-bus.ts';
import type { ChipKind } from '../../hil-sim/chips/chip.ts';
import type { SimulatedArray } from '../../hil-sim/simulated-array.ts';
import { SCENARIO_CHIP, scenarioRig, tell } from '../../scripts/same-scenario.ts';
import type { Story } from '../../scripts/same-scenario.ts';
import type { Random } from '../../core/signal/random.ts';
import { createRandom } from '../../core/signal/random.ts';
import type { Link } from '../../src/link/link.ts';
import type { PanelEnd } from '../../src/link/panel-end.ts';
import { createSerialPanelEnd } from '../../src/link/serial/serial-panel-end.ts';
import { createSerialLink } from '../../src/link/serial/serial.ts';
import { awaitBoard, BAUD_RATE } from '../../src/regression/firmware-board.ts';
import { createRigArray } from '../../src/rig/simulator.ts';
import { createWorld, type World } from '../../src/rig/world.ts';
import type { RunningFirmware } from './run-firmware.ts';

/** As the rig has it: only P/σ² counts. */
const NOISE = 1;

/** The surroundings of a panel that is no virtual one, as the rig's own simulator would have them. */
export interface Setting {
  clock: Clock;
  random: Random;
  world: World;
  array: SimulatedArray;
}

function createSetting(chip: ChipKind): Setting {
  const rig = scenarioRig('', chip);
  const random = createRandom(rig.seed).stream('simulator');
  return {
    clock: createRealClock(),
    random,
    world: createWorld({ rig, random, repeat: true }),
    array: createRigArray(rig, random),
  };
}

/** The firmware's surroundings: chips, baseband and users behind its bench port, in a world of their own. */
export interface Bench {
  bus: BenchBus;
  air: Air;
  setting: Setting;
  /** To the port with the panel protocol. */
  link: Link;
  /** On the bench port. */
  end: PanelEnd;
  close(): Promise<void>;
}

export interface BenchOptions {
  /** What the firmware was built for. */
  chip?: ChipKind;
  /** What to do with the bench before the board finds it. */
  prepare?: (bus: BenchBus) => void;
}

/**
 * Puts the bench on the firmware's second UART.
 * @throws {BeamrigError} 'link' when a port cannot be opened
 */
export async function attachBench(firmware: RunningFirmware, options: BenchOptions = {}): Promise<Bench> {
  const { chip = SCENARIO_CHIP, prepare = () => undefined } = options;
  const setting = createSetting(chip);
  const air = benchAir(setting);
  const bus = createBenchBus({ part: air.part(), chip });
  prepare(bus);
  const end = createSerialPanelEnd({ path: firmware.benchPort, baudRate: BAUD_RATE });
  await end.open(bus);
  const link = serialTo(firmware);
  return {
    bus,
    air,
    setting,
    link,
    end,
    async close() {
      await link.close();
      await end.close();
    },
  };
}

/** An air with pilots of its own: readings agree with those over loopback within their noise and no better. */
export const benchAir = ({ array, world, random, clock }: Setting): Air =>
  createAir({ array, scene: world.scene, noise: NOISE, random: random.stream('bench'), clock });

/** The story told to the firmware; its words are what its chips decode to. */
export async function tellToFirmware(firmware: RunningFirmware, cycles: number, chip: ChipKind = SCENARIO_CHIP): Promise<Story> {
  const bench = await attachBench(firmware, { chip });
  try {
    const { clock, random } = bench.setting;
    await awaitBoard(bench.link, clock, random.stream('waiting'));
    const links = `links: [{ serial: { path: ${firmware.hostPort}, baudRate: ${BAUD_RATE} } }]`;
    const rig = scenarioRig(`fallback: never\n${links}`, chip);
    const createLink = (): Link => showingBeams(serialTo(firmware), bench.setting.world);
    return await tell({ rig, createLink }, cycles, () => ({ words: bench.bus.words(), sinr: bench.air.trueSinr() }));
  } finally {
    await bench.close();
  }
}

const serialTo = (firmware: RunningFirmware): Link =>
  createSerialLink({ name: 'firmware', path: firmware.hostPort, baudRate: BAUD_RATE });

/** The bench's users stand where they stood when the beam was worked out that is committed: chips know nothing of beams. */
function showingBeams(link: Link, world: World): Link {
  const send = link.send.bind(link);
  link.send = (frame) => {
    const decoded = decodeFrame(frame);
    if (decoded.ok && decoded.frame.message.type === 'commit') world.latched(decoded.frame.message.beamId);
    return send(frame);
  };
  return link;
}

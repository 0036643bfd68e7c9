/**
 * A bench of one board with the reference firmware in C, on real time: what the controller speaks to is the firmware at a serial port, and what
 * radiates is what the chips behind it decode to, whatever it believes.
 *
 *   rig ─ link, with its mishaps ─ pty ─► firmware ─ pty ─► chips, baseband, users ─► air
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { createRandom } from '../../core/signal/random.ts';
import { fromDb } from '../../core/signal/rate.ts';
import { derivePanelKey } from '../../firmware-protocol/authentication.ts';
import { createBenchBus, type BenchBus } from '../../firmware-protocol/reference/bench-bus.ts';
import { createAir, type Air } from '../../hil-sim/air.ts';
import { chipNamed } from '../../hil-sim/chips/chips.ts';
import { elementsOf } from '../config/rig-file.ts';
import { createSerialLink } from '../link/serial/serial.ts';
import { createSerialPanelEnd } from '../link/serial/serial-panel-end.ts';
import { createRigArray } from '../rig/simulator.ts';
import { createWorld } from '../rig/world.ts';
import { benchRig, NOISE, type BenchOptions } from './bench-rig.ts';
import type { Bench, Shown } from './bench.ts';
import { statesOf } from './calibration-truth.ts';
import { changesOf } from './changing-world.ts';
import { awaitBoard, BAUD_RATE, firmwareFor, startBoard, type FirmwareBoard } from './firmware-board.ts';
import { watchBeams } from './firmware-beams.ts';
import { BOARD_SERIALS } from './firmware-limits.ts';
import { pluggedLink, type PluggedLink } from './firmware-link.ts';
import { createTroubles, type Troubles } from './mishaps.ts';
import type { Action, ActionName } from './timeline-schema.ts';

/** What of a timeline can be played with a firmware. */
const PLAYS: ReadonlySet<ActionName> = new Set([
  ...(['unplug', 'frames', 'replay', 'restart-panel', 'hang-panel'] as const),
  ...(['elements-die', 'elements-turn', 'elements-drift', 'users-walk', 'shadow-user', 'noise'] as const),
]);

/** Where the EEPROM of a board has its key: firmware-protocol/reference/BENCH-BUS.md. */
const EEPROM = { bytes: 256, keyLength: 16, key: 17 };

interface Seat {
  board: FirmwareBoard;
  bus: BenchBus;
  air: Air;
  plug: PluggedLink;
  troubles: Troubles;
  sleep: (ms: number) => Promise<void>;
}

export async function openFirmwareBench(options: BenchOptions, carrier: 'pty' | 'qemu'): Promise<Bench> {
  const { scenario, seed } = options;
  const target = carrier === 'pty' ? 'host' : 'board';
  const panel = BOARD_SERIALS[carrier];
  const clock = createRealClock();
  const folder = mkdtempSync(join(tmpdir(), 'beamrig-bench-'));
  const closers: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const rigKey = scenario.text.sealed ? randomBytes(32) : undefined;
    const panelKey = rigKey && derivePanelKey(rigKey, panel);
    const keyFile = join(folder, 'rig.key');
    if (rigKey !== undefined) writeFileSync(keyFile, rigKey.toString('hex'), { mode: 0o600 });
    const port = { serial: { path: join(folder, 'host'), baudRate: BAUD_RATE } };
    const rig = benchRig(
      options,
      folder,
      () => ({ panel, ...port }),
      rigKey === undefined ? {} : { authentication: { keyFile } },
    );
    const chip = chipNamed(rig.simulator.phaseShifter);
    if (chip === undefined) throw new BeamrigError('internal', 'a firmware without chips');
    const elements = elementsOf(rig);
    const { rfChains } = rig.array;

    const random = createRandom(seed).stream('simulator');
    const recorded = options.channels === undefined ? {} : { recorded: options.channels };
    const changes = changesOf(scenario.text.timeline, rig.simulator.userSpeedMps, rig.loop.rateHz);
    const world = createWorld({ rig, random, repeat: true, ...recorded, ...changes });
    const array = createRigArray(rig, random);
    const switchedOnMs = clock.nowMs();
    const air = createAir({ array, scene: world.scene, noise: NOISE, random: random.stream('bench'), clock });
    const bus = createBenchBus({ part: air.part(), chip, eeprom: eepromWith(panelKey) });
    const beams = watchBeams(elements * rfChains, panelKey);
    let shown: (what: Shown) => void = () => undefined;
    bus.onRadiated(() => {
      const words = bus.words();
      if (words === undefined) return shown({ panel: 0, beam: undefined });
      const beam = Uint16Array.from(words);
      const beamId = beams.shownBy(beam);
      world.latched(beamId);
      shown({ panel: 0, beam: { beamId, words: beam } });
    });

    const { program, sha256 } = firmwareFor(target, chip.name);
    const size = { elements, chains: rfChains, users: rig.users.count, serial: panel };
    const args = Object.entries(size).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const board = await startBoard(target, program, args, folder);
    closers.push(() => board.close());
    const end = createSerialPanelEnd({ path: board.benchPort, baudRate: BAUD_RATE });
    await end.open(bus);
    closers.push(() => end.close());
    const name = rig.links[0].name;
    const line = createSerialLink({ name, path: board.hostPort, baudRate: BAUD_RATE });
    await awaitBoard(line, clock, random.stream('waiting'), rigKey && { rigKey, panelSerial: panel });
    const troubles = createTroubles(clock, createRandom(seed).stream('timeline').stream(name));
    troubles.mishaps([...rig.simulator.behaviours, ...scenario.text.behaviours]);
    const plug = pluggedLink(line, troubles, (frame) => beams.arrived(frame));
    const seat: Seat = { board, bus, air, plug, troubles, sleep: (ms) => clock.sleep(ms) };
    return {
      ...{ rig, clock, time: 'real', plays: PLAYS, close },
      assembling: { world, createLink: () => plug.link },
      panelElements: [rig.links[0].elements],
      play: (action) => play(action, seat),
      begin: () => undefined,
      truth: () => ({ sinr: air.trueSinr() }),
      states: () => statesOf(array, (clock.nowMs() - switchedOnMs) / 1000),
      onShown: (listener) => void (shown = listener),
      facts: { panels: carrier === 'pty' ? 'firmware, a process' : 'firmware, emulated', chip: chip.name, firmware: sha256 },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A new one, with the key of the panel where it has one. */
function eepromWith(panelKey: Uint8Array | undefined): Uint8Array {
  const eeprom = new Uint8Array(EEPROM.bytes);
  if (panelKey === undefined) return eeprom;
  eeprom[EEPROM.keyLength] = panelKey.length;
  eeprom.set(panelKey, EEPROM.key);
  return eeprom;
}

async function play(action: Action, seat: Seat): Promise<(() => Promise<void>) | undefined> {
  const { board, bus, air, plug, troubles, sleep } = seat;
  switch (action.do) {
    case 'unplug':
      await plug.pull();
      return async () => plug.putBack();
    case 'frames': {
      const over = troubles.mishaps(action.behaviours);
      return async () => over();
    }
    case 'replay':
      for (const frame of troubles.overheard(action.frames)) plug.sendAgain(frame);
      return undefined;
    case 'restart-panel':
      await board.cut();
      bus.powerCycle();
      await sleep(action.bootMs);
      await board.start();
      return undefined;
    case 'hang-panel':
      board.hang(true);
      return async () => board.hang(false);
    case 'noise':
      air.setNoise(NOISE * fromDb(action.db));
      return async () => air.setNoise(NOISE);
    default:
      // What the array and the users do is in the array and the world from the start.
      return undefined;
  }
}

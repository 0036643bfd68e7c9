/**
 * A bench of panels that are played in this process, on virtual time over loopback, or on real time through a broker of its own: as many as the
 * case says, each with its part of one array, in one world.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../core/clock/clock.ts';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { createRandom } from '../../core/signal/random.ts';
import { fromDb } from '../../core/signal/rate.ts';
import { derivePanelKey } from '../../firmware-protocol/authentication.ts';
import type { RigFile } from '../config/rig-file.ts';
import { startEmbeddedBroker } from '../link/mqtt/embedded-broker.ts';
import { createMqttPanelEnd } from '../link/mqtt/mqtt-panel-end.ts';
import { playPanels, type PlayedPanel } from '../rig/played-panels.ts';
import { createRigArray, panelSettings } from '../rig/simulator.ts';
import { createWorld } from '../rig/world.ts';
import { benchRig, NOISE, type BenchOptions } from './bench-rig.ts';
import type { Bench, Shown } from './bench.ts';
import { statesOf } from './calibration-truth.ts';
import { changesOf } from './changing-world.ts';
import { createLoopbackWire, type LoopbackWire } from './loopback-wire.ts';
import { troubled, type TroubledEnd } from './mishaps.ts';
import type { Action, ActionName } from './timeline-schema.ts';

/** What of a timeline can be played with panels of our own. */
const PLAYS: ReadonlySet<ActionName> = new Set([
  ...(['unplug', 'frames', 'replay', 'restart-panel', 'hang-panel', 'panel-fault'] as const),
  ...(['elements-die', 'elements-turn', 'elements-drift', 'users-walk', 'shadow-user', 'noise'] as const),
]);

interface Seat {
  panel: PlayedPanel;
  end: TroubledEnd;
  pull: () => Promise<void>;
  putBack: () => Promise<void>;
}

export async function openPlayedBench(options: BenchOptions): Promise<Bench> {
  const { one, scenario, seed, realTime } = options;
  const { timeline, sealed } = scenario.text;
  const overBroker = one.carrier === 'mqtt';
  const isReal = realTime || overBroker;
  const clock: Clock = isReal ? createRealClock() : createVirtualClock();
  const folder = mkdtempSync(join(tmpdir(), 'beamrig-bench-'));
  const closers: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const broker = overBroker ? await startEmbeddedBroker({ port: 0 }) : undefined;
    if (broker !== undefined) closers.push(() => broker.close());
    const rigKey = sealed ? randomBytes(32) : undefined;
    const keyFile = join(folder, 'rig.key');
    if (rigKey !== undefined) writeFileSync(keyFile, rigKey.toString('hex'), { mode: 0o600 });
    const rig = benchRig(
      options,
      folder,
      (name) => (broker === undefined ? { serial: { path: name } } : { mqtt: { url: broker.url } }),
      {
        ...(rigKey === undefined ? {} : { authentication: { keyFile } }),
      },
    );
    const random = createRandom(seed).stream('simulator');
    const changes = changesOf(timeline, rig.simulator.userSpeedMps, rig.loop.rateHz);
    const recorded = options.channels === undefined ? {} : { recorded: options.channels };
    const world = createWorld({ rig, random, repeat: true, ...recorded, ...changes });
    const array = createRigArray(rig, random);
    const switchedOnMs = clock.nowMs();
    const happens = createRandom(seed).stream('timeline');
    const wires = rig.links.map(({ name }) => createLoopbackWire(name, clock, rig.simulator.panel.latencyMs));
    const ends = rig.links.map(({ name, panel = name }, i) => {
      const panelKey = rigKey === undefined ? undefined : derivePanelKey(rigKey, panel);
      const end =
        broker === undefined
          ? wires[i].end
          : createMqttPanelEnd({ ...mqttOf(rig, i), panel, ...(panelKey === undefined ? {} : { panelKey }) });
      return troubled(end, clock, happens.stream(name));
    });
    let shown: (what: Shown) => void = () => undefined;
    const places = new Map(rig.links.map(({ name }, i) => [name, i]));
    const played = playPanels({
      panels: rig.links.map(({ name, panel = name, elements }, i) => ({
        name,
        panelSerial: panel,
        elements,
        end: ends[i],
        settings: panelSettings(rig),
        ...(i === 0 ? { behaviours: [...rig.simulator.behaviours, ...scenario.text.behaviours] } : {}),
        ...(rigKey === undefined
          ? {}
          : { authentication: { panelKey: derivePanelKey(rigKey, panel), counterLimit: 0n, storeLimit: () => true } }),
      })),
      ...{ array, world, noise: NOISE, random, clock },
      onEvent: (event) => {
        const panel = places.get(event.panel) ?? 0;
        if (event.type === 'dark') shown({ panel, beam: undefined });
        if (event.type === 'radiates') shown({ panel, beam: { beamId: event.beamId, words: event.words } });
      },
    });
    closers.push(() => played.close());
    await played.open();
    const seats = played.panels.map((panel, i): Seat => seatOf(panel, ends[i], broker === undefined ? wires[i] : undefined));
    return {
      rig,
      clock,
      time: isReal ? 'real' : 'virtual',
      assembling: {
        world,
        ...(broker === undefined ? { createLink: ({ name }) => wires[places.get(name) ?? 0].link } : {}),
      },
      panelElements: played.panels.map(({ elements }) => elements),
      plays: PLAYS,
      play: (action) => play(action, seats, played.panels),
      begin: () => undefined,
      truth: () => ({ sinr: seats[0].panel.panel.trueSinr() }),
      states: () => statesOf(array, (clock.nowMs() - switchedOnMs) / 1000),
      onShown: (listener) => void (shown = listener),
      facts: { panels: 'played' },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function mqttOf(rig: RigFile, index: number) {
  const link = rig.links[index];
  if (link.kind !== 'mqtt') throw new BeamrigError('internal', `${link.name} is not on a broker`);
  return link.mqtt;
}

/** Over a broker the panel goes off the broker, which tells the host. */
function seatOf(panel: PlayedPanel, end: TroubledEnd, wire: LoopbackWire | undefined): Seat {
  if (wire === undefined) return { panel, end, pull: () => panel.unplug(), putBack: () => panel.plug() };
  return { panel, end, pull: async () => wire.pull(), putBack: async () => wire.putBack() };
}

async function play(
  action: Action,
  seats: readonly Seat[],
  all: readonly PlayedPanel[],
): Promise<(() => Promise<void>) | undefined> {
  switch (action.do) {
    case 'unplug': {
      const { pull, putBack } = seats[action.panel];
      await pull();
      return putBack;
    }
    case 'frames': {
      const over = seats[action.panel].end.mishaps(action.behaviours);
      return async () => over();
    }
    case 'replay':
      seats[action.panel].end.replay(action.frames);
      return undefined;
    case 'restart-panel':
      seats[action.panel].panel.reset(action.bootMs);
      return undefined;
    case 'hang-panel': {
      const { end } = seats[action.panel];
      end.hang(true);
      return async () => end.hang(false);
    }
    case 'panel-fault': {
      const { panel } = seats[action.panel];
      panel.fault(action.code);
      return async () => panel.recover();
    }
    case 'noise':
      for (const { panel } of all) panel.setNoise(NOISE * fromDb(action.db));
      return async () => all.forEach(({ panel }) => panel.setNoise(NOISE));
    default:
      // What the array and the users do is in the array and the world from the start.
      return undefined;
  }
}

/** Both ends of an MQTT link for tests: a panel end with an echo or a virtual panel behind it, and links whose states are kept. */
import { createRealClock } from '../../core/clock/real-clock.ts';
import { derivePanelKey } from '../../firmware-protocol/authentication.ts';
import type { VirtualPanel, VirtualPanelOptions } from '../../hil-sim/virtual-panel.ts';
import { createVirtualPanel } from '../../hil-sim/virtual-panel.ts';
import { createMovingUsers } from '../../hil-sim/scene.ts';
import { createSimulatedArray } from '../../hil-sim/simulated-array.ts';
import { createRandom } from '../../core/signal/random.ts';
import type { Link } from '../../src/link/link.ts';
import type { LoopbackPeer } from '../../src/link/loopback.ts';
import { createMqttLink, type MqttOptions } from '../../src/link/mqtt/mqtt.ts';
import { createMqttPanelEnd } from '../../src/link/mqtt/mqtt-panel-end.ts';
import type { PanelEnd } from '../../src/link/panel-end.ts';
import { createPanel } from '../../src/panel/panel-driver.ts';

export const PANEL = 'SIM-0001';
export const PRESENCE = `beamrig/panels/${PANEL}/presence`;

export interface WatchedLink {
  link: Link;
  /** 'open', or reason and detail. */
  states: string[];
  received: Uint8Array[];
}

/** With a key only what is sealed, or what the panel confirms, is believed. */
type EndOptions = Partial<MqttOptions> & { url: string; panel?: string; panelKey?: Uint8Array };

export function linkTo(options: EndOptions): WatchedLink {
  const link = createMqttLink({ topicPrefix: 'beamrig', panel: PANEL, random: createRandom(1), ...options });
  const states: string[] = [];
  const received: Uint8Array[] = [];
  link.onState((state) => states.push(state.state === 'open' ? 'open' : `${state.reason}: ${state.detail ?? ''}`));
  link.onFrame((frame) => received.push(frame));
  return { link, states, received };
}

export interface WatchedEnd {
  end: PanelEnd;
  states: { open: boolean; detail: string }[];
}

export async function panelOn(peer: LoopbackPeer, options: EndOptions): Promise<WatchedEnd> {
  const end = createMqttPanelEnd({ topicPrefix: 'beamrig', panel: PANEL, ...options });
  const states: { open: boolean; detail: string }[] = [];
  end.onState((state) => states.push(state));
  await end.open(peer);
  return { end, states };
}

export const ELEMENTS = 16;
export const CHAINS = 2;
export const PHASE_BITS = 6;

export function virtualPanel(authentication?: VirtualPanelOptions['authentication']): VirtualPanel {
  const random = createRandom(7);
  const scene = createMovingUsers({
    geometry: { kind: 'ula', elements: ELEMENTS, spacingWavelengths: 0.5 },
    users: 2,
    paths: 4,
    scale: 'unit-element',
    speedMps: 1,
    carrierGhz: 28,
    random: random.stream('scene'),
  });
  const array = createSimulatedArray({
    elements: ELEMENTS,
    rfChains: CHAINS,
    phaseBits: PHASE_BITS,
    random: random.stream('array'),
  });
  return createVirtualPanel({
    ...{ clock: createRealClock(), array, scene, noise: 0.1, random: random.stream('panel') },
    ...(authentication !== undefined && { authentication }),
  });
}

export const RIG_KEY = Uint8Array.from({ length: 32 }, (_, i) => 3 * i + 1);

/** A virtual panel and a driver over a broker, both with the key or both without. `atEnd` is given what ends them. */
export async function drivenPanel(
  withKey: boolean,
  { url, panelUrl = url, atEnd }: { url: string; panelUrl?: string; atEnd: (end: () => unknown) => void },
) {
  const panelKey = withKey ? derivePanelKey(RIG_KEY, PANEL) : undefined;
  const keyed = panelKey === undefined ? {} : { panelKey };
  const radio = virtualPanel(panelKey === undefined ? undefined : { panelKey, counterLimit: 0n, storeLimit: () => true });
  atEnd(() => radio.close());
  const { end, states: panelStates } = await panelOn(radio, { url: panelUrl, ...keyed });
  atEnd(() => end.close());
  const { link } = linkTo({ url, ...keyed });
  atEnd(() => link.close());
  const driver = createPanel({
    link,
    clock: createRealClock(),
    random: createRandom(3),
    expected: { panelSerial: PANEL },
    ...(withKey && { authentication: { rigKey: RIG_KEY } }),
  });
  return { radio, driver, link, end, panelStates };
}

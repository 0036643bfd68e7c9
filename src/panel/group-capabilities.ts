/** What several panels are as one array, and what several panels may report as one. */
import type { Capabilities, Feature, PanelState } from '../../firmware-protocol/messages.ts';
import type { UserRun } from '../../core/signal/indices.ts';
import type { PanelCounters, PanelFailure, PanelStatus } from './panel.ts';

/** A panel's word about itself, and what the array wants of it. */
export interface MemberFacts {
  /** Of its link. */
  name: string;
  capabilities: Capabilities;
  /** Elements of the array that it is to drive. */
  elements: number;
}

/** Of these one panel is enough: what users hear, they hear of the whole array, and one that is a program makes the array calculated. */
const ONE_IS_ENOUGH: readonly Feature[] = ['snr-report', 'pilot-report', 'simulated'];

/** What a board with receivers only says of itself, and what the array wants of it. */
export interface ReceiverFacts {
  name: string;
  capabilities: Capabilities;
  /** Users whom it is to report. */
  users: UserRun;
}

/** Why these panels cannot be one array, heard by these receivers; undefined when they can. */
export function whyNotOneArray(
  members: readonly MemberFacts[],
  rfChains: number,
  receivers: readonly ReceiverFacts[] = [],
): PanelFailure | undefined {
  const [first] = members;
  const seen = new Map<string, string>();
  for (const { name, capabilities } of [...members, ...receivers]) {
    const { panelSerial } = capabilities;
    const twin = seen.get(panelSerial);
    if (twin !== undefined) {
      const actual = `${panelSerial}: two panels with one id, on ${twin} and on ${name}`;
      return wrongPanel(name, 'panelSerial', 'another one for each panel', actual);
    }
    seen.set(panelSerial, name);
  }
  for (const { name, capabilities, users } of receivers) {
    if (capabilities.role !== 'user') return wrongPanel(name, 'role', 'user', capabilities.role);
    if (capabilities.rfChains !== rfChains) return wrongPanel(name, 'rfChains', String(rfChains), capabilities.rfChains);
    const last = users.firstUser + users.count;
    if (capabilities.users < last) return wrongPanel(name, 'users', `${last} or more`, capabilities.users);
  }
  for (const { name, capabilities, elements } of members) {
    const { phaseBits } = capabilities;
    const wrong = (field: string, expected: string, actual: string | number): PanelFailure =>
      wrongPanel(name, field, expected, actual);
    if (capabilities.elements !== elements) return wrong('elements', String(elements), capabilities.elements);
    if (capabilities.rfChains !== rfChains) return wrong('rfChains', String(rfChains), capabilities.rfChains);
    const common = first.capabilities.phaseBits;
    if (phaseBits !== common) return wrong('phaseBits', `${common}, as on ${first.name}`, phaseBits);
  }
  return undefined;
}

const wrongPanel = (panel: string, field: string, expected: string, actual: string | number): PanelFailure => ({
  reason: 'wrong-panel',
  panel,
  field,
  expected,
  actual: String(actual),
});

/**
 * The array as if it were one panel. `panelSerial` and `firmware` are for words: those of all, joined.
 * @param receivers boards with receivers only, which report for it
 */
export function mergedCapabilities(
  all: readonly Capabilities[],
  elements: number,
  receivers: readonly Capabilities[] = [],
): Capabilities {
  const least = (field: 'protocolMinor' | 'maxPayloadBytes' | 'stagingSlots' | 'beamMemory'): number =>
    Math.min(...all.map((one) => one[field]));
  // A gain word is the same amplitude on all panels only where it has the same bits.
  const oneGain = all.every((one) => one.gainBits === all[0].gainBits);
  const features = [...new Set([...all, ...receivers].flatMap((one) => one.features))].filter(
    (feature) =>
      ONE_IS_ENOUGH.includes(feature) ||
      (all.every((one) => one.features.includes(feature)) && (feature !== 'element-gain' || oneGain)),
  );
  return {
    ...all[0],
    panelSerial: [...all, ...receivers].map((one) => one.panelSerial).join(' + '),
    firmware: [...new Set([...all, ...receivers].map((one) => one.firmware))].join(' + '),
    protocolMinor: least('protocolMinor'),
    elements,
    gainBits: oneGain ? all[0].gainBits : 0,
    users: [...receivers, ...all].find((one) => one.features.includes('snr-report'))?.users ?? 0,
    maxPayloadBytes: least('maxPayloadBytes'),
    stagingSlots: least('stagingSlots'),
    beamMemory: least('beamMemory'),
    features,
  };
}

/** From the worst. */
const STATES_BY_WORRY: readonly PanelState[] = ['fault', 'safe', 'idle', 'radiating'];

/** The array is as well as its worst panel, and radiates a beam only when all radiate it. */
export function mergedStatus(all: readonly PanelStatus[]): PanelStatus {
  const { beamId } = all[0];
  return {
    state: STATES_BY_WORRY.find((state) => all.some((one) => one.state === state)) ?? all[0].state,
    beamId: all.every((one) => one.beamId === beamId) ? beamId : 0,
    temperatureC: warmest(all),
    uptimeMs: Math.min(...all.map((one) => one.uptimeMs)),
    bootCount: Math.max(...all.map((one) => one.bootCount)),
    badFrames: sum(all.map((one) => one.badFrames)),
  };
}

/** A view: sums of the panels' counters as they stand, and the slowest round trip. */
export function mergedCounters(all: () => readonly Readonly<PanelCounters>[]): Readonly<PanelCounters> {
  const total = (field: keyof PanelCounters): number => {
    let value = 0;
    for (const one of all()) value += one[field] ?? 0;
    return value;
  };
  return {
    get requests() {
      return total('requests');
    },
    get retries() {
      return total('retries');
    },
    get timeouts() {
      return total('timeouts');
    },
    get nacks() {
      return total('nacks');
    },
    get strayReplies() {
      return total('strayReplies');
    },
    get badFrames() {
      return total('badFrames');
    },
    get roundTripMs() {
      return Math.max(...all().map((one) => one.roundTripMs));
    },
    get linkFull() {
      return total('linkFull');
    },
    get unauthenticated() {
      return total('unauthenticated');
    },
    get patchedBeams() {
      return total('patchedBeams');
    },
    get stagedBytes() {
      return total('stagedBytes');
    },
  };
}

/** Of those that measure it. */
function warmest(all: readonly PanelStatus[]): number | null {
  const measured = all.flatMap(({ temperatureC }) => (temperatureC === null ? [] : [temperatureC]));
  return measured.length === 0 ? null : Math.max(...measured);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

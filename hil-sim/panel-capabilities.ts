/** What a virtual panel says of itself: what it was told to, and what follows from the array and the users that it stands among. */
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import { encodeFrame } from '../firmware-protocol/codec.ts';
import { longestReportBytes } from '../firmware-protocol/limits.ts';
import type { Capabilities, Feature } from '../firmware-protocol/messages.ts';
import { FEATURES, PROTOCOL_MAJOR, PROTOCOL_MINOR } from '../firmware-protocol/messages.ts';
import type { AirPart, AirReceivers } from './air.ts';
import type { PanelAuthentication } from './panel-guard.ts';

/** Where it is not what the array or the scene make of it. */
export type PanelCapabilities = Partial<
  Pick<Capabilities, 'panelSerial' | 'arrayId' | 'firmware' | 'maxPayloadBytes' | 'stagingSlots' | 'beamMemory' | 'features'> & {
    /**
     * 1: a panel as it was before 1.2, which every hello and every refused request keeps alive, and which says not that it is simulated.
     * 2: as before 1.3, without element-gain and element-enable.
     */
    protocolMinor: 1 | 2 | typeof PROTOCOL_MINOR;
    /** Bits of a gain word, 0 … 16 (default 5); 0: it has no element-gain. */
    gainBits: number;
    /** Whether single elements can be switched off (default true): element-enable. */
    elementEnable: boolean;
    /** Whether what a receiver hears of each chain is reported (default true): pilot-report. */
    pilotReport: boolean;
  }
>;

interface Said {
  authentication?: PanelAuthentication;
  capabilities?: PanelCapabilities;
}

/** Longest payload where nobody says one and its reports are no longer, bytes. */
const USUAL_PAYLOAD_BYTES = 1024;
const DEFAULT_GAIN_BITS = 5;
/** Of a panel that nobody named. */
export const DEFAULT_SERIAL = 'SIM-0001';
const FIRMWARE = 'beamrig-simulator';
/** Minor version since which panels have a feature, where not all have. */
const FIRST_MINOR: Partial<Record<Feature, number>> = { simulated: 2, 'element-gain': 3, 'element-enable': 3 };

/** What a board with receivers only may name. */
const RECEIVER_FEATURES: readonly Feature[] = ['snr-report', 'pilot-report', 'time-sync', 'simulated'];

/** @throws {BeamrigError} 'argument' for what the wire cannot carry, and for receivers that report nothing */
export function capabilitiesOfReceivers({ authentication, capabilities = {} }: Said, receivers: AirReceivers): Capabilities {
  const { panelSerial = DEFAULT_SERIAL, arrayId = 0, firmware = FIRMWARE, features } = capabilities;
  const { maxPayloadBytes = usualPayloadBytes(receivers) } = capabilities;
  const named = RECEIVER_FEATURES.filter((feature) => features?.includes(feature) ?? true);
  const { users, rfChains } = receivers;
  if (!named.some((feature) => feature === 'snr-report' || feature === 'pilot-report')) {
    throw new BeamrigError('argument', 'a board with receivers only reports neither SNR nor pilots', {
      wayOut: 'Give it snr-report, pilot-report or both.',
    });
  }
  const all: Capabilities = {
    role: 'user',
    panelSerial,
    arrayId,
    firmware,
    maxPayloadBytes,
    protocolMajor: PROTOCOL_MAJOR,
    protocolMinor: PROTOCOL_MINOR,
    // Fields that cannot be 0.
    elements: 1,
    phaseBits: 1,
    stagingSlots: 1,
    rfChains,
    users,
    gainBits: 0,
    beamMemory: 0,
    features: FEATURES.filter(
      (feature) => named.includes(feature) || (feature === 'authentication' && authentication !== undefined),
    ),
  };
  return checked(all, receivers);
}

/** @throws {BeamrigError} 'argument' for what the wire cannot carry, and for 'authentication' without a key */
export function capabilitiesOfPart({ authentication, capabilities = {} }: Said, air: AirPart): Capabilities {
  const { elementEnable = true, pilotReport = true, ...said } = capabilities;
  const { beamMemory = 16, protocolMinor = PROTOCOL_MINOR, gainBits = DEFAULT_GAIN_BITS } = said;
  const { features = FEATURES.filter((feature) => protocolMinor >= (FIRST_MINOR[feature] ?? 0)) } = said;
  if (said.features?.includes('authentication') && !authentication) {
    throw new BeamrigError('argument', "a panel without a key has no 'authentication'", { wayOut: 'Give it a panel key.' });
  }
  const hasFor: Partial<Record<Feature, boolean>> = {
    'beam-memory': beamMemory > 0,
    'element-gain': gainBits > 0,
    'element-enable': elementEnable,
    'pilot-report': pilotReport,
  };
  const announced = (feature: Feature): boolean =>
    feature === 'authentication' ? authentication !== undefined : features.includes(feature) && hasFor[feature] !== false;
  const all: Capabilities = {
    role: 'array',
    panelSerial: DEFAULT_SERIAL,
    arrayId: 0,
    firmware: FIRMWARE,
    stagingSlots: 2,
    ...said,
    maxPayloadBytes: said.maxPayloadBytes ?? usualPayloadBytes(air),
    protocolMajor: PROTOCOL_MAJOR,
    protocolMinor,
    elements: air.elements,
    rfChains: air.rfChains,
    phaseBits: air.phaseBits,
    gainBits: announced('element-gain') ? gainBits : 0,
    users: features.includes('snr-report') || features.includes('pilot-report') ? air.users : 0,
    beamMemory: features.includes('beam-memory') ? beamMemory : 0,
    features: FEATURES.filter(announced),
  };
  return checked(all, air);
}

const usualPayloadBytes = ({ users, rfChains }: Pick<AirReceivers, 'users' | 'rfChains'>): number =>
  Math.max(USUAL_PAYLOAD_BYTES, longestReportBytes(users, rfChains));

/** @throws {BeamrigError} 'argument' for what the wire cannot carry: here and not at the first hello */
function checked(all: Capabilities, { users, rfChains }: Pick<AirReceivers, 'users' | 'rfChains'>): Capabilities {
  encodeFrame({ seq: 0, message: { type: 'capabilities', ...all } });
  const longestReport = longestReportBytes(users, rfChains);
  if (all.maxPayloadBytes < longestReport) {
    throw new BeamrigError('argument', `maxPayloadBytes is ${all.maxPayloadBytes}; a report takes ${longestReport}`, {
      wayOut: `Choose maxPayloadBytes ≥ ${longestReport}.`,
    });
  }
  return all;
}

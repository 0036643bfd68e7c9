/** The first words with a panel: do we speak one language, is it the panel that the rig expects, and which of its lives is this. */
import { counted } from '../../core/errors/counted.ts';
import { AUTHENTICATION_BYTES, CRC_BYTES, HEADER_BYTES, MAX_FRAME_BYTES } from '../../firmware-protocol/limits.ts';
import type { BeamId, Capabilities } from '../../firmware-protocol/messages.ts';
import { PROTOCOL_MAJOR } from '../../firmware-protocol/messages.ts';
import type { Link } from '../link/link.ts';
import { drawNonce } from './frame-seal.ts';
import type { PanelFailure, Result } from './panel.ts';
import type { RequestLine } from './request-line.ts';
import type { RequestLimits } from './request-timeouts.ts';

/** What holds until the link or the panel is lost. */
export interface Session {
  capabilities: Capabilities;
  /** Another one later means that the panel was restarted and has forgotten everything. */
  bootCount: number;
  /** At the handshake. */
  uptimeMs: number;
  /** What the panel radiated at the handshake, under an id that somebody before us gave it; 0 = nothing. */
  inheritedBeamId: BeamId;
}

/** A panel that claims more phase shifters than this is not believed: 1,024 elements × 1,024 chains. */
const MAX_WORDS = 2 ** 20;

/** A panel that is still starting hears nothing: it is asked more often than later on. */
const LIMITS: RequestLimits = { attempts: 12 };

export interface Handshake {
  expected: Partial<Capabilities>;
  /** The line seals its frames: counters are agreed upon before anything else is said. */
  withKey: boolean;
  /** Limits of each request where the usual ones are too long. */
  hurry?: RequestLimits;
  link: Pick<Link, 'name' | 'maxFrameBytes'>;
}

export async function shakeHands(
  line: RequestLine,
  { expected, withKey, hurry = {}, link }: Handshake,
): Promise<Result<Session>> {
  const limits = { ...LIMITS, ...hurry };
  if (withKey) {
    const challenged = await line.request<'challenge'>({ type: 'challenge', hostNonce: drawNonce() }, limits);
    if (!challenged.ok) return { ok: false, failure: keyRefusal(challenged.failure) };
  }
  const hello = await line.request<'hello'>(
    { type: 'hello', minMajor: PROTOCOL_MAJOR, maxMajor: PROTOCOL_MAJOR, host: 'beamrig' },
    limits,
  );
  if (!hello.ok) return { ok: false, failure: keyMissing(versionRefusal(hello.failure)) };
  const { type: _type, ...reported } = hello.value;
  const frameRoom = (link.maxFrameBytes ?? MAX_FRAME_BYTES) - (withKey ? AUTHENTICATION_BYTES : 0);
  // Both ends cut what they say into such pieces.
  const capabilities = { ...reported, maxPayloadBytes: Math.min(reported.maxPayloadBytes, frameRoom - HEADER_BYTES - CRC_BYTES) };
  const failure = unfit(capabilities) ?? differs(expected, reported) ?? tooNarrow(capabilities, frameRoom, link.name);
  if (failure !== undefined) return { ok: false, failure };
  const status = await line.request<'get-status'>({ type: 'get-status' }, LIMITS);
  if (!status.ok) return status;
  const { bootCount, uptimeMs, beamId: inheritedBeamId } = status.value;
  return { ok: true, value: { capabilities, bootCount, uptimeMs, inheritedBeamId } };
}

/** What the panel's answer to a challenge tells of the keys at both ends. */
function keyRefusal(failure: PanelFailure): PanelFailure {
  if (failure.reason !== 'rejected') return failure;
  if (failure.code === 'unsupported-message') {
    return { reason: 'not-authenticated', detail: 'the rig has a key and the panel has none', lacking: 'panel' };
  }
  const detail = "the panel refused the rig's key: the two keys differ, or the panel is not the one that the rig file names";
  return { reason: 'not-authenticated', detail };
}

/** A panel that takes nothing without a key, asked by a host without one. */
export function keyMissing(failure: PanelFailure): PanelFailure {
  if (failure.reason !== 'rejected' || failure.code !== 'not-authenticated') return failure;
  return { reason: 'not-authenticated', detail: 'the panel wants a key and the rig has none', lacking: 'rig' };
}

/** A panel of another major version refuses the handshake and says its own. */
function versionRefusal(failure: PanelFailure): PanelFailure {
  if (failure.reason !== 'rejected' || failure.code !== 'unsupported-version') return failure;
  return { reason: 'protocol-version', panelMajor: failure.detail, ours: PROTOCOL_MAJOR };
}

/** Whether this driver can work with such a panel at all. */
function unfit(capabilities: Capabilities): PanelFailure | undefined {
  const { protocolMajor, elements, rfChains } = capabilities;
  if (protocolMajor !== PROTOCOL_MAJOR) return { reason: 'protocol-version', panelMajor: protocolMajor, ours: PROTOCOL_MAJOR };
  const words = elements * rfChains;
  if (words > MAX_WORDS) return wrong('elements × rfChains', `at most ${MAX_WORDS}`, words);
  return undefined;
}

/** A report has no pieces. */
function tooNarrow({ features, users }: Capabilities, frameRoom: number, link: string): PanelFailure | undefined {
  const reportBytes = HEADER_BYTES + SNR_PREFIX_BYTES + 2 * users + CRC_BYTES;
  if (!features.includes('snr-report') || reportBytes <= frameRoom) return undefined;
  return {
    reason: 'link-closed',
    cause: 'broker-narrow',
    detail: `${link}: it carries frames of ${counted(frameRoom, 'byte')}, and a report on ${counted(users, 'user')} takes ${reportBytes}`,
    wayOut: 'Let the broker take larger packets (mosquitto: max_packet_size, message_size_limit).',
  };
}

/** Bytes of an SNR report before its readings. */
const SNR_PREFIX_BYTES = 20;

function differs(expected: Partial<Capabilities>, actual: Capabilities): PanelFailure | undefined {
  const { features = [], ...fields } = expected;
  for (const [field, value] of Object.entries(fields)) {
    const found = actual[field as keyof Capabilities];
    if (found !== value) return wrong(field, String(value), String(found));
  }
  const missing = features.find((feature) => !actual.features.includes(feature));
  return missing === undefined ? undefined : wrong('features', missing, actual.features.join(', ') || 'none');
}

const wrong = (field: string, expected: string, actual: string | number): PanelFailure => ({
  reason: 'wrong-panel',
  field,
  expected,
  actual: String(actual),
});

/** The first words with a panel: do we speak one language, is it the panel that the rig expects, and which of its lives is this. */
import type { BeamId, Capabilities } from '../../firmware-protocol/messages.ts';
import { PROTOCOL_MAJOR } from '../../firmware-protocol/messages.ts';
import { drawNonce } from './frame-seal.ts';
import type { PanelFailure, Result } from './panel.ts';
import type { RequestLimits, RequestLine } from './request-line.ts';

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

/**
 * @param withKey the line seals its frames: counters are agreed upon before anything else is said
 * @param hurry limits of each request where the usual ones are too long
 */
export async function shakeHands(
  line: RequestLine,
  expected: Partial<Capabilities>,
  withKey: boolean,
  hurry: RequestLimits = {},
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
  const { type: _type, ...capabilities } = hello.value;
  const failure = unfit(capabilities) ?? differs(expected, capabilities);
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

/**
 * The topics of one panel, and the little JSON that says who is there:
 *
 *   <topicPrefix>/panels/<panel>/to-panel   frames host → panel, QoS 0, not retained
 *   <topicPrefix>/panels/<panel>/to-host    frames panel → host, QoS 0, not retained
 *   <topicPrefix>/panels/<panel>/presence   the panel's own word: { state, instance }, QoS 1, retained; 'offline' is also its last will
 *   <topicPrefix>/panels/<panel>/host       the word of the host that drives it, likewise; empty when nobody does, also by last will
 */
import { randomBytes } from 'node:crypto';
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';

export interface PanelTopics {
  toPanel: string;
  toHost: string;
  presence: string;
  host: string;
}

/** @throws {BeamrigError} 'link' for a prefix or panel that cannot be part of a topic */
export function topicsOf(topicPrefix: string, panel: string): PanelTopics {
  const base = `${checkedPrefix(topicPrefix)}/panels/${checkedPanel(panel)}`;
  return { toPanel: `${base}/to-panel`, toHost: `${base}/to-host`, presence: `${base}/presence`, host: `${base}/host` };
}

/** The presence of every panel under a prefix. */
export const everyPresence = (topicPrefix: string): string => `${checkedPrefix(topicPrefix)}/panels/+/presence`;

/** The panel whose presence this topic is. */
export const panelOfPresence = (topic: string): string => topic.split('/').at(-2) ?? '';

/** What keeps a text from being the first levels of topics; undefined when nothing does. */
export const wrongInPrefix = (prefix: string): string | undefined =>
  forbiddenIn(prefix) ?? (/^[$/]|\/$|\/\//.test(prefix) ? 'an empty level or a leading $' : undefined);

/** Likewise, of a serial number as one level. */
export const wrongInPanel = (panel: string): string | undefined =>
  forbiddenIn(panel) ?? (panel.includes('/') ? "a '/'" : undefined);

function checkedPrefix(prefix: string): string {
  const wrong = wrongInPrefix(prefix);
  if (wrong === undefined) return prefix;
  throw new BeamrigError('link', `topicPrefix is '${prefix}', which has ${wrong}`, {
    wayOut: 'Choose plain words, with / between levels, as in beamrig or lab/beamrig.',
  });
}

function checkedPanel(panel: string): string {
  const wrong = wrongInPanel(panel);
  if (wrong === undefined) return panel;
  throw new BeamrigError('link', `panel is '${panel}', which has ${wrong} and cannot be a topic level`, {
    wayOut: 'Give the panel’s serial number as it is printed on the board, without / + # and control characters.',
  });
}

function forbiddenIn(text: string): string | undefined {
  if (text.length === 0) return 'no character';
  if (Buffer.byteLength(text) > 200) return 'more than 200 bytes';
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for: brokers close the connection on them
  return /[+#\u0000-\u001f\u007f-\u009f]/.test(text) ? "a '+', '#' or control character" : undefined;
}

/** 'asking' and 'doubting' are never retained: somebody wants the topic and asks who has it; its holder doubts that another one is there. */
export interface PresenceMessage {
  state: 'online' | 'offline' | 'asking' | 'doubting';
  /** Random, one for each life of an end, so that a restart and a rival can be told from the end that was there. */
  instance: string;
  /** Drawn by who asks or doubts: an answer that names it was made after it. */
  nonce?: string;
  /** In an 'online' that answers a question: its nonce. */
  answers?: string;
  /** Where the rig has a key: who made this knows it (mqtt-seal.ts). */
  tag?: string;
}

const STATES: readonly PresenceMessage['state'][] = ['online', 'offline', 'asking', 'doubting'];

export const newInstance = (): string => randomBytes(6).toString('hex');

export const presencePayload = (message: PresenceMessage): string => JSON.stringify(message);

/** Undefined for an empty payload and for anything that is no such message: topics are open to whoever may write them. */
export function readPresenceMessage(payload: Uint8Array): PresenceMessage | undefined {
  if (payload.length === 0 || payload.length > 4096) return undefined;
  let raw: unknown;
  try {
    raw = JSON.parse(Buffer.from(payload).toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof raw !== 'object' || raw === null || !('state' in raw) || !('instance' in raw)) return undefined;
  const { instance } = raw;
  const state = STATES.find((known) => known === raw.state);
  if (state === undefined) return undefined;
  if (typeof instance !== 'string' || !/^[\w.:-]{1,64}$/.test(instance)) return undefined;
  return { state, instance, ...hexField(raw, 'nonce'), ...hexField(raw, 'answers'), ...hexField(raw, 'tag') };
}

/** A field that is something else counts as absent: ends that know nothing of it are not to be broken by it. */
function hexField<K extends 'nonce' | 'answers' | 'tag'>(raw: object, key: K): Partial<Record<K, string>> {
  const value: unknown = (raw as Partial<Record<K, unknown>>)[key];
  return typeof value === 'string' && /^[0-9a-f]{1,64}$/.test(value) ? ({ [key]: value } as Partial<Record<K, string>>) : {};
}

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { derivePanelKey } from '../../../firmware-protocol/authentication.ts';
import { createPresenceSeal } from './mqtt-seal.ts';
import { readPresenceMessage } from './mqtt-topics.ts';

it.each([
  ['presence', 0],
  ['host', 1],
])('seals the example of PROTOCOL.md on the topic %s as it stands there', (topic, nth) => {
  const page = readFileSync(new URL('../../../firmware-protocol/PROTOCOL.md', import.meta.url), 'utf8');
  const example = [...page.matchAll(/```json\n(\{ "state".*?)\n```/gs)][nth]?.[1] ?? '';
  const message = readPresenceMessage(Buffer.from(example));
  if (message === undefined) throw new Error(`no such message: ${example}`);
  const rigKey = Uint8Array.from({ length: 32 }, (_, i) => i);
  const seal = createPresenceSeal(derivePanelKey(rigKey, 'BOARD-0001'), `beamrig/panels/BOARD-0001/${topic}`);
  const { tag, ...rest } = message;
  expect(seal.seal(rest).tag).toBe(tag);
  expect(seal.isGood(message)).toBe(true);
  expect(seal.isGood({ ...message, state: 'offline' })).toBe(false);
  expect(seal.isGood({ ...message, tag: '' })).toBe(false);
});

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { derivePanelKey } from '../../firmware-protocol/authentication.ts';
import { createSeatSeal } from './mqtt-seal.ts';
import { readSeatMessage } from './mqtt-topics.ts';

it('seals the example of PROTOCOL.md as it stands there', () => {
  const page = readFileSync(new URL('../../firmware-protocol/PROTOCOL.md', import.meta.url), 'utf8');
  const example = /```json\n(\{ "state".*?)\n```/s.exec(page)?.[1] ?? '';
  const message = readSeatMessage(Buffer.from(example));
  if (message === undefined) throw new Error(`no such message: ${example}`);
  const rigKey = Uint8Array.from({ length: 32 }, (_, i) => i);
  const seal = createSeatSeal(derivePanelKey(rigKey, 'BOARD-0001'), 'beamrig/panels/BOARD-0001/presence');
  const { tag, ...rest } = message;
  expect(seal.seal(rest).tag).toBe(tag);
  expect(seal.isGood(message)).toBe(true);
  expect(seal.isGood({ ...message, state: 'offline' })).toBe(false);
  expect(seal.isGood({ ...message, tag: '' })).toBe(false);
});

/** The words that a panel radiates, asked of the panel itself: in chunks, and all of one beam or none. */
import { maxWordsPerChunk } from '../../firmware-protocol/chunking.ts';
import type { BeamId, Capabilities } from '../../firmware-protocol/messages.ts';
import { otherBeam } from './measurement.ts';
import type { Result } from './panel.ts';
import { pipeline } from './pipeline.ts';
import type { RequestOf } from './replies.ts';
import type { RequestLine } from './request-line.ts';

/** Times that the words are read again when the beam changed between two chunks of them. */
const ATTEMPTS = 3;

/** @param window chunks asked for and not yet answered, at most */
export async function readRadiated(
  line: RequestLine,
  capabilities: Capabilities,
  window: number,
): Promise<Result<{ beamId: BeamId; words: Uint16Array }>> {
  const requests = readRequests(capabilities);
  let beams: [BeamId, BeamId] = [0, 0];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const read = await pipeline<'read-phases'>(line, requests, window);
    if (!read.ok) return read;
    const [{ beamId }] = read.value;
    const other = read.value.find((chunk) => chunk.beamId !== beamId);
    // Half of one beam and half of another is neither.
    if (other !== undefined) {
      beams = [beamId, other.beamId];
      continue;
    }
    const words = new Uint16Array(capabilities.elements * capabilities.rfChains);
    for (const chunk of read.value) words.set(chunk.words, chunk.offset);
    return { ok: true, value: { beamId, words } };
  }
  return { ok: false, failure: otherBeam('read-phases', ...beams) };
}

function readRequests(capabilities: Capabilities): RequestOf<'read-phases'>[] {
  const { elements, rfChains, phaseBits, maxPayloadBytes } = capabilities;
  const total = elements * rfChains;
  const perChunk = maxWordsPerChunk(maxPayloadBytes, phaseBits);
  return Array.from({ length: Math.ceil(total / perChunk) }, (_, index) => {
    const offset = index * perChunk;
    return { type: 'read-phases', source: 'radiated', slot: 0, offset, count: Math.min(perChunk, total - offset) };
  });
}

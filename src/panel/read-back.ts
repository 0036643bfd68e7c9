/** The words that a panel radiates, or has in a slot, asked of the panel itself: in chunks, and all of one beam or none. */
import { maxWordsPerChunk } from '../../firmware-protocol/chunking.ts';
import type { BeamId, Capabilities } from '../../firmware-protocol/messages.ts';
import { otherBeam } from './measurement.ts';
import { wordsCrc32c } from '../../firmware-protocol/packing.ts';
import type { Staged } from './commit.ts';
import type { PanelFailure, Result } from './panel.ts';
import { pipeline } from './pipeline.ts';
import type { RequestOf } from './replies.ts';
import type { RequestLine } from './request-line.ts';

/** Times that the words are read again when the beam changed between two chunks of them. */
const ATTEMPTS = 3;

/**
 * @param window chunks asked for and not yet answered, at most
 * @param slot of a beam that is staged; absent: what is radiated
 */
export async function readWords(
  line: RequestLine,
  capabilities: Capabilities,
  window: number,
  slot?: number,
): Promise<Result<{ beamId: BeamId; words: Uint16Array }>> {
  const requests = readRequests(capabilities, slot);
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

function readRequests(capabilities: Capabilities, slot: number | undefined): RequestOf<'read-phases'>[] {
  const { elements, rfChains, phaseBits, maxPayloadBytes } = capabilities;
  const total = elements * rfChains;
  const perChunk = maxWordsPerChunk(maxPayloadBytes, phaseBits);
  return Array.from({ length: Math.ceil(total / perChunk) }, (_, index) => {
    const offset = index * perChunk;
    const from = slot === undefined ? ({ source: 'radiated', slot: 0 } as const) : ({ source: 'staged', slot } as const);
    return { type: 'read-phases', ...from, offset, count: Math.min(perChunk, total - offset) };
  });
}

/** Why what the panel has in its slot is not what was sent there; undefined where it is, or cannot be read. */
export async function whyNotAsStaged(
  line: RequestLine,
  { session, slot, beamId, beam }: Pick<Staged, 'session' | 'slot' | 'beamId' | 'beam'>,
  window: number,
): Promise<PanelFailure | undefined> {
  const { capabilities } = session;
  if (!capabilities.features.includes('read-back')) return undefined;
  const read = await readWords(line, capabilities, window, slot);
  if (!read.ok) return read.failure;
  if (read.value.beamId !== beamId) return otherBeam('read-phases', beamId, read.value.beamId);
  const [expectedCrc32c, actualCrc32c] = [wordsCrc32c(beam.words), wordsCrc32c(read.value.words)];
  return expectedCrc32c === actualCrc32c ? undefined : { reason: 'read-back-differs', beamId, expectedCrc32c, actualCrc32c };
}

/** How many bytes one reading puts on the wire of a panel, both ways: its frames as they are encoded, with what frames them. */
import { encodeFrame } from '../../firmware-protocol/codec.ts';
import type { Message } from '../../firmware-protocol/messages.ts';

export interface ReadingOnWire {
  /** Of the panel. */
  readonly elements: number;
  readonly rfChains: number;
  readonly phaseBits: number;
  readonly maxPayloadBytes: number;
  /** Whether elements are switched off in it. */
  readonly enables: boolean;
  /** K where D is sent and an SNR is read; absent: pilots are. */
  readonly users?: number | undefined;
}

/** COBS and the delimiter. */
const FRAMING_BYTES = 2;
/** Of a chunk, before its words. */
const CHUNK_PREFIX_BYTES = 12;
const ACK: Message = { type: 'ack' };

export function bytesOfReading({ elements, rfChains, phaseBits, maxPayloadBytes, enables, users }: ReadingOnWire): number {
  const places = elements * rfChains;
  const lengthOf = (...messages: Message[]): number =>
    messages.reduce((sum, message) => sum + encodeFrame({ seq: 1, message }).length + FRAMING_BYTES, 0);
  const chunks = (count: number, bits: number, of: (count: number) => Message): number => {
    const most = Math.floor((8 * (maxPayloadBytes - CHUNK_PREFIX_BYTES)) / bits);
    let bytes = 0;
    for (let left = count; left > 0; left -= most) bytes += lengthOf(of(Math.min(left, most)), ACK);
    return bytes;
  };
  const beam = { slot: 0, beamId: 1, offset: 0 };
  let bytes = chunks(places, phaseBits, (count) => ({ type: 'set-phases', ...beam, phaseBits, words: new Uint16Array(count) }));
  if (enables) bytes += chunks(places, 1, (count) => ({ type: 'set-enables', ...beam, enabled: new Uint8Array(count) }));
  bytes += lengthOf(
    { type: 'commit', beamId: 1, slot: 0, atUs: 0n },
    { type: 'committed', beamId: 1, timeUs: 0n, wordsCrc32c: 0 },
  );
  if (users === undefined) {
    return (
      bytes +
      lengthOf(
        { type: 'measure-pilots', beamId: 1, pilots: 1, user: 0 },
        { type: 'pilot-report', beamId: 1, timeUs: 0n, pilots: 1, user: 0, values: new Float32Array(2 * rfChains) },
      )
    );
  }
  return (
    bytes +
    lengthOf(
      { type: 'set-digital', ...beam, users, weights: new Float32Array(2 * rfChains * users) },
      ACK,
      { type: 'measure-snr', beamId: 1, pilots: 1 },
      { type: 'snr-report', beamId: 1, timeUs: 0n, firstUser: 0, pilots: 1, snrCentiDb: new Int16Array(users) },
    )
  );
}

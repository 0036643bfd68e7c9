/**
 * `import { encodeFrame } from 'beamrig/protocol'`: the bytes between host and panel, as firmware-protocol/PROTOCOL.md has them. Multi-byte values are
 * little-endian, phase words count from 0 to 2^Q − 1, and word (n, m) of an array with M chains stands at n·M + m.
 *
 *   message ─ encodeFrame ─► frame ─ [ sealFrame ] ─ cobsFrame ─► bytes of a serial line ─ SerialFrameReader ─► frame ─ decodeFrame ─► message, or why not
 *
 * Decoding never throws: bytes that are no frame come back with the reason. Encoding throws BeamrigError 'argument' where a value has no place in its field.
 */
export { BeamrigError, isBeamrigError, type ErrorCode } from '../../core/errors/beamrig-error.ts';
export { derivePanelKey, openFrame, ReplayWindow, sealFrame, type Opened } from '../../firmware-protocol/authentication.ts';
export { beamFrames, type BeamFramesOptions } from '../../firmware-protocol/chunking.ts';
export { decodeFrame, encodeFrame, type Decoded, type DiscardReason, type FrameHeader } from '../../firmware-protocol/codec.ts';
export { crc32c } from '../../firmware-protocol/crc32c.ts';
export { MAX_FRAME_BYTES, MAX_PAYLOAD_BYTES, NO_READING, SESSION_OVER } from '../../firmware-protocol/limits.ts';
export {
  PROTOCOL_MAJOR,
  PROTOCOL_MINOR,
  type BeamId,
  type Capabilities,
  type Feature,
  type Frame,
  type Message,
  type NackCode,
  type PanelState,
  type Reply,
  type Request,
  type SafeState,
} from '../../firmware-protocol/messages.ts';
export { packWords, unpackWords, wordsCrc32c } from '../../firmware-protocol/packing.ts';
export {
  cobsDecode,
  cobsFrame,
  SerialFrameReader,
  type SerialDiscardReason,
  type SerialFrameReaderOptions,
} from '../../firmware-protocol/serial-framing.ts';

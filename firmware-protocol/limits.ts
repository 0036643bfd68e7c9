/** The numbers of the frame format that both ends size their buffers by. PROTOCOL.md explains them. */

/** Version and flags, type, sequence number. */
export const HEADER_BYTES = 4;
export const CRC_BYTES = 4;
/** Counter and tag of an authenticated frame, between payload and CRC when the flag is set. */
export const AUTHENTICATION_BYTES = 16;
/** A payload never exceeds this; a panel may ask for less (`maxPayloadBytes`). */
export const MAX_PAYLOAD_BYTES = 4096;
/** No panel may ask for less: every message without an array fits, and so do eight words of any width. */
export const MIN_PAYLOAD_BYTES = 64;
export const MIN_FRAME_BYTES = HEADER_BYTES + CRC_BYTES;
export const MAX_FRAME_BYTES = HEADER_BYTES + MAX_PAYLOAD_BYTES + AUTHENTICATION_BYTES + CRC_BYTES;
/** Detail of 'stale-beam' from a panel that silence has made safe: no beam id of this session is new any more. */
export const SESSION_OVER = 0xffffffff;
/** In an SNR report, of a user whose receiver has nothing to say. What is out of range ends at ±32,767. */
export const NO_READING = -32768;
/** Temperature in the status of a panel that has no sensor. */
export const NO_TEMPERATURE = -32768;
/** Names and serial numbers, in bytes of UTF-8. */
export const MAX_TEXT_BYTES = 32;
/** Bytes before the places in 'patch-phases'. */
export const PATCH_PREFIX_BYTES = 12;
/** Bytes before what is packed in 'set-phases', 'set-gains', 'set-enables' and 'phases'. */
export const PHASES_PREFIX_BYTES = 12;
/** Bytes before the weights in 'set-digital'. */
export const DIGITAL_PREFIX_BYTES = 16;
/** Bytes before the readings in 'snr-report' and the values in 'pilot-report'. */
const REPORT_PREFIX_BYTES = 20;

/** Payload of the longest report that a panel may be asked for, bytes: on K users, or on what one of them hears of M chains. No report is cut. */
export const longestReportBytes = (users: number, rfChains: number): number =>
  REPORT_PREFIX_BYTES + Math.max(2 * users, 8 * rfChains);

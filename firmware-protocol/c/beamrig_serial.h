/*
 * Frames on a serial line (PROTOCOL.md, section 1.2): COBS takes every zero byte out of a frame, and one zero byte ends it.
 *
 *     bytes -> collect up to the next 00 -> undo COBS -> length and CRC good? -> a frame
 *                    | too many                | bad-cobs      | too-short, too-long, bad-crc
 *                    +-> overflow: skip to 00  +-> counted     +-> counted
 *
 * After any garbage the next zero byte is the next chance, so never more is lost than the frame that was damaged and the one that ran
 * into it. The reader takes any bytes, writes only to the buffer it was given, and does a bounded amount of work for each byte.
 */
#ifndef BEAMRIG_SERIAL_H
#define BEAMRIG_SERIAL_H

#include "beamrig_frame.h"

/* Most bytes that a frame of `length` bytes takes as COBS, without the delimiter: a reader's buffer for frames up to that length. */
#define BEAMRIG_COBS_BYTES(length) ((length) + ((length) < 254 ? 1 : ((length) + 253) / 254))
/* The same with the delimiter: room for a frame to be sent. */
#define BEAMRIG_SERIAL_BYTES(length) (BEAMRIG_COBS_BYTES(length) + 1)

/* COBS of `bytes` without the delimiter. `target` has room for BEAMRIG_COBS_BYTES(length) and does not overlap. Returns the length. */
size_t beamrig_cobs_encode(const uint8_t *bytes, size_t length, uint8_t *target);

/* A frame as it goes onto the line, delimiter included. `target` has room for BEAMRIG_SERIAL_BYTES(length). Returns the length. */
size_t beamrig_serial_encode(const uint8_t *frame, size_t length, uint8_t *target);

#define BEAMRIG_BAD_COBS ((size_t)-1)

/* Undoes COBS in place. Returns the length, or BEAMRIG_BAD_COBS when a group runs past the end or a zero byte is inside. */
size_t beamrig_cobs_decode(uint8_t *block, size_t length);

/* What was dropped, and why. Silence between two delimiters is not counted. */
typedef struct {
  uint32_t overflow;
  uint32_t bad_cobs;
  uint32_t too_short;
  uint32_t too_long;
  uint32_t bad_crc;
} beamrig_discards;

typedef struct {
  uint8_t *block;
  size_t capacity;
  size_t used;
  bool overflowing;
  beamrig_discards discards;
} beamrig_reader;

/*
 * `block` is the reader's for good. BEAMRIG_COBS_BYTES(BEAMRIG_MAX_FRAME_BYTES) bytes take every frame;
 * BEAMRIG_COBS_BYTES(BEAMRIG_FRAME_BYTES(maxPayloadBytes)) are enough for a panel that may stay silent about longer ones, and of
 * BEAMRIG_AUTHENTICATION_BYTES more for one with a key.
 */
void beamrig_reader_init(beamrig_reader *reader, uint8_t *block, size_t capacity);

/*
 * Takes the next byte of the line. Returns the length of the bare frame that it completed, which stands at reader->block until the
 * next call, its length and CRC good; 0 when there is none.
 */
size_t beamrig_reader_take(beamrig_reader *reader, uint8_t byte);

/* Forgets a frame begun: after a UART overrun, or when the line was closed and opened again. The counts stay. */
void beamrig_reader_reset(beamrig_reader *reader);

/* All discards together. */
uint32_t beamrig_reader_discarded(const beamrig_reader *reader);

#endif

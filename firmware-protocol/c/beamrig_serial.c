#include "beamrig_serial.h"

/* Longest run of bytes that one code byte can stand for. */
#define LONGEST_RUN 254u

size_t beamrig_cobs_encode(const uint8_t *bytes, size_t length, uint8_t *target) {
  size_t code_at = 0;
  size_t at = 1;
  uint8_t code = 1;
  for (size_t i = 0; i < length; i++) {
    if (bytes[i] != 0) {
      target[at++] = bytes[i];
      code++;
    }
    /* A full group stands for no zero, so at the very end nothing follows it. */
    if (bytes[i] == 0 || (code > LONGEST_RUN && i + 1 < length)) {
      target[code_at] = code;
      code_at = at++;
      code = 1;
    }
  }
  target[code_at] = code;
  return at;
}

size_t beamrig_serial_encode(const uint8_t *frame, size_t length, uint8_t *target) {
  const size_t end = beamrig_cobs_encode(frame, length, target);
  target[end] = 0;
  return end + 1;
}

size_t beamrig_cobs_decode(uint8_t *block, size_t length) {
  size_t from = 0;
  size_t at = 0;
  while (from < length) {
    const uint8_t code = block[from];
    if (code == 0 || code > length - from) return BEAMRIG_BAD_COBS;
    const size_t group_end = from + code;
    for (from++; from < group_end; from++) {
      if (block[from] == 0) return BEAMRIG_BAD_COBS;
      /* The target never overtakes the source: every group has given one byte less than it took. */
      block[at++] = block[from];
    }
    if (code <= LONGEST_RUN && from < length) block[at++] = 0;
  }
  return at;
}

void beamrig_reader_init(beamrig_reader *reader, uint8_t *block, size_t capacity) {
  memset(reader, 0, sizeof *reader);
  reader->block = block;
  reader->capacity = capacity;
}

void beamrig_reader_reset(beamrig_reader *reader) {
  reader->used = 0;
  reader->overflowing = false;
}

uint32_t beamrig_reader_discarded(const beamrig_reader *reader) {
  const beamrig_discards *const d = &reader->discards;
  return d->overflow + d->bad_cobs + d->too_short + d->too_long + d->bad_crc;
}

static size_t finish(beamrig_reader *reader) {
  const size_t used = reader->used;
  const bool overflowing = reader->overflowing;
  beamrig_reader_reset(reader);
  if (overflowing || used == 0) return 0;
  const size_t length = beamrig_cobs_decode(reader->block, used);
  if (length == BEAMRIG_BAD_COBS) {
    reader->discards.bad_cobs++;
    return 0;
  }
  switch (beamrig_frame_damage(reader->block, length)) {
    case BEAMRIG_GOOD:
      return length;
    case BEAMRIG_TOO_SHORT:
      reader->discards.too_short++;
      return 0;
    case BEAMRIG_TOO_LONG:
      reader->discards.too_long++;
      return 0;
    default:
      reader->discards.bad_crc++;
      return 0;
  }
}

size_t beamrig_reader_take(beamrig_reader *reader, uint8_t byte) {
  if (byte == 0) return finish(reader);
  if (reader->overflowing) return 0;
  if (reader->used == reader->capacity) {
    reader->overflowing = true;
    reader->discards.overflow++;
    return 0;
  }
  reader->block[reader->used++] = byte;
  return 0;
}

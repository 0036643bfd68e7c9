#include "beamrig_frame.h"

/*
 * Four bits a step: 64 bytes of table, about a third of the time of the bitwise loop. Define BEAMRIG_CRC_BITWISE where those
 * 64 bytes matter more than time.
 */
#ifndef BEAMRIG_CRC_BITWISE
static const uint32_t nibble_table[16] = {0x00000000u, 0x105ec76fu, 0x20bd8edeu, 0x30e349b1u, 0x417b1dbcu, 0x5125dad3u,
                                          0x61c69362u, 0x7198540du, 0x82f63b78u, 0x92a8fc17u, 0xa24bb5a6u, 0xb21572c9u,
                                          0xc38d26c4u, 0xd3d3e1abu, 0xe330a81au, 0xf36e6f75u};
#endif

uint32_t beamrig_crc32c(const uint8_t *bytes, size_t length) {
  return beamrig_crc32c_continue(0, bytes, length);
}

uint32_t beamrig_crc32c_continue(uint32_t crc, const uint8_t *bytes, size_t length) {
  uint32_t state = ~crc;
  for (size_t i = 0; i < length; i++) {
    state ^= bytes[i];
#ifdef BEAMRIG_CRC_BITWISE
    for (int bit = 0; bit < 8; bit++) state = (state >> 1) ^ ((state & 1u) ? 0x82f63b78u : 0u);
#else
    state = (state >> 4) ^ nibble_table[state & 0x0fu];
    state = (state >> 4) ^ nibble_table[state & 0x0fu];
#endif
  }
  return ~state;
}

beamrig_verdict beamrig_frame_damage(const uint8_t *bytes, size_t length) {
  if (length < BEAMRIG_MIN_FRAME_BYTES) return BEAMRIG_TOO_SHORT;
  if (length > BEAMRIG_MAX_FRAME_BYTES) return BEAMRIG_TOO_LONG;
  const size_t end = length - BEAMRIG_CRC_BYTES;
  return beamrig_get_u32(bytes + end) == beamrig_crc32c(bytes, end) ? BEAMRIG_GOOD : BEAMRIG_BAD_CRC;
}

size_t beamrig_frame_close(uint8_t *frame, uint8_t type, uint16_t seq, size_t payload_bytes) {
  const size_t end = BEAMRIG_HEADER_BYTES + payload_bytes;
  frame[0] = (uint8_t)(BEAMRIG_PROTOCOL_MAJOR << 4);
  frame[1] = type;
  beamrig_put_u16(frame + 2, seq);
  beamrig_put_u32(frame + end, beamrig_crc32c(frame, end));
  return end + BEAMRIG_CRC_BYTES;
}

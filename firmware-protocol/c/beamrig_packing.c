#include "beamrig_packing.h"

void beamrig_pack_words(const uint16_t *words, size_t count, unsigned bits, uint8_t *target) {
  const uint32_t mask = ((uint32_t)1 << bits) - 1u;
  uint32_t pending = 0;
  unsigned pending_bits = 0;
  size_t at = 0;
  for (size_t i = 0; i < count; i++) {
    /* At most 7 + 16 bits wait here. */
    pending |= (words[i] & mask) << pending_bits;
    pending_bits += bits;
    for (; pending_bits >= 8; pending_bits -= 8) {
      target[at++] = (uint8_t)(pending & 0xffu);
      pending >>= 8;
    }
  }
  if (pending_bits > 0) target[at] = (uint8_t)pending;
}

bool beamrig_unpack_words(const uint8_t *packed, unsigned bits, size_t count, uint16_t *words) {
  const uint32_t mask = ((uint32_t)1 << bits) - 1u;
  uint32_t pending = 0;
  unsigned pending_bits = 0;
  size_t at = 0;
  for (size_t i = 0; i < count; i++) {
    for (; pending_bits < bits; pending_bits += 8) pending |= (uint32_t)packed[at++] << pending_bits;
    if (words != NULL) words[i] = (uint16_t)(pending & mask);
    pending >>= bits;
    pending_bits -= bits;
  }
  return pending == 0;
}

uint16_t beamrig_packed_word(const uint8_t *packed, unsigned bits, size_t place) {
  const size_t first_bit = place * bits;
  const unsigned shift = (unsigned)(first_bit % 8u);
  uint32_t window = 0;
  for (unsigned i = 0; 8u * i < shift + bits; i++) window |= (uint32_t)packed[first_bit / 8u + i] << (8u * i);
  return (uint16_t)((window >> shift) & (((uint32_t)1 << bits) - 1u));
}

static uint32_t words_crc_on(uint32_t crc, const uint16_t *words, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint8_t bytes[2];
    beamrig_put_u16(bytes, words[i]);
    crc = beamrig_crc32c_continue(crc, bytes, sizeof bytes);
  }
  return crc;
}

uint32_t beamrig_words_crc32c(const uint16_t *words, size_t count) {
  return words_crc_on(0, words, count);
}

uint32_t beamrig_beam_crc32c(const uint16_t *words, const uint8_t *enables, const uint16_t *gains, size_t count) {
  uint32_t crc = words_crc_on(0, words, count);
  if (enables != NULL) crc = beamrig_crc32c_continue(crc, enables, count);
  return gains == NULL ? crc : words_crc_on(crc, gains, count);
}

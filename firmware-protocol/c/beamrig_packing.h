/*
 * Words on the wire, of phases, gains and enables: Q bits each, 1 <= Q <= 16, least significant bit first (PROTOCOL.md, section 1.4). The last byte is filled
 * with zero bits, and anything else there is refused, so one list of words has one encoding.
 */
#ifndef BEAMRIG_PACKING_H
#define BEAMRIG_PACKING_H

#include "beamrig_frame.h"

#define BEAMRIG_MAX_PHASE_BITS 16
#define BEAMRIG_PHASES_PREFIX_BYTES 12
#define BEAMRIG_PATCH_PREFIX_BYTES 12
#define BEAMRIG_DIGITAL_PREFIX_BYTES 16

/* Bytes that `count` words of `bits` bits take; `count` at most 65,536. */
#define BEAMRIG_PACKED_BYTES(count, bits) (((size_t)(count) * (size_t)(bits) + 7u) / 8u)

/* Packs words below 2^bits into BEAMRIG_PACKED_BYTES(count, bits) bytes of `target`; bits of a word above that are cut off. */
void beamrig_pack_words(const uint16_t *words, size_t count, unsigned bits, uint8_t *target);

/* The `count` words of `packed`. False, and nothing of worth in `words`, when the padding is not zero. `words` may be NULL: check only. */
bool beamrig_unpack_words(const uint8_t *packed, unsigned bits, size_t count, uint16_t *words);

/* One word of `packed`, its place counted in words. */
uint16_t beamrig_packed_word(const uint8_t *packed, unsigned bits, size_t place);

/* CRC-32C over words as little-endian u16, whatever Q is. */
uint32_t beamrig_words_crc32c(const uint16_t *words, size_t count);

/* What `committed` carries: the same over words, then enables, then gains, `count` of each; NULL where the beam came without. */
uint32_t beamrig_beam_crc32c(const uint16_t *words, const uint8_t *enables, const uint16_t *gains, size_t count);

/* Words of `bits` bits that one 'set-phases', 'set-gains', 'set-enables' or 'phases' may carry, a multiple of eight. `max_payload_bytes` is at least 64. */
static inline size_t beamrig_max_words_per_chunk(size_t max_payload_bytes, unsigned bits) {
  return 8u * ((max_payload_bytes - BEAMRIG_PHASES_PREFIX_BYTES) / bits);
}

#endif

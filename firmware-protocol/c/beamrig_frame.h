/*
 * Bare frames of the beamrig panel protocol 1.3 (PROTOCOL.md, section 1.1), and the little-endian numbers they are made of.
 *
 *     (major << 4) | flags   type   seq (u16)   payload ...   CRC-32C (u32)
 *
 * Nothing here allocates, blocks, or reads a number through a pointer that may be unaligned.
 */
#ifndef BEAMRIG_FRAME_H
#define BEAMRIG_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BEAMRIG_PROTOCOL_MAJOR 1
#define BEAMRIG_PROTOCOL_MINOR 3

#define BEAMRIG_HEADER_BYTES 4
/* Of the low four bits of the first byte. */
#define BEAMRIG_FLAG_AUTHENTICATED 0x01u
#define BEAMRIG_CRC_BYTES 4
#define BEAMRIG_AUTHENTICATION_BYTES 16
#define BEAMRIG_MIN_PAYLOAD_BYTES 64
#define BEAMRIG_MAX_PAYLOAD_BYTES 4096
#define BEAMRIG_MIN_FRAME_BYTES (BEAMRIG_HEADER_BYTES + BEAMRIG_CRC_BYTES)
#define BEAMRIG_MAX_FRAME_BYTES \
  (BEAMRIG_HEADER_BYTES + BEAMRIG_MAX_PAYLOAD_BYTES + BEAMRIG_AUTHENTICATION_BYTES + BEAMRIG_CRC_BYTES)
/* Bytes of a frame around a payload of so many bytes. */
#define BEAMRIG_FRAME_BYTES(payload_bytes) (BEAMRIG_HEADER_BYTES + (payload_bytes) + BEAMRIG_CRC_BYTES)

/* Why a frame is not used, in the order of the tests of section 1.3. */
typedef enum {
  BEAMRIG_GOOD = 0,
  BEAMRIG_TOO_SHORT,
  BEAMRIG_TOO_LONG,
  BEAMRIG_BAD_CRC,
  BEAMRIG_UNSUPPORTED_VERSION,
  BEAMRIG_RESERVED_FLAGS,
  BEAMRIG_UNKNOWN_TYPE,
  BEAMRIG_MALFORMED
} beamrig_verdict;

/* CRC-32C of `length` bytes. Of "123456789" it is 0xE3069283, of nothing 0. */
uint32_t beamrig_crc32c(const uint8_t *bytes, size_t length);

/* The CRC of what `crc` was of, followed by these bytes: a CRC in pieces. Start with 0. */
uint32_t beamrig_crc32c_continue(uint32_t crc, const uint8_t *bytes, size_t length);

/* Why these bytes are no frame at all, whatever it may say: BEAMRIG_TOO_SHORT, _TOO_LONG or _BAD_CRC; BEAMRIG_GOOD when sound. */
beamrig_verdict beamrig_frame_damage(const uint8_t *bytes, size_t length);

/* Header and CRC around the payload that stands at frame + BEAMRIG_HEADER_BYTES. Returns the frame's length. */
size_t beamrig_frame_close(uint8_t *frame, uint8_t type, uint16_t seq, size_t payload_bytes);

static inline uint16_t beamrig_get_u16(const uint8_t *at) {
  return (uint16_t)(at[0] | ((uint16_t)at[1] << 8));
}

static inline uint32_t beamrig_get_u32(const uint8_t *at) {
  return (uint32_t)at[0] | ((uint32_t)at[1] << 8) | ((uint32_t)at[2] << 16) | ((uint32_t)at[3] << 24);
}

static inline uint64_t beamrig_get_u64(const uint8_t *at) {
  return (uint64_t)beamrig_get_u32(at) | ((uint64_t)beamrig_get_u32(at + 4) << 32);
}

static inline int16_t beamrig_get_i16(const uint8_t *at) {
  const uint16_t bits = beamrig_get_u16(at);
  int16_t value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline float beamrig_get_f32(const uint8_t *at) {
  const uint32_t bits = beamrig_get_u32(at);
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline void beamrig_put_u16(uint8_t *at, uint16_t value) {
  at[0] = (uint8_t)(value & 0xffu);
  at[1] = (uint8_t)(value >> 8);
}

static inline void beamrig_put_u32(uint8_t *at, uint32_t value) {
  beamrig_put_u16(at, (uint16_t)(value & 0xffffu));
  beamrig_put_u16(at + 2, (uint16_t)(value >> 16));
}

static inline void beamrig_put_u64(uint8_t *at, uint64_t value) {
  beamrig_put_u32(at, (uint32_t)(value & 0xffffffffu));
  beamrig_put_u32(at + 4, (uint32_t)(value >> 32));
}

static inline void beamrig_put_i16(uint8_t *at, int16_t value) {
  beamrig_put_u16(at, (uint16_t)value);
}

static inline void beamrig_put_f32(uint8_t *at, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  beamrig_put_u32(at, bits);
}

#endif

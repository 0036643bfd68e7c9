#include "beamrig_sha256.h"

#include <string.h>

/* ---- SHA-256, FIPS 180-4 section 6.2; the numbers of its equations stand beside the lines ------------------------------------------ */

/* Section 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t round_constants[64] = {
    0x428a2f98u, 0x71374491u, 0xb5c0fbcfu, 0xe9b5dba5u, 0x3956c25bu, 0x59f111f1u, 0x923f82a4u, 0xab1c5ed5u,
    0xd807aa98u, 0x12835b01u, 0x243185beu, 0x550c7dc3u, 0x72be5d74u, 0x80deb1feu, 0x9bdc06a7u, 0xc19bf174u,
    0xe49b69c1u, 0xefbe4786u, 0x0fc19dc6u, 0x240ca1ccu, 0x2de92c6fu, 0x4a7484aau, 0x5cb0a9dcu, 0x76f988dau,
    0x983e5152u, 0xa831c66du, 0xb00327c8u, 0xbf597fc7u, 0xc6e00bf3u, 0xd5a79147u, 0x06ca6351u, 0x14292967u,
    0x27b70a85u, 0x2e1b2138u, 0x4d2c6dfcu, 0x53380d13u, 0x650a7354u, 0x766a0abbu, 0x81c2c92eu, 0x92722c85u,
    0xa2bfe8a1u, 0xa81a664bu, 0xc24b8b70u, 0xc76c51a3u, 0xd192e819u, 0xd6990624u, 0xf40e3585u, 0x106aa070u,
    0x19a4c116u, 0x1e376c08u, 0x2748774cu, 0x34b0bcb5u, 0x391c0cb3u, 0x4ed8aa4au, 0x5b9cca4fu, 0x682e6ff3u,
    0x748f82eeu, 0x78a5636fu, 0x84c87814u, 0x8cc70208u, 0x90befffau, 0xa4506cebu, 0xbef9a3f7u, 0xc67178f2u};

/* Section 5.3.3: of the square roots of the first eight primes. */
static const uint32_t first_state[8] = {0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au,
                                        0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u};

static uint32_t rotated(uint32_t x, unsigned bits) {
  return (x >> bits) | (x << (32u - bits));
}

static uint32_t big_endian(const uint8_t *at) {
  return ((uint32_t)at[0] << 24) | ((uint32_t)at[1] << 16) | ((uint32_t)at[2] << 8) | (uint32_t)at[3];
}

static void put_big_endian(uint8_t *at, uint32_t value) {
  for (unsigned i = 0; i < 4; i++) at[i] = (uint8_t)((value >> (24u - 8u * i)) & 0xffu);
}

/* One block. Of the message schedule only the last 16 words are kept: word t stands at t mod 16. */
static void take_block(uint32_t state[8], const uint8_t *block) {
  uint32_t w[16];
  uint32_t v[8]; /* a ... h */
  memcpy(v, state, sizeof v);
  for (unsigned t = 0; t < 64; t++) {
    if (t < 16) {
      w[t] = big_endian(block + 4u * t);
    } else {
      const uint32_t early = w[(t + 1u) & 15u];
      const uint32_t late = w[(t + 14u) & 15u];
      const uint32_t sigma0 = rotated(early, 7) ^ rotated(early, 18) ^ (early >> 3); /* (4.6) */
      const uint32_t sigma1 = rotated(late, 17) ^ rotated(late, 19) ^ (late >> 10);  /* (4.7) */
      w[t & 15u] += sigma0 + w[(t + 9u) & 15u] + sigma1;
    }
    const uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);                                  /* (4.2) */
    const uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);                 /* (4.3) */
    const uint32_t sum0 = rotated(v[0], 2) ^ rotated(v[0], 13) ^ rotated(v[0], 22);          /* (4.4) */
    const uint32_t sum1 = rotated(v[4], 6) ^ rotated(v[4], 11) ^ rotated(v[4], 25);          /* (4.5) */
    const uint32_t t1 = v[7] + sum1 + choice + round_constants[t] + w[t & 15u];
    for (unsigned i = 7; i > 0; i--) v[i] = v[i - 1u];
    v[4] += t1;
    v[0] = t1 + sum0 + majority;
  }
  for (unsigned i = 0; i < 8; i++) state[i] += v[i];
}

void beamrig_sha256_begin(beamrig_sha256 *hash) {
  memcpy(hash->state, first_state, sizeof hash->state);
  hash->length = 0;
}

void beamrig_sha256_add(beamrig_sha256 *hash, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    const size_t used = (size_t)(hash->length % BEAMRIG_SHA256_BLOCK_BYTES);
    const size_t room = BEAMRIG_SHA256_BLOCK_BYTES - used;
    const size_t part = length < room ? length : room;
    memcpy(hash->block + used, bytes, part);
    hash->length += part;
    bytes += part;
    length -= part;
    if (part == room) take_block(hash->state, hash->block);
  }
}

void beamrig_sha256_end(beamrig_sha256 *hash, uint8_t digest[BEAMRIG_SHA256_BYTES]) {
  /* Section 5.1.1: one bit 1, zeros, and the length in bits as the last eight bytes of a block. */
  const uint64_t bits = hash->length * 8u;
  const size_t length_at = BEAMRIG_SHA256_BLOCK_BYTES - 8;
  size_t used = (size_t)(hash->length % BEAMRIG_SHA256_BLOCK_BYTES);
  hash->block[used++] = 0x80;
  if (used > length_at) {
    memset(hash->block + used, 0, BEAMRIG_SHA256_BLOCK_BYTES - used);
    take_block(hash->state, hash->block);
    used = 0;
  }
  memset(hash->block + used, 0, length_at - used);
  put_big_endian(hash->block + length_at, (uint32_t)(bits >> 32));
  put_big_endian(hash->block + length_at + 4, (uint32_t)(bits & 0xffffffffu));
  take_block(hash->state, hash->block);
  for (unsigned i = 0; i < 8; i++) put_big_endian(digest + 4u * i, hash->state[i]);
}

/* ---- HMAC, RFC 2104: H(key XOR opad, H(key XOR ipad, text)) -------------------------------------------------------------------------- */

static void take_key(uint32_t state[8], const uint8_t *key, size_t length, uint8_t pad) {
  uint8_t block[BEAMRIG_SHA256_BLOCK_BYTES];
  memset(block, pad, sizeof block);
  for (size_t i = 0; i < length; i++) block[i] = (uint8_t)(key[i] ^ pad);
  memcpy(state, first_state, sizeof first_state);
  take_block(state, block);
}

bool beamrig_hmac_prepare(beamrig_hmac_key *prepared, const uint8_t *key, size_t length) {
  if (length > BEAMRIG_SHA256_BLOCK_BYTES) return false;
  take_key(prepared->inner, key, length, 0x36);
  take_key(prepared->outer, key, length, 0x5c);
  return true;
}

static void go_on_from(beamrig_sha256 *hash, const uint32_t state[8]) {
  memcpy(hash->state, state, sizeof hash->state);
  hash->length = BEAMRIG_SHA256_BLOCK_BYTES;
}

void beamrig_hmac_begin(beamrig_sha256 *hash, const beamrig_hmac_key *key) {
  go_on_from(hash, key->inner);
}

void beamrig_hmac_end(beamrig_sha256 *hash, const beamrig_hmac_key *key, uint8_t code[BEAMRIG_SHA256_BYTES]) {
  uint8_t inner[BEAMRIG_SHA256_BYTES];
  beamrig_sha256_end(hash, inner);
  go_on_from(hash, key->outer);
  beamrig_sha256_add(hash, inner, sizeof inner);
  beamrig_sha256_end(hash, code);
}

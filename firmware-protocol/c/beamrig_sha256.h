/*
 * SHA-256 (FIPS 180-4) and HMAC with it (RFC 2104), for the authentication of PROTOCOL.md, section 7.
 *
 * A hash takes 104 bytes of RAM while it runs, and some 140 of stack; a key takes 64, because what HMAC makes of it is
 * worked out once: so a message of n bytes costs floor((n + 8) / 64) + 2 blocks in all.
 */
#ifndef BEAMRIG_SHA256_H
#define BEAMRIG_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BEAMRIG_SHA256_BYTES 32
#define BEAMRIG_SHA256_BLOCK_BYTES 64

/* A hash that is running. */
typedef struct {
  uint64_t length; /* bytes so far */
  uint32_t state[8];
  uint8_t block[BEAMRIG_SHA256_BLOCK_BYTES];
} beamrig_sha256;

void beamrig_sha256_begin(beamrig_sha256 *hash);
void beamrig_sha256_add(beamrig_sha256 *hash, const uint8_t *bytes, size_t length);
/* Writes the digest; `hash` is to be begun anew afterwards. */
void beamrig_sha256_end(beamrig_sha256 *hash, uint8_t digest[BEAMRIG_SHA256_BYTES]);

/* A key as HMAC uses it: the states after the block of the key XOR ipad, and of the key XOR opad. As secret as the key. */
typedef struct {
  uint32_t inner[8];
  uint32_t outer[8];
} beamrig_hmac_key;

/* False, and no key, when it is longer than a block: longer ones would have to be hashed first, and nobody here has one. */
bool beamrig_hmac_prepare(beamrig_hmac_key *prepared, const uint8_t *key, size_t length);

/* HMAC in pieces: begin, beamrig_sha256_add, end. */
void beamrig_hmac_begin(beamrig_sha256 *hash, const beamrig_hmac_key *key);
void beamrig_hmac_end(beamrig_sha256 *hash, const beamrig_hmac_key *key, uint8_t code[BEAMRIG_SHA256_BYTES]);

#endif

#include "beamrig_authentication.h"

#define WINDOW_COUNTERS 64u

bool beamrig_derive_panel_key(const uint8_t *rig_key, size_t rig_key_length, const char *panel_serial, size_t serial_length,
                              uint8_t panel_key[BEAMRIG_PANEL_KEY_BYTES]) {
  static const char purpose[] = "beamrig panel key";
  beamrig_hmac_key key;
  beamrig_sha256 hash;
  if (rig_key_length < BEAMRIG_MIN_KEY_BYTES || rig_key_length > BEAMRIG_MAX_KEY_BYTES) return false;
  if (!beamrig_hmac_prepare(&key, rig_key, rig_key_length)) return false;
  beamrig_hmac_begin(&hash, &key);
  beamrig_sha256_add(&hash, (const uint8_t *)purpose, sizeof purpose - 1);
  beamrig_sha256_add(&hash, (const uint8_t *)panel_serial, serial_length);
  beamrig_hmac_end(&hash, &key, panel_key);
  return true;
}

/* The code whose first eight bytes are the tag, over all that stands before the tag. */
static void code_of(const uint8_t *frame, size_t length, const beamrig_hmac_key *key, uint8_t code[BEAMRIG_SHA256_BYTES]) {
  beamrig_sha256 hash;
  beamrig_hmac_begin(&hash, key);
  beamrig_sha256_add(&hash, frame, length);
  beamrig_hmac_end(&hash, key, code);
}

size_t beamrig_seal(uint8_t *frame, size_t length, size_t capacity, const beamrig_hmac_key *key, uint64_t counter) {
  uint8_t code[BEAMRIG_SHA256_BYTES];
  if (length < BEAMRIG_MIN_FRAME_BYTES || length + BEAMRIG_AUTHENTICATION_BYTES > capacity) return 0;
  const size_t counter_at = length - BEAMRIG_CRC_BYTES;
  const size_t tag_at = counter_at + BEAMRIG_COUNTER_BYTES;
  const size_t crc_at = tag_at + BEAMRIG_TAG_BYTES;
  frame[0] |= BEAMRIG_FLAG_AUTHENTICATED;
  beamrig_put_u64(frame + counter_at, counter);
  code_of(frame, tag_at, key, code);
  memcpy(frame + tag_at, code, BEAMRIG_TAG_BYTES);
  beamrig_put_u32(frame + crc_at, beamrig_crc32c(frame, crc_at));
  return crc_at + BEAMRIG_CRC_BYTES;
}

bool beamrig_open(const uint8_t *frame, size_t length, const beamrig_hmac_key *key, uint64_t *counter) {
  uint8_t code[BEAMRIG_SHA256_BYTES];
  uint8_t difference = 0;
  if (length < BEAMRIG_MIN_FRAME_BYTES + BEAMRIG_AUTHENTICATION_BYTES) return false;
  if ((frame[0] & BEAMRIG_FLAG_AUTHENTICATED) == 0) return false;
  const size_t tag_at = length - BEAMRIG_CRC_BYTES - BEAMRIG_TAG_BYTES;
  code_of(frame, tag_at, key, code);
  /* All of them, so that the time taken does not say how many were right. */
  for (size_t i = 0; i < BEAMRIG_TAG_BYTES; i++) difference |= (uint8_t)(code[i] ^ frame[tag_at + i]);
  *counter = beamrig_get_u64(frame + tag_at - BEAMRIG_COUNTER_BYTES);
  return difference == 0;
}

void beamrig_replay_window_init(beamrig_replay_window *window, uint64_t newest) {
  window->newest = newest;
  window->seen = ~(uint64_t)0;
}

bool beamrig_replay_window_is_new(const beamrig_replay_window *window, uint64_t counter) {
  if (counter > window->newest) return true;
  const uint64_t back = window->newest - counter;
  return back < WINDOW_COUNTERS && ((window->seen >> back) & 1u) == 0;
}

void beamrig_replay_window_take(beamrig_replay_window *window, uint64_t counter) {
  if (counter <= window->newest) {
    window->seen |= (uint64_t)1 << (window->newest - counter);
    return;
  }
  const uint64_t step = counter - window->newest;
  window->seen = (step < WINDOW_COUNTERS ? window->seen << step : 0) | 1u;
  window->newest = counter;
}

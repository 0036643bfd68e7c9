/*
 * Authentication of frames (PROTOCOL.md, section 7): a counter and a tag between payload and CRC, and flag 0 of the first byte.
 *
 *     rig key + panel serial -> panel key -> tag of every frame, both directions
 *
 * A panel does all of this by itself once beamrig_panel_authenticate has given it its key. These are the parts, for hosts, gateways
 * and tests. Of a frame with a payload of L bytes the tag costs floor((L + 20) / 64) + 2 blocks of SHA-256.
 */
#ifndef BEAMRIG_AUTHENTICATION_H
#define BEAMRIG_AUTHENTICATION_H

#include "beamrig_frame.h"
#include "beamrig_sha256.h"

#define BEAMRIG_MIN_KEY_BYTES 16
#define BEAMRIG_MAX_KEY_BYTES 64
#define BEAMRIG_PANEL_KEY_BYTES 32
#define BEAMRIG_COUNTER_BYTES 8
#define BEAMRIG_TAG_BYTES 8

/*
 * The key of the panel with this serial number (UTF-8, not ended by a zero byte). Only whoever sets up boards needs it: a board is given
 * its panel key and never the rig's. False when the rig key has not 16 to 64 bytes.
 */
bool beamrig_derive_panel_key(const uint8_t *rig_key, size_t rig_key_length, const char *panel_serial, size_t serial_length,
                              uint8_t panel_key[BEAMRIG_PANEL_KEY_BYTES]);

/*
 * Authenticates a bare frame in place: flag, counter, tag and a new CRC. Returns the new length, BEAMRIG_AUTHENTICATION_BYTES more; 0, and
 * the frame as it was, when that is above `capacity`.
 */
size_t beamrig_seal(uint8_t *frame, size_t length, size_t capacity, const beamrig_hmac_key *key, uint64_t counter);

/*
 * Whether a bare frame whose CRC is good carries the tag of this key; takes as long whatever is wrong with the tag. Then its counter is in
 * `counter`, which is not judged, and its payload is the `length - BEAMRIG_MIN_FRAME_BYTES - BEAMRIG_AUTHENTICATION_BYTES` bytes behind
 * the header.
 */
bool beamrig_open(const uint8_t *frame, size_t length, const beamrig_hmac_key *key, uint64_t *counter);

/* Which counters have come: all up to newest - 64, and of the 64 from there on those whose bit is set, bit 0 being newest. */
typedef struct {
  uint64_t newest;
  uint64_t seen;
} beamrig_replay_window;

/* Nothing up to `newest` will be taken. */
void beamrig_replay_window_init(beamrig_replay_window *window, uint64_t newest);
/* Whether a counter is new. */
bool beamrig_replay_window_is_new(const beamrig_replay_window *window, uint64_t counter);
/* Never again this one, which is new. */
void beamrig_replay_window_take(beamrig_replay_window *window, uint64_t counter);

#endif

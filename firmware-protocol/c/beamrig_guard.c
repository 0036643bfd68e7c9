/*
 * Who may speak to a panel (PROTOCOL.md, section 7): the tag first, then the counter, and the limit of counters that survives power.
 */
#include "beamrig_panel_inside.h"

bool beamrig_panel_authenticate(beamrig_panel *panel, const uint8_t *panel_key, size_t key_length, uint64_t counter_limit,
                                bool (*store_counter_limit)(void *context, uint64_t limit)) {
  beamrig_guard *const guard = &panel->guard;
  guard->has_key = false;
  if (!beamrig_panel_has(panel, BEAMRIG_FEATURE_AUTHENTICATION) || store_counter_limit == NULL) return false;
  if (key_length < BEAMRIG_MIN_KEY_BYTES || key_length > BEAMRIG_MAX_KEY_BYTES) return false;
  guard->has_key = beamrig_hmac_prepare(&guard->key, panel_key, key_length);
  /* After a start the limit stands for every counter there was before, of both directions. */
  beamrig_replay_window_init(&guard->heard, counter_limit);
  guard->sent = counter_limit;
  guard->limit = counter_limit;
  guard->store_counter_limit = store_counter_limit;
  return guard->has_key;
}

/* The limit is stored before a counter above it is used, so that no start ever takes one for new that was used before. */
static bool allow(beamrig_panel *panel, uint64_t counter) {
  beamrig_guard *const guard = &panel->guard;
  if (counter <= guard->limit) return true;
  const uint64_t limit = counter > UINT64_MAX - BEAMRIG_COUNTER_STEP ? UINT64_MAX : counter + BEAMRIG_COUNTER_STEP;
  if (!guard->store_counter_limit(panel->hardware.context, limit)) return false;
  guard->limit = limit;
  return true;
}

beamrig_admission beamrig_guard_admit(beamrig_panel *panel, const uint8_t *frame, size_t length) {
  beamrig_guard *const guard = &panel->guard;
  uint64_t counter;
  if (!guard->has_key || !beamrig_open(frame, length, &guard->key, &counter)) return BEAMRIG_NOT_AUTHENTICATED;
  /* A reply with our tag is one of our own that somebody sends back: it must not move the window of the host's counters. */
  if (!beamrig_is_request(frame[1])) return BEAMRIG_ADMITTED;
  /* Of a challenge only the tag counts: the host does not know yet where to go on. */
  const bool counted = frame[1] != BEAMRIG_CHALLENGE;
  if (counted && !beamrig_replay_window_is_new(&guard->heard, counter)) return BEAMRIG_REPLAYED;
  if (counted && !allow(panel, counter)) return BEAMRIG_NOT_STORED;
  /* Also that of the reply, so that no request is carried out which cannot be answered. */
  if (guard->sent == UINT64_MAX || !allow(panel, guard->sent + 1u)) return BEAMRIG_UNANSWERABLE;
  if (counted) beamrig_replay_window_take(&guard->heard, counter);
  return BEAMRIG_ADMITTED;
}

size_t beamrig_guard_seal(beamrig_panel *panel, uint8_t *frame, size_t length, size_t capacity) {
  const size_t sealed = beamrig_seal(frame, length, capacity, &panel->guard.key, panel->guard.sent + 1u);
  if (sealed > 0) panel->guard.sent++;
  return sealed;
}

/* The panel from outside: start, silence, frames in and replies out, and requests that were seen before. */
#include "beamrig_panel_inside.h"

/* ---- requests seen before ----------------------------------------------------------------------------------------------------- */

/*
 * A request is known again by its seq, its length and 64 bits over all its bytes: its own CRC-32C and this hash (FNV-1a), which is not
 * linear as a CRC is. So the requests themselves need not be kept.
 */
static uint32_t hash_on(uint32_t hash, const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) hash = (hash ^ bytes[i]) * 16777619u;
  return hash;
}

/* `bytes` are header and payload, and `crc` that of the frame without its authentication: a retry has another counter. */
static beamrig_remembered key_of(const uint8_t *bytes, size_t length, uint32_t crc, uint8_t first) {
  uint32_t hash = hash_on(2166136261u, &first, 1);
  hash = hash_on(hash, bytes + 1, length - 1);
  const beamrig_remembered key = {crc, hash, beamrig_get_u16(bytes + 2), (uint16_t)length, 0};
  return key;
}

static bool is_same(const beamrig_remembered *a, const beamrig_remembered *b) {
  return a->length == b->length && a->seq == b->seq && a->crc == b->crc && a->hash == b->hash;
}

static size_t answered_before(const beamrig_panel *panel, const beamrig_remembered *key, uint8_t *reply, size_t capacity) {
  for (size_t i = 0; i < panel->memory.remembered_room; i++) {
    const beamrig_remembered *const it = &panel->memory.remembered[i];
    if (!is_same(it, key)) continue;
    if (it->reply_length > capacity) return 0;
    memcpy(reply, panel->memory.replies + i * panel->memory.reply_bytes, it->reply_length);
    return it->reply_length;
  }
  return 0;
}

static void remember(beamrig_panel *panel, const beamrig_remembered *key, const uint8_t *reply, size_t reply_length) {
  if (panel->memory.remembered_room == 0 || reply_length == 0 || reply_length > panel->memory.reply_bytes) return;
  beamrig_remembered *const it = &panel->memory.remembered[panel->next_remembered];
  *it = *key;
  it->reply_length = (uint16_t)reply_length;
  memcpy(panel->memory.replies + panel->next_remembered * panel->memory.reply_bytes, reply, reply_length);
  panel->next_remembered = (panel->next_remembered + 1u) % panel->memory.remembered_room;
}

static void forget(beamrig_panel *panel) {
  for (size_t i = 0; i < panel->memory.remembered_room; i++) panel->memory.remembered[i].length = 0;
  panel->next_remembered = 0;
}

/* ---- the panel ---------------------------------------------------------------------------------------------------------------- */

static bool fits(const beamrig_panel *panel) {
  if (beamrig_panel_slots(panel) == 0) return true;
  const beamrig_capabilities *const it = &panel->capabilities;
  const beamrig_panel_memory *const memory = &panel->memory;
  const uint64_t waiting = beamrig_panel_has(panel, BEAMRIG_FEATURE_TIME_SYNC) ? 1u : 0u;
  const uint64_t beams = (uint64_t)it->staging_slots + it->beam_memory + 1u + waiting;
  const uint64_t enables = beamrig_panel_has(panel, BEAMRIG_FEATURE_ELEMENT_ENABLE) ? beams * panel->word_count : 0u;
  const uint64_t gains = beamrig_panel_has(panel, BEAMRIG_FEATURE_ELEMENT_GAIN) ? beams * panel->word_count : 0u;
  return memory->word_room >= beams * panel->word_count && memory->weight_room >= beams * 2u * panel->weight_count &&
         memory->enable_room >= enables && memory->gain_room >= gains &&
         memory->coverage_room >= it->staging_slots * (uint64_t)beamrig_panel_coverage_bytes(panel) &&
         memory->slot_room >= it->staging_slots && memory->stored_room >= it->beam_memory;
}

/* What a board with receivers only may say of itself, which has no elements and keeps no beams. */
static bool is_receiver(const beamrig_capabilities *it) {
  const uint32_t features = BEAMRIG_FEATURE_SNR_REPORT | BEAMRIG_FEATURE_PILOT_REPORT | BEAMRIG_FEATURE_TIME_SYNC |
                            BEAMRIG_FEATURE_AUTHENTICATION | BEAMRIG_FEATURE_SIMULATED;
  return it->elements == 1 && it->phase_bits == 1 && it->staging_slots == 1 && it->gain_bits == 0 && it->users > 0 &&
         (it->features & ~features) == 0;
}

static bool is_consistent(const beamrig_panel *panel) {
  const beamrig_capabilities *const it = &panel->capabilities;
  const bool drives = it->role != BEAMRIG_ROLE_USER;
  const bool snr = (it->features & BEAMRIG_FEATURE_SNR_REPORT) != 0;
  const bool pilots = (it->features & BEAMRIG_FEATURE_PILOT_REPORT) != 0;
  if (panel->hardware.time_us == NULL || (drives && (panel->hardware.apply == NULL || panel->hardware.mute == NULL))) return false;
  if (!drives && !is_receiver(it)) return false;
  if ((it->features & ~(uint32_t)(BEAMRIG_PANEL_FEATURES | BEAMRIG_FEATURE_AUTHENTICATION | BEAMRIG_FEATURE_SIMULATED)) != 0) return false;
  if (((it->features & BEAMRIG_FEATURE_BEAM_MEMORY) != 0) != (it->beam_memory > 0)) return false;
  if (((it->features & BEAMRIG_FEATURE_DIGITAL_WEIGHTS) != 0) != (panel->streams > 0)) return false;
  if ((it->features & BEAMRIG_FEATURE_ELEMENT_GAIN) != 0 && it->gain_bits == 0) return false;
  if ((snr || pilots) != (it->users > 0)) return false;
  if (snr && (panel->hardware.measure_snr == NULL || it->max_payload_bytes < 20u + 2u * (uint32_t)it->users)) return false;
  if (pilots && (panel->hardware.measure_pilots == NULL || it->max_payload_bytes < 20u + 8u * (uint32_t)it->rf_chains)) return false;
  beamrig_message message;
  uint8_t frame[BEAMRIG_FRAME_BYTES(BEAMRIG_CAPABILITIES_BYTES)];
  message.type = BEAMRIG_CAPABILITIES;
  message.as.capabilities = *it;
  return beamrig_encode(&message, 0, frame, sizeof frame) > 0;
}

bool beamrig_panel_init(beamrig_panel *panel, const beamrig_capabilities *capabilities, uint16_t streams,
                        const beamrig_hardware *hardware, const beamrig_panel_memory *memory, uint32_t boot_count) {
  memset(panel, 0, sizeof *panel);
  panel->capabilities = *capabilities;
  panel->capabilities.protocol_major = BEAMRIG_PROTOCOL_MAJOR;
  panel->capabilities.protocol_minor = BEAMRIG_PROTOCOL_MINOR;
  panel->hardware = *hardware;
  panel->memory = *memory;
  panel->word_count = (uint32_t)capabilities->elements * capabilities->rf_chains;
  panel->weight_count = (uint32_t)capabilities->rf_chains * streams;
  panel->streams = streams;
  panel->state = BEAMRIG_STATE_IDLE;
  panel->boot_count = boot_count;
  panel->reported_users = capabilities->users;
  if (!is_consistent(panel) || !fits(panel)) return false;
  for (uint8_t slot = 0; slot < beamrig_panel_slots(panel); slot++) beamrig_panel_empty_slot(panel, slot, 0);
  if (capabilities->beam_memory > 0) memset(memory->stored, STORED_NOTHING, capabilities->beam_memory);
  forget(panel);
  beamrig_panel_go_dark(panel);
  return true;
}

bool beamrig_panel_reports(beamrig_panel *panel, uint16_t first_user, uint16_t count) {
  const uint16_t users = panel->capabilities.users;
  if (count == 0 || first_user >= users || count > users - first_user) return false;
  panel->first_user = first_user;
  panel->reported_users = count;
  return true;
}

void beamrig_panel_has_probe(beamrig_panel *panel) {
  panel->has_probe = panel->capabilities.users > 0 && panel->hardware.measure_pilots != NULL;
}

/* ---- time ------------------------------------------------------------------------------------------------------------------------ */

static uint64_t silent_us(const beamrig_panel *panel) {
  if (!panel->watching || panel->silence_ms == 0) return UINT64_MAX;
  return panel->heard_us + (uint64_t)panel->silence_ms * 1000u;
}

static uint64_t waiting_us(const beamrig_panel *panel) {
  return panel->waiting_id == 0 ? UINT64_MAX : panel->waiting_us;
}

uint64_t beamrig_panel_next_us(const beamrig_panel *panel) {
  const uint64_t silent = silent_us(panel);
  const uint64_t waiting = waiting_us(panel);
  return silent < waiting ? silent : waiting;
}

/* A request was carried out: the silence is counted from it, unless it was before. A host that says the same again has not heard the answer. */
static void heard(beamrig_panel *panel, const beamrig_remembered *key, uint64_t now_us) {
  for (size_t i = 0; i < BEAMRIG_COUNTED; i++) {
    if (is_same(&panel->counted[i], key)) return;
  }
  panel->counted[panel->next_counted] = *key;
  panel->next_counted = (uint8_t)((panel->next_counted + 1u) % BEAMRIG_COUNTED);
  panel->heard_us = now_us;
  panel->watching = true;
}

static void do_what_is_due(beamrig_panel *panel, uint64_t now_us) {
  /* A loop that comes late finds both due, and does them in the order of their times. */
  if (panel->waiting_id != 0 && now_us >= panel->waiting_us && panel->waiting_us <= silent_us(panel)) {
    beamrig_panel_latch_waiting(panel);
  }
  if (now_us < silent_us(panel)) return;
  /* Once: the watch begins again with the next request that is carried out, whichever it is. */
  panel->watching = false;
  memset(panel->counted, 0, sizeof panel->counted);
  const bool was_safe = panel->state == BEAMRIG_STATE_SAFE || panel->state == BEAMRIG_STATE_FAULT;
  beamrig_panel_enter_safe_state(panel);
  /* What a wire or a broker has kept back of this session must not switch the array on again. */
  if (!was_safe) panel->session_over = true;
}

void beamrig_panel_poll(beamrig_panel *panel) {
  do_what_is_due(panel, beamrig_panel_now_us(panel));
}

/* ---- frames ---------------------------------------------------------------------------------------------------------------------- */

void beamrig_panel_count_bad_frames(beamrig_panel *panel, uint32_t count) {
  panel->bad_frames = count > 0xffffffffu - panel->bad_frames ? 0xffffffffu : panel->bad_frames + count;
}

/* Said without authentication: the other end may have no key, or the wrong one. */
static size_t refuse(beamrig_admission admission, const uint8_t *frame, uint8_t *reply, size_t capacity) {
  beamrig_message answer;
  if (admission == BEAMRIG_NOT_STORED || !beamrig_is_request(frame[1])) return 0;
  beamrig_panel_nack(&answer, admission == BEAMRIG_REPLAYED ? BEAMRIG_NACK_REPLAYED : BEAMRIG_NACK_NOT_AUTHENTICATED, 0);
  return beamrig_encode(&answer, beamrig_get_u16(frame + 2), reply, capacity);
}

/* Whether the same request gets the same reply again. What says the time, or what has become of a commit, is said anew each time. */
static bool is_remembered(const beamrig_message *request) {
  switch (request->type) {
    case BEAMRIG_HELLO:
    case BEAMRIG_SYNC_TIME:
    case BEAMRIG_CHALLENGE:
    /* What was committed may be muted since. */
    case BEAMRIG_COMMIT:
    case BEAMRIG_SELECT_BEAM:
      return false;
    default:
      return true;
  }
}

/* The reply to a request that is sound and admitted, without authentication. */
static size_t answer_request(beamrig_panel *panel, const beamrig_errand *errand, const beamrig_remembered *key) {
  const beamrig_message *const request = errand->request;
  beamrig_message answer;
  if (request->type == BEAMRIG_HELLO) {
    /* Always carried out: it may be that of a host which has restarted and counts from the same number. */
    forget(panel);
  } else if (is_remembered(request)) {
    const size_t known = answered_before(panel, key, errand->frame, errand->capacity);
    if (known > 0) return known;
  }
  if (key->length - BEAMRIG_HEADER_BYTES > panel->capabilities.max_payload_bytes) {
    beamrig_panel_nack(&answer, BEAMRIG_NACK_MALFORMED, request->type);
  } else {
    beamrig_panel_carry_out(panel, errand, &answer);
  }
  size_t length = beamrig_encode(&answer, key->seq, errand->frame, errand->capacity);
  if (length == 0 && (answer.type == BEAMRIG_SNR_REPORT || answer.type == BEAMRIG_PILOT_REPORT)) {
    /* What was measured is no number, or comes from no pilots. Every request gets a reply. */
    beamrig_panel_nack(&answer, BEAMRIG_NACK_BUSY, 0);
    length = beamrig_encode(&answer, key->seq, errand->frame, errand->capacity);
  }
  if (is_remembered(request)) remember(panel, key, errand->frame, length);
  /* Neither a refusal nor a greeting is a session that works, and of a challenge nobody has looked at the counter. */
  const bool works = answer.type != BEAMRIG_NACK;
  if (works && request->type != BEAMRIG_HELLO && request->type != BEAMRIG_CHALLENGE) heard(panel, key, errand->now_us);
  return length;
}

/* The reply to a frame that is sound and admitted. `body` bytes are header and payload; `taken` are the flags that were seen to. */
static size_t answer_frame(beamrig_panel *panel, const uint8_t *frame, size_t body, uint8_t taken, beamrig_errand *errand) {
  beamrig_header header;
  beamrig_message request;
  const beamrig_verdict verdict = beamrig_decode_sound(frame, body - BEAMRIG_HEADER_BYTES, taken, &header, &request);
  if (verdict != BEAMRIG_GOOD) {
    beamrig_message answer;
    beamrig_panel_count_bad_frames(panel, 1);
    if (!beamrig_nack_for(verdict, body + BEAMRIG_CRC_BYTES, &header, &answer)) return 0;
    return beamrig_encode(&answer, header.seq, errand->frame, errand->capacity);
  }
  if (!beamrig_is_request(request.type)) return 0;
  const uint8_t first = (uint8_t)(frame[0] & ~(unsigned)taken);
  const uint32_t crc = taken == 0 ? beamrig_get_u32(frame + body)
                                  : beamrig_crc32c_continue(beamrig_crc32c(&first, 1), frame + 1, body - 1);
  const beamrig_remembered key = key_of(frame, body, crc, first);
  errand->request = &request;
  return answer_request(panel, errand, &key);
}

size_t beamrig_panel_receive_at(beamrig_panel *panel, const uint8_t *frame, size_t length, uint64_t received_us, uint8_t *reply,
                                size_t capacity) {
  beamrig_errand errand = {NULL, received_us, beamrig_panel_now_us(panel), reply, capacity};
  do_what_is_due(panel, errand.now_us);
  if (beamrig_frame_damage(frame, length) != BEAMRIG_GOOD) {
    beamrig_panel_count_bad_frames(panel, 1);
    return 0;
  }
  const size_t body = length - BEAMRIG_CRC_BYTES;
  if (!beamrig_panel_has(panel, BEAMRIG_FEATURE_AUTHENTICATION)) return answer_frame(panel, frame, body, 0, &errand);
  const beamrig_admission admission = beamrig_guard_admit(panel, frame, length);
  if (admission == BEAMRIG_UNANSWERABLE) return 0;
  if (admission != BEAMRIG_ADMITTED) {
    beamrig_panel_count_bad_frames(panel, 1);
    return refuse(admission, frame, reply, capacity);
  }
  /* The seal needs room behind the reply. */
  errand.capacity = capacity < BEAMRIG_AUTHENTICATION_BYTES ? 0 : capacity - BEAMRIG_AUTHENTICATION_BYTES;
  const size_t answered =
      answer_frame(panel, frame, body - BEAMRIG_AUTHENTICATION_BYTES, BEAMRIG_FLAG_AUTHENTICATED, &errand);
  return answered == 0 ? 0 : beamrig_guard_seal(panel, reply, answered, capacity);
}

size_t beamrig_panel_receive(beamrig_panel *panel, const uint8_t *frame, size_t length, uint8_t *reply, size_t capacity) {
  return beamrig_panel_receive_at(panel, frame, length, beamrig_panel_now_us(panel), reply, capacity);
}

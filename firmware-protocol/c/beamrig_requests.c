/* What a panel does on a request. Staging has a file of its own. */
#include "beamrig_panel_inside.h"

/* ---- refusals: true when the request is answered -------------------------------------------------------------------------------- */

static bool no_such_position(const beamrig_panel *panel, uint16_t position, beamrig_message *reply) {
  if (position < panel->capabilities.beam_memory) return false;
  beamrig_panel_nack(reply, BEAMRIG_NACK_WRONG_DIMENSIONS, panel->capabilities.beam_memory);
  return true;
}

static bool outside(uint32_t offset, uint32_t count, uint32_t all) {
  return offset > all || count > all - offset;
}

static bool faulty(const beamrig_panel *panel, beamrig_message *reply) {
  if (panel->state != BEAMRIG_STATE_FAULT) return false;
  beamrig_panel_nack(reply, BEAMRIG_NACK_FAULT, panel->fault_code);
  return true;
}

/* As a commit or select-beam of this beam is answered while the panel is faulty. */
static bool too_faulty(beamrig_panel *panel, uint32_t beam_id, beamrig_message *reply) {
  if (panel->state != BEAMRIG_STATE_FAULT) return false;
  beamrig_panel_spend(panel, beam_id, reply);
  return true;
}

/* A commit or select-beam that was carried out before, whose beam is still radiated. */
static bool repeated(const beamrig_panel *panel, uint32_t beam_id, beamrig_message *reply) {
  /* Said again only while it is true: after a mute, a commit that the wire kept back must not switch the array on. */
  if (beam_id != panel->newest || beam_id != panel->latched_id || beam_id != panel->radiated_id) return false;
  beamrig_panel_say_committed(panel, reply);
  return true;
}

static bool stale(const beamrig_panel *panel, uint32_t beam_id, beamrig_message *reply) {
  if (beam_id > beamrig_panel_newest(panel)) return false;
  beamrig_panel_nack(reply, BEAMRIG_NACK_STALE_BEAM, beamrig_panel_newest(panel));
  return true;
}

static bool beam_mismatch(const beamrig_panel *panel, uint32_t beam_id, beamrig_message *reply) {
  if (beam_id == panel->radiated_id) return false;
  beamrig_panel_nack(reply, BEAMRIG_NACK_BEAM_MISMATCH, panel->radiated_id);
  return true;
}

/* ---- requests ----------------------------------------------------------------------------------------------------------------- */

static void hello(beamrig_panel *panel, const beamrig_message *request, beamrig_message *reply) {
  if (request->as.hello.min_major > BEAMRIG_PROTOCOL_MAJOR || request->as.hello.max_major < BEAMRIG_PROTOCOL_MAJOR) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_UNSUPPORTED_VERSION, BEAMRIG_PROTOCOL_MAJOR);
    return;
  }
  for (uint8_t slot = 0; slot < beamrig_panel_slots(panel); slot++) beamrig_panel_empty_slot(panel, slot, 0);
  beamrig_panel_forget_waiting(panel);
  panel->newest = 0;
  panel->spent = 0;
  panel->session_over = false;
  panel->cancelled_id = 0;
  panel->cancelled_us = 0;
  reply->type = BEAMRIG_CAPABILITIES;
  reply->as.capabilities = panel->capabilities;
}

static void get_status(const beamrig_panel *panel, beamrig_message *reply) {
  const uint64_t uptime_ms = beamrig_panel_now_us(panel) / 1000u;
  reply->type = BEAMRIG_STATUS;
  reply->as.status.beam_id = panel->radiated_id;
  reply->as.status.uptime_ms = uptime_ms > 0xffffffffu ? 0xffffffffu : (uint32_t)uptime_ms;
  reply->as.status.boot_count = panel->boot_count;
  reply->as.status.bad_frames = panel->bad_frames;
  reply->as.status.temperature_centi_c =
      panel->hardware.temperature_centi_c == NULL ? BEAMRIG_NO_TEMPERATURE : panel->hardware.temperature_centi_c(panel->hardware.context);
  reply->as.status.state = panel->state;
}

/* Whether a timed commit is one of those that a cancellation ends: of an older beam, or of this one at a time not after it. */
static bool ended(uint32_t beam_id, uint64_t at_us, uint32_t cancelled_id, uint64_t cancelled_us) {
  return beam_id < cancelled_id || (beam_id == cancelled_id && at_us <= cancelled_us);
}

static bool too_late(const beamrig_panel *panel, const beamrig_errand *errand, beamrig_message *reply) {
  const uint32_t beam_id = errand->request->as.commit.beam_id;
  const uint64_t at_us = errand->request->as.commit.at_us;
  if (at_us == 0) return false;
  if (errand->now_us < at_us && !ended(beam_id, at_us, panel->cancelled_id, panel->cancelled_us)) return false;
  beamrig_panel_nack(reply, BEAMRIG_NACK_TOO_LATE, 0);
  return true;
}

static void commit(beamrig_panel *panel, const beamrig_errand *errand, beamrig_message *reply) {
  const beamrig_message *const request = errand->request;
  const uint32_t beam_id = request->as.commit.beam_id;
  const uint64_t at_us = request->as.commit.at_us;
  const uint8_t slot = request->as.commit.slot;
  if (at_us != 0 && !beamrig_panel_has(panel, BEAMRIG_FEATURE_TIME_SYNC)) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_UNSUPPORTED_MESSAGE, request->type);
    return;
  }
  if (too_faulty(panel, beam_id, reply) || beamrig_panel_no_such_slot(panel, slot, reply)) return;
  if (repeated(panel, beam_id, reply) || too_late(panel, errand, reply) || stale(panel, beam_id, reply)) return;
  if (beamrig_panel_not_staged(panel, slot, beam_id, reply)) return;
  const uint8_t parts = beamrig_panel_parts_of_slot(panel, slot);
  if (at_us == 0) {
    beamrig_panel_latch(panel, beam_id, slot, parts, reply);
    return;
  }
  beamrig_panel_wait(panel, beam_id, slot, parts, at_us);
  beamrig_panel_ack(reply);
}

static void cancel_commit(beamrig_panel *panel, const beamrig_message *request, beamrig_message *reply) {
  const uint32_t beam_id = request->as.cancel_commit.beam_id;
  const uint64_t at_us = request->as.cancel_commit.at_us;
  if (beam_id == panel->newest) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_TOO_LATE, 0);
    return;
  }
  if (ended(panel->waiting_id, panel->waiting_us, beam_id, at_us)) beamrig_panel_forget_waiting(panel);
  /* A late copy of a cancellation does not take back a further one. */
  if (!ended(beam_id, at_us, panel->cancelled_id, panel->cancelled_us)) {
    panel->cancelled_id = beam_id;
    panel->cancelled_us = at_us;
  }
  beamrig_panel_ack(reply);
}

static void read_phases(const beamrig_panel *panel, const beamrig_errand *errand, beamrig_message *reply) {
  const beamrig_message *const request = errand->request;
  const bool staged = request->as.read_phases.source == BEAMRIG_STAGED;
  const uint8_t slot = request->as.read_phases.slot;
  const uint32_t offset = request->as.read_phases.offset;
  const uint16_t count = request->as.read_phases.count;
  const uint8_t bits = panel->capabilities.phase_bits;
  if (staged && beamrig_panel_no_such_slot(panel, slot, reply)) return;
  const size_t most = beamrig_max_words_per_chunk(panel->capabilities.max_payload_bytes, bits);
  if (outside(offset, count, panel->word_count) || count > most) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_WRONG_DIMENSIONS, panel->word_count < most ? panel->word_count : (uint32_t)most);
    return;
  }
  uint8_t *const packed = beamrig_payload_array(errand->frame, BEAMRIG_PHASES);
  const size_t packed_bytes = BEAMRIG_PACKED_BYTES(count, bits);
  reply->type = BEAMRIG_PHASES;
  reply->as.phases.slot = 0;
  reply->as.phases.phase_bits = bits;
  reply->as.phases.count = count;
  reply->as.phases.beam_id = staged ? panel->memory.slots[slot].beam_id : panel->radiated_id;
  reply->as.phases.offset = offset;
  reply->as.phases.packed = packed;
  if (BEAMRIG_FRAME_BYTES(BEAMRIG_PHASES_PREFIX_BYTES + packed_bytes) > errand->capacity) return;
  if (!staged && panel->dark) {
    memset(packed, 0, packed_bytes);
  } else {
    beamrig_pack_words(beamrig_panel_words_of(panel, staged ? slot : beamrig_panel_radiated_beam(panel)) + offset, count, bits, packed);
  }
}

static void measure(const beamrig_panel *panel, const beamrig_errand *errand, beamrig_message *reply) {
  const beamrig_message *const request = errand->request;
  const bool snr = request->type == BEAMRIG_MEASURE_SNR;
  const uint16_t first = panel->first_user;
  const uint16_t user = snr ? first : request->as.measure.user;
  /* A board with receivers only hears a beam whose id it cannot know: the host answers for that. */
  const bool drives = panel->capabilities.role != BEAMRIG_ROLE_USER;
  if (drives ? beam_mismatch(panel, request->as.measure.beam_id, reply) : faulty(panel, reply)) return;
  const bool probe = !snr && panel->has_probe && user == panel->capabilities.users;
  if (!probe && (user < first || user - first >= panel->reported_users)) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_WRONG_DIMENSIONS, panel->capabilities.users);
    return;
  }
  const uint16_t count = snr ? panel->reported_users : panel->capabilities.rf_chains;
  uint8_t *const values = beamrig_payload_array(errand->frame, BEAMRIG_SNR_REPORT);
  uint32_t pilots = request->as.measure.pilots;
  reply->type = snr ? BEAMRIG_SNR_REPORT : BEAMRIG_PILOT_REPORT;
  reply->as.report.beam_id = request->as.measure.beam_id;
  reply->as.report.time_us = 0;
  reply->as.report.pilots = pilots;
  reply->as.report.user = user;
  reply->as.report.count = count;
  reply->as.report.values = values;
  if (BEAMRIG_FRAME_BYTES(20u + (snr ? 2u : 8u) * (size_t)count) > errand->capacity) return;
  for (uint16_t i = 0; snr && i < count; i++) beamrig_put_i16(values + 2u * i, BEAMRIG_NO_READING);
  void *const context = panel->hardware.context;
  const bool done = snr ? panel->hardware.measure_snr(context, &pilots, values)
                        : panel->hardware.measure_pilots(context, user, &pilots, values);
  if (!done) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_BUSY, 0);
    return;
  }
  reply->as.report.time_us = beamrig_panel_now_us(panel);
  reply->as.report.pilots = pilots;
}

static void store_beam(beamrig_panel *panel, const beamrig_message *request, beamrig_message *reply) {
  const uint8_t slot = request->as.store_beam.slot;
  const uint16_t position = request->as.store_beam.position;
  if (beamrig_panel_no_such_slot(panel, slot, reply) || no_such_position(panel, position, reply)) return;
  if (beamrig_panel_not_staged(panel, slot, request->as.store_beam.beam_id, reply)) return;
  const uint8_t parts = beamrig_panel_parts_of_slot(panel, slot);
  beamrig_panel_copy_beam(panel, beamrig_panel_stored_beam(panel, position), slot, parts);
  panel->memory.stored[position] = (uint8_t)(STORED_WORDS | parts);
  beamrig_panel_ack(reply);
}

static void select_beam(beamrig_panel *panel, const beamrig_message *request, beamrig_message *reply) {
  const uint32_t beam_id = request->as.select_beam.beam_id;
  const uint16_t position = request->as.select_beam.position;
  if (too_faulty(panel, beam_id, reply) || no_such_position(panel, position, reply)) return;
  if (repeated(panel, beam_id, reply) || stale(panel, beam_id, reply)) return;
  const uint8_t stored = panel->memory.stored[position];
  if (stored == STORED_NOTHING) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_NOT_STAGED, 0);
    return;
  }
  beamrig_panel_latch(panel, beam_id, beamrig_panel_stored_beam(panel, position), (uint8_t)(stored & ~STORED_WORDS), reply);
}

static void set_safe_state(beamrig_panel *panel, const beamrig_message *request, beamrig_message *reply) {
  const uint16_t position = request->as.set_safe_state.position;
  if (request->as.set_safe_state.enter && faulty(panel, reply)) return;
  if (request->as.set_safe_state.state == BEAMRIG_SAFE_CODEWORD) {
    if (no_such_position(panel, position, reply)) return;
    if (panel->memory.stored[position] == STORED_NOTHING) {
      beamrig_panel_nack(reply, BEAMRIG_NACK_NOT_STAGED, 0);
      return;
    }
  }
  panel->safe_state = request->as.set_safe_state.state;
  panel->safe_position = position;
  panel->silence_ms = request->as.set_safe_state.silence_ms;
  if (request->as.set_safe_state.enter) {
    beamrig_panel_enter_safe_state(panel);
    /* The codeword may have met a board that fails. */
    if (faulty(panel, reply)) return;
  }
  beamrig_panel_ack(reply);
}

static void sync_time(const beamrig_panel *panel, const beamrig_errand *errand, beamrig_message *reply) {
  reply->type = BEAMRIG_SYNCED;
  reply->as.synced.host_send_us = errand->request->as.sync_time.host_send_us;
  reply->as.synced.panel_receive_us = errand->received_us;
  reply->as.synced.panel_send_us = beamrig_panel_now_us(panel);
}

static void challenge(const beamrig_panel *panel, const beamrig_message *request, beamrig_message *reply) {
  reply->type = BEAMRIG_CHALLENGED;
  reply->as.challenged.host_nonce = request->as.challenge.host_nonce;
  reply->as.challenged.last_counter = panel->guard.heard.newest;
}

static uint32_t feature_needed(uint8_t type) {
  switch (type) {
    case BEAMRIG_SET_DIGITAL:
      return BEAMRIG_FEATURE_DIGITAL_WEIGHTS;
    case BEAMRIG_CANCEL_COMMIT:
    case BEAMRIG_SYNC_TIME:
      return BEAMRIG_FEATURE_TIME_SYNC;
    case BEAMRIG_SET_GAINS:
      return BEAMRIG_FEATURE_ELEMENT_GAIN;
    case BEAMRIG_SET_ENABLES:
      return BEAMRIG_FEATURE_ELEMENT_ENABLE;
    case BEAMRIG_PATCH_PHASES:
      return BEAMRIG_FEATURE_PATCH;
    case BEAMRIG_CHALLENGE:
      return BEAMRIG_FEATURE_AUTHENTICATION;
    case BEAMRIG_READ_PHASES:
      return BEAMRIG_FEATURE_READ_BACK;
    case BEAMRIG_MEASURE_SNR:
      return BEAMRIG_FEATURE_SNR_REPORT;
    case BEAMRIG_MEASURE_PILOTS:
      return BEAMRIG_FEATURE_PILOT_REPORT;
    case BEAMRIG_STORE_BEAM:
    case BEAMRIG_SELECT_BEAM:
      return BEAMRIG_FEATURE_BEAM_MEMORY;
    default:
      return 0;
  }
}

/* What a board with receivers only may be asked; the features say the rest. */
static bool is_for_receivers(uint8_t type) {
  switch (type) {
    case BEAMRIG_HELLO:
    case BEAMRIG_PING:
    case BEAMRIG_GET_STATUS:
    case BEAMRIG_MEASURE_SNR:
    case BEAMRIG_MEASURE_PILOTS:
    case BEAMRIG_SYNC_TIME:
    case BEAMRIG_CHALLENGE:
      return true;
    default:
      return false;
  }
}

void beamrig_panel_carry_out(beamrig_panel *panel, const beamrig_errand *errand, beamrig_message *reply) {
  const beamrig_message *const request = errand->request;
  const bool drives = panel->capabilities.role != BEAMRIG_ROLE_USER;
  if (!beamrig_panel_has(panel, feature_needed(request->type)) || (!drives && !is_for_receivers(request->type))) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_UNSUPPORTED_MESSAGE, request->type);
    return;
  }
  switch (request->type) {
    case BEAMRIG_HELLO:
      hello(panel, request, reply);
      return;
    case BEAMRIG_PING:
      reply->type = BEAMRIG_PONG;
      reply->as.pong.nonce = request->as.ping.nonce;
      reply->as.pong.time_us = beamrig_panel_now_us(panel);
      return;
    case BEAMRIG_GET_STATUS:
      get_status(panel, reply);
      return;
    case BEAMRIG_SET_PHASES:
      if (!faulty(panel, reply)) beamrig_panel_set_phases(panel, &request->as.phases, reply);
      return;
    case BEAMRIG_SET_DIGITAL:
      if (!faulty(panel, reply)) beamrig_panel_set_digital(panel, &request->as.set_digital, reply);
      return;
    case BEAMRIG_SET_GAINS:
      if (!faulty(panel, reply)) beamrig_panel_set_gains(panel, &request->as.phases, reply);
      return;
    case BEAMRIG_SET_ENABLES:
      if (!faulty(panel, reply)) beamrig_panel_set_enables(panel, &request->as.phases, reply);
      return;
    case BEAMRIG_PATCH_PHASES:
      if (!faulty(panel, reply)) beamrig_panel_patch_phases(panel, &request->as.patch_phases, reply);
      return;
    case BEAMRIG_COMMIT:
      commit(panel, errand, reply);
      return;
    case BEAMRIG_CANCEL_COMMIT:
      cancel_commit(panel, request, reply);
      return;
    case BEAMRIG_READ_PHASES:
      read_phases(panel, errand, reply);
      return;
    case BEAMRIG_MEASURE_SNR:
    case BEAMRIG_MEASURE_PILOTS:
      measure(panel, errand, reply);
      return;
    case BEAMRIG_STORE_BEAM:
      store_beam(panel, request, reply);
      return;
    case BEAMRIG_SELECT_BEAM:
      select_beam(panel, request, reply);
      return;
    case BEAMRIG_SET_SAFE_STATE:
      set_safe_state(panel, request, reply);
      return;
    case BEAMRIG_SYNC_TIME:
      sync_time(panel, errand, reply);
      return;
    case BEAMRIG_CHALLENGE:
      challenge(panel, request, reply);
      return;
    default:
      beamrig_panel_nack(reply, BEAMRIG_NACK_UNSUPPORTED_MESSAGE, request->type);
      return;
  }
}

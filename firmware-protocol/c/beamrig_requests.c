/* What a panel does on a request, and what it radiates. */
#include "beamrig_panel_inside.h"

/* ---- where a beam lies in the memory: slots first, then positions, then the one that is radiated ------------------------------- */

static uint16_t *words_of(const beamrig_panel *panel, size_t beam) {
  return panel->memory.words + beam * panel->word_count;
}

static float *weights_of(const beamrig_panel *panel, size_t beam) {
  return panel->memory.weights + beam * 2u * panel->weight_count;
}

static size_t stored_beam(const beamrig_panel *panel, uint16_t position) {
  return (size_t)panel->capabilities.staging_slots + position;
}

static size_t radiated_beam(const beamrig_panel *panel) {
  return (size_t)panel->capabilities.staging_slots + panel->capabilities.beam_memory;
}

static void copy_beam(const beamrig_panel *panel, size_t to, size_t from, bool with_weights) {
  memcpy(words_of(panel, to), words_of(panel, from), panel->word_count * sizeof(uint16_t));
  if (with_weights) memcpy(weights_of(panel, to), weights_of(panel, from), 2u * panel->weight_count * sizeof(float));
}

/* ---- staging ------------------------------------------------------------------------------------------------------------------ */

static uint8_t *coverage_of(const beamrig_panel *panel, uint8_t slot) {
  return panel->memory.coverage + slot * BEAMRIG_COVERAGE_BYTES((size_t)panel->word_count, panel->weight_count);
}

void beamrig_panel_empty_slot(beamrig_panel *panel, uint8_t slot, uint32_t beam_id) {
  beamrig_slot *const it = &panel->memory.slots[slot];
  it->beam_id = beam_id;
  it->words_here = 0;
  it->weights_here = 0;
  memset(words_of(panel, slot), 0, panel->word_count * sizeof(uint16_t));
  memset(coverage_of(panel, slot), 0, BEAMRIG_COVERAGE_BYTES((size_t)panel->word_count, panel->weight_count));
}

/* Marks bits as here; returns how many of them were not before. */
static uint32_t mark(uint8_t *coverage, uint32_t first, uint32_t count) {
  uint32_t fresh = 0;
  for (uint32_t bit = first; bit < first + count; bit++) {
    const uint8_t mask = (uint8_t)(1u << (bit & 7u));
    if ((coverage[bit >> 3] & mask) == 0) fresh++;
    coverage[bit >> 3] |= mask;
  }
  return fresh;
}

static uint32_t first_unmarked(const uint8_t *coverage, uint32_t first) {
  uint32_t bit = first;
  while ((coverage[bit >> 3] & (1u << (bit & 7u))) != 0) bit++;
  return bit;
}

/* ---- replies ------------------------------------------------------------------------------------------------------------------ */

void beamrig_panel_nack(beamrig_message *reply, beamrig_nack_code code, uint32_t detail) {
  reply->type = BEAMRIG_NACK;
  reply->as.nack.code = (uint8_t)code;
  reply->as.nack.detail = detail;
}

static void ack(beamrig_message *reply) {
  reply->type = BEAMRIG_ACK;
}

static void say_committed(const beamrig_panel *panel, beamrig_message *reply) {
  reply->type = BEAMRIG_COMMITTED;
  reply->as.committed.beam_id = panel->latched_id;
  reply->as.committed.time_us = panel->latched_us;
  reply->as.committed.words_crc32c = panel->latched_crc;
}

uint64_t beamrig_panel_now_us(const beamrig_panel *panel) {
  return panel->hardware.time_us(panel->hardware.context);
}

/* ---- what is radiated --------------------------------------------------------------------------------------------------------- */

void beamrig_panel_go_dark(beamrig_panel *panel) {
  panel->dark = true;
  panel->radiated_id = 0;
  panel->hardware.mute(panel->hardware.context);
}

/* False when the hardware refused, which makes the panel faulty. */
static bool radiate(beamrig_panel *panel, uint32_t beam_id, size_t from, bool with_weights) {
  const size_t shown = radiated_beam(panel);
  copy_beam(panel, shown, from, with_weights);
  const uint32_t fault = panel->hardware.apply(panel->hardware.context, words_of(panel, shown),
                                               with_weights ? weights_of(panel, shown) : NULL);
  if (fault != 0) {
    beamrig_panel_fault(panel, fault);
    return false;
  }
  panel->dark = false;
  panel->radiated_id = beam_id;
  return true;
}

static void latch(beamrig_panel *panel, uint32_t beam_id, size_t from, bool with_weights, beamrig_message *reply) {
  if (!radiate(panel, beam_id, from, with_weights)) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_FAULT, panel->fault_code);
    return;
  }
  panel->state = BEAMRIG_STATE_RADIATING;
  panel->newest = beam_id;
  panel->latched_id = beam_id;
  panel->latched_us = beamrig_panel_now_us(panel);
  panel->latched_crc = beamrig_words_crc32c(words_of(panel, from), panel->word_count);
  say_committed(panel, reply);
}

void beamrig_panel_enter_safe_state(beamrig_panel *panel) {
  if (panel->state == BEAMRIG_STATE_FAULT) return;
  panel->state = BEAMRIG_STATE_SAFE;
  if (panel->safe_state == BEAMRIG_SAFE_HOLD) return;
  if (panel->safe_state == BEAMRIG_SAFE_CODEWORD) {
    const uint8_t stored = panel->memory.stored[panel->safe_position];
    radiate(panel, 0, stored_beam(panel, panel->safe_position), stored == STORED_WORDS_AND_WEIGHTS);
    return;
  }
  beamrig_panel_go_dark(panel);
}

/* ---- refusals that several requests share: true when the request is answered ------------------------------------------------------ */

static bool no_such_slot(const beamrig_panel *panel, uint8_t slot, beamrig_message *reply) {
  if (slot < panel->capabilities.staging_slots) return false;
  beamrig_panel_nack(reply, BEAMRIG_NACK_NO_SUCH_SLOT, panel->capabilities.staging_slots);
  return true;
}

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

static bool not_staged(const beamrig_panel *panel, uint8_t slot, uint32_t beam_id, beamrig_message *reply) {
  const beamrig_slot *const it = &panel->memory.slots[slot];
  if (it->beam_id != beam_id) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_NOT_STAGED, 0);
    return true;
  }
  if (it->words_here < panel->word_count) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_NOT_STAGED, first_unmarked(coverage_of(panel, slot), 0));
    return true;
  }
  if (it->weights_here > 0 && it->weights_here < panel->weight_count) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_NOT_STAGED, first_unmarked(coverage_of(panel, slot), panel->word_count));
    return true;
  }
  return false;
}

/* A commit or select-beam that was seen before, or comes too late. */
static bool repeated_or_stale(const beamrig_panel *panel, uint32_t beam_id, beamrig_message *reply) {
  /* Said again only while it is true: after a mute, a commit that the wire kept back must not switch the array on. */
  if (beam_id == panel->newest && beam_id == panel->latched_id && beam_id == panel->radiated_id) {
    say_committed(panel, reply);
    return true;
  }
  if (beam_id > panel->newest) return false;
  beamrig_panel_nack(reply, BEAMRIG_NACK_STALE_BEAM, panel->newest);
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
  for (uint8_t slot = 0; slot < panel->capabilities.staging_slots; slot++) beamrig_panel_empty_slot(panel, slot, 0);
  panel->newest = 0;
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
      panel->hardware.temperature_centi_c == NULL ? 0 : panel->hardware.temperature_centi_c(panel->hardware.context);
  reply->as.status.state = panel->state;
}

static void set_phases(beamrig_panel *panel, const beamrig_phases *request, beamrig_message *reply) {
  if (no_such_slot(panel, request->slot, reply)) return;
  if (request->phase_bits != panel->capabilities.phase_bits) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_WRONG_BITS, panel->capabilities.phase_bits);
    return;
  }
  if (outside(request->offset, request->count, panel->word_count)) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_WRONG_DIMENSIONS, panel->word_count);
    return;
  }
  beamrig_slot *const slot = &panel->memory.slots[request->slot];
  if (slot->beam_id != request->beam_id) beamrig_panel_empty_slot(panel, request->slot, request->beam_id);
  beamrig_unpack_words(request->packed, request->phase_bits, request->count, words_of(panel, request->slot) + request->offset);
  slot->words_here += mark(coverage_of(panel, request->slot), request->offset, request->count);
  ack(reply);
}

static void set_digital(beamrig_panel *panel, const beamrig_digital *request, beamrig_message *reply) {
  if (no_such_slot(panel, request->slot, reply)) return;
  if (request->users != panel->streams || outside(request->offset, request->count, panel->weight_count)) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_WRONG_DIMENSIONS, panel->weight_count);
    return;
  }
  beamrig_slot *const slot = &panel->memory.slots[request->slot];
  if (slot->beam_id != request->beam_id) beamrig_panel_empty_slot(panel, request->slot, request->beam_id);
  float *const weights = weights_of(panel, request->slot) + 2u * (size_t)request->offset;
  for (size_t i = 0; i < 2u * (size_t)request->count; i++) weights[i] = beamrig_get_f32(request->weights + 4u * i);
  slot->weights_here += mark(coverage_of(panel, request->slot), panel->word_count + request->offset, request->count);
  ack(reply);
}

static void commit(beamrig_panel *panel, const beamrig_message *request, beamrig_message *reply) {
  const uint32_t beam_id = request->as.commit.beam_id;
  const uint8_t slot = request->as.commit.slot;
  if (request->as.commit.at_us != 0) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_UNSUPPORTED_MESSAGE, request->type);
    return;
  }
  if (faulty(panel, reply) || no_such_slot(panel, slot, reply)) return;
  if (repeated_or_stale(panel, beam_id, reply) || not_staged(panel, slot, beam_id, reply)) return;
  latch(panel, beam_id, slot, panel->memory.slots[slot].weights_here > 0, reply);
}

static void read_phases(const beamrig_panel *panel, const beamrig_message *request, uint8_t *frame, size_t capacity,
                        beamrig_message *reply) {
  const bool staged = request->as.read_phases.source == BEAMRIG_STAGED;
  const uint8_t slot = request->as.read_phases.slot;
  const uint32_t offset = request->as.read_phases.offset;
  const uint16_t count = request->as.read_phases.count;
  const uint8_t bits = panel->capabilities.phase_bits;
  if (staged && no_such_slot(panel, slot, reply)) return;
  const size_t most = beamrig_max_words_per_chunk(panel->capabilities.max_payload_bytes, bits);
  if (outside(offset, count, panel->word_count) || count > most) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_WRONG_DIMENSIONS, panel->word_count < most ? panel->word_count : (uint32_t)most);
    return;
  }
  uint8_t *const packed = beamrig_payload_array(frame, BEAMRIG_PHASES);
  const size_t packed_bytes = BEAMRIG_PACKED_BYTES(count, bits);
  reply->type = BEAMRIG_PHASES;
  reply->as.phases.slot = 0;
  reply->as.phases.phase_bits = bits;
  reply->as.phases.count = count;
  reply->as.phases.beam_id = staged ? panel->memory.slots[slot].beam_id : panel->radiated_id;
  reply->as.phases.offset = offset;
  reply->as.phases.packed = packed;
  if (BEAMRIG_FRAME_BYTES(BEAMRIG_PHASES_PREFIX_BYTES + packed_bytes) > capacity) return;
  if (!staged && panel->dark) {
    memset(packed, 0, packed_bytes);
  } else {
    beamrig_pack_words(words_of(panel, staged ? slot : radiated_beam(panel)) + offset, count, bits, packed);
  }
}

static void measure(const beamrig_panel *panel, const beamrig_message *request, uint8_t *frame, size_t capacity,
                    beamrig_message *reply) {
  const bool snr = request->type == BEAMRIG_MEASURE_SNR;
  const uint16_t user = request->as.measure.user;
  if (beam_mismatch(panel, request->as.measure.beam_id, reply)) return;
  if (!snr && user >= panel->capabilities.users) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_WRONG_DIMENSIONS, panel->capabilities.users);
    return;
  }
  const uint16_t count = snr ? panel->capabilities.users : panel->capabilities.rf_chains;
  uint8_t *const values = beamrig_payload_array(frame, BEAMRIG_SNR_REPORT);
  uint32_t pilots = request->as.measure.pilots;
  reply->type = snr ? BEAMRIG_SNR_REPORT : BEAMRIG_PILOT_REPORT;
  reply->as.report.beam_id = request->as.measure.beam_id;
  reply->as.report.time_us = 0;
  reply->as.report.pilots = pilots;
  reply->as.report.user = user;
  reply->as.report.count = count;
  reply->as.report.values = values;
  if (BEAMRIG_FRAME_BYTES(20u + (snr ? 2u : 8u) * (size_t)count) > capacity) return;
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
  if (no_such_slot(panel, slot, reply) || no_such_position(panel, position, reply)) return;
  if (not_staged(panel, slot, request->as.store_beam.beam_id, reply)) return;
  const bool with_weights = panel->memory.slots[slot].weights_here > 0;
  copy_beam(panel, stored_beam(panel, position), slot, with_weights);
  panel->memory.stored[position] = with_weights ? STORED_WORDS_AND_WEIGHTS : STORED_WORDS;
  ack(reply);
}

static void select_beam(beamrig_panel *panel, const beamrig_message *request, beamrig_message *reply) {
  const uint32_t beam_id = request->as.select_beam.beam_id;
  const uint16_t position = request->as.select_beam.position;
  if (faulty(panel, reply) || no_such_position(panel, position, reply)) return;
  if (repeated_or_stale(panel, beam_id, reply)) return;
  const uint8_t stored = panel->memory.stored[position];
  if (stored == STORED_NOTHING) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_NOT_STAGED, 0);
    return;
  }
  latch(panel, beam_id, stored_beam(panel, position), stored == STORED_WORDS_AND_WEIGHTS, reply);
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
  ack(reply);
}

static uint32_t feature_needed(uint8_t type) {
  switch (type) {
    case BEAMRIG_SET_DIGITAL:
      return BEAMRIG_FEATURE_DIGITAL_WEIGHTS;
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

void beamrig_panel_carry_out(beamrig_panel *panel, const beamrig_message *request, uint8_t *frame, size_t capacity,
                             beamrig_message *reply) {
  const uint32_t needed = feature_needed(request->type);
  if ((panel->capabilities.features & needed) != needed) {
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
      set_phases(panel, &request->as.phases, reply);
      return;
    case BEAMRIG_SET_DIGITAL:
      set_digital(panel, &request->as.set_digital, reply);
      return;
    case BEAMRIG_COMMIT:
      commit(panel, request, reply);
      return;
    case BEAMRIG_READ_PHASES:
      read_phases(panel, request, frame, capacity, reply);
      return;
    case BEAMRIG_MEASURE_SNR:
    case BEAMRIG_MEASURE_PILOTS:
      measure(panel, request, frame, capacity, reply);
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
    default:
      beamrig_panel_nack(reply, BEAMRIG_NACK_UNSUPPORTED_MESSAGE, request->type);
      return;
  }
}

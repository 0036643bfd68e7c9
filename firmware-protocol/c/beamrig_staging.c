/* Beams that are arriving: chunks and patches change their slot and nothing else. */
#include "beamrig_panel_inside.h"

/* ---- what has come: a bit for each word, weight, enable and gain, in this order ---------------------------------------------------------------- */

/* Bits of all parts that this panel has: one without a feature keeps none for it. */
static size_t enable_count(const beamrig_panel *panel) {
  return beamrig_panel_has(panel, BEAMRIG_FEATURE_ELEMENT_ENABLE) ? panel->word_count : 0;
}

static size_t gain_count(const beamrig_panel *panel) {
  return beamrig_panel_has(panel, BEAMRIG_FEATURE_ELEMENT_GAIN) ? panel->word_count : 0;
}

size_t beamrig_panel_coverage_bytes(const beamrig_panel *panel) {
  return BEAMRIG_COVERAGE_BYTES((size_t)panel->word_count + panel->weight_count + enable_count(panel) + gain_count(panel));
}

static uint8_t *coverage_of(const beamrig_panel *panel, uint8_t slot) {
  return panel->memory.coverage + slot * beamrig_panel_coverage_bytes(panel);
}

/* Where the bits of enables and of gains begin. */
static uint32_t first_enable(const beamrig_panel *panel) {
  return panel->word_count + panel->weight_count;
}

static uint32_t first_gain(const beamrig_panel *panel) {
  return first_enable(panel) + (uint32_t)enable_count(panel);
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

void beamrig_panel_empty_slot(beamrig_panel *panel, uint8_t slot, uint32_t beam_id) {
  beamrig_slot *const it = &panel->memory.slots[slot];
  it->beam_id = beam_id;
  it->words_here = 0;
  it->weights_here = 0;
  it->enables_here = 0;
  it->gains_here = 0;
  memset(beamrig_panel_words_of(panel, slot), 0, panel->word_count * sizeof(uint16_t));
  memset(coverage_of(panel, slot), 0, beamrig_panel_coverage_bytes(panel));
}

uint8_t beamrig_panel_parts_of_slot(const beamrig_panel *panel, uint8_t slot) {
  const beamrig_slot *const it = &panel->memory.slots[slot];
  return (uint8_t)((it->weights_here > 0 ? BEAMRIG_WITH_WEIGHTS : 0) | (it->enables_here > 0 ? BEAMRIG_WITH_ENABLES : 0) |
                   (it->gains_here > 0 ? BEAMRIG_WITH_GAINS : 0));
}

/* ---- refusals: true when the request is answered ------------------------------------------------------------------------------------ */

bool beamrig_panel_no_such_slot(const beamrig_panel *panel, uint8_t slot, beamrig_message *reply) {
  if (slot < panel->capabilities.staging_slots) return false;
  beamrig_panel_nack(reply, BEAMRIG_NACK_NO_SUCH_SLOT, panel->capabilities.staging_slots);
  return true;
}

bool beamrig_panel_not_staged(const beamrig_panel *panel, uint8_t slot, uint32_t beam_id, beamrig_message *reply) {
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
  if (it->enables_here > 0 && it->enables_here < panel->word_count) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_NOT_STAGED, first_unmarked(coverage_of(panel, slot), first_enable(panel)));
    return true;
  }
  if (it->gains_here > 0 && it->gains_here < panel->word_count) {
    /* Counted through as if there were enables, which this panel may not have. */
    const uint32_t missing = first_unmarked(coverage_of(panel, slot), first_gain(panel)) - first_gain(panel);
    beamrig_panel_nack(reply, BEAMRIG_NACK_NOT_STAGED, 2u * panel->word_count + panel->weight_count + missing);
    return true;
  }
  return false;
}

static bool wrong_bits(uint8_t bits, uint8_t of_panel, beamrig_message *reply) {
  if (bits == of_panel) return false;
  beamrig_panel_nack(reply, BEAMRIG_NACK_WRONG_BITS, of_panel);
  return true;
}

static bool outside(uint32_t offset, uint32_t count, uint32_t all) {
  return offset > all || count > all - offset;
}

/* What a beam may not do to a slot that holds another one: come late, or take the slot from a beam that waits for its time. */
static bool late_or_busy(const beamrig_panel *panel, uint8_t slot, uint32_t beam_id, beamrig_message *reply) {
  const uint32_t held = panel->memory.slots[slot].beam_id;
  if (held == beam_id) return false;
  /* The host counts its ids up: a copy that the wire kept back must not empty a slot for a beam of the past. */
  const uint32_t newest = beamrig_panel_newest(panel);
  if (beam_id <= newest || beam_id < held) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_STALE_BEAM, beam_id <= newest ? newest : held);
    return true;
  }
  if (panel->waiting_id != 0 && panel->waiting_slot == slot) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_BUSY, 0);
    return true;
  }
  return false;
}

/* ---- requests ----------------------------------------------------------------------------------------------------------------- */

static beamrig_slot *slot_for(beamrig_panel *panel, uint8_t slot, uint32_t beam_id) {
  if (panel->memory.slots[slot].beam_id != beam_id) beamrig_panel_empty_slot(panel, slot, beam_id);
  return &panel->memory.slots[slot];
}

/* The refusals of a chunk with one entry a place; true when the request is answered. */
static bool misfit(const beamrig_panel *panel, const beamrig_phases *request, uint8_t bits, beamrig_message *reply) {
  if (beamrig_panel_no_such_slot(panel, request->slot, reply) || wrong_bits(request->phase_bits, bits, reply)) return true;
  if (outside(request->offset, request->count, panel->word_count)) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_WRONG_DIMENSIONS, panel->word_count);
    return true;
  }
  return late_or_busy(panel, request->slot, request->beam_id, reply);
}

void beamrig_panel_set_phases(beamrig_panel *panel, const beamrig_phases *request, beamrig_message *reply) {
  if (misfit(panel, request, panel->capabilities.phase_bits, reply)) return;
  beamrig_slot *const slot = slot_for(panel, request->slot, request->beam_id);
  uint16_t *const words = beamrig_panel_words_of(panel, request->slot);
  beamrig_unpack_words(request->packed, request->phase_bits, request->count, words + request->offset);
  slot->words_here += mark(coverage_of(panel, request->slot), request->offset, request->count);
  beamrig_panel_ack(reply);
}

void beamrig_panel_set_gains(beamrig_panel *panel, const beamrig_phases *request, beamrig_message *reply) {
  if (misfit(panel, request, panel->capabilities.gain_bits, reply)) return;
  beamrig_slot *const slot = slot_for(panel, request->slot, request->beam_id);
  uint16_t *const gains = beamrig_panel_gains_of(panel, request->slot);
  beamrig_unpack_words(request->packed, request->phase_bits, request->count, gains + request->offset);
  slot->gains_here += mark(coverage_of(panel, request->slot), first_gain(panel) + request->offset, request->count);
  beamrig_panel_ack(reply);
}

void beamrig_panel_set_enables(beamrig_panel *panel, const beamrig_phases *request, beamrig_message *reply) {
  if (misfit(panel, request, 1, reply)) return;
  beamrig_slot *const slot = slot_for(panel, request->slot, request->beam_id);
  uint8_t *const enables = beamrig_panel_enables_of(panel, request->slot);
  for (size_t i = 0; i < request->count; i++) enables[request->offset + i] = (uint8_t)beamrig_packed_word(request->packed, 1, i);
  slot->enables_here += mark(coverage_of(panel, request->slot), first_enable(panel) + request->offset, request->count);
  beamrig_panel_ack(reply);
}

void beamrig_panel_set_digital(beamrig_panel *panel, const beamrig_digital *request, beamrig_message *reply) {
  if (beamrig_panel_no_such_slot(panel, request->slot, reply)) return;
  if (request->users != panel->streams || outside(request->offset, request->count, panel->weight_count)) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_WRONG_DIMENSIONS, panel->weight_count);
    return;
  }
  if (late_or_busy(panel, request->slot, request->beam_id, reply)) return;
  beamrig_slot *const slot = slot_for(panel, request->slot, request->beam_id);
  float *const weights = beamrig_panel_weights_of(panel, request->slot) + 2u * (size_t)request->offset;
  for (size_t i = 0; i < 2u * (size_t)request->count; i++) weights[i] = beamrig_get_f32(request->weights + 4u * i);
  slot->weights_here += mark(coverage_of(panel, request->slot), panel->word_count + request->offset, request->count);
  beamrig_panel_ack(reply);
}

/* The slot becomes a copy of what is radiated, under another id: words and weights, because enables and gains are of each beam alone. */
static void fill_from_radiated(beamrig_panel *panel, uint8_t slot, uint32_t beam_id) {
  const uint8_t parts = panel->radiated_parts & BEAMRIG_WITH_WEIGHTS;
  beamrig_slot *const it = &panel->memory.slots[slot];
  beamrig_panel_empty_slot(panel, slot, beam_id);
  beamrig_panel_copy_beam(panel, slot, beamrig_panel_radiated_beam(panel), parts);
  it->words_here = mark(coverage_of(panel, slot), 0, panel->word_count);
  if (parts != 0) it->weights_here = mark(coverage_of(panel, slot), panel->word_count, panel->weight_count);
}

void beamrig_panel_patch_phases(beamrig_panel *panel, const beamrig_patch *request, beamrig_message *reply) {
  if (beamrig_panel_no_such_slot(panel, request->slot, reply) || wrong_bits(request->phase_bits, panel->capabilities.phase_bits, reply)) return;
  for (size_t i = 0; i < request->count; i++) {
    if (beamrig_get_u16(request->places + 2u * i) < panel->word_count) continue;
    beamrig_panel_nack(reply, BEAMRIG_NACK_WRONG_DIMENSIONS, panel->word_count);
    return;
  }
  if (late_or_busy(panel, request->slot, request->beam_id, reply)) return;
  if (request->from_beam_id != panel->radiated_id) {
    beamrig_panel_nack(reply, BEAMRIG_NACK_BEAM_MISMATCH, panel->radiated_id);
    return;
  }
  beamrig_slot *const slot = &panel->memory.slots[request->slot];
  if (slot->beam_id != request->beam_id) fill_from_radiated(panel, request->slot, request->beam_id);
  uint16_t *const words = beamrig_panel_words_of(panel, request->slot);
  for (size_t i = 0; i < request->count; i++) {
    const uint16_t place = beamrig_get_u16(request->places + 2u * i);
    words[place] = beamrig_packed_word(request->packed, request->phase_bits, i);
    slot->words_here += mark(coverage_of(panel, request->slot), place, 1);
  }
  beamrig_panel_ack(reply);
}

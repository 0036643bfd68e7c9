/* The beams of a panel: where they lie, which one is radiated, and which one waits for its time. */
#include "beamrig_panel_inside.h"

/* ---- the memory --------------------------------------------------------------------------------------------------------------- */

uint16_t *beamrig_panel_words_of(const beamrig_panel *panel, size_t beam) {
  return panel->memory.words + beam * panel->word_count;
}

float *beamrig_panel_weights_of(const beamrig_panel *panel, size_t beam) {
  return panel->memory.weights + beam * 2u * panel->weight_count;
}

size_t beamrig_panel_stored_beam(const beamrig_panel *panel, uint16_t position) {
  return (size_t)panel->capabilities.staging_slots + position;
}

size_t beamrig_panel_radiated_beam(const beamrig_panel *panel) {
  return (size_t)panel->capabilities.staging_slots + panel->capabilities.beam_memory;
}

uint8_t *beamrig_panel_enables_of(const beamrig_panel *panel, size_t beam) {
  return panel->memory.enables + beam * panel->word_count;
}

uint16_t *beamrig_panel_gains_of(const beamrig_panel *panel, size_t beam) {
  return panel->memory.gains + beam * panel->word_count;
}

void beamrig_panel_copy_beam(const beamrig_panel *panel, size_t to, size_t from, uint8_t parts) {
  const size_t count = panel->word_count;
  memcpy(beamrig_panel_words_of(panel, to), beamrig_panel_words_of(panel, from), count * sizeof(uint16_t));
  if ((parts & BEAMRIG_WITH_WEIGHTS) != 0) {
    memcpy(beamrig_panel_weights_of(panel, to), beamrig_panel_weights_of(panel, from), 2u * panel->weight_count * sizeof(float));
  }
  if ((parts & BEAMRIG_WITH_ENABLES) != 0) memcpy(beamrig_panel_enables_of(panel, to), beamrig_panel_enables_of(panel, from), count);
  if ((parts & BEAMRIG_WITH_GAINS) != 0) {
    memcpy(beamrig_panel_gains_of(panel, to), beamrig_panel_gains_of(panel, from), count * sizeof(uint16_t));
  }
}

static beamrig_beam beam_at(const beamrig_panel *panel, size_t beam, uint8_t parts) {
  const beamrig_beam it = {
      beamrig_panel_words_of(panel, beam),
      (parts & BEAMRIG_WITH_WEIGHTS) != 0 ? beamrig_panel_weights_of(panel, beam) : NULL,
      (parts & BEAMRIG_WITH_ENABLES) != 0 ? beamrig_panel_enables_of(panel, beam) : NULL,
      (parts & BEAMRIG_WITH_GAINS) != 0 ? beamrig_panel_gains_of(panel, beam) : NULL,
  };
  return it;
}

/* ---- what is radiated --------------------------------------------------------------------------------------------------------- */

void beamrig_panel_go_dark(beamrig_panel *panel) {
  panel->dark = true;
  panel->radiated_id = 0;
  if (panel->hardware.mute != NULL) panel->hardware.mute(panel->hardware.context);
}

/* False when the hardware refused, which makes the panel faulty. */
static bool radiate(beamrig_panel *panel, uint32_t beam_id, size_t from, uint8_t parts) {
  const size_t shown = beamrig_panel_radiated_beam(panel);
  beamrig_panel_copy_beam(panel, shown, from, parts);
  const beamrig_beam beam = beam_at(panel, shown, parts);
  const uint32_t fault = panel->hardware.apply(panel->hardware.context, &beam);
  if (fault != 0) {
    beamrig_panel_fault(panel, fault);
    return false;
  }
  panel->dark = false;
  panel->radiated_id = beam_id;
  panel->radiated_parts = parts;
  return true;
}

void beamrig_panel_say_committed(const beamrig_panel *panel, beamrig_message *reply) {
  reply->type = BEAMRIG_COMMITTED;
  reply->as.committed.beam_id = panel->latched_id;
  reply->as.committed.time_us = panel->latched_us;
  reply->as.committed.words_crc32c = panel->latched_crc;
}

void beamrig_panel_spend(beamrig_panel *panel, uint32_t beam_id, beamrig_message *reply) {
  /* A copy of the request that the wire still keeps must not switch the array on once the fault is over: the host has been told that it did not. */
  if (beam_id > panel->spent) panel->spent = beam_id;
  beamrig_panel_nack(reply, BEAMRIG_NACK_FAULT, panel->fault_code);
}

void beamrig_panel_latch(beamrig_panel *panel, uint32_t beam_id, size_t from, uint8_t parts, beamrig_message *reply) {
  /* Whatever waited was of an older wish of the host. */
  beamrig_panel_forget_waiting(panel);
  if (!radiate(panel, beam_id, from, parts)) {
    beamrig_panel_spend(panel, beam_id, reply);
    return;
  }
  panel->state = BEAMRIG_STATE_RADIATING;
  panel->newest = beam_id;
  panel->latched_id = beam_id;
  panel->latched_us = beamrig_panel_now_us(panel);
  const beamrig_beam beam = beam_at(panel, from, parts);
  panel->latched_crc = beamrig_beam_crc32c(beam.words, beam.enables, beam.gains, panel->word_count);
  beamrig_panel_say_committed(panel, reply);
}

/* Of time-sync only. */
static size_t waiting_beam(const beamrig_panel *panel) {
  return beamrig_panel_radiated_beam(panel) + 1u;
}

void beamrig_panel_wait(beamrig_panel *panel, uint32_t beam_id, uint8_t slot, uint8_t parts, uint64_t at_us) {
  /* A copy: what was acknowledged is what will be radiated, whatever chunks come to the slot until then. */
  beamrig_panel_copy_beam(panel, waiting_beam(panel), slot, parts);
  panel->waiting_id = beam_id;
  panel->waiting_slot = slot;
  panel->waiting_parts = parts;
  panel->waiting_us = at_us;
}

void beamrig_panel_latch_waiting(beamrig_panel *panel) {
  beamrig_message unsaid;
  beamrig_panel_latch(panel, panel->waiting_id, waiting_beam(panel), panel->waiting_parts, &unsaid);
}

void beamrig_panel_waiting_beam(const beamrig_panel *panel, beamrig_beam *beam) {
  memset(beam, 0, sizeof *beam);
  if (panel->waiting_id != 0) *beam = beam_at(panel, waiting_beam(panel), panel->waiting_parts);
}

void beamrig_panel_kept_beam(const beamrig_panel *panel, uint16_t position, beamrig_beam *beam) {
  memset(beam, 0, sizeof *beam);
  if (position >= panel->capabilities.beam_memory || panel->memory.stored[position] == STORED_NOTHING) return;
  *beam = beam_at(panel, beamrig_panel_stored_beam(panel, position), (uint8_t)(panel->memory.stored[position] & ~STORED_WORDS));
}

void beamrig_panel_forget_waiting(beamrig_panel *panel) {
  panel->waiting_id = 0;
}

/* ---- safe and faulty ---------------------------------------------------------------------------------------------------------- */

void beamrig_panel_enter_safe_state(beamrig_panel *panel) {
  if (panel->state == BEAMRIG_STATE_FAULT) return;
  beamrig_panel_forget_waiting(panel);
  panel->state = BEAMRIG_STATE_SAFE;
  if (panel->safe_state == BEAMRIG_SAFE_HOLD) return;
  if (panel->safe_state == BEAMRIG_SAFE_CODEWORD) {
    const uint8_t stored = panel->memory.stored[panel->safe_position];
    radiate(panel, 0, beamrig_panel_stored_beam(panel, panel->safe_position), (uint8_t)(stored & ~STORED_WORDS));
    return;
  }
  beamrig_panel_go_dark(panel);
}

void beamrig_panel_fault(beamrig_panel *panel, uint32_t code) {
  beamrig_panel_forget_waiting(panel);
  panel->state = BEAMRIG_STATE_FAULT;
  panel->fault_code = code;
  beamrig_panel_go_dark(panel);
}

void beamrig_panel_recover(beamrig_panel *panel) {
  if (panel->state == BEAMRIG_STATE_FAULT) panel->state = BEAMRIG_STATE_IDLE;
}

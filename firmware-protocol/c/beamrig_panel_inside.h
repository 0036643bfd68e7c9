/* What the files of the panel share, and nobody else includes. */
#ifndef BEAMRIG_PANEL_INSIDE_H
#define BEAMRIG_PANEL_INSIDE_H

#include "beamrig_panel.h"

/* What stands at a position of beam memory. */
enum { STORED_NOTHING = 0, STORED_WORDS = 0x80 }; /* the latter with what the beam came with, BEAMRIG_WITH_... */

/* ---- beamrig_requests.c ---- */

/* A request on its way, and where its reply will stand, so that an array is written once, in place. */
typedef struct {
  const beamrig_message *request;
  uint64_t received_us;
  uint64_t now_us; /* when what was due had been done: a commit whose time comes after it is not late */
  uint8_t *frame;
  size_t capacity;
} beamrig_errand;

/* Carries out a sound request. */
void beamrig_panel_carry_out(beamrig_panel *panel, const beamrig_errand *errand, beamrig_message *reply);

/* ---- beamrig_staging.c ---- */

void beamrig_panel_set_phases(beamrig_panel *panel, const beamrig_phases *request, beamrig_message *reply);
void beamrig_panel_set_digital(beamrig_panel *panel, const beamrig_digital *request, beamrig_message *reply);
void beamrig_panel_set_enables(beamrig_panel *panel, const beamrig_phases *request, beamrig_message *reply);
void beamrig_panel_set_gains(beamrig_panel *panel, const beamrig_phases *request, beamrig_message *reply);
void beamrig_panel_patch_phases(beamrig_panel *panel, const beamrig_patch *request, beamrig_message *reply);

/* Answers `no-such-slot` when there is none. */
bool beamrig_panel_no_such_slot(const beamrig_panel *panel, uint8_t slot, beamrig_message *reply);

/* Answers `not-staged` unless the slot holds this beam, and all of it. */
bool beamrig_panel_not_staged(const beamrig_panel *panel, uint8_t slot, uint32_t beam_id, beamrig_message *reply);

/* What the beam of a slot came with, BEAMRIG_WITH_... */
uint8_t beamrig_panel_parts_of_slot(const beamrig_panel *panel, uint8_t slot);

/* Slots that it has: a board with receivers only says that it has one, and has none. */
static inline uint8_t beamrig_panel_slots(const beamrig_panel *panel) {
  return panel->capabilities.role == BEAMRIG_ROLE_USER ? 0 : panel->capabilities.staging_slots;
}

/* Bytes of coverage that a slot takes. */
size_t beamrig_panel_coverage_bytes(const beamrig_panel *panel);

void beamrig_panel_empty_slot(beamrig_panel *panel, uint8_t slot, uint32_t beam_id);

/* ---- beamrig_beams.c ---- */

/* A beam's place in the memory: slots first, then positions, then the one that is radiated, then the one that waits for its time. */
size_t beamrig_panel_stored_beam(const beamrig_panel *panel, uint16_t position);
size_t beamrig_panel_radiated_beam(const beamrig_panel *panel);
uint16_t *beamrig_panel_words_of(const beamrig_panel *panel, size_t beam);
float *beamrig_panel_weights_of(const beamrig_panel *panel, size_t beam);
uint8_t *beamrig_panel_enables_of(const beamrig_panel *panel, size_t beam);
uint16_t *beamrig_panel_gains_of(const beamrig_panel *panel, size_t beam);
void beamrig_panel_copy_beam(const beamrig_panel *panel, size_t to, size_t from, uint8_t parts);

/* Radiates a beam under a new id and answers `committed`, or `fault` when the hardware refused. */
/* A commit or select-beam of this beam is answered `fault`. */
void beamrig_panel_spend(beamrig_panel *panel, uint32_t beam_id, beamrig_message *reply);
void beamrig_panel_latch(beamrig_panel *panel, uint32_t beam_id, size_t from, uint8_t parts, beamrig_message *reply);
void beamrig_panel_say_committed(const beamrig_panel *panel, beamrig_message *reply);

/* Lets the beam of a slot, as it is now, wait for its time; and latches it. */
void beamrig_panel_wait(beamrig_panel *panel, uint32_t beam_id, uint8_t slot, uint8_t parts, uint64_t at_us);
void beamrig_panel_latch_waiting(beamrig_panel *panel);
void beamrig_panel_forget_waiting(beamrig_panel *panel);

void beamrig_panel_enter_safe_state(beamrig_panel *panel);
void beamrig_panel_go_dark(beamrig_panel *panel);

/* ---- beamrig_guard.c ---- */

/* What section 7 says to a frame that is sound. */
typedef enum {
  BEAMRIG_ADMITTED,
  BEAMRIG_NOT_AUTHENTICATED,
  BEAMRIG_REPLAYED,
  BEAMRIG_NOT_STORED,  /* its counter cannot be accepted yet */
  BEAMRIG_UNANSWERABLE /* there is no counter for the reply */
} beamrig_admission;

beamrig_admission beamrig_guard_admit(beamrig_panel *panel, const uint8_t *frame, size_t length);

/* Authenticates a reply in place under the next counter, for which beamrig_guard_admit has made room. */
size_t beamrig_guard_seal(beamrig_panel *panel, uint8_t *frame, size_t length, size_t capacity);

/* ---- of all ---- */

static inline bool beamrig_panel_has(const beamrig_panel *panel, uint32_t feature) {
  return (panel->capabilities.features & feature) == feature;
}

static inline uint64_t beamrig_panel_now_us(const beamrig_panel *panel) {
  return panel->hardware.time_us(panel->hardware.context);
}

/* Ids up to this one are stale. */
static inline uint32_t beamrig_panel_newest(const beamrig_panel *panel) {
  if (panel->session_over) return BEAMRIG_SESSION_OVER;
  return panel->newest > panel->spent ? panel->newest : panel->spent;
}

static inline void beamrig_panel_nack(beamrig_message *reply, beamrig_nack_code code, uint32_t detail) {
  reply->type = BEAMRIG_NACK;
  reply->as.nack.code = (uint8_t)code;
  reply->as.nack.detail = detail;
}

static inline void beamrig_panel_ack(beamrig_message *reply) {
  reply->type = BEAMRIG_ACK;
}

#endif

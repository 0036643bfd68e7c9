/* What beamrig_panel.c and beamrig_requests.c share, and nobody else includes. */
#ifndef BEAMRIG_PANEL_INSIDE_H
#define BEAMRIG_PANEL_INSIDE_H

#include "beamrig_panel.h"

/* What stands at a position of beam memory. */
enum { STORED_NOTHING = 0, STORED_WORDS = 1, STORED_WORDS_AND_WEIGHTS = 2 };

/* Carries out a sound request. `frame` is where the reply will stand, so that its array is written once, in place. */
void beamrig_panel_carry_out(beamrig_panel *panel, const beamrig_message *request, uint8_t *frame, size_t capacity,
                             beamrig_message *reply);

void beamrig_panel_enter_safe_state(beamrig_panel *panel);
void beamrig_panel_go_dark(beamrig_panel *panel);
void beamrig_panel_empty_slot(beamrig_panel *panel, uint8_t slot, uint32_t beam_id);
void beamrig_panel_nack(beamrig_message *reply, beamrig_nack_code code, uint32_t detail);
uint64_t beamrig_panel_now_us(const beamrig_panel *panel);

#endif

/*
 * The array of this board: chips, baseband and amplifiers behind the bench bus. What it radiates changes as a whole or not at all, and
 * nothing counts as done that the bench has not confirmed.
 *
 * Each function begins anew on the bench, so that what went wrong before spoils nothing.
 */
#ifndef ARRAY_H
#define ARRAY_H

#include <stdbool.h>
#include <stdint.h>

#include "chip.h"

/* Fault codes of this board. */
enum { ARRAY_BENCH_SILENT = 1, ARRAY_CHIP_SILENT = 2 };

#define ARRAY_NO_POSITION 0xffffu
/* What the bench may take for an answer when a beam depends on it. */
#define ARRAY_PATIENCE_US 1000000u

/* Before all else: N*M places, M chains, K users. False when the chips' select lines do not reach so many places. */
bool array_init(uint16_t places, uint16_t chains, uint16_t users);

/* Resets the chips, gives each a mark of its own, and looks whether all have kept it: dark, and 0, or a fault code. */
uint32_t array_start(uint32_t patience_us);

/*
 * Radiates a beam; `weights` NULL: chain k carries stream k. `position` is where array_store has put this beam, or ARRAY_NO_POSITION. 0, or
 * a fault code: then it is not known what is radiated, but it is the beam before or this one, and no mixture of both.
 */
uint32_t array_show(const chip_beam *beam, const float *weights, uint16_t position);

/* All off. False when the bench has not confirmed it: then the array may still radiate. */
bool array_mute(uint32_t patience_us);

/*
 * Writes a beam that waits for its time to the chips, so that array_show has only the load left to do. What is radiated stays. Nothing
 * happens with chips that show what they are told word by word.
 */
void array_stage_ahead(uint32_t beam_id, const chip_beam *beam, const float *weights);

/* The beam that stands ready so; 0 when none does, because something else was written since. */
uint32_t array_ahead(void);
void array_forget_ahead(void);

/* Puts a beam in the chips' RAM too, where they have one, so that showing it takes a few words instead of hundreds. */
void array_store(uint16_t position, const chip_beam *beam);

/* Whether two beams are one, enables and gains included. */
bool array_same_beam(const chip_beam *a, const chip_beam *b);

/* Whether the chips of the next line are those that were started: 0, or a fault code. */
uint32_t array_check(uint32_t patience_us);

#endif

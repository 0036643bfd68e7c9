/*
 * An array of PE44820 phase shifters (pSemi, 1 channel, 8-bit phase) in their serial-addressable mode. Sixteen share a select line, which is
 * their LE pin: low while a word goes out, and the chip whose address pins are in the word shows it when the line rises.
 *
 * A word is 13 bits, clocked in as D0 ... D7, OPT, A0 ... A3: the lowest bit of the phase comes first. OPT is the same as the 90 degree bit, D6.
 *
 * They have no gain and cannot be off one by one. There is no staged beam in these chips, nothing can be read from them, and none of them can be silent: no load, no marks, no mute.
 */
#include "chip.h"

#define PE44820_CHIPS_PER_LINE 16u
#define DEGREES_90 0x40u

/* The lowest of so many bits first. */
static uint16_t reversed(uint16_t value, uint8_t bits) {
  uint16_t turned = 0;
  for (uint8_t bit = 0; bit < bits; bit++) turned = (uint16_t)((unsigned)turned << 1 | ((unsigned)value >> bit & 1u));
  return turned;
}

static void stage(const chip_array *array, const chip_beam *beam) {
  for (uint16_t place = 0; place < array->places; place++) {
    const chip_place at = chip_place_of(place);
    const uint16_t state = (uint16_t)(beam->words[place] & 255u);
    const uint16_t opt = (state & DEGREES_90) != 0;
    const uint16_t bits = (uint16_t)((unsigned)reversed(state, 8) << 5 | (unsigned)opt << 4 | reversed(at.address, 4));
    /* What is clocked in before the 13 bits falls out of the shift register. */
    const uint8_t word[CHIP_WORD_BYTES] = {0, (uint8_t)(bits >> 8), (uint8_t)(bits & 0xffu)};
    array->bus.write(array->bus.context, at.line, word);
  }
}

const chip_driver chip = {
    .name = "pe44820",
    .phase_bits = 8,
    .channels = 1,
    .per_line = PE44820_CHIPS_PER_LINE,
    .stage = stage,
};

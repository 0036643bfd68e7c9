/*
 * What a chip's driver does, as text: "chip name bits channels per_line positions gain_bits enables", then the words of one call of each function that it has
 * as "function lines word", for an array of argv[1] places with a beam whose words rise by argv[2] from place to place. Memory is tried at its
 * last position, marks with chip 1 of its line. At last, with what chips have of enables and gains, "stage-set" and "load-set" are the same beam
 * with every third place off and gains that rise from place to place, and "fetch-set" is that beam out of the memory.
 */
#include <stdio.h>
#include <stdlib.h>

#include "chip.h"

#define MOST_PLACES 2048u

static const char *doing;

static void write_word(void *context, uint32_t lines, const uint8_t word[CHIP_WORD_BYTES]) {
  (void)context;
  printf("%s %x %02x%02x%02x\n", doing, (unsigned)lines, word[0], word[1], word[2]);
}

int main(int count, char **arguments) {
  static uint16_t words[MOST_PLACES];
  static uint16_t gains[MOST_PLACES];
  static uint8_t enables[MOST_PLACES];
  uint8_t word[CHIP_WORD_BYTES];
  if (count != 3) return 2;
  const uint16_t places = (uint16_t)atoi(arguments[1]);
  const unsigned step = (unsigned)atoi(arguments[2]);
  const chip_array array = {{NULL, write_word}, places};
  if (places == 0 || places > MOST_PLACES || chip_lines(&array) > CHIP_MOST_LINES) return 2;
  for (unsigned place = 0; place < places; place++) words[place] = (uint16_t)((step * place) % (1u << chip.phase_bits));

  const chip_beam beam = {words, NULL, NULL};
  const chip_beam set = {words, chip.enables ? enables : NULL, chip.gain_bits > 0 ? gains : NULL};
  for (unsigned place = 0; place < places; place++) {
    enables[place] = place % 3u != 0;
    gains[place] = (uint16_t)(place % (1u << chip.gain_bits));
  }

  printf("chip %s %u %u %u %u %u %u\n", chip.name, chip.phase_bits, chip.channels, chip.per_line, chip.beam_positions, chip.gain_bits,
         chip.enables);
  doing = "start";
  if (chip.start != NULL) chip.start(&array);
  doing = "stage";
  chip.stage(&array, &beam);
  doing = "load";
  if (chip.load != NULL) chip.load(&array);
  doing = "mute";
  if (chip.mute != NULL) chip.mute(&array);
  if (chip.beam_positions > 0) {
    const uint8_t position = (uint8_t)(chip.beam_positions - 1u);
    doing = "store";
    chip.store(&array, position, &beam);
    doing = "fetch";
    chip.fetch(&array, position, &beam);
  }
  doing = "mark";
  if (chip.write_mark != NULL) {
    chip.write_mark(1, 0x5a, word);
    write_word(NULL, 1, word);
    chip.read_mark(1, word);
    write_word(NULL, 1, word);
  }
  if (chip.enables || chip.gain_bits > 0) {
    const uint8_t position = (uint8_t)(chip.beam_positions - 1u);
    doing = "ignored";
    chip.stage(&array, &beam);
    chip.load(&array);
    doing = "stage-set";
    chip.stage(&array, &set);
    doing = "load-set";
    chip.load(&array);
    doing = "stage-again";
    chip.stage(&array, &beam);
    doing = "load-again";
    chip.load(&array);
    if (chip.beam_positions > 0) {
      doing = "fetch-set";
      chip.store(&array, position, &set);
      chip.fetch(&array, position, &set);
      chip.load(&array);
    }
  }
  return 0;
}

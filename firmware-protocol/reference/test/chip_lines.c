/*
 * What a chip's driver does, as text: "chip name bits channels per_line positions", then the words of one call of each function that it has
 * as "function lines word", for an array of argv[1] places with a beam whose words rise by argv[2] from place to place. Memory is tried at its
 * last position, marks with chip 1 of its line.
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
  uint8_t word[CHIP_WORD_BYTES];
  if (count != 3) return 2;
  const uint16_t places = (uint16_t)atoi(arguments[1]);
  const unsigned step = (unsigned)atoi(arguments[2]);
  const chip_array array = {{NULL, write_word}, places};
  if (places == 0 || places > MOST_PLACES || chip_lines(&array) > CHIP_MOST_LINES) return 2;
  for (unsigned place = 0; place < places; place++) words[place] = (uint16_t)((step * place) % (1u << chip.phase_bits));

  printf("chip %s %u %u %u %u\n", chip.name, chip.phase_bits, chip.channels, chip.per_line, chip.beam_positions);
  doing = "start";
  if (chip.start != NULL) chip.start(&array);
  doing = "stage";
  chip.stage(&array, words);
  doing = "load";
  if (chip.load != NULL) chip.load(&array);
  doing = "mute";
  if (chip.mute != NULL) chip.mute(&array);
  if (chip.beam_positions > 0) {
    const uint8_t position = (uint8_t)(chip.beam_positions - 1u);
    doing = "store";
    chip.store(&array, position, words);
    doing = "fetch";
    chip.fetch(&array, position);
  }
  doing = "mark";
  if (chip.write_mark != NULL) {
    chip.write_mark(1, 0x5a, word);
    write_word(NULL, 1, word);
    chip.read_mark(1, word);
    write_word(NULL, 1, word);
  }
  return 0;
}

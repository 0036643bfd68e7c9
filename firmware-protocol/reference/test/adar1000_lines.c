/*
 * What the driver knows and does, as text: the table of the vector modulator, a line a phase, then the SPI words of one call of each
 * function for 24 places with the words 0, 5, 10, ..., as "name lines word".
 */
#include <stdio.h>

#include "../adar1000.h"

#define PLACES 24

static const char *doing;

static void write_word(void *context, uint32_t lines, const uint8_t word[ADAR1000_WORD_BYTES]) {
  (void)context;
  printf("%s %x %02x%02x%02x\n", doing, (unsigned)lines, word[0], word[1], word[2]);
}

int main(void) {
  const adar1000_array array = {{NULL, write_word}, PLACES};
  uint16_t words[PLACES];
  uint8_t word[ADAR1000_WORD_BYTES];
  for (int phase = 0; phase < 128; phase++) printf("phase %d %d %d\n", phase, adar1000_phases[phase].i, adar1000_phases[phase].q);
  for (int place = 0; place < PLACES; place++) words[place] = (uint16_t)(5 * place);
  const adar1000_array largest = {{NULL, write_word}, 512};
  doing = "largest";
  adar1000_load(&largest);
  doing = "start";
  adar1000_start(&array);
  doing = "stage";
  adar1000_stage(&array, words);
  doing = "load";
  adar1000_load(&array);
  doing = "mute";
  adar1000_mute(&array);
  doing = "store";
  adar1000_store(&array, 120, words);
  doing = "fetch";
  adar1000_fetch(&array, 120);
  doing = "scratch";
  adar1000_scratch_write(3, 0x5a, word);
  write_word(NULL, 2, word);
  adar1000_scratch_read(3, word);
  write_word(NULL, 2, word);
  return 0;
}

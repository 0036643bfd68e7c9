#include "array.h"

#include <string.h>

#include "adar1000.h"
#include "bench_bus.h"
#include "firmware.h"

#if FIRMWARE_PLACES > 512u
#error "32 select lines reach 512 places"
#endif
#if FIRMWARE_WEIGHTS > 127u
#error "a frame of the bench bus has room for 127 weights"
#endif

#define SCRATCH_PATTERN 0xa0u

static adar1000_array array;
static uint16_t chains;
static uint16_t users;

/* Positions of beam memory that the chips' RAM holds too. */
static bool in_ram[FIRMWARE_POSITIONS];

/* The beam that waits for its time, as it stands in the chips' shadow registers. 0 = none does. */
static uint32_t ahead_id;
static uint16_t ahead_words[FIRMWARE_PLACES];
static float ahead_weights[2u * FIRMWARE_WEIGHTS];
static bool ahead_with_weights;

static void write_spi(void *context, uint32_t lines, const uint8_t word[ADAR1000_WORD_BYTES]) {
  (void)context;
  bench_spi(lines, word);
}

void array_init(uint16_t places, uint16_t rf_chains, uint16_t streams) {
  array.bus.write = write_spi;
  array.places = places;
  chains = rf_chains;
  users = streams;
}

/* ---- beams ---------------------------------------------------------------------------------------------------------------------- */

static bool stands_ahead(const uint16_t *words, const float *weights) {
  return ahead_id != 0 && ahead_with_weights == (weights != NULL) && memcmp(words, ahead_words, array.places * sizeof *words) == 0 &&
         (weights == NULL || memcmp(weights, ahead_weights, 2u * (size_t)chains * users * sizeof *weights) == 0);
}

uint32_t array_show(const uint16_t *words, const float *weights, uint16_t position) {
  const bool ahead = stands_ahead(words, weights);
  ahead_id = 0;
  bench_start(ARRAY_PATIENCE_US);
  if (!ahead) {
    if (position < FIRMWARE_POSITIONS && in_ram[position]) {
      adar1000_fetch(&array, (uint8_t)position);
    } else {
      adar1000_stage(&array, words);
    }
    bench_weights(weights, chains, users);
    /* A load that overtakes what got lost would radiate half a beam: one more round trip, and nothing is loaded that is not all there. */
    if (!bench_finish(0)) return ARRAY_BENCH_SILENT;
  }
  /* Phases and weights switch in one moment. */
  adar1000_load(&array);
  return bench_finish(BENCH_LOAD_WEIGHTS | BENCH_AMPLIFIERS_ON) ? 0 : ARRAY_BENCH_SILENT;
}

bool array_mute(uint32_t patience_us) {
  ahead_id = 0;
  bench_start(patience_us);
  adar1000_mute(&array);
  return bench_finish(BENCH_AMPLIFIERS_OFF);
}

void array_stage_ahead(uint32_t beam_id, const uint16_t *words, const float *weights) {
  ahead_id = 0;
  ahead_with_weights = weights != NULL;
  memcpy(ahead_words, words, array.places * sizeof *words);
  if (weights != NULL) memcpy(ahead_weights, weights, 2u * (size_t)chains * users * sizeof *weights);
  bench_start(ARRAY_PATIENCE_US);
  adar1000_stage(&array, words);
  bench_weights(weights, chains, users);
  if (bench_finish(0)) ahead_id = beam_id;
}

uint32_t array_ahead(void) {
  return ahead_id;
}

void array_forget_ahead(void) {
  ahead_id = 0;
}

void array_store(uint16_t position, const uint16_t *words) {
  if (position >= FIRMWARE_POSITIONS || position >= ADAR1000_BEAM_POSITIONS) return;
  bench_start(ARRAY_PATIENCE_US);
  adar1000_store(&array, (uint8_t)position, words);
  in_ram[position] = bench_finish(0);
}

/* ---- start, and whether all chips are still there --------------------------------------------------------------------------------- */

static uint16_t chip_count(void) {
  return (uint16_t)((array.places + ADAR1000_CHANNELS - 1u) / ADAR1000_CHANNELS);
}

/* What the scratch pad of a chip keeps as long as the chip has supply. */
static uint8_t mark_of(uint16_t chip) {
  return (uint8_t)(SCRATCH_PATTERN ^ chip);
}

static uint32_t check_line(uint8_t number) {
  uint8_t words[ADAR1000_CHIPS_PER_LINE * ADAR1000_WORD_BYTES];
  uint8_t kept[ADAR1000_CHIPS_PER_LINE];
  const uint16_t first = (uint16_t)(number * ADAR1000_CHIPS_PER_LINE);
  uint16_t count = 0;
  for (; count < ADAR1000_CHIPS_PER_LINE && first + count < chip_count(); count++) {
    adar1000_scratch_read((uint8_t)count, words + count * ADAR1000_WORD_BYTES);
  }
  if (!bench_read_spi((uint32_t)1u << number, words, count, kept)) return ARRAY_BENCH_SILENT;
  for (uint16_t i = 0; i < count; i++) {
    if (kept[i] != mark_of((uint16_t)(first + i))) return ARRAY_CHIP_SILENT;
  }
  return 0;
}

uint32_t array_start(uint32_t patience_us) {
  uint8_t word[ADAR1000_WORD_BYTES];
  /* What the chips held before, in RAM and in registers, is not known any more. */
  memset(in_ram, 0, sizeof in_ram);
  ahead_id = 0;
  bench_start(patience_us);
  adar1000_start(&array);
  for (uint16_t chip = 0; chip < chip_count(); chip++) {
    adar1000_scratch_write((uint8_t)(chip % ADAR1000_CHIPS_PER_LINE), mark_of(chip), word);
    bench_spi((uint32_t)1u << (chip / ADAR1000_CHIPS_PER_LINE), word);
  }
  if (!bench_finish(BENCH_AMPLIFIERS_OFF)) return ARRAY_BENCH_SILENT;
  for (uint8_t number = 0; number < adar1000_lines(&array); number++) {
    const uint32_t fault = check_line(number);
    if (fault != 0) return fault;
  }
  return 0;
}

uint32_t array_check(uint32_t patience_us) {
  static uint8_t next_line;
  next_line = (uint8_t)((next_line + 1u) % adar1000_lines(&array));
  bench_start(patience_us);
  return check_line(next_line);
}

#include "array.h"

#include <string.h>

#include "bench_bus.h"
#include "firmware.h"

#if FIRMWARE_WEIGHTS > 127u
#error "a frame of the bench bus has room for 127 weights"
#endif

#define MARK_PATTERN 0xa0u

static chip_array array;
static uint16_t chains;
static uint16_t users;

/* Positions of beam memory that the chips' RAM holds too. */
static bool in_ram[FIRMWARE_POSITIONS];

/* The beam that waits for its time, as it stands in the chips' shadow registers. 0 = none does. */
static uint32_t ahead_id;
static chip_beam ahead;
static const float *ahead_d;
static uint16_t ahead_words[FIRMWARE_PLACES];
static uint8_t ahead_enables[FIRMWARE_PLACES];
static uint16_t ahead_gains[FIRMWARE_PLACES];
static float ahead_weights[2u * FIRMWARE_WEIGHTS];

static void write_spi(void *context, uint32_t lines, const uint8_t word[CHIP_WORD_BYTES]) {
  (void)context;
  bench_spi(lines, word);
}

bool array_init(uint16_t places, uint16_t rf_chains, uint16_t streams) {
  array.bus.write = write_spi;
  array.places = places;
  chains = rf_chains;
  users = streams;
  return chip_lines(&array) <= CHIP_MOST_LINES;
}

/* ---- beams ---------------------------------------------------------------------------------------------------------------------- */

/* A part that a beam came without is NULL. */
static bool same(const void *a, const void *b, size_t bytes) {
  return a == NULL || b == NULL ? a == b : memcmp(a, b, bytes) == 0;
}

static size_t weight_bytes(void) {
  return 2u * (size_t)chains * users * sizeof(float);
}

static bool stands_ahead(const chip_beam *beam, const float *weights) {
  return ahead_id != 0 && array_same_beam(beam, &ahead) && same(weights, ahead_d, weight_bytes());
}

bool array_same_beam(const chip_beam *a, const chip_beam *b) {
  return same(a->words, b->words, array.places * sizeof *a->words) && same(a->enables, b->enables, array.places) &&
         same(a->gains, b->gains, array.places * sizeof *a->gains);
}

uint32_t array_show(const chip_beam *beam, const float *weights, uint16_t position) {
  const bool ready = stands_ahead(beam, weights);
  ahead_id = 0;
  bench_start(ARRAY_PATIENCE_US);
  /* Chips that show what they are told word by word would radiate a mixture of two beams: dark until all of them have the new one. */
  if (chip.load == NULL && !bench_finish(BENCH_AMPLIFIERS_OFF)) return ARRAY_BENCH_SILENT;
  if (!ready) {
    if (position < FIRMWARE_POSITIONS && in_ram[position]) {
      chip.fetch(&array, (uint8_t)position, beam);
    } else {
      chip.stage(&array, beam);
    }
    bench_weights(weights, chains, users);
    /* A load that overtakes what got lost would radiate half a beam: one more round trip, and nothing is loaded that is not all there. */
    if (!bench_finish(0)) return ARRAY_BENCH_SILENT;
  }
  /* Phases and weights switch in one moment. */
  if (chip.load != NULL) chip.load(&array);
  return bench_finish(BENCH_LOAD_WEIGHTS | BENCH_AMPLIFIERS_ON) ? 0 : ARRAY_BENCH_SILENT;
}

bool array_mute(uint32_t patience_us) {
  ahead_id = 0;
  bench_start(patience_us);
  if (chip.mute != NULL) chip.mute(&array);
  return bench_finish(BENCH_AMPLIFIERS_OFF);
}

/* A copy of a part, or NULL where the beam came without. */
static const void *copied(void *to, const void *from, size_t bytes) {
  return from == NULL ? NULL : memcpy(to, from, bytes);
}

void array_stage_ahead(uint32_t beam_id, const chip_beam *beam, const float *weights) {
  ahead_id = 0;
  if (chip.load == NULL) return;
  ahead.words = copied(ahead_words, beam->words, array.places * sizeof *ahead_words);
  ahead.enables = copied(ahead_enables, beam->enables, array.places);
  ahead.gains = copied(ahead_gains, beam->gains, array.places * sizeof *ahead_gains);
  ahead_d = copied(ahead_weights, weights, weight_bytes());
  bench_start(ARRAY_PATIENCE_US);
  chip.stage(&array, beam);
  bench_weights(weights, chains, users);
  if (bench_finish(0)) ahead_id = beam_id;
}

uint32_t array_ahead(void) {
  return ahead_id;
}

void array_forget_ahead(void) {
  ahead_id = 0;
}

void array_store(uint16_t position, const chip_beam *beam) {
  if (position >= FIRMWARE_POSITIONS || position >= chip.beam_positions) return;
  bench_start(ARRAY_PATIENCE_US);
  chip.store(&array, (uint8_t)position, beam);
  in_ram[position] = bench_finish(0);
}

/* ---- start, and whether all chips are still there --------------------------------------------------------------------------------- */

/* What a chip keeps as long as it has supply. */
static uint8_t mark_of(uint16_t number) {
  return (uint8_t)(MARK_PATTERN ^ number);
}

static uint32_t check_line(uint8_t number) {
  uint8_t words[CHIP_MOST_PER_LINE * CHIP_WORD_BYTES];
  uint8_t kept[CHIP_MOST_PER_LINE];
  const uint16_t first = (uint16_t)(number * chip.per_line);
  uint16_t count = 0;
  /* Of chips that nothing can be read from only the bench can be asked. */
  if (chip.read_mark == NULL) return bench_finish(0) ? 0 : ARRAY_BENCH_SILENT;
  for (; count < chip.per_line && first + count < chip_count(&array); count++) {
    chip.read_mark((uint8_t)count, words + count * CHIP_WORD_BYTES);
  }
  if (!bench_read_spi((uint32_t)1u << number, words, count, kept)) return ARRAY_BENCH_SILENT;
  for (uint16_t i = 0; i < count; i++) {
    if (kept[i] != mark_of((uint16_t)(first + i))) return ARRAY_CHIP_SILENT;
  }
  return 0;
}

static void mark_all(void) {
  uint8_t word[CHIP_WORD_BYTES];
  for (uint16_t number = 0; number < chip_count(&array); number++) {
    chip.write_mark((uint8_t)(number % chip.per_line), mark_of(number), word);
    bench_spi((uint32_t)1u << (number / chip.per_line), word);
  }
}

uint32_t array_start(uint32_t patience_us) {
  /* What the chips held before, in RAM and in registers, is not known any more. */
  memset(in_ram, 0, sizeof in_ram);
  ahead_id = 0;
  bench_start(patience_us);
  if (chip.start != NULL) chip.start(&array);
  if (chip.write_mark != NULL) mark_all();
  if (!bench_finish(BENCH_AMPLIFIERS_OFF)) return ARRAY_BENCH_SILENT;
  for (uint8_t number = 0; number < chip_lines(&array); number++) {
    const uint32_t fault = check_line(number);
    if (fault != 0) return fault;
  }
  return 0;
}

uint32_t array_check(uint32_t patience_us) {
  static uint8_t next_line;
  next_line = (uint8_t)((next_line + 1u) % chip_lines(&array));
  bench_start(patience_us);
  return check_line(next_line);
}

/*
 * What the array asks of its chips. Each kind of chip fills this in a file of its own, chips/NAME/NAME.c: which words go out on the bus, and
 * nothing of how. The build takes one of them (build.ts --chip NAME). The transmit half only.
 *
 *     place n*M + m  ->  chip place / channels, channel place % channels
 *     chip c         ->  select line c / per_line, address pins c % per_line
 *
 * A word is three bytes, most significant bit first; the chips of its lines have their select pin low during it. A line may be high again,
 * for chips that latch by it, before the next word.
 */
#ifndef CHIP_H
#define CHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHIP_WORD_BYTES 3u
#define CHIP_MOST_LINES 32u
#define CHIP_MOST_PER_LINE 16u

typedef struct {
  void *context;
  /* Clocks one word out with these select lines low together (bit l = line l). */
  void (*write)(void *context, uint32_t lines, const uint8_t word[CHIP_WORD_BYTES]);
} chip_bus;

/* At most CHIP_MOST_LINES lines. A last line, and a last chip, that is not full has less on it. */
typedef struct {
  chip_bus bus;
  uint16_t places;
} chip_array;

/* A beam, one entry a place. */
typedef struct {
  const uint16_t *words;
  const uint8_t *enables; /* 0 = that place radiates nothing; NULL: all are on */
  const uint16_t *gains;  /* NULL: all at full gain */
} chip_beam;

typedef struct {
  /* As its folder is called: at most 16 letters. */
  const char *name;
  uint8_t phase_bits;
  uint8_t channels;
  /* Bits of a gain word; 0: a chip that cannot set a gain, and is given none. */
  uint8_t gain_bits;
  /* Whether single channels can be off. False: it is given no enables. */
  bool enables;
  /* Chips on a select line: at most CHIP_MOST_PER_LINE. */
  uint8_t per_line;
  /* Beams that a chip's memory holds; 0 = it has none, and neither `store` nor `fetch`. */
  uint8_t beam_positions;

  /* Resets all chips and sets them up; they are dark afterwards. NULL: there is nothing to set up. */
  void (*start)(const chip_array *array);

  /*
   * Writes a whole beam, and all that a chip needs to show it, so that one which has lost its supply meanwhile is
   * right again with the next beam. What is radiated stays until `load`.
   */
  void (*stage)(const chip_array *array, const chip_beam *beam);

  /*
   * What was staged is radiated from now on, in all chips at once. NULL: a chip that shows what it is told word by word. Then the array is
   * made dark before anything is staged, because half a beam must not be radiated, and no beam can be staged ahead of its time.
   */
  void (*load)(const chip_array *array);

  /* All channels off, at once. NULL: a chip that cannot; the amplifiers' supply is then all that makes the array dark. */
  void (*mute)(const chip_array *array);

  /*
   * Writes a beam to a position of the chips' memory, and makes the beam of one, which is `beam`, what the next `load` radiates. What is radiated
   * stays.
   */
  void (*store)(const chip_array *array, uint8_t position, const chip_beam *beam);
  void (*fetch)(const chip_array *array, uint8_t position, const chip_beam *beam);

  /*
   * The words that write a mark into the chips with this address and read it again, kept as long as a chip has supply. NULL: nothing can be
   * read from the chip, and nobody learns that one has lost its supply.
   */
  void (*write_mark)(uint8_t address, uint8_t mark, uint8_t word[CHIP_WORD_BYTES]);
  void (*read_mark)(uint8_t address, uint8_t word[CHIP_WORD_BYTES]);
} chip_driver;

/* The one that was built in. */
extern const chip_driver chip;

/* Chips and select lines of an array, and all of its lines low. */
uint16_t chip_count(const chip_array *array);
uint8_t chip_lines(const chip_array *array);
uint32_t chip_all_lines(const chip_array *array);

/* Where a place hangs. */
typedef struct {
  uint32_t line;
  uint8_t address;
  uint8_t channel;
} chip_place;
chip_place chip_place_of(uint16_t place);

#endif

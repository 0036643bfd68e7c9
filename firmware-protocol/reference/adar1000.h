/*
 * Driver of an array of ADAR1000 beamformers (Analog Devices, 4 channels each, 7-bit phase) on one SPI bus: which words go out, and nothing
 * of how. The transmit half only.
 *
 *     place n*M + m  ->  chip place / 4, channel place % 4         chip c  ->  select line c / 4, address pins c % 4
 *
 * A word is three bytes, most significant bit first: 0 = write, chip address (2 bits), RAM (1), register (12), data (8). Phases and gains
 * go to registers that nothing radiates until LD_WRK_REGS copies them into those that do: staged and loaded are two states in the chip too.
 */
#ifndef ADAR1000_H
#define ADAR1000_H

#include <stddef.h>
#include <stdint.h>

#define ADAR1000_PHASE_BITS 7
#define ADAR1000_CHANNELS 4u
#define ADAR1000_CHIPS_PER_LINE 4u
#define ADAR1000_PLACES_PER_LINE (ADAR1000_CHANNELS * ADAR1000_CHIPS_PER_LINE)
#define ADAR1000_WORD_BYTES 3u
/* Beams that a chip's RAM holds. */
#define ADAR1000_BEAM_POSITIONS 121u

/* Codes of the vector modulator: bit 5 is the sign (1 = positive), bits 4 ... 0 are the magnitude. */
typedef struct {
  uint8_t i;
  uint8_t q;
} adar1000_codes;

/* Codes of the 128 phases, 2.8125 degrees apart. */
extern const adar1000_codes adar1000_phases[128];

typedef struct {
  void *context;
  /* Clocks one word out with these select lines low together (bit l = line l). */
  void (*write)(void *context, uint32_t lines, const uint8_t word[ADAR1000_WORD_BYTES]);
} adar1000_bus;

/* At most 512 places: 32 select lines. A last line that is not full has fewer chips. */
typedef struct {
  adar1000_bus bus;
  uint16_t places;
} adar1000_array;

/* Select lines of the array, and all of them low. */
uint8_t adar1000_lines(const adar1000_array *array);
uint32_t adar1000_all_lines(const adar1000_array *array);

/* Resets all chips and sets them up; they are dark afterwards. */
void adar1000_start(const adar1000_array *array);

/*
 * Writes a whole beam, one word (0 ... 127) a place, and all that a chip needs to show it, so that one which has lost its supply
 * meanwhile is right again with the next beam. What is radiated stays until adar1000_load.
 */
void adar1000_stage(const adar1000_array *array, const uint16_t *words);

/* What was staged is radiated from now on. One word for each address, heard by the chips of all lines. */
void adar1000_load(const adar1000_array *array);

/* All channels off: the transmitters disabled, then gains to nothing, and loaded. */
void adar1000_mute(const adar1000_array *array);

/* Writes a beam to a position of the chips' RAM (below ADAR1000_BEAM_POSITIONS). What is radiated and what is staged stay. */
void adar1000_store(const adar1000_array *array, uint8_t position, const uint16_t *words);

/* The beam of a RAM position is what the next adar1000_load radiates. */
void adar1000_fetch(const adar1000_array *array, uint8_t position);

/* The word that reads the scratch pad of the chips with this address, and the one that writes it. */
void adar1000_scratch_read(uint8_t address, uint8_t word[ADAR1000_WORD_BYTES]);
void adar1000_scratch_write(uint8_t address, uint8_t value, uint8_t word[ADAR1000_WORD_BYTES]);

#endif

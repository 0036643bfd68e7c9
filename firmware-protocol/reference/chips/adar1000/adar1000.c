/*
 * An array of ADAR1000 beamformers (Analog Devices, 4 channels each, 7-bit phase), told apart on a line by two address pins.
 *
 * A word is: 0 = write, chip address (2 bits), RAM (1), register (12), data (8). Phases and gains go to registers that nothing radiates until
 * LD_WRK_REGS copies them into those that do: staged and loaded are two states in the chip too.
 *
 * Enables take effect at once. So an element that is off has no gain in its beam, which is loaded with all the rest, and its channel is switched
 * off right after the load; one that comes on is enabled while the beam before still gives it no gain.
 */
#include "chip.h"

#include <string.h>

#define ADAR1000_CHANNELS 4u
#define ADAR1000_CHIPS_PER_LINE 4u
#define ADAR1000_MOST_CHIPS (ADAR1000_CHIPS_PER_LINE * CHIP_MOST_LINES)

/* Registers, from the data sheet's memory map. */
enum {
  INTERFACE_CONFIG_A = 0x000,
  SCRATCH_PAD = 0x00a,
  CH1_TX_GAIN = 0x01c, /* one a channel */
  CH1_TX_I = 0x020,    /* I, Q of channel 1, I, Q of channel 2, ... */
  LD_WRK_REGS = 0x028,
  TX_ENABLES = 0x02f,
  MISC_ENABLES = 0x030,
  SW_CTRL = 0x031,
  BIAS_CURRENT_TX = 0x036,
  BIAS_CURRENT_TX_DRV = 0x037,
  MEM_CTRL = 0x038,
  TX_CHX_MEM = 0x03a,
  LDO_TRIM_CTL_0 = 0x400,
  LDO_TRIM_CTL_1 = 0x401
};

#define READ 0x8000u
#define TX_BEAM_RAM 0x1800u /* | position << 4 | channel * 4 + {gain, I, Q} */

#define SOFT_RESET 0x81u      /* bits 7 and 0: the register reads the same from both ends */
#define SDO_ACTIVE 0x18u      /* bits 4 and 3 */
#define LDTX_OVERRIDE 0x02u   /* bit 1 = transmit; bit 0 is receive */
#define ALL_TX_ENABLED 0x7fu  /* channels 1 to 4, driver, vector modulator, amplifier */
#define CH1_TX_ENABLED 0x40u   /* the next channels in the bits below */
#define BIAS_AS_MODE_SAYS 0x40u
#define TRANSMIT_BY_SPI 0x42u /* transmitter on, direction from the SPI bit: transmit */
#define BIAS_RAM_BYPASS 0x20u
#define BEAM_RAM_BYPASS 0x40u /* set: the beam comes from the registers; clear: from RAM */
#define RAM_FETCH 0x80u
#define FULL_GAIN 0xffu
#define ATTENUATOR_BYPASSED 0x80u /* the gain itself is in bits 6 to 0 */
#define GAIN_BITS 7u
#define NO_GAIN 0x00u
#define NOMINAL_TX_BIAS 0x2du
#define NOMINAL_TX_DRIVER_BIAS 0x06u
#define TRIM_LDO_0 0x55u
#define TRIM_LDO_1 0x02u

/* Codes of the vector modulator: bit 5 is the sign (1 = positive), bits 4 ... 0 are the magnitude. */
typedef struct {
  uint8_t i;
  uint8_t q;
} adar1000_codes;

/*
 * Settings of the data sheet (ADAR1000, tables 13 to 16 of revision A), 2.8125 degrees apart, which the Linux driver of the chip gives too.
 * Held to adar1000.json by the tests.
 */
static const adar1000_codes adar1000_phases[128] = {
    {0x3f, 0x20}, {0x3f, 0x21}, {0x3f, 0x23}, {0x3f, 0x24}, {0x3f, 0x26}, {0x3e, 0x27}, {0x3e, 0x28}, {0x3d, 0x2a},
    {0x3d, 0x2b}, {0x3c, 0x2d}, {0x3c, 0x2e}, {0x3b, 0x2f}, {0x3a, 0x30}, {0x39, 0x31}, {0x38, 0x33}, {0x37, 0x34},
    {0x36, 0x35}, {0x35, 0x36}, {0x34, 0x37}, {0x33, 0x38}, {0x32, 0x38}, {0x30, 0x39}, {0x2f, 0x3a}, {0x2e, 0x3a},
    {0x2c, 0x3b}, {0x2b, 0x3c}, {0x2a, 0x3c}, {0x28, 0x3c}, {0x27, 0x3d}, {0x25, 0x3d}, {0x24, 0x3d}, {0x22, 0x3d},
    {0x21, 0x3d}, {0x01, 0x3d}, {0x03, 0x3d}, {0x04, 0x3d}, {0x06, 0x3d}, {0x07, 0x3c}, {0x08, 0x3c}, {0x0a, 0x3c},
    {0x0b, 0x3b}, {0x0d, 0x3a}, {0x0e, 0x3a}, {0x0f, 0x39}, {0x11, 0x38}, {0x12, 0x38}, {0x13, 0x37}, {0x14, 0x36},
    {0x16, 0x35}, {0x17, 0x34}, {0x18, 0x33}, {0x19, 0x31}, {0x19, 0x30}, {0x1a, 0x2f}, {0x1b, 0x2e}, {0x1c, 0x2d},
    {0x1c, 0x2b}, {0x1d, 0x2a}, {0x1e, 0x28}, {0x1e, 0x27}, {0x1e, 0x26}, {0x1f, 0x24}, {0x1f, 0x23}, {0x1f, 0x21},
    {0x1f, 0x20}, {0x1f, 0x01}, {0x1f, 0x03}, {0x1f, 0x04}, {0x1f, 0x06}, {0x1e, 0x07}, {0x1e, 0x08}, {0x1d, 0x0a},
    {0x1d, 0x0b}, {0x1c, 0x0d}, {0x1c, 0x0e}, {0x1b, 0x0f}, {0x1a, 0x10}, {0x19, 0x11}, {0x18, 0x13}, {0x17, 0x14},
    {0x16, 0x15}, {0x15, 0x16}, {0x14, 0x17}, {0x13, 0x18}, {0x12, 0x18}, {0x10, 0x19}, {0x0f, 0x1a}, {0x0e, 0x1a},
    {0x0c, 0x1b}, {0x0b, 0x1c}, {0x0a, 0x1c}, {0x08, 0x1c}, {0x07, 0x1d}, {0x05, 0x1d}, {0x04, 0x1d}, {0x02, 0x1d},
    {0x01, 0x1d}, {0x21, 0x1d}, {0x23, 0x1d}, {0x24, 0x1d}, {0x26, 0x1d}, {0x27, 0x1c}, {0x28, 0x1c}, {0x2a, 0x1c},
    {0x2b, 0x1b}, {0x2d, 0x1a}, {0x2e, 0x1a}, {0x2f, 0x19}, {0x31, 0x18}, {0x32, 0x18}, {0x33, 0x17}, {0x34, 0x16},
    {0x36, 0x15}, {0x37, 0x14}, {0x38, 0x13}, {0x39, 0x11}, {0x39, 0x10}, {0x3a, 0x0f}, {0x3b, 0x0e}, {0x3c, 0x0d},
    {0x3c, 0x0b}, {0x3d, 0x0a}, {0x3e, 0x08}, {0x3e, 0x07}, {0x3e, 0x06}, {0x3f, 0x04}, {0x3f, 0x03}, {0x3f, 0x01},
};

static void write_register(const chip_array *array, uint32_t lines, uint8_t address, uint16_t where, uint8_t data) {
  const uint16_t instruction = (uint16_t)(((uint16_t)address << 13) | where);
  const uint8_t word[CHIP_WORD_BYTES] = {(uint8_t)(instruction >> 8), (uint8_t)(instruction & 0xffu), data};
  array->bus.write(array->bus.context, lines, word);
}

/* The same in all chips: a word for each address, with all lines low. */
static void write_all(const chip_array *array, uint16_t where, uint8_t data) {
  for (uint8_t address = 0; address < ADAR1000_CHIPS_PER_LINE; address++) {
    write_register(array, chip_all_lines(array), address, where, data);
  }
}

static void write_gains(const chip_array *array, uint8_t gain) {
  for (uint16_t channel = 0; channel < ADAR1000_CHANNELS; channel++) {
    write_all(array, (uint16_t)(CH1_TX_GAIN + channel), gain);
  }
}

/* Enables by chip: of the beam that is loaded, and of the one that is staged. `narrowing`: the latter has less of them than are written. */
static uint8_t loaded_enables[ADAR1000_MOST_CHIPS];
static uint8_t staged_enables[ADAR1000_MOST_CHIPS];
static bool narrowing;

/* One word for all chips of an address where they are alike, as they are while all elements are on. */
static void write_enables(const chip_array *array, const uint8_t *enables) {
  const uint16_t count = chip_count(array);
  for (uint8_t address = 0; address < ADAR1000_CHIPS_PER_LINE; address++) {
    bool alike = true;
    for (uint16_t number = address; number < count; number = (uint16_t)(number + ADAR1000_CHIPS_PER_LINE)) {
      alike = alike && enables[number] == enables[address];
    }
    if (alike) write_register(array, chip_all_lines(array), address, TX_ENABLES, enables[address]);
    for (uint16_t number = address; !alike && number < count; number = (uint16_t)(number + ADAR1000_CHIPS_PER_LINE)) {
      write_register(array, (uint32_t)1u << (number / ADAR1000_CHIPS_PER_LINE), address, TX_ENABLES, enables[number]);
    }
  }
}

/* Until the beam is loaded both what is radiated and what is staged is enabled. */
static void stage_enables(const chip_array *array, const uint8_t *enables) {
  uint8_t either[ADAR1000_MOST_CHIPS];
  memset(staged_enables, ALL_TX_ENABLED, sizeof staged_enables);
  for (uint16_t place = 0; enables != NULL && place < array->places; place++) {
    const unsigned bit = CH1_TX_ENABLED >> (place % ADAR1000_CHANNELS);
    if (enables[place] == 0) staged_enables[place / ADAR1000_CHANNELS] &= (uint8_t)~bit;
  }
  narrowing = false;
  for (uint16_t number = 0; number < ADAR1000_MOST_CHIPS; number++) {
    either[number] = loaded_enables[number] | staged_enables[number];
    narrowing = narrowing || either[number] != staged_enables[number];
  }
  write_enables(array, either);
}

static uint8_t gain_of(const chip_beam *beam, uint16_t place) {
  if (beam->enables != NULL && beam->enables[place] == 0) return NO_GAIN;
  return beam->gains == NULL ? FULL_GAIN : (uint8_t)(ATTENUATOR_BYPASSED | (beam->gains[place] & 127u));
}

static void latch(const chip_array *array) {
  write_all(array, LD_WRK_REGS, LDTX_OVERRIDE);
}

static void load(const chip_array *array) {
  latch(array);
  if (narrowing) write_enables(array, staged_enables);
  narrowing = false;
  memcpy(loaded_enables, staged_enables, sizeof loaded_enables);
}

static void mute(const chip_array *array) {
  /* Takes effect at once; the rest is for the moment when the transmitters are enabled again. */
  write_all(array, TX_ENABLES, 0);
  write_all(array, MEM_CTRL, BEAM_RAM_BYPASS | BIAS_RAM_BYPASS);
  write_gains(array, NO_GAIN);
  latch(array);
  narrowing = false;
  memset(loaded_enables, 0, sizeof loaded_enables);
  memset(staged_enables, 0, sizeof staged_enables);
}

static void start(const chip_array *array) {
  write_all(array, INTERFACE_CONFIG_A, SOFT_RESET);
  write_all(array, INTERFACE_CONFIG_A, SDO_ACTIVE);
  write_all(array, LDO_TRIM_CTL_0, TRIM_LDO_0);
  write_all(array, LDO_TRIM_CTL_1, TRIM_LDO_1);
  mute(array);
}

static void enable(const chip_array *array, const uint8_t *enables) {
  write_all(array, BIAS_CURRENT_TX, NOMINAL_TX_BIAS);
  write_all(array, BIAS_CURRENT_TX_DRV, NOMINAL_TX_DRIVER_BIAS);
  write_all(array, MISC_ENABLES, BIAS_AS_MODE_SAYS);
  write_all(array, SW_CTRL, TRANSMIT_BY_SPI);
  /* Takes effect at once, but after a mute or a reset the gains that are loaded are nothing. */
  stage_enables(array, enables);
}

static void stage(const chip_array *array, const chip_beam *beam) {
  const uint16_t *const words = beam->words;
  const bool full = beam->enables == NULL && beam->gains == NULL;
  enable(array, beam->enables);
  write_all(array, MEM_CTRL, BEAM_RAM_BYPASS | BIAS_RAM_BYPASS);
  if (full) write_gains(array, FULL_GAIN);
  for (uint16_t place = 0; place < array->places; place++) {
    const chip_place at = chip_place_of(place);
    const uint16_t channel = at.channel;
    const adar1000_codes codes = adar1000_phases[words[place] & 127u];
    if (!full) write_register(array, at.line, at.address, (uint16_t)(CH1_TX_GAIN + channel), gain_of(beam, place));
    write_register(array, at.line, at.address, (uint16_t)(CH1_TX_I + 2u * channel), codes.i);
    write_register(array, at.line, at.address, (uint16_t)(CH1_TX_I + 2u * channel + 1u), codes.q);
  }
}

static void store(const chip_array *array, uint8_t position, const chip_beam *beam) {
  const uint16_t *const words = beam->words;
  for (uint16_t place = 0; place < array->places; place++) {
    const chip_place at = chip_place_of(place);
    const uint16_t entry = (uint16_t)(TX_BEAM_RAM | ((uint32_t)position << 4) | at.channel * 4u);
    const adar1000_codes codes = adar1000_phases[words[place] & 127u];
    write_register(array, at.line, at.address, entry, gain_of(beam, place));
    write_register(array, at.line, at.address, (uint16_t)(entry + 1u), codes.i);
    write_register(array, at.line, at.address, (uint16_t)(entry + 2u), codes.q);
  }
}

static void fetch(const chip_array *array, uint8_t position, const chip_beam *beam) {
  enable(array, beam->enables);
  write_all(array, MEM_CTRL, BIAS_RAM_BYPASS);
  write_all(array, TX_CHX_MEM, (uint8_t)(RAM_FETCH | position));
}

/* The scratch pad keeps a mark. */
static void write_mark(uint8_t address, uint8_t mark, uint8_t word[CHIP_WORD_BYTES]) {
  const uint16_t instruction = (uint16_t)(((uint16_t)address << 13) | SCRATCH_PAD);
  word[0] = (uint8_t)(instruction >> 8);
  word[1] = (uint8_t)(instruction & 0xffu);
  word[2] = mark;
}

static void read_mark(uint8_t address, uint8_t word[CHIP_WORD_BYTES]) {
  write_mark(address, 0, word);
  word[0] |= (uint8_t)(READ >> 8);
}

const chip_driver chip = {
    .name = "adar1000",
    .phase_bits = 7,
    .channels = ADAR1000_CHANNELS,
    .gain_bits = GAIN_BITS,
    .enables = true,
    .per_line = ADAR1000_CHIPS_PER_LINE,
    .beam_positions = 121,
    .start = start,
    .stage = stage,
    .load = load,
    .mute = mute,
    .store = store,
    .fetch = fetch,
    .write_mark = write_mark,
    .read_mark = read_mark,
};

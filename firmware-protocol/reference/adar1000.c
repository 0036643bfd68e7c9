#include "adar1000.h"

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
#define BIAS_AS_MODE_SAYS 0x40u
#define TRANSMIT_BY_SPI 0x42u /* transmitter on, direction from the SPI bit: transmit */
#define BIAS_RAM_BYPASS 0x20u
#define BEAM_RAM_BYPASS 0x40u /* set: the beam comes from the registers; clear: from RAM */
#define RAM_FETCH 0x80u
#define FULL_GAIN 0xffu
#define NO_GAIN 0x00u
#define NOMINAL_TX_BIAS 0x2du
#define NOMINAL_TX_DRIVER_BIAS 0x06u
#define TRIM_LDO_0 0x55u
#define TRIM_LDO_1 0x02u

/*
 * Vector-modulator settings of the data sheet (ADAR1000, tables 13 to 16 of revision A), which the Linux driver of the chip gives too.
 * Held to vectors/adar1000.json by the tests.
 */
const adar1000_codes adar1000_phases[128] = {
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

static void write_register(const adar1000_array *array, uint32_t lines, uint8_t address, uint16_t where, uint8_t data) {
  const uint16_t instruction = (uint16_t)(((uint16_t)address << 13) | where);
  const uint8_t word[ADAR1000_WORD_BYTES] = {(uint8_t)(instruction >> 8), (uint8_t)(instruction & 0xffu), data};
  array->bus.write(array->bus.context, lines, word);
}

/* The same in all chips: a word for each address, with all lines low. */
static void write_all(const adar1000_array *array, uint16_t where, uint8_t data) {
  for (uint8_t address = 0; address < ADAR1000_CHIPS_PER_LINE; address++) {
    write_register(array, adar1000_all_lines(array), address, where, data);
  }
}

static void write_gains(const adar1000_array *array, uint8_t gain) {
  for (uint16_t channel = 0; channel < ADAR1000_CHANNELS; channel++) {
    write_all(array, (uint16_t)(CH1_TX_GAIN + channel), gain);
  }
}

uint8_t adar1000_lines(const adar1000_array *array) {
  return (uint8_t)((array->places + ADAR1000_PLACES_PER_LINE - 1u) / ADAR1000_PLACES_PER_LINE);
}

uint32_t adar1000_all_lines(const adar1000_array *array) {
  const uint8_t lines = adar1000_lines(array);
  return lines >= 32u ? 0xffffffffu : ((uint32_t)1u << lines) - 1u;
}

void adar1000_start(const adar1000_array *array) {
  write_all(array, INTERFACE_CONFIG_A, SOFT_RESET);
  write_all(array, INTERFACE_CONFIG_A, SDO_ACTIVE);
  write_all(array, LDO_TRIM_CTL_0, TRIM_LDO_0);
  write_all(array, LDO_TRIM_CTL_1, TRIM_LDO_1);
  adar1000_mute(array);
}

void adar1000_stage(const adar1000_array *array, const uint16_t *words) {
  write_all(array, BIAS_CURRENT_TX, NOMINAL_TX_BIAS);
  write_all(array, BIAS_CURRENT_TX_DRV, NOMINAL_TX_DRIVER_BIAS);
  write_all(array, MISC_ENABLES, BIAS_AS_MODE_SAYS);
  write_all(array, SW_CTRL, TRANSMIT_BY_SPI);
  /* Takes effect at once, but after a mute or a reset the gains that are loaded are nothing. */
  write_all(array, TX_ENABLES, ALL_TX_ENABLED);
  write_all(array, MEM_CTRL, BEAM_RAM_BYPASS | BIAS_RAM_BYPASS);
  write_gains(array, FULL_GAIN);
  for (uint16_t place = 0; place < array->places; place++) {
    const uint16_t chip = (uint16_t)(place / ADAR1000_CHANNELS);
    const uint16_t channel = (uint16_t)(place % ADAR1000_CHANNELS);
    const uint32_t line = (uint32_t)1u << (chip / ADAR1000_CHIPS_PER_LINE);
    const uint8_t address = (uint8_t)(chip % ADAR1000_CHIPS_PER_LINE);
    const adar1000_codes codes = adar1000_phases[words[place] & 127u];
    write_register(array, line, address, (uint16_t)(CH1_TX_I + 2u * channel), codes.i);
    write_register(array, line, address, (uint16_t)(CH1_TX_I + 2u * channel + 1u), codes.q);
  }
}

void adar1000_load(const adar1000_array *array) {
  write_all(array, LD_WRK_REGS, LDTX_OVERRIDE);
}

void adar1000_mute(const adar1000_array *array) {
  /* Takes effect at once; the rest is for the moment when the transmitters are enabled again. */
  write_all(array, TX_ENABLES, 0);
  write_all(array, MEM_CTRL, BEAM_RAM_BYPASS | BIAS_RAM_BYPASS);
  write_gains(array, NO_GAIN);
  adar1000_load(array);
}

void adar1000_store(const adar1000_array *array, uint8_t position, const uint16_t *words) {
  for (uint16_t place = 0; place < array->places; place++) {
    const uint16_t chip = (uint16_t)(place / ADAR1000_CHANNELS);
    const uint32_t line = (uint32_t)1u << (chip / ADAR1000_CHIPS_PER_LINE);
    const uint8_t address = (uint8_t)(chip % ADAR1000_CHIPS_PER_LINE);
    const uint16_t entry = (uint16_t)(TX_BEAM_RAM | ((uint32_t)position << 4) | (place % ADAR1000_CHANNELS) * 4u);
    const adar1000_codes codes = adar1000_phases[words[place] & 127u];
    write_register(array, line, address, entry, FULL_GAIN);
    write_register(array, line, address, (uint16_t)(entry + 1u), codes.i);
    write_register(array, line, address, (uint16_t)(entry + 2u), codes.q);
  }
}

void adar1000_fetch(const adar1000_array *array, uint8_t position) {
  write_all(array, BIAS_CURRENT_TX, NOMINAL_TX_BIAS);
  write_all(array, BIAS_CURRENT_TX_DRV, NOMINAL_TX_DRIVER_BIAS);
  write_all(array, MISC_ENABLES, BIAS_AS_MODE_SAYS);
  write_all(array, SW_CTRL, TRANSMIT_BY_SPI);
  write_all(array, TX_ENABLES, ALL_TX_ENABLED);
  write_all(array, MEM_CTRL, BIAS_RAM_BYPASS);
  write_all(array, TX_CHX_MEM, (uint8_t)(RAM_FETCH | position));
}

void adar1000_scratch_read(uint8_t address, uint8_t word[ADAR1000_WORD_BYTES]) {
  const uint16_t instruction = (uint16_t)(READ | ((uint32_t)address << 13) | SCRATCH_PAD);
  word[0] = (uint8_t)(instruction >> 8);
  word[1] = (uint8_t)(instruction & 0xffu);
  word[2] = 0;
}

void adar1000_scratch_write(uint8_t address, uint8_t value, uint8_t word[ADAR1000_WORD_BYTES]) {
  const uint16_t instruction = (uint16_t)(((uint16_t)address << 13) | SCRATCH_PAD);
  word[0] = (uint8_t)(instruction >> 8);
  word[1] = (uint8_t)(instruction & 0xffu);
  word[2] = value;
}

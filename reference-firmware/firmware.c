#include "firmware.h"

#include <string.h>

#include "adar1000.h"
#include "beamrig_authentication.h"
#include "beamrig_panel.h"
#include "beamrig_serial.h"
#include "bench_bus.h"
#include "board.h"

/* Fault codes of this board. */
enum { FAULT_BENCH_SILENT = 1, FAULT_CHIP_SILENT = 2 };

/* Places in the EEPROM: u32, u64, then the length of the panel key and the key. */
enum { EEPROM_BOOT_COUNT = 0, EEPROM_COUNTER_LIMIT = 8, EEPROM_KEY_LENGTH = 16, EEPROM_KEY = 17 };

#define REMEMBERED_REQUESTS 16u
#define REMEMBERED_REPLY_BYTES 64u
/* How often a board with a fault looks whether its chips are there again. */
#define RECOVERY_US 250000u
/* How often the chips of one line are looked at. */
#define CHECK_US 50000u
/* What the bench may take for an answer; while nobody may be there yet, from the first on. */
#define PATIENCE_US 1000000u
#define FIRST_PATIENCE_US 30000u
#define NO_POSITION 0xffffu
#define SCRATCH_PATTERN 0xa0u

BEAMRIG_PANEL_MEMORY(memory, FIRMWARE_PLACES, FIRMWARE_WEIGHTS, FIRMWARE_SLOTS, FIRMWARE_POSITIONS, REMEMBERED_REQUESTS,
                     REMEMBERED_REPLY_BYTES);
static uint8_t block[BEAMRIG_COBS_BYTES(BEAMRIG_MAX_FRAME_BYTES)];
static uint8_t reply[BEAMRIG_REPLY_BYTES(FIRMWARE_PAYLOAD_BYTES)];
static uint8_t line[BEAMRIG_SERIAL_BYTES(sizeof reply)];

static firmware_settings settings;
static beamrig_capabilities capabilities;
static beamrig_panel panel;
static beamrig_reader reader;
static uint32_t counted_discards;
static adar1000_array array;
static uint32_t boot_count;
static uint64_t counter_limit;
static uint64_t recover_at_us;
static uint64_t check_at_us;

/* Positions of beam memory that the chips' RAM holds too. */
static bool in_ram[FIRMWARE_POSITIONS];
/* The position that the request under way selects. */
static uint16_t selecting = NO_POSITION;

/*
 * The beam that waits for its time stands in the chips' shadow registers already, so that only the load is left to do then. 0 = none does,
 * because nothing waits or something else was written since.
 */
static uint32_t ahead_id;
static uint16_t ahead_words[FIRMWARE_PLACES];
static float ahead_weights[2u * FIRMWARE_WEIGHTS];
static bool ahead_with_weights;

/* ---- what the panel asks of the hardware ---------------------------------------------------------------------------------------- */

static void write_spi(void *context, uint32_t lines, const uint8_t word[ADAR1000_WORD_BYTES]) {
  (void)context;
  bench_spi(lines, word);
}

static const uint16_t *stored_words(uint16_t position) {
  return panel.memory.words + (size_t)(capabilities.staging_slots + position) * panel.word_count;
}

static bool stands_ahead(const uint16_t *words, const float *weights) {
  return ahead_id != 0 && ahead_with_weights == (weights != NULL) &&
         memcmp(words, ahead_words, panel.word_count * sizeof *words) == 0 &&
         (weights == NULL || memcmp(weights, ahead_weights, 2u * panel.weight_count * sizeof *weights) == 0);
}

static bool stands_in_ram(const uint16_t *words) {
  return selecting < capabilities.beam_memory && in_ram[selecting] &&
         memcmp(words, stored_words(selecting), panel.word_count * sizeof *words) == 0;
}

static uint32_t apply(void *context, const uint16_t *words, const float *weights) {
  (void)context;
  if (!stands_ahead(words, weights)) {
    if (stands_in_ram(words)) {
      adar1000_fetch(&array, (uint8_t)selecting);
    } else {
      adar1000_stage(&array, words);
    }
    bench_weights(weights, settings.chains, settings.users);
  }
  ahead_id = 0;
  /* Phases and weights switch in one moment. */
  adar1000_load(&array);
  return bench_finish(BENCH_LOAD_WEIGHTS | BENCH_AMPLIFIERS_ON) ? 0 : FAULT_BENCH_SILENT;
}

static void mute(void *context) {
  (void)context;
  ahead_id = 0;
  adar1000_mute(&array);
  /* Whether the bench heard it is seen at the next beam. */
  (void)bench_finish(BENCH_AMPLIFIERS_OFF);
}

static uint64_t time_us(void *context) {
  (void)context;
  return board_time_us();
}

static int16_t temperature(void *context) {
  int16_t centi_c = 0;
  (void)context;
  return bench_temperature(&centi_c) ? centi_c : 0;
}

static bool measure_snr(void *context, uint32_t *pilots, uint8_t *snr) {
  (void)context;
  return bench_measure_snr(pilots, settings.users, snr);
}

static bool measure_pilots(void *context, uint16_t user, uint32_t *pilots, uint8_t *values) {
  (void)context;
  return bench_measure_chains(user, pilots, settings.chains, values);
}

/* ---- start, and recovery from a fault --------------------------------------------------------------------------------------------- */

static uint16_t chip_count(void) {
  return (uint16_t)((array.places + ADAR1000_CHANNELS - 1u) / ADAR1000_CHANNELS);
}

/* What the scratch pad of a chip keeps as long as the chip has supply. */
static uint8_t mark_of(uint16_t chip) {
  return (uint8_t)(SCRATCH_PATTERN ^ chip);
}

/* Whether the chips of a line are those that were started. */
static uint32_t check_line(uint8_t number) {
  uint8_t words[ADAR1000_CHIPS_PER_LINE * ADAR1000_WORD_BYTES];
  uint8_t kept[ADAR1000_CHIPS_PER_LINE];
  const uint16_t first = (uint16_t)(number * ADAR1000_CHIPS_PER_LINE);
  uint16_t count = 0;
  for (; count < ADAR1000_CHIPS_PER_LINE && first + count < chip_count(); count++) {
    adar1000_scratch_read((uint8_t)count, words + count * ADAR1000_WORD_BYTES);
  }
  if (!bench_read_spi((uint32_t)1u << number, words, count, kept)) return FAULT_BENCH_SILENT;
  for (uint16_t i = 0; i < count; i++) {
    if (kept[i] != mark_of((uint16_t)(first + i))) return FAULT_CHIP_SILENT;
  }
  return 0;
}

/* Resets the chips, gives each a mark of its own, and looks whether all have kept it. */
static uint32_t start_chips(void) {
  uint8_t word[ADAR1000_WORD_BYTES];
  bench_start(PATIENCE_US);
  adar1000_start(&array);
  for (uint16_t chip = 0; chip < chip_count(); chip++) {
    adar1000_scratch_write((uint8_t)(chip % ADAR1000_CHIPS_PER_LINE), mark_of(chip), word);
    bench_spi((uint32_t)1u << (chip / ADAR1000_CHIPS_PER_LINE), word);
  }
  if (!bench_finish(BENCH_AMPLIFIERS_OFF)) return FAULT_BENCH_SILENT;
  for (uint8_t number = 0; number < adar1000_lines(&array); number++) {
    const uint32_t fault = check_line(number);
    if (fault != 0) return fault;
  }
  return 0;
}

static bool store_counter_limit(void *context, uint64_t limit) {
  uint8_t bytes[8];
  (void)context;
  beamrig_put_u64(bytes, limit);
  return bench_write_eeprom(EEPROM_COUNTER_LIMIT, bytes, sizeof bytes);
}

static bool start_panel(void) {
  const beamrig_hardware hardware = {NULL, apply, mute, time_us, temperature, measure_snr, measure_pilots};
  if (!beamrig_panel_init(&panel, &capabilities, settings.users, &hardware, &memory, boot_count)) return false;
  if (settings.key_length == 0) return true;
  const bool keyed = beamrig_panel_authenticate(&panel, settings.key, settings.key_length, counter_limit, store_counter_limit);
  memset(settings.key, 0, sizeof settings.key);
  return keyed;
}

/* Counts the starts in the EEPROM. False while the bench does not answer. */
static bool next_boot_count(void) {
  uint8_t bytes[4];
  if (settings.boot_count != 0) {
    boot_count = settings.boot_count;
    return true;
  }
  if (!bench_read_eeprom(EEPROM_BOOT_COUNT, bytes, sizeof bytes)) return false;
  boot_count = beamrig_get_u32(bytes) + 1u;
  beamrig_put_u32(bytes, boot_count);
  return bench_write_eeprom(EEPROM_BOOT_COUNT, bytes, sizeof bytes);
}

/* The key, where the settings have none, and up to where counters were used. False while the bench does not answer. */
static bool read_key(void) {
  uint8_t bytes[8];
  uint8_t length;
  if (!bench_read_eeprom(EEPROM_COUNTER_LIMIT, bytes, sizeof bytes)) return false;
  counter_limit = beamrig_get_u64(bytes);
  /* Memory that was never written. */
  if (counter_limit == ~(uint64_t)0) counter_limit = 0;
  if (settings.key_length != 0) return true;
  if (!bench_read_eeprom(EEPROM_KEY_LENGTH, &length, 1)) return false;
  if (length < BEAMRIG_MIN_KEY_BYTES || length > sizeof settings.key) return true;
  if (!bench_read_eeprom(EEPROM_KEY, settings.key, length)) return false;
  settings.key_length = length;
  return true;
}

bool firmware_start(const firmware_settings *given) {
  static const char version[] = "beamrig-adar1000 1.1";
  settings = *given;
  const uint32_t places = (uint32_t)settings.elements * settings.chains;
  const size_t serial_length = strlen(settings.serial);
  if (places == 0 || places > FIRMWARE_PLACES || (uint32_t)settings.chains * settings.users > FIRMWARE_WEIGHTS) return false;
  if (settings.users == 0 || serial_length == 0 || serial_length > BEAMRIG_MAX_TEXT_BYTES) return false;
  array.bus.write = write_spi;
  array.places = (uint16_t)places;

  memset(&capabilities, 0, sizeof capabilities);
  capabilities.role = BEAMRIG_ROLE_ARRAY;
  capabilities.phase_bits = ADAR1000_PHASE_BITS;
  capabilities.max_payload_bytes = FIRMWARE_PAYLOAD_BYTES;
  capabilities.features = BEAMRIG_PANEL_FEATURES;
  capabilities.elements = settings.elements;
  capabilities.rf_chains = settings.chains;
  capabilities.users = settings.users;
  capabilities.beam_memory = FIRMWARE_POSITIONS;
  capabilities.staging_slots = FIRMWARE_SLOTS;
  capabilities.panel_serial = (beamrig_text){settings.serial, (uint8_t)serial_length};
  capabilities.firmware = (beamrig_text){version, sizeof version - 1u};

  beamrig_reader_init(&reader, block, sizeof block);
  uint32_t fault;
  uint32_t patience_us = FIRST_PATIENCE_US;
  for (;;) {
    bench_start(patience_us);
    if (read_key() && next_boot_count()) break;
    patience_us = patience_us < PATIENCE_US ? 2u * patience_us : PATIENCE_US;
  }
  do {
    fault = start_chips();
  } while (fault == FAULT_BENCH_SILENT);
  if (settings.key_length != 0) capabilities.features |= BEAMRIG_FEATURE_AUTHENTICATION;
  if (!start_panel()) return false;
  if (fault != 0) beamrig_panel_fault(&panel, fault);
  return true;
}

/* ---- the loop --------------------------------------------------------------------------------------------------------------------- */

/* Type of a request and the position that it names, which the panel keeps to itself. */
static uint16_t position_of(size_t length, uint8_t type) {
  if (length < BEAMRIG_MIN_FRAME_BYTES + 6u || block[1] != type) return NO_POSITION;
  return beamrig_get_u16(block + BEAMRIG_HEADER_BYTES + 4);
}

/* A beam that was just stored goes to the RAM of the chips as well, so that selecting it takes a few words instead of thousands. */
static void store_in_ram(uint16_t position) {
  if (position >= capabilities.beam_memory || position >= ADAR1000_BEAM_POSITIONS) return;
  adar1000_store(&array, (uint8_t)position, stored_words(position));
  in_ram[position] = bench_finish(0);
}

/* Writes the beam that was told to wait to the chips; what they radiate stays. */
static void stage_ahead(void) {
  const size_t waiting = (size_t)capabilities.staging_slots + capabilities.beam_memory + 1u;
  if (panel.waiting_id == ahead_id) return;
  ahead_id = 0;
  if (panel.waiting_id == 0) return;
  ahead_with_weights = panel.waiting_with_weights;
  memcpy(ahead_words, panel.memory.words + waiting * panel.word_count, panel.word_count * sizeof *ahead_words);
  memcpy(ahead_weights, panel.memory.weights + waiting * 2u * panel.weight_count, 2u * panel.weight_count * sizeof *ahead_weights);
  adar1000_stage(&array, ahead_words);
  bench_weights(ahead_with_weights ? ahead_weights : NULL, settings.chains, settings.users);
  if (bench_finish(0)) ahead_id = panel.waiting_id;
}

static void answer(size_t length) {
  const uint16_t storing = position_of(length, BEAMRIG_STORE_BEAM);
  selecting = position_of(length, BEAMRIG_SELECT_BEAM);
  const size_t reply_length = beamrig_panel_receive(&panel, block, length, reply, sizeof reply);
  selecting = NO_POSITION;
  if (storing < FIRMWARE_POSITIONS && reply_length > 0 && reply[1] == BEAMRIG_ACK) store_in_ram(storing);
  if (reply_length > 0) board_send(BOARD_HOST_PORT, line, beamrig_serial_encode(reply, reply_length, line));
  stage_ahead();
}

/* A board whose chips are all there again is idle and muted; what their RAM held is gone. */
static void recover(void) {
  const uint64_t now_us = board_time_us();
  if (panel.state != BEAMRIG_STATE_FAULT) {
    recover_at_us = now_us + RECOVERY_US;
    return;
  }
  if (now_us < recover_at_us) return;
  recover_at_us = now_us + RECOVERY_US;
  if (start_chips() != 0) return;
  memset(in_ram, 0, sizeof in_ram);
  ahead_id = 0;
  beamrig_panel_recover(&panel);
}

/* Looks at one line after the other while there is nothing else to do: a chip that has lost its supply is no part of the beam any more. */
static void check_chips(void) {
  static uint8_t next_line;
  if (panel.state == BEAMRIG_STATE_FAULT || board_time_us() < check_at_us) return;
  check_at_us = board_time_us() + CHECK_US;
  next_line = (uint8_t)((next_line + 1u) % adar1000_lines(&array));
  const uint32_t fault = check_line(next_line);
  if (fault == FAULT_CHIP_SILENT) beamrig_panel_fault(&panel, fault);
  /* A bench that is slow is no fault as long as no beam is due. */
  if (fault == FAULT_BENCH_SILENT) bench_start(PATIENCE_US);
}

void firmware_turn(void) {
  uint8_t byte;
  bool idle = true;
  if (board_lost_bytes(BOARD_HOST_PORT)) beamrig_reader_reset(&reader);
  while (board_take(BOARD_HOST_PORT, &byte)) {
    idle = false;
    const size_t length = beamrig_reader_take(&reader, byte);
    if (length == 0) continue;
    beamrig_panel_count_bad_frames(&panel, beamrig_reader_discarded(&reader) - counted_discards);
    counted_discards = beamrig_reader_discarded(&reader);
    answer(length);
  }
  beamrig_panel_poll(&panel);
  recover();
  if (idle) check_chips();
}

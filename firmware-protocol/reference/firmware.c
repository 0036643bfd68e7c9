#include "firmware.h"

#include <string.h>

#include "array.h"
#include "beamrig_authentication.h"
#include "beamrig_panel.h"
#include "beamrig_serial.h"
#include "bench_bus.h"
#include "board.h"
#include "chip.h"
#include "eeprom.h"

#define REMEMBERED_REQUESTS 16u
#define REMEMBERED_REPLY_BYTES 64u
/* How often a board with a fault looks whether its chips are there again. */
#define RECOVERY_US 250000u
/* How often the chips of one line are looked at. */
#define CHECK_US 50000u
/* What nobody waits for may keep the loop only so long; so many in a row without an answer are a fault, after two seconds. */
#define CHECK_PATIENCE_US 30000u
#define MOST_UNANSWERED 25u
/* A look at the chips is put off when something is due meanwhile, but not for longer than this. */
#define CHECK_OVERDUE_US 1000000u
/* A mute that got lost is said again after this. */
#define MUTE_PATIENCE_US 100000u
#define SECOND_MUTE_PATIENCE_US 500000u
/* While nobody may be there yet, from the first on; then twice as long each time, up to ARRAY_PATIENCE_US. */
#define FIRST_PATIENCE_US 30000u

BEAMRIG_PANEL_MEMORY(memory, FIRMWARE_PLACES, FIRMWARE_WEIGHTS, FIRMWARE_PLACES, FIRMWARE_PLACES, FIRMWARE_SLOTS, FIRMWARE_POSITIONS,
                     REMEMBERED_REQUESTS, REMEMBERED_REPLY_BYTES);
static uint8_t block[BEAMRIG_COBS_BYTES(BEAMRIG_MAX_FRAME_BYTES)];
static uint8_t reply[BEAMRIG_REPLY_BYTES(FIRMWARE_PAYLOAD_BYTES)];
static uint8_t line[BEAMRIG_SERIAL_BYTES(sizeof reply)];

static firmware_settings settings;
static beamrig_capabilities capabilities;
static beamrig_panel panel;
static beamrig_reader reader;
static uint32_t counted_discards;
static uint32_t boot_count;
static uint64_t counter_limit;
static uint64_t recover_at_us;
static uint32_t recovery_patience_us;
static uint64_t check_at_us;
/* Questions of the background in a row that the bench has not answered. */
static uint32_t unanswered;
/* The position that the request under way selects. */
static uint16_t selecting = ARRAY_NO_POSITION;

/* ---- what the panel asks of the hardware ---------------------------------------------------------------------------------------- */

static chip_beam of_chips(const beamrig_beam *beam) {
  const chip_beam it = {beam->words, beam->enables, beam->gains};
  return it;
}

/* What stands at a position; its words are NULL when nothing does. */
static chip_beam stored_beam(uint16_t position) {
  beamrig_beam stored;
  beamrig_panel_kept_beam(&panel, position, &stored);
  return of_chips(&stored);
}

static uint32_t apply(void *context, const beamrig_beam *beam) {
  (void)context;
  const chip_beam shown = of_chips(beam);
  const chip_beam stored = stored_beam(selecting);
  /* What is due while a beam is selected may be another beam. */
  return array_show(&shown, beam->weights, array_same_beam(&shown, &stored) ? selecting : ARRAY_NO_POSITION);
}

static void mute(void *context) {
  (void)context;
  if (array_mute(MUTE_PATIENCE_US)) return;
  /* Then recover() goes on until the chips answer. */
  if (panel.state == BEAMRIG_STATE_FAULT) return;
  /* Nobody may say safe of an array that may still radiate: not the reply to the request under way either, so it is said from here. */
  if (!array_mute(SECOND_MUTE_PATIENCE_US)) beamrig_panel_fault(&panel, ARRAY_BENCH_SILENT);
}

static uint64_t time_us(void *context) {
  (void)context;
  return board_time_us();
}

static int16_t temperature(void *context) {
  static int16_t last_centi_c = BEAMRIG_NO_TEMPERATURE;
  (void)context;
  bench_start(CHECK_PATIENCE_US);
  unanswered = bench_temperature(&last_centi_c) ? 0 : unanswered + 1u;
  return last_centi_c;
}

static bool measure_snr(void *context, uint32_t *pilots, uint8_t *snr) {
  (void)context;
  bench_start(ARRAY_PATIENCE_US);
  return bench_measure_snr(pilots, settings.users, snr);
}

static bool measure_pilots(void *context, uint16_t user, uint32_t *pilots, uint8_t *values) {
  (void)context;
  bench_start(ARRAY_PATIENCE_US);
  return bench_measure_chains(user, pilots, settings.chains, values);
}

static bool store_counter_limit(void *context, uint64_t limit) {
  (void)context;
  bench_start(ARRAY_PATIENCE_US);
  return eeprom_store_counter_limit(limit);
}

/* ---- start ---------------------------------------------------------------------------------------------------------------------- */

/* The key, where the settings have none, and up to where counters were used. KEPT: from now on only with the key. */
static eeprom_finding read_key(void) {
  const eeprom_finding limit = eeprom_read_counter_limit(&counter_limit);
  if (limit == EEPROM_SILENT) return limit;
  const eeprom_finding key = settings.key_length != 0 ? EEPROM_KEPT : eeprom_read_key(settings.key, &settings.key_length);
  return key == EEPROM_KEPT && limit == EEPROM_DAMAGED ? limit : key;
}

static bool next_boot_count(void) {
  boot_count = settings.boot_count;
  return boot_count != 0 || eeprom_count_start(&boot_count);
}

/* Waits for the bench, and reads what it keeps. */
static eeprom_finding read_memory(void) {
  uint32_t patience_us = FIRST_PATIENCE_US;
  for (;;) {
    board_feed_watchdog();
    bench_start(patience_us);
    const eeprom_finding key = read_key();
    if (key != EEPROM_SILENT && next_boot_count()) return key;
    patience_us = patience_us < ARRAY_PATIENCE_US ? 2u * patience_us : ARRAY_PATIENCE_US;
  }
}

static bool start_panel(eeprom_finding key) {
  const beamrig_hardware hardware = {NULL, apply, mute, time_us, temperature, measure_snr, measure_pilots};
  if (key != EEPROM_NEW) capabilities.features |= BEAMRIG_FEATURE_AUTHENTICATION;
  if (!beamrig_panel_init(&panel, &capabilities, settings.users, &hardware, &memory, boot_count)) return false;
  beamrig_panel_has_probe(&panel);
  /* With damaged memory the panel has no key, which takes no frame of anybody: dark until somebody writes the memory anew. */
  const bool keyed = key != EEPROM_KEPT || beamrig_panel_authenticate(&panel, settings.key, settings.key_length, counter_limit,
                                                                      store_counter_limit);
  memset(settings.key, 0, sizeof settings.key);
  return keyed;
}

/* "beamrig-adar1000 1.3" of one with these chips. */
static beamrig_text version(void) {
  static const char before[] = "beamrig-";
  static const char after[] = " 1.3";
  static char text[BEAMRIG_MAX_TEXT_BYTES];
  size_t length = sizeof before - 1u;
  const size_t name_length = strlen(chip.name);
  memcpy(text, before, length);
  memcpy(text + length, chip.name, name_length);
  length += name_length;
  memcpy(text + length, after, sizeof after - 1u);
  return (beamrig_text){text, (uint8_t)(length + sizeof after - 1u)};
}

bool firmware_start(const firmware_settings *given) {
  settings = *given;
  const uint32_t places = (uint32_t)settings.elements * settings.chains;
  const size_t serial_length = strlen(settings.serial);
  if (places == 0 || places > FIRMWARE_PLACES || (uint32_t)settings.chains * settings.users > FIRMWARE_WEIGHTS) return false;
  if (settings.users == 0 || serial_length == 0 || serial_length > BEAMRIG_MAX_TEXT_BYTES) return false;
  if (!array_init((uint16_t)places, settings.chains, settings.users)) return false;

  memset(&capabilities, 0, sizeof capabilities);
  capabilities.role = BEAMRIG_ROLE_ARRAY;
  capabilities.phase_bits = chip.phase_bits;
  capabilities.max_payload_bytes = FIRMWARE_PAYLOAD_BYTES;
  capabilities.features = BEAMRIG_PANEL_FEATURES | BENCH_FEATURES;
  /* Chips that cannot: their panel answers the requests `unsupported-message`. */
  if (chip.gain_bits == 0) capabilities.features &= ~BEAMRIG_FEATURE_ELEMENT_GAIN;
  if (!chip.enables) capabilities.features &= ~BEAMRIG_FEATURE_ELEMENT_ENABLE;
  capabilities.gain_bits = chip.gain_bits;
  capabilities.elements = settings.elements;
  capabilities.rf_chains = settings.chains;
  capabilities.users = settings.users;
  capabilities.beam_memory = FIRMWARE_POSITIONS;
  capabilities.staging_slots = FIRMWARE_SLOTS;
  capabilities.panel_serial = (beamrig_text){settings.serial, (uint8_t)serial_length};
  capabilities.firmware = version();

  beamrig_reader_init(&reader, block, sizeof block);
  const eeprom_finding key = read_memory();
  uint32_t fault;
  do {
    board_feed_watchdog();
    fault = array_start(ARRAY_PATIENCE_US);
  } while (fault == ARRAY_BENCH_SILENT);
  if (!start_panel(key)) return false;
  if (fault != 0) beamrig_panel_fault(&panel, fault);
  return true;
}

/* ---- the loop --------------------------------------------------------------------------------------------------------------------- */

/* Type of a request and the position that it names, which the panel keeps to itself. */
static uint16_t position_of(size_t length, uint8_t type) {
  if (length < BEAMRIG_MIN_FRAME_BYTES + 6u || block[1] != type) return ARRAY_NO_POSITION;
  return beamrig_get_u16(block + BEAMRIG_HEADER_BYTES + 4);
}

/* Writes the beam that was told to wait to the chips; what they radiate stays. */
static void stage_ahead(void) {
  if (panel.waiting_id == array_ahead()) return;
  array_forget_ahead();
  if (panel.waiting_id == 0) return;
  beamrig_beam waiting;
  beamrig_panel_waiting_beam(&panel, &waiting);
  const chip_beam beam = of_chips(&waiting);
  array_stage_ahead(panel.waiting_id, &beam, waiting.weights);
}

static void answer(size_t length, uint64_t received_us) {
  board_feed_watchdog();
  const uint16_t storing = position_of(length, BEAMRIG_STORE_BEAM);
  selecting = position_of(length, BEAMRIG_SELECT_BEAM);
  const size_t reply_length = beamrig_panel_receive_at(&panel, block, length, received_us, reply, sizeof reply);
  selecting = ARRAY_NO_POSITION;
  if (storing < capabilities.beam_memory && reply_length > 0 && reply[1] == BEAMRIG_ACK) {
    const chip_beam stored = stored_beam(storing);
    array_store(storing, &stored);
  }
  if (reply_length > 0) board_send(BOARD_HOST_PORT, line, beamrig_serial_encode(reply, reply_length, line));
  stage_ahead();
}

/* A board whose chips are all there again is idle and muted. */
static void recover(void) {
  const uint64_t now_us = board_time_us();
  if (panel.state != BEAMRIG_STATE_FAULT) {
    recover_at_us = now_us + RECOVERY_US;
    recovery_patience_us = MUTE_PATIENCE_US;
    return;
  }
  if (now_us < recover_at_us) return;
  const uint32_t fault = array_start(recovery_patience_us);
  recover_at_us = board_time_us() + RECOVERY_US;
  recovery_patience_us = recovery_patience_us < ARRAY_PATIENCE_US ? 2u * recovery_patience_us : ARRAY_PATIENCE_US;
  if (fault != 0) return;
  unanswered = 0;
  beamrig_panel_recover(&panel);
}

/* Looks at one line after the other while there is nothing else to do: a chip that has lost its supply is no part of the beam any more. */
static void check_chips(void) {
  const uint64_t now_us = board_time_us();
  if (panel.state == BEAMRIG_STATE_FAULT || now_us < check_at_us) return;
  const bool soon = beamrig_panel_next_us(&panel) < now_us + CHECK_PATIENCE_US;
  if (soon && now_us < check_at_us + CHECK_OVERDUE_US) return;
  const uint32_t fault = array_check(CHECK_PATIENCE_US);
  check_at_us = board_time_us() + CHECK_US;
  if (fault == ARRAY_CHIP_SILENT) beamrig_panel_fault(&panel, fault);
  /* A bench that is slow is no fault as long as no beam is due; one that is gone is, because nobody can switch the array off any more. */
  unanswered = fault == ARRAY_BENCH_SILENT ? unanswered + 1u : 0;
  if (unanswered >= MOST_UNANSWERED) beamrig_panel_fault(&panel, fault);
}

uint64_t firmware_turn(void) {
  uint8_t byte;
  bool idle = true;
  board_feed_watchdog();
  /* What was lost on the way is seen as a damaged frame, and the zero byte after it is where the next one begins. */
  while (board_take(BOARD_HOST_PORT, &byte)) {
    idle = false;
    const size_t length = beamrig_reader_take(&reader, byte);
    if (length == 0) continue;
    beamrig_panel_count_bad_frames(&panel, beamrig_reader_discarded(&reader) - counted_discards);
    counted_discards = beamrig_reader_discarded(&reader);
    answer(length, board_delimited_us(BOARD_HOST_PORT));
  }
  beamrig_panel_poll(&panel);
  recover();
  if (idle) check_chips();
  return beamrig_panel_next_us(&panel);
}

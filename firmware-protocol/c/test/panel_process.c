/*
 * A panel without a board, as a process: records on stdin, one answer each on stdout. A record is a kind (u8), a length (u32), and
 * so many bytes; an answer is a length (u32) and so many bytes.
 *
 *     N  new panel: streams (u16), bootCount (u32), bytes of the longest reply that is remembered (u16; 0: no request is), which part of its
 *        memory is one short (u8; 0: none), then a `capabilities` frame that says what it is
 *     F  a bare frame              -> the reply, or nothing
 *     A  the time at which it came in, us (u64), and a bare frame   -> the reply, or nothing
 *     D  by how much the clock goes on whenever it is read, us (u64)   -> nothing
 *     T  panel time, us (u64)      -> nothing; the main loop turns whenever the panel asked for it, and once at this time
 *     W  what is radiated          -> nothing when muted, else its words (u16), enables (u8) and gains (u16), where none were sent those of all on
 *        at full gain
 *     X  the board breaks (u32)    -> nothing; from now on it answers `apply` with this fault code
 *     B  the board finds a fault (u32), R it recovers   -> nothing
 *     H  it reports users from one on (u16), so many (u16)   -> nothing
 *     K  the panel gets this key, and its limit of counters as it is stored   -> nothing
 *     P  the limit of counters stored on the board (u64), S whether it can store another one (u8)   -> nothing
 *     L  what is stored            -> the limit (u64)
 *     M  what the front end measures from now on: 0 as ever, 1 no number, 2 from no pilots, 3 no user but the last, and him out of range, 4 no temperature (u8)   -> nothing
 */
#include "../beamrig_panel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_RECORD_BYTES (1 << 16)
#define REMEMBERED_REQUESTS 16

typedef struct {
  uint64_t now_us;
  uint64_t tick_us;
  uint32_t fault;
  bool muted;
  size_t word_count;
  uint16_t chains;
  uint16_t users;
  uint16_t *words;
  uint8_t *enables;
  uint16_t *gains;
  uint16_t full_gain;
  uint64_t stored_limit;
  bool stores;
  uint8_t measures;
} board;

static board hardware;
static beamrig_panel panel;
static uint8_t capabilities_frame[BEAMRIG_MAX_FRAME_BYTES];
static void *memory_blocks[12];
static size_t memory_count;

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(2);
}

/* Kept until the next panel, so that each panel's memory is of just its size. */
static void *allocate(size_t size) {
  void *const memory = malloc(size == 0 ? 1 : size);
  if (memory == NULL || memory_count == sizeof memory_blocks / sizeof memory_blocks[0]) fail("out of memory");
  memory_blocks[memory_count++] = memory;
  /* What a panel finds in memory is no zero. */
  memset(memory, 0xa5, size == 0 ? 1 : size);
  return memory;
}

static uint32_t apply(void *context, const beamrig_beam *beam) {
  board *const it = context;
  if (it->fault != 0) return it->fault;
  memcpy(it->words, beam->words, it->word_count * sizeof *it->words);
  for (size_t i = 0; i < it->word_count; i++) {
    it->enables[i] = beam->enables == NULL ? 1 : beam->enables[i];
    it->gains[i] = beam->gains == NULL ? it->full_gain : beam->gains[i];
  }
  it->muted = false;
  return 0;
}

static void mute(void *context) {
  ((board *)context)->muted = true;
}

static uint64_t time_us(void *context) {
  board *const it = context;
  it->now_us += it->tick_us;
  return it->now_us;
}

static int16_t temperature(void *context) {
  (void)context;
  return 2500;
}

static bool measure_snr(void *context, uint32_t *pilots, uint8_t *snr) {
  if (((board *)context)->measures == 2) *pilots = 0;
  const uint16_t users = ((board *)context)->users;
  if (((board *)context)->measures == 3) {
    beamrig_put_reading(snr, (uint16_t)(users - 1u), BEAMRIG_NO_READING);
    return true;
  }
  for (uint16_t user = 0; user < users; user++) beamrig_put_reading(snr, user, 1000 - 700 * user);
  return true;
}

static bool measure_pilots(void *context, uint16_t user, uint32_t *pilots, uint8_t *values) {
  const board *const it = context;
  if (it->measures == 2) *pilots = 0;
  if (it->measures == 1) user = UINT16_MAX;
  for (uint16_t i = 0; i < 2 * ((board *)context)->chains; i++) {
    beamrig_put_f32(values + 4u * i, user == UINT16_MAX ? NAN : (float)user - 0.5f * (float)i);
  }
  return true;
}

static bool store_limit(void *context, uint64_t limit) {
  board *const it = context;
  if (it->stores) it->stored_limit = limit;
  return it->stores;
}

static void start(const uint8_t *record, size_t length) {
  beamrig_header header;
  beamrig_message message;
  const uint16_t streams = beamrig_get_u16(record);
  const size_t reply_bytes = beamrig_get_u16(record + 6);
  const size_t remembered = reply_bytes != 0 ? REMEMBERED_REQUESTS : 0;
  const uint8_t short_of = record[8];
  memcpy(capabilities_frame, record + 9, length - 9);
  if (beamrig_decode(capabilities_frame, length - 9, &header, &message) != BEAMRIG_GOOD || message.type != BEAMRIG_CAPABILITIES) {
    fail("no capabilities");
  }
  while (memory_count > 0) free(memory_blocks[--memory_count]);
  const beamrig_capabilities *const it = &message.as.capabilities;
  const size_t words = (size_t)it->elements * it->rf_chains;
  const size_t weights = (size_t)it->rf_chains * streams;
  const size_t waiting = (it->features & BEAMRIG_FEATURE_TIME_SYNC) != 0 ? 1 : 0;
  const size_t beams = (size_t)it->staging_slots + it->beam_memory + 1 + waiting;
  hardware.muted = false;
  hardware.measures = 0;
  hardware.fault = 0;
  hardware.now_us = 0;
  hardware.tick_us = 0;
  hardware.word_count = words;
  hardware.chains = it->rf_chains;
  hardware.users = it->users;
  hardware.words = allocate(words * sizeof(uint16_t));
  hardware.enables = allocate(words);
  hardware.gains = allocate(words * sizeof(uint16_t));
  hardware.full_gain = (uint16_t)((1ul << it->gain_bits) - 1ul);
  const size_t enables = (it->features & BEAMRIG_FEATURE_ELEMENT_ENABLE) != 0 ? words : 0;
  const size_t gains = (it->features & BEAMRIG_FEATURE_ELEMENT_GAIN) != 0 ? words : 0;
  const size_t coverage = BEAMRIG_COVERAGE_BYTES(words + weights + enables + gains);
  beamrig_panel_memory memory = {
      allocate(beams * words * sizeof(uint16_t)),
      beams * words,
      allocate(beams * 2 * weights * sizeof(float)),
      beams * 2 * weights,
      allocate(beams * enables),
      beams * enables,
      allocate(beams * gains * sizeof(uint16_t)),
      beams * gains,
      allocate(it->staging_slots * coverage),
      it->staging_slots * coverage,
      allocate(it->staging_slots * sizeof(beamrig_slot)),
      it->staging_slots,
      allocate(it->beam_memory),
      it->beam_memory,
      allocate(remembered * sizeof(beamrig_remembered)),
      remembered,
      allocate(remembered * reply_bytes),
      reply_bytes,
  };
  size_t *const rooms[] = {&memory.word_room, &memory.weight_room, &memory.coverage_room, &memory.slot_room, &memory.stored_room,
                           &memory.enable_room, &memory.gain_room};
  if (short_of > 0) --*rooms[short_of - 1];
  beamrig_hardware callbacks = {&hardware, apply, mute, time_us, temperature, measure_snr, measure_pilots};
  if (it->role == BEAMRIG_ROLE_USER) {
    /* A board with receivers only gives its panel nothing else. */
    callbacks.apply = NULL;
    callbacks.mute = NULL;
    callbacks.temperature_centi_c = NULL;
    hardware.muted = true;
    const beamrig_panel_memory replies = {NULL, 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0, memory.remembered, remembered,
                                          memory.replies, reply_bytes};
    memory = replies;
  }
  if (!beamrig_panel_init(&panel, it, streams, &callbacks, &memory, beamrig_get_u32(record + 2))) fail("the panel refuses to start");
}

static void answer(const uint8_t *bytes, size_t length) {
  uint8_t prefix[4];
  beamrig_put_u32(prefix, (uint32_t)length);
  if (fwrite(prefix, 1, sizeof prefix, stdout) != sizeof prefix || fwrite(bytes, 1, length, stdout) != length) fail("stdout is closed");
}

/* `received_us` is NULL where the panel is to read its clock itself. */
static void receive(const uint8_t *frame, size_t length, const uint8_t *received_us) {
  const size_t room = BEAMRIG_REPLY_BYTES(panel.capabilities.max_payload_bytes);
  /* Both of just their size, so that a sanitizer sees one byte too many. */
  uint8_t *const copy = malloc(length == 0 ? 1 : length);
  uint8_t *const reply = malloc(room);
  if (copy == NULL || reply == NULL) fail("out of memory");
  memcpy(copy, frame, length);
  if (received_us == NULL) {
    answer(reply, beamrig_panel_receive(&panel, copy, length, reply, room));
  } else {
    answer(reply, beamrig_panel_receive_at(&panel, copy, length, beamrig_get_u64(received_us), reply, room));
  }
  free(copy);
  free(reply);
}

/* As a board does that sleeps between its interrupts. */
static void let_time_pass(uint64_t until_us) {
  for (uint64_t next = beamrig_panel_next_us(&panel); next <= until_us; next = beamrig_panel_next_us(&panel)) {
    if (next > hardware.now_us) hardware.now_us = next;
    beamrig_panel_poll(&panel);
    if (beamrig_panel_next_us(&panel) <= hardware.now_us) fail("the panel asks for a time that is over");
  }
  hardware.now_us = until_us;
  beamrig_panel_poll(&panel);
}

static void show(void) {
  static uint8_t bytes[5 * MAX_RECORD_BYTES];
  const size_t count = hardware.word_count;
  for (size_t i = 0; i < count && !hardware.muted; i++) {
    beamrig_put_u16(bytes + 2 * i, hardware.words[i]);
    bytes[2 * count + i] = hardware.enables[i];
    beamrig_put_u16(bytes + 3 * count + 2 * i, hardware.gains[i]);
  }
  answer(bytes, hardware.muted ? 0 : 5 * count);
}

int main(void) {
  static uint8_t record[MAX_RECORD_BYTES];
  uint8_t prefix[5];
  while (fread(prefix, 1, sizeof prefix, stdin) == sizeof prefix) {
    const size_t length = beamrig_get_u32(prefix + 1);
    if (length > sizeof record || fread(record, 1, length, stdin) != length) fail("a record is cut short");
    switch (prefix[0]) {
      case 'N':
        start(record, length);
        answer(record, 0);
        break;
      case 'F':
        receive(record, length, NULL);
        break;
      case 'A':
        receive(record + 8, length - 8, record);
        break;
      case 'D':
        hardware.tick_us = beamrig_get_u64(record);
        answer(record, 0);
        break;
      case 'T':
        let_time_pass(beamrig_get_u64(record));
        answer(record, 0);
        break;
      case 'W':
        show();
        break;
      case 'X':
        hardware.fault = beamrig_get_u32(record);
        answer(record, 0);
        break;
      case 'B':
        beamrig_panel_fault(&panel, beamrig_get_u32(record));
        answer(record, 0);
        break;
      case 'R':
        beamrig_panel_recover(&panel);
        answer(record, 0);
        break;
      case 'H':
        hardware.users = beamrig_get_u16(record + 2);
        if (!beamrig_panel_reports(&panel, beamrig_get_u16(record), hardware.users)) fail("the panel refuses its users");
        answer(record, 0);
        break;
      case 'K':
        if (!beamrig_panel_authenticate(&panel, record, length, hardware.stored_limit, store_limit)) fail("the panel refuses its key");
        answer(record, 0);
        break;
      case 'P':
        hardware.stored_limit = beamrig_get_u64(record);
        answer(record, 0);
        break;
      case 'S':
        hardware.stores = record[0] != 0;
        answer(record, 0);
        break;
      case 'M':
        hardware.measures = record[0];
        panel.hardware.temperature_centi_c = record[0] == 4 ? NULL : temperature;
        answer(record, 0);
        break;
      case 'L':
        beamrig_put_u64(record, hardware.stored_limit);
        answer(record, 8);
        break;
      default:
        fail("unknown record");
    }
    fflush(stdout);
  }
  while (memory_count > 0) free(memory_blocks[--memory_count]);
  return 0;
}

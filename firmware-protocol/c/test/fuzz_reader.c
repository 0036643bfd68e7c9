/*
 * Any bytes into reader, decoder and panel. An input is a first byte that chooses, and then
 *   even: the bytes of a serial line as they are;
 *   odd:  frames without their CRC, each after its length (u16), which get their CRC and are sent, so that mutations get past it.
 * Bit 1 of the first byte chooses a reader too small for long frames. Bit 2 gives the panel a key: then each of the frames of an odd input
 * is sealed under that key and a counter that goes up, unless the highest bit of its length is set (it goes as it is) or the one
 * below it (it has a counter of before); the next bit lets the counter jump. Bits 3 and 4: the store for the limit of counters fails, and the
 * counters begin at their end. Bit 5 takes the optional features away.
 * What must hold whatever comes in stands in `require`.
 */
#include "../beamrig_panel.h"
#include "../beamrig_serial.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ELEMENTS 4
#define CHAINS 2
#define STREAMS 2
#define PHASE_BITS 6
#define GAIN_BITS 3
#define PAYLOAD_BYTES 64

static const uint8_t PING[] = {0x10, 0x02, 0x01, 0x00, 0x44, 0x33, 0x22, 0x11, 0xce, 0x36, 0xdf, 0x26};

static void require_that(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "does not hold: %s\n", what);
  abort();
}
#define require(condition) require_that(condition, #condition)

typedef struct {
  uint64_t now_us;
  bool dark;
  uint32_t crc; /* of the beam shown */
  bool stores;
  uint64_t stored_limit;
} board;

static uint32_t apply(void *context, const beamrig_beam *beam) {
  board *const it = context;
  const uint16_t *const words = beam->words;
  const float *const weights = beam->weights;
  float sum = 0;
  for (size_t i = 0; i < ELEMENTS * CHAINS; i++) require(words[i] < 1u << PHASE_BITS);
  for (size_t i = 0; weights != NULL && i < 2 * CHAINS * STREAMS; i++) sum += weights[i] - weights[i];
  require(sum == 0); /* all finite */
  for (size_t i = 0; beam->enables != NULL && i < ELEMENTS * CHAINS; i++) require(beam->enables[i] <= 1);
  for (size_t i = 0; beam->gains != NULL && i < ELEMENTS * CHAINS; i++) require(beam->gains[i] < 1u << GAIN_BITS);
  it->dark = false;
  it->crc = beamrig_beam_crc32c(words, beam->enables, beam->gains, ELEMENTS * CHAINS);
  /* A board that fails now and then. */
  return words[0] == 63 && words[1] == 63 ? 7 : 0;
}

static void mute(void *context) {
  ((board *)context)->dark = true;
}

static uint64_t time_us(void *context) {
  return ((board *)context)->now_us;
}

static bool measure_snr(void *context, uint32_t *pilots, uint8_t *snr) {
  (void)context;
  for (size_t user = 0; user < STREAMS; user++) beamrig_put_i16(snr + 2 * user, (int16_t)(100 * (int)user));
  return *pilots != 99;
}

static bool measure_pilots(void *context, uint16_t user, uint32_t *pilots, uint8_t *values) {
  (void)context;
  for (size_t i = 0; i < 2 * CHAINS; i++) beamrig_put_f32(values + 4 * i, (float)user);
  return *pilots != 99;
}

static bool store_limit(void *context, uint64_t limit) {
  board *const it = context;
  require(limit > it->stored_limit);
  if (it->stores) it->stored_limit = limit;
  return it->stores;
}

static const uint8_t PANEL_KEY[BEAMRIG_PANEL_KEY_BYTES] = {1, 2, 3};

BEAMRIG_PANEL_MEMORY(panel_memory, ELEMENTS *CHAINS, CHAINS *STREAMS, ELEMENTS *CHAINS, ELEMENTS *CHAINS, 2, 2, 4, 64);
/* A board with receivers only gives no more. */
BEAMRIG_RECEIVER_MEMORY(receiver_memory, 4, 64);
static board hardware;
static beamrig_panel panel;
static uint8_t block[BEAMRIG_COBS_BYTES(BEAMRIG_MAX_FRAME_BYTES)];

static beamrig_hmac_key key;
static uint64_t counter;

static void start_panel(uint8_t choice) {
  const bool receives_only = (choice & 64) != 0;
  beamrig_hardware callbacks = {&hardware, apply, mute, time_us, NULL, measure_snr, measure_pilots};
  beamrig_capabilities capabilities;
  memset(&capabilities, 0, sizeof capabilities);
  memset(&hardware, 0, sizeof hardware);
  capabilities.phase_bits = PHASE_BITS;
  capabilities.gain_bits = GAIN_BITS;
  capabilities.max_payload_bytes = PAYLOAD_BYTES;
  capabilities.features = (choice & 32) != 0 ? BEAMRIG_FEATURE_SNR_REPORT | BEAMRIG_FEATURE_DIGITAL_WEIGHTS | BEAMRIG_FEATURE_BEAM_MEMORY
                                             : BEAMRIG_PANEL_FEATURES;
  capabilities.elements = ELEMENTS;
  capabilities.rf_chains = CHAINS;
  capabilities.users = STREAMS;
  capabilities.beam_memory = 2;
  capabilities.staging_slots = 2;
  if (receives_only) {
    capabilities.role = BEAMRIG_ROLE_USER;
    capabilities.features = BEAMRIG_FEATURE_SNR_REPORT | BEAMRIG_FEATURE_PILOT_REPORT | BEAMRIG_FEATURE_TIME_SYNC;
    capabilities.elements = 1;
    capabilities.phase_bits = 1;
    capabilities.gain_bits = 0;
    capabilities.beam_memory = 0;
    capabilities.staging_slots = 1;
    callbacks.apply = NULL;
    callbacks.mute = NULL;
    hardware.dark = true;
  }
  if ((choice & 4) != 0) capabilities.features |= BEAMRIG_FEATURE_AUTHENTICATION;
  capabilities.panel_serial.bytes = "FUZZ";
  capabilities.panel_serial.length = 4;
  require(beamrig_panel_init(&panel, &capabilities, receives_only ? 0 : STREAMS, &callbacks,
                             receives_only ? &receiver_memory : &panel_memory, 1));
  if (receives_only && (choice & 128) != 0) require(beamrig_panel_reports(&panel, 1, 1));
  hardware.stores = (choice & 8) == 0;
  hardware.stored_limit = (choice & 16) == 0 ? 0 : UINT64_MAX - 9;
  counter = hardware.stored_limit;
  require(beamrig_hmac_prepare(&key, PANEL_KEY, sizeof PANEL_KEY));
  const bool authenticated =
      beamrig_panel_authenticate(&panel, PANEL_KEY, sizeof PANEL_KEY, hardware.stored_limit, store_limit);
  require(authenticated == ((choice & 4) != 0));
}

/* What was understood is said again in the same bytes; what a later version may have appended is left out. */
static void check_round_trip(const uint8_t *frame, size_t length, const beamrig_header *header, const beamrig_message *message) {
  static uint8_t again[BEAMRIG_FRAME_BYTES(BEAMRIG_MAX_PAYLOAD_BYTES)];
  const size_t encoded = beamrig_encode(message, header->seq, again, sizeof again);
  require(encoded >= BEAMRIG_MIN_FRAME_BYTES && encoded <= length);
  require(beamrig_encode(message, header->seq, again, encoded - 1) == 0);
  require(beamrig_encode(message, header->seq, again, encoded) == encoded);
  const size_t start = header->major == BEAMRIG_PROTOCOL_MAJOR ? 0 : 1;
  require(memcmp(again + start, frame + start, encoded - BEAMRIG_CRC_BYTES - start) == 0);
}

/* What holds of a panel at any time. */
static void check_state(void) {
  require((panel.radiated_id == 0) || !panel.dark);
  require(panel.dark == hardware.dark);
  require(panel.capabilities.role != BEAMRIG_ROLE_USER || (panel.dark && panel.radiated_id == 0 && panel.waiting_id == 0));
  require(panel.state != BEAMRIG_STATE_FAULT || panel.dark);
  /* What waits is a beam to come, in a slot that nobody has taken, of a board that works. */
  if (panel.waiting_id != 0) {
    require(panel.waiting_id > panel.newest && panel.waiting_us > hardware.now_us);
    require(panel.memory.slots[panel.waiting_slot].beam_id == panel.waiting_id);
    require(panel.waiting_id > panel.cancelled_id ||
            (panel.waiting_id == panel.cancelled_id && panel.waiting_us > panel.cancelled_us));
    require(panel.state != BEAMRIG_STATE_FAULT);
  }
  require(beamrig_panel_next_us(&panel) > hardware.now_us);
  /* Nothing is switched on that nobody watches. */
  require(panel.state != BEAMRIG_STATE_RADIATING || panel.watching);
  require(panel.guard.limit <= hardware.stored_limit && panel.guard.heard.newest <= hardware.stored_limit);
  require(panel.guard.sent <= hardware.stored_limit);
}

/* Time passes as it does for a board that sleeps until the panel asks for it. */
static void let_time_pass(uint64_t us) {
  const uint64_t until_us = hardware.now_us + us;
  while (beamrig_panel_next_us(&panel) <= until_us) {
    hardware.now_us = beamrig_panel_next_us(&panel);
    beamrig_panel_poll(&panel);
    check_state();
  }
  hardware.now_us = until_us;
  beamrig_panel_poll(&panel);
  check_state();
}

/* The reply without its authentication; what it may be without one stands here. */
static void open_reply(uint8_t *reply, size_t *length, uint64_t sent_before) {
  const size_t end = *length - BEAMRIG_CRC_BYTES;
  if ((reply[0] & BEAMRIG_FLAG_AUTHENTICATED) == 0) {
    require(*length == BEAMRIG_FRAME_BYTES(5) && reply[1] == BEAMRIG_NACK);
    require(reply[8] == BEAMRIG_NACK_NOT_AUTHENTICATED || reply[8] == BEAMRIG_NACK_REPLAYED);
    require(panel.guard.sent == sent_before);
    return;
  }
  uint64_t own;
  require(beamrig_crc32c(reply, end) == beamrig_get_u32(reply + end));
  require(beamrig_open(reply, *length, &key, &own));
  require(own == sent_before + 1 && own == panel.guard.sent);
  *length -= BEAMRIG_AUTHENTICATION_BYTES;
  reply[0] &= (uint8_t)~BEAMRIG_FLAG_AUTHENTICATED;
  beamrig_put_u32(reply + *length - BEAMRIG_CRC_BYTES, beamrig_crc32c(reply, *length - BEAMRIG_CRC_BYTES));
}

/* What a frame that is refused leaves as it was, in one number. */
static uint32_t standing(void) {
  uint32_t crc = beamrig_words_crc32c(panel.memory.words, panel.memory.word_room) ^
                 beamrig_words_crc32c(panel.memory.gains, panel.memory.gain_room);
  crc = beamrig_crc32c_continue(crc, panel.memory.enables, panel.memory.enable_room);
  const uint32_t numbers[] = {panel.state, panel.newest, panel.radiated_id, panel.waiting_id, panel.silence_ms, (uint32_t)panel.heard_us};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    uint8_t bytes[4];
    beamrig_put_u32(bytes, numbers[i]);
    crc = beamrig_crc32c_continue(crc, bytes, sizeof bytes);
  }
  return crc;
}

static void check_panel(const uint8_t *frame, size_t length, beamrig_verdict verdict, const beamrig_header *header) {
  static uint8_t reply[BEAMRIG_REPLY_BYTES(PAYLOAD_BYTES)];
  const bool keyed = (panel.capabilities.features & BEAMRIG_FEATURE_AUTHENTICATION) != 0;
  const uint64_t sent_before = panel.guard.sent;
  const uint64_t heard_before = panel.guard.heard.newest;
  const uint64_t seen_before = panel.guard.heard.seen;
  let_time_pass(1000);
  const uint32_t before = standing();
  const uint64_t silent_since_us = panel.heard_us;
  size_t reply_length = beamrig_panel_receive(&panel, frame, length, reply, sizeof reply);
  check_state();
  uint64_t its;
  const bool ours = beamrig_open(frame, length, &key, &its);
  if (keyed && (!ours || header->type == BEAMRIG_CHALLENGE)) {
    /* Somebody without the key, or a challenge that may be an old one: nothing has changed. */
    require(before == standing() && panel.guard.heard.newest == heard_before && panel.guard.heard.seen == seen_before);
  }
  if (reply_length == 0) {
    require(keyed || verdict != BEAMRIG_GOOD || !beamrig_is_request(header->type));
    require(!keyed || !hardware.stores || panel.guard.sent == UINT64_MAX || !beamrig_is_request(frame[1]));
    return;
  }
  if (keyed) open_reply(reply, &reply_length, sent_before);
  beamrig_header reply_header;
  beamrig_message message;
  require(beamrig_decode(reply, reply_length, &reply_header, &message) == BEAMRIG_GOOD);
  require(!beamrig_is_request(reply_header.type) && reply_header.seq == beamrig_get_u16(frame + 2));
  /* Neither a refusal nor a greeting is a session that works. */
  if (message.type == BEAMRIG_NACK || message.type == BEAMRIG_CAPABILITIES || message.type == BEAMRIG_CHALLENGED) {
    require(panel.heard_us == silent_since_us);
  }
  if (message.type == BEAMRIG_COMMITTED && panel.state == BEAMRIG_STATE_RADIATING &&
      message.as.committed.beam_id == panel.radiated_id && message.as.committed.time_us == panel.latched_us) {
    require(message.as.committed.words_crc32c == hardware.crc);
  }
  if (message.type == BEAMRIG_SYNCED) require(message.as.synced.panel_receive_us <= message.as.synced.panel_send_us);
}

static void take_frame(const uint8_t *frame, size_t length) {
  beamrig_header header = {0, 0, 0, 0};
  beamrig_message message;
  require(length >= BEAMRIG_MIN_FRAME_BYTES && length <= BEAMRIG_MAX_FRAME_BYTES);
  const beamrig_verdict verdict = beamrig_decode(frame, length, &header, &message);
  require(verdict != BEAMRIG_TOO_SHORT && verdict != BEAMRIG_BAD_CRC);
  if (verdict == BEAMRIG_GOOD) check_round_trip(frame, length, &header, &message);
  check_panel(frame, length, verdict, &header);
  /* A link that damages frames where no reader has looked at them. */
  if (frame[2] == 0xf9) {
    uint8_t reply[BEAMRIG_REPLY_BYTES(PAYLOAD_BYTES)];
    require(beamrig_panel_receive(&panel, frame, length - 1, reply, sizeof reply) == 0);
  }
  /* A board that breaks and recovers, now and then. */
  if (frame[2] == 0xfa) beamrig_panel_fault(&panel, frame[3]);
  if (frame[2] == 0xfb) beamrig_panel_recover(&panel);
  check_state();
}

static size_t read_bytes(beamrig_reader *reader, const uint8_t *bytes, size_t length) {
  size_t frames = 0;
  for (size_t i = 0; i < length; i++) {
    const size_t found = beamrig_reader_take(reader, bytes[i]);
    require(reader->used <= reader->capacity);
    if (found == 0) continue;
    frames++;
    take_frame(reader->block, found);
  }
  return frames;
}

static void read_closed(beamrig_reader *reader, const uint8_t *data, size_t size, bool keyed) {
  static uint8_t frame[BEAMRIG_MAX_FRAME_BYTES + 8];
  static uint8_t line[BEAMRIG_SERIAL_BYTES(sizeof frame)];
  while (size >= 2) {
    const uint16_t said = beamrig_get_u16(data);
    const bool sealed = keyed && (said & 0x8000u) == 0;
    const size_t around = BEAMRIG_CRC_BYTES + (sealed ? BEAMRIG_AUTHENTICATION_BYTES : 0u);
    size_t length = keyed ? said & 0x1fffu : said;
    data += 2;
    size -= 2;
    if (length > size) length = size;
    if (length > sizeof frame - around) length = sizeof frame - around;
    memcpy(frame, data, length);
    data += length;
    size -= length;
    beamrig_put_u32(frame + length, beamrig_crc32c(frame, length));
    length += BEAMRIG_CRC_BYTES;
    if (sealed && length >= BEAMRIG_MIN_FRAME_BYTES) {
      const uint64_t back = (said & 0x4000u) == 0 ? 0 : said % 97u;
      if (back == 0) counter += (said & 0x2000u) == 0 ? 1 : 5;
      length = beamrig_seal(frame, length, sizeof frame, &key, counter - (back < counter ? back : counter));
      require(length > 0);
    }
    const size_t sent = beamrig_serial_encode(frame, length, line);
    require(sent <= BEAMRIG_SERIAL_BYTES(length));
    const bool fits = length >= BEAMRIG_MIN_FRAME_BYTES && length <= BEAMRIG_MAX_FRAME_BYTES && sent - 1 <= reader->capacity;
    require(read_bytes(reader, line, sent) == (fits ? 1u : 0u));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  beamrig_reader reader;
  beamrig_reader_init(&reader, block, data[0] & 2 ? 32 : sizeof block);
  start_panel(data[0]);
  if (data[0] & 1) {
    read_closed(&reader, data + 1, size - 1, (data[0] & 4) != 0);
  } else {
    read_bytes(&reader, data + 1, size - 1);
  }
  /* Whatever came before: after one delimiter the next good frame is found. */
  uint8_t line[1 + BEAMRIG_SERIAL_BYTES(sizeof PING)];
  line[0] = 0;
  const size_t sent = beamrig_serial_encode(PING, sizeof PING, line + 1);
  read_bytes(&reader, line, 1);
  require(read_bytes(&reader, line + 1, sent) == 1);
  require(memcmp(block, PING, sizeof PING) == 0);
  return 0;
}

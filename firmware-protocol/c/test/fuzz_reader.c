/*
 * Any bytes into reader, decoder and panel. An input is a first byte that chooses, and then
 *   even: the bytes of a serial line as they are;
 *   odd:  frames without their CRC, each after its length (u16), which are sealed and sent, so that mutations get past the CRC.
 * Bit 1 of the first byte chooses a reader too small for long frames. What must hold whatever comes in stands in `require`.
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
  uint32_t crc; /* of the words shown */
} board;

static uint32_t apply(void *context, const uint16_t *words, const float *weights) {
  board *const it = context;
  float sum = 0;
  for (size_t i = 0; i < ELEMENTS * CHAINS; i++) require(words[i] < 1u << PHASE_BITS);
  for (size_t i = 0; weights != NULL && i < 2 * CHAINS * STREAMS; i++) sum += weights[i] - weights[i];
  require(sum == 0); /* all finite */
  it->dark = false;
  it->crc = beamrig_words_crc32c(words, ELEMENTS * CHAINS);
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

BEAMRIG_PANEL_MEMORY(panel_memory, ELEMENTS *CHAINS, CHAINS *STREAMS, 2, 2, 4, 64);
static board hardware;
static beamrig_panel panel;
static uint8_t block[BEAMRIG_COBS_BYTES(BEAMRIG_MAX_FRAME_BYTES)];

static void start_panel(void) {
  const beamrig_hardware callbacks = {&hardware, apply, mute, time_us, NULL, measure_snr, measure_pilots};
  beamrig_capabilities capabilities;
  memset(&capabilities, 0, sizeof capabilities);
  memset(&hardware, 0, sizeof hardware);
  capabilities.phase_bits = PHASE_BITS;
  capabilities.max_payload_bytes = PAYLOAD_BYTES;
  capabilities.features = BEAMRIG_PANEL_FEATURES;
  capabilities.elements = ELEMENTS;
  capabilities.rf_chains = CHAINS;
  capabilities.users = STREAMS;
  capabilities.beam_memory = 2;
  capabilities.staging_slots = 2;
  capabilities.panel_serial.bytes = "FUZZ";
  capabilities.panel_serial.length = 4;
  require(beamrig_panel_init(&panel, &capabilities, STREAMS, &callbacks, &panel_memory, 1));
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

static void check_panel(const uint8_t *frame, size_t length, beamrig_verdict verdict, const beamrig_header *header) {
  static uint8_t reply[BEAMRIG_REPLY_BYTES(PAYLOAD_BYTES)];
  hardware.now_us += 1000;
  const size_t reply_length = beamrig_panel_receive(&panel, frame, length, reply, sizeof reply);
  require((panel.radiated_id == 0) || !panel.dark);
  require(panel.dark == hardware.dark);
  require(panel.state != BEAMRIG_STATE_FAULT || panel.dark);
  if (reply_length == 0) {
    require(verdict != BEAMRIG_GOOD || !beamrig_is_request(header->type));
    return;
  }
  beamrig_header reply_header;
  beamrig_message message;
  require(beamrig_decode(reply, reply_length, &reply_header, &message) == BEAMRIG_GOOD);
  require(!beamrig_is_request(reply_header.type) && reply_header.seq == header->seq);
  if (message.type == BEAMRIG_COMMITTED && panel.state == BEAMRIG_STATE_RADIATING &&
      message.as.committed.beam_id == panel.radiated_id && message.as.committed.time_us == panel.latched_us) {
    require(message.as.committed.words_crc32c == hardware.crc);
  }
}

static void take_frame(const uint8_t *frame, size_t length) {
  beamrig_header header = {0, 0, 0, 0};
  beamrig_message message;
  require(length >= BEAMRIG_MIN_FRAME_BYTES && length <= BEAMRIG_MAX_FRAME_BYTES);
  const beamrig_verdict verdict = beamrig_decode(frame, length, &header, &message);
  require(verdict != BEAMRIG_TOO_SHORT && verdict != BEAMRIG_BAD_CRC);
  if (verdict == BEAMRIG_GOOD) check_round_trip(frame, length, &header, &message);
  check_panel(frame, length, verdict, &header);
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

static void read_sealed(beamrig_reader *reader, const uint8_t *data, size_t size) {
  static uint8_t frame[BEAMRIG_MAX_FRAME_BYTES + 8];
  static uint8_t line[BEAMRIG_SERIAL_BYTES(sizeof frame)];
  while (size >= 2) {
    size_t length = beamrig_get_u16(data);
    data += 2;
    size -= 2;
    if (length > size) length = size;
    if (length > sizeof frame - BEAMRIG_CRC_BYTES) length = sizeof frame - BEAMRIG_CRC_BYTES;
    memcpy(frame, data, length);
    data += length;
    size -= length;
    beamrig_put_u32(frame + length, beamrig_crc32c(frame, length));
    length += BEAMRIG_CRC_BYTES;
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
  start_panel();
  if (data[0] & 1) {
    read_sealed(&reader, data + 1, size - 1);
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

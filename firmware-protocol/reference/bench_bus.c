#include "bench_bus.h"

#include "beamrig_serial.h"
#include "board.h"

/* Codes that the panel protocol leaves to experiments; replies have bit 7 set. */
enum {
  TRANSFER = 0x70,
  WEIGHTS = 0x71,
  MEASURE_SNR = 0x72,
  MEASURE_CHAINS = 0x73,
  TEMPERATURE = 0x74,
  READ_EEPROM = 0x75,
  WRITE_EEPROM = 0x76
};
#define REPLY 0x80u
#define DONE 0u

#define MAX_PAYLOAD_BYTES 1024u
#define FRAME_BYTES BEAMRIG_FRAME_BYTES(MAX_PAYLOAD_BYTES)
#define SEGMENT_PREFIX_BYTES 6u
#define TRANSFER_PREFIX_BYTES 1u

static uint8_t frame[FRAME_BYTES];
static uint8_t line[BEAMRIG_SERIAL_BYTES(FRAME_BYTES)];
static uint8_t block[BEAMRIG_COBS_BYTES(FRAME_BYTES)];
static beamrig_reader reader;

static uint16_t next_number;
/* Requests sent and not answered, the oldest first: all are answered in order. */
static uint16_t oldest_number;
static bool failed;
/* How long the bench may take for an answer; one that took longer is gone, and is not waited for again until bench_start. */
static uint32_t patience_us;
static bool gone;
/* The transfer that is being put together: length of its payload, 0 = none; where its last segment begins. */
static size_t used;
static size_t segment_at;

static uint8_t *payload(void) {
  return frame + BEAMRIG_HEADER_BYTES;
}

void bench_start(uint32_t longest_answer_us) {
  beamrig_reader_init(&reader, block, sizeof block);
  patience_us = longest_answer_us;
  gone = false;
  used = 0;
  segment_at = 0;
  failed = false;
  oldest_number = next_number;
}

static void send(uint8_t type, size_t payload_bytes) {
  const size_t length = beamrig_frame_close(frame, type, next_number++, payload_bytes);
  board_send(BOARD_BENCH_PORT, line, beamrig_serial_encode(frame, length, line));
}

/* Waits for the next reply; 0 when the bench is silent, else the length of the frame at `block`. */
static size_t receive(void) {
  const uint64_t since_us = board_time_us();
  while (!gone) {
    uint8_t byte;
    while (board_take(BOARD_BENCH_PORT, &byte)) {
      const size_t length = beamrig_reader_take(&reader, byte);
      if (length > 0) return length;
    }
    gone = board_time_us() - since_us > patience_us;
    board_sleep(since_us + patience_us);
  }
  return 0;
}

/*
 * Takes replies until everything sent is answered. The last one's body stands at `*body`. Replies to what was given up earlier are passed
 * over; a reply that is missing, or says that something was not done, spoils the whole batch.
 */
static bool settle(const uint8_t **body, size_t *body_bytes) {
  while (oldest_number != next_number) {
    const size_t length = receive();
    if (length == 0) {
      failed = true;
      oldest_number = next_number;
      break;
    }
    const uint16_t number = beamrig_get_u16(block + 2);
    if ((block[1] & REPLY) == 0 || (uint16_t)(number - oldest_number) >= (uint16_t)(next_number - oldest_number)) continue;
    const size_t payload_bytes = length - BEAMRIG_MIN_FRAME_BYTES;
    if (number != oldest_number || payload_bytes == 0 || block[BEAMRIG_HEADER_BYTES] != DONE) failed = true;
    oldest_number = (uint16_t)(number + 1u);
    *body = block + BEAMRIG_HEADER_BYTES + 1u;
    *body_bytes = payload_bytes > 0 ? payload_bytes - 1u : 0;
  }
  const bool done = !failed;
  failed = false;
  return done;
}

/* Sends the transfer put together so far, with these effects. */
static void send_transfer(uint8_t effects) {
  if (used == 0) used = TRANSFER_PREFIX_BYTES;
  payload()[0] = effects;
  send(TRANSFER, used);
  used = 0;
  segment_at = 0;
}

void bench_spi(uint32_t lines, const uint8_t word[3]) {
  /* A segment may have to be begun for the word. */
  if (used + SEGMENT_PREFIX_BYTES + 3u > MAX_PAYLOAD_BYTES) send_transfer(0);
  if (used == 0) used = TRANSFER_PREFIX_BYTES;
  uint8_t *const at = payload();
  if (segment_at == 0 || beamrig_get_u32(at + segment_at) != lines) {
    segment_at = used;
    beamrig_put_u32(at + used, lines);
    beamrig_put_u16(at + used + 4, 0);
    used += SEGMENT_PREFIX_BYTES;
  }
  beamrig_put_u16(at + segment_at + 4, (uint16_t)(beamrig_get_u16(at + segment_at + 4) + 1u));
  memcpy(at + used, word, 3);
  used += 3u;
}

void bench_cut(void) {
  if (used > 0) send_transfer(0);
}

void bench_weights(const float *weights, uint16_t chains, uint16_t users) {
  bench_cut();
  const size_t count = weights == NULL ? 0 : 2u * (size_t)chains * users;
  if (4u + 4u * count > MAX_PAYLOAD_BYTES) {
    failed = true;
    return;
  }
  beamrig_put_u16(payload(), weights == NULL ? 0 : chains);
  beamrig_put_u16(payload() + 2, weights == NULL ? 0 : users);
  for (size_t i = 0; i < count; i++) beamrig_put_f32(payload() + 4u + 4u * i, weights[i]);
  send(WEIGHTS, 4u + 4u * count);
}

bool bench_finish(uint8_t effects) {
  const uint8_t *body;
  size_t body_bytes;
  send_transfer(effects);
  return settle(&body, &body_bytes);
}

bool bench_read_spi(uint32_t one_line, const uint8_t *words, uint16_t count, uint8_t *data) {
  const uint8_t *body = NULL;
  size_t body_bytes = 0;
  bench_cut();
  for (uint16_t i = 0; i < count; i++) bench_spi(one_line, words + 3u * i);
  send_transfer(0);
  if (!settle(&body, &body_bytes) || body_bytes != count) return false;
  memcpy(data, body, count);
  return true;
}

/* A request whose payload is in place, and its reply of just so many bytes. */
static const uint8_t *ask(uint8_t type, size_t payload_bytes, size_t expected_bytes) {
  const uint8_t *body = NULL;
  size_t body_bytes = 0;
  send(type, payload_bytes);
  return settle(&body, &body_bytes) && body_bytes == expected_bytes ? body : NULL;
}

bool bench_measure_snr(uint32_t *pilots, uint16_t users, uint8_t *centi_db) {
  bench_cut();
  beamrig_put_u32(payload(), *pilots);
  const uint8_t *const body = ask(MEASURE_SNR, 4, 4u + 2u * (size_t)users);
  if (body == NULL) return false;
  *pilots = beamrig_get_u32(body);
  memcpy(centi_db, body + 4, 2u * (size_t)users);
  return true;
}

bool bench_measure_chains(uint16_t user, uint32_t *pilots, uint16_t chains, uint8_t *values) {
  bench_cut();
  beamrig_put_u32(payload(), *pilots);
  beamrig_put_u16(payload() + 4, user);
  const uint8_t *const body = ask(MEASURE_CHAINS, 6, 4u + 8u * (size_t)chains);
  if (body == NULL) return false;
  *pilots = beamrig_get_u32(body);
  memcpy(values, body + 4, 8u * (size_t)chains);
  return true;
}

bool bench_temperature(int16_t *centi_c) {
  bench_cut();
  const uint8_t *const body = ask(TEMPERATURE, 0, 2);
  if (body == NULL) return false;
  *centi_c = beamrig_get_i16(body);
  return true;
}

bool bench_read_eeprom(uint16_t offset, uint8_t *bytes, uint16_t count) {
  bench_cut();
  beamrig_put_u16(payload(), offset);
  beamrig_put_u16(payload() + 2, count);
  const uint8_t *const body = ask(READ_EEPROM, 4, count);
  if (body == NULL) return false;
  memcpy(bytes, body, count);
  return true;
}

bool bench_write_eeprom(uint16_t offset, const uint8_t *bytes, uint16_t count) {
  bench_cut();
  if (2u + (size_t)count > MAX_PAYLOAD_BYTES) return false;
  beamrig_put_u16(payload(), offset);
  memcpy(payload() + 2, bytes, count);
  return ask(WRITE_EEPROM, 2u + (size_t)count, 0) != NULL;
}

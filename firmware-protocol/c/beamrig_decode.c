/* Messages in: payloads read field by field, in the order of the tables of PROTOCOL.md. */
#include "beamrig_messages.h"

#define MAX_MAJOR 15
#define MAX_GAIN_BITS 16

/* A payload that is being read. After a failure every read gives 0, so that a reader may go on and ask once at the end. */
typedef struct {
  const uint8_t *at;
  size_t left;
  bool failed;
} input;

static const uint8_t *take(input *in, size_t count) {
  if (in->failed || count > in->left) {
    in->failed = true;
    return NULL;
  }
  const uint8_t *const from = in->at;
  in->at += count;
  in->left -= count;
  return from;
}

static uint32_t in_range(input *in, uint32_t value, uint32_t min, uint32_t max) {
  if (value >= min && value <= max) return value;
  in->failed = true;
  return min;
}

static uint8_t take_u8(input *in, uint8_t min, uint8_t max) {
  const uint8_t *const at = take(in, 1);
  return at == NULL ? 0 : (uint8_t)in_range(in, at[0], min, max);
}

static uint16_t take_u16(input *in, uint16_t min, uint16_t max) {
  const uint8_t *const at = take(in, 2);
  return at == NULL ? 0 : (uint16_t)in_range(in, beamrig_get_u16(at), min, max);
}

static uint32_t take_u32(input *in, uint32_t min) {
  const uint8_t *const at = take(in, 4);
  return at == NULL ? 0 : in_range(in, beamrig_get_u32(at), min, 0xffffffffu);
}

static uint64_t take_u64(input *in) {
  const uint8_t *const at = take(in, 8);
  return at == NULL ? 0 : beamrig_get_u64(at);
}

/* UTF-8 as Unicode has it: no overlong forms, no surrogates, nothing above U+10FFFF; and no zero byte. */
static bool is_text(const uint8_t *bytes, size_t length) {
  size_t i = 0;
  while (i < length) {
    const uint8_t first = bytes[i++];
    if (first == 0) return false;
    if (first < 0x80) continue;
    const size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || more > length - i) return false;
    /* Only the first byte that follows is bounded more narrowly than 80 ... BF. */
    const uint8_t lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const uint8_t highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (bytes[i] < lowest || bytes[i] > highest) return false;
    for (size_t k = 1; k < more; k++) {
      if ((bytes[i + k] & 0xc0) != 0x80) return false;
    }
    i += more;
  }
  return true;
}

static beamrig_text take_text(input *in, uint8_t length) {
  beamrig_text text = {NULL, 0};
  const uint8_t *const at = take(in, length);
  if (at == NULL) return text;
  if (length > BEAMRIG_MAX_TEXT_BYTES || !is_text(at, length)) {
    in->failed = true;
    return text;
  }
  text.bytes = (const char *)at;
  text.length = length;
  return text;
}

static const uint8_t *take_words(input *in, size_t count, unsigned bits) {
  if (in->failed) return NULL;
  const uint8_t *const at = take(in, BEAMRIG_PACKED_BYTES(count, bits));
  if (at != NULL && !beamrig_unpack_words(at, bits, count, NULL)) in->failed = true;
  return at;
}

/* Finite numbers only. The exponent is looked at in the bytes: no float is touched here. */
static const uint8_t *take_floats(input *in, size_t count) {
  const uint8_t *const at = take(in, 4 * count);
  if (at == NULL) return NULL;
  for (size_t i = 0; i < count; i++) {
    if ((beamrig_get_u32(at + 4 * i) & 0x7f800000u) == 0x7f800000u) in->failed = true;
  }
  return at;
}

static void read_phases(input *in, uint8_t type, beamrig_phases *phases) {
  phases->slot = take_u8(in, 0, type == BEAMRIG_PHASES ? 0 : 0xff);
  phases->phase_bits = take_u8(in, 1, type == BEAMRIG_SET_ENABLES ? 1 : BEAMRIG_MAX_PHASE_BITS);
  phases->count = take_u16(in, 1, 0xffff);
  phases->beam_id = take_u32(in, type == BEAMRIG_PHASES ? 0 : 1);
  phases->offset = take_u32(in, 0);
  phases->packed = take_words(in, phases->count, phases->phase_bits);
}

static void read_patch(input *in, beamrig_patch *patch) {
  patch->slot = take_u8(in, 0, 0xff);
  patch->phase_bits = take_u8(in, 1, BEAMRIG_MAX_PHASE_BITS);
  patch->count = take_u16(in, 1, 0xffff);
  patch->beam_id = take_u32(in, 1);
  patch->from_beam_id = take_u32(in, 1);
  patch->places = take(in, 2u * (size_t)patch->count);
  patch->packed = take_words(in, patch->count, patch->phase_bits);
}

static void read_digital(input *in, beamrig_digital *digital) {
  digital->slot = take_u8(in, 0, 0xff);
  take_u8(in, 0, 0);
  digital->users = take_u16(in, 1, 0xffff);
  digital->beam_id = take_u32(in, 1);
  digital->offset = take_u32(in, 0);
  digital->count = take_u16(in, 1, 0xffff);
  take_u16(in, 0, 0);
  digital->weights = take_floats(in, 2u * (size_t)digital->count);
}

static void read_capabilities(input *in, beamrig_capabilities *it) {
  it->role = take_u8(in, BEAMRIG_ROLE_ARRAY, BEAMRIG_ROLE_USER);
  it->protocol_major = take_u8(in, 1, MAX_MAJOR);
  it->protocol_minor = take_u8(in, 0, 0xff);
  it->phase_bits = take_u8(in, 1, BEAMRIG_MAX_PHASE_BITS);
  it->array_id = take_u16(in, 0, 0xffff);
  it->max_payload_bytes = take_u16(in, BEAMRIG_MIN_PAYLOAD_BYTES, BEAMRIG_MAX_PAYLOAD_BYTES);
  it->features = take_u32(in, 0);
  it->elements = take_u16(in, 1, 0xffff);
  it->rf_chains = take_u16(in, 1, 0xffff);
  it->users = take_u16(in, 0, 0xffff);
  it->beam_memory = take_u16(in, 0, 0xffff);
  it->gain_bits = take_u8(in, 0, MAX_GAIN_BITS);
  it->staging_slots = take_u8(in, 1, 0xff);
  const uint8_t serial_length = take_u8(in, 1, 0xff);
  const uint8_t firmware_length = take_u8(in, 0, 0xff);
  it->panel_serial = take_text(in, serial_length);
  it->firmware = take_text(in, firmware_length);
}

static void read_report(input *in, uint8_t type, beamrig_report *report) {
  report->beam_id = take_u32(in, 1);
  report->time_us = take_u64(in);
  report->pilots = take_u32(in, 1);
  report->user = take_u16(in, 0, 0xffff);
  report->count = take_u16(in, 1, 0xffff);
  report->values =
      type == BEAMRIG_SNR_REPORT ? take(in, 2u * (size_t)report->count) : take_floats(in, 2u * (size_t)report->count);
}

/* False when there is no such type. Whether the payload was sound stands in `in`. */
static bool read_payload(input *in, uint8_t type, beamrig_message *message) {
  message->type = type;
  switch (type) {
    case BEAMRIG_HELLO:
      message->as.hello.min_major = take_u8(in, 1, MAX_MAJOR);
      message->as.hello.max_major = take_u8(in, message->as.hello.min_major, MAX_MAJOR);
      message->as.hello.host = take_text(in, take_u8(in, 0, 0xff));
      return true;
    case BEAMRIG_PING:
      message->as.ping.nonce = take_u32(in, 0);
      return true;
    case BEAMRIG_GET_STATUS:
    case BEAMRIG_ACK:
      return true;
    case BEAMRIG_SET_PHASES:
    case BEAMRIG_SET_GAINS:
    case BEAMRIG_SET_ENABLES:
    case BEAMRIG_PHASES:
      read_phases(in, type, &message->as.phases);
      return true;
    case BEAMRIG_SET_DIGITAL:
      read_digital(in, &message->as.set_digital);
      return true;
    case BEAMRIG_COMMIT:
      message->as.commit.beam_id = take_u32(in, 1);
      message->as.commit.at_us = take_u64(in);
      message->as.commit.slot = take_u8(in, 0, 0xff);
      return true;
    case BEAMRIG_CANCEL_COMMIT:
      message->as.cancel_commit.beam_id = take_u32(in, 1);
      message->as.cancel_commit.at_us = take_u64(in);
      return true;
    case BEAMRIG_PATCH_PHASES:
      read_patch(in, &message->as.patch_phases);
      return true;
    case BEAMRIG_READ_PHASES:
      message->as.read_phases.source = take_u8(in, BEAMRIG_STAGED, BEAMRIG_RADIATED);
      message->as.read_phases.slot = take_u8(in, 0, 0xff);
      message->as.read_phases.count = take_u16(in, 1, 0xffff);
      message->as.read_phases.offset = take_u32(in, 0);
      return true;
    case BEAMRIG_MEASURE_SNR:
    case BEAMRIG_MEASURE_PILOTS:
      message->as.measure.beam_id = take_u32(in, 1);
      message->as.measure.pilots = take_u32(in, 1);
      message->as.measure.user = type == BEAMRIG_MEASURE_PILOTS ? take_u16(in, 0, 0xffff) : 0;
      return true;
    case BEAMRIG_STORE_BEAM:
      message->as.store_beam.beam_id = take_u32(in, 1);
      message->as.store_beam.position = take_u16(in, 0, 0xffff);
      message->as.store_beam.slot = take_u8(in, 0, 0xff);
      return true;
    case BEAMRIG_SELECT_BEAM:
      message->as.select_beam.beam_id = take_u32(in, 1);
      message->as.select_beam.position = take_u16(in, 0, 0xffff);
      return true;
    case BEAMRIG_SET_SAFE_STATE:
      message->as.set_safe_state.silence_ms = take_u32(in, 0);
      message->as.set_safe_state.position = take_u16(in, 0, 0xffff);
      message->as.set_safe_state.state = take_u8(in, BEAMRIG_SAFE_MUTE, BEAMRIG_SAFE_CODEWORD);
      message->as.set_safe_state.enter = take_u8(in, 0, 1) == 1;
      return true;
    case BEAMRIG_SYNC_TIME:
      message->as.sync_time.host_send_us = take_u64(in);
      return true;
    case BEAMRIG_CHALLENGE:
      message->as.challenge.host_nonce = take_u64(in);
      return true;
    case BEAMRIG_CAPABILITIES:
      read_capabilities(in, &message->as.capabilities);
      return true;
    case BEAMRIG_PONG:
      message->as.pong.nonce = take_u32(in, 0);
      message->as.pong.time_us = take_u64(in);
      return true;
    case BEAMRIG_STATUS: {
      message->as.status.beam_id = take_u32(in, 0);
      message->as.status.uptime_ms = take_u32(in, 0);
      message->as.status.boot_count = take_u32(in, 0);
      message->as.status.bad_frames = take_u32(in, 0);
      const uint8_t *const temperature = take(in, 2);
      message->as.status.temperature_centi_c = temperature == NULL ? 0 : beamrig_get_i16(temperature);
      message->as.status.state = take_u8(in, BEAMRIG_STATE_SAFE, BEAMRIG_STATE_FAULT);
      return true;
    }
    case BEAMRIG_COMMITTED:
      message->as.committed.beam_id = take_u32(in, 1);
      message->as.committed.time_us = take_u64(in);
      message->as.committed.words_crc32c = take_u32(in, 0);
      return true;
    case BEAMRIG_SNR_REPORT:
    case BEAMRIG_PILOT_REPORT:
      read_report(in, type, &message->as.report);
      return true;
    case BEAMRIG_SYNCED:
      message->as.synced.host_send_us = take_u64(in);
      message->as.synced.panel_receive_us = take_u64(in);
      message->as.synced.panel_send_us = take_u64(in);
      return true;
    case BEAMRIG_CHALLENGED:
      message->as.challenged.host_nonce = take_u64(in);
      message->as.challenged.last_counter = take_u64(in);
      return true;
    case BEAMRIG_NACK:
      message->as.nack.detail = take_u32(in, 0);
      message->as.nack.code = take_u8(in, BEAMRIG_NACK_MALFORMED, UINT8_MAX);
      return true;
    default:
      return false;
  }
}

/* The types whose layout is the same in every major version; later ones may append fields to them, which are not read. */
static bool is_frozen(uint8_t type) {
  return type == BEAMRIG_HELLO || type == BEAMRIG_CAPABILITIES || type == BEAMRIG_NACK;
}

static bool is_sound(const input *in, uint8_t type) {
  return !in->failed && (in->left == 0 || is_frozen(type));
}

bool beamrig_payload_is_sound(uint8_t type, const uint8_t *payload, size_t length) {
  input in = {payload, length, false};
  beamrig_message message;
  return read_payload(&in, type, &message) && is_sound(&in, type);
}

beamrig_verdict beamrig_decode(const uint8_t *bytes, size_t length, beamrig_header *header, beamrig_message *message) {
  const beamrig_verdict damage = beamrig_frame_damage(bytes, length);
  if (damage != BEAMRIG_GOOD) return damage;
  return beamrig_decode_sound(bytes, length - BEAMRIG_MIN_FRAME_BYTES, 0, header, message);
}

beamrig_verdict beamrig_decode_sound(const uint8_t *bytes, size_t payload_bytes, uint8_t flags_taken, beamrig_header *header,
                                     beamrig_message *message) {
  header->major = bytes[0] >> 4;
  header->flags = (uint8_t)(bytes[0] & 0x0fu & ~(unsigned)flags_taken);
  header->type = bytes[1];
  header->seq = beamrig_get_u16(bytes + 2);
  if (header->major != BEAMRIG_PROTOCOL_MAJOR && (header->major == 0 || !is_frozen(header->type))) {
    return BEAMRIG_UNSUPPORTED_VERSION;
  }
  if (header->flags != 0) return BEAMRIG_RESERVED_FLAGS;
  input in = {bytes + BEAMRIG_HEADER_BYTES, payload_bytes, false};
  if (in.left > BEAMRIG_MAX_PAYLOAD_BYTES) return BEAMRIG_TOO_LONG;
  if (!read_payload(&in, header->type, message)) return BEAMRIG_UNKNOWN_TYPE;
  return is_sound(&in, header->type) ? BEAMRIG_GOOD : BEAMRIG_MALFORMED;
}

bool beamrig_nack_for(beamrig_verdict verdict, size_t length, const beamrig_header *header, beamrig_message *nack) {
  const bool damaged =
      verdict == BEAMRIG_TOO_SHORT || verdict == BEAMRIG_BAD_CRC || (verdict == BEAMRIG_TOO_LONG && length > BEAMRIG_MAX_FRAME_BYTES);
  if (verdict == BEAMRIG_GOOD || damaged || !beamrig_is_request(header->type)) return false;
  nack->type = BEAMRIG_NACK;
  nack->as.nack.detail = header->type;
  switch (verdict) {
    case BEAMRIG_UNSUPPORTED_VERSION:
      nack->as.nack.code = BEAMRIG_NACK_UNSUPPORTED_VERSION;
      nack->as.nack.detail = BEAMRIG_PROTOCOL_MAJOR;
      return true;
    case BEAMRIG_RESERVED_FLAGS:
    case BEAMRIG_UNKNOWN_TYPE:
      nack->as.nack.code = BEAMRIG_NACK_UNSUPPORTED_MESSAGE;
      return true;
    default:
      nack->as.nack.code = BEAMRIG_NACK_MALFORMED;
      return true;
  }
}

#include "message_json.h"

#include "hex_lines.h"

#include <stdio.h>
#include <stdlib.h>

static void print_text(const char *field, beamrig_text text) {
  printf(",\"%s\":\"", field);
  for (size_t i = 0; i < text.length; i++) {
    const unsigned char byte = (unsigned char)text.bytes[i];
    if (byte < 0x20 || byte == '"' || byte == '\\') {
      printf("\\u%04x", byte);
    } else {
      putchar(byte);
    }
  }
  putchar('"');
}

void print_number(const char *field, unsigned long value) {
  printf(",\"%s\":%lu", field, value);
}

static void print_u64(const char *field, uint64_t value) {
  printf(",\"%s\":\"%llu\"", field, (unsigned long long)value);
}

static void print_name(const char *field, const char *const *names, unsigned index) {
  printf(",\"%s\":\"%s\"", field, names[index]);
}

static void print_words(const char *field, const uint8_t *packed, unsigned bits, size_t count) {
  uint16_t *const words = allocate(sizeof(uint16_t) * count);
  beamrig_unpack_words(packed, bits, count, words);
  printf(",\"%s\":[", field);
  for (size_t i = 0; i < count; i++) printf("%s%u", i > 0 ? "," : "", words[i]);
  putchar(']');
  free(words);
}

static void print_floats(const char *field, const uint8_t *bytes, size_t count) {
  printf(",\"%s\":[", field);
  for (size_t i = 0; i < count; i++) {
    const float value = beamrig_get_f32(bytes + 4 * i);
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    printf("%s%lu", i > 0 ? "," : "", (unsigned long)bits);
  }
  putchar(']');
}

static const char *const ROLES[] = {"array", "user"};
static const char *const SOURCES[] = {"staged", "radiated"};
static const char *const SAFE_STATES[] = {"mute", "hold", "codeword"};
static const char *const STATES[] = {"safe", "idle", "radiating", "fault"};
static const char *const FEATURES[] = {"digital-weights", "snr-report",     "pilot-report", "beam-memory",   "read-back",
                                       "element-gain",    "element-enable", "time-sync",    "authentication", "patch",
                                       "simulated"};
static const char *const NACKS[] = {"",           "malformed",  "unsupported-message", "unsupported-version", "wrong-dimensions",
                                    "wrong-bits", "no-such-slot", "not-staged",        "beam-mismatch",       "stale-beam",
                                    "busy",       "not-authenticated", "replayed",     "fault",               "too-late"};

static const char *type_name(uint8_t type) {
  switch (type) {
    case BEAMRIG_HELLO: return "hello";
    case BEAMRIG_PING: return "ping";
    case BEAMRIG_GET_STATUS: return "get-status";
    case BEAMRIG_SET_PHASES: return "set-phases";
    case BEAMRIG_SET_DIGITAL: return "set-digital";
    case BEAMRIG_SET_GAINS: return "set-gains";
    case BEAMRIG_SET_ENABLES: return "set-enables";
    case BEAMRIG_COMMIT: return "commit";
    case BEAMRIG_READ_PHASES: return "read-phases";
    case BEAMRIG_MEASURE_SNR: return "measure-snr";
    case BEAMRIG_MEASURE_PILOTS: return "measure-pilots";
    case BEAMRIG_STORE_BEAM: return "store-beam";
    case BEAMRIG_SELECT_BEAM: return "select-beam";
    case BEAMRIG_SET_SAFE_STATE: return "set-safe-state";
    case BEAMRIG_CANCEL_COMMIT: return "cancel-commit";
    case BEAMRIG_PATCH_PHASES: return "patch-phases";
    case BEAMRIG_SYNC_TIME: return "sync-time";
    case BEAMRIG_CHALLENGE: return "challenge";
    case BEAMRIG_CAPABILITIES: return "capabilities";
    case BEAMRIG_PONG: return "pong";
    case BEAMRIG_STATUS: return "status";
    case BEAMRIG_ACK: return "ack";
    case BEAMRIG_COMMITTED: return "committed";
    case BEAMRIG_PHASES: return "phases";
    case BEAMRIG_SNR_REPORT: return "snr-report";
    case BEAMRIG_PILOT_REPORT: return "pilot-report";
    case BEAMRIG_SYNCED: return "synced";
    case BEAMRIG_CHALLENGED: return "challenged";
    case BEAMRIG_NACK: return "nack";
    default: return "?";
  }
}

static void print_capabilities(const beamrig_capabilities *it) {
  print_name("role", ROLES, it->role);
  print_text("panelSerial", it->panel_serial);
  print_number("arrayId", it->array_id);
  print_text("firmware", it->firmware);
  print_number("protocolMajor", it->protocol_major);
  print_number("protocolMinor", it->protocol_minor);
  print_number("elements", it->elements);
  print_number("rfChains", it->rf_chains);
  print_number("phaseBits", it->phase_bits);
  print_number("gainBits", it->gain_bits);
  print_number("users", it->users);
  print_number("maxPayloadBytes", it->max_payload_bytes);
  print_number("stagingSlots", it->staging_slots);
  print_number("beamMemory", it->beam_memory);
  printf(",\"features\":[");
  const char *comma = "";
  for (unsigned bit = 0; bit < sizeof FEATURES / sizeof FEATURES[0]; bit++) {
    if ((it->features >> bit & 1u) == 0) continue;
    printf("%s\"%s\"", comma, FEATURES[bit]);
    comma = ",";
  }
  putchar(']');
}

static void print_report(uint8_t type, const beamrig_report *it) {
  print_number("beamId", it->beam_id);
  print_u64("timeUs", it->time_us);
  print_number("pilots", it->pilots);
  print_number(type == BEAMRIG_SNR_REPORT ? "firstUser" : "user", it->user);
  if (type == BEAMRIG_PILOT_REPORT) {
    print_floats("values", it->values, 2u * (size_t)it->count);
    return;
  }
  printf(",\"snrCentiDb\":[");
  for (size_t i = 0; i < it->count; i++) printf("%s%d", i > 0 ? "," : "", beamrig_get_i16(it->values + 2 * i));
  putchar(']');
}

static void print_patch(const beamrig_patch *it) {
  print_number("slot", it->slot);
  print_number("beamId", it->beam_id);
  print_number("fromBeamId", it->from_beam_id);
  print_number("phaseBits", it->phase_bits);
  printf(",\"places\":[");
  for (size_t i = 0; i < it->count; i++) printf("%s%u", i > 0 ? "," : "", beamrig_get_u16(it->places + 2 * i));
  /* One by one, as a panel reads them; a set-phases is unpacked as a whole. */
  printf("],\"words\":[");
  for (size_t i = 0; i < it->count; i++) printf("%s%u", i > 0 ? "," : "", beamrig_packed_word(it->packed, it->phase_bits, i));
  putchar(']');
}

void print_message(const beamrig_message *message) {
  printf("{\"type\":\"%s\"", type_name(message->type));
  switch (message->type) {
    case BEAMRIG_HELLO:
      print_number("minMajor", message->as.hello.min_major);
      print_number("maxMajor", message->as.hello.max_major);
      print_text("host", message->as.hello.host);
      break;
    case BEAMRIG_PING:
      print_number("nonce", message->as.ping.nonce);
      break;
    case BEAMRIG_SET_PHASES:
    case BEAMRIG_PHASES:
      if (message->type == BEAMRIG_SET_PHASES) print_number("slot", message->as.phases.slot);
      print_number("beamId", message->as.phases.beam_id);
      print_number("phaseBits", message->as.phases.phase_bits);
      print_number("offset", message->as.phases.offset);
      print_words("words", message->as.phases.packed, message->as.phases.phase_bits, message->as.phases.count);
      break;
    case BEAMRIG_SET_GAINS:
    case BEAMRIG_SET_ENABLES:
      print_number("slot", message->as.phases.slot);
      print_number("beamId", message->as.phases.beam_id);
      if (message->type == BEAMRIG_SET_GAINS) print_number("gainBits", message->as.phases.phase_bits);
      print_number("offset", message->as.phases.offset);
      print_words(message->type == BEAMRIG_SET_GAINS ? "gains" : "enabled", message->as.phases.packed, message->as.phases.phase_bits,
                  message->as.phases.count);
      break;
    case BEAMRIG_SET_DIGITAL:
      print_number("slot", message->as.set_digital.slot);
      print_number("beamId", message->as.set_digital.beam_id);
      print_number("users", message->as.set_digital.users);
      print_number("offset", message->as.set_digital.offset);
      print_floats("weights", message->as.set_digital.weights, 2u * (size_t)message->as.set_digital.count);
      break;
    case BEAMRIG_COMMIT:
      print_number("slot", message->as.commit.slot);
      print_number("beamId", message->as.commit.beam_id);
      print_u64("atUs", message->as.commit.at_us);
      break;
    case BEAMRIG_CANCEL_COMMIT:
      print_number("beamId", message->as.cancel_commit.beam_id);
      print_u64("atUs", message->as.cancel_commit.at_us);
      break;
    case BEAMRIG_PATCH_PHASES:
      print_patch(&message->as.patch_phases);
      break;
    case BEAMRIG_SYNC_TIME:
      print_u64("hostSendUs", message->as.sync_time.host_send_us);
      break;
    case BEAMRIG_CHALLENGE:
      print_u64("hostNonce", message->as.challenge.host_nonce);
      break;
    case BEAMRIG_READ_PHASES:
      print_name("source", SOURCES, message->as.read_phases.source);
      print_number("slot", message->as.read_phases.slot);
      print_number("offset", message->as.read_phases.offset);
      print_number("count", message->as.read_phases.count);
      break;
    case BEAMRIG_MEASURE_SNR:
    case BEAMRIG_MEASURE_PILOTS:
      print_number("beamId", message->as.measure.beam_id);
      print_number("pilots", message->as.measure.pilots);
      if (message->type == BEAMRIG_MEASURE_PILOTS) print_number("user", message->as.measure.user);
      break;
    case BEAMRIG_STORE_BEAM:
      print_number("slot", message->as.store_beam.slot);
      print_number("beamId", message->as.store_beam.beam_id);
      print_number("position", message->as.store_beam.position);
      break;
    case BEAMRIG_SELECT_BEAM:
      print_number("position", message->as.select_beam.position);
      print_number("beamId", message->as.select_beam.beam_id);
      break;
    case BEAMRIG_SET_SAFE_STATE:
      print_name("state", SAFE_STATES, message->as.set_safe_state.state);
      print_number("position", message->as.set_safe_state.position);
      print_number("silenceMs", message->as.set_safe_state.silence_ms);
      printf(",\"enter\":%s", message->as.set_safe_state.enter ? "true" : "false");
      break;
    case BEAMRIG_CAPABILITIES:
      print_capabilities(&message->as.capabilities);
      break;
    case BEAMRIG_PONG:
      print_number("nonce", message->as.pong.nonce);
      print_u64("timeUs", message->as.pong.time_us);
      break;
    case BEAMRIG_STATUS:
      print_name("state", STATES, message->as.status.state);
      print_number("beamId", message->as.status.beam_id);
      printf(",\"temperatureCentiC\":%d", message->as.status.temperature_centi_c);
      print_number("uptimeMs", message->as.status.uptime_ms);
      print_number("bootCount", message->as.status.boot_count);
      print_number("badFrames", message->as.status.bad_frames);
      break;
    case BEAMRIG_COMMITTED:
      print_number("beamId", message->as.committed.beam_id);
      print_number("wordsCrc32c", message->as.committed.words_crc32c);
      print_u64("timeUs", message->as.committed.time_us);
      break;
    case BEAMRIG_SNR_REPORT:
    case BEAMRIG_PILOT_REPORT:
      print_report(message->type, &message->as.report);
      break;
    case BEAMRIG_SYNCED:
      print_u64("hostSendUs", message->as.synced.host_send_us);
      print_u64("panelReceiveUs", message->as.synced.panel_receive_us);
      print_u64("panelSendUs", message->as.synced.panel_send_us);
      break;
    case BEAMRIG_CHALLENGED:
      print_u64("hostNonce", message->as.challenged.host_nonce);
      print_u64("lastCounter", message->as.challenged.last_counter);
      break;
    case BEAMRIG_NACK:
      if (message->as.nack.code < sizeof NACKS / sizeof NACKS[0]) {
        print_name("code", NACKS, message->as.nack.code);
      } else {
        printf(",\"code\":\"code-%u\"", message->as.nack.code);
      }
      print_number("detail", message->as.nack.detail);
      break;
    default:
      break;
  }
  putchar('}');
}

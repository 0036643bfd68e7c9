/* Messages out: payloads written field by field, in the order of the tables of PROTOCOL.md. */
#include "beamrig_messages.h"

/* A payload that is being written. What does not fit is counted and not written. */
typedef struct {
  uint8_t *bytes;
  size_t capacity;
  size_t used;
} output;

static uint8_t *give(output *out, size_t count) {
  uint8_t *const at = count <= out->capacity && out->used <= out->capacity - count ? out->bytes + out->used : NULL;
  out->used += count;
  return at;
}

static void give_u8(output *out, uint8_t value) {
  uint8_t *const at = give(out, 1);
  if (at != NULL) *at = value;
}

static void give_u16(output *out, uint16_t value) {
  uint8_t *const at = give(out, 2);
  if (at != NULL) beamrig_put_u16(at, value);
}

static void give_u32(output *out, uint32_t value) {
  uint8_t *const at = give(out, 4);
  if (at != NULL) beamrig_put_u32(at, value);
}

static void give_u64(output *out, uint64_t value) {
  uint8_t *const at = give(out, 8);
  if (at != NULL) beamrig_put_u64(at, value);
}

static void give_bytes(output *out, const void *bytes, size_t count) {
  uint8_t *const at = give(out, count);
  if (at != NULL && count > 0 && bytes != at) memcpy(at, bytes, count);
}

static void write_phases(output *out, uint8_t type, const beamrig_phases *phases) {
  give_u8(out, type == BEAMRIG_PHASES ? 0 : phases->slot);
  give_u8(out, phases->phase_bits);
  give_u16(out, phases->count);
  give_u32(out, phases->beam_id);
  give_u32(out, phases->offset);
  give_bytes(out, phases->packed, BEAMRIG_PACKED_BYTES(phases->count, phases->phase_bits));
}

static void write_patch(output *out, const beamrig_patch *patch) {
  give_u8(out, patch->slot);
  give_u8(out, patch->phase_bits);
  give_u16(out, patch->count);
  give_u32(out, patch->beam_id);
  give_u32(out, patch->from_beam_id);
  give_bytes(out, patch->places, 2u * (size_t)patch->count);
  give_bytes(out, patch->packed, BEAMRIG_PACKED_BYTES(patch->count, patch->phase_bits));
}

static void write_digital(output *out, const beamrig_digital *digital) {
  give_u8(out, digital->slot);
  give_u8(out, 0);
  give_u16(out, digital->users);
  give_u32(out, digital->beam_id);
  give_u32(out, digital->offset);
  give_u16(out, digital->count);
  give_u16(out, 0);
  give_bytes(out, digital->weights, 8u * (size_t)digital->count);
}

static void write_capabilities(output *out, const beamrig_capabilities *it) {
  give_u8(out, it->role);
  give_u8(out, it->protocol_major);
  give_u8(out, it->protocol_minor);
  give_u8(out, it->phase_bits);
  give_u16(out, it->array_id);
  give_u16(out, it->max_payload_bytes);
  give_u32(out, it->features);
  give_u16(out, it->elements);
  give_u16(out, it->rf_chains);
  give_u16(out, it->users);
  give_u16(out, it->beam_memory);
  give_u8(out, it->gain_bits);
  give_u8(out, it->staging_slots);
  give_u8(out, it->panel_serial.length);
  give_u8(out, it->firmware.length);
  give_bytes(out, it->panel_serial.bytes, it->panel_serial.length);
  give_bytes(out, it->firmware.bytes, it->firmware.length);
}

static void write_report(output *out, uint8_t type, const beamrig_report *report) {
  give_u32(out, report->beam_id);
  give_u64(out, report->time_us);
  give_u32(out, report->pilots);
  give_u16(out, report->user);
  give_u16(out, report->count);
  give_bytes(out, report->values, (type == BEAMRIG_SNR_REPORT ? 2u : 8u) * (size_t)report->count);
}

static void write_payload(output *out, const beamrig_message *message) {
  switch (message->type) {
    case BEAMRIG_HELLO:
      give_u8(out, message->as.hello.min_major);
      give_u8(out, message->as.hello.max_major);
      give_u8(out, message->as.hello.host.length);
      give_bytes(out, message->as.hello.host.bytes, message->as.hello.host.length);
      return;
    case BEAMRIG_PING:
      give_u32(out, message->as.ping.nonce);
      return;
    case BEAMRIG_SET_PHASES:
    case BEAMRIG_SET_GAINS:
    case BEAMRIG_SET_ENABLES:
    case BEAMRIG_PHASES:
      write_phases(out, message->type, &message->as.phases);
      return;
    case BEAMRIG_SET_DIGITAL:
      write_digital(out, &message->as.set_digital);
      return;
    case BEAMRIG_COMMIT:
      give_u32(out, message->as.commit.beam_id);
      give_u64(out, message->as.commit.at_us);
      give_u8(out, message->as.commit.slot);
      return;
    case BEAMRIG_CANCEL_COMMIT:
      give_u32(out, message->as.cancel_commit.beam_id);
      give_u64(out, message->as.cancel_commit.at_us);
      return;
    case BEAMRIG_PATCH_PHASES:
      write_patch(out, &message->as.patch_phases);
      return;
    case BEAMRIG_READ_PHASES:
      give_u8(out, message->as.read_phases.source);
      give_u8(out, message->as.read_phases.slot);
      give_u16(out, message->as.read_phases.count);
      give_u32(out, message->as.read_phases.offset);
      return;
    case BEAMRIG_MEASURE_SNR:
    case BEAMRIG_MEASURE_PILOTS:
      give_u32(out, message->as.measure.beam_id);
      give_u32(out, message->as.measure.pilots);
      if (message->type == BEAMRIG_MEASURE_PILOTS) give_u16(out, message->as.measure.user);
      return;
    case BEAMRIG_STORE_BEAM:
      give_u32(out, message->as.store_beam.beam_id);
      give_u16(out, message->as.store_beam.position);
      give_u8(out, message->as.store_beam.slot);
      return;
    case BEAMRIG_SELECT_BEAM:
      give_u32(out, message->as.select_beam.beam_id);
      give_u16(out, message->as.select_beam.position);
      return;
    case BEAMRIG_SET_SAFE_STATE:
      give_u32(out, message->as.set_safe_state.silence_ms);
      give_u16(out, message->as.set_safe_state.position);
      give_u8(out, message->as.set_safe_state.state);
      give_u8(out, message->as.set_safe_state.enter ? 1 : 0);
      return;
    case BEAMRIG_SYNC_TIME:
      give_u64(out, message->as.sync_time.host_send_us);
      return;
    case BEAMRIG_CHALLENGE:
      give_u64(out, message->as.challenge.host_nonce);
      return;
    case BEAMRIG_CAPABILITIES:
      write_capabilities(out, &message->as.capabilities);
      return;
    case BEAMRIG_PONG:
      give_u32(out, message->as.pong.nonce);
      give_u64(out, message->as.pong.time_us);
      return;
    case BEAMRIG_STATUS:
      give_u32(out, message->as.status.beam_id);
      give_u32(out, message->as.status.uptime_ms);
      give_u32(out, message->as.status.boot_count);
      give_u32(out, message->as.status.bad_frames);
      give_u16(out, (uint16_t)message->as.status.temperature_centi_c);
      give_u8(out, message->as.status.state);
      return;
    case BEAMRIG_COMMITTED:
      give_u32(out, message->as.committed.beam_id);
      give_u64(out, message->as.committed.time_us);
      give_u32(out, message->as.committed.words_crc32c);
      return;
    case BEAMRIG_SNR_REPORT:
    case BEAMRIG_PILOT_REPORT:
      write_report(out, message->type, &message->as.report);
      return;
    case BEAMRIG_SYNCED:
      give_u64(out, message->as.synced.host_send_us);
      give_u64(out, message->as.synced.panel_receive_us);
      give_u64(out, message->as.synced.panel_send_us);
      return;
    case BEAMRIG_CHALLENGED:
      give_u64(out, message->as.challenged.host_nonce);
      give_u64(out, message->as.challenged.last_counter);
      return;
    case BEAMRIG_NACK:
      give_u32(out, message->as.nack.detail);
      give_u8(out, message->as.nack.code);
      return;
    default:
      return;
  }
}

size_t beamrig_encode(const beamrig_message *message, uint16_t seq, uint8_t *frame, size_t capacity) {
  if (capacity < BEAMRIG_MIN_FRAME_BYTES) return 0;
  output out = {frame + BEAMRIG_HEADER_BYTES, capacity - BEAMRIG_MIN_FRAME_BYTES, 0};
  if (out.capacity > BEAMRIG_MAX_PAYLOAD_BYTES) out.capacity = BEAMRIG_MAX_PAYLOAD_BYTES;
  write_payload(&out, message);
  if (out.used > out.capacity) return 0;
  /* What a receiver would refuse is not sent: the payload is read once more by the receiver's own rules. */
  if (!beamrig_payload_is_sound(message->type, out.bytes, out.used)) return 0;
  return beamrig_frame_close(frame, message->type, seq, out.used);
}

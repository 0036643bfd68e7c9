/* The panel from outside: start, silence, frames in and replies out, and requests that were seen before. */
#include "beamrig_panel_inside.h"

/* ---- requests seen before ----------------------------------------------------------------------------------------------------- */

/*
 * A request is known again by its seq, its length and 64 bits over all its bytes: its own CRC-32C and this hash (FNV-1a), which is not
 * linear as a CRC is. So the requests themselves need not be kept.
 */
static uint32_t hash_of(const uint8_t *bytes, size_t length) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < length; i++) hash = (hash ^ bytes[i]) * 16777619u;
  return hash;
}

static beamrig_remembered key_of(const uint8_t *frame, size_t length) {
  const beamrig_remembered key = {beamrig_get_u32(frame + length - BEAMRIG_CRC_BYTES), hash_of(frame, length),
                                  beamrig_get_u16(frame + 2), (uint16_t)length, 0};
  return key;
}

static size_t answered_before(const beamrig_panel *panel, const beamrig_remembered *key, uint8_t *reply, size_t capacity) {
  for (size_t i = 0; i < panel->memory.remembered_room; i++) {
    const beamrig_remembered *const it = &panel->memory.remembered[i];
    if (it->length != key->length || it->seq != key->seq || it->crc != key->crc || it->hash != key->hash) continue;
    if (it->reply_length > capacity) return 0;
    memcpy(reply, panel->memory.replies + i * panel->memory.reply_bytes, it->reply_length);
    return it->reply_length;
  }
  return 0;
}

static void remember(beamrig_panel *panel, const beamrig_remembered *key, const uint8_t *reply, size_t reply_length) {
  if (panel->memory.remembered_room == 0 || reply_length == 0 || reply_length > panel->memory.reply_bytes) return;
  beamrig_remembered *const it = &panel->memory.remembered[panel->next_remembered];
  *it = *key;
  it->reply_length = (uint16_t)reply_length;
  memcpy(panel->memory.replies + panel->next_remembered * panel->memory.reply_bytes, reply, reply_length);
  panel->next_remembered = (panel->next_remembered + 1u) % panel->memory.remembered_room;
}

static void forget(beamrig_panel *panel) {
  for (size_t i = 0; i < panel->memory.remembered_room; i++) panel->memory.remembered[i].length = 0;
  panel->next_remembered = 0;
}

/* ---- the panel ---------------------------------------------------------------------------------------------------------------- */

static bool fits(const beamrig_panel *panel) {
  const beamrig_capabilities *const it = &panel->capabilities;
  const beamrig_panel_memory *const memory = &panel->memory;
  const uint64_t beams = (uint64_t)it->staging_slots + it->beam_memory + 1u;
  return memory->word_room >= beams * panel->word_count && memory->weight_room >= beams * 2u * panel->weight_count &&
         memory->coverage_room >=
             it->staging_slots * (((uint64_t)panel->word_count + panel->weight_count + 7u) / 8u) &&
         memory->slot_room >= it->staging_slots && memory->stored_room >= it->beam_memory;
}

static bool is_consistent(const beamrig_panel *panel) {
  const beamrig_capabilities *const it = &panel->capabilities;
  const bool snr = (it->features & BEAMRIG_FEATURE_SNR_REPORT) != 0;
  const bool pilots = (it->features & BEAMRIG_FEATURE_PILOT_REPORT) != 0;
  if (panel->hardware.apply == NULL || panel->hardware.mute == NULL || panel->hardware.time_us == NULL) return false;
  if ((it->features & ~(uint32_t)BEAMRIG_PANEL_FEATURES) != 0) return false;
  if (((it->features & BEAMRIG_FEATURE_BEAM_MEMORY) != 0) != (it->beam_memory > 0)) return false;
  if (((it->features & BEAMRIG_FEATURE_DIGITAL_WEIGHTS) != 0) != (panel->streams > 0)) return false;
  if ((snr || pilots) != (it->users > 0)) return false;
  if (snr && (panel->hardware.measure_snr == NULL || it->max_payload_bytes < 20u + 2u * (uint32_t)it->users)) return false;
  if (pilots && (panel->hardware.measure_pilots == NULL || it->max_payload_bytes < 20u + 8u * (uint32_t)it->rf_chains)) return false;
  beamrig_message message;
  uint8_t frame[BEAMRIG_FRAME_BYTES(BEAMRIG_CAPABILITIES_BYTES)];
  message.type = BEAMRIG_CAPABILITIES;
  message.as.capabilities = *it;
  return beamrig_encode(&message, 0, frame, sizeof frame) > 0;
}

bool beamrig_panel_init(beamrig_panel *panel, const beamrig_capabilities *capabilities, uint16_t streams,
                        const beamrig_hardware *hardware, const beamrig_panel_memory *memory, uint32_t boot_count) {
  memset(panel, 0, sizeof *panel);
  panel->capabilities = *capabilities;
  panel->capabilities.protocol_major = BEAMRIG_PROTOCOL_MAJOR;
  panel->capabilities.protocol_minor = BEAMRIG_PROTOCOL_MINOR;
  panel->hardware = *hardware;
  panel->memory = *memory;
  panel->word_count = (uint32_t)capabilities->elements * capabilities->rf_chains;
  panel->weight_count = (uint32_t)capabilities->rf_chains * streams;
  panel->streams = streams;
  panel->state = BEAMRIG_STATE_IDLE;
  panel->boot_count = boot_count;
  if (!is_consistent(panel) || !fits(panel)) return false;
  for (uint8_t slot = 0; slot < capabilities->staging_slots; slot++) beamrig_panel_empty_slot(panel, slot, 0);
  if (capabilities->beam_memory > 0) memset(memory->stored, STORED_NOTHING, capabilities->beam_memory);
  forget(panel);
  beamrig_panel_go_dark(panel);
  return true;
}

void beamrig_panel_poll(beamrig_panel *panel) {
  if (!panel->watching || panel->silence_ms == 0) return;
  if (beamrig_panel_now_us(panel) - panel->heard_us < (uint64_t)panel->silence_ms * 1000u) return;
  /* Once: the watch begins again with the next good request. */
  panel->watching = false;
  beamrig_panel_enter_safe_state(panel);
}

void beamrig_panel_fault(beamrig_panel *panel, uint32_t code) {
  panel->state = BEAMRIG_STATE_FAULT;
  panel->fault_code = code;
  beamrig_panel_go_dark(panel);
}

void beamrig_panel_count_bad_frames(beamrig_panel *panel, uint32_t count) {
  panel->bad_frames = count > 0xffffffffu - panel->bad_frames ? 0xffffffffu : panel->bad_frames + count;
}

size_t beamrig_panel_receive(beamrig_panel *panel, const uint8_t *frame, size_t length, uint8_t *reply, size_t capacity) {
  beamrig_panel_poll(panel);
  beamrig_header header;
  beamrig_message request;
  beamrig_message answer;
  const beamrig_verdict verdict = beamrig_decode(frame, length, &header, &request);
  if (verdict != BEAMRIG_GOOD) {
    beamrig_panel_count_bad_frames(panel, 1);
    return beamrig_nack_for(verdict, length, &header, &answer) ? beamrig_encode(&answer, header.seq, reply, capacity) : 0;
  }
  if (!beamrig_is_request(request.type)) return 0;
  panel->heard_us = beamrig_panel_now_us(panel);
  panel->watching = true;
  const beamrig_remembered key = key_of(frame, length);
  if (request.type == BEAMRIG_HELLO) {
    /* Always carried out: it may be that of a host which has restarted and counts from the same number. */
    forget(panel);
  } else {
    const size_t known = answered_before(panel, &key, reply, capacity);
    if (known > 0) return known;
  }
  if (length - BEAMRIG_MIN_FRAME_BYTES > panel->capabilities.max_payload_bytes) {
    beamrig_panel_nack(&answer, BEAMRIG_NACK_MALFORMED, request.type);
  } else {
    beamrig_panel_carry_out(panel, &request, reply, capacity, &answer);
  }
  const size_t reply_length = beamrig_encode(&answer, header.seq, reply, capacity);
  if (request.type != BEAMRIG_HELLO) remember(panel, &key, reply, reply_length);
  return reply_length;
}

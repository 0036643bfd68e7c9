/*
 * All messages of PROTOCOL.md, sections 3 and 4, as structs. The field names are those of its tables.
 *
 * Nothing is copied: text and arrays are pointers to the bytes as they go over the wire, into the frame that was decoded or to where the
 * caller has put them. Words are read with beamrig_unpack_words, weights and values with beamrig_get_f32, SNR with beamrig_get_i16.
 */
#ifndef BEAMRIG_MESSAGES_H
#define BEAMRIG_MESSAGES_H

#include "beamrig_packing.h"

#define BEAMRIG_MAX_TEXT_BYTES 32

typedef enum {
  BEAMRIG_HELLO = 0x01,
  BEAMRIG_PING = 0x02,
  BEAMRIG_GET_STATUS = 0x03,
  BEAMRIG_SET_PHASES = 0x10,
  BEAMRIG_SET_DIGITAL = 0x11,
  BEAMRIG_COMMIT = 0x12,
  BEAMRIG_READ_PHASES = 0x13,
  BEAMRIG_SET_GAINS = 0x14,
  BEAMRIG_SET_ENABLES = 0x15,
  BEAMRIG_CANCEL_COMMIT = 0x16,
  BEAMRIG_PATCH_PHASES = 0x17,
  BEAMRIG_MEASURE_SNR = 0x20,
  BEAMRIG_MEASURE_PILOTS = 0x21,
  BEAMRIG_STORE_BEAM = 0x30,
  BEAMRIG_SELECT_BEAM = 0x31,
  BEAMRIG_SET_SAFE_STATE = 0x40,
  BEAMRIG_SYNC_TIME = 0x50,
  BEAMRIG_CHALLENGE = 0x60,
  BEAMRIG_CAPABILITIES = 0x81,
  BEAMRIG_PONG = 0x82,
  BEAMRIG_STATUS = 0x83,
  BEAMRIG_ACK = 0x84,
  BEAMRIG_COMMITTED = 0x92,
  BEAMRIG_PHASES = 0x93,
  BEAMRIG_SNR_REPORT = 0xa0,
  BEAMRIG_PILOT_REPORT = 0xa1,
  BEAMRIG_SYNCED = 0xd0,
  BEAMRIG_CHALLENGED = 0xe0,
  BEAMRIG_NACK = 0xff
} beamrig_type;

static inline bool beamrig_is_request(uint8_t type) {
  return type < 0x80;
}

enum { BEAMRIG_ROLE_ARRAY = 0, BEAMRIG_ROLE_USER = 1 };
enum { BEAMRIG_STAGED = 0, BEAMRIG_RADIATED = 1 };
enum { BEAMRIG_SAFE_MUTE = 0, BEAMRIG_SAFE_HOLD = 1, BEAMRIG_SAFE_CODEWORD = 2 };
enum { BEAMRIG_STATE_SAFE = 0, BEAMRIG_STATE_IDLE = 1, BEAMRIG_STATE_RADIATING = 2, BEAMRIG_STATE_FAULT = 3 };

#define BEAMRIG_FEATURE_DIGITAL_WEIGHTS 0x0001u
#define BEAMRIG_FEATURE_SNR_REPORT 0x0002u
#define BEAMRIG_FEATURE_PILOT_REPORT 0x0004u
#define BEAMRIG_FEATURE_BEAM_MEMORY 0x0008u
#define BEAMRIG_FEATURE_READ_BACK 0x0010u
#define BEAMRIG_FEATURE_ELEMENT_GAIN 0x0020u
#define BEAMRIG_FEATURE_ELEMENT_ENABLE 0x0040u
#define BEAMRIG_FEATURE_TIME_SYNC 0x0080u
#define BEAMRIG_FEATURE_AUTHENTICATION 0x0100u
#define BEAMRIG_FEATURE_PATCH 0x0200u
#define BEAMRIG_FEATURE_SIMULATED 0x0400u

typedef enum {
  BEAMRIG_NACK_MALFORMED = 1,
  BEAMRIG_NACK_UNSUPPORTED_MESSAGE,
  BEAMRIG_NACK_UNSUPPORTED_VERSION,
  BEAMRIG_NACK_WRONG_DIMENSIONS,
  BEAMRIG_NACK_WRONG_BITS,
  BEAMRIG_NACK_NO_SUCH_SLOT,
  BEAMRIG_NACK_NOT_STAGED,
  BEAMRIG_NACK_BEAM_MISMATCH,
  BEAMRIG_NACK_STALE_BEAM,
  BEAMRIG_NACK_BUSY,
  BEAMRIG_NACK_NOT_AUTHENTICATED,
  BEAMRIG_NACK_REPLAYED,
  BEAMRIG_NACK_FAULT,
  BEAMRIG_NACK_TOO_LATE
  /* Later minor versions name more, up to 255: refusals like any other. */
} beamrig_nack_code;

/* Detail of stale-beam from a panel that silence has made safe: no beam id of this session is new any more. */
#define BEAMRIG_SESSION_OVER 0xffffffffu

/* UTF-8 without a zero byte, not ended by one either. */
typedef struct {
  const char *bytes;
  uint8_t length;
} beamrig_text;

typedef struct {
  uint8_t role;
  uint8_t protocol_major;
  uint8_t protocol_minor;
  uint8_t phase_bits;
  uint16_t array_id;
  uint16_t max_payload_bytes;
  uint32_t features;
  uint16_t elements;
  uint16_t rf_chains;
  uint16_t users;
  uint16_t beam_memory;
  uint8_t gain_bits;
  uint8_t staging_slots;
  beamrig_text panel_serial;
  beamrig_text firmware;
} beamrig_capabilities;

typedef struct {
  uint8_t slot;
  uint8_t phase_bits; /* bits of a word: those of the gains in set-gains, 1 in set-enables */
  uint16_t count;
  uint32_t beam_id;
  uint32_t offset;
  const uint8_t *packed; /* BEAMRIG_PACKED_BYTES(count, phase_bits) bytes */
} beamrig_phases; /* of set-phases, set-gains and set-enables, and of phases, where slot is 0 */

typedef struct {
  uint8_t slot;
  uint8_t phase_bits;
  uint16_t count;
  uint32_t beam_id;
  uint32_t from_beam_id;
  const uint8_t *places; /* count u16, the place n*M + m of each word */
  const uint8_t *packed; /* the words, BEAMRIG_PACKED_BYTES(count, phase_bits) bytes */
} beamrig_patch;

typedef struct {
  uint8_t slot;
  uint16_t users;
  uint32_t beam_id;
  uint32_t offset;
  uint16_t count;
  const uint8_t *weights; /* 2 * count f32: re, im, re, im, ... */
} beamrig_digital;

typedef struct {
  uint32_t beam_id;
  uint64_t time_us;
  uint32_t pilots;
  uint16_t user; /* firstUser of an snr-report */
  uint16_t count;
  const uint8_t *values; /* snr-report: count i16 in 0.01 dB; pilot-report: 2 * count f32 */
} beamrig_report;

typedef struct {
  uint8_t type; /* a beamrig_type: says which member holds */
  union {
    struct {
      uint8_t min_major;
      uint8_t max_major;
      beamrig_text host;
    } hello;
    struct {
      uint32_t nonce;
    } ping;
    beamrig_phases phases;
    beamrig_digital set_digital;
    beamrig_patch patch_phases;
    struct {
      uint32_t beam_id;
      uint64_t at_us;
      uint8_t slot;
    } commit;
    struct {
      uint32_t beam_id;
      uint64_t at_us;
    } cancel_commit;
    struct {
      uint8_t source;
      uint8_t slot;
      uint16_t count;
      uint32_t offset;
    } read_phases;
    struct {
      uint32_t beam_id;
      uint32_t pilots;
      uint16_t user; /* of measure-pilots only */
    } measure; /* measure-snr and measure-pilots */
    struct {
      uint32_t beam_id;
      uint16_t position;
      uint8_t slot;
    } store_beam;
    struct {
      uint32_t beam_id;
      uint16_t position;
    } select_beam;
    struct {
      uint32_t silence_ms;
      uint16_t position;
      uint8_t state;
      bool enter;
    } set_safe_state;
    struct {
      uint64_t host_send_us;
    } sync_time;
    struct {
      uint64_t host_nonce;
    } challenge;
    beamrig_capabilities capabilities;
    struct {
      uint32_t nonce;
      uint64_t time_us;
    } pong;
    struct {
      uint32_t beam_id;
      uint32_t uptime_ms;
      uint32_t boot_count;
      uint32_t bad_frames;
      int16_t temperature_centi_c;
      uint8_t state;
    } status;
    struct {
      uint32_t beam_id;
      uint64_t time_us;
      uint32_t words_crc32c;
    } committed;
    beamrig_report report; /* snr-report and pilot-report */
    struct {
      uint64_t host_send_us;
      uint64_t panel_receive_us;
      uint64_t panel_send_us;
    } synced;
    struct {
      uint64_t host_nonce;
      uint64_t last_counter;
    } challenged;
    struct {
      uint32_t detail;
      uint8_t code;
    } nack;
  } as;
} beamrig_message;

/* What a frame with a good CRC says of itself, whether or not the rest was understood. */
typedef struct {
  uint8_t major;
  uint8_t flags;
  uint8_t type;
  uint16_t seq;
} beamrig_header;

/*
 * The tests of section 1.3, in their order, on a buffer that holds exactly one bare frame. Takes any bytes. `header` holds unless the
 * verdict is BEAMRIG_TOO_SHORT, BEAMRIG_BAD_CRC, or BEAMRIG_TOO_LONG with more than BEAMRIG_MAX_FRAME_BYTES; `message` holds when
 * it is BEAMRIG_GOOD, and points into `bytes`.
 */
beamrig_verdict beamrig_decode(const uint8_t *bytes, size_t length, beamrig_header *header, beamrig_message *message);

/*
 * Tests 4 to 8 alone, on header and payload of a frame that is sound. `flags_taken`: flags that were seen to already (section 7 takes
 * BEAMRIG_FLAG_AUTHENTICATED off); `header` says what is left.
 */
beamrig_verdict beamrig_decode_sound(const uint8_t *bytes, size_t payload_bytes, uint8_t flags_taken, beamrig_header *header,
                                     beamrig_message *message);

/* Whether a payload is as the table of its type says: test 8 of section 1.3. False for a type that there is not. */
bool beamrig_payload_is_sound(uint8_t type, const uint8_t *payload, size_t length);

/*
 * The bare frame of a message, which is written to `frame`. Returns its length; 0 when it does not fit `capacity` bytes or a receiver
 * would refuse a field. Arrays may already stand at their place in `frame` (beamrig_payload_array), else they must not overlap it.
 */
size_t beamrig_encode(const beamrig_message *message, uint16_t seq, uint8_t *frame, size_t capacity);

/* Where the array of a phases, set-phases, set-gains, set-enables, set-digital, snr-report or pilot-report stands in its frame: fill it there, and nothing is
 * copied. */
static inline uint8_t *beamrig_payload_array(uint8_t *frame, uint8_t type) {
  const bool words = type == BEAMRIG_PHASES || type == BEAMRIG_SET_PHASES || type == BEAMRIG_SET_GAINS || type == BEAMRIG_SET_ENABLES;
  const size_t prefix = words                         ? BEAMRIG_PHASES_PREFIX_BYTES
                        : type == BEAMRIG_SET_DIGITAL ? BEAMRIG_DIGITAL_PREFIX_BYTES
                                                      : 20u;
  return frame + BEAMRIG_HEADER_BYTES + prefix;
}

/*
 * What a panel answers to a frame that beamrig_decode did not find good. False when silence is right: damaged frames have no seq to be
 * trusted, and replies are never answered. `length` is that of the frame.
 */
bool beamrig_nack_for(beamrig_verdict verdict, size_t length, const beamrig_header *header, beamrig_message *nack);

#endif

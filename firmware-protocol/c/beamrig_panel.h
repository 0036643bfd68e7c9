/*
 * A panel, hardware left out: requests in, replies out, as PROTOCOL.md sections 5 to 7 say.
 *
 *     frame -> tag, counter -> decode -> seen before? -> carry out -> encode -> seal -> reply
 *                                                           |
 *          slots (staged) -- commit, at once or at its time --> radiated --> hardware.apply
 *                                            beam memory -^   ^- safe state (asked for, or by silence)
 *
 * The panel lives in memory that the caller gives it, calls the hardware only from within beamrig_panel_receive, _poll, _init and
 * _fault, and is to be called from one context (the main loop; see README.md).
 */
#ifndef BEAMRIG_PANEL_H
#define BEAMRIG_PANEL_H

#include "beamrig_authentication.h"
#include "beamrig_messages.h"

/* A beam as it is radiated: of each, the entry of element n and chain m is at n*M + m. NULL is what the beam came without. */
typedef struct {
  const uint16_t *words;
  const float *weights;   /* D, M*K complex numbers re, im, row-major; NULL: chain k carries stream k */
  const uint8_t *enables; /* 1 = on, 0 = off: that place radiates nothing; NULL: all are on, whatever was before */
  const uint16_t *gains;  /* gain words of gain_bits; NULL: all at full gain, the top word, whatever was before */
} beamrig_beam;

/* What the board can do. `context` is handed back in every call. */
typedef struct {
  void *context;
  /*
   * Drives all elements at once: write every chip, then latch them together, enables and gains with the words. 0 = done, else a fault code of
   * the board. A panel without a feature is given NULL for its part. NULL, as `mute` is, on a board with receivers only (role user).
   */
  uint32_t (*apply)(void *context, const beamrig_beam *beam);
  /* All elements off. */
  void (*mute)(void *context);
  /* Microseconds since the start of the panel; never goes back, never wraps. */
  uint64_t (*time_us)(void *context);
  /* 0.01 degrees Celsius. NULL where there is no sensor, which the host is told. */
  int16_t (*temperature_centi_c)(void *context);
  /*
   * Averages over `*pilots` pilots (says in it how many they really were) and puts what each user hears, in 0.01 dB, with
   * beamrig_put_reading(snr, user, value), `user` counted from the first that the panel reports (beamrig_panel_reports). A user for whom
   * nothing is put has no reading, and the host is told so. False when it cannot measure now (`busy`). NULL without the feature snr-report.
   */
  bool (*measure_snr)(void *context, uint32_t *pilots, uint8_t *snr);
  /* Likewise re, im of each of the M chains as `user` hears it, with beamrig_put_f32. NULL without the feature pilot-report. */
  bool (*measure_pilots)(void *context, uint16_t user, uint32_t *pilots, uint8_t *values);
} beamrig_hardware;

/* What stands in an snr-report for a user without a reading. */
#define BEAMRIG_NO_READING INT16_MIN
/* What stands in a status where there is no sensor. */
#define BEAMRIG_NO_TEMPERATURE INT16_MIN

/* A reading that is out of range ends at +-32,767, which is another thing than none. */
static inline void beamrig_put_reading(uint8_t *snr, uint16_t user, int32_t centi_db) {
  const int32_t least = -INT16_MAX;
  const int32_t within = centi_db < least ? least : centi_db > INT16_MAX ? INT16_MAX : centi_db;
  beamrig_put_i16(snr + 2u * (size_t)user, (int16_t)within);
}

/* A beam that is still arriving. */
typedef struct {
  uint32_t beam_id; /* 0 = empty */
  uint32_t words_here;
  uint32_t weights_here;
  uint32_t enables_here;
  uint32_t gains_here;
} beamrig_slot;

/* A request and the length of what it was answered. */
typedef struct {
  uint32_t crc;
  uint32_t hash;
  uint16_t seq;
  uint16_t length; /* 0 = nothing remembered */
  uint16_t reply_length;
} beamrig_remembered;

/* More than a host has under way: requests whose answers it does not hear come again in turn, and keep nothing alive. */
#define BEAMRIG_COUNTED 8u

/* Memory of a panel; BEAMRIG_PANEL_MEMORY defines one. Counts are of array entries. */
typedef struct {
  uint16_t *words; /* slots + positions + 2 beams of N*M: the last two are radiated, and waiting for its time */
  size_t word_room;
  float *weights; /* the same number of D, 2*M*K each */
  size_t weight_room;
  uint8_t *enables; /* the same number of N*M each; of none without element-enable */
  size_t enable_room;
  uint16_t *gains; /* the same number of N*M each; of none without element-gain */
  size_t gain_room;
  uint8_t *coverage; /* what has come, a bit a word, weight, enable and gain of each slot */
  size_t coverage_room;
  beamrig_slot *slots;
  size_t slot_room;
  uint8_t *stored; /* what stands at each position of beam memory */
  size_t stored_room;
  beamrig_remembered *remembered; /* requests that are answered again and not carried out again */
  size_t remembered_room;
  uint8_t *replies; /* reply_bytes for each of them */
  size_t reply_bytes;
} beamrig_panel_memory;

/* `places`: of all parts that a panel has, words, weights, enables and gains. */
#define BEAMRIG_COVERAGE_BYTES(places) (((places) + 7u) / 8u)

/*
 * Defines static memory `name` for N*M = word_count words, M*K = weight_count complex weights (0 without the feature digital-weights),
 * enable_count enables (N*M with the feature element-enable, else 0) and gain_count gains (N*M with element-gain, else 0), remembering so many requests whose replies take at most reply_bytes (64 are enough for everything but long reports
 * and read-back; what does not fit is carried out again, which is allowed).
 */
#define BEAMRIG_PANEL_MEMORY(name, word_count, weight_count, enable_count, gain_count, slot_count, positions, requests, reply_size) \
  static uint16_t name##_words[(size_t)(word_count) * ((slot_count) + (positions) + 2u)];                                \
  static float name##_weights[2u * (size_t)(weight_count) * ((slot_count) + (positions) + 2u) + 1u];                      \
  static uint8_t name##_enables[(size_t)(enable_count) * ((slot_count) + (positions) + 2u) + 1u];                         \
  static uint16_t name##_gains[(size_t)(gain_count) * ((slot_count) + (positions) + 2u) + 1u];                            \
  static uint8_t name##_coverage[BEAMRIG_COVERAGE_BYTES((size_t)(word_count) + (size_t)(weight_count) + (size_t)(enable_count) +    \
                                                        (size_t)(gain_count)) *                                          \
                                 (slot_count)];                                                                          \
  static beamrig_slot name##_slots[(slot_count)];                                                                        \
  static uint8_t name##_stored[(positions) + 1u];                                                                        \
  static beamrig_remembered name##_remembered[(requests) + 1u];                                                          \
  static uint8_t name##_replies[((requests) + 1u) * (size_t)(reply_size)];                                               \
  static const beamrig_panel_memory name = {name##_words,                                                                \
                                            sizeof name##_words / sizeof name##_words[0],                                \
                                            name##_weights,                                                              \
                                            sizeof name##_weights / sizeof name##_weights[0],                            \
                                            name##_enables,                                                              \
                                            sizeof name##_enables,                                                       \
                                            name##_gains,                                                                \
                                            sizeof name##_gains / sizeof name##_gains[0],                                \
                                            name##_coverage,                                                             \
                                            sizeof name##_coverage,                                                      \
                                            name##_slots,                                                                \
                                            (slot_count),                                                                \
                                            name##_stored,                                                               \
                                            (positions),                                                                 \
                                            name##_remembered,                                                           \
                                            (requests),                                                                  \
                                            name##_replies,                                                              \
                                            (reply_size)}

/* The same for a board with receivers only (role user), which keeps no beam. */
#define BEAMRIG_RECEIVER_MEMORY(name, requests, reply_size)                                                              \
  static beamrig_remembered name##_remembered[(requests) + 1u];                                                          \
  static uint8_t name##_replies[((requests) + 1u) * (reply_size)];                                                       \
  static const beamrig_panel_memory name = {NULL, 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0,               \
                                            name##_remembered,                                                           \
                                            (requests),                                                                  \
                                            name##_replies,                                                              \
                                            (reply_size)}

/*
 * What this library does of the protocol's features, beside BEAMRIG_FEATURE_AUTHENTICATION, which needs a key too. A panel has those that
 * its capabilities name and no others, and answers the requests of others `unsupported-message`; element-gain and element-enable need memory of
 * their own, and the first gain_bits; time-sync and patch ask for nothing but to be named. BEAMRIG_FEATURE_SIMULATED is for boards
 * whose front end is a program; a real one never names it.
 */
#define BEAMRIG_PANEL_FEATURES                                                                             \
  (BEAMRIG_FEATURE_DIGITAL_WEIGHTS | BEAMRIG_FEATURE_SNR_REPORT | BEAMRIG_FEATURE_PILOT_REPORT |           \
   BEAMRIG_FEATURE_BEAM_MEMORY | BEAMRIG_FEATURE_READ_BACK | BEAMRIG_FEATURE_TIME_SYNC | BEAMRIG_FEATURE_PATCH | \
   BEAMRIG_FEATURE_ELEMENT_GAIN | BEAMRIG_FEATURE_ELEMENT_ENABLE)

/* The longest `capabilities`, which is not bound by maxPayloadBytes. */
#define BEAMRIG_CAPABILITIES_BYTES (24 + 2 * BEAMRIG_MAX_TEXT_BYTES)
/* Room for any reply of a panel with this maxPayloadBytes, authenticated or not. */
#define BEAMRIG_REPLY_BYTES(max_payload_bytes)                                                                               \
  (BEAMRIG_FRAME_BYTES((max_payload_bytes) < BEAMRIG_CAPABILITIES_BYTES ? BEAMRIG_CAPABILITIES_BYTES : (max_payload_bytes)) + \
   BEAMRIG_AUTHENTICATION_BYTES)

/* What a beam came with beside its words. */
enum { BEAMRIG_WITH_WEIGHTS = 1, BEAMRIG_WITH_ENABLES = 2, BEAMRIG_WITH_GAINS = 4 };

/* By how much the stored limit of counters is raised at a time: one write to flash for so many frames. */
#define BEAMRIG_COUNTER_STEP 65536u

/* Who may speak to a panel with the feature authentication. `key` is secret. */
typedef struct {
  bool has_key; /* without one it takes no frame at all */
  beamrig_hmac_key key;
  beamrig_replay_window heard; /* the host's counters */
  uint64_t sent;               /* the last one of its own */
  uint64_t limit;              /* as it was stored last: no counter above it is accepted or sent */
  bool (*store_counter_limit)(void *context, uint64_t limit);
} beamrig_guard;

/* Read it freely; only the functions below write it. */
typedef struct {
  beamrig_capabilities capabilities;
  beamrig_hardware hardware;
  beamrig_panel_memory memory;
  uint32_t word_count;
  uint32_t weight_count;
  uint16_t streams;
  uint8_t state; /* BEAMRIG_STATE_... */
  /* The newest beam id latched in this session, the newest that a commit or select-beam was refused for by a fault, and the beam latched last. */
  uint32_t newest;
  uint32_t spent;
  bool session_over; /* silence has ended it: no beam is taken before the next hello */
  uint32_t latched_id;
  uint64_t latched_us;
  uint32_t latched_crc;
  /* What the elements show now: `dark`, or the words kept for it, under an id that is 0 for a codeword. */
  bool dark;
  uint32_t radiated_id;
  uint8_t radiated_parts; /* BEAMRIG_WITH_... */
  /* The timed commit that waits; waiting_id is 0 when none does. */
  uint32_t waiting_id;
  uint8_t waiting_slot;
  uint8_t waiting_parts;
  uint64_t waiting_us;
  /* The furthest cancellation of this session: timed commits up to this beam, and of this one up to this time, come to nothing. */
  uint32_t cancelled_id;
  uint64_t cancelled_us;
  /* What to do when the host falls silent. */
  uint8_t safe_state;
  uint16_t safe_position;
  uint32_t silence_ms;
  bool watching;
  uint64_t heard_us;
  beamrig_remembered counted[BEAMRIG_COUNTED]; /* the last requests from which the silence was counted; length 0 = none */
  uint8_t next_counted;
  uint32_t boot_count;
  uint32_t bad_frames;
  uint32_t fault_code;
  /* The users that it reports. */
  uint16_t first_user;
  uint16_t reported_users;
  bool has_probe;
  size_t next_remembered;
  beamrig_guard guard;
} beamrig_panel;

/*
 * A panel as after a reset: idle, muted, nothing staged or stored, no silence limit. Call it once at start.
 * @param capabilities copied, its texts not; the protocol version in it is set here
 * @param streams K, columns of D; 0 without the feature digital-weights
 * @param memory of a board with receivers only (role user): what replies take, the rest NULL and 0
 * @param boot_count another number after each start (kept in flash or backup memory, or drawn)
 * Returns false, and the panel is not to be used, when the capabilities cannot be sent or contradict themselves, a feature lacks its
 * callback, or the memory is too small for them.
 */
bool beamrig_panel_init(beamrig_panel *panel, const beamrig_capabilities *capabilities, uint16_t streams,
                        const beamrig_hardware *hardware, const beamrig_panel_memory *memory, uint32_t boot_count);

/*
 * The panel reports `count` users from `first_user` on, and no others: where receivers are spread over several boards. Without it: all.
 * False, and nothing changes, when there is none of them, or one is not among the `users` of the capabilities.
 */
bool beamrig_panel_reports(beamrig_panel *panel, uint16_t first_user, uint16_t count);

/* The panel has a probe, too: measure_pilots is called with user = `users` for it. Without it: none. */
void beamrig_panel_has_probe(beamrig_panel *panel);

/*
 * Gives a panel with the feature authentication its key; until then it takes no frame. Call it once after each beamrig_panel_init.
 * @param panel_key the board's own, 16 to 64 bytes; not needed afterwards
 * @param counter_limit what store_counter_limit was given last; 0 on a board that is new, or has a new key
 * @param store_counter_limit keeps a number in memory that survives power, and returns once it is there; false when it could not, and then
 *     nothing is accepted. It gets the `context` of the hardware, once in BEAMRIG_COUNTER_STEP frames, before one is answered.
 * Returns false, and no frame is taken, when the panel has not the feature or the key has another length.
 */
bool beamrig_panel_authenticate(beamrig_panel *panel, const uint8_t *panel_key, size_t key_length, uint64_t counter_limit,
                                bool (*store_counter_limit)(void *context, uint64_t limit));

/*
 * Takes one bare frame, damaged ones included, and writes the one reply to it. Returns the reply's length; 0 when silence is right.
 * `reply` has room for BEAMRIG_REPLY_BYTES(maxPayloadBytes) and does not overlap `frame`.
 */
size_t beamrig_panel_receive(beamrig_panel *panel, const uint8_t *frame, size_t length, uint8_t *reply, size_t capacity);

/*
 * The same for a frame that had come in at received_us, in panel time: what `synced` says. Take it in the interrupt of the last byte, and
 * the time that a frame waits for the main loop is no error of the host's clock estimate.
 */
size_t beamrig_panel_receive_at(beamrig_panel *panel, const uint8_t *frame, size_t length, uint64_t received_us, uint8_t *reply,
                                size_t capacity);

/*
 * Does what is due: latches the timed commit that waits, and enters the safe state when the host has been silent for too long. Call it in
 * every turn of the main loop, and no later than beamrig_panel_next_us.
 */
void beamrig_panel_poll(beamrig_panel *panel);

/* The panel time at which beamrig_panel_poll has something to do next, UINT64_MAX when never: until then the board may sleep. */
uint64_t beamrig_panel_next_us(const beamrig_panel *panel);

/* The board has found a fault of its own: mutes, says `fault`, and refuses to change the beam until it recovers or is initialised again. */
void beamrig_panel_fault(beamrig_panel *panel, uint32_t code);

/* The board finds the cause of its fault gone: idle and muted, ready for the next beam. Does nothing without a fault. */
void beamrig_panel_recover(beamrig_panel *panel);

/*
 * The beam that waits for its time, for a board that writes it ahead to registers which nothing radiates yet; beam->words is NULL when none
 * waits. It holds until the next call of a function of the panel.
 */
void beamrig_panel_waiting_beam(const beamrig_panel *panel, beamrig_beam *beam);

/* The beam at a position of beam memory, for a board that keeps it in its chips too; beam->words is NULL when there is none. It holds as long. */
void beamrig_panel_kept_beam(const beamrig_panel *panel, uint16_t position, beamrig_beam *beam);

/* Adds to the badFrames of the status what a serial reader has dropped since the last call. */
void beamrig_panel_count_bad_frames(beamrig_panel *panel, uint32_t count);

#endif

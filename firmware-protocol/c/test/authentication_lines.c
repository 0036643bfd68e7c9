/*
 * SHA-256 and the authentication of frames from the outside: one command a line on stdin, one answer a line on stdout. Bytes are
 * hexadecimal, "-" is none of them.
 *
 *     sha256 PIECE HEX          the digest of HEX, taken in pieces of so many bytes
 *     hmac KEY HEX              "refused" for a key longer than a block
 *     panel-key RIGKEY SERIAL   the key of a panel, its serial number as bytes; or "refused"
 *     seal KEY COUNTER FRAME    the frame authenticated
 *     open KEY FRAME            the counter and the header and payload inside, or "refused"
 *     replays START COUNTERS    for each of the counters 1 when it is new, else 0
 */
#include "../beamrig_authentication.h"
#include "hex_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES (1 << 22)

static char line[LINE_BYTES];

static const char *next_word(void) {
  const char *const word = strtok(NULL, " \n");
  return word == NULL ? "-" : word;
}

static void sha256(size_t piece, const uint8_t *bytes, size_t length) {
  uint8_t digest[BEAMRIG_SHA256_BYTES];
  beamrig_sha256 hash;
  beamrig_sha256_begin(&hash);
  for (size_t at = 0; at < length; at += piece) beamrig_sha256_add(&hash, bytes + at, length - at < piece ? length - at : piece);
  beamrig_sha256_end(&hash, digest);
  print_hex(digest, sizeof digest);
}

static void hmac(const uint8_t *key, size_t key_length, const uint8_t *bytes, size_t length) {
  uint8_t code[BEAMRIG_SHA256_BYTES];
  beamrig_hmac_key prepared;
  beamrig_sha256 hash;
  if (!beamrig_hmac_prepare(&prepared, key, key_length)) {
    printf("refused");
    return;
  }
  beamrig_hmac_begin(&hash, &prepared);
  beamrig_sha256_add(&hash, bytes, length);
  beamrig_hmac_end(&hash, &prepared, code);
  print_hex(code, sizeof code);
}

static void panel_key(const uint8_t *rig_key, size_t key_length, const uint8_t *serial, size_t length) {
  uint8_t key[BEAMRIG_PANEL_KEY_BYTES];
  if (beamrig_derive_panel_key(rig_key, key_length, (const char *)serial, length, key)) {
    print_hex(key, sizeof key);
  } else {
    printf("refused");
  }
}

static void seal(const beamrig_hmac_key *key, uint64_t counter, const uint8_t *frame, size_t length) {
  const size_t room = length + BEAMRIG_AUTHENTICATION_BYTES;
  uint8_t *const sealed = allocate(room);
  memcpy(sealed, frame, length);
  if (beamrig_seal(sealed, length, room - 1, key, counter) != 0 || memcmp(sealed, frame, length) != 0) {
    printf("sealed without room, ");
  }
  print_hex(sealed, beamrig_seal(sealed, length, room, key, counter));
  free(sealed);
}

static void open(const beamrig_hmac_key *key, const uint8_t *frame, size_t length) {
  uint64_t counter;
  if (!beamrig_open(frame, length, key, &counter)) {
    printf("refused");
    return;
  }
  printf("%llu ", (unsigned long long)counter);
  print_hex(frame, length - BEAMRIG_AUTHENTICATION_BYTES - BEAMRIG_CRC_BYTES);
}

static void replays(uint64_t start, char *counters) {
  beamrig_replay_window window;
  beamrig_replay_window_init(&window, start);
  for (char *word = strtok(counters, ","); word != NULL; word = strtok(NULL, ",")) {
    const uint64_t counter = strtoull(word, NULL, 10);
    const bool is_new = beamrig_replay_window_is_new(&window, counter);
    if (is_new) beamrig_replay_window_take(&window, counter);
    putchar(is_new ? '1' : '0');
  }
}

/* Commands that begin with a key. */
static void with_key(const char *command, const uint8_t *key, size_t key_length) {
  const uint64_t counter = strcmp(command, "seal") == 0 ? strtoull(next_word(), NULL, 10) : 0;
  size_t length;
  uint8_t *const bytes = from_hex(next_word(), &length);
  beamrig_hmac_key prepared;
  if (strcmp(command, "hmac") == 0) {
    hmac(key, key_length, bytes, length);
  } else if (strcmp(command, "panel-key") == 0) {
    panel_key(key, key_length, bytes, length);
  } else if (!beamrig_hmac_prepare(&prepared, key, key_length)) {
    printf("refused");
  } else if (strcmp(command, "seal") == 0) {
    seal(&prepared, counter, bytes, length);
  } else if (strcmp(command, "open") == 0) {
    open(&prepared, bytes, length);
  } else {
    printf("unknown command");
  }
  free(bytes);
}

int main(void) {
  while (fgets(line, sizeof line, stdin) != NULL) {
    const char *const command = strtok(line, " \n");
    if (command == NULL) continue;
    if (strcmp(command, "replays") == 0) {
      const uint64_t start = strtoull(next_word(), NULL, 10);
      replays(start, strtok(NULL, " \n"));
    } else {
      size_t length;
      if (strcmp(command, "sha256") == 0) {
        const size_t piece = strtoul(next_word(), NULL, 10);
        uint8_t *const bytes = from_hex(next_word(), &length);
        sha256(piece, bytes, length);
        free(bytes);
      } else {
        uint8_t *const key = from_hex(next_word(), &length);
        with_key(command, key, length);
        free(key);
      }
    }
    putchar('\n');
  }
  return 0;
}

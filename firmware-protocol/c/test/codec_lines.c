/*
 * The codec from the outside: one command a line on stdin, one answer a line on stdout. Bytes are hexadecimal, "-" is none of them.
 *
 *     decode HEX          {"seq":..,"message":{..},"again":HEX}, or {"reason":..,"nack":{..} or null}
 *     serial HEX          the frame as it goes onto a line
 *     stream HEX          {"frames":[HEX,..],"discards":{..}}
 *     beam-crc WORDS ENABLES GAINS (lists; "-" is none)
 *     crc HEX             words-crc WORDS       pack BITS WORDS        unpack BITS COUNT HEX
 *     cobs HEX            uncobs HEX
 *
 * Floats are printed as the 32 bits they are. Every input is copied to memory of just its size, so that a sanitizer sees a read past it.
 */
#include "../beamrig_serial.h"
#include "hex_lines.h"
#include "message_json.h"

#include <stdio.h>
#include <stdlib.h>

#define LINE_BYTES (1 << 17)

static char line[LINE_BYTES];

static const char *const REASONS[] = {"",           "too-short",    "too-long", "bad-crc", "unsupported-version", "reserved-flags",
                                      "unknown-type", "malformed"};

static uint16_t *words_from(char *list, size_t *count) {
  uint16_t *const words = allocate(sizeof(uint16_t) * (list == NULL ? 1 : strlen(list)));
  *count = 0;
  for (char *word = list == NULL ? NULL : strtok(list, ","); word != NULL; word = strtok(NULL, ",")) {
    words[(*count)++] = (uint16_t)strtoul(word, NULL, 10);
  }
  return words;
}

static void decode(const uint8_t *bytes, size_t length) {
  static uint8_t again[BEAMRIG_MAX_FRAME_BYTES];
  beamrig_header header;
  beamrig_message message;
  const beamrig_verdict verdict = beamrig_decode(bytes, length, &header, &message);
  if (verdict == BEAMRIG_GOOD) {
    printf("{\"seq\":%u,\"message\":", header.seq);
    print_message(&message);
    printf(",\"again\":\"");
    print_hex(again, beamrig_encode(&message, header.seq, again, sizeof again));
    printf("\"}");
    return;
  }
  printf("{\"reason\":\"%s\",\"nack\":", REASONS[verdict]);
  if (beamrig_nack_for(verdict, length, &header, &message)) {
    printf("{\"seq\":%u,\"message\":", header.seq);
    print_message(&message);
    putchar('}');
  } else {
    printf("null");
  }
  putchar('}');
}

static void stream(const uint8_t *bytes, size_t length) {
  static uint8_t block[BEAMRIG_COBS_BYTES(BEAMRIG_MAX_FRAME_BYTES)];
  beamrig_reader reader;
  const char *comma = "";
  beamrig_reader_init(&reader, block, sizeof block);
  printf("{\"frames\":[");
  for (size_t i = 0; i < length; i++) {
    const size_t found = beamrig_reader_take(&reader, bytes[i]);
    if (found == 0) continue;
    printf("%s\"", comma);
    print_hex(block, found);
    putchar('"');
    comma = ",";
  }
  printf("],\"discards\":{\"overflow\":%lu", (unsigned long)reader.discards.overflow);
  print_number("bad-cobs", reader.discards.bad_cobs);
  print_number("too-short", reader.discards.too_short);
  print_number("too-long", reader.discards.too_long);
  print_number("bad-crc", reader.discards.bad_crc);
  printf("}}");
}

static void on_bytes(const char *command, const uint8_t *bytes, size_t length) {
  uint8_t *const out = allocate(BEAMRIG_SERIAL_BYTES(length));
  uint8_t *const copy = allocate(length);
  memcpy(copy, bytes, length);
  if (strcmp(command, "decode") == 0) {
    decode(bytes, length);
  } else if (strcmp(command, "serial") == 0) {
    print_hex(out, beamrig_serial_encode(bytes, length, out));
  } else if (strcmp(command, "stream") == 0) {
    stream(bytes, length);
  } else if (strcmp(command, "crc") == 0) {
    printf("%08lx", (unsigned long)beamrig_crc32c(bytes, length));
  } else if (strcmp(command, "cobs") == 0) {
    print_hex(out, beamrig_cobs_encode(bytes, length, out));
  } else if (strcmp(command, "uncobs") == 0) {
    const size_t decoded = beamrig_cobs_decode(copy, length);
    if (decoded == BEAMRIG_BAD_COBS) {
      printf("refused");
    } else {
      print_hex(copy, decoded);
    }
  } else {
    printf("unknown command");
  }
  free(out);
  free(copy);
}

static void words_crc(char *list) {
  size_t count;
  uint16_t *const words = words_from(list, &count);
  printf("%08lx", (unsigned long)beamrig_words_crc32c(words, count));
  free(words);
}

static void beam_crc(char *words_list, char *enables_list, char *gains_list) {
  size_t count, enable_count, gain_count;
  uint16_t *const words = words_from(words_list, &count);
  uint16_t *const places = words_from(enables_list[0] == '-' ? NULL : enables_list, &enable_count);
  uint16_t *const gains = words_from(gains_list[0] == '-' ? NULL : gains_list, &gain_count);
  uint8_t *const enables = allocate(enable_count);
  for (size_t i = 0; i < enable_count; i++) enables[i] = (uint8_t)places[i];
  printf("%08lx", (unsigned long)beamrig_beam_crc32c(words, enable_count > 0 ? enables : NULL, gain_count > 0 ? gains : NULL, count));
  free(words);
  free(places);
  free(gains);
  free(enables);
}

static void pack(unsigned bits, char *list) {
  size_t count;
  uint16_t *const words = words_from(list, &count);
  uint8_t *const packed = allocate(BEAMRIG_PACKED_BYTES(count, bits));
  beamrig_pack_words(words, count, bits, packed);
  print_hex(packed, BEAMRIG_PACKED_BYTES(count, bits));
  free(words);
  free(packed);
}

static void unpack(unsigned bits, size_t count, const char *hex) {
  size_t length;
  uint8_t *const packed = from_hex(hex, &length);
  uint16_t *const words = allocate(sizeof(uint16_t) * count);
  if (length != BEAMRIG_PACKED_BYTES(count, bits) || !beamrig_unpack_words(packed, bits, count, words)) {
    printf("refused");
  } else {
    for (size_t i = 0; i < count; i++) printf("%s%u", i > 0 ? "," : "", words[i]);
  }
  free(packed);
  free(words);
}

int main(void) {
  while (fgets(line, sizeof line, stdin) != NULL) {
    const char *const command = strtok(line, " \n");
    if (command == NULL) continue;
    if (strcmp(command, "words-crc") == 0) {
      words_crc(strtok(NULL, " \n"));
    } else if (strcmp(command, "beam-crc") == 0) {
      char *const words = strtok(NULL, " \n");
      char *const enables = strtok(NULL, " \n");
      beam_crc(words, enables, strtok(NULL, " \n"));
    } else if (strcmp(command, "pack") == 0) {
      const unsigned bits = (unsigned)strtoul(strtok(NULL, " \n"), NULL, 10);
      pack(bits, strtok(NULL, " \n"));
    } else if (strcmp(command, "unpack") == 0) {
      const unsigned bits = (unsigned)strtoul(strtok(NULL, " \n"), NULL, 10);
      const size_t count = strtoul(strtok(NULL, " \n"), NULL, 10);
      unpack(bits, count, strtok(NULL, " \n"));
    } else {
      size_t length;
      uint8_t *const bytes = from_hex(strtok(NULL, " \n"), &length);
      on_bytes(command, bytes, length);
      free(bytes);
    }
    putchar('\n');
  }
  return 0;
}

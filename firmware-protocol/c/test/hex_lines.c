#include "hex_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *allocate(size_t size) {
  void *const memory = malloc(size == 0 ? 1 : size);
  if (memory == NULL) abort();
  return memory;
}

uint8_t *from_hex(const char *hex, size_t *length) {
  const size_t digits = hex == NULL || strcmp(hex, "-") == 0 ? 0 : strlen(hex);
  uint8_t *const bytes = allocate(digits / 2);
  *length = digits / 2;
  for (size_t i = 0; i < digits / 2; i++) {
    const char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};
    bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
  }
  return bytes;
}

void print_hex(const uint8_t *bytes, size_t length) {
  if (length == 0) putchar('-');
  for (size_t i = 0; i < length; i++) printf("%02x", bytes[i]);
}

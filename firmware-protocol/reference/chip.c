#include "chip.h"

uint16_t chip_count(const chip_array *array) {
  return (uint16_t)((array->places + chip.channels - 1u) / chip.channels);
}

uint8_t chip_lines(const chip_array *array) {
  return (uint8_t)((chip_count(array) + chip.per_line - 1u) / chip.per_line);
}

uint32_t chip_all_lines(const chip_array *array) {
  const uint8_t lines = chip_lines(array);
  return lines >= CHIP_MOST_LINES ? 0xffffffffu : ((uint32_t)1u << lines) - 1u;
}

chip_place chip_place_of(uint16_t place) {
  const uint16_t number = (uint16_t)(place / chip.channels);
  const chip_place at = {(uint32_t)1u << (number / chip.per_line), (uint8_t)(number % chip.per_line), (uint8_t)(place % chip.channels)};
  return at;
}

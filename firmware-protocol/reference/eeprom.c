#include "eeprom.h"

#include <string.h>

#include "beamrig_authentication.h"
#include "bench_bus.h"

enum { STARTS_AT = 0, KEY_LENGTH_AT = 16, LIMITS_AT = 96 };

#define KEY_ROOM_BYTES 64u
/* u64, and its CRC-32C. */
#define LIMIT_BYTES 12u
#define LIMITS 2u

/* The place of the limit that counts; the next one goes to the other. */
static uint8_t newest;

bool eeprom_count_start(uint32_t *starts) {
  uint8_t bytes[4];
  if (!bench_read_eeprom(STARTS_AT, bytes, sizeof bytes)) return false;
  *starts = beamrig_get_u32(bytes) + 1u;
  beamrig_put_u32(bytes, *starts);
  return bench_write_eeprom(STARTS_AT, bytes, sizeof bytes);
}

/* Memory that was never written: erased, or as the bench has it. */
static bool is_blank(const uint8_t *bytes, size_t count) {
  if (bytes[0] != 0 && bytes[0] != 0xffu) return false;
  for (size_t i = 1; i < count; i++) {
    if (bytes[i] != bytes[0]) return false;
  }
  return true;
}

eeprom_finding eeprom_read_key(uint8_t *key, uint8_t *length) {
  uint8_t bytes[1u + KEY_ROOM_BYTES];
  if (!bench_read_eeprom(KEY_LENGTH_AT, bytes, sizeof bytes)) return EEPROM_SILENT;
  /* One damaged length must not open the panel to everybody: a board without a key has nothing at all there. */
  if (is_blank(bytes, sizeof bytes)) return EEPROM_NEW;
  if (bytes[0] < BEAMRIG_MIN_KEY_BYTES || bytes[0] > KEY_ROOM_BYTES) return EEPROM_DAMAGED;
  *length = bytes[0];
  memcpy(key, bytes + 1, *length);
  memset(bytes, 0, sizeof bytes);
  return EEPROM_KEPT;
}

eeprom_finding eeprom_read_counter_limit(uint64_t *limit) {
  uint8_t bytes[LIMITS * LIMIT_BYTES];
  bool kept = false;
  bool blank = false;
  *limit = 0;
  newest = 1;
  if (!bench_read_eeprom(LIMITS_AT, bytes, sizeof bytes)) return EEPROM_SILENT;
  for (uint8_t i = 0; i < LIMITS; i++) {
    const uint8_t *const at = bytes + i * LIMIT_BYTES;
    const uint64_t here = beamrig_get_u64(at);
    blank |= is_blank(at, LIMIT_BYTES);
    if (beamrig_get_u32(at + 8) != beamrig_crc32c(at, 8) || (kept && here <= *limit)) continue;
    kept = true;
    newest = i;
    *limit = here;
  }
  if (kept) return EEPROM_KEPT;
  /* Power may have gone in the first write of all, before any counter was used. With both places written one limit at least was whole. */
  return blank ? EEPROM_NEW : EEPROM_DAMAGED;
}

bool eeprom_store_counter_limit(uint64_t limit) {
  uint8_t bytes[LIMIT_BYTES];
  const uint8_t next = (uint8_t)(1u - newest);
  beamrig_put_u64(bytes, limit);
  beamrig_put_u32(bytes + 8, beamrig_crc32c(bytes, 8));
  if (!bench_write_eeprom((uint16_t)(LIMITS_AT + next * LIMIT_BYTES), bytes, sizeof bytes)) return false;
  newest = next;
  return true;
}

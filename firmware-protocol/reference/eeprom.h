/*
 * What the board keeps over a loss of power (BENCH-BUS.md): how often it has started, the panel key, and up to where counters were used.
 * All of it fails closed: memory that makes no sense is never taken for memory that is new.
 */
#ifndef EEPROM_H
#define EEPROM_H

#include <stdbool.h>
#include <stdint.h>

typedef enum { EEPROM_SILENT, EEPROM_NEW, EEPROM_KEPT, EEPROM_DAMAGED } eeprom_finding;

/* Counts this start; false while nobody answers. */
bool eeprom_count_start(uint32_t *starts);

/* The panel key; NEW when there never was one. `key` has room for 64 bytes. */
eeprom_finding eeprom_read_key(uint8_t *key, uint8_t *length);

/* The limit of counters; NEW (and 0) when there never was one. */
eeprom_finding eeprom_read_counter_limit(uint64_t *limit);

/* Keeps a limit. Until it is there as a whole, the one before it stands. Read it once before. */
bool eeprom_store_counter_limit(uint64_t limit);

#endif

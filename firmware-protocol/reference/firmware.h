/*
 * The firmware of an array panel: frames of the panel protocol in at one port, ADAR1000 chips out at the other. The same on every board.
 *
 *     host port ─ ring ─ reader ─ panel ─ replies            panel protocol: firmware-protocol/c
 *                                   │
 *                  apply: stage every chip, weights ─ load all at once ─ bench port
 */
#ifndef FIRMWARE_H
#define FIRMWARE_H

#include <stdbool.h>
#include <stdint.h>

/* Largest panel that there is memory for: N*M places, M*K weights, positions of beam memory. */
#ifndef FIRMWARE_PLACES
#define FIRMWARE_PLACES 256u
#endif
#ifndef FIRMWARE_WEIGHTS
#define FIRMWARE_WEIGHTS 16u
#endif
#ifndef FIRMWARE_POSITIONS
#define FIRMWARE_POSITIONS 16u
#endif
#define FIRMWARE_SLOTS 2u
#define FIRMWARE_PAYLOAD_BYTES 1024u

typedef struct {
  uint16_t elements;
  uint16_t chains;
  uint16_t users;
  /* 0 = kept in the EEPROM and counted up. */
  uint32_t boot_count;
  /* 1 ... 32 bytes, and stays where it is. */
  const char *serial;
  /* The panel key of frames that are authenticated, 16 to 64 bytes; of length 0 = that of the EEPROM, and none when there is none. */
  uint8_t key[64];
  uint8_t key_length;
} firmware_settings;

/* Waits for the bench, sets up the chips, and starts the panel. False when the settings do not fit the memory or the protocol. */
bool firmware_start(const firmware_settings *settings);

/*
 * One turn of the main loop: what has come in is answered, what is due is done. Returns when something is due next at the latest, UINT64_MAX
 * when nothing is: sleep until then between two turns, or until a byte comes.
 */
uint64_t firmware_turn(void);

#endif

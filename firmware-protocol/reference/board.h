/*
 * What a board gives the firmware: two byte streams, a clock, sleep, and a watchdog. Everything else is the same on every board.
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where frames of the panel protocol come from, and the bench bus with the chips behind it (BENCH-BUS.md). */
typedef enum { BOARD_HOST_PORT = 0, BOARD_BENCH_PORT = 1, BOARD_PORTS = 2 } board_port;

/* The next byte received; false when there is none. */
bool board_take(board_port port, uint8_t *byte);

/* When the zero byte that board_take gave last had come in at this port, in board time: taken where the byte was, not in the main loop. */
uint64_t board_delimited_us(board_port port);

/* Sends bytes; returns when they are on their way, or given up because nobody takes them. */
void board_send(board_port port, const uint8_t *bytes, size_t length);

/* Microseconds since the start; never goes back. */
uint64_t board_time_us(void);

/* Sleeps until a byte has come on either port or it is until_us, but not for longer than about a millisecond. May return early. */
void board_sleep(uint64_t until_us);

/* Says that the main loop still turns. A board that does not hear it for BOARD_WATCHDOG_US starts again. Nothing takes that long. */
#define BOARD_WATCHDOG_US 3000000u
void board_feed_watchdog(void);

#endif

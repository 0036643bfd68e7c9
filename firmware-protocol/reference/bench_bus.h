/*
 * The board's end of the bench bus: SPI words, weights of the baseband, measurements and the EEPROM, all over the second UART
 * (BENCH-BUS.md). On a board with a real SPI controller, baseband and EEPROM this is the file to replace.
 *
 * Transfers are pipelined: bench_spi collects words, and only bench_finish waits until the bench has carried out all of them.
 */
#ifndef BENCH_BUS_H
#define BENCH_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "beamrig_messages.h"

/* What a panel on this bench says of itself: chips, air and users are a program. Nothing on a board with real ones. */
#define BENCH_FEATURES BEAMRIG_FEATURE_SIMULATED

/* What happens at the end of a transfer, in the same moment. */
enum { BENCH_LOAD_WEIGHTS = 0x01, BENCH_AMPLIFIERS_OFF = 0x02, BENCH_AMPLIFIERS_ON = 0x04 };

/*
 * Begins anew, whatever was under way. A bench that does not answer within this time counts as gone: everything below fails at once, until
 * this is called again.
 */
void bench_start(uint32_t longest_answer_us);

/* Clocks one SPI word out with these select lines low. It is on its way after bench_finish at the latest, in order. */
void bench_spi(uint32_t lines, const uint8_t word[3]);

/* Words put so far go into a frame of their own, so that those which follow until bench_finish are carried out in one moment. */
void bench_cut(void);

/* Stages M*K weights (re, im) in the baseband; weights NULL: chain k carries stream k. Loaded by BENCH_LOAD_WEIGHTS. */
void bench_weights(const float *weights, uint16_t chains, uint16_t users);

/* Ends the transfer with these effects and waits. False when the bench has not carried out everything since the last call. */
bool bench_finish(uint8_t effects);

/* Clocks `count` words that read out to the chips of one line, and gives the byte read by each. False when there was no answer. */
bool bench_read_spi(uint32_t line, const uint8_t *words, uint16_t count, uint8_t *data);

/* Measurements: `pilots` says how many were asked for, then how many it were. Values are written as they came, little-endian. */
bool bench_measure_snr(uint32_t *pilots, uint16_t users, uint8_t *centi_db);
bool bench_measure_chains(uint16_t user, uint32_t *pilots, uint16_t chains, uint8_t *values);
bool bench_temperature(int16_t *centi_c);

bool bench_read_eeprom(uint16_t offset, uint8_t *bytes, uint16_t count);
bool bench_write_eeprom(uint16_t offset, const uint8_t *bytes, uint16_t count);

#endif

/*
 * LM3S6965 evaluation board (Cortex-M3): UART 0 to the host, UART 1 to the bench. The UART interrupts put bytes into rings and do nothing
 * else; sending waits for the transmitter. Register names and places are those of the data sheet.
 */
#include "board.h"
#include "firmware.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define SYSCTL_RIS REGISTER(0x400fe050u)
#define SYSCTL_RCC REGISTER(0x400fe060u)
#define SYSCTL_RCGC0 REGISTER(0x400fe100u)
#define SYSCTL_RCGC1 REGISTER(0x400fe104u)
#define SYSCTL_RCGC2 REGISTER(0x400fe108u)
#define GPIO_A 0x40004000u
#define GPIO_D 0x40007000u
#define GPIO_AFSEL(port) REGISTER((port) + 0x420u)
#define GPIO_DEN(port) REGISTER((port) + 0x51cu)
#define UART_DR(base) REGISTER((base) + 0x000u)
#define UART_FR(base) REGISTER((base) + 0x018u)
#define UART_IBRD(base) REGISTER((base) + 0x024u)
#define UART_FBRD(base) REGISTER((base) + 0x028u)
#define UART_LCRH(base) REGISTER((base) + 0x02cu)
#define UART_CTL(base) REGISTER((base) + 0x030u)
#define UART_IM(base) REGISTER((base) + 0x038u)
#define UART_ICR(base) REGISTER((base) + 0x044u)
#define SYSTICK_CTRL REGISTER(0xe000e010u)
#define SYSTICK_LOAD REGISTER(0xe000e014u)
#define SYSTICK_VAL REGISTER(0xe000e018u)
#define NVIC_ISER0 REGISTER(0xe000e100u)
#define ICSR REGISTER(0xe000ed04u)
#define ICSR_TICK_PENDING (1u << 26)
#define WATCHDOG_LOAD REGISTER(0x40000000u)
#define WATCHDOG_CTL REGISTER(0x40000008u)
#define WATCHDOG_ICR REGISTER(0x4000000cu)
#define WATCHDOG_RESETS 0x3u /* INTEN starts it, RESEN lets it reset */

#define RCC_SYSDIV_4_USED ((3u << 23) | (1u << 22)) /* 200 MHz / 4 */
#define RCC_CRYSTAL_8MHZ (0xeu << 6)
#define RCC_BYPASS (1u << 11)
#define PLL_LOCKED (1u << 6)
#define CLOCK_MHZ 50u

#define FR_RECEIVE_EMPTY (1u << 4)
#define FR_TRANSMIT_FULL (1u << 5)
#define RECEIVE_INTERRUPTS ((1u << 4) | (1u << 6)) /* FIFO level, and bytes that wait in it */
#define FIFO_AND_8_BITS 0x70u
#define ENABLE_BOTH_WAYS 0x301u
/* 921,600 baud: 50 MHz / (16 * (3 + 25/64)). */
#define BAUD_WHOLE 3u
#define BAUD_64THS 25u

/* Four chunks of a beam and more: what a host may send while the board is busy with its chips. Powers of two. */
#define HOST_RING_BYTES 8192u
#define BENCH_RING_BYTES 2048u

/* Powers of two: more frames than this that wait at once get the time of a later one. */
#define DELIMITERS 16u

typedef struct {
  uint32_t base;
  volatile uint8_t *ring;
  uint32_t mask;
  volatile uint32_t head;
  volatile uint32_t tail;
  /* When the zero bytes in the ring had come. */
  volatile uint64_t delimiters_us[DELIMITERS];
  volatile uint32_t delimiters_in;
  uint32_t delimiters_out;
  uint64_t delimited_us;
} uart;

static volatile uint8_t host_ring[HOST_RING_BYTES];
static volatile uint8_t bench_ring[BENCH_RING_BYTES];
static uart uarts[BOARD_PORTS] = {{0x4000c000u, host_ring, HOST_RING_BYTES - 1u, 0, 0, {0}, 0, 0, 0},
                                  {0x4000d000u, bench_ring, BENCH_RING_BYTES - 1u, 0, 0, {0}, 0, 0, 0}};
static volatile uint64_t ticks_ms;

void systick_interrupt(void);
void uart0_interrupt(void);
void uart1_interrupt(void);

static void interrupts_off(void) {
  __asm volatile("cpsid i" ::: "memory");
}

static void interrupts_on(void) {
  __asm volatile("cpsie i" ::: "memory");
}

void systick_interrupt(void) {
  ticks_ms++;
}

/* Interrupts are off, or this is one. */
static uint64_t now_us(void) {
  uint32_t left = SYSTICK_VAL;
  uint64_t ms = ticks_ms;
  /* The counter has begun anew, and nobody has counted it yet. */
  if ((ICSR & ICSR_TICK_PENDING) != 0) {
    left = SYSTICK_VAL;
    ms++;
  }
  return ms * 1000u + (CLOCK_MHZ * 1000u - 1u - left) / CLOCK_MHZ;
}

static void receive(uart *it) {
  UART_ICR(it->base) = RECEIVE_INTERRUPTS;
  while ((UART_FR(it->base) & FR_RECEIVE_EMPTY) == 0) {
    const uint8_t byte = (uint8_t)(UART_DR(it->base) & 0xffu);
    const uint32_t next = (it->head + 1u) & it->mask;
    /* What finds no room is lost, and its frame is damaged. */
    if (next == it->tail) continue;
    if (byte == 0) {
      it->delimiters_us[it->delimiters_in & (DELIMITERS - 1u)] = now_us();
      it->delimiters_in++;
    }
    it->ring[it->head] = byte;
    it->head = next;
  }
}

void uart0_interrupt(void) {
  receive(&uarts[BOARD_HOST_PORT]);
}

void uart1_interrupt(void) {
  receive(&uarts[BOARD_BENCH_PORT]);
}

bool board_take(board_port port, uint8_t *byte) {
  uart *const it = &uarts[port];
  if (it->head == it->tail) return false;
  *byte = it->ring[it->tail];
  it->tail = (it->tail + 1u) & it->mask;
  if (*byte == 0) {
    interrupts_off();
    it->delimited_us = it->delimiters_us[it->delimiters_out & (DELIMITERS - 1u)];
    interrupts_on();
    it->delimiters_out++;
  }
  return true;
}

uint64_t board_delimited_us(board_port port) {
  return uarts[port].delimited_us;
}

void board_send(board_port port, const uint8_t *bytes, size_t length) {
  const uint32_t base = uarts[port].base;
  for (size_t i = 0; i < length; i++) {
    while ((UART_FR(base) & FR_TRANSMIT_FULL) != 0) {
    }
    UART_DR(base) = bytes[i];
  }
}

uint64_t board_time_us(void) {
  static uint64_t newest_us;
  interrupts_off();
  const uint64_t us = now_us();
  interrupts_on();
  if (us > newest_us) newest_us = us;
  return newest_us;
}

void board_sleep(uint64_t until_us) {
  /* The next tick may come too late for what is due before it: the loop turns until then. */
  if (until_us < board_time_us() + 1000u) return;
  /* With interrupts off around the check, one that comes between check and sleep ends the sleep. */
  interrupts_off();
  const bool idle = uarts[BOARD_HOST_PORT].head == uarts[BOARD_HOST_PORT].tail &&
                    uarts[BOARD_BENCH_PORT].head == uarts[BOARD_BENCH_PORT].tail;
  if (idle) __asm volatile("wfi");
  interrupts_on();
}

/* The first time it runs out it asks for an interrupt that nobody takes, the second time it resets. */
static void start_watchdog(void) {
  SYSCTL_RCGC0 |= 1u << 3;
  WATCHDOG_LOAD = BOARD_WATCHDOG_US / 2u * CLOCK_MHZ;
  WATCHDOG_CTL = WATCHDOG_RESETS;
}

void board_feed_watchdog(void) {
  /* Any value: it begins anew. */
  WATCHDOG_ICR = 1;
}

static void start_uart(uint32_t base) {
  UART_CTL(base) = 0;
  UART_IBRD(base) = BAUD_WHOLE;
  UART_FBRD(base) = BAUD_64THS;
  UART_LCRH(base) = FIFO_AND_8_BITS;
  UART_IM(base) = RECEIVE_INTERRUPTS;
  UART_CTL(base) = ENABLE_BOTH_WAYS;
}

int main(void) {
  static const firmware_settings settings = {64, 4, 4, 0, "BOARD-0001", {0}, 0};
  SYSCTL_RCC = RCC_SYSDIV_4_USED | RCC_CRYSTAL_8MHZ | RCC_BYPASS;
  for (uint32_t patience = 100000; patience > 0 && (SYSCTL_RIS & PLL_LOCKED) == 0; patience--) {
  }
  SYSCTL_RCC = RCC_SYSDIV_4_USED | RCC_CRYSTAL_8MHZ;
  SYSCTL_RCGC1 |= 0x3u; /* UART 0 and 1 */
  SYSCTL_RCGC2 |= 0x9u; /* ports A and D: their pins */
  GPIO_AFSEL(GPIO_A) |= 0x03u;
  GPIO_DEN(GPIO_A) |= 0x03u;
  GPIO_AFSEL(GPIO_D) |= 0x0cu;
  GPIO_DEN(GPIO_D) |= 0x0cu;

  SYSTICK_LOAD = CLOCK_MHZ * 1000u - 1u;
  SYSTICK_VAL = 0;
  SYSTICK_CTRL = 0x7u;
  start_uart(uarts[BOARD_HOST_PORT].base);
  start_uart(uarts[BOARD_BENCH_PORT].base);
  NVIC_ISER0 = (1u << 5) | (1u << 6);
  interrupts_on();
  start_watchdog();

  if (!firmware_start(&settings)) return 1;
  for (;;) {
    board_sleep(firmware_turn());
  }
}

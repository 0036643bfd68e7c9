/* Cortex-M3 start: vectors, initialised data, zeroed memory, main. */
#include <stdint.h>

extern uint32_t stack_top, data_start, data_end, data_source, bss_start, bss_end;

int main(void);
void reset(void);
void systick_interrupt(void);
void uart0_interrupt(void);
void uart1_interrupt(void);

/* A fault of the core, or nothing left to do: the array stays as it is until the watchdog starts the board anew, which makes it dark. */
static void halt(void) {
  for (;;) __asm volatile("wfi");
}

void reset(void) {
  const uint32_t *from = &data_source;
  for (uint32_t *to = &data_start; to < &data_end;) *to++ = *from++;
  for (uint32_t *to = &bss_start; to < &bss_end;) *to++ = 0;
  (void)main();
  halt();
}

typedef void (*vector)(void);

__attribute__((section(".vectors"), used)) static const struct {
  uint32_t *stack;
  vector exceptions[15];
  vector interrupts[7];
} vectors = {&stack_top,
             {reset, halt, halt, halt, halt, halt, 0, 0, 0, 0, halt, halt, 0, halt, systick_interrupt},
             {halt, halt, halt, halt, halt, uart0_interrupt, uart1_interrupt}};

/*
 * The board as a process: its two UARTs are pseudo terminals, whose names it prints as one line of JSON. It ends when its input is closed,
 * or on SIGTERM or SIGINT.
 *
 *     firmware --elements 64 --chains 4 --users 4 [--serial BOARD-0001] [--boot-count 7] [--key-env NAME]
 *
 * --key-env names an environment variable that holds the panel key in hex. Keys are never an argument, which others can read.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "board.h"
#include "firmware.h"

#define RING_BYTES 65536u
/* More frames than this that wait at once get the time of a later one. */
#define DELIMITERS 256u
/* What the other side does not take for so long is dropped, as a UART without flow control would. */
#define SEND_PATIENCE_MS 200
#define LONGEST_SLEEP_US 1000u

typedef struct {
  int fd;
  uint8_t ring[RING_BYTES];
  size_t head;
  size_t tail;
  /* When the zero bytes in the ring had come, the next one to be taken first. */
  uint64_t delimiters_us[DELIMITERS];
  size_t delimiters_in;
  size_t delimiters_out;
  uint64_t delimited_us;
} uart;

static uart uarts[BOARD_PORTS];
static volatile sig_atomic_t stopped;

static void stop(int number) {
  (void)number;
  stopped = 1;
}

static void end_if_told(void) {
  if (stopped) exit(0);
}

/* Both ends stay open: what the far application does is not seen, as on a wire. */
static bool open_uart(uart *it, char *name) {
  struct termios raw;
  int far = -1;
  memset(&raw, 0, sizeof raw);
  cfmakeraw(&raw);
  cfsetspeed(&raw, B115200);
  if (openpty(&it->fd, &far, name, &raw, NULL) != 0) return false;
  return fcntl(it->fd, F_SETFL, O_NONBLOCK) == 0;
}

static void receive(uart *it) {
  uint8_t bytes[4096];
  const ssize_t count = read(it->fd, bytes, sizeof bytes);
  const uint64_t now_us = board_time_us();
  for (ssize_t i = 0; i < count; i++) {
    const size_t next = (it->head + 1u) % RING_BYTES;
    if (next == it->tail) return;
    if (bytes[i] == 0) it->delimiters_us[it->delimiters_in++ % DELIMITERS] = now_us;
    it->ring[it->head] = bytes[i];
    it->head = next;
  }
}

/* Waits for bytes, for the end, or for so long (less than a second). */
static void wait_us(uint64_t timeout_us) {
  const struct timespec timeout = {0, (long)(1000u * timeout_us)};
  struct pollfd fds[BOARD_PORTS + 1] = {
      {uarts[0].fd, POLLIN, 0}, {uarts[1].fd, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  if (ppoll(fds, BOARD_PORTS + 1, &timeout, NULL) > 0) {
    for (int port = 0; port < BOARD_PORTS; port++) {
      if ((fds[port].revents & POLLIN) != 0) receive(&uarts[port]);
    }
    if (fds[BOARD_PORTS].revents != 0) {
      char ignored[256];
      if (read(STDIN_FILENO, ignored, sizeof ignored) <= 0) stopped = 1;
    }
  }
  end_if_told();
}

bool board_take(board_port port, uint8_t *byte) {
  uart *const it = &uarts[port];
  if (it->head == it->tail) return false;
  *byte = it->ring[it->tail];
  it->tail = (it->tail + 1u) % RING_BYTES;
  if (*byte == 0) it->delimited_us = it->delimiters_us[it->delimiters_out++ % DELIMITERS];
  return true;
}

uint64_t board_delimited_us(board_port port) {
  return uarts[port].delimited_us;
}

void board_send(board_port port, const uint8_t *bytes, size_t length) {
  size_t sent = 0;
  while (sent < length) {
    const ssize_t count = write(uarts[port].fd, bytes + sent, length - sent);
    if (count > 0) {
      sent += (size_t)count;
      continue;
    }
    if (count < 0 && errno != EAGAIN && errno != EINTR) return;
    struct pollfd writable = {uarts[port].fd, POLLOUT, 0};
    if (poll(&writable, 1, SEND_PATIENCE_MS) == 0) return;
    end_if_told();
  }
}

uint64_t board_time_us(void) {
  static struct timespec start;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (start.tv_sec == 0) start = now;
  const int64_t us = (int64_t)(now.tv_sec - start.tv_sec) * 1000000 + (now.tv_nsec - start.tv_nsec) / 1000;
  return (uint64_t)us;
}

void board_sleep(uint64_t until_us) {
  const uint64_t now_us = board_time_us();
  const uint64_t left_us = until_us > now_us ? until_us - now_us : 0;
  wait_us(left_us < LONGEST_SLEEP_US ? left_us : LONGEST_SLEEP_US);
}

/* A process that ends leaves its bench as it is; it has nobody who would start it again. */
void board_feed_watchdog(void) {
}

static void refuse(const char *option, const char *value) {
  fprintf(stderr, "firmware: %s %s is not understood. Try: firmware --elements 64 --chains 4 --users 4\n", option, value);
  exit(2);
}

static uint32_t number(const char *option, const char *value, unsigned long most) {
  char *end;
  errno = 0;
  const unsigned long parsed = strtoul(value, &end, 10);
  if (errno != 0 || *value == '\0' || *value == '-' || *end != '\0' || parsed == 0 || parsed > most) refuse(option, value);
  return (uint32_t)parsed;
}

static uint8_t hex_digit(char digit) {
  static const char digits[] = "0123456789abcdef";
  const char *const at = digit == '\0' ? NULL : strchr(digits, digit | 0x20);
  return at == NULL ? 0xff : (uint8_t)(at - digits);
}

static void take_key(firmware_settings *settings, const char *option, const char *variable) {
  const char *const hex = getenv(variable);
  const size_t length = hex == NULL ? 0 : strlen(hex);
  if (length < 32 || length > 2 * sizeof settings->key || length % 2 != 0) refuse(option, variable);
  for (size_t i = 0; i < length / 2; i++) {
    const uint8_t high = hex_digit(hex[2 * i]);
    const uint8_t low = hex_digit(hex[2 * i + 1]);
    if (high > 15 || low > 15) refuse(option, variable);
    settings->key[i] = (uint8_t)(high << 4 | low);
  }
  settings->key_length = (uint8_t)(length / 2);
}

int main(int count, char **arguments) {
  firmware_settings settings = {64, 4, 4, 0, "BOARD-0001", {0}, 0};
  char names[BOARD_PORTS][64];
  for (int i = 1; i < count; i += 2) {
    const char *const option = arguments[i];
    const char *const value = i + 1 < count ? arguments[i + 1] : "";
    if (strcmp(option, "--elements") == 0) settings.elements = (uint16_t)number(option, value, 65535);
    else if (strcmp(option, "--chains") == 0) settings.chains = (uint16_t)number(option, value, 65535);
    else if (strcmp(option, "--users") == 0) settings.users = (uint16_t)number(option, value, 65535);
    else if (strcmp(option, "--boot-count") == 0) settings.boot_count = number(option, value, 4294967295ul);
    else if (strcmp(option, "--serial") == 0 && *value != '\0') settings.serial = value;
    else if (strcmp(option, "--key-env") == 0 && *value != '\0') take_key(&settings, option, value);
    else refuse(option, value);
  }

  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = stop;
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  for (int port = 0; port < BOARD_PORTS; port++) {
    if (!open_uart(&uarts[port], names[port])) {
      perror("firmware: no pseudo terminal");
      return 1;
    }
  }
  printf("{\"host\":\"%s\",\"bench\":\"%s\"}\n", names[BOARD_HOST_PORT], names[BOARD_BENCH_PORT]);
  fflush(stdout);

  if (!firmware_start(&settings)) {
    fprintf(stderr, "firmware: %u elements, %u chains and %u users do not fit: at most %u places and %u weights\n", settings.elements,
            settings.chains, settings.users, (unsigned)FIRMWARE_PLACES, (unsigned)FIRMWARE_WEIGHTS);
    return 2;
  }
  for (;;) {
    board_sleep(firmware_turn());
  }
}

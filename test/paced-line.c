/*
 * A serial line that takes the time that a wire takes: two pseudo terminals, and between them bytes that arrive no earlier than 10 bits a byte
 * allow, in each direction by itself. A program of its own, so that what is measured does not share its time with the measure.
 *
 *   paced-line BAUD HOST_LINK PANEL_LINK SEED     the two links name the ports; ends with its standard input
 *
 * Commands, one a line, each answered by a line:
 *   cut, restore             bytes are lost on the way; the ports stay open
 *   pull, putback            the host's port hangs up and its name goes; it comes back as a new port
 *   drop P                   a frame (what ends with a zero byte) is lost with probability P
 *   corrupt P                a bit of a byte is flipped with probability P
 *   flip WAY N BIT           that bit of the Nth byte from now on, counted from 0, is flipped once; WAY 0 to the panel, 1 to the host
 *   garbage, quiet           both receivers hear random bytes at full speed and nothing else, until it is quiet again
 *   counts                   bytes carried to the panel and to the host, frames dropped, bytes corrupted, bytes a full port did not take
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* Bytes on their way in one direction; more wait in the port that they come from, as in the transmit buffer of a UART. */
#define RING 4096
/* Bytes that a receiver hands over at once, unless the line pauses or a frame ends before: the trigger level of a UART's FIFO. */
#define TRIGGER 16
/* Random bytes come in portions of so long. */
#define HUM_NS 1000000

struct port {
  int master, slave;
  const char *link;
};

struct way {
  struct port *from, *to;
  uint8_t bytes[RING];
  uint64_t due_ns[RING];
  unsigned head, count;
  uint64_t free_ns; /* when the wire has carried all that it was given */
  int dropping, at_start;
  unsigned long carried;
  long flip_in; /* bytes until one is damaged; below 0 when none is to be */
  unsigned flip_bit;
};

static uint64_t byte_ns, random_state;
static double drop_share, corrupt_share;
static int is_cut, is_garbage;
static uint64_t garbage_ns; /* until when random bytes have been heard */
static unsigned long dropped, corrupted, overrun;

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* xorshift64*, uniform in [0, 1) */
static double uniform(void) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (double)((random_state * 2685821657736338717u) >> 11) / 9007199254740992.0;
}

static int plug_in(struct port *port) {
  struct termios raw;
  char name[128];
  if (openpty(&port->master, &port->slave, name, NULL, NULL) != 0) return -1;
  /* The slave stays open here too, or the master would report a hang-up for as long as nobody else has it open. */
  tcgetattr(port->slave, &raw);
  cfmakeraw(&raw);
  tcsetattr(port->slave, TCSANOW, &raw);
  fcntl(port->master, F_SETFL, O_NONBLOCK);
  unlink(port->link);
  return symlink(name, port->link);
}

static void unplug(struct port *port) {
  if (port->master < 0) return;
  unlink(port->link);
  close(port->master);
  close(port->slave);
  port->master = port->slave = -1;
}

static void take_in(struct way *way) {
  uint8_t read_bytes[RING];
  ssize_t length = read(way->from->master, read_bytes, RING - way->count);
  uint64_t start = now_ns();
  if (length <= 0) return;
  if (way->free_ns > start) start = way->free_ns;
  for (ssize_t i = 0; i < length; i++) {
    unsigned at = (way->head + way->count++) % RING;
    start += byte_ns;
    way->bytes[at] = read_bytes[i];
    way->due_ns[at] = start;
  }
  way->free_ns = start;
}

/* When the receiver next has something to hand over; UINT64_MAX when nothing is on its way. */
static uint64_t next_ns(const struct way *way) {
  unsigned n = 0;
  if (way->count == 0) return UINT64_MAX;
  while (n + 1 < way->count && n + 1 < TRIGGER && way->bytes[(way->head + n) % RING] != 0) n++;
  return way->due_ns[(way->head + n) % RING];
}

static void hand_over(struct way *way, uint64_t now) {
  uint8_t out[RING];
  unsigned length = 0;
  while (way->count > 0 && way->due_ns[way->head] <= now) {
    uint8_t byte = way->bytes[way->head];
    int ends = byte == 0;
    way->head = (way->head + 1) % RING;
    way->count--;
    way->carried++;
    if (way->at_start && !ends) {
      way->dropping = drop_share > 0 && uniform() < drop_share;
      dropped += (unsigned long)way->dropping;
    }
    way->at_start = ends;
    if (corrupt_share > 0 && uniform() < corrupt_share) {
      byte ^= (uint8_t)(1u << (unsigned)(uniform() * 8));
      corrupted++;
    }
    if (way->flip_in == 0) {
      byte ^= (uint8_t)(1u << way->flip_bit);
      corrupted++;
    }
    if (way->flip_in >= 0) way->flip_in--;
    if (!way->dropping && !is_cut && !is_garbage) out[length++] = byte;
    if (ends) way->dropping = 0;
  }
  if (length > 0 && way->to->master >= 0) {
    ssize_t written = write(way->to->master, out, length);
    overrun += length - (unsigned long)(written < 0 ? 0 : written);
  }
}

/* What a receiver makes of a line that hums: as many bytes as fit in the time since it was last asked. */
static void hum(struct way ways[2], uint64_t now) {
  uint8_t out[RING];
  uint64_t length = (now - garbage_ns) / byte_ns;
  if (length > RING) length = RING;
  garbage_ns = now;
  for (int i = 0; i < 2; i++) {
    for (uint64_t at = 0; at < length; at++) out[at] = (uint8_t)(uniform() * 256);
    if (length > 0 && ways[i].to->master >= 0) {
      ssize_t written = write(ways[i].to->master, out, length);
      overrun += length - (unsigned long)(written < 0 ? 0 : written);
    }
  }
}

static void obey(const char *line, struct way ways[2]) {
  int bad = 0;
  if (strcmp(line, "cut") == 0) is_cut = 1;
  else if (strcmp(line, "restore") == 0) is_cut = 0;
  else if (strcmp(line, "pull") == 0) unplug(ways[0].from);
  else if (strcmp(line, "putback") == 0) bad = ways[0].from->master < 0 ? plug_in(ways[0].from) : 0;
  else if (strcmp(line, "garbage") == 0) {
    is_garbage = 1;
    garbage_ns = now_ns();
  } else if (strcmp(line, "quiet") == 0) is_garbage = 0;
  else if (strncmp(line, "flip ", 5) == 0) {
    unsigned way, bit;
    long after;
    bad = sscanf(line + 5, "%u %ld %u", &way, &after, &bit) != 3 || way > 1 || after < 0 || bit > 7;
    if (!bad) {
      ways[way].flip_in = after;
      ways[way].flip_bit = bit;
    }
  } else if (strncmp(line, "drop ", 5) == 0) drop_share = atof(line + 5);
  else if (strncmp(line, "corrupt ", 8) == 0) corrupt_share = atof(line + 8);
  else if (strcmp(line, "counts") == 0) {
    printf("%lu %lu %lu %lu %lu\n", ways[0].carried, ways[1].carried, dropped, corrupted, overrun);
    return;
  } else bad = 1;
  puts(bad ? "failed" : "ok");
}

/* One command a line; 0 when there will be no more. */
static int listen_to_input(struct way ways[2]) {
  static char line[128];
  static size_t used;
  char bytes[128];
  ssize_t length = read(0, bytes, sizeof bytes);
  for (ssize_t i = 0; i < length; i++) {
    if (bytes[i] == '\n') {
      line[used] = 0;
      used = 0;
      obey(line, ways);
    } else if (used + 1 < sizeof line) line[used++] = bytes[i];
  }
  return length > 0;
}

int main(int count, char **words) {
  struct port host = {-1, -1, NULL}, panel = {-1, -1, NULL};
  static struct way ways[2];
  if (count != 5 || atof(words[1]) < 1) return 2;
  byte_ns = (uint64_t)(10e9 / atof(words[1]) + 0.5);
  host.link = words[2];
  panel.link = words[3];
  random_state = strtoull(words[4], NULL, 10) * 2 + 1;
  ways[0].from = ways[1].to = &host;
  ways[0].to = ways[1].from = &panel;
  ways[0].at_start = ways[1].at_start = 1;
  ways[0].flip_in = ways[1].flip_in = -1;
  setvbuf(stdout, NULL, _IOLBF, 0);
  prctl(PR_SET_TIMERSLACK, 1000ul);
  if (plug_in(&host) != 0 || plug_in(&panel) != 0) {
    perror("paced-line");
    return 1;
  }
  puts("ready");

  for (;;) {
    struct pollfd polled[3] = {{0, POLLIN, 0}};
    uint64_t due = UINT64_MAX, now;
    struct timespec wait, *timeout = NULL;
    for (int i = 0; i < 2; i++) {
      uint64_t next = next_ns(&ways[i]);
      if (next < due) due = next;
      polled[1 + i].fd = ways[i].count < RING ? ways[i].from->master : -1;
      polled[1 + i].events = POLLIN;
      polled[1 + i].revents = 0;
    }
    if (due != UINT64_MAX) {
      now = now_ns();
      due = due > now ? due - now : 0;
      wait.tv_sec = (time_t)(due / 1000000000u);
      wait.tv_nsec = (long)(due % 1000000000u);
      timeout = &wait;
    }
    if (is_garbage && (timeout == NULL || wait.tv_sec > 0 || wait.tv_nsec > HUM_NS)) {
      wait.tv_sec = 0;
      wait.tv_nsec = HUM_NS;
      timeout = &wait;
    }
    if (ppoll(polled, 3, timeout, NULL) < 0 && errno != EINTR) break;
    for (int i = 0; i < 2; i++) {
      if (polled[1 + i].revents & POLLIN) take_in(&ways[i]);
    }
    now = now_ns();
    for (int i = 0; i < 2; i++) {
      if (next_ns(&ways[i]) <= now) hand_over(&ways[i], now);
    }
    if (is_garbage && now - garbage_ns >= HUM_NS) hum(ways, now);
    if (polled[0].revents && !listen_to_input(ways)) break;
  }
  unplug(&host);
  unplug(&panel);
  return 0;
}

/*
 * The far end of a serial line with nothing behind it: answers every frame (what ends with a zero byte) at once with a frame of the length
 * that its first two bytes ask for, in base 255, each plus one so that none is zero. What it takes is what the line itself takes.
 *
 *   pty-echo          makes a pseudo terminal of its own, as the firmware does
 *   pty-echo PORT     opens that one
 *
 * It prints the name of the port, and ends with its standard input.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define LONGEST 65536u

static int send_all(int fd, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    const ssize_t count = write(fd, bytes, length);
    if (count > 0) {
      bytes += count;
      length -= (size_t)count;
    } else if (count < 0 && errno == EAGAIN) {
      struct pollfd writable = {fd, POLLOUT, 0};
      poll(&writable, 1, 1000);
    } else if (errno != EINTR) return -1;
  }
  return 0;
}

int main(int count, char **words) {
  static uint8_t answer[LONGEST + 1];
  uint8_t bytes[4096];
  unsigned at = 0, wanted = 0;
  char name[128] = "";
  struct termios raw;
  int fd, far;
  memset(&raw, 0, sizeof raw);
  cfmakeraw(&raw);
  cfsetspeed(&raw, B921600);
  if (count > 1) {
    fd = open(words[1], O_RDWR | O_NOCTTY);
    if (fd < 0 || tcsetattr(fd, TCSANOW, &raw) != 0) {
      perror(words[1]);
      return 1;
    }
  } else if (openpty(&fd, &far, name, &raw, NULL) != 0) {
    perror("pty-echo");
    return 1;
  }
  fcntl(fd, F_SETFL, O_NONBLOCK);
  printf("%s\n", count > 1 ? words[1] : name);
  fflush(stdout);

  for (;;) {
    struct pollfd polled[2] = {{fd, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    if (poll(polled, 2, -1) < 0 && errno != EINTR) return 1;
    if (polled[1].revents != 0) return 0;
    const ssize_t length = read(fd, bytes, sizeof bytes);
    if (length < 0 && errno != EAGAIN && errno != EINTR) return 1;
    for (ssize_t i = 0; i < length; i++) {
      if (bytes[i] == 0) {
        if (at >= 2 && wanted >= 1 && wanted <= LONGEST) {
          memset(answer, 1, wanted);
          answer[wanted - 1] = 0;
          if (send_all(fd, answer, wanted) != 0) return 1;
        }
        at = wanted = 0;
      } else {
        if (at == 0) wanted = bytes[i] - 1u;
        else if (at == 1) wanted += 255u * (bytes[i] - 1u);
        at++;
      }
    }
  }
}

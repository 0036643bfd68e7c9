/*
 * Runs fuzz_reader.c without libFuzzer: replays every file of a corpus folder, then mutates what it has read.
 *
 *     fuzz_reader CORPUS [RUNS [SEED]]
 */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_FILES 512
#define MAX_BYTES 16384

typedef struct {
  uint8_t *bytes;
  size_t size;
} sample;

static sample samples[MAX_FILES];
static size_t sample_count;

static uint64_t random_state;

/* SplitMix64: one seed gives one run. */
static uint64_t draw(void) {
  uint64_t z = (random_state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static size_t below(size_t limit) {
  return limit == 0 ? 0 : (size_t)(draw() % limit);
}

static void read_folder(const char *folder) {
  DIR *const directory = opendir(folder);
  if (directory == NULL) {
    perror(folder);
    exit(2);
  }
  for (struct dirent *entry = readdir(directory); entry != NULL && sample_count < MAX_FILES; entry = readdir(directory)) {
    char path[4096];
    if (entry->d_name[0] == '.') continue;
    if (snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int)sizeof path) continue;
    FILE *const file = fopen(path, "rb");
    if (file == NULL) continue;
    sample *const it = &samples[sample_count++];
    it->bytes = malloc(MAX_BYTES);
    it->size = it->bytes == NULL ? 0 : fread(it->bytes, 1, MAX_BYTES, file);
    fclose(file);
  }
  closedir(directory);
}

static size_t mutate(uint8_t *bytes) {
  const sample *const base = &samples[below(sample_count)];
  size_t size = base->size;
  memcpy(bytes, base->bytes, size);
  for (size_t change = below(6) + 1; change > 0 && size > 0; change--) {
    const size_t at = below(size);
    switch (below(6)) {
      case 0:
        bytes[at] ^= (uint8_t)(1u << below(8));
        break;
      case 1:
        bytes[at] = (uint8_t)draw();
        break;
      case 2: /* cut the end off */
        size = at;
        break;
      case 3: /* leave a run out */
        memmove(bytes + at, bytes + at + 1, size - at - 1);
        size--;
        break;
      case 4: /* say a run again */
        if (size < MAX_BYTES) {
          memmove(bytes + at + 1, bytes + at, size - at);
          size++;
        }
        break;
      default: { /* go on with another sample */
        const sample *const other = &samples[below(sample_count)];
        const size_t from = below(other->size);
        size_t count = other->size - from;
        if (count > MAX_BYTES - at) count = MAX_BYTES - at;
        memcpy(bytes + at, other->bytes + from, count);
        size = at + count;
      }
    }
  }
  return size;
}

int main(int argc, char **argv) {
  static uint8_t bytes[MAX_BYTES];
  if (argc < 2) {
    fprintf(stderr, "usage: %s CORPUS [RUNS [SEED]]\n", argv[0]);
    return 2;
  }
  const unsigned long runs = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
  random_state = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
  read_folder(argv[1]);
  if (sample_count == 0) {
    fprintf(stderr, "%s holds no samples\n", argv[1]);
    return 2;
  }
  for (size_t i = 0; i < sample_count; i++) LLVMFuzzerTestOneInput(samples[i].bytes, samples[i].size);
  for (unsigned long run = 0; run < runs; run++) {
    const size_t size = mutate(bytes);
    /* A copy of just that size, so that the sanitizer sees a read past its end. */
    uint8_t *const exact = malloc(size == 0 ? 1 : size);
    if (exact == NULL) return 2;
    memcpy(exact, bytes, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
  }
  for (size_t i = 0; i < sample_count; i++) free(samples[i].bytes);
  printf("%lu samples and %lu mutations held\n", (unsigned long)sample_count, runs);
  return 0;
}

/* What programs that talk in lines of hexadecimal digits share; "-" is no bytes at all. */
#ifndef HEX_LINES_H
#define HEX_LINES_H

#include <stddef.h>
#include <stdint.h>

/* Memory of just this size, so that a sanitizer sees an access past it; the program ends where there is none. */
void *allocate(size_t size);

/* The bytes of `hex`, in memory of just their size, to be freed. NULL is none. */
uint8_t *from_hex(const char *hex, size_t *length);

void print_hex(const uint8_t *bytes, size_t length);

#endif

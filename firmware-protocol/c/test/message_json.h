/* A message as JSON on stdout, by the names of vectors/README.md; floats as the 32 bits they are. */
#ifndef MESSAGE_JSON_H
#define MESSAGE_JSON_H

#include "../beamrig_messages.h"

void print_message(const beamrig_message *message);

/* One more field of an object: a comma, the name and the value. */
void print_number(const char *field, unsigned long value);

#endif

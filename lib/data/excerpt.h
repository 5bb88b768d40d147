/* excerpt: a short printable copy of user data, for messages; and what is no text. */
#ifndef RILL_DATA_EXCERPT_H
#define RILL_DATA_EXCERPT_H

#include "base/bytes.h"

typedef struct excerpt {
    char text[128]; /* NUL terminated UTF-8 */
} excerpt;

/* The first characters; control characters, quotes and bytes that are no UTF-8 become \xNN, and
 * "..." says that more follows. */
excerpt excerpt_of(bytes data);

/* True when a line is no text: it holds a NUL byte, or is not UTF-8. *at is where, and *found says
 * what stands there. */
bool text_fault(bytes line, size_t *at, excerpt *found);

#endif

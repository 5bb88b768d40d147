/* io_inner: descriptors, as io.c and io_file.c use them. */
#ifndef RILL_BASE_IO_INNER_H
#define RILL_BASE_IO_INNER_H

#include "base/io.h"

#include <sys/types.h>

enum { CHUNK = 1 << 16 }; /* bytes that are read or written at once */

/* open with close-on-exec; signals don't disturb it. */
int io_open(const char *path, int flags, mode_t mode);
/* read that is not disturbed by signals or by a descriptor somebody made non-blocking. */
ssize_t io_read(int fd, void *data, size_t size);

#endif

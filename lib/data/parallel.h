/* parallel: text in two languages, read pair after pair: two files whose lines belong together, or
 * one file of two columns (source TAB target).
 *
 * Files may be gzip, "-" is standard input. A line ends at LF, one CR before it is dropped, and so
 * is a byte order mark at the start of a file. Memory is that of the longest pair of lines.
 */
#ifndef RILL_DATA_PARALLEL_H
#define RILL_DATA_PARALLEL_H

#include "base/bytes.h"

typedef struct parallel parallel;

typedef struct parallel_pair {
    bytes source, target; /* valid until the next pair is read */
    bool empty[2];        /* source, target: nothing there to read (unicode_blank) */
    size_t line;          /* 1-based, the same on both sides */
} parallel_pair;

/* target NULL: one file of two columns. max_line: longest line in bytes, 0: 64 MiB. */
MUST_USE int parallel_open(const char *source, const char *target, size_t max_line, parallel **out,
                           rill_error *error);
/* 1 and the next pair, 0 at the end, negative on failure. After RILL_EDATA (bytes that are no
 * UTF-8, a wrong number of columns) the caller may go on: the pair is passed over. Files of
 * different length give RILL_EDATA with both counts where the shorter one ends, and then the end.
 * Empty sides are no failure: what they mean is the caller's business. */
MUST_USE int parallel_next(parallel *p, parallel_pair *pair, rill_error *error);
bool parallel_uneven(const parallel *p);                /* that last fault was met */
const char *parallel_name(const parallel *p, int side); /* 0 source, 1 target */
void parallel_close(parallel *p);

#endif

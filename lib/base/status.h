/* status: what can go wrong, and where it went wrong.
 *
 * Every function that can fail returns 0 or one of the negative RILL_E codes of rill.h. Functions
 * that look at user data also take a `rill_error *` (NULL is fine) and say where the fault stands.
 */
#ifndef RILL_BASE_STATUS_H
#define RILL_BASE_STATUS_H

#include "rill.h"

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(at, first) __attribute__((__format__(__printf__, at, first)))

/* Records a failure and returns `code`, so that callers can write `return status_set(...)`.
 * file may be NULL; line and column are 1-based, 0 when unknown. */
int status_set(rill_error *error, int code, const char *file, size_t line, size_t column,
               const char *format, ...) PRINTF_LIKE(6, 7);

/* The same without a place. */
int status_fail(rill_error *error, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* Records "out of memory" and returns RILL_ENOMEM. */
int status_nomem(rill_error *error);

/* Records `what "path": strerror(errno)` and returns RILL_EIO. */
int status_errno(rill_error *error, const char *what, const char *path);

/* Adds the place to a failure that was recorded without one (what it says of a column stays); gives
 * `code`. */
int status_place(rill_error *error, int code, const char *file, size_t line);

/* Control characters, those of U+0080 to U+009F too, become '?': a text that holds something of a
 * file may come to stand on a terminal, which would obey them. All messages have gone through it.
 */
void status_printable(char *text);

/* Leaves the calling function when a step failed. */
#define TRY(step)                                                                                  \
    do {                                                                                           \
        int try_status_ = (step);                                                                  \
        if (try_status_ < 0) return try_status_;                                                   \
    } while (0)

#endif

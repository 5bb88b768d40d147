/* check_base: what the parts of the base floor's suite share. */
#ifndef RILL_TESTS_CHECK_BASE_H
#define RILL_TESTS_CHECK_BASE_H

#include "base/io.h"
#include "test.h"

TCase *tcase_io(void);
TCase *tcase_writer(void);
TCase *tcase_pool(void);
TCase *tcase_condvar(void);
TCase *tcase_json(void);
TCase *tcase_options(void);

#define LENGTH(array) ((int)(sizeof(array) / sizeof(array)[0]))

/* Files, in check_base_io.c. A test works in a new folder, which is also its current one. */
void folder_make(void);
int folder_count(bool remove); /* files in it; with `remove` they go */
void folder_remove(void);
void file_put(const char *path, bytes data);   /* through stdio */
void file_write(const char *path, bytes data); /* through a writer */
buffer file_get(const char *path);             /* unpacked */
void file_check(const char *path, const char *expected);
void long_text_make(buffer *b);                  /* 40,000 lines of very different lengths */
void long_text_check(reader *r, bytes expected); /* and closes the reader */

static inline void check_bytes(bytes found, const char *expected) {
    ck_assert_msg(bytes_equal(found, bytes_of(expected)), "found \"%.*s\", expected \"%s\"",
                  (int)found.size, found.data, expected);
}

#endif

/* check_base: what the parts of the base floor's suite share. */
#ifndef RILL_TESTS_CHECK_BASE_H
#define RILL_TESTS_CHECK_BASE_H

#include "base/bytes.h"
#include "test.h"

TCase *tcase_io(void);
TCase *tcase_writer(void);
TCase *tcase_pool(void);
TCase *tcase_condvar(void);
TCase *tcase_json(void);
TCase *tcase_options(void);

#define LENGTH(array) ((int)(sizeof(array) / sizeof(array)[0]))

static inline void check_bytes(bytes found, const char *expected) {
    ck_assert_msg(bytes_equal(found, bytes_of(expected)), "found \"%.*s\", expected \"%s\"",
                  (int)found.size, found.data, expected);
}

#endif

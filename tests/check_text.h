/* check_text: the test cases of the text floor, one function per file. */
#ifndef RILL_TESTS_CHECK_TEXT_H
#define RILL_TESTS_CHECK_TEXT_H

#include "test.h"

/* For long loops: Check writes a message at every ck_assert, also when it holds. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) ck_abort_msg("not so: %s", #condition);                                  \
    } while (0)

void add_unicode_cases(Suite *suite);
void add_token_cases(Suite *suite);
void add_rules_cases(Suite *suite);
void add_vocab_cases(Suite *suite);
void add_ewt_cases(Suite *suite);
void add_subword_cases(Suite *suite);

#endif

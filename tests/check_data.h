/* check_data: what the suites of the data floor share. */
#ifndef RILL_TESTS_CHECK_DATA_H
#define RILL_TESTS_CHECK_DATA_H

#include "data/corpus.h"
#include "test.h"

#define BOM "\xEF\xBB\xBF"
#define NIL "\t_\t_\t_\t_\t_\t_\t_\t_\n" /* the columns of CoNLL-U behind the form */

/* A text as it stands, NUL bytes included. */
#define TEXT(literal) ((bytes){(literal), sizeof(literal) - 1})

static inline void assert_text(bytes found, const char *wanted) {
    ck_assert_msg(bytes_equal(found, bytes_of(wanted)), "found \"%.*s\", expected \"%s\"",
                  (int)found.size, found.data, wanted);
}

/* Writes a file into a fresh folder; both names are valid until the next call. */
const char *temp_file(const char *name, bytes content);
void temp_remove(void);

TCase *batch_cases(void);
TCase *corpus_cases(void);
TCase *fault_cases(void);
TCase *output_cases(void);
TCase *scheme_cases(void);
TCase *vectors_cases(void);
TCase *doctor_cases(void);
TCase *parallel_cases(void);
TCase *doctor_parallel_cases(void);
TCase *labelled_cases(void);

#endif

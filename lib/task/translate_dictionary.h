/* translate_dictionary: what --dictionary says of words that a model does not know. */
#ifndef RILL_TASK_TRANSLATE_DICTIONARY_H
#define RILL_TASK_TRANSLATE_DICTIONARY_H

#include "base/io.h"
#include "base/mem.h"
#include "text/unicode.h"

typedef struct translate_dictionary {
    strmap words, meanings;
    int32_t *meaning; /* [words.count] */
    size_t room;
} translate_dictionary;

/* Lines of word TAB meaning; of several meanings of a word the first counts. */
MUST_USE int translate_dictionary_open(const char *path, translate_dictionary *out,
                                       rill_error *error);
void translate_dictionary_free(translate_dictionary *d);
/* The meaning of a word, or the word itself. */
bytes translate_dictionary_find(const translate_dictionary *d, bytes word);

#endif

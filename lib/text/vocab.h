/* vocab: counting words, and the closed list of words that a model knows.
 *
 * Ids: specials first in the given order, then words by count (highest first), ties by bytes
 * (lowest first), so the same text always gives the same ids, whatever the order of counting.
 * Special 0, where there are specials, stands for every unknown word. A word of the text that is
 * spelt like a special is an unknown word: text can't forge specials.
 */
#ifndef RILL_TEXT_VOCAB_H
#define RILL_TEXT_VOCAB_H

#include "base/io.h"

/* Sum of two counts, neither negative: counts of a file may be anything, so it ends at the most
 * there is. */
static inline int64_t count_sum(int64_t a, int64_t b) {
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

/* Counts of words. Zeroed is empty. */
typedef struct tally {
    strmap words;
    int64_t *count; /* [words.count] */
    size_t room;
} tally;

MUST_USE int tally_add(tally *t, bytes word, int64_t times);
void tally_free(tally *t);

/* Zeroed is empty: no words, no specials. */
typedef struct vocab {
    strmap words;     /* specials, then words */
    int64_t *count;   /* [words.count], 0 for specials, never for words */
    int32_t specials; /* ids below this are special */
} vocab;

/* Keeps words counted at least min_count (>= 1) times; at most max_size entries, specials included
 * (0: no bound). `v` must be empty. */
MUST_USE int vocab_build(vocab *v, const tally *t, const bytes *special, int32_t specials,
                         int64_t min_count, int32_t max_size, rill_error *error);
void vocab_free(vocab *v);

static inline int32_t vocab_size(const vocab *v) {
    return v->words.count;
}
/* Id of a word of the text: its own, or 0 (unknown) where there are specials, else -1. */
int32_t vocab_id(const vocab *v, bytes word);
bytes vocab_word(const vocab *v, int32_t id);

/* One `token<TAB>count` a line in id order; the leading rows with count 0 are the specials. Reading
 * keeps the order of the file; duplicates, missing counts and bad UTF-8 are refused with
 * file:line:column. Words hold no TAB, CR or LF; writing such a vocabulary fails. */
MUST_USE int vocab_write(const vocab *v, writer *w, rill_error *error);
MUST_USE int vocab_read(vocab *v, reader *r, rill_error *error);
MUST_USE int vocab_save(const vocab *v, const char *path, rill_error *error);
MUST_USE int vocab_open(vocab *v, const char *path, rill_error *error);

/* From the arrays of a model file (count and start as in strmap; counts in id order). Refused
 * unless offsets, UTF-8 and counts are right, words are distinct, and specials come first. To store
 * a vocabulary, write v->words.text, v->words.start and v->count as they stand. */
MUST_USE int vocab_restore(vocab *v, bytes text, const int64_t *start, const int64_t *count,
                           size_t size, rill_error *error);

#endif

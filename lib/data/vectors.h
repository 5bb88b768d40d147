/* vectors: pretrained word vectors, read as a stream; only the rows that are wanted are kept.
 *
 *     word2vec text, fastText .vec    "COUNT WIDTH" LF, then lines "word x x x ..."
 *     GloVe                           the same lines without a head
 *     word2vec binary                 "COUNT WIDTH" LF, then word, blank, WIDTH little-endian
 *                                     floats, and perhaps a line end
 *
 * A word may hold blanks (GloVe has some): the last WIDTH pieces of a line are its numbers. Of a
 * word that comes twice the first row stays.
 */
#ifndef RILL_DATA_VECTORS_H
#define RILL_DATA_VECTORS_H

#include "base/bytes.h"

typedef enum vectors_format { VECTORS_AUTO, VECTORS_TEXT, VECTORS_BINARY } vectors_format;

/* Should the row of this word be kept? Not asked again for a word that is there already. */
typedef bool vectors_want(void *data, bytes word);

typedef struct vectors_options {
    vectors_format format;
    int32_t width;      /* what the vectors must have, 0: anything */
    size_t limit;       /* most rows that are kept, 0: no limit; reading stops there */
    vectors_want *want; /* NULL: every word */
    void *want_data;
} vectors_options;

typedef struct vectors {
    strmap words;
    float *row;  /* [words.count][width] */
    size_t room; /* floats */
    int32_t width;
    size_t declared;   /* rows by the head of the file, 0 where there is none */
    size_t seen;       /* rows read */
    size_t duplicates; /* rows for words that were there already */
    size_t unusable;   /* rows whose word is empty or no valid UTF-8 */
} vectors;

/* options may be NULL. Text faults name line and column, binary ones the byte. *out is filled only
 * on success. */
MUST_USE int vectors_load(const char *path, const vectors_options *options, vectors *out,
                          rill_error *error);
void vectors_free(vectors *v);

static inline const float *vectors_row(const vectors *v, int32_t id) {
    return v->row + (size_t)id * (size_t)v->width;
}
/* Row id of the word, or of its lower-case form, or -1. `scratch` holds the latter. */
int32_t vectors_find(const vectors *v, bytes word, buffer *scratch);
/* How many of the words have a row: exactly, and by their lower-case form only. */
MUST_USE int vectors_coverage(const vectors *v, const strmap *words, size_t *exact, size_t *lower);

#endif

/* metric_segment: a line cut into the tokens that BLEU and chrF count, as sacreBLEU 2 cuts it.
 *
 * Text must be valid UTF-8. A segment is scratch that is used again for line after line; zeroed is
 * empty. Everything here fails for want of memory only.
 */
#ifndef RILL_MODEL_METRIC_SEGMENT_H
#define RILL_MODEL_METRIC_SEGMENT_H

#include "base/bytes.h"

typedef enum segment_tokenizer {
    SEGMENT_13A,  /* of NIST's mteval-v13a: Western punctuation */
    SEGMENT_INTL, /* of mteval-v14: punctuation and symbols of all scripts */
    SEGMENT_CHAR, /* every character that is no white space */
    SEGMENT_NONE, /* at white space only */
    SEGMENT_ZH    /* as 13a, and every Chinese character by itself */
} segment_tokenizer;

const char *segment_name(segment_tokenizer tokenizer);             /* as in a signature: "13a" */
MUST_USE bool segment_find(bytes name, segment_tokenizer *result); /* the way back */

typedef struct segment_range {
    size_t begin, end; /* code points */
} segment_range;

typedef struct segment {
    int32_t *point; /* [count] code points of the line as it was rewritten last */
    size_t count, room;
    segment_range *token; /* [tokens] */
    size_t tokens, token_room;
    int32_t *spare; /* where the next rewriting goes */
    size_t spare_room;
    buffer lower;
} segment;

/* Decodes a line, in lower case if wanted. */
MUST_USE int segment_line(segment *s, bytes line, bool lower);
/* Cuts the decoded line into tokens. */
MUST_USE int segment_cut(segment *s, segment_tokenizer tokenizer);
/* For the words of chrF++: cuts at white space, and one punctuation mark off a word's end, else off
 * its start. */
MUST_USE int segment_words(segment *s);
/* Drops all white space from the decoded line. */
void segment_squeeze(segment *s);
/* The bytes of a token's code points: equal tokens have equal bytes, no more is promised. */
bytes segment_token(const segment *s, size_t token);
void segment_free(segment *s);

#endif

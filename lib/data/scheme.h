/* scheme: how entity labels mark the borders of spans.
 *
 *     words   a      b      c      d      e
 *     spans   [PER       ]  [PER]         [LOC]
 *     BIO     B-PER  I-PER  B-PER  O      B-LOC      every span begins with B
 *     IOB1    I-PER  I-PER  B-PER  O      I-LOC      B only where a span touches one of its type
 *     BIOES   B-PER  E-PER  S-PER  O      S-LOC      E ends, S stands alone
 *
 * Decoding needs no scheme: a span begins at c after p when c is not O and p is O or of another
 * type or in {E,S}, or c is in {B,S}; it ends likewise. That is what conlleval does, illegal
 * sequences included.
 */
#ifndef RILL_DATA_SCHEME_H
#define RILL_DATA_SCHEME_H

#include "base/bytes.h"

typedef enum scheme { SCHEME_NONE, SCHEME_BIO, SCHEME_IOB1, SCHEME_BIOES } scheme;

const char *scheme_name(scheme s); /* "none", "bio", "iob1", "bioes" */
MUST_USE bool scheme_find(bytes name, scheme *s);

/* Letter (B I O E S) and type of a label; false when it is none of the three schemes. */
bool scheme_part(bytes label, char *letter, bytes *type);

/* Looks at sequences one by one and says which scheme they are in. Zeroed is ready. */
typedef struct scheme_survey {
    size_t labels, plain; /* labels seen; labels that fit no scheme */
    size_t border;        /* labels with E or S */
    size_t spans;         /* labels other than O */
    size_t not_bio;       /* I that begins a span */
    size_t not_iob1;      /* B that follows no span of its type */
} scheme_survey;

void scheme_look(scheme_survey *survey, const bytes *labels, size_t count);
scheme scheme_verdict(const scheme_survey *survey);

/* May `to` follow `from`? An empty view stands for the sentence border on its side. */
bool scheme_allowed(scheme s, bytes from, bytes to);
/* First place where the sequence is illegal: label index, or `count` for a bad end. */
bool scheme_fault(scheme s, const bytes *labels, size_t count, size_t *at);

/* Rewrites the labels from whatever scheme they are in to `to`; labels[] then point into `text`,
 * which is cleared first. Types stay, only letters change. */
MUST_USE int scheme_convert(scheme to, bytes *labels, size_t count, buffer *text);

typedef struct scheme_span {
    size_t begin, end; /* words begin .. end-1 */
    bytes type;        /* view into a label */
} scheme_span;

/* Spans of a sequence into span[count] at most; returns how many. */
size_t scheme_spans(const bytes *labels, size_t count, scheme_span *span);

#endif

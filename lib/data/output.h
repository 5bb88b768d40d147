/* output: a tagged sentence written in any format, built from its tokens and words.
 *
 * Used where there is no record to write back: raw text in, or another format out.
 *
 *     conllu      # newdoc, # newpar, # sent_id, # text, multiword lines; unknown columns and
 *                 probabilities go to MISC, with SpaceAfter=No and TokenRange=begin:end
 *     vertical    form TAB value TAB value ..., blank line after a sentence
 *     horizontal  form_VALUE form_VALUE (one column; blanks inside a form become underscores)
 *     json        one object a line
 */
#ifndef RILL_DATA_OUTPUT_H
#define RILL_DATA_OUTPUT_H

#include "data/corpus.h"

typedef enum output_format {
    OUTPUT_CONLLU,
    OUTPUT_VERTICAL,
    OUTPUT_HORIZONTAL,
    OUTPUT_JSON
} output_format;

const char *output_format_name(output_format format);
MUST_USE bool output_format_find(bytes name, output_format *format);

typedef struct output_token {
    bytes surface;     /* written on a multiword line; unused when words == 1 */
    size_t words;      /* 1, or more for a multiword token */
    size_t begin, end; /* byte range in the input; begin == end: not known, not written */
    bool space_after;
} output_token;

typedef struct output_column {
    bytes name;               /* lower case: "upos", "ner" */
    const bytes *value;       /* [W], an empty value is written as "_" (json: null) */
    const float *probability; /* [W] or NULL; not in horizontal */
} output_column;

typedef struct output_sentence {
    bytes id, text; /* size 0: not written */
    bool new_document, new_paragraph;
    size_t rank;               /* of an n-best list, 1-based; 0: there is none */
    double probability;        /* of the sequence, written when rank > 0 (conllu, json) */
    const output_token *token; /* [tokens]; their words sum to W */
    size_t tokens;
    const bytes *form; /* [W] */
    size_t words;
    const output_column *column; /* [columns] */
    size_t columns;
} output_sentence;

void output_write(output_format format, const output_sentence *s, buffer *out);

/* Pieces of it, for records that are written back. A probability in decimals; the comments
 * `# rank = ` and `# probability = `; the fields of a word's MISC that hold columns without a place
 * of their own and probabilities, joined by bars (*any: something stands before). */
void output_probability(double p, int decimals, buffer *out);
void output_rank(const output_sentence *s, buffer *out);
void output_misc(const output_sentence *s, size_t word, buffer *out, bool *any);

/* The words of a record as a sentence: forms and tokens (space after, multiword ranges), `# text`
 * and `# sent_id`. Arrays come from the arena, views from the record. Columns are left empty. */
MUST_USE int output_from_record(const record *r, arena *a, output_sentence *s);

#endif

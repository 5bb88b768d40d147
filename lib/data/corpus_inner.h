/* corpus_inner: what corpus.c shares with the parsers of the formats (conllu.c, columns.c,
 * lines.c); nobody else includes it.
 *
 * A parser builds one record: it asks corpus_line for line after line (which stores the raw bytes
 * in the record) and adds words and their cells. It returns 1 with a record, 0 when the input ended
 * before anything was read, or an error.
 */
#ifndef RILL_DATA_CORPUS_INNER_H
#define RILL_DATA_CORPUS_INNER_H

#include "base/io.h"
#include "data/corpus.h"
#include "data/excerpt.h"

enum { CONLLU_COLUMNS = 10, CONLLU_FORM = 1, CONLLU_MISC = 9 };

struct corpus {
    reader *in;
    corpus_options options;
    corpus_format format;
    buffer peek; /* raw lines read ahead when the file was opened, handed out from `peeked` on */
    size_t peeked;
    size_t line; /* 1-based number of the last line handed out */
    bool inside; /* that line was not blank, so a sentence may go on */
    bool skip;   /* the rest of a faulty sentence is to be passed over */
    size_t number, document, paragraph;
    buffer names;   /* of the columns, joined by commas */
    size_t columns; /* 0 while unknown */
    size_t form;
    char separator; /* between columns: TAB or blank */
};

/* Next line: raw bytes appended to r->text, a new r->lines entry of kind LINE_TEXT. *line views
 * its content until the record grows. 1, 0 at the end, negative on failure (bad UTF-8, NUL, limit).
 */
MUST_USE int corpus_line(corpus *c, record *r, bytes *line, rill_error *error);

/* A new word of the last line, whose cells are added one by one. */
MUST_USE int record_add_word(record *r);
/* `cell` must be a view into r->text. */
MUST_USE int record_add_cell(record *r, bytes cell);
static inline record_line *record_last_line(record *r) {
    return r->lines + r->line_count - 1;
}

/* Next piece of *rest, separated by runs of blanks and TABs (separator ' ') or of TABs (then
 * blanks around the piece are dropped). False when only separators are left. */
bool line_piece(bytes *rest, char separator, bytes *piece);
bool line_blank(bytes line); /* nothing, or only blanks and TABs */

bool is_docstart(bytes line); /* its first piece is -DOCSTART- */

/* Records RILL_EDATA at the current line. `at` points to the faulty byte of the line, or is NULL.
 */
MUST_USE int corpus_fault(const corpus *c, const record *r, const char *at, rill_error *error,
                          const char *format, ...) PRINTF_LIKE(5, 6);
/* The parsers. */
MUST_USE int conllu_record(corpus *c, record *r, rill_error *error);
MUST_USE int columns_record(corpus *c, record *r, rill_error *error);
MUST_USE int vertical_record(corpus *c, record *r, rill_error *error);
MUST_USE int horizontal_record(corpus *c, record *r, rill_error *error);
MUST_USE int text_record(corpus *c, record *r, rill_error *error);

size_t names_count(bytes names);
MUST_USE int corpus_names(corpus *c, const char *names, rill_error *error);
/* Learns separator and column count from the first word line (which is not consumed). */
MUST_USE int columns_learn(corpus *c, bytes line, size_t number, rill_error *error);
/* What the format may be, by one line; CORPUS_AUTO when the line leaves it open. */
corpus_format detect_line(bytes line);
/* Prose may hold TABs too, or end as an entity label does. So where it may come, a format is found
 * only if all lines read ahead are of it: columns have the same number of cells, mostly single
 * words, and there are two such lines or two signs in one (TABs, a label at the end, one before). */
bool detect_agrees(bytes lines, corpus_format format);
/* A line of words between TABs is no prose if the next one is like it; to wait for that one is no
 * loss, since a sentence of columns has an end to wait for. */
bool detect_waits(bytes line);
/* The same by all lines read ahead; never CORPUS_AUTO. */
corpus_format detect_lines(bytes lines);
corpus_format detect_name(const char *path);

#endif

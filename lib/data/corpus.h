/* corpus: tagged and raw text, read one record (sentence, or paragraph of raw text) at a time.
 *
 * A record keeps every byte it was read from, so what is not asked for is written back untouched:
 * writing all records of a file gives the file again (decompressed). Cells are byte ranges of that
 * raw text; replacing or appending a column splices new bytes in.
 *
 *     text   "# text = ab\n1\ta\t...\n2\tb\t...\n\n"
 *     line    [0)-----------[1)-------[2)-------[3)      content, kind
 *     cell                   id a ...  id b ...           [W][columns] ranges
 *
 * Formats
 *     conllu      ten TAB separated columns, blank line after a sentence
 *     columns     CoNLL-2003, WNUT: TABs if the first word line has one, else runs of blanks; a
 * line of blanks ends a sentence; '#' is a word, -DOCSTART- lines are no words horizontal  word_TAG
 * word_TAG, one sentence a line, the last underscore separates vertical    one word a line, a line
 * of blanks ends a sentence text        raw text: one paragraph a line, or (wrapped) lines up to a
 * blank one; no words
 *
 * A record may have no words: an empty line in horizontal or text, a lone blank line, a block of
 * comments, a -DOCSTART- line. Such records must be written back too, and are skipped otherwise.
 *
 * A corpus and a record belong to one thread; records outlive the corpus they came from.
 */
#ifndef RILL_DATA_CORPUS_H
#define RILL_DATA_CORPUS_H

#include "base/bytes.h"

typedef enum corpus_format {
    CORPUS_AUTO, /* from the name and the first lines; corpus_format_of tells */
    CORPUS_CONLLU,
    CORPUS_COLUMNS,
    CORPUS_HORIZONTAL,
    CORPUS_VERTICAL,
    CORPUS_TEXT
} corpus_format;

const char *corpus_format_name(corpus_format format);                /* "auto", "conllu", ... */
MUST_USE bool corpus_format_find(bytes name, corpus_format *format); /* the way back */

/* Zeroed is a valid choice of defaults. */
typedef struct corpus_options {
    corpus_format format;
    const char *columns; /* format columns: names "form,pos,ner"; NULL: form, 2, 3, ..., tag;
                          * format horizontal: two, of what stands before and behind the underscore
                          */
    const char *usual; /* names where `columns` is NULL and the file has as many columns, or NULL */
    bool untagged;       /* horizontal: every blank separated piece is a word, tags absent */
    bool wrapped;        /* text: blank lines end paragraphs */
    bool plain;          /* auto: raw text where name and first lines leave any doubt, also where all
                          * lines have the same number of words */
    size_t max_record;   /* longest record in bytes, 0: 64 MiB; at most 1 GiB */
} corpus_options;

typedef enum line_kind {
    LINE_WORD,
    LINE_COMMENT,  /* conllu: begins with # */
    LINE_RANGE,    /* conllu: 3-4 */
    LINE_EMPTY,    /* conllu: 5.1 */
    LINE_BLANK,    /* ends the sentence */
    LINE_DOCSTART, /* columns: -DOCSTART- */
    LINE_TEXT      /* text, and the one line of horizontal */
} line_kind;

typedef struct record_line {
    uint32_t begin, end; /* content in text: without BOM and line end */
    line_kind kind;
} record_line;

typedef struct record_cell_range {
    uint32_t begin, size;
} record_cell_range;

/* A multiword token: words first .. last-1 are written as one. */
typedef struct record_range {
    uint32_t first, last;
    uint32_t line; /* index into lines */
    record_cell_range form;
} record_range;

/* Zeroed is empty. Reused from call to call; buffers only grow. */
typedef struct record {
    buffer text; /* raw bytes of all lines, line ends included */
    record_line *lines;
    size_t line_count, line_room;
    record_cell_range *cells; /* [words][columns] */
    size_t cell_count, cell_room;
    uint32_t *word_line; /* [words] index into lines */
    size_t word_line_room;
    uint8_t *space; /* [words] 1: a blank follows this word on the surface (0 inside a range) */
    size_t space_room;
    record_range *ranges; /* multiword tokens, in order */
    size_t range_count, range_room;
    size_t words, columns; /* W, columns of each word (0 for text) */
    size_t form;           /* index of the column that holds the word form */
    size_t number;         /* 1-based number of the record in its corpus */
    size_t line;           /* 1-based number of its first line */
    size_t document;       /* documents and paragraphs begun up to here, 0 where nothing says */
    size_t paragraph;
    char separator; /* set before an appended column: TAB, blank or underscore */
    corpus_format format;
} record;

void record_free(record *r);

/* The views live until the record is read into again. */
bytes record_cell(const record *r, size_t word, size_t column);
bytes record_form(const record *r, size_t word);
size_t record_word_line(const record *r, size_t word);                  /* 1-based */
size_t record_word_column(const record *r, size_t word, size_t column); /* 1-based byte column */
bool record_space_after(const record *r, size_t word);
bytes record_line_text(const record *r, size_t line); /* content of lines[line] */
/* Value of the comment `# key = value`; false when there is none. */
bool record_comment(const record *r, const char *key, bytes *value);
/* text: the paragraph (wrapped: its lines with their line ends, without the last one);
 * conllu: the value of `# text`; else an empty view. */
bytes record_text(const record *r);
bytes record_raw(const record *r); /* every byte that was read */

/* New values of one column. column == r->columns appends (not for conllu and text); several
 * appended columns are numbered on from there. */
typedef struct record_change {
    size_t column;
    const bytes *values; /* [words] */
} record_change;

/* Appends the record with its changes (sorted by column) to `out`; all else byte for byte. Values
 * must not hold separators; an empty value is written as "_". */
void record_write(const record *r, const record_change *changes, size_t count, buffer *out);

typedef struct corpus corpus;

/* Opens a file ("-": standard input, gzip recognised). Formats auto and columns read on to the
 * first line that decides; an empty file opens well and yields no record. */
MUST_USE int corpus_open(const char *path, const corpus_options *options, corpus **out,
                         rill_error *error);
/* The same from a descriptor, or from memory; both stay the caller's. */
MUST_USE int corpus_open_fd(int fd, const char *name, const corpus_options *options, corpus **out,
                            rill_error *error);
MUST_USE int corpus_open_bytes(bytes text, const char *name, const corpus_options *options,
                               corpus **out, rill_error *error);
/* 1 and the next record, 0 at the end, negative on failure. After RILL_EDATA the caller may go on:
 * the faulty sentence is passed over. */
MUST_USE int corpus_next(corpus *c, record *r, rill_error *error);
bool corpus_ready(const corpus *c); /* the next line will not block */
corpus_format corpus_format_of(const corpus *c);
const char *corpus_name(const corpus *c);
void corpus_close(corpus *c);

/* Columns by name, or by 1-based number ("4", "-1": the last). */
size_t corpus_columns(const corpus *c);                   /* 0 while unknown (empty file) */
bytes corpus_column_name(const corpus *c, size_t column); /* "form", "upos", "3", ... */
size_t corpus_form(const corpus *c);                      /* index of the form column */
/* A clear error lists the names that exist. */
MUST_USE int corpus_column(const corpus *c, bytes name, size_t *column, rill_error *error);

#endif

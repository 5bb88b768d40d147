/* labelled: texts with labels, read one at a time.
 *
 *     fasttext  __label__a __label__b the text       labels before or behind the text
 *     tsv       label TAB text
 *     csv       a header, then cells by comma, semicolon or TAB; quotes as in RFC 4180
 *     jsonl     {"text": "...", "label": "a"} or "label": ["a", "b"], one object a line
 *     folder    one folder per label, one text per file
 *     text      a text a line, no labels
 *
 * An example owns what it holds; nothing of it moves while it lives. Blank lines are passed over but
 * in `text`, where each is a text. Formats are recognised by name, else by the first line.
 */
#ifndef RILL_DATA_LABELLED_H
#define RILL_DATA_LABELLED_H

#include "base/bytes.h"

typedef enum labelled_format {
    LABELLED_AUTO,
    LABELLED_FASTTEXT,
    LABELLED_TSV,
    LABELLED_CSV,
    LABELLED_JSONL,
    LABELLED_FOLDER,
    LABELLED_TEXT
} labelled_format;

const char *labelled_format_name(labelled_format format); /* "auto", "fasttext", ... */
MUST_USE bool labelled_format_find(bytes name, labelled_format *format);

/* Zeroed is a valid choice of defaults. */
typedef struct labelled_options {
    labelled_format format;
    const char *text_column, *label_column; /* csv: name or number; jsonl: key; NULL: text, label */
    bool unlabelled;   /* labels may be missing; format auto then wants more of a line before it is no
                        * text: a label, an object with the text's field, a header of several names */
    size_t max_record; /* longest text or line in bytes, 0: 64 MiB */
} labelled_options;

/* Zeroed is empty; reused from call to call. */
typedef struct example {
    buffer data;  /* the text, then the labels */
    size_t text;  /* bytes of the text */
    size_t *end;  /* [labels] where each label ends in data */
    size_t labels, room;
    size_t line;      /* 1-based line of the file where it begins; 1 for a file of a folder */
    const char *file; /* lives until the next call, like the labelled it came from */
} example;

bytes example_text(const example *e);
bytes example_label(const example *e, size_t i);
void example_free(example *e);

typedef struct labelled labelled;

/* "-" is standard input; gzip is recognised; a folder is format folder. */
MUST_USE int labelled_open(const char *path, const labelled_options *options, labelled **out,
                           rill_error *error);
/* The same from a descriptor, or from memory; both stay the caller's, and neither is a folder. */
MUST_USE int labelled_open_fd(int fd, const char *name, const labelled_options *options,
                              labelled **out, rill_error *error);
MUST_USE int labelled_open_bytes(bytes text, const char *name, const labelled_options *options,
                                 labelled **out, rill_error *error);
/* 1 and the next example, 0 at the end, negative on failure. After RILL_EDATA the caller may go on:
 * the faulty one is passed over. */
MUST_USE int labelled_next(labelled *l, example *e, rill_error *error);
bool labelled_ready(const labelled *l); /* the next one will not wait for input */
labelled_format labelled_format_of(const labelled *l);
void labelled_close(labelled *l); /* NULL is fine */

#endif

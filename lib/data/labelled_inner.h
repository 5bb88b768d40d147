/* labelled_inner: what labelled.c shares with CSV cells and folders; nobody else includes it. */
#ifndef RILL_DATA_LABELLED_INNER_H
#define RILL_DATA_LABELLED_INNER_H

#include "base/io.h"
#include "data/labelled.h"

#include <stdarg.h>
#include <stdio.h>

struct labelled {
    reader *in; /* NULL for a folder */
    labelled_options options;
    labelled_format format;
    char *name;
    const char *text_column, *label_column;
    buffer peek; /* the line that was read to recognise the format */
    bool peeked;
    size_t line; /* number of the last line handed out */
    /* csv */
    char separator;
    size_t text_at, label_at, columns; /* label_at SIZE_MAX: none */
    buffer cells;                      /* of the row at hand, unquoted */
    /* folder: "label/name" of every file, sorted */
    char **entry;
    size_t files, file_room, next;
    buffer path;
};

/* Next line without BOM, checked; 1, 0 at the end, negative. */
MUST_USE int labelled_line(labelled *l, bytes *line, rill_error *error);
int labelled_fault(const labelled *l, size_t line, size_t column, rill_error *error,
                   const char *format, ...) PRINTF_LIKE(5, 6);

void example_begin(example *e, bytes text);
MUST_USE int example_add_label(example *e, bytes label);

/* A row that begins with `line`; it reads on while a quoted cell is open. */
MUST_USE int labelled_csv(labelled *l, bytes line, example *e, rill_error *error);
/* Does the line name the wanted columns? Where labels may be missing: the text's and any other. */
bool labelled_csv_is_header(const labelled *l, bytes line);
MUST_USE int labelled_csv_header(labelled *l, bytes line, rill_error *error);

/* Lists the files; then one at a time. */
MUST_USE int labelled_folder(labelled *l, rill_error *error);
MUST_USE int labelled_file(labelled *l, example *e, rill_error *error);

#endif

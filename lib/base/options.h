/* options: one table of rows per tool, from which everything about its options comes: parsing,
 * ranges, defaults, --help, man page, completion, config file, the stored configuration.
 *
 * A row says where in a plain struct its value stands, so code reads `options->hidden`, never a
 * string key.
 */
#ifndef RILL_BASE_OPTIONS_H
#define RILL_BASE_OPTIONS_H

#include "base/json.h"

typedef enum option_type {
    OPTION_FLAG,   /* bool: --name, --no-name, name = true|false|yes|no|1|0 */
    OPTION_INT,    /* int64_t within low..high */
    OPTION_REAL,   /* double within low..high */
    OPTION_TEXT,   /* char *, owned, NULL when unset; `choices` = "a|b|c" restricts it */
    OPTION_LIST,   /* char *, owned: repeated uses are joined by LF (repeatable option) */
} option_type;

/* Which verbs an option belongs to (bit mask), and whether a model file stores it. */
enum { OPTION_TRAIN = 1, OPTION_APPLY = 2, OPTION_EVAL = 4, OPTION_CHECK = 8, OPTION_ALL = 15,
       OPTION_COMPARE = 16, OPTION_SCORE = 32,
       OPTION_VERBS = 255, /* tables of other verbs use more bits */
       OPTION_STORED = 256,
       OPTION_FILE = 512 }; /* names a file that training reads: a changed one stops a resume */

typedef struct option_row {
    const char *name;     /* long name, kebab-case */
    char letter;          /* short name or 0 */
    option_type type;
    size_t offset;        /* of the value in the options struct */
    const char *fallback; /* default as text, NULL for unset */
    double low, high;     /* inclusive range of numbers */
    const char *choices;  /* for OPTION_TEXT, or NULL */
    const char *argument; /* name of the argument in help, NULL for flags */
    unsigned where;       /* OPTION_TRAIN | ... */
    const char *help;     /* one sentence */
} option_row;

typedef struct option_table {
    const option_row *rows;
    size_t count;
    size_t size; /* of the options struct */
} option_table;

/* A zeroed struct of table->size is valid; this sets every default. */
MUST_USE int options_defaults(const option_table *t, void *values, rill_error *error);
const option_row *options_find(const option_table *t, bytes name);
/* Sets one option from text; checks type, range and choice. The message names option, value and
 * what was expected; an unknown name suggests the nearest one. */
MUST_USE int options_set(const option_table *t, void *values, bytes name, bytes value,
                         rill_error *error);
void options_unset(const option_row *row, void *values); /* 0, false, or no text */
/* The value as text, as options_set would read it back; false when unset. */
bool options_get(const option_table *t, const void *values, const option_row *row, buffer *out);
/* All values of one struct into another, which must be zeroed; texts are copied. */
MUST_USE int options_copy(const option_table *t, void *to, const void *from, rill_error *error);
/* Rows with OPTION_STORED as a JSON object of strings, and back (unknown keys are refused). */
MUST_USE int options_store(const option_table *t, const void *values, json_t **out,
                           rill_error *error);
MUST_USE int options_restore(const option_table *t, void *values, const json_t *in,
                             rill_error *error);
/* Reads `key = value` lines; # starts a comment line. */
MUST_USE int options_read(const option_table *t, void *values, const char *path,
                          rill_error *error);
void options_free(const option_table *t, void *values); /* releases owned texts */

/* The known word nearest to `word` within 2 edits (3 for long words), or NULL. */
const char *options_nearest(bytes word, const char *(*get)(const void *, size_t), const void *list,
                            size_t count);

#endif

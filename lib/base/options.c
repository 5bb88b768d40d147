/* options: values in a plain struct, described by rows.
 *
 * Memory map: a row's `offset` leads to a bool, int64_t, double or owned char * inside the caller's
 * struct; the field must have exactly the type that the row's type stands for.
 *
 * Texts of a list are joined by LF in one string; that is also how they are stored.
 */
#include "base/options.h"

#include "base/io.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 80, LONGEST_WORD = 63 }; /* bytes of a wrong value in a message; of a suggestion */

static void *value_at(void *values, const option_row *row) {
    return (char *)values + row->offset;
}

static const char *text_at(const void *values, const option_row *row) {
    return *(char *const *)((const char *)values + row->offset);
}

/* ---- messages */

static int shown(bytes value) {
    return value.size < SHOWN ? (int)value.size : SHOWN;
}

static int wrong(const option_row *row, bytes value, const char *expected, rill_error *error) {
    return status_fail(error, RILL_EUSAGE, "option --%s: found \"%.*s\", expected %s", row->name,
                       shown(value), value.data, expected);
}

/* "a whole number from 1 to 8192", with what the row leaves open left out. */
static int wrong_number(const option_row *row, bytes value, rill_error *error) {
    buffer expected = {0};
    buffer_add_text(&expected, row->type == OPTION_INT ? "a whole number" : "a number");
    if (isfinite(row->low)) {
        buffer_add_text(&expected, isfinite(row->high) ? " from " : " of at least ");
        buffer_add_real(&expected, row->low);
    }
    if (isfinite(row->high)) {
        buffer_add_text(&expected, isfinite(row->low) ? " to " : " of at most ");
        buffer_add_real(&expected, row->high);
    }
    int status = buffer_status(&expected, error);
    if (status == RILL_OK) status = wrong(row, value, expected.data, error);
    buffer_free(&expected);
    return status;
}

/* "one of rnn, lstm, gru" from "rnn|lstm|gru". */
static int wrong_choice(const option_row *row, bytes value, rill_error *error) {
    buffer expected = {0};
    bytes rest = bytes_of(row->choices), choice;
    buffer_add_text(&expected, "one of ");
    while (bytes_split(&rest, '|', &choice)) {
        buffer_add_bytes(&expected, choice);
        if (rest.data) buffer_add_text(&expected, ", ");
    }
    int status = buffer_status(&expected, error);
    if (status == RILL_OK) status = wrong(row, value, expected.data, error);
    buffer_free(&expected);
    return status;
}

static const char *row_name(const void *rows, size_t i) {
    return ((const option_row *)rows)[i].name;
}

/* Names are suggested from all rows: an option of another verb is a likely slip too. */
static int unknown(const option_table *t, bytes name, rill_error *error) {
    const char *near = options_nearest(name, row_name, t->rows, t->count);
    if (!near)
        return status_fail(error, RILL_EUSAGE, "unknown option --%.*s", shown(name), name.data);
    return status_fail(error, RILL_EUSAGE, "unknown option --%.*s (did you mean --%s?)",
                       shown(name), name.data, near);
}

/* ---- setting */

/* The words of the config file; --name and --no-name arrive as true and false. */
static int set_flag(const option_row *row, bool *flag, bytes value, rill_error *error) {
    static const char *const words[] = {"false", "no", "0", "true", "yes", "1"};
    for (int i = 0; i < 6; i++) {
        if (!bytes_equal(value, bytes_of(words[i]))) continue;
        *flag = i >= 3;
        return RILL_OK;
    }
    return wrong(row, value, "true, false, yes, no, 1 or 0", error);
}

/* A value changes only when it is good: a refused one leaves the old. */
static int set_int(const option_row *row, int64_t *number, bytes value, rill_error *error) {
    int64_t found;
    if (!bytes_to_int(value, &found) || (double)found < row->low || (double)found > row->high)
        return wrong_number(row, value, error);
    *number = found;
    return RILL_OK;
}

static int set_real(const option_row *row, double *number, bytes value, rill_error *error) {
    double found;
    if (!bytes_to_real(value, &found) || found < row->low || found > row->high)
        return wrong_number(row, value, error);
    *number = found;
    return RILL_OK;
}

static bool is_choice(const char *choices, bytes value) {
    bytes rest = bytes_of(choices), choice;
    while (bytes_split(&rest, '|', &choice)) {
        if (bytes_equal(choice, value)) return true;
    }
    return false;
}

/* Replaces *text by `value`, or by "*text LF value" for a list that has something already. */
static int set_text(const option_row *row, char **text, bytes value, rill_error *error) {
    if (value.size && memchr(value.data, '\0', value.size))
        return wrong(row, value, "a text without NUL bytes", error);
    if (row->choices && !is_choice(row->choices, value)) return wrong_choice(row, value, error);
    buffer joined = {0};
    if (row->type == OPTION_LIST && *text) {
        buffer_add_text(&joined, *text);
        buffer_add_char(&joined, '\n');
    }
    buffer_add_bytes(&joined, value);
    if (buffer_status(&joined, error) < 0) {
        buffer_free(&joined);
        return RILL_ENOMEM;
    }
    free(*text);
    *text = joined.data;
    return RILL_OK;
}

static int set_row(const option_row *row, void *values, bytes value, rill_error *error) {
    void *at = value_at(values, row);
    switch (row->type) {
    case OPTION_FLAG:
        return set_flag(row, at, value, error);
    case OPTION_INT:
        return set_int(row, at, value, error);
    case OPTION_REAL:
        return set_real(row, at, value, error);
    case OPTION_TEXT:
    case OPTION_LIST:
        return set_text(row, at, value, error);
    }
    return RILL_EUSAGE;
}

/* Back to nothing: false, 0, no text. */
void options_unset(const option_row *row, void *values) {
    void *at = value_at(values, row);
    switch (row->type) {
    case OPTION_FLAG:
        *(bool *)at = false;
        break;
    case OPTION_INT:
        *(int64_t *)at = 0;
        break;
    case OPTION_REAL:
        *(double *)at = 0;
        break;
    case OPTION_TEXT:
    case OPTION_LIST:
        free(*(char **)at);
        *(char **)at = NULL;
        break;
    }
}

int options_defaults(const option_table *t, void *values, rill_error *error) {
    for (size_t i = 0; i < t->count; i++) {
        const option_row *row = &t->rows[i];
        options_unset(row, values);
        if (row->fallback) TRY(set_row(row, values, bytes_of(row->fallback), error));
    }
    return RILL_OK;
}

const option_row *options_find(const option_table *t, bytes name) {
    for (size_t i = 0; i < t->count; i++) {
        if (bytes_equal(name, bytes_of(t->rows[i].name))) return &t->rows[i];
    }
    return NULL;
}

int options_set(const option_table *t, void *values, bytes name, bytes value, rill_error *error) {
    const option_row *row = options_find(t, name);
    return row ? set_row(row, values, value, error) : unknown(t, name, error);
}

void options_free(const option_table *t, void *values) {
    for (size_t i = 0; i < t->count; i++) options_unset(&t->rows[i], values);
}

/* ---- reading back and storing */

bool options_get(const option_table *t, const void *values, const option_row *row, buffer *out) {
    (void)t;
    const void *at = (const char *)values + row->offset;
    const char *text;
    switch (row->type) {
    case OPTION_FLAG:
        buffer_add_text(out, *(const bool *)at ? "true" : "false");
        return true;
    case OPTION_INT:
        buffer_printf(out, "%lld", (long long)*(const int64_t *)at);
        return true;
    case OPTION_REAL:
        buffer_add_real(out, *(const double *)at);
        return true;
    case OPTION_TEXT:
    case OPTION_LIST:
        text = text_at(values, row);
        if (text) buffer_add_text(out, text);
        return text != NULL;
    }
    return false;
}

/* Lists have no defaults, so setting them copies them. */
int options_copy(const option_table *t, void *to, const void *from, rill_error *error) {
    buffer value = {0};
    int status = options_defaults(t, to, error);
    for (size_t i = 0; status == 0 && i < t->count; i++) {
        buffer_clear(&value);
        if (!options_get(t, from, &t->rows[i], &value)) continue;
        status = buffer_status(&value, error);
        if (status == 0) status = set_row(&t->rows[i], to, buffer_view(&value), error);
    }
    buffer_free(&value);
    return status;
}

/* An unset text is left out; when restored it keeps its default. */
static int store_row(const option_table *t, const void *values, const option_row *row,
                     json_t *object, buffer *text, rill_error *error) {
    buffer_clear(text);
    if (!options_get(t, values, row, text)) return RILL_OK;
    TRY(buffer_status(text, error));
    bytes value = buffer_view(text);
    json_t *string = json_stringn(value.data, value.size);
    if (!string) return wrong(row, value, "valid UTF-8", error);
    if (json_object_set_new(object, row->name, string)) return status_nomem(error);
    return RILL_OK;
}

int options_store(const option_table *t, const void *values, json_t **out, rill_error *error) {
    *out = NULL;
    json_t *object = json_object();
    if (!object) return status_nomem(error);
    buffer text = {0};
    int status = RILL_OK;
    for (size_t i = 0; i < t->count && status == RILL_OK; i++) {
        if (t->rows[i].where & OPTION_STORED)
            status = store_row(t, values, &t->rows[i], object, &text, error);
    }
    buffer_free(&text);
    if (status < 0) {
        json_decref(object);
    } else {
        *out = object;
    }
    return status;
}

/* Settings come from a file of somebody else: unknown names, wrong types and values out of range
 * are refused like on the command line. */
static int restore_row(const option_table *t, void *values, const char *key, const json_t *value,
                       rill_error *error) {
    const option_row *row = options_find(t, bytes_of(key));
    if (!row || !(row->where & OPTION_STORED))
        return status_fail(error, RILL_EMODEL, "unknown setting \"%.*s\"", SHOWN, key);
    if (!json_is_string(value))
        return status_fail(error, RILL_EMODEL, "setting \"%s\" is not a string", key);
    options_unset(row, values); /* a list would go on from its default */
    bytes text = {json_string_value(value), json_string_length(value)};
    int status = set_row(row, values, text, error);
    if (status == RILL_EUSAGE) { /* the value is the model's fault, not the user's */
        status = RILL_EMODEL;
        if (error) error->code = status;
    }
    return status;
}

int options_restore(const option_table *t, void *values, const json_t *in, rill_error *error) {
    if (!json_is_object(in))
        return status_fail(error, RILL_EMODEL, "the settings are not an object");
    json_t *object = (json_t *)in; /* jansson's iterators know no const */
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at))
        TRY(restore_row(t, values, json_object_iter_key(at), json_object_iter_value(at), error));
    return RILL_OK;
}

/* ---- config file */

/* One line of a config file: blank, remark, or `key = value`; what follows the first = is the
 * value, whatever it holds. */
static int read_line(const option_table *t, void *values, const reader *r, bytes line,
                     rill_error *error) {
    bytes name, value = line;
    line = bytes_trim(line);
    if (line.size == 0 || line.data[0] == '#') return RILL_OK;
    bytes_split(&value, '=', &name);
    if (!value.data)
        return status_set(error, RILL_EUSAGE, reader_name(r), reader_number(r), 1,
                          "found \"%.*s\", expected key = value", shown(line), line.data);
    int status = options_set(t, values, bytes_trim(name), bytes_trim(value), error);
    if (status == RILL_EUSAGE && error) {
        char message[sizeof error->message]; /* the place is added to what options_set said */
        memcpy(message, error->message, sizeof message);
        status_set(error, status, reader_name(r), reader_number(r), 0, "%s", message);
    }
    return status;
}

int options_read(const option_table *t, void *values, const char *path, rill_error *error) {
    reader *r;
    TRY(reader_open(path, 0, &r, error));
    bytes line;
    int status;
    while ((status = reader_text(r, &line, error)) > 0) {
        status = read_line(t, values, r, line, error);
        if (status < 0) break;
    }
    reader_close(r);
    return status;
}

/* ---- did you mean */

static int least(int a, int b) {
    return a < b ? a : b;
}

/* Edits (insert, delete, replace, swap of neighbours) that turn a into b; optimal string alignment
 * over three rows of the table d[i][j], a's first i against b's first j bytes. */
static int distance(bytes a, bytes b) {
    int d[3][LONGEST_WORD + 1];
    for (size_t j = 0; j <= b.size; j++) d[0][j] = (int)j;
    for (size_t i = 1; i <= a.size; i++) {
        int *row = d[i % 3], *above = d[(i + 2) % 3], *two_above = d[(i + 1) % 3];
        row[0] = (int)i;
        for (size_t j = 1; j <= b.size; j++) {
            int same = a.data[i - 1] == b.data[j - 1];
            row[j] = least(above[j - 1] + !same, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1])
                row[j] = least(row[j], two_above[j - 2] + 1);
        }
    }
    return d[a.size % 3][b.size];
}

const char *options_nearest(bytes word, const char *(*get)(const void *, size_t), const void *list,
                            size_t count) {
    if (word.size > LONGEST_WORD) return NULL;
    /* In a very short word two edits leave nothing of it. */
    int best = (word.size <= 3 ? 1 : word.size <= 8 ? 2 : 3) + 1;
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        bytes known = bytes_of(get(list, i));
        if (known.size > LONGEST_WORD) continue;
        int edits = distance(word, known);
        if (edits < best) {
            best = edits;
            nearest = known.data;
        }
    }
    return nearest;
}

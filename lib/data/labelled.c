/* labelled: see labelled.h. What the formats share: opening, detection, the example; the formats by
 * line. CSV cells stand in labelled_csv.c, folders in labelled_folder.c.
 */
#include "data/labelled_inner.h"

#include "base/json.h"
#include "text/unicode.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const names[] = {"auto", "fasttext", "tsv", "csv", "jsonl", "folder", "text"};

const char *labelled_format_name(labelled_format format) { return names[format]; }

bool labelled_format_find(bytes name, labelled_format *format) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!bytes_equal(name, bytes_of(names[i]))) continue;
        *format = (labelled_format)i;
        return true;
    }
    return false;
}

/* ---- examples */

bytes example_text(const example *e) { return (bytes){e->data.data ? e->data.data : "", e->text}; }

bytes example_label(const example *e, size_t i) {
    return bytes_slice(buffer_view(&e->data), i ? e->end[i - 1] : e->text, e->end[i]);
}

void example_free(example *e) {
    buffer_free(&e->data);
    free(e->end);
    *e = (example){0};
}

/* Begins an example with its text; labels follow. */
void example_begin(example *e, bytes text) {
    buffer_clear(&e->data);
    buffer_add_bytes(&e->data, text);
    e->text = text.size;
    e->labels = 0;
}

/* A label that is there already would count twice. */
int example_add_label(example *e, bytes label) {
    for (size_t i = 0; i < e->labels; i++) {
        if (bytes_equal(example_label(e, i), label)) return 0;
    }
    TRY(mem_grow(&e->end, &e->room, e->labels + 1, sizeof *e->end));
    buffer_add_bytes(&e->data, label);
    e->end[e->labels++] = e->data.size;
    return 0;
}

/* ---- lines */

int labelled_fault(const labelled *l, size_t line, size_t column, rill_error *error,
                   const char *format, ...) {
    char message[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return status_set(error, RILL_EDATA, l->name, line, column, "%s", message);
}

static int check_line(const labelled *l, bytes line, size_t number, rill_error *error) {
    size_t fault;
    if (!utf8_valid(line, &fault)) {
        return labelled_fault(l, number, fault + 1, error, "invalid UTF-8");
    }
    const char *nul = memchr(line.data, 0, line.size);
    if (line.size == 0 || !nul) return 0;
    return labelled_fault(l, number, (size_t)(nul - line.data) + 1, error, "a NUL byte");
}

/* The next line, the one that was looked at before the others. */
int labelled_line(labelled *l, bytes *line, rill_error *error) {
    if (l->peeked) {
        l->peeked = false;
        *line = buffer_view(&l->peek);
        return check_line(l, *line, l->line, error) < 0 ? RILL_EDATA : 1;
    }
    int more = reader_text(l->in, line, error);
    if (more <= 0) return more;
    l->line = reader_number(l->in);
    int status = check_line(l, *line, l->line, error);
    return status < 0 ? status : 1;
}

static bool is_blank(bytes line) { return bytes_trim(line).size == 0; }

/* ---- the formats by line */

static bool is_label(bytes piece) {
    return piece.size > 9 && bytes_starts(piece, BYTES("__label__"));
}

/* Takes a piece off the front, or off the end, when it is a label. */
static bool take_label(bytes *rest, bool end, bytes *label) {
    bytes text = bytes_trim(*rest);
    size_t size = 0;
    while (size < text.size) {
        char c = text.data[end ? text.size - 1 - size : size];
        if (c == ' ' || c == '\t') break;
        size++;
    }
    bytes piece = end ? bytes_slice(text, text.size - size, text.size) : bytes_slice(text, 0, size);
    if (!is_label(piece)) return false;
    *label = bytes_slice(piece, 9, piece.size);
    *rest = end ? bytes_slice(text, 0, text.size - size) : bytes_slice(text, size, text.size);
    return true;
}

static int read_fasttext(labelled *l, bytes line, example *e, rill_error *error) {
    bytes rest = line, text, label;
    while (take_label(&rest, false, &label)) {}
    while (take_label(&rest, true, &label)) {}
    text = rest;
    example_begin(e, bytes_trim(text));
    rest = line;
    int status = 0;
    while (status == 0 && take_label(&rest, false, &label)) status = example_add_label(e, label);
    while (status == 0 && take_label(&rest, true, &label)) status = example_add_label(e, label);
    (void)l;
    return status < 0 ? status_nomem(error) : 0;
}

static int read_tsv(labelled *l, bytes line, example *e, rill_error *error) {
    bytes rest = line, label;
    bytes_split(&rest, '\t', &label);
    if (!rest.data) {
        example_begin(e, line);
        if (l->options.unlabelled) return 0;
        return labelled_fault(l, l->line, 1, error, "found no TAB, expected label TAB text");
    }
    example_begin(e, rest);
    label = bytes_trim(label);
    if (label.size == 0 && l->options.unlabelled) return 0;
    if (label.size == 0) return labelled_fault(l, l->line, 1, error, "the label is empty");
    return example_add_label(e, label) < 0 ? status_nomem(error) : 0;
}

/* A label may be written as a string, a number or a truth value. */
static int add_json_label(labelled *l, const json_t *value, example *e, rill_error *error) {
    buffer text = {0};
    int status = 0;
    if (json_is_string(value)) {
        bytes label = {json_string_value(value), json_string_length(value)};
        status = example_add_label(e, label) < 0 ? status_nomem(error) : 0;
    } else if (json_is_number(value) || json_is_boolean(value)) {
        status = json_write(value, &text, error);
        if (status == 0) status = example_add_label(e, buffer_view(&text));
    } else {
        status = labelled_fault(l, l->line, 0, error, "field \"%s\": expected a string or a list "
                                "of strings", l->label_column);
    }
    buffer_free(&text);
    return status;
}

static int add_json_labels(labelled *l, const json_t *value, example *e, rill_error *error) {
    if (!value || json_is_null(value)) {
        if (l->options.unlabelled) return 0;
        return labelled_fault(l, l->line, 0, error, "field \"%s\" is missing", l->label_column);
    }
    if (!json_is_array(value)) return add_json_label(l, value, e, error);
    for (size_t i = 0; i < json_array_size(value); i++) {
        TRY(add_json_label(l, json_array_get(value, i), e, error));
    }
    return 0;
}

static int read_jsonl(labelled *l, bytes line, example *e, rill_error *error) {
    json_t *object = NULL;
    rill_error why = {0};
    if (json_read(line, l->name, &object, &why) < 0) {
        return labelled_fault(l, l->line, why.column, error, "%s", why.message);
    }
    const json_t *text = json_object_get(object, l->text_column);
    int status = 0;
    if (!json_is_string(text)) {
        status = labelled_fault(l, l->line, 0, error, "field \"%s\": expected a string",
                                l->text_column);
    }
    if (status == 0) {
        example_begin(e, (bytes){json_string_value(text), json_string_length(text)});
        status = add_json_labels(l, json_object_get(object, l->label_column), e, error);
    }
    json_decref(object);
    return status;
}

static int read_text(bytes line, example *e) {
    example_begin(e, line);
    return 0;
}

static int read_line(labelled *l, bytes line, example *e, rill_error *error) {
    switch (l->format) {
    case LABELLED_FASTTEXT: return read_fasttext(l, line, e, error);
    case LABELLED_TSV: return read_tsv(l, line, e, error);
    case LABELLED_JSONL: return read_jsonl(l, line, e, error);
    case LABELLED_CSV: return labelled_csv(l, line, e, error);
    default: return read_text(line, e);
    }
}

int labelled_next(labelled *l, example *e, rill_error *error) {
    int more;
    bytes line;
    e->file = l->name;
    if (l->format == LABELLED_FOLDER) return labelled_file(l, e, error);
    do {
        more = labelled_line(l, &line, error);
        if (more <= 0) return more;
    } while (l->format != LABELLED_TEXT && is_blank(line));
    e->line = l->line;
    int status = read_line(l, line, e, error);
    if (status == 0) status = buffer_status(&e->data, error);
    return status < 0 ? status : 1;
}

/* ---- opening */

static bool ends(const char *name, const char *tail) {
    size_t n = strlen(name), m = strlen(tail);
    if (n > 3 && !strcmp(name + n - 3, ".gz")) n -= 3;
    return n > m && !memcmp(name + n - m, tail, m);
}

static labelled_format by_name(const char *name) {
    if (ends(name, ".jsonl") || ends(name, ".ndjson")) return LABELLED_JSONL;
    if (ends(name, ".csv")) return LABELLED_CSV;
    return LABELLED_AUTO;
}

/* Where labels must be, a brace is JSON, and faults are told; a text may begin with one, unless the
 * line is an object with the field of the text. */
static bool is_object(const labelled *l, bytes line) {
    bytes text = bytes_trim(line);
    if (text.size == 0 || text.data[0] != '{') return false;
    if (!l->options.unlabelled) return true;
    json_t *object = NULL;
    bool found = json_read(text, l->name, &object, NULL) == 0 &&
                 json_object_get(object, l->text_column) != NULL;
    json_decref(object);
    return found;
}

static labelled_format by_line(const labelled *l, bytes line) {
    bytes rest = line, label;
    if (take_label(&rest, false, &label) || take_label(&rest, true, &label)) {
        return LABELLED_FASTTEXT;
    }
    if (is_object(l, line)) return LABELLED_JSONL;
    if (labelled_csv_is_header(l, line)) return LABELLED_CSV;
    if (l->options.unlabelled) return ends(l->name, ".tsv") ? LABELLED_TSV : LABELLED_TEXT;
    return memchr(line.data, '\t', line.size) ? LABELLED_TSV : LABELLED_TEXT;
}

/* Reads the first line that says something. Whoever may have no labels is not kept waiting for one
 * unless the format needs it. */
static int look(labelled *l, rill_error *error) {
    bytes line = {0};
    int more = 0;
    l->format = l->options.format != LABELLED_AUTO ? l->options.format : by_name(l->name);
    if (l->format != LABELLED_AUTO && l->format != LABELLED_CSV) return 0;
    if (l->options.unlabelled && l->format == LABELLED_AUTO) {
        more = labelled_line(l, &line, error);
    } else {
        while ((more = labelled_line(l, &line, error)) > 0 && is_blank(line)) {}
    }
    if (more < 0) return more;
    if (more == 0) {
        if (l->format == LABELLED_AUTO) l->format = LABELLED_TEXT;
        return 0;
    }
    if (l->format == LABELLED_AUTO) l->format = by_line(l, line);
    if (l->format == LABELLED_CSV) return labelled_csv_header(l, line, error);
    buffer_add_bytes(&l->peek, line);
    l->peeked = true;
    return buffer_status(&l->peek, error);
}

static int begin(const char *name, const labelled_options *options, labelled **out,
                 rill_error *error) {
    labelled *l = mem_new(1, sizeof *l);
    if (l) l->name = mem_text(name, strlen(name));
    if (!l || !l->name) {
        labelled_close(l);
        return status_nomem(error);
    }
    if (options) l->options = *options;
    l->text_column = l->options.text_column ? l->options.text_column : "text";
    l->label_column = l->options.label_column ? l->options.label_column : "label";
    *out = l;
    return 0;
}

static int finish(int status, labelled **out, rill_error *error) {
    if (status == 0) status = look(*out, error);
    if (status == 0) return 0;
    labelled_close(*out);
    *out = NULL;
    return status;
}

int labelled_open(const char *path, const labelled_options *options, labelled **out,
                  rill_error *error) {
    struct stat s;
    TRY(begin(path, options, out, error));
    labelled *l = *out;
    bool folder = strcmp(path, "-") && stat(path, &s) == 0 && S_ISDIR(s.st_mode);
    if (folder || l->options.format == LABELLED_FOLDER) {
        l->format = LABELLED_FOLDER;
        int status = labelled_folder(l, error);
        if (status == 0) return 0;
        labelled_close(l);
        *out = NULL;
        return status;
    }
    return finish(reader_open(path, l->options.max_record, &l->in, error), out, error);
}

/* What is read as lines is no folder. */
static int begin_lines(const char *name, const labelled_options *options, labelled **out,
                       rill_error *error) {
    if (!options || options->format != LABELLED_FOLDER) return begin(name, options, out, error);
    *out = NULL;
    return status_set(error, RILL_EUSAGE, name, 0, 0,
                      "found format folder, expected lines of text (train, eval and check read "
                      "folders, apply does not)");
}

int labelled_open_fd(int fd, const char *name, const labelled_options *options, labelled **out,
                     rill_error *error) {
    TRY(begin_lines(name, options, out, error));
    size_t longest = (*out)->options.max_record;
    return finish(reader_open_fd(fd, name, longest, &(*out)->in, error), out, error);
}

int labelled_open_bytes(bytes text, const char *name, const labelled_options *options,
                        labelled **out, rill_error *error) {
    TRY(begin_lines(name, options, out, error));
    return finish(reader_open_bytes(text, name, &(*out)->in, error), out, error);
}

bool labelled_ready(const labelled *l) {
    return l->peeked || !l->in || reader_ready(l->in);
}

labelled_format labelled_format_of(const labelled *l) { return l->format; }

void labelled_close(labelled *l) {
    if (!l) return;
    reader_close(l->in);
    buffer_free(&l->peek);
    buffer_free(&l->cells);
    buffer_free(&l->path);
    for (size_t i = 0; i < l->files; i++) free(l->entry[i]);
    free(l->entry);
    free(l->name);
    free(l);
}

/* corpus: opening a file, finding out its format, handing out records.
 *
 * Lines come from base/io without their ends; corpus_fetch puts the ends back, so that a record
 * holds the file's own bytes. What was read ahead to learn the format stands in `peek` and is
 * handed out first:
 *
 *     peek   [ line 1 \n ][ line 2 \n ]...   then the reader
 *              handed out ^peeked
 */
#include "data/corpus_inner.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CORPUS_MAX_RECORD ((size_t)64 << 20)
#define CORPUS_TOP_RECORD ((size_t)1 << 30) /* offsets in a record are 32 bits wide */
enum { PEEK_LINES = 20 };

static const char *const format_names[] = {"auto",       "conllu",   "columns",
                                           "horizontal", "vertical", "text"};

const char *corpus_format_name(corpus_format format) {
    return format_names[format];
}

bool corpus_format_find(bytes name, corpus_format *format) {
    for (size_t i = 0; i < sizeof format_names / sizeof *format_names; i++) {
        if (!bytes_equal(name, bytes_of(format_names[i]))) continue;
        *format = (corpus_format)i;
        return true;
    }
    return false;
}

/* ---- messages */

int corpus_fault(const corpus *c, const record *r, const char *at, rill_error *error,
                 const char *format, ...) {
    char message[sizeof error->message];
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    size_t column = 0;
    if (at) column = (size_t)(at - (r->text.data + r->lines[r->line_count - 1].begin)) + 1;
    return status_set(error, RILL_EDATA, corpus_name(c), c->line, column, "%s", message);
}

/* ---- lines */

bool line_blank(bytes line) {
    for (size_t i = 0; i < line.size; i++) {
        if (line.data[i] != ' ' && line.data[i] != '\t') return false;
    }
    return true;
}

bool line_piece(bytes *rest, char separator, bytes *piece) {
    size_t at = 0, size = rest->size;
    bool blanks = separator == ' ';
    while (at < size && (rest->data[at] == '\t' || (blanks && rest->data[at] == ' '))) at++;
    size_t begin = at;
    while (at < size && rest->data[at] != '\t' && !(blanks && rest->data[at] == ' ')) at++;
    *piece = bytes_slice(*rest, begin, at);
    *rest = bytes_slice(*rest, at, size);
    if (piece->size == 0) return false;
    bytes inner = bytes_trim(*piece);
    if (inner.size) *piece = inner; /* a cell of nothing but blanks stays as it is */
    return true;
}

/* Appends the next raw line, with its end, from the reader. Damaged gzip data can't be read on, so
 * it is not the RILL_EDATA after which a caller may go on. */
static int fetch_read(corpus *c, buffer *out, rill_error *error) {
    bytes line;
    int status = reader_line(c->in, &line, error);
    if (status == RILL_EDATA) {
        status = RILL_EIO;
        if (error) error->code = status;
    }
    if (status <= 0) return status;
    buffer_add_bytes(out, line);
    if (reader_had_cr(c->in)) buffer_add_char(out, '\r');
    if (reader_ended(c->in)) buffer_add_char(out, '\n');
    TRY(buffer_status(out, error));
    return 1;
}

/* The next raw line of `text` from *at on, its end included. */
static bytes raw_line(bytes text, size_t at) {
    const char *end = memchr(text.data + at, '\n', text.size - at);
    size_t next = end ? (size_t)(end - text.data) + 1 : text.size;
    return bytes_slice(text, at, next);
}

/* Content of a raw line: without LF, one CR, and the byte order mark of the first line. */
static bytes line_content(bytes raw, bool first) {
    if (raw.size && raw.data[raw.size - 1] == '\n') raw.size--;
    if (raw.size && raw.data[raw.size - 1] == '\r') raw.size--;
    return first ? bytes_unmarked(raw) : raw;
}

/* Appends the next raw line from where it waits: what was read ahead, then the reader. */
static int corpus_fetch(corpus *c, buffer *out, rill_error *error) {
    if (c->peeked == c->peek.size) return fetch_read(c, out, error);
    bytes raw = raw_line(buffer_view(&c->peek), c->peeked);
    c->peeked += raw.size;
    buffer_add_bytes(out, raw);
    TRY(buffer_status(out, error));
    return 1;
}

/* Bytes that no format may hold. */
static int line_check(const corpus *c, const record *r, bytes line, rill_error *error) {
    size_t at;
    excerpt found;
    if (!text_fault(line, &at, &found)) return 0;
    return corpus_fault(c, r, line.data + at, error, "bad text, found %s, expected UTF-8",
                        found.text);
}

int corpus_line(corpus *c, record *r, bytes *line, rill_error *error) {
    size_t begin = r->text.size;
    TRY(mem_grow(&r->lines, &r->line_room, r->line_count + 1, sizeof *r->lines));
    int status = corpus_fetch(c, &r->text, error);
    if (status <= 0) return status;
    c->line++;
    bytes raw = bytes_slice(buffer_view(&r->text), begin, r->text.size);
    *line = line_content(raw, c->line == 1);
    c->inside = !line_blank(*line);
    /* Views die when the buffer grows: what is kept are offsets. */
    size_t at = (size_t)(line->data - r->text.data);
    if (r->text.size > c->options.max_record) {
        return status_set(error, RILL_ELIMIT, corpus_name(c), c->line, 0,
                          "sentence too long, found more than %zu bytes up to here, expected a "
                          "blank line before",
                          c->options.max_record);
    }
    r->lines[r->line_count++] = (record_line){(uint32_t)at, (uint32_t)(at + line->size), LINE_TEXT};
    TRY(line_check(c, r, *line, error));
    return 1;
}

/* ---- format */

/* Reads one more line ahead: 1, 0 at the end. */
static int peek_more(corpus *c, bytes *content, rill_error *error) {
    size_t begin = c->peek.size;
    int status = fetch_read(c, &c->peek, error);
    if (status <= 0) return status;
    *content = line_content(bytes_slice(buffer_view(&c->peek), begin, c->peek.size), begin == 0);
    return 1;
}

/* Reads ahead until a line decides what the file is, or `all` lines that may have their say; stops
 * early rather than wait for input that is not there yet once a line has been seen. */
static int peek_format(corpus *c, bool all, corpus_format *found, rill_error *error) {
    int seen = 0;
    bool waits = true, sure = false;
    for (int i = 0; i < PEEK_LINES && !sure; i++) {
        bytes line;
        if (!waits && !reader_ready(c->in)) break;
        int status = peek_more(c, &line, error);
        if (status < 0 && c->peek.size == 0) return status;
        if (status <= 0) break; /* a fault comes up again when it is its line's turn */
        seen += !line_blank(line);
        waits = seen == 0 || (all && seen == 1 && detect_waits(line));
        if (*found == CORPUS_AUTO) *found = detect_line(line);
        sure = *found == CORPUS_CONLLU || (*found != CORPUS_AUTO && !all);
    }
    return 0;
}

static int corpus_detect(corpus *c, rill_error *error) {
    corpus_format named = detect_name(reader_name(c->in)), found = CORPUS_AUTO;
    bool all = c->options.plain || c->options.columns;
    if (named == CORPUS_CONLLU || named == CORPUS_VERTICAL) {
        c->format = named;
        return 0;
    }
    TRY(peek_format(c, all, &found, error));
    bytes lines = bytes_unmarked(buffer_view(&c->peek));
    if (all && !detect_agrees(lines, found)) found = CORPUS_AUTO;
    if (found == CORPUS_AUTO) found = named;
    if (found == CORPUS_AUTO && c->options.plain) found = CORPUS_TEXT;
    if (found == CORPUS_AUTO) found = detect_lines(lines);
    /* A .conll file may hold CoNLL-U, but nothing else than columns otherwise. */
    c->format = named == CORPUS_COLUMNS && found != CORPUS_CONLLU ? named : found;
    return 0;
}

/* Columns of a column file: looks at the first word line, reading ahead to it where need be. */
static int corpus_learn(corpus *c, rill_error *error) {
    size_t at = 0, number = 0;
    for (;;) {
        bytes line;
        if (at < c->peek.size) {
            line = line_content(raw_line(buffer_view(&c->peek), at), at == 0);
        } else {
            int status = peek_more(c, &line, error);
            if (status <= 0) return status;
        }
        at += raw_line(buffer_view(&c->peek), at).size;
        number++;
        if (line_blank(line) || is_docstart(line)) continue;
        return columns_learn(c, line, number, error);
    }
}

/* Number of names in a comma separated list. */
size_t names_count(bytes names) {
    size_t count = 0;
    bytes name;
    while (bytes_split(&names, ',', &name)) count++;
    return count;
}

/* Takes over column names: none empty, none twice. */
int corpus_names(corpus *c, const char *names, rill_error *error) {
    bytes rest = bytes_of(names), name, known;
    while (bytes_split(&rest, ',', &name)) {
        name = bytes_trim(name);
        bytes before = buffer_view(&c->names);
        bool twice = false;
        while (before.size && bytes_split(&before, ',', &known)) twice |= bytes_equal(name, known);
        if (!name.size || twice) {
            return status_fail(error, RILL_EUSAGE,
                               "column names, found \"%s\", expected distinct names joined by "
                               "commas",
                               names);
        }
        if (c->columns++) buffer_add_char(&c->names, ',');
        buffer_add_bytes(&c->names, name);
    }
    return buffer_status(&c->names, error);
}

/* The column called form, word or token; else the first. */
static size_t find_form(const corpus *c) {
    static const char *const usual[] = {"form", "word", "token"};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        for (size_t k = 0; k < c->columns; k++) {
            if (bytes_equal(corpus_column_name(c, k), bytes_of(usual[i]))) return k;
        }
    }
    return 0;
}

/* The names of a word and its tag: those that were given, else the usual ones if the word is first
 * there too. */
static int horizontal_names(corpus *c, rill_error *error) {
    const char *given = c->options.columns, *usual = c->options.usual;
    size_t count = c->options.untagged ? 1 : 2, named = given ? names_count(bytes_of(given)) : 0;
    if (given && named != count) {
        return status_set(error, RILL_EUSAGE, corpus_name(c), 0, 0,
                          "found %zu column names (%.200s), expected %zu for format horizontal",
                          named, given, count);
    }
    if (!given && usual && names_count(bytes_of(usual)) == count) {
        TRY(corpus_names(c, usual, error));
        if (find_form(c) == 0) return 0;
        buffer_clear(&c->names);
        c->columns = 0;
    }
    return corpus_names(c, given ? given : count == 1 ? "form" : "form,tag", error);
}

/* Column names by format. They are fixed when the file is opened, so that a wrong --columns is told
 * before any work is done; a file with no word line leaves them unknown. */
static int corpus_set_columns(corpus *c, rill_error *error) {
    const char *given = c->options.columns;
    bool named = c->format == CORPUS_COLUMNS || c->format == CORPUS_HORIZONTAL;
    if (given && !named) {
        return status_set(error, RILL_EUSAGE, corpus_name(c), 0, 0,
                          "column names are given, found format %s, expected columns",
                          corpus_format_name(c->format));
    }
    if (c->format == CORPUS_CONLLU) {
        TRY(corpus_names(c, "id,form,lemma,upos,xpos,feats,head,deprel,deps,misc", error));
    }
    if (c->format == CORPUS_VERTICAL) TRY(corpus_names(c, "form", error));
    if (c->format == CORPUS_HORIZONTAL) TRY(horizontal_names(c, error));
    if (c->format == CORPUS_COLUMNS) {
        if (given) TRY(corpus_names(c, given, error));
        TRY(corpus_learn(c, error));
    }
    c->form = find_form(c);
    return buffer_status(&c->names, error);
}

/* ---- the corpus */

/* Named columns are those of a column file; two names may also be those of a word and its tag. */
static int corpus_find_format(corpus *c, rill_error *error) {
    const char *names = c->options.columns;
    if (!names || names_count(bytes_of(names)) == 2) TRY(corpus_detect(c, error));
    if (names && c->format != CORPUS_HORIZONTAL) c->format = CORPUS_COLUMNS;
    return 0;
}

/* Format and columns of a corpus whose reader is open. */
static int corpus_start(corpus *c, rill_error *error) {
    if (c->options.max_record > CORPUS_TOP_RECORD) {
        return status_fail(error, RILL_EUSAGE, "longest record, found %zu, expected at most %zu",
                           c->options.max_record, CORPUS_TOP_RECORD);
    }
    c->format = c->options.format;
    c->separator = '\t';
    if (c->format == CORPUS_AUTO) TRY(corpus_find_format(c, error));
    return corpus_set_columns(c, error);
}

static corpus *corpus_new(const corpus_options *options) {
    corpus *c = mem_new(1, sizeof *c);
    if (!c) return NULL;
    if (options) c->options = *options;
    if (!c->options.max_record) c->options.max_record = CORPUS_MAX_RECORD;
    return c;
}

/* Finishes an opening: *out on success, everything released otherwise. */
static int corpus_finish(corpus *c, int status, corpus **out, rill_error *error) {
    if (status == 0) status = corpus_start(c, error);
    c->options.columns = c->options.usual = NULL; /* the caller's text, taken over by now */
    if (status < 0) {
        corpus_close(c);
        return status;
    }
    *out = c;
    return 0;
}

int corpus_open(const char *path, const corpus_options *options, corpus **out, rill_error *error) {
    corpus *c = corpus_new(options);
    if (!c) return status_nomem(error);
    int status = reader_open(path, c->options.max_record, &c->in, error);
    return corpus_finish(c, status, out, error);
}

int corpus_open_fd(int fd, const char *name, const corpus_options *options, corpus **out,
                   rill_error *error) {
    corpus *c = corpus_new(options);
    if (!c) return status_nomem(error);
    int status = reader_open_fd(fd, name, c->options.max_record, &c->in, error);
    return corpus_finish(c, status, out, error);
}

int corpus_open_bytes(bytes text, const char *name, const corpus_options *options, corpus **out,
                      rill_error *error) {
    corpus *c = corpus_new(options);
    if (!c) return status_nomem(error);
    int status = reader_open_bytes(text, name, &c->in, error);
    return corpus_finish(c, status, out, error);
}

void corpus_close(corpus *c) {
    if (!c) return;
    reader_close(c->in);
    buffer_free(&c->peek);
    buffer_free(&c->names);
    free(c);
}

bool corpus_ready(const corpus *c) {
    return c->peeked < c->peek.size || reader_ready(c->in);
}
corpus_format corpus_format_of(const corpus *c) {
    return c->format;
}
const char *corpus_name(const corpus *c) {
    return reader_name(c->in);
}
size_t corpus_columns(const corpus *c) {
    return c->columns;
}
size_t corpus_form(const corpus *c) {
    return c->form;
}

bytes corpus_column_name(const corpus *c, size_t column) {
    bytes rest = buffer_view(&c->names), name = {"", 0};
    for (size_t i = 0; i <= column && bytes_split(&rest, ',', &name); i++) {
    }
    return name;
}

/* Names come first: a column may be called "3" (they are, where the user named none). */
int corpus_column(const corpus *c, bytes name, size_t *column, rill_error *error) {
    for (size_t i = 0; i < c->columns; i++) {
        if (!bytes_equal(corpus_column_name(c, i), name)) continue;
        *column = i;
        return 0;
    }
    int64_t number = 0, count = (int64_t)c->columns;
    if (bytes_to_int(name, &number) && number && number <= count && number >= -count) {
        *column = (size_t)(number > 0 ? number - 1 : count + number);
        return 0;
    }
    bytes names = buffer_view(&c->names);
    return status_set(error, RILL_EUSAGE, corpus_name(c), 0, 0,
                      "unknown column, found \"%s\", expected %s%.*s", excerpt_of(name).text,
                      names.size ? "one of " : "a file with words and columns",
                      (int)(names.size < 400 ? names.size : 400), names.size ? names.data : "");
}

/* ---- records */

/* Empties the record; its memory stays, so a warm one is filled without malloc. */
static void record_reset(const corpus *c, record *r) {
    buffer_clear(&r->text);
    r->line_count = r->cell_count = r->range_count = r->words = 0;
    r->columns = c->columns;
    r->form = c->form;
    r->line = c->line + 1;
    r->format = c->format;
    r->separator = c->format == CORPUS_HORIZONTAL ? '_' : c->separator;
}

/* One record in the format of the file. */
static int parse_record(corpus *c, record *r, rill_error *error) {
    switch (c->format) {
    case CORPUS_CONLLU:
        return conllu_record(c, r, error);
    case CORPUS_COLUMNS:
        return columns_record(c, r, error);
    case CORPUS_VERTICAL:
        return vertical_record(c, r, error);
    case CORPUS_HORIZONTAL:
        return horizontal_record(c, r, error);
    default:
        return text_record(c, r, error);
    }
}

/* Passes over the rest of a sentence in which a fault was found; further faults in it are not
 * reported. */
static int skip_sentence(corpus *c, record *r, rill_error *error) {
    while (c->inside) {
        rill_error fault;
        bytes line;
        record_reset(c, r);
        int status = corpus_line(c, r, &line, &fault);
        if (status == 0) return 0;
        if (status > 0 || status == RILL_EDATA) continue;
        if (error) *error = fault;
        return status;
    }
    return 1;
}

int corpus_next(corpus *c, record *r, rill_error *error) {
    if (c->skip) {
        c->skip = false;
        int status = skip_sentence(c, r, error);
        if (status <= 0) return status;
    }
    record_reset(c, r);
    int status = parse_record(c, r, error);
    if (status == RILL_ENOMEM) return status_nomem(error);
    if (status > 0) {
        r->number = ++c->number;
        r->document = c->document;
        r->paragraph = c->paragraph;
    }
    bool lines =
        c->format == CORPUS_HORIZONTAL || (c->format == CORPUS_TEXT && !c->options.wrapped);
    c->skip = status == RILL_EDATA && !lines;
    return status;
}

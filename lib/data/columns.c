/* columns: the parsers of files with one word a line: CoNLL-2003 style columns, and vertical.
 *
 * The separator is learnt from the first word line: TAB if it holds one (then blanks may stand
 * inside a cell), else runs of blanks and TABs. Every word line must have as many columns as the
 * first, or as there are names. '#' begins no comment: it is a word of tweets. -DOCSTART- lines and
 * blank lines are kept and are no words.
 */
#include "data/corpus_inner.h"

#include <string.h>

/* Blanks and TABs alike, since such a line may come before the separator is known. */
bool is_docstart(bytes line) {
    bytes piece;
    return line_piece(&line, ' ', &piece) && bytes_equal(piece, BYTES("-DOCSTART-"));
}

/* Columns of a line. */
static size_t count_pieces(bytes line, char separator) {
    size_t count = 0;
    for (bytes piece; line_piece(&line, separator, &piece); count++) {
    }
    return count;
}

/* Names where the user gave none: form, 2, 3, ..., tag. */
static int default_names(corpus *c, size_t count, rill_error *error) {
    buffer_add_text(&c->names, "form");
    for (size_t i = 2; i < count; i++) buffer_printf(&c->names, ",%zu", i);
    if (count > 1) buffer_add_text(&c->names, ",tag");
    c->columns = count;
    return buffer_status(&c->names, error);
}

/* Where the user gave names, their number is what the file must have. */
int columns_learn(corpus *c, bytes line, size_t number, rill_error *error) {
    c->separator = memchr(line.data, '\t', line.size) ? '\t' : ' ';
    size_t count = count_pieces(line, c->separator);
    if (c->columns == 0) {
        const char *usual = c->options.usual;
        if (usual && names_count(bytes_of(usual)) == count) return corpus_names(c, usual, error);
        return default_names(c, count, error);
    }
    if (c->columns == count) return 0;
    bytes names = buffer_view(&c->names);
    return status_set(error, RILL_EDATA, corpus_name(c), number, 0,
                      "wrong number of columns, found %zu in \"%s\", expected %zu (%.*s)", count,
                      excerpt_of(line).text, c->columns, (int)(names.size < 400 ? names.size : 400),
                      names.data);
}

/* Adds the cells of one word line. */
static int columns_word(const corpus *c, record *r, bytes line, rill_error *error) {
    bytes rest = line, piece;
    size_t count = 0;
    const char *extra = NULL;
    TRY(record_add_word(r));
    while (line_piece(&rest, c->separator, &piece)) {
        if (count++ < c->columns) {
            TRY(record_add_cell(r, piece));
        } else if (!extra) {
            extra = piece.data;
        }
    }
    if (count != c->columns) {
        return corpus_fault(c, r, extra ? extra : line.data + line.size, error,
                            "wrong number of columns, found %zu in \"%s\", expected %zu separated "
                            "by %s",
                            count, excerpt_of(line).text, c->columns,
                            c->separator == '\t' ? "TABs" : "blanks");
    }
    record_last_line(r)->kind = LINE_WORD;
    return 0;
}

int columns_record(corpus *c, record *r, rill_error *error) {
    for (;;) {
        bytes line;
        int status = corpus_line(c, r, &line, error);
        if (status < 0) return status;
        if (status == 0) return r->line_count > 0;
        if (line_blank(line)) break;
        if (is_docstart(line)) {
            record_last_line(r)->kind = LINE_DOCSTART;
            c->document++;
        } else {
            TRY(columns_word(c, r, line, error));
        }
    }
    record_last_line(r)->kind = LINE_BLANK;
    return 1;
}

/* One word: the whole line without the blanks around it. */
static int vertical_word(const corpus *c, record *r, bytes line, rill_error *error) {
    bytes word = bytes_trim(line);
    const char *tab = memchr(word.data, '\t', word.size);
    if (tab) {
        return corpus_fault(c, r, tab, error,
                            "more than one column, found \"%s\", expected one word a line (format "
                            "columns reads several)",
                            excerpt_of(word).text);
    }
    TRY(record_add_word(r));
    TRY(record_add_cell(r, word));
    record_last_line(r)->kind = LINE_WORD;
    return 0;
}

int vertical_record(corpus *c, record *r, rill_error *error) {
    for (;;) {
        bytes line;
        int status = corpus_line(c, r, &line, error);
        if (status < 0) return status;
        if (status == 0) return r->line_count > 0;
        if (line_blank(line)) break;
        TRY(vertical_word(c, r, line, error));
    }
    record_last_line(r)->kind = LINE_BLANK;
    return 1;
}

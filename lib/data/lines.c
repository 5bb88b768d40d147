/* lines: the parsers of files with one sentence or paragraph a line (horizontal, raw text), and the
 * guess of a file's format from its name and first lines.
 *
 * Horizontal words are separated by blanks or TABs only, so other white space (U+2028, U+00A0) may
 * stand inside a word. The last underscore of word_TAG separates: "snake_case_NN" is tagged NN.
 */
#include "data/corpus_inner.h"

#include <string.h>

/* ---- horizontal */

/* Cuts word_TAG at its last underscore; false when nothing stands before or behind it. */
static bool cut_tag(bytes piece, bytes *word, bytes *tag) {
    size_t at = piece.size;
    while (at > 0 && piece.data[at - 1] != '_') at--;
    if (at < 2 || at == piece.size) return false;
    *word = bytes_slice(piece, 0, at - 1);
    *tag = bytes_slice(piece, at, piece.size);
    return true;
}

/* One piece of the line: a word and its tag, or the word alone. */
static int horizontal_word(const corpus *c, record *r, bytes piece, rill_error *error) {
    TRY(record_add_word(r));
    if (c->options.untagged) return record_add_cell(r, piece);
    bytes word, tag;
    if (!cut_tag(piece, &word, &tag)) {
        return corpus_fault(c, r, piece.data, error,
                            "word without a tag, found \"%s\", expected word_TAG",
                            excerpt_of(piece).text);
    }
    TRY(record_add_cell(r, word));
    return record_add_cell(r, tag);
}

int horizontal_record(corpus *c, record *r, rill_error *error) {
    bytes rest, piece;
    int status = corpus_line(c, r, &rest, error);
    if (status <= 0) return status;
    while (line_piece(&rest, ' ', &piece)) TRY(horizontal_word(c, r, piece, error));
    return 1;
}

/* ---- raw text */

/* A line that is blank is a paragraph of nothing (N lines in, N lines out), unless blank lines are
 * what separates paragraphs. */
int text_record(corpus *c, record *r, rill_error *error) {
    bytes line;
    do {
        int status = corpus_line(c, r, &line, error);
        if (status < 0) return status;
        if (status == 0) break;
        if (line_blank(line) && c->options.wrapped) record_last_line(r)->kind = LINE_BLANK;
    } while (c->options.wrapped && !line_blank(line));
    if (r->line_count == 0) return 0;
    c->paragraph += record_text(r).size > 0;
    return 1;
}

/* ---- guessing */

static bool ends_with(bytes text, const char *end) {
    bytes tail = bytes_of(end);
    return text.size >= tail.size &&
           bytes_equal(bytes_slice(text, text.size - tail.size, text.size), tail);
}

/* Only names that say more than "text": .txt may be any format. */
corpus_format detect_name(const char *path) {
    static const struct {
        const char *end;
        corpus_format format;
    } row[] = {{".conllu", CORPUS_CONLLU}, {".conll", CORPUS_COLUMNS},    {".bio", CORPUS_COLUMNS},
               {".iob", CORPUS_COLUMNS},   {".iob2", CORPUS_COLUMNS},     {".tsv", CORPUS_COLUMNS},
               {".vert", CORPUS_VERTICAL}, {".vertical", CORPUS_VERTICAL}};
    bytes name = bytes_of(path);
    if (ends_with(name, ".gz")) name.size -= 3;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        if (ends_with(name, row[i].end)) return row[i].format;
    }
    return CORPUS_AUTO;
}

/* `# key = value` with one word as key, `# newdoc`, `# newpar`: not a tweet that begins with #. */
static bool is_conllu_comment(bytes line) {
    if (!bytes_starts(line, BYTES("# "))) return false;
    bytes first, second;
    line = bytes_slice(line, 2, line.size);
    if (!line_piece(&line, ' ', &first)) return false;
    if (bytes_equal(first, BYTES("newdoc")) || bytes_equal(first, BYTES("newpar"))) return true;
    return line_piece(&line, ' ', &second) && bytes_equal(second, BYTES("="));
}

/* Ten TAB separated columns, the first of which begins with a digit: 1, 1-2, 0.1. */
static bool is_conllu_word(bytes line) {
    bytes field;
    size_t count = 0;
    if (!line.size || line.data[0] < '0' || line.data[0] > '9') return false;
    while (bytes_split(&line, '\t', &field)) count++;
    return count == CONLLU_COLUMNS;
}

/* B-PER, I-misc, ...: not B-52. */
static bool is_span_label(bytes cell) {
    if (cell.size < 3 || cell.data[1] != '-' || !memchr("BIES", cell.data[0], 4)) return false;
    unsigned char c = (unsigned char)cell.data[2];
    return c >= 0x80 || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* What a line looks like. Its cells stand between TABs or between blanks. */
typedef struct line_look {
    size_t cells, spans; /* spans: labels of entities before the last cell */
    bool tab;            /* cells stand between TABs */
    bool label;          /* the last cell is a label of entities */
    bool tagged;         /* every cell is word_TAG */
    bool words;          /* no cell holds a blank */
} line_look;

static line_look look_at(bytes line, char separator) {
    line_look l = {.tab = separator == '\t', .tagged = true, .words = true};
    bytes cell, word, tag;
    for (bool span = false; line_piece(&line, separator, &cell); l.cells++) {
        l.spans += span;
        span = is_span_label(cell);
        l.label = span || bytes_equal(cell, BYTES("O"));
        l.tagged &= cut_tag(cell, &word, &tag);
        l.words &= !memchr(cell.data, ' ', cell.size);
    }
    return l;
}

static char separator_of(bytes line) {
    return line.size && memchr(line.data, '\t', line.size) ? '\t' : ' ';
}

/* How many things say that a line is one of columns. */
static int signs(const line_look *l) {
    if (l->cells < 2) return 0;
    return l->tab + l->label + (l->label && l->spans > 0);
}

corpus_format detect_line(bytes line) {
    if (line_blank(line)) return CORPUS_AUTO;
    if (is_conllu_comment(line) || is_conllu_word(line)) return CORPUS_CONLLU;
    if (is_docstart(line)) return CORPUS_COLUMNS;
    line_look l = look_at(line, separator_of(line));
    if (signs(&l) > 0) return CORPUS_COLUMNS;
    return l.cells > 1 && l.tagged ? CORPUS_HORIZONTAL : CORPUS_AUTO;
}

bool detect_waits(bytes line) {
    line_look l = look_at(line, '\t');
    return l.cells > 1 && l.words && !l.label;
}

/* The next of several lines, without its line end. */
static bool take_line(bytes *lines, bytes *line) {
    if (!lines->data || !bytes_split(lines, '\n', line)) return false;
    if (line->size && line->data[line->size - 1] == '\r') line->size--;
    return true;
}

/* Could the line stand in a file of that format? `first` is the look of the first one. */
static bool fits(bytes line, corpus_format format, const line_look *l, const line_look *first) {
    if (format == CORPUS_CONLLU) return line.data[0] == '#' || is_conllu_word(line);
    if (format == CORPUS_HORIZONTAL) return l->tagged;
    return l->cells == first->cells && signs(l) > 0;
}

bool detect_agrees(bytes lines, corpus_format format) {
    bytes line;
    line_look l, first = {0};
    size_t count = 0, words = 0;
    while (take_line(&lines, &line)) {
        if (line_blank(line)) continue;
        if (format == CORPUS_COLUMNS && is_docstart(line)) return true;
        l = look_at(line, count == 0 ? separator_of(line) : first.tab ? '\t' : ' ');
        if (line.data[0] == '#' && signs(&l) == 0) continue; /* some comment */
        if (count++ == 0) first = l;
        if (!fits(line, format, &l, &first)) return false;
        words += l.words;
    }
    bool sure = count > 1 || signs(&first) > 1;
    return format != CORPUS_COLUMNS || (sure && 2 * words > count);
}

/* Lines of one piece each are vertical; several lines of 2 to 5 pieces, all alike, are columns;
 * the rest is raw text. */
corpus_format detect_lines(bytes lines) {
    bytes line, piece;
    size_t words = 0, pieces = 0;
    bool alike = true;
    while (take_line(&lines, &line)) {
        size_t count = 0;
        while (line_piece(&line, ' ', &piece)) count++;
        if (count == 0) continue;
        alike &= words == 0 || count == pieces;
        pieces = count;
        words++;
    }
    if (alike && pieces == 1 && words > 1) return CORPUS_VERTICAL;
    if (alike && pieces > 1 && pieces <= 5 && words >= 5) return CORPUS_COLUMNS;
    return CORPUS_TEXT;
}

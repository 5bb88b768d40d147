/* vectors: reading word vectors in text and binary form (see vectors.h).
 *
 * Both forms come through base/io's line reader, so gzip and standard input work. In the binary
 * form line ends are data: the byte source below puts back what the reader took off each line.
 *
 *     file     w o r d _ 3f LF 80 ... CR LF ...
 *     chunks  [w o r d _ 3f][LF][80 ...][CR LF][...]
 *
 * Numbers of unwanted words are counted but not converted: that is most of the time of a large
 * file.
 */
#include "data/vectors.h"

#include "base/io.h"
#include "data/excerpt.h"
#include "text/unicode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WIDTH = 1 << 16, MAX_WORD = 1 << 16 };
#define VECTORS_MAX_LINE ((size_t)1 << 30) /* binary data may go long without an LF */

typedef struct loader {
    reader *in;
    const vectors_options *options;
    vectors *v;
    float *values; /* [width] one row before it is stored */
} loader;

void vectors_free(vectors *v) {
    strmap_free(&v->words);
    free(v->row);
    *v = (vectors){0};
}

/* Most published vectors know "The" only as "the". */
int32_t vectors_find(const vectors *v, bytes word, buffer *scratch) {
    int32_t id = strmap_find(&v->words, word);
    if (id >= 0) return id;
    buffer_clear(scratch);
    unicode_lower(word, scratch);
    return scratch->failed ? -1 : strmap_find(&v->words, buffer_view(scratch));
}

int vectors_coverage(const vectors *v, const strmap *words, size_t *exact, size_t *lower) {
    buffer scratch = {0};
    *exact = *lower = 0;
    for (int32_t i = 0; i < words->count && !scratch.failed; i++) {
        bytes word = strmap_get(words, i);
        if (strmap_find(&v->words, word) >= 0) {
            ++*exact;
        } else if (vectors_find(v, word, &scratch) >= 0) {
            ++*lower;
        }
    }
    int status = buffer_status(&scratch, NULL);
    buffer_free(&scratch);
    return status;
}

/* ---- rows */

static bool is_gap(char c) {
    return c == ' ' || c == '\t';
}

/* Is the row of this word to be stored? Counts it in any case. */
static bool row_wanted(loader *l, bytes word) {
    vectors *v = l->v;
    v->seen++;
    if (!word.size || !utf8_valid(word, NULL)) {
        v->unusable++;
        return false;
    }
    if (strmap_find(&v->words, word) >= 0) {
        v->duplicates++;
        return false;
    }
    return !l->options->want || l->options->want(l->options->want_data, word);
}

/* Copies the numbers of a new word to the end of the rows. */
static int row_store(loader *l, bytes word, rill_error *error) {
    vectors *v = l->v;
    size_t width = (size_t)v->width, need;
    int32_t id;
    bool fits = size_mul((size_t)v->words.count + 1, width, &need);
    if (!fits || mem_grow(&v->row, &v->room, need, sizeof *v->row) < 0) return status_nomem(error);
    if (strmap_add(&v->words, word, &id) < 0) return status_nomem(error);
    memcpy(v->row + (size_t)id * width, l->values, width * sizeof *l->values);
    return 0;
}

static bool rows_full(const loader *l) {
    return l->options->limit && (size_t)l->v->words.count >= l->options->limit;
}

/* Sets the width, once it is known, and the room for a row. */
static int set_width(loader *l, int64_t width, rill_error *error) {
    int32_t wanted = l->options->width;
    const char *file = reader_name(l->in);
    if (width < 1 || width > MAX_WIDTH) {
        return status_set(error, RILL_EDATA, file, 1, 0,
                          "width of vectors, found %lld, expected 1 to %d", (long long)width,
                          MAX_WIDTH);
    }
    if (wanted && width != wanted) {
        return status_set(error, RILL_EDATA, file, 1, 0,
                          "width of vectors, found %lld, expected %d", (long long)width, wanted);
    }
    l->v->width = (int32_t)width;
    l->values = mem_new((size_t)width, sizeof *l->values);
    return l->values ? 0 : status_nomem(error);
}

/* ---- text */

/* The same cut as in corpora, but no cell is trimmed: a no-break space is part of a word. */
static bool next_piece(bytes *rest, bytes *piece) {
    size_t at = 0, begin;
    while (at < rest->size && is_gap(rest->data[at])) at++;
    begin = at;
    while (at < rest->size && !is_gap(rest->data[at])) at++;
    *piece = bytes_slice(*rest, begin, at);
    *rest = bytes_slice(*rest, at, rest->size);
    return piece->size > 0;
}

/* Counts the places where a piece begins, without a branch: every byte of a large file comes by. */
static size_t count_pieces(bytes line) {
    size_t count = 0, before = 1;
    for (size_t i = 0; i < line.size; i++) {
        size_t gap = (line.data[i] == ' ') | (line.data[i] == '\t');
        count += before & ~gap;
        before = gap;
    }
    return count;
}

/* Cuts a line of so many pieces: the last `width` are numbers, *word is what stands before them.
 * The usual line begins with its word and needs no search from the end. */
static void cut_numbers(bytes line, size_t pieces, size_t width, bytes *word, bytes *numbers) {
    if (pieces == width + 1 && !is_gap(line.data[0])) {
        *numbers = line;
        (void)next_piece(numbers, word);
        return;
    }
    size_t at = line.size, begin = at;
    for (size_t i = 0; i < width; i++) {
        while (at && is_gap(line.data[at - 1])) at--;
        while (at && !is_gap(line.data[at - 1])) at--;
        begin = at;
    }
    while (at && is_gap(line.data[at - 1])) at--;
    *word = bytes_slice(line, 0, at);
    *numbers = bytes_slice(line, begin, line.size);
}

/* Converts the numbers of a row into l->values. */
static int text_numbers(const loader *l, bytes line, bytes numbers, rill_error *error) {
    bytes piece;
    for (size_t i = 0; next_piece(&numbers, &piece); i++) {
        double value;
        if (!bytes_to_real(piece, &value) || !isfinite((float)value)) {
            return status_set(error, RILL_EDATA, reader_name(l->in), reader_number(l->in),
                              (size_t)(piece.data - line.data) + 1,
                              "bad vector, found \"%s\", expected a finite number",
                              excerpt_of(piece).text);
        }
        l->values[i] = (float)value;
    }
    return 0;
}

/* What is wrong with a line of so many pieces, if anything. More than a word and its numbers is
 * fine as long as the surplus belongs to a word with blanks; a number there is one number too many.
 */
static int text_width(const loader *l, bytes line, size_t pieces, bytes word, rill_error *error) {
    size_t width = (size_t)l->v->width;
    double number;
    bool blank_word = is_gap(line.data[0]) && pieces == width;
    bool fits = pieces > width || blank_word;
    if (pieces > width + 1) {
        size_t last = word.size;
        while (last > 0 && !is_gap(word.data[last - 1])) last--;
        fits = !bytes_to_real(bytes_slice(word, last, word.size), &number);
    }
    if (fits) return 0;
    return status_set(error, RILL_EDATA, reader_name(l->in), reader_number(l->in), 0,
                      "wrong width of a vector, found %zu numbers in \"%s\", expected %zu",
                      pieces ? pieces - 1 : 0, excerpt_of(line).text, width);
}

/* Empty lines are passed over. */
static int text_row(loader *l, bytes line, rill_error *error) {
    size_t pieces = count_pieces(line);
    bytes word, numbers;
    if (pieces == 0) return 0;
    cut_numbers(line, pieces, (size_t)l->v->width, &word, &numbers);
    TRY(text_width(l, line, pieces, word, error));
    if (!row_wanted(l, word)) return 0;
    TRY(text_numbers(l, line, numbers, error));
    return row_store(l, word, error);
}

/* All lines from `line` on, which the caller read to find out the form. */
static int text_rows(loader *l, bytes line, rill_error *error) {
    for (int status = 1; status > 0;) {
        TRY(text_row(l, line, error));
        if (rows_full(l)) return 0;
        status = reader_line(l->in, &line, error);
        if (status <= 0) return status;
    }
    return 0;
}

/* ---- binary */

typedef struct source {
    reader *in;
    bytes chunk;   /* what is left of the current chunk */
    bool in_line;  /* the chunk is a line, its end comes next */
    size_t offset; /* bytes handed out, counted from the start of the file */
} source;

/* Makes a byte available: 1, 0 at the end. */
static int source_fill(source *s, rill_error *error) {
    while (s->chunk.size == 0) {
        if (s->in_line) {
            size_t from = reader_had_cr(s->in) ? 0 : 1, to = reader_ended(s->in) ? 2 : 1;
            s->chunk = bytes_slice(BYTES("\r\n"), from, to);
            s->in_line = false;
            continue;
        }
        int status = reader_line(s->in, &s->chunk, error);
        if (status <= 0) return status;
        s->in_line = true;
    }
    return 1;
}

/* Reads exactly `size` bytes: 1, or 0 where the file ends before. */
static int source_read(source *s, unsigned char *data, size_t size, rill_error *error) {
    while (size) {
        int status = source_fill(s, error);
        if (status <= 0) return status;
        size_t part = size < s->chunk.size ? size : s->chunk.size;
        memcpy(data, s->chunk.data, part);
        s->chunk = bytes_slice(s->chunk, part, s->chunk.size);
        s->offset += part;
        data += part;
        size -= part;
    }
    return 1;
}

/* Reads up to the blank that ends a word; line ends before it belong to the row before. */
static int source_word(source *s, buffer *word, rill_error *error) {
    unsigned char c;
    buffer_clear(word);
    for (;;) {
        int status = source_read(s, &c, 1, error);
        if (status <= 0) return status;
        if (c == ' ' && word->size) return 1;
        if (word->size == 0 && (c == '\n' || c == '\r')) continue;
        if (word->size == MAX_WORD) return 1; /* the caller refuses it */
        buffer_add_char(word, (char)c);
        TRY(buffer_status(word, error));
    }
}

/* Little-endian bytes as floats. */
static bool binary_numbers(loader *l, const unsigned char *raw) {
    bool finite = true;
    for (int32_t i = 0; i < l->v->width; i++) {
        const unsigned char *b = raw + (size_t)i * 4;
        uint32_t word = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
        memcpy(l->values + i, &word, sizeof word);
        finite &= (bool)isfinite(l->values[i]);
    }
    return finite;
}

/* The place is a byte of the decompressed file: there are no lines. */
static int binary_fault(const loader *l, const source *s, rill_error *error, const char *found) {
    return status_set(error, RILL_EDATA, reader_name(l->in), 0, 0,
                      "bad binary vectors at byte %zu, found %s in row %zu, expected %zu rows of a "
                      "word and %d finite numbers",
                      s->offset + 1, found, l->v->seen + 1, l->v->declared, l->v->width);
}

/* A word and its numbers; the file may not end before them. */
static int binary_row(loader *l, source *s, buffer *word, unsigned char *raw, rill_error *error) {
    size_t width = (size_t)l->v->width;
    int status = source_word(s, word, error);
    if (status > 0 && word->size == MAX_WORD) return binary_fault(l, s, error, "an endless word");
    if (status > 0) status = source_read(s, raw, width * 4, error);
    if (status < 0) return status;
    if (status == 0) return binary_fault(l, s, error, "the end of the file");
    bool finite = binary_numbers(l, raw);
    if (!finite) return binary_fault(l, s, error, "a number that is not finite");
    if (!row_wanted(l, buffer_view(word))) return 0;
    return row_store(l, buffer_view(word), error);
}

/* Rows of the binary form; `line` is what the reader handed out last. */
static int binary_rows(loader *l, bytes line, size_t head, rill_error *error) {
    source s = {.in = l->in, .chunk = line, .in_line = true, .offset = head};
    buffer word = {0};
    unsigned char *raw = mem_new((size_t)l->v->width, 4);
    int status = raw ? 0 : status_nomem(error);
    for (size_t i = 0; status == 0 && i < l->v->declared && !rows_full(l); i++) {
        status = binary_row(l, &s, &word, raw, error);
    }
    buffer_free(&word);
    free(raw);
    return status;
}

/* ---- both */

/* "COUNT WIDTH" and nothing else. */
static bool is_head(bytes line, int64_t *count, int64_t *width) {
    bytes a, b;
    return count_pieces(line) == 2 && next_piece(&line, &a) && next_piece(&line, &b) &&
           bytes_to_int(a, count) && bytes_to_int(b, width) && *count > 0 && *width > 0;
}

/* Does the line look like a word with its numbers? */
static bool is_text_row(bytes line, int32_t width) {
    bytes word, numbers, piece;
    double value;
    size_t pieces = count_pieces(line);
    if (pieces < (size_t)width) return false;
    cut_numbers(line, pieces, (size_t)width, &word, &numbers);
    while (next_piece(&numbers, &piece)) {
        if (!bytes_to_real(piece, &value)) return false;
    }
    return true;
}

/* A file with a head: text or binary, by its first row. */
static int headed_rows(loader *l, size_t head, rill_error *error) {
    bytes line;
    vectors_format format = l->options->format;
    int status = reader_line(l->in, &line, error);
    if (status < 0) return status;
    if (status == 0) {
        return status_set(error, RILL_EDATA, reader_name(l->in), 2, 0,
                          "no vectors, found the end of the file, expected %zu rows",
                          l->v->declared);
    }
    if (format == VECTORS_AUTO) {
        format = is_text_row(line, l->v->width) ? VECTORS_TEXT : VECTORS_BINARY;
    }
    return format == VECTORS_TEXT ? text_rows(l, line, error) : binary_rows(l, line, head, error);
}

/* The first line is a head, or already a row whose numbers tell the width. */
static int load_rows(loader *l, rill_error *error) {
    bytes line;
    int64_t count = 0, width = 0;
    int status = reader_line(l->in, &line, error);
    if (status < 0) return status;
    if (status == 0) line = (bytes){"", 0};
    size_t head = line.size + reader_had_cr(l->in) + 1;
    line = bytes_unmarked(line);
    if (is_head(line, &count, &width)) {
        l->v->declared = (size_t)count;
        TRY(set_width(l, width, error));
        return headed_rows(l, head, error);
    }
    size_t pieces = count_pieces(line);
    if (pieces < 2 || l->options->format == VECTORS_BINARY) {
        return status_set(
            error, RILL_EDATA, reader_name(l->in), 1, 0,
            "no vectors, found \"%s\", expected \"COUNT WIDTH\"%s", excerpt_of(line).text,
            l->options->format == VECTORS_BINARY ? "" : " or a word with its numbers");
    }
    TRY(set_width(l, (int64_t)pieces - 1, error));
    return text_rows(l, line, error);
}

int vectors_load(const char *path, const vectors_options *options, vectors *out,
                 rill_error *error) {
    static const vectors_options defaults = {0};
    vectors v = {0};
    loader l = {.options = options ? options : &defaults, .v = &v};
    TRY(reader_open(path, VECTORS_MAX_LINE, &l.in, error));
    int status = load_rows(&l, error);
    reader_close(l.in);
    free(l.values);
    if (status < 0) {
        vectors_free(&v);
        return status;
    }
    *out = v;
    return 0;
}

/* record: access to the cells of a sentence, and writing it back.
 *
 * Everything is a range of `text`; ranges are kept as offsets, since the buffer moves while a
 * record is being read, and become views only when they are asked for. Writing back is a splice:
 * the raw bytes are copied up to the next changed cell, the new value goes in, the old one is
 * passed over.
 */
#include "data/corpus_inner.h"

#include <stdlib.h>
#include <string.h>

void record_free(record *r) {
    buffer_free(&r->text);
    free(r->lines);
    free(r->cells);
    free(r->word_line);
    free(r->space);
    free(r->ranges);
    *r = (record){0};
}

static bytes record_view(const record *r, size_t begin, size_t size) {
    return (bytes){r->text.data + begin, size};
}

bytes record_cell(const record *r, size_t word, size_t column) {
    record_cell_range cell = r->cells[word * r->columns + column];
    return record_view(r, cell.begin, cell.size);
}

/* Shorthand for the column that every format has. */
bytes record_form(const record *r, size_t word) {
    return record_cell(r, word, r->form);
}

size_t record_word_line(const record *r, size_t word) {
    return r->line + r->word_line[word];
}

size_t record_word_column(const record *r, size_t word, size_t column) {
    size_t begin = r->cells[word * r->columns + column].begin;
    size_t line = r->lines[r->word_line[word]].begin;
    return begin - line + 1;
}

bool record_space_after(const record *r, size_t word) {
    return r->format != CORPUS_CONLLU || r->space[word];
}

bytes record_line_text(const record *r, size_t line) {
    return record_view(r, r->lines[line].begin, r->lines[line].end - r->lines[line].begin);
}

/* Value of `# key = value`, blanks around both dropped. */
static bool comment_value(bytes line, bytes key, bytes *value) {
    bytes rest = bytes_trim(bytes_slice(line, 1, line.size));
    bytes name;
    if (!bytes_split(&rest, '=', &name) || !rest.data) return false;
    if (!bytes_equal(bytes_trim(name), key)) return false;
    *value = bytes_trim(rest);
    return true;
}

bool record_comment(const record *r, const char *key, bytes *value) {
    bytes wanted = bytes_of(key);
    for (size_t i = 0; i < r->line_count; i++) {
        if (r->lines[i].kind != LINE_COMMENT) continue;
        if (comment_value(record_line_text(r, i), wanted, value)) return true;
    }
    return false;
}

bytes record_text(const record *r) {
    bytes text = {"", 0};
    if (r->format == CORPUS_CONLLU) {
        (void)record_comment(r, "text", &text);
    } else if (r->format == CORPUS_TEXT) {
        /* From the first line that holds text to the last one. */
        size_t last = r->line_count;
        while (last > 0 && r->lines[last - 1].kind == LINE_BLANK) last--;
        if (last > 0) {
            size_t begin = r->lines[0].begin;
            text = record_view(r, begin, r->lines[last - 1].end - begin);
        }
    }
    return text;
}

bytes record_raw(const record *r) {
    return buffer_view(&r->text);
}

/* Copies raw text from *at up to `to` and moves *at there. */
static void copy_until(const record *r, size_t *at, size_t to, buffer *out) {
    buffer_add(out, r->text.data + *at, to - *at);
    *at = to;
}

/* Where blanks part cells or words, an empty value would be no cell and one with blanks several. */
static void write_value(bytes value, char separator, buffer *out) {
    const size_t begin = out->size;
    buffer_add_bytes(out, value.size ? value : BYTES("_"));
    for (size_t i = begin; separator != '\t' && i < out->size; i++) {
        if (out->data[i] == ' ' || out->data[i] == '\t') out->data[i] = '_';
    }
}

void record_write(const record *r, const record_change *changes, size_t count, buffer *out) {
    /* Words and, within them, changes come in the order of their bytes: one walk is enough. */
    size_t at = 0;
    for (size_t w = 0; w < r->words; w++) {
        const record_cell_range *cells = r->cells + w * r->columns;
        for (size_t i = 0; i < count; i++) {
            bool append = changes[i].column >= r->columns;
            record_cell_range cell = cells[append ? r->columns - 1 : changes[i].column];
            copy_until(r, &at, append ? cell.begin + cell.size : cell.begin, out);
            if (append) {
                buffer_add_char(out, r->separator);
            } else {
                at = cell.begin + cell.size;
            }
            write_value(changes[i].values[w], r->separator, out);
        }
    }
    copy_until(r, &at, r->text.size, out);
}

int record_add_word(record *r) {
    TRY(mem_grow(&r->word_line, &r->word_line_room, r->words + 1, sizeof *r->word_line));
    r->word_line[r->words++] = (uint32_t)(r->line_count - 1);
    return 0;
}

int record_add_cell(record *r, bytes cell) {
    TRY(mem_grow(&r->cells, &r->cell_room, r->cell_count + 1, sizeof *r->cells));
    uint32_t begin = (uint32_t)(cell.data - r->text.data);
    r->cells[r->cell_count++] = (record_cell_range){begin, (uint32_t)cell.size};
    return 0;
}

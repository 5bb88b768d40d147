/* labelled_csv: rows of cells (RFC 4180): a cell in quotes may hold separators, line ends and doubled
 * quotes. The separator is what stands in the header: TAB, else semicolon, else comma.
 */
#include "data/labelled_inner.h"

#include <string.h>

enum { CELLS = 4096 }; /* columns of a table */

static char separator_of(bytes header) {
    if (header.size && memchr(header.data, '\t', header.size)) return '\t';
    bool semicolon = header.size && memchr(header.data, ';', header.size);
    bool comma = header.size && memchr(header.data, ',', header.size);
    return semicolon && !comma ? ';' : ',';
}

/* One cell from *rest, appended to `out` unquoted. 1: done, 0: the quote is still open at the end of
 * *rest, negative: something stands behind a closing quote. */
static int take_cell(bytes *rest, char separator, bool inside, buffer *out) {
    size_t i = 0;
    if (!inside && rest->size && rest->data[0] == '"') inside = true, i = 1;
    if (!inside) {
        while (i < rest->size && rest->data[i] != separator) i++;
        buffer_add(out, rest->data, i);
        *rest = bytes_slice(*rest, i, rest->size);
        return 1;
    }
    for (; i < rest->size; i++) {
        if (rest->data[i] != '"') {
            buffer_add_char(out, rest->data[i]);
        } else if (i + 1 < rest->size && rest->data[i + 1] == '"') {
            buffer_add_char(out, rest->data[i++]);
        } else {
            *rest = bytes_slice(*rest, i + 1, rest->size);
            return rest->size == 0 || rest->data[0] == separator ? 1 : -1;
        }
    }
    *rest = bytes_slice(*rest, i, rest->size);
    return 0;
}

/* All cells of a row: cell k is l->cells[end[k-1] .. end[k]). */
static int take_row(labelled *l, bytes line, size_t *end, size_t *count, rill_error *error) {
    size_t first = l->line;
    bytes rest = line;
    bool inside = false;
    buffer_clear(&l->cells);
    *count = 0;
    for (;;) {
        int done = take_cell(&rest, l->separator, inside, &l->cells);
        if (done < 0) {
            size_t column = (size_t)(rest.data - line.data) + 1;
            return labelled_fault(l, l->line, column, error,
                                  "expected a separator behind the closing quote");
        }
        if (done == 0) { /* the cell goes on in the next line */
            buffer_add_char(&l->cells, '\n');
            size_t limit = l->options.max_record ? l->options.max_record : (size_t)1 << 26;
            if (l->cells.size > limit) {
                return status_set(error, RILL_ELIMIT, l->name, first, 0,
                                  "the row is longer than %zu bytes", limit);
            }
            int more = labelled_line(l, &line, error);
            if (more < 0) return more;
            if (more == 0) {
                return labelled_fault(l, first, 0, error, "a quoted cell is never closed");
            }
            rest = line;
            inside = true;
            continue;
        }
        inside = false;
        if (*count == CELLS) return labelled_fault(l, first, 0, error, "more than %d cells", CELLS);
        end[(*count)++] = l->cells.size;
        if (rest.size == 0) return buffer_status(&l->cells, error);
        rest = bytes_slice(rest, 1, rest.size);
    }
}

static bytes cell_at(const labelled *l, const size_t *end, size_t k) {
    return bytes_slice(buffer_view(&l->cells), k ? end[k - 1] : 0, end[k]);
}

/* Index of a column by name, else by 1-based number; SIZE_MAX when there is none. */
static size_t column_of(const labelled *l, const size_t *end, size_t count, const char *name) {
    int64_t number;
    for (size_t k = 0; k < count; k++) {
        if (bytes_equal(bytes_trim(cell_at(l, end, k)), bytes_of(name))) return k;
    }
    if (bytes_to_int(bytes_of(name), &number) && number >= 1 && (size_t)number <= count) {
        return (size_t)number - 1;
    }
    return SIZE_MAX;
}

static int no_column(const labelled *l, const char *option, const char *name, rill_error *error) {
    return labelled_fault(l, l->line, 0, error,
                          "no column \"%.60s\" in the header (option --%s names it)", name, option);
}

int labelled_csv_header(labelled *l, bytes line, rill_error *error) {
    size_t end[CELLS], count;
    l->separator = separator_of(line);
    TRY(take_row(l, line, end, &count, error));
    l->columns = count;
    l->text_at = column_of(l, end, count, l->text_column);
    l->label_at = column_of(l, end, count, l->label_column);
    if (l->text_at == SIZE_MAX) return no_column(l, "text-col", l->text_column, error);
    if (l->label_at == SIZE_MAX && !l->options.unlabelled) {
        return no_column(l, "label-col", l->label_column, error);
    }
    return 0;
}

bool labelled_csv_is_header(const labelled *l, bytes line) {
    char separator = separator_of(line);
    bytes rest = line, cell;
    bool text = false, label = false, names = l->options.unlabelled;
    size_t count = 0;
    for (; bytes_split(&rest, separator, &cell); count++) {
        names &= count == 0 || (cell.size > 0 && cell.data[0] != ' '); /* no commas of prose */
        cell = bytes_trim(cell);
        if (cell.size > 1 && cell.data[0] == '"') cell = bytes_slice(cell, 1, cell.size - 1);
        text |= bytes_equal(cell, bytes_of(l->text_column));
        label |= bytes_equal(cell, bytes_of(l->label_column));
    }
    return text && (label || (names && count > 1));
}

int labelled_csv(labelled *l, bytes line, example *e, rill_error *error) {
    size_t end[CELLS], count;
    TRY(take_row(l, line, end, &count, error));
    if (count != l->columns) {
        return labelled_fault(l, e->line, 0, error, "found %zu cells, expected %zu", count,
                              l->columns);
    }
    example_begin(e, cell_at(l, end, l->text_at));
    bytes label = l->label_at < count ? bytes_trim(cell_at(l, end, l->label_at)) : (bytes){0};
    if (label.size > 0) return example_add_label(e, label) < 0 ? status_nomem(error) : 0;
    if (l->options.unlabelled) return 0;
    return labelled_fault(l, e->line, 0, error, "the label is empty");
}

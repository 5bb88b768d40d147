/* parallel: two readers that walk together.
 *
 * Files of different length are the commonest accident of parallel data, and every pair behind the
 * place where they went apart is wrong; so the longer one is read to its end, for the sake of a
 * message with both counts.
 */
#include "data/parallel.h"

#include "base/io.h"
#include "data/excerpt.h"
#include "text/unicode.h"

#include <stdlib.h>
#include <string.h>

struct parallel {
    reader *in[2]; /* in[1] is NULL for a file of two columns */
    bool ended, uneven;
};

int parallel_open(const char *source, const char *target, size_t max_line, parallel **out,
                  rill_error *error) {
    *out = NULL;
    if (target && strcmp(source, "-") == 0 && strcmp(target, "-") == 0) {
        return status_fail(error, RILL_EUSAGE,
                           "source and target are both standard input, expected one of them, or "
                           "two columns in one file");
    }
    parallel *p = mem_new(1, sizeof *p);
    if (!p) return status_nomem(error);
    int status = reader_open(source, max_line, &p->in[0], error);
    if (status == 0 && target) status = reader_open(target, max_line, &p->in[1], error);
    if (status < 0) {
        parallel_close(p);
        return status;
    }
    *out = p;
    return 0;
}

void parallel_close(parallel *p) {
    if (!p) return;
    for (int side = 0; side < 2; side++) {
        if (p->in[side]) reader_close(p->in[side]);
    }
    free(p);
}

const char *parallel_name(const parallel *p, int side) {
    return reader_name(p->in[p->in[1] ? side : 0]);
}

bool parallel_uneven(const parallel *p) {
    return p->uneven;
}

/* ---- lines */

/* Damaged gzip data can't be read on, so it is not the RILL_EDATA after which a caller may. */
static int next_line(reader *r, bytes *line, rill_error *error) {
    int status = reader_text(r, line, error);
    if (status == RILL_EDATA) {
        status = RILL_EIO;
        if (error) error->code = status;
    }
    return status;
}

static int check_text(const reader *r, bytes line, rill_error *error) {
    size_t at;
    excerpt found;
    if (!text_fault(line, &at, &found)) return 0;
    return status_set(error, RILL_EDATA, reader_name(r), reader_number(r), at + 1,
                      "bad text, found %s, expected UTF-8", found.text);
}

/* ---- two columns */

static int cut_columns(const parallel *p, bytes line, parallel_pair *pair, rill_error *error) {
    bytes rest = line, field[2];
    size_t columns = 1;
    for (size_t i = 0; i < line.size; i++) columns += line.data[i] == '\t';
    if (unicode_blank(line)) {
        pair->source = pair->target = bytes_slice(line, 0, 0);
        return 0;
    }
    if (columns != 2) {
        return status_set(error, RILL_EDATA, reader_name(p->in[0]), pair->line, 0,
                          "columns separated by TAB, found %zu, expected source and target",
                          columns);
    }
    (void)bytes_split(&rest, '\t', &field[0]);
    (void)bytes_split(&rest, '\t', &field[1]);
    pair->source = field[0];
    pair->target = field[1];
    return 0;
}

static int next_columns(parallel *p, parallel_pair *pair, rill_error *error) {
    bytes line;
    int status = next_line(p->in[0], &line, error);
    if (status <= 0) return status;
    pair->line = reader_number(p->in[0]);
    TRY(check_text(p->in[0], line, error));
    TRY(cut_columns(p, line, pair, error));
    return 1;
}

/* ---- two files */

/* One side is at its end, the other is not. */
static int different_length(parallel *p, rill_error *error) {
    size_t count[2];
    p->ended = true;
    for (int side = 0; side < 2; side++) {
        bytes line;
        int status;
        while ((status = next_line(p->in[side], &line, error)) == 1) {
        }
        if (status < 0) return status;
        count[side] = reader_number(p->in[side]);
    }
    p->uneven = true;
    size_t shorter = count[0] < count[1] ? count[0] : count[1];
    int longer = count[0] < count[1];
    return status_set(error, RILL_EDATA, reader_name(p->in[longer]), shorter + 1, 0,
                      "files of different length: %s has %zu lines, %s has %zu",
                      reader_name(p->in[0]), count[0], reader_name(p->in[1]), count[1]);
}

/* Both lines are read before one is refused, so that the sides stay in step. */
static int next_lines(parallel *p, parallel_pair *pair, rill_error *error) {
    int source = next_line(p->in[0], &pair->source, error);
    if (source < 0) return source;
    int target = next_line(p->in[1], &pair->target, error);
    if (target < 0) return target;
    if (source != target) return different_length(p, error);
    if (source == 0) return 0;
    pair->line = reader_number(p->in[0]);
    TRY(check_text(p->in[0], pair->source, error));
    TRY(check_text(p->in[1], pair->target, error));
    return 1;
}

int parallel_next(parallel *p, parallel_pair *pair, rill_error *error) {
    if (p->ended) return 0;
    int status = p->in[1] ? next_lines(p, pair, error) : next_columns(p, pair, error);
    if (status == 0 || (status < 0 && status != RILL_EDATA)) p->ended = true;
    if (status != 1) return status;
    pair->empty[0] = unicode_blank(pair->source);
    pair->empty[1] = unicode_blank(pair->target);
    return 1;
}

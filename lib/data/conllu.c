/* conllu: the parser of CoNLL-U.
 *
 *     # comment
 *     3-4   don't   _ ...        a range announces the words 3 and 4 of one token
 *     3     do      do AUX ...
 *     4     n't     not PART ...
 *     4.1   empty node           after word 4; 0.1 stands before word 1
 *     (blank line)
 *
 * Words must be numbered 1, 2, 3, ...; a range stands right before its first word, ends within the
 * sentence and overlaps no other; empty nodes are numbered from 1 after each word. Ranges and empty
 * nodes have ten columns too, but are no words: only their lines are kept.
 *
 * A blank follows a word unless MISC says SpaceAfter=No; inside a range it is the range's MISC that
 * counts, and no blank stands between its words.
 */
#include "data/corpus_inner.h"

#include <string.h>

typedef struct conllu_id {
    char kind; /* 'w' word, '-' range, '.' empty node */
    uint32_t first, second;
} conllu_id;

typedef struct conllu_state {
    uint32_t range_first, range_end; /* words of the latest range, 1-based, inclusive */
    bool range_space;
    uint32_t empty; /* number of the latest empty node since the last word */
} conllu_state;

/* Reads a number of at most nine digits without leading zeros (0 itself is fine). */
static bool id_number(bytes *rest, uint32_t *number) {
    size_t n = 0;
    uint32_t value = 0;
    while (n < rest->size && n < 10 && rest->data[n] >= '0' && rest->data[n] <= '9') {
        value = value * 10 + (uint32_t)(rest->data[n++] - '0');
    }
    if (n == 0 || n == 10 || (n > 1 && rest->data[0] == '0')) return false;
    *rest = bytes_slice(*rest, n, rest->size);
    *number = value;
    return true;
}

static bool id_parse(bytes text, conllu_id *id) {
    *id = (conllu_id){'w', 0, 0};
    if (!id_number(&text, &id->first)) return false;
    if (text.size == 0) return true;
    id->kind = text.data[0];
    if (id->kind != '-' && id->kind != '.') return false;
    text = bytes_slice(text, 1, text.size);
    return id_number(&text, &id->second) && text.size == 0;
}

/* SpaceAfter=No must be a field of its own: "X=SpaceAfter=No" says nothing about blanks. */
static bool misc_has_space(bytes misc) {
    bytes field;
    while (misc.data && bytes_split(&misc, '|', &field)) {
        if (bytes_equal(field, BYTES("SpaceAfter=No"))) return false;
    }
    return true;
}

/* Cuts a line into its ten columns. */
static int conllu_split(const corpus *c, const record *r, bytes line, bytes *cell,
                        rill_error *error) {
    bytes rest = line;
    size_t count = 0;
    const char *extra = NULL;
    for (bytes field; bytes_split(&rest, '\t', &field); count++) {
        if (count < CONLLU_COLUMNS) cell[count] = field;
        if (count == CONLLU_COLUMNS) extra = field.data;
    }
    if (count != CONLLU_COLUMNS) {
        return corpus_fault(c, r, extra ? extra : line.data + line.size, error,
                            "wrong number of columns, found %zu in \"%s\", expected 10 separated "
                            "by TABs",
                            count, excerpt_of(line).text);
    }
    /* An empty cell is forbidden, and would not survive tools that split at runs of blanks. */
    for (size_t i = 0; i < CONLLU_COLUMNS; i++) {
        if (cell[i].size) continue;
        return corpus_fault(c, r, cell[i].data, error,
                            "empty column %zu, found \"\", expected a value or _", i + 1);
    }
    return 0;
}

/* A word: its number must be the next one. */
static int conllu_word(const corpus *c, record *r, conllu_state *s, uint32_t number,
                       const bytes *cell, rill_error *error) {
    if (number != r->words + 1) {
        return corpus_fault(c, r, cell[0].data, error,
                            "word out of order, found \"%s\", expected %zu",
                            excerpt_of(cell[0]).text, r->words + 1);
    }
    TRY(mem_grow(&r->space, &r->space_room, r->words + 1, sizeof *r->space));
    bool ranged = number <= s->range_end;
    bool space =
        ranged ? number == s->range_end && s->range_space : misc_has_space(cell[CONLLU_MISC]);
    r->space[r->words] = space;
    s->empty = 0;
    TRY(record_add_word(r));
    for (size_t i = 0; i < CONLLU_COLUMNS; i++) TRY(record_add_cell(r, cell[i]));
    record_last_line(r)->kind = LINE_WORD;
    return 0;
}

/* A range: begins at the next word, behind the last range. */
static int conllu_range(const corpus *c, record *r, conllu_state *s, conllu_id id,
                        const bytes *cell, rill_error *error) {
    const char *fault = NULL;
    if (id.first <= s->range_end) fault = "a range that overlaps none before";
    if (id.second < id.first) fault = "a range that does not end before it begins";
    if (!fault && id.first != r->words + 1) fault = "a range right before its first word";
    if (fault) {
        return corpus_fault(c, r, cell[0].data, error, "bad range, found \"%s\", expected %s",
                            excerpt_of(cell[0]).text, fault);
    }
    TRY(mem_grow(&r->ranges, &r->range_room, r->range_count + 1, sizeof *r->ranges));
    record_cell_range form = {(uint32_t)(cell[CONLLU_FORM].data - r->text.data),
                              (uint32_t)cell[CONLLU_FORM].size};
    r->ranges[r->range_count++] =
        (record_range){id.first - 1, id.second, (uint32_t)(r->line_count - 1), form};
    s->range_first = id.first;
    s->range_end = id.second;
    s->range_space = misc_has_space(cell[CONLLU_MISC]);
    record_last_line(r)->kind = LINE_RANGE;
    return 0;
}

/* An empty node: behind the last word, numbered from 1. */
static int conllu_empty(const corpus *c, record *r, conllu_state *s, conllu_id id,
                        const bytes *cell, rill_error *error) {
    if (id.first != r->words || id.second != s->empty + 1) {
        return corpus_fault(c, r, cell[0].data, error,
                            "empty node out of order, found \"%s\", expected %zu.%u",
                            excerpt_of(cell[0]).text, r->words, s->empty + 1);
    }
    s->empty++;
    record_last_line(r)->kind = LINE_EMPTY;
    return 0;
}

/* A line that is neither blank nor a comment. */
static int conllu_line(const corpus *c, record *r, conllu_state *s, bytes line, rill_error *error) {
    bytes cell[CONLLU_COLUMNS];
    TRY(conllu_split(c, r, line, cell, error));
    conllu_id id;
    if (!id_parse(cell[0], &id)) {
        return corpus_fault(c, r, cell[0].data, error,
                            "bad word number, found \"%s\", expected %zu, a range or an empty node",
                            excerpt_of(cell[0]).text, r->words + 1);
    }
    if (id.kind == '-') return conllu_range(c, r, s, id, cell, error);
    if (id.kind == '.') return conllu_empty(c, r, s, id, cell, error);
    return conllu_word(c, r, s, id.first, cell, error);
}

/* `# newdoc` and `# newpar`, alone or followed by an id. */
static void conllu_comment(corpus *c, record *r, bytes line) {
    record_last_line(r)->kind = LINE_COMMENT;
    bytes word = bytes_trim(bytes_slice(line, 1, line.size)), first;
    if (!bytes_split(&word, ' ', &first)) return;
    c->document += bytes_equal(first, BYTES("newdoc"));
    c->paragraph += bytes_equal(first, BYTES("newpar"));
}

/* The sentence is over: no range may be open. */
static int conllu_end(const corpus *c, record *r, const conllu_state *s, rill_error *error) {
    if (s->range_end <= r->words) return 1;
    return corpus_fault(c, r, NULL, error,
                        "bad range, found \"%u-%u\", expected an end within the %zu words of the "
                        "sentence",
                        s->range_first, s->range_end, r->words);
}

int conllu_record(corpus *c, record *r, rill_error *error) {
    conllu_state s = {0};
    for (;;) {
        bytes line;
        int status = corpus_line(c, r, &line, error);
        if (status < 0) return status;
        if (status == 0) return r->line_count ? conllu_end(c, r, &s, error) : 0;
        if (line_blank(line)) break;
        if (line.data[0] == '#') {
            conllu_comment(c, r, line);
        } else {
            TRY(conllu_line(c, r, &s, line, error));
        }
    }
    record_last_line(r)->kind = LINE_BLANK;
    return conllu_end(c, r, &s, error);
}

/* subword_file: units as files.
 *
 * Native form: a head of `name value` lines, a blank line, then one unit a line, in the order of
 * their ids; what a merge joins stands apart. (A merge may make a unit that is there already; it
 * has no id of its own then.)
 *
 *     #rill-subwords: 1
 *     unit bpe                 word, char, bpe or byte-bpe
 *     normalize nfc            none, nfc or nfkc
 *     lower no
 *     borders yes
 *     protect [0-9]+           any number of these: a regular expression as it was given
 *     symbol <2de>             any number of these: in the shown form
 *     units 7997               lines that follow the blank one
 *
 *     ▁ TAB 92134              a first unit TAB its count
 *     e TAB 50331
 *     t h TAB 8121             the merge of two TAB the count of the pair
 *
 * subword-nmt's form: "#version: 0.2", then one merge a line. Characters have no lines: they get
 * their ids where a merge first names them, so what no merge names is unknown. A model knows the
 * other characters of its training text too (subword_add_characters); its units are kept in the
 * native form, with `format subword-nmt` in the head.
 *
 * A file may come from a stranger: every part of a merge must be there before it, units are
 * distinct and bounded in number, size and sum, and a file that was cut short is noticed.
 */
#include "base/io.h"
#include "text/subword_inner.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NATIVE_HEAD "#rill-subwords: "
#define NMT_HEAD "#version: "

static const char *const kinds[] = {"word", "char", "bpe", "byte-bpe"};
static const char *const forms[] = {"none", "nfc", "nfkc"};
static const char *const formats[] = {"native", "subword-nmt"};
static const char *const truths[] = {"no", "yes"};

/* ---- writing */

static void write_head(const subword *s, buffer *out) {
    const subword_config *g = &s->cut.config;
    buffer_printf(out, NATIVE_HEAD "1\nunit %s\nnormalize %s\nlower %s\nborders %s\n",
                  kinds[g->kind], forms[g->normalise], truths[g->lower], truths[g->borders]);
    if (g->format != SUBWORD_NATIVE) buffer_printf(out, "format %s\n", formats[g->format]);
    bytes rest = buffer_view(&s->cut.protect), regex;
    while (rest.size && bytes_split(&rest, '\n', &regex)) {
        buffer_add_text(out, "protect ");
        buffer_add_bytes(out, regex);
        buffer_add_char(out, '\n');
    }
    for (int32_t i = 0; i < s->cut.symbol.count; i++) {
        buffer_add_text(out, "symbol ");
        cut_show(strmap_get(&s->cut.symbol, i), out);
        buffer_add_char(out, '\n');
    }
    buffer_printf(out, "units %zu\n\n", s->entries);
}

/* Whether the units are written in subword-nmt's own form. */
static bool is_foreign(const subword *s) {
    return s->cut.config.format == SUBWORD_NMT && !s->wide;
}

static void write_entry(const subword *s, const subword_entry *e, buffer *out) {
    bool nmt = is_foreign(s);
    int32_t part[2] = {e->left, e->right};
    if (e->left < 0) {
        cut_show(strmap_get(&s->unit, e->id), out);
    } else {
        for (int i = 0; i < 2; i++) {
            bytes inner = strmap_get(&s->unit, part[i]);
            if (i) buffer_add_char(out, ' ');
            if (nmt) buffer_add_bytes(out, inner);
            if (!nmt) cut_show(inner, out);
        }
    }
    if (!nmt) buffer_printf(out, "\t%" PRId64, e->count);
    buffer_add_char(out, '\n');
}

void subword_write(const subword *s, buffer *out) {
    bool nmt = is_foreign(s);
    if (nmt) {
        buffer_add_text(out, NMT_HEAD "0.2\n");
    } else {
        write_head(s, out);
    }
    for (size_t i = 0; i < s->entries; i++) {
        if (!nmt || s->entry[i].left >= 0) write_entry(s, &s->entry[i], out);
    }
}

/* ---- reading */

typedef struct source {
    const char *name;
    bytes rest;
    size_t line; /* number of the line last taken */
    bytes text;  /* that line */
    rill_error *error;
} source;

#define FAULT(from, at, ...)                                                                       \
    status_set((from)->error, RILL_EDATA, (from)->name, (from)->line, (at), __VA_ARGS__)

/* 1 and the next line, 0 at the end. Every line must have its end. */
static int take_line(source *r) {
    if (r->rest.size == 0) return 0;
    size_t bad;
    const char *end = memchr(r->rest.data, '\n', r->rest.size);
    r->line++;
    if (!end) return FAULT(r, 1, "the file is cut short: the last line has no end");
    r->text = bytes_slice(r->rest, 0, (size_t)(end - r->rest.data));
    r->rest = bytes_slice(r->rest, r->text.size + 1, r->rest.size);
    if (r->text.size && r->text.data[r->text.size - 1] == '\r') r->text.size--;
    if (!utf8_valid(r->text, &bad)) return FAULT(r, bad + 1, "invalid UTF-8");
    return 1;
}

/* What failed without a place is told where: at the line, or in it where more is known. */
static int placed(const source *r, int status) {
    rill_error *e = r->error;
    if (status < 0 && e && !e->file[0] && e->column == 0) e->column = 1;
    return status_place(r->error, status, r->name, r->line);
}

static int shown_size(bytes text) {
    return text.size < 60 ? (int)text.size : 60;
}

/* The number of a word in a list, -1 when it is none of them. */
static int choice(bytes word, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal(word, bytes_of(list[i]))) return (int)i;
    }
    return -1;
}

/* ---- the head of the native form */

/* A regular expression or a symbol. */
typedef struct head_entry {
    bool symbol;
    size_t size, line, column;
} head_entry;

typedef struct head {
    subword_config config;
    buffer text;       /* entries one after the other */
    head_entry *entry; /* [count] */
    size_t count, room;
    int64_t units; /* -1: not told yet */
} head;

static int head_text(source *r, head *h, bytes value, bool symbol) {
    size_t before = h->text.size, column = value.data ? (size_t)(value.data - r->text.data) + 1 : 1;
    if (mem_grow(&h->entry, &h->room, h->count + 1, sizeof *h->entry) < 0) {
        return status_nomem(r->error);
    }
    if (!symbol) {
        buffer_add_bytes(&h->text, value);
    } else if (!cut_unshow(value, &h->text)) {
        return FAULT(r, column, "a symbol with a bad escape");
    }
    TRY(buffer_status(&h->text, r->error));
    h->entry[h->count++] = (head_entry){symbol, h->text.size - before, r->line, column};
    return 0;
}

static int head_choice(source *r, bytes value, const char *const *list, size_t count, int *out) {
    *out = choice(value, list, count);
    if (*out >= 0) return 0;
    size_t column = (size_t)(value.data - r->text.data) + 1;
    return FAULT(r, column, "unknown value \"%.*s\"", shown_size(value), value.data);
}

static int head_units(source *r, head *h, bytes value) {
    if (bytes_to_int(value, &h->units) && h->units >= 0 && h->units <= UNITS_LIMIT) return 0;
    return FAULT(r, 7, "expected the number of units, at most %d, found \"%.*s\"", UNITS_LIMIT,
                 shown_size(value), value.data);
}

static int head_line(source *r, head *h) {
    bytes value = r->text, name;
    int found = 0;
    bytes_split(&value, ' ', &name);
    if (bytes_equal(name, BYTES("protect"))) return head_text(r, h, value, false);
    if (bytes_equal(name, BYTES("symbol"))) return head_text(r, h, value, true);
    if (bytes_equal(name, BYTES("units"))) return head_units(r, h, value);
    if (bytes_equal(name, BYTES("unit"))) {
        TRY(head_choice(r, value, kinds, 4, &found));
        h->config.kind = (subword_kind)found;
    } else if (bytes_equal(name, BYTES("normalize"))) {
        TRY(head_choice(r, value, forms, 3, &found));
        h->config.normalise = (unicode_form)found;
    } else if (bytes_equal(name, BYTES("format"))) {
        TRY(head_choice(r, value, formats, 2, &found));
        h->config.format = (subword_format)found;
    } else if (bytes_equal(name, BYTES("lower"))) {
        TRY(head_choice(r, value, truths, 2, &found));
        h->config.lower = found;
    } else if (bytes_equal(name, BYTES("borders"))) {
        TRY(head_choice(r, value, truths, 2, &found));
        h->config.borders = found;
    } else {
        return FAULT(r, 1, "expected a line of the head, found \"%.*s\"", shown_size(r->text),
                     r->text.data);
    }
    return 0;
}

/* Up to the blank line. */
static int read_head(source *r, head *h) {
    int got;
    h->config = subword_defaults();
    h->config.vocab_size = 0;
    h->units = -1;
    while ((got = take_line(r)) > 0 && r->text.size) TRY(head_line(r, h));
    if (got < 0) return got;
    if (got == 0) return FAULT(r, 1, "the file is cut short: its head has no end");
    if (h->units < 0) return FAULT(r, 1, "the head does not tell the number of units");
    return 0;
}

/* A fault of an entry is told where the entry stands. */
static int add_entry(source *r, cutter *c, const head_entry *e, bytes text) {
    if (c->config.format == SUBWORD_NMT) {
        return status_set(r->error, RILL_EDATA, r->name, e->line, 1,
                          "the format of subword-nmt has no protected text and no symbols");
    }
    int status = e->symbol ? cutter_symbol(c, text, r->error) : cutter_protect(c, text, r->error);
    if (status == 0) return 0;
    if (r->error && r->error->column) r->error->column += e->column - 1;
    return status_place(r->error, status, r->name, e->line);
}

/* Cutter and empty list of units from a head. */
static int start_from(source *r, const head *h, subword **out) {
    cutter c;
    size_t at = 0;
    int status = cutter_begin(&h->config, &c, r->error);
    if (status == RILL_EUSAGE) status = RILL_EDATA; /* here the file is at fault, not the caller */
    for (size_t i = 0; i < h->count && status == 0; i++) {
        size_t end = at + h->entry[i].size;
        status = add_entry(r, &c, &h->entry[i], bytes_slice(buffer_view(&h->text), at, end));
        at = end;
    }
    if (status == 0) status = cutter_close(&c, r->error);
    if (status < 0) cutter_free(&c);
    if (status == 0) status = subword_start(&c, out, r->error);
    return placed(r, status);
}

/* ---- units */

/* The unit that a shown form names; must be there. */
static int find_part(source *r, const subword *s, bytes shown, buffer *inner, int32_t *id) {
    size_t column = (size_t)(shown.data - r->text.data) + 1;
    buffer_clear(inner);
    bool good = cut_unshow(shown, inner);
    TRY(buffer_status(inner, r->error));
    *id = strmap_find(&s->unit, buffer_view(inner));
    if (good && *id >= SUBWORD_SPECIALS) return 0;
    return FAULT(r, column, "no line before this makes \"%.*s\"", shown_size(shown), shown.data);
}

static int read_unit(source *r, subword *s, buffer *inner) {
    bytes count = r->text, shown, right;
    int64_t times;
    int32_t a, b;
    bytes_split(&count, '\t', &shown);
    if (!count.data || !bytes_to_int(count, &times) || times < 0) {
        return FAULT(r, shown.size + 1, "expected unit TAB count");
    }
    right = shown;
    bytes_split(&right, ' ', &shown);
    if (!right.data) {
        buffer_clear(inner);
        if (!cut_unshow(shown, inner)) return FAULT(r, 1, "a unit with a bad escape");
        TRY(buffer_status(inner, r->error));
        return placed(r, subword_add_unit(s, buffer_view(inner), times, r->error));
    }
    if (s->cut.config.kind != SUBWORD_BPE && s->cut.config.kind != SUBWORD_BYTE) {
        return FAULT(r, shown.size + 1, "units of this kind are not merged");
    }
    TRY(find_part(r, s, shown, inner, &a));
    TRY(find_part(r, s, right, inner, &b));
    return placed(r, subword_add_merge(s, a, b, times, r->error));
}

static int read_units(source *r, const head *h, subword *s) {
    buffer inner = {0};
    int status = 0, got = 0;
    int64_t found = 0;
    for (; found < h->units && status == 0; found += status == 0) {
        got = take_line(r);
        if (got <= 0) break;
        status = read_unit(r, s, &inner);
    }
    buffer_free(&inner);
    TRY(status);
    TRY(got);
    r->line += found < h->units || r->rest.size;
    if (found < h->units) {
        return FAULT(r, 1, "the file is cut short: expected %" PRId64 " units, found %" PRId64,
                     h->units, found);
    }
    return r->rest.size ? FAULT(r, 1, "more lines than the %" PRId64 " units told", h->units) : 0;
}

/* Of byte units none may be missing: nothing is unknown to them, whoever made the file. */
static int check_bytes(const source *r, const subword *s) {
    for (int i = 0; i < 256 && s->cut.config.kind == SUBWORD_BYTE; i++) {
        char byte = (char)i;
        if (subword_forced(&s->cut.config, i) && strmap_find(&s->unit, (bytes){&byte, 1}) < 0) {
            return FAULT(r, 1, "no line makes the byte %02X, which byte-bpe must have", i);
        }
    }
    return 0;
}

/* A merge that stands twice is told by its entry: entries begin behind the blank line. */
static int seal(source *r, size_t head_lines, subword *s) {
    int status = subword_seal(s, r->error);
    if (status == RILL_EDATA && r->error) r->line = head_lines + r->error->line;
    return placed(r, status);
}

static int read_native(source *r, subword **out) {
    head h = {0};
    subword *s = NULL;
    int status = read_head(r, &h);
    size_t head_lines = r->line;
    if (status == 0) status = start_from(r, &h, &s);
    if (status == 0) status = read_units(r, &h, s);
    if (status == 0) status = check_bytes(r, s);
    if (status == 0) status = seal(r, head_lines, s);
    buffer_free(&h.text);
    free(h.entry);
    if (status < 0) {
        subword_free(s);
        return status;
    }
    s->wide = s->cut.config.format == SUBWORD_NMT;
    *out = s;
    return 0;
}

/* ---- subword-nmt's form */

/* A part of a merge: there already, or a character (with </w> or not), which is added. */
static int nmt_part(source *r, subword *s, bytes part, int32_t *id) {
    size_t length = 0, column = (size_t)(part.data - r->text.data) + 1;
    *id = strmap_find(&s->unit, part);
    if (*id >= 0) return 0;
    if (part.size) utf8_decode(part, 0, &length);
    bytes tail = bytes_slice(part, length, part.size);
    if (part.size == 0 || (tail.size && !bytes_equal(tail, BYTES("</w>")))) {
        return FAULT(r, column, "\"%.*s\" is no character, and no line before this makes it",
                     shown_size(part), part.data);
    }
    TRY(placed(r, subword_add_unit(s, part, 0, r->error)));
    *id = subword_size(s) - 1;
    return 0;
}

static int nmt_merge(source *r, subword *s) {
    bytes right = cut_trim(r->text), left, more;
    int32_t a, b;
    bytes_split(&right, ' ', &left);
    more = right;
    if (!right.data || !left.size || bytes_split(&more, ' ', &right) == false || more.data) {
        return FAULT(r, 1, "expected two units, found \"%.*s\"", shown_size(r->text), r->text.data);
    }
    TRY(nmt_part(r, s, left, &a));
    TRY(nmt_part(r, s, right, &b));
    return placed(r, subword_add_merge(s, a, b, 0, r->error));
}

static int read_nmt(source *r, subword **out) {
    subword_config config = {.kind = SUBWORD_BPE, .format = SUBWORD_NMT, .min_count = 1};
    cutter c;
    subword *s = NULL;
    if (!bytes_equal(cut_trim(r->text), BYTES(NMT_HEAD "0.2"))) {
        return FAULT(r, 1, "codes of version 0.2 can be read, found \"%.*s\"", shown_size(r->text),
                     r->text.data);
    }
    TRY(cutter_make(&config, &c, r->error));
    TRY(subword_start(&c, &s, r->error));
    int status = 0;
    while (status == 0 && (status = take_line(r)) > 0) status = nmt_merge(r, s);
    if (status == 0) status = placed(r, subword_seal(s, r->error));
    if (status < 0) subword_free(s);
    if (status == 0) *out = s;
    return status;
}

int subword_read(bytes text, const char *name, subword **out, rill_error *error) {
    source r = {.name = name, .rest = text, .error = error};
    *out = NULL;
    int got = take_line(&r);
    if (got < 0) return got;
    if (got && bytes_starts(r.text, BYTES(NMT_HEAD))) return read_nmt(&r, out);
    if (got && bytes_equal(r.text, BYTES(NATIVE_HEAD "1"))) return read_native(&r, out);
    if (got == 0) r.line = 1;
    return FAULT(&r, 1, "expected \"" NATIVE_HEAD "1\" or \"" NMT_HEAD "0.2\"%s",
                 got ? "" : ", found nothing");
}

int subword_open(const char *path, subword **out, rill_error *error) {
    buffer text = {0};
    *out = NULL;
    int status = file_slurp(path, (size_t)1 << 31, &text, error);
    if (status == 0) status = subword_read(buffer_view(&text), path, out, error);
    buffer_free(&text);
    return status;
}

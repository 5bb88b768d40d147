/* subword_cut: lines to inner text and back, and the shown form.
 *
 *     raw line      The  cat           a space in front is imagined, so every word looks alike
 *     inner         C_ the_ _cat       (_ a space, C the mark byte of a capital, itself a word)
 *     shown         ↑ ▁the ▁ ▁cat
 *
 * A mark stands before the space of its word, so that "the" and "The" share their unit. Capitals
 * are marked only where Unicode's simple mappings lead back (U+0130 stays as it is), therefore:
 *
 *     capital(c)  lower(c) != c and upper(lower(c)) == c
 *     small(c)    upper(c) != c and lower(upper(c)) == c
 *
 * A run of two capitals or more with nothing small in it gets one mark; it reaches as far as
 * capital or small letters go, and so does the run itself. Where protected text touches the run's
 * end, capitals are marked one by one, for the mark would reach into it.
 */
#include "text/subword_inner.h"
#include <stdlib.h>
#include <string.h>

/* ---- configuration */

static bool is_line(bytes text) {
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\n' || text.data[i] == '\r' || text.data[i] == 0) return false;
    }
    return text.size > 0 && utf8_valid(text, NULL);
}

int cutter_protect(cutter *c, bytes regex, rill_error *error) {
    pattern *p;
    if (!is_line(regex)) {
        return status_set(error, RILL_EDATA, NULL, 0, 1,
                          "a protected pattern is empty, not UTF-8, or has a line end");
    }
    if (mem_grow(&c->pattern, &c->room, c->patterns + 1, sizeof(pattern *)) < 0) {
        return status_nomem(error);
    }
    TRY(pattern_new(regex, NULL, 0, 1, &p, error));
    c->pattern[c->patterns++] = p;
    if (pattern_groups(p) > c->groups) c->groups = pattern_groups(p);
    for (int i = 0; i < 256; i++) c->starts[i] |= pattern_starts(p, (unsigned char)i);
    buffer_add_bytes(&c->protect, regex);
    buffer_add_char(&c->protect, '\n');
    return buffer_status(&c->protect, error);
}

int cutter_symbol(cutter *c, bytes text, rill_error *error) {
    int32_t id, before = c->symbol.count;
    if (text.size == 0 || text.size > PIECE_LIMIT || !utf8_valid(text, NULL)) {
        return status_set(error, RILL_EDATA, NULL, 0, 1,
                          "a symbol is empty, too long or not UTF-8");
    }
    if (strmap_add(&c->symbol, text, &id) < 0) return status_nomem(error);
    if (id != before) {
        return status_set(error, RILL_EDATA, NULL, 0, 1, "symbol \"%.*s\" is given twice",
                          text.size < 60 ? (int)text.size : 60, text.data);
    }
    c->starts[(unsigned char)text.data[0]] = true;
    return 0;
}

static int by_text(const void *a, const void *b) {
    return bytes_compare(((const sorted_symbol *)a)->text, ((const sorted_symbol *)b)->text);
}

int cutter_close(cutter *c, rill_error *error) {
    size_t count = (size_t)c->symbol.count;
    if (count == 0) return 0;
    c->sorted = mem_new(count, sizeof *c->sorted);
    if (!c->sorted) return status_nomem(error);
    for (size_t i = 0; i < count; i++) {
        c->sorted[i] = (sorted_symbol){strmap_get(&c->symbol, (int32_t)i), (int32_t)i};
    }
    qsort(c->sorted, count, sizeof *c->sorted, by_text);
    return 0;
}

static int check_config(const subword_config *g, rill_error *error) {
    if (g->vocab_size < 0 || g->vocab_size > UNITS_LIMIT || g->merges < 0 || g->min_count < 1) {
        return status_fail(error, RILL_EUSAGE, "sizes and counts of units are out of range");
    }
    if (g->format == SUBWORD_NATIVE) return 0;
    if (g->kind != SUBWORD_BPE || g->normalise != UNICODE_NONE || g->lower || g->borders ||
        g->protects || g->symbols) {
        return status_fail(error, RILL_EUSAGE,
                           "the format of subword-nmt has plain bpe units only: no normalisation, "
                           "lower case, borders, protected text or symbols");
    }
    return 0;
}

int cutter_begin(const subword_config *config, cutter *out, rill_error *error) {
    *out = (cutter){.config = *config};
    out->config.protect = out->config.symbol = NULL;
    out->config.protects = out->config.symbols = 0;
    return check_config(config, error);
}

/* What is wrong with a value of an option is told with both. */
static int blame(const char *option, bytes value, int status, rill_error *error) {
    char why[sizeof error->message];
    if (status >= 0 || status == RILL_ENOMEM) return status;
    if (!error) return RILL_EUSAGE;
    memcpy(why, error->message, sizeof why);
    return status_fail(error, RILL_EUSAGE, "option --%s: \"%.*s\" at byte %zu: %s", option,
                       value.size < 60 ? (int)value.size : 60, value.data, error->column, why);
}

/* As it stands in text. */
static int add_symbol(cutter *c, bytes text, rill_error *error) {
    buffer normal = {0};
    unicode_map map = {0};
    int status = 0;
    if (memchr(text.data ? text.data : "", '\n', text.size)) {
        return status_set(error, RILL_EDATA, NULL, 0, 1, "a symbol has a line end");
    }
    if (subword_special(text) >= 0) {
        return status_set(error, RILL_EDATA, NULL, 0, 1, "the name of a special unit");
    }
    if (c->config.normalise != UNICODE_NONE && utf8_valid(text, NULL)) {
        status = unicode_normalise(text, c->config.normalise, &normal, &map);
        text = buffer_view(&normal);
    }
    status = status < 0 ? status_nomem(error) : cutter_symbol(c, text, error);
    buffer_free(&normal);
    unicode_map_free(&map);
    return status;
}

static int add_lists(cutter *c, const subword_config *config, rill_error *error) {
    for (size_t i = 0; i < config->protects; i++) {
        const bytes regex = config->protect[i];
        TRY(blame("protect", regex, cutter_protect(c, regex, error), error));
    }
    for (size_t i = 0; i < config->symbols; i++) {
        const bytes text = config->symbol[i];
        TRY(blame("symbol", text, add_symbol(c, text, error), error));
    }
    return cutter_close(c, error);
}

int cutter_make(const subword_config *config, cutter *out, rill_error *error) {
    int status = cutter_begin(config, out, error);
    if (status == 0) status = add_lists(out, config, error);
    if (status < 0) cutter_free(out);
    return status;
}

void cutter_free(cutter *c) {
    buffer_free(&c->protect);
    for (size_t i = 0; i < c->patterns; i++) pattern_free(c->pattern[i]);
    free(c->pattern);
    strmap_free(&c->symbol);
    free(c->sorted);
    *c = (cutter){0};
}

/* ---- case */

static bool is_capital(int32_t point) {
    if (point < 0x80) return point >= 'A' && point <= 'Z';
    int32_t lower = unicode_point_lower(point);
    return lower != point && unicode_point_upper(lower) == point;
}

static bool is_small(int32_t point) {
    if (point < 0x80) return point >= 'a' && point <= 'z';
    int32_t upper = unicode_point_upper(point);
    return upper != point && unicode_point_lower(upper) == point;
}

/* ---- building the inner text */

/* Appends bytes that all stand for the character at `place` of the normalised text. */
static int put(cut *out, const void *data, size_t size, size_t place) {
    TRY(mem_grow(&out->offset, &out->offset_room, out->inner.size + size + 1, sizeof(size_t)));
    for (size_t i = 0; i < size; i++) out->offset[out->inner.size + i] = place;
    buffer_add(&out->inner, data, size);
    return out->inner.failed ? RILL_ENOMEM : 0;
}

/* As they stand; ranges are widened to whole characters, so any byte may have its own place. */
static int put_text(cut *out, size_t begin, size_t end) {
    size_t at = out->inner.size;
    TRY(put(out, out->normal.data + begin, end - begin, begin));
    for (size_t i = 0; i < end - begin; i++) out->offset[at + i] = begin + i;
    return 0;
}

/* A mark for the letter at `place`: in front of the space before it, where that lies behind
 * `floor`. */
static int put_mark(cut *out, int mark, size_t place, size_t floor) {
    buffer *inner = &out->inner;
    unsigned char sign = (unsigned char)mark;
    bool spaced = inner->size > floor && inner->data[inner->size - 1] == ' ';
    if (spaced) place = out->offset[--inner->size];
    TRY(put(out, &sign, 1, place));
    return spaced ? put(out, " ", 1, place) : 0;
}

/* End of the run of letters with case at `at`; whether all are capitals, two at least. */
static size_t case_run(bytes text, size_t at, size_t end, bool *all) {
    size_t length, count = 0;
    *all = true;
    for (; at < end; at += length, count++) {
        int32_t point = utf8_decode(text, at, &length);
        bool capital = is_capital(point);
        if (!capital && !is_small(point)) break;
        *all &= capital;
    }
    *all &= count > 1;
    return at;
}

/* Free text begin..end in small letters; closed: protected text follows. */
static int put_lowered(cut *out, size_t begin, size_t end, bool closed, size_t floor) {
    size_t length, run = begin;
    bool all = false;
    for (size_t at = begin; at < end; at += length) {
        int32_t point = utf8_decode(out->normal, at, &length);
        if (at >= run) {
            run = case_run(out->normal, at, end, &all);
            if (closed && run == end) all = false;
            if (all) TRY(put_mark(out, MARK_CAPITALS, at, floor));
            if (run == at) run = at + length;
        }
        if (!is_capital(point)) {
            TRY(put_text(out, at, at + length));
            continue;
        }
        if (!all) TRY(put_mark(out, MARK_CAPITAL, at, floor));
        char small[4];
        size_t size = unicode_point_bytes(unicode_point_lower(point), small);
        TRY(put(out, small, size, at));
    }
    return 0;
}

/* The byte at `at` of a symbol, -1 behind its end: sorts first. */
static int symbol_byte(const sorted_symbol *symbol, size_t at) {
    return at < symbol->text.size ? (unsigned char)symbol->text.data[at] : -1;
}

/* Whether a symbol belongs before the bound: its byte at `at` is below `byte`. */
static bool symbol_below(const cutter *c, size_t i, size_t at, int byte) {
    return symbol_byte(&c->sorted[i], at) < byte;
}

/* The first of sorted symbols low..high-1, which agree up to `at`, whose byte there is not below
 * `byte`. Looked for from both ends in growing steps, since long symbols go one at a time. */
static size_t symbol_bound(const cutter *c, size_t low, size_t high, size_t at, int byte) {
    for (size_t step = 1; low + 2 * step < high; step *= 2) {
        if (!symbol_below(c, low + step - 1, at, byte)) {
            high = low + step - 1;
            break;
        }
        low += step;
        if (symbol_below(c, high - step, at, byte)) {
            low = high - step + 1;
            break;
        }
        high -= step;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (symbol_below(c, middle, at, byte)) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* The longest symbol at `at`: its number and end, or -1. Symbols that agree with the text so far
 * stand together; with each byte their range narrows, so no prefix is looked up for itself. */
static int32_t symbol_at(const cutter *c, bytes text, size_t at, size_t *end) {
    size_t low = 0, high = (size_t)c->symbol.count;
    int32_t found = -1;
    for (size_t i = 0; low < high && at + i < text.size; i++) {
        int byte = (unsigned char)text.data[at + i];
        if (symbol_byte(&c->sorted[low], i) < 0) low++; /* the one that ends here */
        if (low == high) break;
        if (symbol_byte(&c->sorted[low], i) != byte ||
            symbol_byte(&c->sorted[high - 1], i) != byte) {
            low = symbol_bound(c, low, high, i, byte);
            high = symbol_bound(c, low, high, i, byte + 1);
        }
        if (low < high && c->sorted[low].text.size == i + 1) {
            found = c->sorted[low].id;
            *end = at + i + 1;
        }
    }
    return found;
}

/* 1 when protected text begins at `at`. */
static int protected_at(const cutter *c, cut *out, size_t at, size_t *end, rill_error *error) {
    bytes text = out->normal, rest = buffer_view(&c->protect), regex = {0};
    int found = 0;
    for (size_t i = 0; i < c->patterns && found == 0; i++) {
        if (!pattern_starts(c->pattern[i], (unsigned char)text.data[at])) continue;
        found = pattern_at(c->pattern[i], out->scratch, text, at, end, error);
        if (found != RILL_ELIMIT) continue;
        for (size_t k = 0; k <= i; k++) bytes_split(&rest, '\n', &regex);
        return status_set(error, found, NULL, 0, at + 1,
                          "protected pattern \"%.*s\" takes too many steps on this text",
                          regex.size < 60 ? (int)regex.size : 60, regex.data);
    }
    return found;
}

/* 1 when a stretch that is one unit begins at `at`. */
static int fixed_at(const cutter *c, cut *out, size_t at, size_t *end, int32_t *symbol,
                    rill_error *error) {
    *symbol = -1;
    if (!c->starts[(unsigned char)out->normal.data[at]]) return 0;
    *symbol = symbol_at(c, out->normal, at, end);
    return *symbol >= 0 ? 1 : protected_at(c, out, at, end, error);
}

static int put_free(const cutter *c, cut *out, size_t begin, size_t end, bool closed,
                    size_t floor) {
    if (begin == end) return 0;
    if (c->config.lower) return put_lowered(out, begin, end, closed, floor);
    return put_text(out, begin, end);
}

static int put_fixed(cut *out, size_t begin, size_t end, int32_t symbol) {
    TRY(mem_grow(&out->fixed, &out->room, out->count + 1, sizeof *out->fixed));
    size_t at = out->inner.size;
    TRY(put_text(out, begin, end));
    out->fixed[out->count++] = (fixed){at, out->inner.size, symbol};
    return 0;
}

/* The imagined space; text that starts with a stretch of its own needs none. */
static int put_lead(const cutter *c, cut *out, bool starts_fixed) {
    bool spaced = out->normal.data[0] == ' ';
    if (c->config.kind == SUBWORD_CHAR || (starts_fixed && !spaced)) return 0;
    out->lead = 1;
    return put(out, " ", 1, 0);
}

static int put_all(const cutter *c, cut *out, rill_error *error) {
    bytes text = out->normal;
    size_t done = 0, at = 0, floor = 0, end, length;
    while (at < text.size) {
        int32_t symbol;
        int found = fixed_at(c, out, at, &end, &symbol, error);
        if (found < 0) return found;
        if (at == 0 && put_lead(c, out, found) < 0) return status_nomem(error);
        utf8_decode(text, at, &length);
        at += length;
        if (!found) continue;
        at -= length;
        if (put_free(c, out, done, at, true, floor) < 0 || put_fixed(out, at, end, symbol) < 0) {
            return status_nomem(error);
        }
        floor = out->inner.size;
        done = at = end;
    }
    if (put_free(c, out, done, text.size, false, floor) < 0) return status_nomem(error);
    if (mem_grow(&out->offset, &out->offset_room, out->inner.size + 1, sizeof(size_t)) < 0) {
        return status_nomem(error);
    }
    out->offset[out->inner.size] = text.size;
    return 0;
}

static int normalise(const cutter *c, bytes line, cut *out, rill_error *error) {
    size_t fault;
    if (line.size > UINT32_MAX / 4) {
        return status_fail(error, RILL_ELIMIT, "a line of %zu bytes is too long", line.size);
    }
    if (!utf8_valid(line, &fault)) {
        return status_set(error, RILL_EDATA, NULL, 0, fault + 1, "invalid UTF-8");
    }
    out->map.count = 0;
    out->normal = line;
    if (c->config.normalise == UNICODE_NONE) return 0;
    buffer_clear(&out->normalised);
    int status = unicode_normalise(line, c->config.normalise, &out->normalised, &out->map);
    out->normal = buffer_view(&out->normalised);
    return status < 0 ? status_nomem(error) : 0;
}

int cut_line(const cutter *c, bytes line, cut *out, rill_error *error) {
    out->count = out->lead = 0;
    buffer_clear(&out->inner);
    TRY(normalise(c, line, out, error));
    out->shifted = c->config.lower || c->patterns || c->symbol.count;
    if (c->patterns && !out->scratch) {
        TRY(pattern_scratch_new(c->groups, &out->scratch, error));
    }
    if (out->shifted) return put_all(c, out, error);
    bool lead = c->config.format == SUBWORD_NATIVE && c->config.kind != SUBWORD_CHAR;
    out->lead = lead && out->normal.size;
    if (out->lead) buffer_add_char(&out->inner, ' ');
    buffer_add_bytes(&out->inner, out->normal);
    return buffer_status(&out->inner, error);
}

void cut_free(cut *c) {
    buffer_free(&c->normalised);
    buffer_free(&c->inner);
    unicode_map_free(&c->map);
    free(c->offset);
    free(c->fixed);
    pattern_scratch_free(c->scratch);
    *c = (cut){0};
}

/* ---- ranges, words, parts */

static bool inside_character(char c) {
    return ((unsigned char)c & 0xC0) == 0x80;
}

static size_t normal_place(const cut *at, size_t inner) {
    if (at->shifted) return at->offset[inner];
    return inner < at->lead ? 0 : inner - at->lead;
}

subword_item cut_range(const cutter *c, const cut *at, size_t begin, size_t end) {
    const char *text = at->inner.data;
    if (c->config.kind == SUBWORD_BYTE) {
        while (begin > 0 && inside_character(text[begin])) begin--;
        while (end < at->inner.size && inside_character(text[end])) end++;
    }
    begin = normal_place(at, begin);
    end = normal_place(at, end);
    if (at->map.count == 0) return (subword_item){.begin = begin, .end = end};
    size_t raw = unicode_raw_begin(&at->map, begin);
    return (subword_item){.begin = raw, .end = begin < end ? unicode_raw_end(&at->map, end) : raw};
}

static bool is_mark(char c) {
    return (unsigned char)c >= MARK_CAPITAL;
}

size_t cut_word(const cutter *c, bytes inner, size_t at) {
    if (c->config.lower) {
        if (is_mark(inner.data[at])) return at + 1;
        for (at++; at < inner.size && inner.data[at] != ' ' && !is_mark(inner.data[at]);) at++;
        return at;
    }
    const char *next = memchr(inner.data + at + 1, ' ', inner.size - at - 1);
    return next ? (size_t)(next - inner.data) : inner.size;
}

bytes cut_trim(bytes line) {
    size_t begin = 0, end = line.size;
    while (begin < end && (line.data[begin] == ' ' || line.data[begin] == '\r')) begin++;
    while (end > begin && (line.data[end - 1] == ' ' || line.data[end - 1] == '\r')) end--;
    return bytes_slice(line, begin, end);
}

enum { PART_LETTERS, PART_DIGITS, PART_OTHER, PART_SAME };

static int part_class(int32_t point) {
    if (point < 0x80) {
        if (point >= '0' && point <= '9') return PART_DIGITS;
        return (point | 32) >= 'a' && (point | 32) <= 'z' ? PART_LETTERS : PART_OTHER;
    }
    switch (unicode_class_of(point)) {
    case UNICODE_UPPER:
    case UNICODE_LOWER:
    case UNICODE_LETTER:
        return PART_LETTERS;
    case UNICODE_MARK:
        return PART_SAME;
    case UNICODE_DIGIT:
    case UNICODE_NUMBER:
        return PART_DIGITS;
    default:
        return PART_OTHER;
    }
}

size_t cut_part(const cutter *c, bytes word, size_t at) {
    size_t length;
    if (!c->config.borders) return word.size;
    if (word.data[at] == ' ' && ++at == word.size) return at;
    int class = part_class(utf8_decode(word, at, &length));
    for (at += length; at < word.size; at += length) {
        int next = part_class(utf8_decode(word, at, &length));
        if (next != PART_SAME && next != class && class != PART_SAME) break;
        if (class == PART_SAME) class = next; /* marks with nothing to stand on */
    }
    return at;
}

/* ---- inner text to text */

typedef struct joiner {
    bool lead;    /* a space that comes now is the imagined one */
    int mark;     /* in force, or 0 */
    bool started; /* the mark has seen its first sign */
} joiner;

static void join_point(joiner *j, int32_t point, buffer *out) {
    bool drop = j->lead && point == ' ';
    j->lead = false;
    if (drop) return;
    if (j->mark && !(point == ' ' && !j->started)) {
        bool small = is_small(point);
        j->started = true;
        if (j->mark == MARK_CAPITAL || (!small && !is_capital(point))) {
            if (j->mark == MARK_CAPITALS) small = false;
            j->mark = 0;
        }
        if (small) point = unicode_point_upper(point);
    }
    utf8_encode(point, out);
}

/* The character at `at`, -1 where there is none; *length bytes are done with either way. */
static int32_t point_at(bytes text, size_t at, size_t *length) {
    int32_t point = utf8_decode(text, at, length);
    if (utf8_valid(bytes_slice(text, at, at + *length), NULL)) return point;
    *length = 1;
    return -1;
}

/* End of the text at `at` that is to be copied as it stands. */
static size_t plain_end(bytes text, size_t at) {
    while (at < text.size && (unsigned char)text.data[at] < 0x80) at++;
    return at;
}

void cut_join(bytes inner, bool lead, buffer *out) {
    joiner j = {.lead = lead};
    size_t length;
    for (size_t at = 0; at < inner.size; at += length) {
        if (!j.lead && !j.mark) {
            size_t end = plain_end(inner, at);
            buffer_add_bytes(out, bytes_slice(inner, at, end));
            at = end;
            if (at == inner.size) return;
        }
        if (is_mark(inner.data[at])) {
            j.mark = (unsigned char)inner.data[at];
            j.started = false;
            length = 1;
            continue;
        }
        int32_t point = point_at(inner, at, &length);
        join_point(&j, point < 0 ? 0xFFFD : point, out);
    }
}

/* ---- the shown form */

#define SHOWN_SPACE "\xE2\x96\x81"    /* U+2581 */
#define SHOWN_CAPITAL "\xE2\x86\x91"  /* U+2191 */
#define SHOWN_CAPITALS "\xE2\x87\x91" /* U+21D1 */
#define SHOWN_ESCAPE "\xE2\x90\x9B"   /* U+241B */

static bool is_sign(bytes text) {
    return bytes_starts(text, BYTES(SHOWN_SPACE)) || bytes_starts(text, BYTES(SHOWN_CAPITAL)) ||
           bytes_starts(text, BYTES(SHOWN_CAPITALS)) || bytes_starts(text, BYTES(SHOWN_ESCAPE));
}

static void show_byte(unsigned char byte, buffer *out) {
    if (byte == ' ') {
        buffer_add_text(out, SHOWN_SPACE);
    } else if (byte == MARK_CAPITAL || byte == MARK_CAPITALS) {
        buffer_add_text(out, byte == MARK_CAPITAL ? SHOWN_CAPITAL : SHOWN_CAPITALS);
    } else {
        buffer_printf(out, SHOWN_ESCAPE "%02X", byte);
    }
}

void cut_show(bytes inner, buffer *out) {
    size_t length;
    for (size_t at = 0; at < inner.size; at += length) {
        int32_t point = point_at(inner, at, &length);
        if (point <= ' ' || point == 0x7F) {
            show_byte((unsigned char)inner.data[at], out);
            continue;
        }
        bytes rest = bytes_slice(inner, at, inner.size);
        if (point >= 0x80 && is_sign(rest)) buffer_add_text(out, SHOWN_ESCAPE);
        buffer_add(out, rest.data, length);
    }
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* What an escape stands for; the bytes it takes behind its sign, 0 when it is none. */
static size_t unescape(bytes rest, buffer *inner) {
    if (is_sign(rest)) {
        buffer_add(inner, rest.data, 3);
        return 3;
    }
    if (rest.size < 2) return 0;
    int high = hex_digit(rest.data[0]), low = hex_digit(rest.data[1]);
    if (high < 0 || low < 0) return 0;
    buffer_add_char(inner, (char)(high << 4 | low));
    return 2;
}

bool cut_unshow(bytes shown, buffer *out) {
    bool good = true;
    for (size_t at = 0; at < shown.size;) {
        bytes rest = bytes_slice(shown, at, shown.size);
        if ((unsigned char)rest.data[0] != 0xE2 || !is_sign(rest)) {
            buffer_add_char(out, rest.data[0]);
            at++;
            continue;
        }
        at += 3;
        if (bytes_starts(rest, BYTES(SHOWN_SPACE))) {
            buffer_add_char(out, ' ');
        } else if (bytes_starts(rest, BYTES(SHOWN_CAPITAL))) {
            buffer_add_char(out, (char)MARK_CAPITAL);
        } else if (bytes_starts(rest, BYTES(SHOWN_CAPITALS))) {
            buffer_add_char(out, (char)MARK_CAPITALS);
        } else {
            size_t taken = unescape(bytes_slice(rest, 3, rest.size), out);
            if (taken == 0) buffer_add_text(out, SHOWN_ESCAPE);
            good &= taken > 0;
            at += taken;
        }
    }
    return good;
}

/* unicode: UTF-8 validation, normalisation with offsets, case, classes, grapheme clusters.
 *
 * Why: PCRE2 and utf8proc each check UTF-8 on their own, at every call; here it is checked once per
 * text. And utf8proc_map returns a normalised copy without saying where its bytes came from, and
 * orders long runs of marks by exchanges, which is quadratic.
 *
 * Normalisation works on stretches. A code point starts a new stretch when it can neither be
 * reordered nor composed with anything before it (its decomposition begins with a starter that is
 * no second half of a composition). Nothing crosses the border of a stretch, so each is decomposed,
 * ordered and composed alone, and only stretches that changed leave an entry in the map:
 *
 *     raw  ... | A | e U+0301 | B | ...        spans   { raw 7..10, now 7..9 } ...
 *     now  ... | A | U+00E9   | B | ...        before, between and behind spans both run in step
 *
 * Most text never gets that far: bytes below 0x80 always start a stretch and stay, and so do code
 * points without decomposition.
 */
#include "text/unicode.h"
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* ---- UTF-8 */

static bool is_ascii_word(const char *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

/* End of the bytes below 0x80 that start at `at`. */
static size_t ascii_end(bytes text, size_t at) {
    while (at + 8 <= text.size && is_ascii_word(text.data + at)) at += 8;
    while (at < text.size && (unsigned char)text.data[at] < 0x80) at++;
    return at;
}

/* Length of the sequence at s, 0 when it is not UTF-8. The second byte has the narrow ranges that
 * rule out over-long forms (E0, F0), surrogates (ED) and points above U+10FFFF (F4). */
static size_t sequence_length(const unsigned char *s, size_t left) {
    if (s[0] < 0xC2 || s[0] > 0xF4) return 0;
    size_t length = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    if (length > left) return 0;
    unsigned low = s[0] == 0xE0 ? 0xA0 : s[0] == 0xF0 ? 0x90 : 0x80;
    unsigned high = s[0] == 0xED ? 0x9F : s[0] == 0xF4 ? 0x8F : 0xBF;
    if (s[1] < low || s[1] > high) return 0;
    for (size_t i = 2; i < length; i++) {
        if ((s[i] & 0xC0) != 0x80) return 0;
    }
    return length;
}

bool utf8_valid(bytes text, size_t *fault) {
    size_t at = 0;
    while ((at = ascii_end(text, at)) < text.size) {
        size_t length = sequence_length((const unsigned char *)text.data + at, text.size - at);
        if (length == 0) {
            if (fault) *fault = at;
            return false;
        }
        at += length;
    }
    return true;
}

int32_t utf8_decode(bytes text, size_t at, size_t *length) {
    const unsigned char *s = (const unsigned char *)text.data + at;
    size_t want = s[0] < 0x80 ? 1 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    *length = want <= text.size - at ? want : text.size - at;
    if (*length < 2 || *length < want) return s[0];
    int32_t point = s[0] & (0x7F >> want);
    for (size_t i = 1; i < want; i++) point = (int32_t)((uint32_t)point << 6 | (s[i] & 0x3Fu));
    return point;
}

size_t unicode_point_bytes(int32_t point, char out[4]) {
    utf8proc_ssize_t size = utf8proc_encode_char(point, (utf8proc_uint8_t *)out);
    return size > 0 ? (size_t)size : 0;
}

void utf8_encode(int32_t point, buffer *out) {
    char unit[4];
    buffer_add(out, unit, unicode_point_bytes(point, unit));
}

static bool continues(char c) { return ((unsigned char)c & 0xc0) == 0x80; }

bytes utf8_prefix(bytes text, size_t n) {
    size_t at = 0;
    for (; at < text.size && n > 0; n--) {
        do at++;
        while (at < text.size && continues(text.data[at]));
    }
    return bytes_slice(text, 0, at);
}

bytes utf8_suffix(bytes text, size_t n) {
    size_t at = text.size;
    for (; at > 0 && n > 0; n--) {
        do at--;
        while (at > 0 && continues(text.data[at]));
    }
    return bytes_slice(text, at, text.size);
}

size_t utf8_count(bytes text) {
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return count;
}

/* ---- normalisation */

typedef struct points {
    int32_t *at; /* [count] code points of one stretch; at + room / 2 is room for sorting */
    size_t count, room;
} points;

static const utf8proc_property_t *property(int32_t point) {
    return utf8proc_get_property(point);
}

static bool is_hangul_syllable(int32_t point) {
    return point >= 0xAC00 && point <= 0xD7A3;
}

/* Whether a code point without decomposition can't interact with what stands before it. Jamo vowels
 * and finals compose with the syllable before them; utf8proc does that outside its tables. */
static bool starts_itself(int32_t point) {
    const utf8proc_property_t *p = property(point);
    bool second = p->comb_index >= 0x8000 && p->comb_index != UINT16_MAX;
    bool jamo = (point >= 0x1161 && point <= 0x1175) || (point >= 0x11A8 && point <= 0x11C2);
    return p->combining_class == 0 && !second && !jamo;
}

static utf8proc_option_t options_of(unicode_form form) {
    utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    return form == UNICODE_NFKC ? options | UTF8PROC_COMPAT : options;
}

/* First code point of the full decomposition. The longest one has 18 points (U+FDFA). */
static int32_t first_of(int32_t point, unicode_form form) {
    int32_t part[32];
    int boundary = 0;
    if (property(point)->decomp_seqindex == UINT16_MAX) return point;
    utf8proc_ssize_t n = utf8proc_decompose_char(point, part, 32, options_of(form), &boundary);
    return n > 0 ? part[0] : point;
}

static bool starts_stretch(int32_t point, unicode_form form) {
    if (point < 0x300 || is_hangul_syllable(point)) return true;
    return starts_itself(first_of(point, form));
}

/* Whether normalisation certainly leaves a stretch of this one code point alone. */
static bool stays(int32_t point, unicode_form form) {
    if (point < 0x80 || is_hangul_syllable(point)) return true;
    if (form == UNICODE_NFC && point < 0x300) return true;
    return property(point)->decomp_seqindex == UINT16_MAX;
}

/* Stable counting sort of a run of marks by combining class: canonical ordering in linear time. */
static void order_run(int32_t *run, size_t count, int32_t *spare) {
    size_t place[257] = {0};
    for (size_t i = 0; i < count; i++) place[property(run[i])->combining_class + 1]++;
    for (size_t c = 1; c < 257; c++) place[c] += place[c - 1];
    for (size_t i = 0; i < count; i++) spare[place[property(run[i])->combining_class]++] = run[i];
    memcpy(run, spare, count * sizeof *run);
}

static void order_marks(points *p) {
    for (size_t i = 0; i < p->count;) {
        size_t end = i;
        while (end < p->count && property(p->at[end])->combining_class != 0) end++;
        if (end - i > 1) order_run(p->at + i, end - i, p->at + p->room / 2);
        i = end + 1;
    }
}

/* Decomposes the stretch into p->at. */
static int decompose(bytes stretch, unicode_form form, points *p) {
    p->count = 0;
    int boundary = 0;
    for (size_t at = 0, length; at < stretch.size; at += length) {
        /* Twice the need: the upper half is for sorting. */
        TRY(mem_grow(&p->at, &p->room, 2 * (p->count + 32), sizeof *p->at));
        int32_t point = utf8_decode(stretch, at, &length);
        utf8proc_ssize_t n =
            utf8proc_decompose_char(point, p->at + p->count, 32, options_of(form), &boundary);
        if (n > 0) p->count += (size_t)n;
    }
    return 0;
}

/* Appends the normalised stretch that begins at `raw`, and a span when it changed. */
static int add_stretch(bytes stretch, size_t raw, unicode_form form, points *p, buffer *out,
                       unicode_map *map) {
    TRY(decompose(stretch, form, p));
    order_marks(p);
    utf8proc_ssize_t n =
        utf8proc_normalize_utf32(p->at, (utf8proc_ssize_t)p->count, options_of(form));
    size_t now = out->size;
    for (utf8proc_ssize_t i = 0; i < n; i++) utf8_encode(p->at[i], out);
    if (out->failed) return RILL_ENOMEM;
    if (bytes_equal(stretch, bytes_slice(buffer_view(out), now, out->size))) return 0;
    TRY(mem_grow(&map->span, &map->room, map->count + 1, sizeof *map->span));
    map->span[map->count++] =
        (unicode_span){.raw = raw, .raw_end = raw + stretch.size, .now = now, .now_end = out->size};
    return 0;
}

/* End of the stretch at `at`, and whether it is a single code point that stays. */
static size_t stretch_end(bytes text, size_t at, unicode_form form, bool *same) {
    size_t length;
    int32_t point = utf8_decode(text, at, &length);
    size_t first = at + length, end = first;
    while (end < text.size && !starts_stretch(utf8_decode(text, end, &length), form)) {
        end += length;
    }
    *same = end == first && stays(point, form);
    return end;
}

static int normalise(bytes text, unicode_form form, points *p, buffer *out, unicode_map *map) {
    size_t copied = 0, at = 0; /* bytes before `copied` are done, from there to `at` they stay */
    while (at < text.size) {
        /* The last ASCII byte may still be composed with a mark behind it. */
        size_t ascii = ascii_end(text, at);
        at = ascii > at + 1 ? ascii - 1 : at;
        bool same;
        size_t end = stretch_end(text, at, form, &same);
        if (!same) {
            buffer_add_bytes(out, bytes_slice(text, copied, at));
            TRY(add_stretch(bytes_slice(text, at, end), at, form, p, out, map));
            copied = end;
        }
        at = end;
    }
    buffer_add_bytes(out, bytes_slice(text, copied, text.size));
    return out->failed ? RILL_ENOMEM : 0;
}

int unicode_normalise(bytes text, unicode_form form, buffer *out, unicode_map *map) {
    map->count = 0;
    if (form == UNICODE_NONE || ascii_end(text, 0) == text.size) {
        buffer_add_bytes(out, text);
        return out->failed ? RILL_ENOMEM : 0;
    }
    points p = {0};
    int status = normalise(text, form, &p, out, map);
    free(p.at);
    return status;
}

/* The last span that begins before `now`, or NULL. */
static const unicode_span *span_before(const unicode_map *map, size_t now) {
    size_t low = 0, high = map->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (map->span[middle].now < now) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low ? &map->span[low - 1] : NULL;
}

size_t unicode_raw_begin(const unicode_map *map, size_t now) {
    const unicode_span *s = span_before(map, now);
    if (!s) return now;
    return now < s->now_end ? s->raw : s->raw_end + (now - s->now_end);
}

size_t unicode_raw_end(const unicode_map *map, size_t now) {
    return unicode_raw_begin(map, unicode_whole(map, now));
}

size_t unicode_whole(const unicode_map *map, size_t now) {
    const unicode_span *s = span_before(map, now);
    return s && now < s->now_end ? s->now_end : now;
}

void unicode_map_free(unicode_map *map) {
    free(map->span);
    *map = (unicode_map){0};
}

/* ---- case */

static char ascii_lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

void unicode_lower(bytes text, buffer *out) {
    for (size_t at = 0, length; at < text.size; at += length) {
        int32_t point = utf8_decode(text, at, &length);
        if (point < 0x80) {
            buffer_add_char(out, ascii_lower((char)point));
        } else {
            utf8_encode(utf8proc_tolower(point), out);
        }
    }
}

void unicode_upper(bytes text, buffer *out) {
    for (size_t at = 0, length; at < text.size; at += length) {
        utf8_encode(utf8proc_toupper(utf8_decode(text, at, &length)), out);
    }
}

bool unicode_straighten(buffer *b) {
    static const char curved[] = "\u2019";
    const size_t width = sizeof curved - 1;
    size_t to = 0;
    for (size_t from = 0; from < b->size; to++) {
        bool hit = b->size - from >= width && !memcmp(b->data + from, curved, width);
        b->data[to] = hit ? '\'' : b->data[from];
        from += hit ? width : 1;
    }
    bool changed = to < b->size;
    b->size = to;
    return changed;
}

/* Cased letters, without the few letters that have a case by Other_Uppercase and Other_Lowercase. */
static bool is_cased(int32_t point) {
    utf8proc_category_t category = utf8proc_category(point);
    return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LT;
}

/* Case_Ignorable: marks, modifiers, formats, and what may stand inside a word. */
static bool is_case_ignorable(int32_t point) {
    static const int32_t inside[] = {'\'', '.',    ':',    0xB7,   0x387,  0x55F,  0x5F4,  0x2018,
                                     0x2019, 0x2024, 0x2027, 0xFE13, 0xFE52, 0xFE55, 0xFF07, 0xFF0E,
                                     0xFF1A};
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        if (point == inside[i]) return true;
    }
    utf8proc_category_t category = utf8proc_category(point);
    return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME ||
           category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_LM ||
           category == UTF8PROC_CATEGORY_SK;
}

/* Whether a cased letter follows behind what may be ignored. */
static bool cased_follows(bytes text, size_t at) {
    for (size_t length; at < text.size; at += length) {
        int32_t point = utf8_decode(text, at, &length);
        if (!is_case_ignorable(point)) return is_cased(point);
    }
    return false;
}

/* Looking ahead happens at a capital sigma only, and only when a letter stands before it. `cased`
 * is that: the last point that is not ignored was a cased letter. */
void unicode_lower_full(bytes text, buffer *out) {
    enum { DOTTED_I = 0x130, DOT_ABOVE = 0x307, SIGMA = 0x3A3, FINAL_SIGMA = 0x3C2 };
    bool cased = false;
    for (size_t at = 0, length; at < text.size; at += length) {
        int32_t point = utf8_decode(text, at, &length);
        bytes one = {text.data + at, length};
        if (point == DOTTED_I) {
            buffer_add_char(out, 'i');
            utf8_encode(DOT_ABOVE, out);
        } else if (point == SIGMA && cased && !cased_follows(text, at + length)) {
            utf8_encode(FINAL_SIGMA, out);
        } else {
            unicode_lower(one, out);
        }
        if (!is_case_ignorable(point)) cased = is_cased(point);
    }
}

int32_t unicode_point_lower(int32_t point) {
    return utf8proc_tolower(point);
}

int32_t unicode_point_upper(int32_t point) {
    return utf8proc_toupper(point);
}

void unicode_fold(bytes text, buffer *out) {
    for (size_t at = 0, length; at < text.size; at += length) {
        int32_t point = utf8_decode(text, at, &length), part[8];
        int boundary = 0;
        if (point < 0x80) {
            buffer_add_char(out, ascii_lower((char)point));
            continue;
        }
        utf8proc_ssize_t n = utf8proc_decompose_char(point, part, 8, UTF8PROC_CASEFOLD, &boundary);
        for (utf8proc_ssize_t i = 0; i < n; i++) utf8_encode(part[i], out);
    }
}

/* ---- classes and scripts */

unicode_class unicode_class_of(int32_t point) {
    if (point == 0x200B || point == 0xFEFF) return UNICODE_SPACE;
    utf8proc_category_t category = utf8proc_category(point);
    if (category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO) return UNICODE_PUNCT;
    if (category >= UTF8PROC_CATEGORY_SM && category <= UTF8PROC_CATEGORY_SO) return UNICODE_SYMBOL;
    if (category >= UTF8PROC_CATEGORY_ZS && category <= UTF8PROC_CATEGORY_CC) return UNICODE_SPACE;
    if (category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME) return UNICODE_MARK;
    switch (category) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LT:
        return UNICODE_UPPER;
    case UTF8PROC_CATEGORY_LL:
        return UNICODE_LOWER;
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
        return UNICODE_LETTER;
    case UTF8PROC_CATEGORY_ND:
        return UNICODE_DIGIT;
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return UNICODE_NUMBER;
    default:
        return UNICODE_OTHER;
    }
}

bool unicode_blank(bytes text) {
    for (size_t at = 0, length; at < text.size; at += length) {
        if (unicode_class_of(utf8_decode(text, at, &length)) != UNICODE_SPACE) return false;
    }
    return true;
}

bool unicode_has_space(bytes text) {
    for (size_t at = 0, length; at < text.size; at += length) {
        if (unicode_class_of(utf8_decode(text, at, &length)) == UNICODE_SPACE) return true;
    }
    return false;
}

/* Blocks of the scripts, ascending (Unicode 15). Half-width forms count as their script. */
static const struct {
    int32_t first, last;
    unicode_script script;
} blocks[] = {
    {0x0E01, 0x0E3A, SCRIPT_THAI},   {0x0E40, 0x0E5B, SCRIPT_THAI},
    {0x1100, 0x11FF, SCRIPT_HANGUL}, {0x2E80, 0x2FDF, SCRIPT_HAN},
    {0x3005, 0x3005, SCRIPT_HAN},    {0x3007, 0x3007, SCRIPT_HAN},
    {0x3021, 0x3029, SCRIPT_HAN},    {0x3038, 0x303B, SCRIPT_HAN},
    {0x3041, 0x309F, SCRIPT_KANA},   {0x30A1, 0x30FA, SCRIPT_KANA},
    {0x30FC, 0x30FF, SCRIPT_KANA},   {0x3131, 0x318E, SCRIPT_HANGUL},
    {0x31F0, 0x31FF, SCRIPT_KANA},   {0x3400, 0x4DBF, SCRIPT_HAN},
    {0x4E00, 0x9FFF, SCRIPT_HAN},    {0xA960, 0xA97F, SCRIPT_HANGUL},
    {0xAC00, 0xD7FF, SCRIPT_HANGUL}, {0xF900, 0xFAFF, SCRIPT_HAN},
    {0xFF66, 0xFF9D, SCRIPT_KANA},   {0xFFA0, 0xFFDC, SCRIPT_HANGUL},
    {0x1AFF0, 0x1B16F, SCRIPT_KANA}, {0x20000, 0x3FFFF, SCRIPT_HAN},
};

unicode_script unicode_script_of(int32_t point) {
    size_t low = 0, high = sizeof blocks / sizeof *blocks;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (point > blocks[middle].last) {
            low = middle + 1;
        } else if (point < blocks[middle].first) {
            high = middle;
        } else {
            return blocks[middle].script;
        }
    }
    return SCRIPT_OTHER;
}

/* ---- clusters and shapes */

size_t unicode_cluster(bytes text, size_t at) {
    size_t length;
    int32_t state = 0, before = utf8_decode(text, at, &length);
    for (at += length; at < text.size; at += length) {
        int32_t point = utf8_decode(text, at, &length);
        if (utf8proc_grapheme_break_stateful(before, point, &state)) break;
        before = point;
    }
    return at;
}

/* A cluster is as wide as its widest character: marks and joined emoji don't add up. */
size_t unicode_width(bytes text) {
    size_t width = 0;
    for (size_t at = 0, end; at < text.size; at = end) {
        int widest = 0;
        end = unicode_cluster(text, at);
        for (size_t length; at < end; at += length) {
            int own = utf8proc_charwidth(utf8_decode(text, at, &length));
            if (own > widest) widest = own;
        }
        width += (size_t)widest;
    }
    return width;
}

void unicode_shape(bytes word, buffer *out) {
    int32_t last = -1;
    for (size_t at = 0, length; at < word.size; at += length) {
        int32_t point = utf8_decode(word, at, &length), sign = point;
        switch (unicode_class_of(point)) {
        case UNICODE_UPPER:
            sign = 'X';
            break;
        case UNICODE_LOWER:
            sign = 'x';
            break;
        case UNICODE_LETTER:
            sign = 'o';
            break;
        case UNICODE_DIGIT:
            sign = 'd';
            break;
        case UNICODE_MARK:
            continue;
        default:
            break;
        }
        if (sign != last) utf8_encode(sign, out);
        last = sign;
    }
}

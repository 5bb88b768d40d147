/* metric_segment: the tokenizers of sacreBLEU, rewritten as passes over code points.
 *
 * The reference tools substitute patterns one after the other, and what a later pattern sees
 * depends on the blanks that an earlier one put in. So the passes here keep the order and the habit
 * of patterns to match from left to right without overlap: in "a.." the first point is cut off by
 * the pattern "no digit, then a point", and the second is not, since its neighbour is used up.
 *
 *     13a     each of the marks below gets blanks on both sides, then
 *             [no digit][. or ,] -> "x . "    [. or ,][no digit] -> " . x"    [digit]- -> "1 - "
 *     intl    [no number][punctuation] -> "x ! "    [punctuation][no number] -> " ! x"
 *             [symbol] -> " + "
 *
 * Two arrays take turns: `point` is read, `spare` is written, and they change places. A pass makes
 * at most three code points of one.
 *
 * Sources: the behaviour of NIST's mteval-v13a and mteval-v14 as sacreBLEU documents it (Post 2018,
 * A call for clarity in reporting BLEU scores).
 */
#include "model/metric_segment.h"
#include "text/unicode.h"
#include <stdlib.h>
#include <string.h>

typedef bool kind(int32_t point);

static const char *const names[] = {"13a", "intl", "char", "none", "zh"};

const char *segment_name(segment_tokenizer tokenizer) {
    return names[tokenizer];
}

bool segment_find(bytes name, segment_tokenizer *result) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!bytes_equal(name, bytes_of(names[i]))) continue;
        *result = (segment_tokenizer)i;
        return true;
    }
    return false;
}

/* ---- kinds of characters */

/* What Python splits at; not the same as Unicode's White_Space. */
static bool is_space(int32_t c) {
    return (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 ||
           c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
           c == 0x202F || c == 0x205F || c == 0x3000;
}

static bool is_digit(int32_t c) {
    return c >= '0' && c <= '9';
}

static bool not_digit(int32_t c) {
    return !is_digit(c);
}

static bool is_point(int32_t c) {
    return c == '.' || c == ',';
}

static bool is_dash(int32_t c) {
    return c == '-';
}

/* ASCII marks that 13a always cuts off: all but ' , - . */
static bool is_western_mark(int32_t c) {
    return (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') || c == '/' || (c >= ':' && c <= '@') ||
           (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

static bool is_ascii_mark(int32_t c) {
    return c > ' ' && (is_western_mark(c) || c == '\'' || is_point(c) || is_dash(c));
}

static bool not_number(int32_t c) {
    unicode_class class = unicode_class_of(c);
    return class != UNICODE_DIGIT && class != UNICODE_NUMBER;
}

static bool is_punct(int32_t c) {
    return unicode_class_of(c) == UNICODE_PUNCT;
}

static bool is_symbol(int32_t c) {
    return unicode_class_of(c) == UNICODE_SYMBOL;
}

/* What sacreBLEU takes for Chinese. Its two ranges of the supplementary planes are written with
 * four digits too few and mean U+2001..2A6D and U+2F81..2FA1; they are kept for the sake of equal
 * scores, the planes themselves are not cut. */
static bool is_chinese(int32_t c) {
    static const int32_t range[][2] = {
        {0x2001, 0x2A6D}, {0x2E80, 0x2FDF}, {0x2FF0, 0x303F}, {0x3100, 0x312F}, {0x31A0, 0x31BF},
        {0x31C0, 0x31EF}, {0x3200, 0x4DB5}, {0x4E00, 0x9FBB}, {0xF900, 0xFA2D}, {0xFA30, 0xFA6A},
        {0xFA70, 0xFAD9}, {0xFE10, 0xFE1F}, {0xFE30, 0xFE4F}, {0xFF00, 0xFFEF},
    };
    for (size_t i = 0; i < sizeof range / sizeof *range; i++) {
        if (c >= range[i][0] && c <= range[i][1]) return true;
    }
    return false;
}

/* ---- passes */

/* Room for what a pass writes. */
static int pass_begin(segment *s) {
    size_t most;
    if (!size_mul(s->count, 3, &most) || !size_add(most, 2, &most)) return RILL_ENOMEM;
    return mem_grow(&s->spare, &s->spare_room, most, sizeof *s->spare);
}

/* What was written, `count` code points, becomes the line. */
static void pass_end(segment *s, size_t count) {
    int32_t *point = s->point;
    size_t room = s->room;
    s->point = s->spare;
    s->room = s->spare_room;
    s->count = count;
    s->spare = point;
    s->spare_room = room;
}

/* Blanks on both sides of every character of a kind. */
static int surround(segment *s, kind *is) {
    size_t n = 0;
    TRY(pass_begin(s));
    for (size_t i = 0; i < s->count; i++) {
        bool cut = is(s->point[i]);
        if (cut) s->spare[n++] = ' ';
        s->spare[n++] = s->point[i];
        if (cut) s->spare[n++] = ' ';
    }
    pass_end(s, n);
    return 0;
}

/* A blank inside every pair of such neighbours, and one before or behind the pair. */
static int part(segment *s, kind *left, kind *right, bool before) {
    size_t n = 0;
    TRY(pass_begin(s));
    for (size_t i = 0; i < s->count; i++) {
        if (i + 1 == s->count || !left(s->point[i]) || !right(s->point[i + 1])) {
            s->spare[n++] = s->point[i];
            continue;
        }
        if (before) s->spare[n++] = ' ';
        s->spare[n++] = s->point[i++];
        s->spare[n++] = ' ';
        s->spare[n++] = s->point[i];
        if (!before) s->spare[n++] = ' ';
    }
    pass_end(s, n);
    return 0;
}

static bool stands_at(const segment *s, size_t at, const char *what) {
    for (; *what; at++, what++) {
        if (at >= s->count || s->point[at] != (unsigned char)*what) return false;
    }
    return true;
}

/* Replaces an ASCII text by another that is no longer. */
static int replace(segment *s, const char *what, const char *with) {
    size_t n = 0;
    TRY(pass_begin(s));
    for (size_t i = 0; i < s->count;) {
        if (!stands_at(s, i, what)) {
            s->spare[n++] = s->point[i++];
            continue;
        }
        for (const char *c = with; *c; c++) s->spare[n++] = (unsigned char)*c;
        i += strlen(what);
    }
    pass_end(s, n);
    return 0;
}

/* Entities of HTML, one after the other: "&amp;lt;" ends as "<". */
static int unescape(segment *s) {
    static const char *const row[][2] = {{"<skipped>", ""}, {"-\n", ""},    {"\n", " "},
                                         {"&quot;", "\""},  {"&amp;", "&"}, {"&lt;", "<"},
                                         {"&gt;", ">"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) TRY(replace(s, row[i][0], row[i][1]));
    return 0;
}

/* A blank at both ends, so that a point at an end has a neighbour. */
static int pad(segment *s) {
    TRY(pass_begin(s));
    s->spare[0] = ' ';
    if (s->count) memcpy(s->spare + 1, s->point, s->count * sizeof *s->point);
    s->spare[s->count + 1] = ' ';
    pass_end(s, s->count + 2);
    return 0;
}

/* What 13a and zh share. */
static int western(segment *s) {
    TRY(surround(s, is_western_mark));
    TRY(part(s, not_digit, is_point, false));
    TRY(part(s, is_point, not_digit, true));
    return part(s, is_digit, is_dash, false);
}

static int international(segment *s) {
    TRY(part(s, not_number, is_punct, false));
    TRY(part(s, is_punct, not_number, true));
    return surround(s, is_symbol);
}

/* ---- lines and tokens */

int segment_line(segment *s, bytes line, bool lower) {
    if (lower) {
        buffer_clear(&s->lower);
        unicode_lower_full(line, &s->lower);
        TRY(buffer_status(&s->lower, NULL));
        line = buffer_view(&s->lower);
    }
    TRY(mem_grow(&s->point, &s->room, line.size, sizeof *s->point));
    s->count = s->tokens = 0;
    for (size_t at = 0, length; at < line.size; at += length) {
        s->point[s->count++] = utf8_decode(line, at, &length);
    }
    return 0;
}

static int add_token(segment *s, size_t begin, size_t end) {
    TRY(mem_grow(&s->token, &s->token_room, s->tokens + 1, sizeof *s->token));
    s->token[s->tokens++] = (segment_range){begin, end};
    return 0;
}

/* 13a pads a line, zh takes the blanks away: ".5" stays whole there, " .5" would not. */
static void strip_start(segment *s) {
    size_t at = 0;
    while (at < s->count && is_space(s->point[at])) at++;
    if (at) memmove(s->point, s->point + at, (s->count - at) * sizeof *s->point);
    s->count -= at;
}

/* The next piece without white space from *at on; false at the end. */
static bool next_piece(const segment *s, size_t *at, segment_range *piece) {
    while (*at < s->count && is_space(s->point[*at])) ++*at;
    piece->begin = *at;
    while (*at < s->count && !is_space(s->point[*at])) ++*at;
    piece->end = *at;
    return piece->end > piece->begin;
}

static int rewrite(segment *s, segment_tokenizer tokenizer) {
    while (s->count && is_space(s->point[s->count - 1])) s->count--;
    switch (tokenizer) {
    case SEGMENT_13A:
        TRY(unescape(s));
        TRY(pad(s));
        return western(s);
    case SEGMENT_INTL:
        return international(s);
    case SEGMENT_ZH:
        strip_start(s);
        TRY(surround(s, is_chinese));
        return western(s);
    default:
        return 0;
    }
}

int segment_cut(segment *s, segment_tokenizer tokenizer) {
    segment_range piece;
    TRY(rewrite(s, tokenizer));
    s->tokens = 0;
    for (size_t at = 0; next_piece(s, &at, &piece);) {
        if (tokenizer != SEGMENT_CHAR) {
            TRY(add_token(s, piece.begin, piece.end));
            continue;
        }
        for (size_t i = piece.begin; i < piece.end; i++) TRY(add_token(s, i, i + 1));
    }
    return 0;
}

int segment_words(segment *s) {
    segment_range w;
    s->tokens = 0;
    for (size_t at = 0; next_piece(s, &at, &w);) {
        size_t cut = w.end;
        if (w.end - w.begin > 1) {
            if (is_ascii_mark(s->point[w.end - 1])) {
                cut = w.end - 1;
            } else if (is_ascii_mark(s->point[w.begin])) {
                cut = w.begin + 1;
            }
        }
        TRY(add_token(s, w.begin, cut));
        if (cut < w.end) TRY(add_token(s, cut, w.end));
    }
    return 0;
}

void segment_squeeze(segment *s) {
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (!is_space(s->point[i])) s->point[n++] = s->point[i];
    }
    s->count = n;
}

bytes segment_token(const segment *s, size_t token) {
    segment_range t = s->token[token];
    return (bytes){(const char *)(s->point + t.begin), (t.end - t.begin) * sizeof *s->point};
}

void segment_free(segment *s) {
    free(s->point);
    free(s->spare);
    free(s->token);
    buffer_free(&s->lower);
    *s = (segment){0};
}

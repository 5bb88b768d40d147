/* metric_ud: scores of a text that the system cut into sentences, tokens and words by itself, as
 * the CoNLL 2018 shared task (Zeman et al. 2018) counted them with conll18_ud_eval.py, version 1.2.
 *
 * Positions count the characters (code points) of all tokens one after the other, without spaces
 * (category Zs); the two sides must agree on them. Tokens and sentences are right when their range
 * is. Words are aligned:
 *
 *     gold    |The| |dog| |didn't        |   words  The dog did n't     region of the multiword
 * token: system  |The| |dog| |did  |  |n't  |   words  The dog did n't     did n't against did n't
 *
 * Outside multiword tokens words align when their ranges are equal. Around multiword tokens of
 * either side stands the smallest region that no multiword token of the two sticks out of; in it
 * words align by a longest common subsequence of their lower-cased forms. UPOS, XPOS, FEATS and
 * AllTags are right on aligned words with equal labels, divided by all words of gold (recall) or of
 * the system (precision). FEATS, also inside AllTags, are cut to the 21 universal features and
 * sorted.
 *
 * Memory: strings are copied to an arena of each side; ranges and words are growable arrays.
 */
#include "model/metric.h"
#include "text/unicode.h"
#include <stdlib.h>
#include <string.h>

typedef struct ud_range {
    size_t begin, end;
} ud_range;

typedef struct ud_word {
    ud_range at; /* of the whole token where the word is one of several */
    bool multiword;
    bytes form; /* lower case */
    bytes upos, xpos, feats;
} ud_word;

struct metric_ud {
    arena strings;
    buffer text; /* characters of all tokens */
    buffer scratch;
    size_t chars; /* their number */
    size_t sentence_begin;
    ud_range *token, *sentence;
    size_t tokens, token_room, sentences, sentence_room;
    ud_word *word;
    size_t words, word_room;
};

/* ---- building */

int metric_ud_new(metric_ud **out) {
    *out = mem_new(1, sizeof **out);
    return *out ? 0 : RILL_ENOMEM;
}

void metric_ud_free(metric_ud *u) {
    if (!u) return;
    arena_free(&u->strings);
    buffer_free(&u->text);
    buffer_free(&u->scratch);
    free(u->token);
    free(u->sentence);
    free(u->word);
    free(u);
}

/* Unicode's general category Zs. */
static bool is_space(int32_t point) {
    return point == 0x20 || point == 0xa0 || point == 0x1680 ||
           (point >= 0x2000 && point <= 0x200a) || point == 0x202f || point == 0x205f ||
           point == 0x3000;
}

static int text_copy(metric_ud *u, bytes text, bytes *out) {
    char *copy = arena_alloc(&u->strings, text.size + 1, 1);
    if (!copy) return RILL_ENOMEM;
    if (text.size) memcpy(copy, text.data, text.size);
    *out = (bytes){copy, text.size};
    return 0;
}

static int text_lower(metric_ud *u, bytes text, bytes *out) {
    buffer_clear(&u->scratch);
    unicode_lower(text, &u->scratch);
    TRY(buffer_status(&u->scratch, NULL));
    return text_copy(u, buffer_view(&u->scratch), out);
}

static bool is_universal(bytes feature) {
    static const char *const names[] = {
        "PronType", "NumType", "Poss",  "Reflex",   "Foreign",  "Abbr",     "Gender",
        "Animacy",  "Number",  "Case",  "Definite", "Degree",   "VerbForm", "Mood",
        "Tense",    "Aspect",  "Voice", "Evident",  "Polarity", "Person",   "Polite"};
    bytes name;
    bytes_split(&feature, '=', &name);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (bytes_equal(name, bytes_of(names[i]))) return true;
    }
    return false;
}

static int bytes_order(const void *left, const void *right) {
    return bytes_compare(*(const bytes *)left, *(const bytes *)right);
}

/* "B=1|A=2|Odd=3" with A and B universal becomes "A=2|B=1". */
static int feats_copy(metric_ud *u, bytes feats, bytes *out) {
    size_t most = 1, count = 0, size = 0;
    for (size_t i = 0; i < feats.size; i++) most += feats.data[i] == '|';
    char *text = arena_alloc(&u->strings, feats.size + 1, 1);
    arena_mark mark = arena_here(&u->strings);
    bytes *kept = arena_alloc(&u->strings, most, sizeof *kept), field;
    if (!text || !kept) return RILL_ENOMEM;
    while (bytes_split(&feats, '|', &field)) {
        if (is_universal(field)) kept[count++] = field;
    }
    if (count) qsort(kept, count, sizeof *kept, bytes_order);
    for (size_t i = 0; i < count; i++) {
        if (i) text[size++] = '|';
        memcpy(text + size, kept[i].data, kept[i].size);
        size += kept[i].size;
    }
    arena_back(&u->strings, mark);
    *out = (bytes){text, size};
    return 0;
}

static int word_add(metric_ud *u, const metric_ud_word *in, ud_range at, bool multiword,
                    bytes form) {
    ud_word w = {.at = at, .multiword = multiword};
    TRY(mem_grow(&u->word, &u->word_room, u->words + 1, sizeof *u->word));
    TRY(text_lower(u, form, &w.form));
    TRY(text_copy(u, in->upos, &w.upos));
    TRY(text_copy(u, in->xpos, &w.xpos));
    TRY(feats_copy(u, in->feats, &w.feats));
    u->word[u->words++] = w;
    return 0;
}

/* Appends the characters of a surface to the text; false if it has none or is not UTF-8. */
static bool surface_add(metric_ud *u, bytes surface) {
    size_t before = u->chars, length;
    if (!utf8_valid(surface, NULL)) return false;
    for (size_t at = 0; at < surface.size; at += length) {
        if (is_space(utf8_decode(surface, at, &length))) continue;
        buffer_add(&u->text, surface.data + at, length);
        u->chars++;
    }
    return u->chars > before;
}

int metric_ud_token(metric_ud *u, bytes surface, const metric_ud_word *word, size_t words,
                    rill_error *error) {
    ud_range at = {u->chars, 0};
    size_t text_before = u->text.size;
    if (words == 0 || !surface_add(u, surface)) {
        return status_fail(error, RILL_EDATA, "token %zu is empty or not UTF-8", u->tokens + 1);
    }
    if (buffer_status(&u->text, NULL) < 0) return status_nomem(error);
    at.end = u->chars;
    if (mem_grow(&u->token, &u->token_room, u->tokens + 1, sizeof *u->token) < 0) {
        return status_nomem(error);
    }
    u->token[u->tokens++] = at;
    for (size_t i = 0; i < words; i++) {
        bytes form = word[i].form;
        if (words == 1) form = bytes_slice(buffer_view(&u->text), text_before, u->text.size);
        if (word_add(u, &word[i], at, words > 1, form) < 0) return status_nomem(error);
    }
    return 0;
}

int metric_ud_sentence(metric_ud *u) {
    if (u->chars == u->sentence_begin) return 0;
    TRY(mem_grow(&u->sentence, &u->sentence_room, u->sentences + 1, sizeof *u->sentence));
    u->sentence[u->sentences++] = (ud_range){u->sentence_begin, u->chars};
    u->sentence_begin = u->chars;
    return 0;
}

/* ---- scoring */

static metric_counts ranges_score(const ud_range *gold, size_t golds, const ud_range *system,
                                  size_t systems) {
    metric_counts c = {(int64_t)golds, (int64_t)systems, 0};
    for (size_t g = 0, s = 0; g < golds && s < systems;) {
        if (gold[g].begin < system[s].begin) {
            g++;
        } else if (gold[g].begin > system[s].begin) {
            s++;
        } else {
            c.right += gold[g++].end == system[s++].end;
        }
    }
    return c;
}

/* The two sides of an alignment and where it stands. */
typedef struct ud_side {
    const ud_word *word;
    size_t count, next;
} ud_side;

static const ud_word *side_word(const ud_side *s) {
    return s->next < s->count ? &s->word[s->next] : NULL;
}

/* Whether the next word stands beyond a region that ends at `end`: a word of a multiword token when
 * it begins there or later, another already when it sticks out. */
static bool side_beyond(const ud_side *s, size_t end) {
    const ud_word *w = side_word(s);
    return !w || (w->multiword ? w->at.begin >= end : w->at.end > end);
}

/* Takes the next word into the region, which grows by a multiword token that reaches further. */
static void side_take(ud_side *s, size_t *end) {
    const ud_word *w = &s->word[s->next++];
    if (w->multiword && w->at.end > *end) *end = w->at.end;
}

/* The next word of a or b belongs to a multiword token. Moves both behind the region around it; the
 * region's words are [*first_a, a->next) and [*first_b, b->next). */
static void region_find(ud_side *a, ud_side *b, size_t *first_a, size_t *first_b) {
    const ud_word *left = side_word(a), *right = side_word(b);
    ud_side *other = left->multiword ? b : a; /* its word may begin before the multiword token */
    const ud_word *many = left->multiword ? left : right, *one = left->multiword ? right : left;
    size_t end = many->at.end;
    if (!one->multiword && one->at.begin < many->at.begin) other->next++;
    *first_a = a->next;
    *first_b = b->next;
    while (!side_beyond(a, end) || !side_beyond(b, end)) {
        left = side_word(a);
        right = side_word(b);
        side_take(left && (!right || left->at.begin <= right->at.begin) ? a : b, &end);
    }
}

static void pair_score(const ud_word *gold, const ud_word *system, metric_ud_scores *out) {
    bool upos = bytes_equal(gold->upos, system->upos), xpos = bytes_equal(gold->xpos, system->xpos);
    bool feats = bytes_equal(gold->feats, system->feats);
    out->words.right++;
    out->upos.right += upos;
    out->xpos.right += xpos;
    out->feats.right += feats;
    out->all_tags.right += upos && xpos && feats;
}

/* Longest common subsequence of the forms of gold[0..m) and system[0..n): length[g][s] is that of
 * the rests from g and s on, in a table of (m+1) x (n+1). Walks along one of the longest. */
static int region_align(const ud_word *gold, size_t m, const ud_word *system, size_t n,
                        metric_ud_scores *out, rill_error *error) {
    enum { MOST = 1 << 26 }; /* cells: a region is a few words, unless somebody tries */
    size_t row = n + 1, cells;
    if (!size_mul(m + 1, row, &cells) || cells > MOST) {
        return status_fail(error, RILL_ELIMIT,
                           "a multiword region of %zu gold and %zu system words is too large", m,
                           n);
    }
    uint32_t *length = mem_new(cells, sizeof *length);
    if (!length) return status_nomem(error);
    for (size_t g = m; g-- > 0;) {
        for (size_t s = n; s-- > 0;) {
            uint32_t down = length[(g + 1) * row + s], across = length[g * row + s + 1];
            uint32_t best = down > across ? down : across;
            if (bytes_equal(gold[g].form, system[s].form)) {
                uint32_t both = length[(g + 1) * row + s + 1] + 1;
                if (both > best) best = both;
            }
            length[g * row + s] = best;
        }
    }
    for (size_t g = 0, s = 0; g < m && s < n;) {
        if (bytes_equal(gold[g].form, system[s].form)) {
            pair_score(&gold[g++], &system[s++], out);
        } else if (length[g * row + s] == length[(g + 1) * row + s]) {
            g++;
        } else {
            s++;
        }
    }
    free(length);
    return 0;
}

static int words_align(ud_side gold, ud_side system, metric_ud_scores *out, rill_error *error) {
    while (side_word(&gold) && side_word(&system)) {
        const ud_word *g = side_word(&gold), *s = side_word(&system);
        if (g->multiword || s->multiword) {
            size_t gs, ss;
            region_find(&gold, &system, &gs, &ss);
            TRY(region_align(gold.word + gs, gold.next - gs, system.word + ss, system.next - ss,
                             out, error));
        } else if (g->at.begin == s->at.begin && g->at.end == s->at.end) {
            pair_score(g, s, out);
            gold.next++;
            system.next++;
        } else if (g->at.begin <= s->at.begin) {
            gold.next++;
        } else {
            system.next++;
        }
    }
    return 0;
}

bool metric_ud_agree(const metric_ud *a, const metric_ud *b, size_t *at) {
    bytes x = buffer_view(&a->text), y = buffer_view(&b->text);
    const size_t from = *at;
    *at = x.size;
    return x.size == y.size && bytes_equal(bytes_slice(x, from, x.size), bytes_slice(y, from, y.size));
}

/* The two texts must be one; otherwise says in which sentence of gold they part. */
static int texts_compare(const metric_ud *gold, const metric_ud *system, rill_error *error) {
    bytes a = buffer_view(&gold->text), b = buffer_view(&system->text);
    if (bytes_equal(a, b)) return 0;
    size_t at = 0, sentence = 0;
    while (at < a.size && at < b.size && a.data[at] == b.data[at]) at++;
    size_t chars = utf8_count(bytes_slice(a, 0, at));
    while (sentence < gold->sentences && gold->sentence[sentence].end <= chars) sentence++;
    return status_fail(error, RILL_EDATA,
                       "gold and system are different texts from character %zu on (spaces not "
                       "counted), in sentence %zu of gold",
                       chars + 1, sentence + 1);
}

int metric_ud_score(const metric_ud *gold, const metric_ud *system, metric_ud_scores *out,
                    rill_error *error) {
    TRY(texts_compare(gold, system, error));
    metric_counts words = {(int64_t)gold->words, (int64_t)system->words, 0};
    *out = (metric_ud_scores){
        .tokens = ranges_score(gold->token, gold->tokens, system->token, system->tokens),
        .sentences =
            ranges_score(gold->sentence, gold->sentences, system->sentence, system->sentences),
        .words = words,
        .upos = words,
        .xpos = words,
        .feats = words,
        .all_tags = words};
    return words_align((ud_side){gold->word, gold->words, 0},
                       (ud_side){system->word, system->words, 0}, out, error);
}

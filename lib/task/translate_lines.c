/* translate_lines: see translate_lines.h. */
#include "task/translate_lines.h"
#include "model/heat.h"

#include <stdlib.h>
#include <string.h>

/* The units of one line. */
typedef struct cut {
    int32_t *id; /* [count] */
    subword_item *item;
    int32_t count;
} cut;

struct translate_worker {
    const translate_run *run;
    translate_session *session;
    subword_session *units[SIDES];
    subword_list list;
    arena memory; /* of the present lines */
    const translate_line *line;
    cut *source, *prefix;   /* [count] */
    search_result *results; /* [asked], in the order of lines that are not blank */
    int32_t *place;         /* [count] position among them, -1: blank */
};

int translate_worker_new(const translate_run *run, translate_worker **out, rill_error *error) {
    translate_worker *w = mem_new(1, sizeof *w);
    if (!w) return status_nomem(error);
    w->run = run;
    int status = run->net ? translate_session_train(run->net, run->o, &w->session, error)
                          : translate_session_new(run->models, run->count, run->o, &w->session,
                                                  error);
    if (status == 0) status = subword_session_new(run->lexicon->source, &w->units[SOURCE], error);
    if (status == 0) status = subword_session_new(run->lexicon->target, &w->units[TARGET], error);
    if (status < 0) {
        translate_worker_free(w);
        return status;
    }
    *out = w;
    return 0;
}

void translate_worker_free(translate_worker *w) {
    if (!w) return;
    translate_session_free(w->session);
    subword_session_free(w->units[SOURCE]);
    subword_session_free(w->units[TARGET]);
    subword_list_free(&w->list);
    arena_free(&w->memory);
    free(w);
}

size_t translate_cost(bytes line) {
    enum { UNIT_BYTES = 4, BESIDE = 8 }; /* every line has a beam's worth of scores, however short */
    return BESIDE + line.size / UNIT_BYTES;
}

size_t translate_portion(const translate_options *o, int64_t batch) {
    enum { USUAL = 5 };
    int64_t beam = o->mbr > o->nbest ? o->mbr : o->nbest;
    if (o->beam > beam && !o->sample) beam = o->beam;
    if (batch > 0) return (size_t)batch;
    return (size_t)(TRANSLATE_PORTION * USUAL / (beam > USUAL ? beam : USUAL));
}

static const subword *units_of(const translate_worker *w, int side) {
    return side == SOURCE ? w->run->lexicon->source : w->run->lexicon->target;
}

/* ---- lines to units */

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* subword-nmt writes x@@ for the unit x and x for x</w>, which ends a word. */
static const char joined_sign[] = "@@", ended_sign[] = "</w>";

static bool is_nmt(const subword *s) { return subword_settings(s)->format == SUBWORD_NMT; }

static bool ends_with(bytes text, const char *sign) {
    bytes end = bytes_of(sign);
    return text.size >= end.size &&
           bytes_equal(bytes_slice(text, text.size - end.size, text.size), end);
}

/* The unit of subword-nmt that is written so. */
static int inner_unit(arena *a, bytes *shown) {
    if (ends_with(*shown, joined_sign)) {
        *shown = bytes_slice(*shown, 0, shown->size - strlen(joined_sign));
        return 0;
    }
    char *text = arena_alloc(a, shown->size + strlen(ended_sign), 1);
    if (!text) return RILL_ENOMEM;
    memcpy(text, shown->data, shown->size);
    memcpy(text + shown->size, ended_sign, strlen(ended_sign));
    *shown = (bytes){text, shown->size + strlen(ended_sign)};
    return 0;
}

/* A unit that comes in as such; nobody can write a begin or an end. */
static int find_unit(translate_worker *w, const subword *s, bytes shown, int32_t *id) {
    arena_mark mark = arena_here(&w->memory);
    if (is_nmt(s)) TRY(inner_unit(&w->memory, &shown));
    *id = subword_find(s, shown);
    if (*id < SUBWORD_SPECIALS) *id = SUBWORD_UNKNOWN;
    arena_back(&w->memory, mark);
    return 0;
}

/* Units that come in as such, with blanks between them. */
static int cut_units(translate_worker *w, int side, bytes text) {
    subword_list *list = &w->list;
    list->count = 0;
    for (size_t at = 0; at < text.size;) {
        size_t begin = at;
        while (at < text.size && !is_blank(text.data[at])) at++;
        if (at > begin) {
            int32_t id;
            TRY(find_unit(w, units_of(w, side), bytes_slice(text, begin, at), &id));
            TRY(mem_grow(&list->item, &list->room, list->count + 1, sizeof *list->item));
            list->item[list->count++] = (subword_item){id, begin, at};
        }
        while (at < text.size && is_blank(text.data[at])) at++;
    }
    return 0;
}

static int cut_line(translate_worker *w, int side, bytes text, cut *out, rill_error *error) {
    if (w->run->o->pretokenized) {
        if (cut_units(w, side, text) < 0) return status_nomem(error);
    } else {
        TRY(subword_encode(w->units[side], text, NULL, &w->list, error));
    }
    size_t n = w->list.count;
    if (n > INT32_MAX / 4) return status_fail(error, RILL_ELIMIT, "the line is too long");
    *out = (cut){.count = (int32_t)n};
    out->id = arena_alloc(&w->memory, n, sizeof *out->id);
    out->item = arena_alloc(&w->memory, n, sizeof *out->item);
    if (!out->id || !out->item) return status_nomem(error);
    if (n > 0) memcpy(out->item, w->list.item, n * sizeof *out->item);
    for (size_t i = 0; i < n; i++) out->id[i] = w->list.item[i].id;
    return 0;
}

/* Cuts the lines; the ones that are not blank become sources. */
static int cut_lines(translate_worker *w, const translate_line *line, size_t count, cut *target,
                     translate_source *source, size_t *asked, size_t *faulty, rill_error *error) {
    *asked = 0;
    for (size_t i = 0; i < count; i++) {
        *faulty = i;
        w->place[i] = -1;
        w->source[i] = (cut){0};
        target[i] = (cut){0};
        if (unicode_blank(line[i].source)) continue;
        TRY(cut_line(w, SOURCE, line[i].source, &w->source[i], error));
        if (line[i].target.size > 0) TRY(cut_line(w, TARGET, line[i].target, &target[i], error));
        if (w->source[i].count == 0) continue;
        w->place[i] = (int32_t)*asked;
        source[(*asked)++] = (translate_source){.id = w->source[i].id,
                                                .count = w->source[i].count,
                                                .prefix = target[i].id,
                                                .prefix_length = target[i].count,
                                                .name = line[i].name};
    }
    return 0;
}

static int begin_lines(translate_worker *w, const translate_line *line, size_t count, cut **target,
                       translate_source **source, size_t *asked, size_t *faulty,
                       rill_error *error) {
    arena_reset(&w->memory);
    w->line = line;
    w->source = arena_alloc(&w->memory, count, sizeof *w->source);
    w->place = arena_alloc(&w->memory, count, sizeof *w->place);
    *target = arena_alloc(&w->memory, count, sizeof **target);
    *source = arena_alloc(&w->memory, count, sizeof **source);
    if (!w->source || !w->place || !*target || !*source) return status_nomem(error);
    return cut_lines(w, line, count, *target, *source, asked, faulty, error);
}

int translate_worker_run(translate_worker *w, const translate_line *line, size_t count,
                         size_t *faulty, rill_error *error) {
    translate_source *source;
    cut *target;
    size_t asked;
    *faulty = 0;
    TRY(begin_lines(w, line, count, &target, &source, &asked, faulty, error));
    w->results = arena_zero(&w->memory, asked, sizeof *w->results);
    if (!w->results) return status_nomem(error);
    w->prefix = target;
    return translate_session_run(w->session, source, asked, w->results, error);
}

const search_result *translate_worker_result(const translate_worker *w, size_t i) {
    static const search_result none = {0};
    return w->place[i] < 0 ? &none : &w->results[w->place[i]];
}

bool translate_worker_blank(const translate_worker *w, size_t i) { return w->place[i] < 0; }

int translate_worker_score(translate_worker *w, const translate_line *line, size_t count,
                           translate_scored *out, size_t *faulty, rill_error *error) {
    translate_source *source;
    cut *target;
    size_t asked;
    *faulty = 0;
    TRY(begin_lines(w, line, count, &target, &source, &asked, faulty, error));
    translate_pair *pair = arena_alloc(&w->memory, asked, sizeof *pair);
    if (!pair) return status_nomem(error);
    for (size_t i = 0; i < count; i++) {
        if (w->place[i] < 0) continue;
        pair[w->place[i]] = (translate_pair){.source = source[w->place[i]],
                                             .target = target[i].id,
                                             .length = target[i].count};
    }
    TRY(translate_session_score(w->session, pair, asked, error));
    for (size_t i = 0; i < count; i++) {
        const translate_pair *p = w->place[i] < 0 ? NULL : &pair[w->place[i]];
        out[i] = p ? (translate_scored){p->logp, p->score, p->length + 1} : (translate_scored){0};
    }
    return 0;
}

/* ---- answers to text */

static int32_t best_of(const real *x, int32_t n) {
    int32_t best = 0;
    for (int32_t i = 1; i < n; i++) best = x[i] > x[best] ? i : best;
    return best;
}

/* The source unit that unit k of an answer looked at most, of those that are more than a blank; or NULL. */
static const subword_item *looked_at(const translate_worker *w, size_t i, const search_answer *a,
                                     int k) {
    const cut *c = &w->source[i];
    const real *x = a->attention + (size_t)k * ((size_t)c->count + 1);
    int32_t best = -1;
    for (int32_t u = 0; u < c->count; u++) {
        bytes text = bytes_slice(w->line[i].source, c->item[u].begin, c->item[u].end);
        if ((best < 0 || x[u] > x[best]) && !unicode_blank(text)) best = u;
    }
    return best < 0 ? NULL : &c->item[best];
}

/* An unknown word of the answer stands for the blank before it as well; there is none where the
 * source has that word glued to its neighbour. */
static bool wants_blank(const translate_worker *w, size_t i, const subword_item *item) {
    bool word = subword_settings(units_of(w, TARGET))->kind == SUBWORD_WORD;
    bool apart = item->begin == 0 || is_blank(w->line[i].source.data[item->begin]);
    return word && apart && !w->run->o->pretokenized;
}

/* The text with blanks around it, `front` and `back` of them. */
static bytes spaced(translate_worker *w, bytes raw, size_t front, size_t back, buffer *out) {
    char *text = arena_alloc(&w->memory, front + raw.size + back, 1);
    if (!text) {
        out->failed = true;
        return raw;
    }
    memset(text, ' ', front + raw.size + back);
    if (raw.size > 0) memcpy(text + front, raw.data, raw.size);
    return (bytes){text, front + raw.size + back};
}

/* Units of the answer have the blank behind them, not before: those of subword-nmt. An unknown one is
 * taken for the end of its word. */
static bool ends_words(const translate_worker *w) {
    return is_nmt(units_of(w, TARGET)) && !w->run->o->pretokenized;
}

/* The source text that unknown unit k looked at most, or its meaning in the dictionary; with a blank
 * before it where there is to be one. */
static bytes replacement(translate_worker *w, size_t i, const search_answer *a, int k, buffer *out) {
    const subword_item *item = looked_at(w, i, a, k);
    if (!item) return (bytes){0};
    bytes raw = bytes_trim(bytes_slice(w->line[i].source, item->begin, item->end));
    if (w->run->dictionary) raw = translate_dictionary_find(w->run->dictionary, raw);
    const bool front = k > 0 && wants_blank(w, i, item), back = ends_words(w);
    return front || back ? spaced(w, raw, front, back, out) : raw;
}

/* What the prefix has in the place of its unknown unit k. Characters that normalising made of one
 * stretch have that stretch once; a unit of subword-nmt that ends a word has the blank behind it. */
static bytes prefix_text(translate_worker *w, size_t i, int k, buffer *out) {
    const cut *c = &w->prefix[i];
    const subword_item *item = &c->item[k];
    bytes raw = bytes_slice(w->line[i].target, item->begin, item->end);
    bool same = k > 0 && item[-1].id == SUBWORD_UNKNOWN && item[-1].begin == item->begin &&
                item[-1].end == item->end;
    if (same) return bytes_slice(raw, 0, 0);
    bool ends = k + 1 == c->count || item[1].begin > item->end;
    return ends && ends_words(w) ? spaced(w, raw, 0, 1, out) : raw;
}

/* What stands for each unknown unit of an answer: the prefix's own text, or what replacement finds; no
 * data where nothing does. NULL: no memory. */
static bytes *stand_ins(translate_worker *w, size_t i, const search_answer *a, buffer *out) {
    bytes *raw = arena_zero(&w->memory, (size_t)a->length, sizeof *raw);
    for (int k = 0; raw && k < a->length; k++) {
        if (a->word[k] != SUBWORD_UNKNOWN) continue;
        if (k < w->prefix[i].count) raw[k] = prefix_text(w, i, k, out);
        else if (w->run->o->replace_unk) raw[k] = replacement(w, i, a, k, out);
    }
    return raw;
}

void translate_worker_unit(translate_worker *w, int32_t id, buffer *out) {
    const subword *s = units_of(w, TARGET);
    bytes piece = subword_piece(s, id);
    if (!is_nmt(s) || id < SUBWORD_SPECIALS) {
        buffer_add_bytes(out, piece);
    } else if (ends_with(piece, ended_sign)) {
        buffer_add_bytes(out, bytes_slice(piece, 0, piece.size - strlen(ended_sign)));
    } else {
        buffer_add_bytes(out, piece);
        buffer_add_text(out, joined_sign);
    }
}

/* Units with blanks between. */
static void add_units(translate_worker *w, const search_answer *a, const bytes *raw, buffer *out) {
    for (int k = 0; k < a->length; k++) {
        if (k > 0) buffer_add_char(out, ' ');
        if (a->word[k] == SUBWORD_UNKNOWN && raw[k].size > 0) buffer_add_bytes(out, raw[k]);
        else translate_worker_unit(w, a->word[k], out);
    }
}

static void add_text(translate_worker *w, const search_answer *a, bytes *raw, buffer *out) {
    size_t from = out->size;
    for (int k = 0; k < a->length; k++) {
        if (!raw[k].data) raw[k] = ends_words(w) ? BYTES("\xEF\xBF\xBD ") : BYTES("\xEF\xBF\xBD");
    }
    subword_decode(units_of(w, TARGET), a->word, (size_t)a->length, raw, out);
    for (size_t i = from; i < out->size; i++) { /* a line stays a line, whatever the units say */
        if (out->data[i] == '\n' || out->data[i] == '\r') out->data[i] = ' ';
    }
}

void translate_worker_text(translate_worker *w, size_t i, const search_answer *a, buffer *out) {
    arena_mark mark = arena_here(&w->memory);
    bytes *raw = stand_ins(w, i, a, out);
    if (!raw) out->failed = true;
    else if (w->run->o->pretokenized) add_units(w, a, raw, out);
    else add_text(w, a, raw, out);
    arena_back(&w->memory, mark);
}

/* ---- alignments */

/* Where words are counted: text comes in pieces, and a unit belongs to the word of its last letter. */
typedef struct word_count {
    int32_t number; /* of the present word, from 0; -1: none yet */
    bool inside;
} word_count;

static void count_text(word_count *c, bytes text, bool *letters) {
    for (size_t i = 0; i < text.size; i++) {
        bool letter = !is_blank(text.data[i]);
        if (letter && !c->inside) c->number++;
        c->inside = letter;
        *letters |= letter;
    }
}

/* Units without a letter (blanks, marks of capitals) belong to the word behind them. */
static void give_behind(int32_t *word, size_t count) {
    int32_t behind = -1;
    for (size_t u = count; u-- > 0;) {
        if (word[u] < 0) word[u] = behind;
        behind = word[u];
    }
}

/* Number of the word that each source unit belongs to, -1: none. Returns how many there are. */
static int32_t source_words(const translate_worker *w, size_t i, int32_t *word) {
    const cut *c = &w->source[i];
    bytes text = w->line[i].source;
    word_count at = {.number = -1};
    size_t done = 0;
    for (int32_t u = 0; u < c->count; u++) {
        const subword_item *item = &c->item[u];
        bool letters = item->end > item->begin && !is_blank(text.data[item->end - 1]);
        if (done < item->end) {
            count_text(&at, bytes_slice(text, done, item->end), &letters);
            done = item->end;
        }
        word[u] = w->run->o->pretokenized ? u : letters ? at.number : -1;
    }
    give_behind(word, (size_t)c->count);
    return w->run->o->pretokenized ? c->count : at.number + 1;
}

/* Bytes of what the escape sign at the start of the text escapes. */
static size_t escaped(bytes text, bool *blank) {
    size_t length;
    text = bytes_slice(text, strlen("\xE2\x90\x9B"), text.size);
    *blank = bytes_starts(text, BYTES("09")) || bytes_starts(text, BYTES("0A")) ||
             bytes_starts(text, BYTES("0D"));
    if (*blank) return 2;
    if (text.size == 0) return 0;
    utf8_decode(text, 0, &length);
    return length;
}

/* A unit as it is shown; signs as subword.h has them. */
static void count_piece(word_count *c, bytes piece, bool *letters) {
    enum { SPACE = 0x2581, CAPITAL = 0x2191, CAPITALS = 0x21D1, ESCAPE = 0x241B };
    for (size_t at = 0, length; at < piece.size; at += length) {
        int32_t sign = utf8_decode(piece, at, &length);
        bool blank = sign == SPACE;
        if (sign == CAPITAL || sign == CAPITALS) continue;
        if (sign == ESCAPE) length += escaped(bytes_slice(piece, at, piece.size), &blank);
        count_text(c, blank ? BYTES(" ") : BYTES("x"), letters);
    }
}

/* The same as source_words for the target. RILL_ENOMEM. */
static int target_words(translate_worker *w, size_t i, const search_answer *a, int32_t *word,
                        buffer *out) {
    const subword *s = units_of(w, TARGET);
    word_count at = {.number = -1};
    bytes *raw = stand_ins(w, i, a, out);
    if (!raw) return RILL_ENOMEM;
    for (int k = 0; k < a->length; k++) {
        bytes piece = subword_piece(s, a->word[k]);
        bool letters = false;
        if (a->word[k] == SUBWORD_UNKNOWN) count_text(&at, raw[k].data ? raw[k] : piece, &letters);
        else if (is_nmt(s)) count_text(&at, ends_with(piece, ended_sign) ? BYTES("x ") : BYTES("x"), &letters);
        else count_piece(&at, piece, &letters);
        word[k] = w->run->o->pretokenized ? k : letters ? at.number : -1;
    }
    give_behind(word, (size_t)a->length);
    return 0;
}

int translate_worker_alignment(translate_worker *w, size_t i, const search_answer *a,
                               buffer *out) {
    arena_mark mark = arena_here(&w->memory);
    size_t S = (size_t)w->source[i].count + 1, T = (size_t)a->length;
    if (!a->attention) return 0;
    int32_t *from = arena_alloc(&w->memory, S, sizeof *from);
    int32_t *to = arena_alloc(&w->memory, T, sizeof *to);
    if (!from || !to) return RILL_ENOMEM;
    const int32_t words = source_words(w, i, from); /* of which a unit may cover many */
    real *sum = arena_alloc(&w->memory, (size_t)words, sizeof *sum);
    if (!sum) return RILL_ENOMEM;
    TRY(target_words(w, i, a, to, out));
    bool first = true;
    for (size_t k = 0; words > 0 && k < T && to[k] >= 0;) { /* behind the last word are none */
        int32_t word = to[k];
        memset(sum, 0, (size_t)words * sizeof *sum);
        for (; k < T && to[k] == word; k++) {
            for (size_t s = 0; s + 1 < S; s++) {
                if (from[s] >= 0) sum[from[s]] += a->attention[k * S + s];
            }
        }
        buffer_printf(out, "%s%d-%d", first ? "" : " ", (int)best_of(sum, words), (int)word);
        first = false;
    }
    arena_back(&w->memory, mark);
    return 0;
}

/* ---- pictures */

/* Units of a side as they stand in its list, and a sign for the end. */
static void fill_pieces(translate_worker *w, int side, const int32_t *id, size_t count,
                        bytes *piece) {
    for (size_t k = 0; k < count; k++) piece[k] = subword_piece(units_of(w, side), id[k]);
    piece[count] = BYTES("</s>");
}

/* One line in, one line out: line ends are blanks to SVG, but for the last. */
static void add_svg(const heat *h, buffer *out) {
    size_t begin = out->size;
    heat_svg(h, out);
    for (size_t at = begin; at + 1 < out->size; at++) {
        if (out->data[at] == '\n') out->data[at] = ' ';
    }
}

int translate_worker_picture(translate_worker *w, size_t i, const search_answer *a, buffer *out) {
    arena_mark mark = arena_here(&w->memory);
    size_t S = (size_t)w->source[i].count, T = (size_t)a->length;
    if (!a->attention) return 0;
    bytes *source = arena_alloc(&w->memory, S + 1, sizeof *source);
    bytes *target = arena_alloc(&w->memory, T + 1, sizeof *target);
    if (!source || !target) return RILL_ENOMEM;
    fill_pieces(w, SOURCE, w->source[i].id, S, source);
    fill_pieces(w, TARGET, a->word, T, target);
    const heat h = {source, S + 1, target, T + 1, a->attention};
    if (strcmp(w->run->o->picture, "svg")) heat_text(&h, out);
    else add_svg(&h, out);
    arena_back(&w->memory, mark);
    return 0;
}

/* tag_data: training files read once; the lexicon built from what stands in them.
 *
 *     read      token -> number of its raw form, label -> number of its raw string, per column
 *     columns   entity labels become BIOES; features get attributes; rare feature strings become 0
 *     words     vocabularies of forms, letters and affixes; then every distinct form is looked at
 */
#include "data/vectors.h"
#include "task/store.h"
#include "task/tag.h"
#include "task/tag_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct reading {
    tag_data *d;
    tag_lexicon *l;
    const tag_options *o;
    rill_error *error;
    strmap words;          /* raw forms */
    size_t count_room;
    strmap raw[TAG_HEADS]; /* raw label strings */
    bool fixed;            /* the user named the columns */
    tag_rules rules;       /* what the tokens show, unless the user has rules */
} reading;

static const bytes unknown[] = {{"<unk>", 5}};

int tag_corpus_options(const tag_options *o, corpus_options *out, rill_error *error) {
    *out = (corpus_options){.columns = o->layout, .wrapped = o->wrapped,
                            .max_record = (size_t)o->max_record};
    if (corpus_format_find(bytes_of(o->common.input), &out->format)) return 0;
    return status_fail(error, RILL_EUSAGE, "option --input: unknown format \"%s\"", o->common.input);
}

void tag_data_free(tag_data *d) {
    tag_forms_free(&d->forms);
    free(d->token);
    for (int i = 0; i < TAG_HEADS; i++) free(d->label[i]), free(d->attribute[i]);
    free(d->start);
    free(d->count);
    free(d->small);
    free(d->capital);
    *d = (tag_data){0};
}

/* ---- reading */

/* Names of the predicted columns, from the option or by format. */
static int name_columns(reading *r, const corpus *c) {
    const char *names = r->o->columns;
    char last[32];
    r->fixed = names;
    if (!names && corpus_format_of(c) == CORPUS_CONLLU) names = "upos,xpos,feats";
    if (!names) {
        snprintf(last, sizeof last, "-1");
        names = last;
    }
    bytes rest = bytes_of(names), name;
    while (bytes_split(&rest, ',', &name)) {
        if (r->l->columns == TAG_HEADS) {
            return status_fail(r->error, RILL_EUSAGE, "option --columns: more than %d columns",
                               TAG_HEADS);
        }
        size_t column;
        TRY(corpus_column(c, bytes_trim(name), &column, r->error));
        bytes full = corpus_column_name(c, column);
        for (int i = 0; i < r->l->columns; i++) {
            if (!bytes_equal(full, bytes_of(r->l->column[i].name))) continue;
            return status_fail(r->error, RILL_EUSAGE, "option --columns: \"%s\" stands there twice",
                               r->l->column[i].name);
        }
        char *copy = mem_text(full.data, full.size);
        if (!copy) return status_nomem(r->error);
        r->l->column[r->l->columns++].name = copy;
    }
    return 0;
}

static int find_columns(reading *r, const corpus *c, size_t *column) {
    for (int i = 0; i < r->l->columns; i++) {
        TRY(corpus_column(c, bytes_of(r->l->column[i].name), &column[i], r->error));
        if (column[i] == corpus_form(c)) {
            return status_fail(r->error, RILL_EUSAGE, "option --columns: \"%s\" is the word itself",
                               r->l->column[i].name);
        }
    }
    return 0;
}

static int add_sentence(reading *r, const record *rec, const size_t *column) {
    tag_data *d = r->d;
    size_t need = d->tokens + rec->words;
    TRY(mem_grow(&d->token, &d->token_room, need, sizeof *d->token));
    TRY(mem_grow(&d->start, &d->start_room, d->sentences + 2, sizeof *d->start));
    for (int i = 0; i < r->l->columns; i++) {
        TRY(mem_grow(&d->label[i], &d->label_room[i], need, sizeof **d->label));
        for (size_t w = 0; w < rec->words; w++) {
            bytes cell = record_cell(rec, w, column[i]);
            TRY(strmap_add(&r->raw[i], cell, &d->label[i][d->tokens + w]));
        }
    }
    for (size_t w = 0; w < rec->words; w++) {
        int32_t id, before = r->words.count;
        TRY(strmap_add(&r->words, record_form(rec, w), &id));
        TRY(mem_grow(&d->count, &r->count_room, (size_t)id + 1, sizeof *d->count));
        if (id == before) d->count[id] = 0;
        d->count[id]++;
        d->token[d->tokens + w] = id;
    }
    d->start[d->sentences] = (int64_t)d->tokens;
    d->tokens = need;
    d->start[++d->sentences] = (int64_t)need;
    return 0;
}

static int read_file(reading *r, const char *path, const rill_hooks *hooks) {
    corpus_options options;
    corpus *c = NULL;
    record rec = {0};
    size_t column[TAG_HEADS], before = r->d->sentences;
    TRY(tag_corpus_options(r->o, &options, r->error));
    TRY(corpus_open(path, &options, &c, r->error));
    int status = 0, more;
    if (corpus_format_of(c) == CORPUS_TEXT) {
        status = status_set(r->error, RILL_EDATA, path, 0, 0, "found raw text or an empty file, expected tagged sentences");
    }
    bool first = true;
    while (status == 0 && (more = corpus_next(c, &rec, r->error)) != 0) {
        if (more < 0) status = more;
        if (status < 0 || rec.words == 0) continue;
        if (first && r->l->columns == 0) status = name_columns(r, c);
        if (first && status == 0) status = find_columns(r, c, column);
        first = false;
        if (status == 0) status = add_sentence(r, &rec, column);
        bool tokens = !r->o->rules && corpus_format_of(c) == CORPUS_CONLLU;
        if (status == 0 && tokens) status = tag_rules_add(&r->rules, &rec, r->l->form);
        if (status == RILL_ENOMEM) status_nomem(r->error);
    }
    if (status == 0) {
        train_tell(hooks, RILL_EVENT_NOTE, NULL, "%s: %s, %zu sentences", path,
                   corpus_format_name(corpus_format_of(c)), r->d->sentences - before);
    }
    record_free(&rec);
    corpus_close(c);
    return status;
}

/* ---- columns */

/* Relabels column i through `map` from old ids to new. */
static void relabel(tag_data *d, int i, const int32_t *map) {
    for (size_t t = 0; t < d->tokens; t++) d->label[i][t] = map[d->label[i][t]];
}

/* Labels of an entity column, sentence by sentence, into BIOES. */
static int convert_entities(reading *r, int i) {
    tag_data *d = r->d;
    tag_column *c = &r->l->column[i];
    bytes *label = NULL;
    size_t room = 0;
    buffer text = {0};
    int status = 0;
    for (size_t s = 0; status == 0 && s < d->sentences; s++) {
        int32_t *id = d->label[i] + d->start[s];
        size_t n = (size_t)(d->start[s + 1] - d->start[s]);
        status = mem_grow(&label, &room, n, sizeof *label);
        for (size_t w = 0; status == 0 && w < n; w++) label[w] = strmap_get(&r->raw[i], id[w]);
        if (status == 0) status = scheme_convert(SCHEME_BIOES, label, n, &text);
        for (size_t w = 0; status == 0 && w < n; w++) {
            status = strmap_add(&c->labels, label[w], &id[w]);
        }
    }
    free(label);
    buffer_free(&text);
    return status;
}

static int look_at_scheme(reading *r, int i) {
    scheme_survey survey = {0};
    tag_data *d = r->d;
    bytes *label = NULL;
    size_t room = 0;
    for (size_t s = 0; s < d->sentences; s++) {
        size_t n = (size_t)(d->start[s + 1] - d->start[s]);
        if (mem_grow(&label, &room, n, sizeof *label) < 0) {
            free(label);
            return RILL_ENOMEM;
        }
        for (size_t w = 0; w < n; w++) {
            label[w] = strmap_get(&r->raw[i], d->label[i][d->start[s] + (int64_t)w]);
        }
        scheme_look(&survey, label, n);
    }
    free(label);
    r->l->column[i].scheme = survey.spans > 0 ? scheme_verdict(&survey) : SCHEME_NONE;
    return 0;
}

/* Letters of both cases alike, then by size, then by bytes. */
static int compare_loosely(bytes x, bytes y) {
    int c = strncasecmp(x.data, y.data, x.size < y.size ? x.size : y.size);
    if (c == 0) c = (x.size > y.size) - (x.size < y.size);
    return c ? c : bytes_compare(x, y);
}

static bytes attribute_of(bytes pair) {
    return bytes_slice(pair, 0,
                       (size_t)((const char *)memchr(pair.data, '=', pair.size) - pair.data));
}

/* Attributes in the order UD writes them, the values of one ("A", even beside "a") next to each
 * other. */
static int compare_pairs(const void *a, const void *b) {
    const bytes *x = a, *y = b;
    int c = compare_loosely(attribute_of(*x), attribute_of(*y));
    return c ? c : compare_loosely(*x, *y);
}

/* All distinct "A=x" of a column's raw strings, sorted. */
static int collect_pairs(const strmap *raw, strmap *pairs, bytes **sorted) {
    for (int32_t i = 0; i < raw->count; i++) {
        bytes rest = strmap_get(raw, i), part;
        int32_t id;
        while (bytes_split(&rest, '|', &part)) {
            if (memchr(part.data, '=', part.size)) TRY(strmap_add(pairs, part, &id));
        }
    }
    *sorted = mem_new((size_t)pairs->count + 1, sizeof **sorted);
    if (!*sorted) return RILL_ENOMEM;
    for (int32_t i = 0; i < pairs->count; i++) (*sorted)[i] = strmap_get(pairs, i);
    qsort(*sorted, (size_t)pairs->count, sizeof **sorted, compare_pairs);
    return 0;
}

/* Values one attribute after the other, each beginning with "A=" (absent). */
static int group_pairs(tag_column *c, const bytes *sorted, int32_t count) {
    c->group = mem_new((size_t)count + 1, sizeof *c->group);
    if (!c->group) return RILL_ENOMEM;
    for (int32_t i = 0, id; i < count; i++) {
        const bytes name = attribute_of(sorted[i]);
        int32_t before = c->attributes.count;
        TRY(strmap_add(&c->attributes, name, &id));
        if (c->attributes.count > before) {
            c->group[before] = c->values.count;
            TRY(strmap_add(&c->values, bytes_slice(sorted[i], 0, name.size + 1), &id));
        }
        TRY(strmap_add(&c->values, sorted[i], &id));
    }
    c->group[c->attributes.count] = c->values.count;
    return 0;
}

/* Strings seen at least twice become labels, in order of first sight; all others are <rare>. */
static int keep_frequent(reading *r, int i) {
    tag_column *c = &r->l->column[i];
    size_t count = (size_t)r->raw[i].count;
    int64_t *seen = mem_new(count, sizeof *seen);
    int32_t *map = mem_new(count, sizeof *map), id;
    int status = seen && map ? strmap_add(&c->labels, BYTES("<rare>"), &id) : RILL_ENOMEM;
    for (size_t t = 0; status == 0 && t < r->d->tokens; t++) seen[r->d->label[i][t]]++;
    bool split = !strcmp(r->o->feats, "split");
    for (size_t k = 0; status == 0 && k < count; k++) {
        if (split || seen[k] < 2) continue;
        status = strmap_add(&c->labels, strmap_get(&r->raw[i], (int32_t)k), &map[k]);
    }
    if (status == 0) relabel(r->d, i, map);
    free(seen);
    free(map);
    return status;
}

/* Attribute values of every label and of every raw string; tokens keep the raw string for training. */
static int build_features(reading *r, int i) {
    tag_column *c = &r->l->column[i];
    strmap pairs = {0};
    bytes *sorted = NULL;
    int status = collect_pairs(&r->raw[i], &pairs, &sorted);
    if (status == 0) status = group_pairs(c, sorted, pairs.count);
    strmap_free(&pairs);
    free(sorted);
    TRY(status);
    size_t A = (size_t)c->attributes.count, tokens = r->d->tokens, raws = (size_t)r->raw[i].count;
    int32_t *value = mem_new(raws * A, sizeof *value);
    r->d->attribute[i] = mem_new(tokens * A, sizeof **r->d->attribute);
    if (!value || !r->d->attribute[i]) status = RILL_ENOMEM;
    for (size_t k = 0; status == 0 && k < raws; k++) {
        tag_label_values(c, strmap_get(&r->raw[i], (int32_t)k), value + k * A);
    }
    for (size_t t = 0; status == 0 && t < tokens; t++) {
        memcpy(r->d->attribute[i] + t * A, value + (size_t)r->d->label[i][t] * A,
               A * sizeof *value);
    }
    free(value);
    return status < 0 ? status : keep_frequent(r, i);
}

/* Does any label of a column of features name one? In "sg", "pl" there is nothing to take apart. */
static bool has_features(const reading *r, int i) {
    bool found = false;
    for (int32_t k = 0; k < r->raw[i].count; k++) {
        bytes label = strmap_get(&r->raw[i], k);
        found |= label.size > 0 && memchr(label.data, '=', label.size);
    }
    return found && !strcmp(r->l->column[i].name, "feats");
}

static int build_column(reading *r, int i) {
    tag_column *c = &r->l->column[i];
    TRY(look_at_scheme(r, i));
    bool features = strcmp(r->o->feats, "whole") && has_features(r, i);
    if (features) {
        c->kind = TAG_FEATURES;
        TRY(build_features(r, i));
        TRY(tag_column_pairs(c));
    } else if (c->scheme != SCHEME_NONE) {
        c->kind = TAG_ENTITY;
        TRY(convert_entities(r, i));
    } else {
        c->labels = r->raw[i];
        r->raw[i] = (strmap){0};
    }
    return 0;
}

/* Columns of the default choice that hold nothing but "_" are not worth a head. */
static void drop_empty(reading *r) {
    int kept = 0;
    for (int i = 0; i < r->l->columns; i++) {
        bool empty = r->raw[i].count == 1 && bytes_equal(strmap_get(&r->raw[i], 0), BYTES("_"));
        if (empty && !r->fixed && r->l->columns > 1) {
            free(r->l->column[i].name);
            strmap_free(&r->raw[i]);
            free(r->d->label[i]);
            continue;
        }
        if (kept != i) {
            r->l->column[kept] = r->l->column[i];
            r->raw[kept] = r->raw[i];
            r->d->label[kept] = r->d->label[i];
        }
        kept++;
    }
    for (int i = kept; i < r->l->columns; i++) {
        r->l->column[i] = (tag_column){0};
        r->raw[i] = (strmap){0};
        r->d->label[i] = NULL;
    }
    r->l->columns = kept;
}

/* ---- words */

static int tally_letters(tally *letters, bytes form, int64_t times) {
    for (size_t at = 0, length; at < form.size; at += length) {
        utf8_decode(form, at, &length);
        TRY(tally_add(letters, bytes_slice(form, at, at + length), times));
    }
    return 0;
}

typedef struct tallies {
    tally forms, letters, affixes;
} tallies;

static int count_words(reading *r, tallies *t) {
    buffer plain = {0}, lower = {0}, key = {0};
    unicode_map map = {0};
    int status = 0;
    for (int32_t i = 0; status == 0 && i < r->words.count; i++) {
        int64_t times = r->d->count[i];
        buffer_clear(&plain);
        buffer_clear(&lower);
        status = unicode_normalise(strmap_get(&r->words, i), r->l->form, &plain, &map);
        unicode_lower(buffer_view(&plain), &lower);
        if (plain.failed || lower.failed) status = RILL_ENOMEM;
        if (status == 0) status = tally_add(&t->forms, buffer_view(&lower), times);
        if (status == 0) status = tally_letters(&t->letters, buffer_view(&plain), times);
        for (int a = 0; status == 0 && a < TAG_AFFIXES; a++) {
            tag_affix_key(a, buffer_view(&lower), buffer_view(&plain), &key);
            status = key.failed ? RILL_ENOMEM : tally_add(&t->affixes, buffer_view(&key), times);
        }
    }
    buffer_free(&plain);
    buffer_free(&lower);
    buffer_free(&key);
    unicode_map_free(&map);
    return status;
}

static int add_case(reading *r, bytes form, void (*change)(bytes, buffer *), buffer *text,
                    int32_t *index) {
    buffer_clear(text);
    change(form, text);
    return text->failed ? RILL_ENOMEM
                        : tag_forms_add(&r->d->forms, r->l, buffer_view(text), index);
}

/* The forms as they stand in a sentence all in small letters, or all in capitals. */
static int build_cases(reading *r) {
    tag_data *d = r->d;
    buffer text = {0};
    d->small = mem_new((size_t)d->words, sizeof *d->small);
    d->capital = mem_new((size_t)d->words, sizeof *d->capital);
    int status = d->small && d->capital ? 0 : RILL_ENOMEM;
    for (int32_t i = 0; status == 0 && i < d->words; i++) {
        const bytes form = strmap_get(&r->words, i);
        status = add_case(r, form, unicode_lower, &text, &d->small[i]);
        if (status == 0) status = add_case(r, form, unicode_upper, &text, &d->capital[i]);
    }
    buffer_free(&text);
    return status;
}

static int build_words(reading *r) {
    tallies t = {0};
    tag_lexicon *l = r->l;
    int status = count_words(r, &t);
    int64_t least = r->o->min_count;
    if (status == 0) status = vocab_build(&l->forms, &t.forms, unknown, 1, least, 0, r->error);
    if (status == 0) status = vocab_build(&l->letters, &t.letters, unknown, 1, 2, 0, r->error);
    if (status == 0) status = vocab_build(&l->affixes, &t.affixes, unknown, 1, 2, 0, r->error);
    tally_free(&t.forms);
    tally_free(&t.letters);
    tally_free(&t.affixes);
    for (int32_t i = 0, index; status == 0 && i < r->words.count; i++) {
        status = tag_forms_add(&r->d->forms, l, strmap_get(&r->words, i), &index);
    }
    r->d->words = r->words.count;
    return status < 0 || r->o->case_noise == 0 ? status : build_cases(r);
}

/* ---- the trivial baseline */

static int compare_keys(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Most frequent label of each form from sorted keys form << 32 | label; ties go to the smaller label. */
static void most_frequent(const uint64_t *key, size_t count, int32_t *frequent) {
    size_t best = 0;
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && key[to] == key[from]; to++) {}
        bool first = from == 0 || key[from] >> 32 != key[from - 1] >> 32;
        if (!first && to - from <= best) continue;
        best = to - from;
        frequent[key[from] >> 32] = (int32_t)(uint32_t)key[from];
    }
}

static int build_baseline(reading *r, int i) {
    tag_column *c = &r->l->column[i];
    size_t N = r->d->tokens, forms = (size_t)vocab_size(&r->l->forms);
    uint64_t *key = mem_new(N, sizeof *key);
    c->frequent = mem_new(forms, sizeof *c->frequent);
    if (!key || !c->frequent) {
        free(key);
        return RILL_ENOMEM;
    }
    for (size_t t = 0; t < N; t++) key[t] = (uint32_t)r->d->label[i][t];
    qsort(key, N, sizeof *key, compare_keys);
    most_frequent(key, N, c->frequent);
    for (size_t f = 1; f < forms; f++) c->frequent[f] = c->frequent[0];
    int32_t overall = c->frequent[0];
    for (size_t t = 0; t < N; t++) {
        uint64_t form = (uint64_t)r->d->forms.id[r->d->token[t]];
        key[t] = form << 32 | (uint32_t)r->d->label[i][t];
    }
    qsort(key, N, sizeof *key, compare_keys);
    most_frequent(key, N, c->frequent);
    c->frequent[0] = overall;
    free(key);
    return 0;
}


int tag_data_read(tag_data *d, tag_lexicon *l, const tag_options *o, const char *const *files,
                  size_t count, const rill_hooks *hooks, rill_error *error) {
    reading r = {.d = d, .l = l, .o = o, .error = error};
    int status = 0;
    l->form = store_form(o->normalize);
    if (o->rules) status = tokenizer_open(o->rules, l->form, &l->tokenizer, error);
    for (size_t i = 0; status == 0 && i < count; i++) status = read_file(&r, files[i], hooks);
    if (status == 0 && d->tokens == 0) {
        status = status_set(error, RILL_EDATA, count ? files[0] : NULL, 0, 0,
                            "no tagged sentences to learn from");
    }
    if (status == 0) drop_empty(&r);
    for (int i = 0; status == 0 && i < l->columns; i++) status = build_column(&r, i);
    if (status == 0) status = build_words(&r);
    for (int i = 0; status == 0 && i < l->columns; i++) status = build_baseline(&r, i);
    if (status == 0 && !o->rules) status = tag_rules_tokenizer(&r.rules, l->form, &l->tokenizer, error);
    if (status == RILL_ENOMEM) status_nomem(error);
    tag_rules_free(&r.rules);
    strmap_free(&r.words);
    for (int i = 0; i < TAG_HEADS; i++) strmap_free(&r.raw[i]);
    return status;
}

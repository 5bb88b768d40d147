/* tag_model: the tagger in a model file.
 *
 *     metadata   task, config (options as JSON), columns (name, kind, scheme), summary
 *     strings    rules, forms, letters, affixes, vectors, labels.I, attributes.I, values.I
 *     I64        forms.count, letters.count, affixes.count
 *     I32        frequent.I, the baseline's label of every form
 *     F32        the weights, under the names of the parameters
 *
 * Loading rebuilds what can be derived (tables, allowed steps, attribute values) and checks every number
 * against what the configuration demands before memory is taken for it.
 */
#include "task/tag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tag_model_shape(const tag_options *o, const tag_lexicon *l, tag_net_config *config) {
    static const char *const cells[] = {"tanh", "relu", "lstm", "gru"};
    *config = (tag_net_config){
        .form_dim = (int)o->form_dim, .char_dim = (int)o->char_dim,
        .char_hidden = (int)o->char_hidden, .affix_dim = (int)o->affix_dim,
        .hidden = (int)o->hidden, .layers = (int)o->layers, .norm = o->norm,
        .residual = o->residual, .dropout = o->dropout, .recurrent = o->recurrent_dropout,
        .smoothing = o->smoothing, .forms = vocab_size(&l->forms),
        .letters = vocab_size(&l->letters), .affixes = vocab_size(&l->affixes),
        .vectors = l->vector_words.count, .vector_dim = l->vector_dim, .heads = l->columns};
    for (int i = 0; i < 4; i++) {
        if (!strcmp(o->cell, cells[i])) config->cell = (cell_kind)i;
    }
    config->chars = !strcmp(o->chars, "rnn")    ? TAG_CHARS_RNN
                    : !strcmp(o->chars, "conv") ? TAG_CHARS_CONV
                                                : TAG_CHARS_NONE;
    for (int i = 0; i < l->columns; i++) {
        const tag_column *c = &l->column[i];
        bool automatic = !strcmp(o->crf, "auto") && c->kind == TAG_ENTITY;
        bool wanted = !strcmp(o->crf, "yes") && c->kind != TAG_FEATURES;
        config->head[i] = (tag_head_shape){.labels = c->labels.count, .crf = automatic || wanted,
                                           .allowed = c->allowed, .attributes = c->attributes.count,
                                           .group = c->group};
    }
}

/* ---- saving */

static const char *const kinds[] = {"plain", "entity", "features"};

static int add_json(bundle_writer *w, const char *key, json_t *json, rill_error *error) {
    buffer text = {0};
    int status = json ? json_write(json, &text, error) : status_nomem(error);
    json_decref(json);
    if (status == 0) status = bundle_writer_meta(w, key, buffer_view(&text), error);
    buffer_free(&text);
    return status;
}

static json_t *columns_json(const tag_lexicon *l) {
    json_t *list = json_array();
    for (int i = 0; list && i < l->columns; i++) {
        const tag_column *c = &l->column[i];
        json_array_append_new(list, json_pack("{ss ss ss}", "name", c->name, "kind", kinds[c->kind],
                                              "scheme", scheme_name(c->scheme)));
    }
    return list;
}

static int add_vocab(bundle_writer *w, const char *name, const vocab *v, rill_error *error) {
    char count[32];
    int64_t shape[] = {vocab_size(v)};
    snprintf(count, sizeof count, "%s.count", name);
    TRY(bundle_writer_strings(w, name, &v->words, error));
    return bundle_writer_tensor(w, count, BUNDLE_I64, 1, shape, v->count, error);
}

/* The baseline's label of every form. */
static int add_frequent(bundle_writer *w, const tag_lexicon *l, int i, rill_error *error) {
    char name[48];
    int64_t shape[] = {vocab_size(&l->forms)};
    snprintf(name, sizeof name, "frequent.%d", i);
    return bundle_writer_tensor(w, name, BUNDLE_I32, 1, shape, l->column[i].frequent, error);
}

static int add_lexicon(bundle_writer *w, const tag_lexicon *l, const int64_t rules[2],
                       rill_error *error) {
    char name[48];
    TRY(bundle_writer_list(w, "rules", tokenizer_rules(l->tokenizer), rules, 1, error));
    TRY(add_vocab(w, "forms", &l->forms, error));
    TRY(add_vocab(w, "letters", &l->letters, error));
    TRY(add_vocab(w, "affixes", &l->affixes, error));
    if (l->vector_words.count > 0) {
        TRY(bundle_writer_strings(w, "vectors", &l->vector_words, error));
    }
    for (int i = 0; i < l->columns; i++) {
        const tag_column *c = &l->column[i];
        snprintf(name, sizeof name, "labels.%d", i);
        TRY(bundle_writer_strings(w, name, &c->labels, error));
        TRY(add_frequent(w, l, i, error));
        if (c->kind != TAG_FEATURES) continue;
        snprintf(name, sizeof name, "attributes.%d", i);
        TRY(bundle_writer_strings(w, name, &c->attributes, error));
        snprintf(name, sizeof name, "values.%d", i);
        TRY(bundle_writer_strings(w, name, &c->values, error));
    }
    return 0;
}

static int add_weights(bundle_writer *w, const params *p, const real *weights, rill_error *error) {
    for (size_t i = 0; i < p->count; i++) {
        const param *it = &p->list[i];
        int64_t shape[] = {it->rows, it->cols};
        TRY(bundle_writer_tensor(w, it->name, BUNDLE_F32, 2, shape, weights + it->offset, error));
    }
    return 0;
}

static int fill_model(bundle_writer *w, const tag_options *o, const tag_lexicon *l,
                      const tag_net *net, const real *weights, bytes summary,
                      const int64_t rules[2], rill_error *error) {
    json_t *config = NULL;
    TRY(bundle_writer_meta(w, "task", BYTES("tag"), error));
    TRY(options_store(&tag_option_table, o, &config, error));
    TRY(add_json(w, "config", config, error));
    TRY(add_json(w, "columns", columns_json(l), error));
    TRY(bundle_writer_meta(w, "summary", summary, error));
    TRY(add_lexicon(w, l, rules, error));
    return add_weights(w, &net->params, weights, error);
}

int tag_model_save(const tag_options *o, const tag_lexicon *l, const tag_net *net,
                   const real *weights, bytes summary, const char *path, rill_error *error) {
    bundle_writer *w = NULL;
    const int64_t rules[] = {0, (int64_t)tokenizer_rules(l->tokenizer).size};
    TRY(bundle_writer_new(&w, error));
    int status = fill_model(w, o, l, net, weights, summary, rules, error);
    if (status == 0) status = bundle_writer_save(w, path, error);
    bundle_writer_free(w);
    return status;
}

/* ---- loading */

static int damaged(const bundle *b, rill_error *error, const char *field) {
    return status_set(error, RILL_EMODEL, bundle_name(b), 0, 0, "field %s is not a tagger's", field);
}

static int load_json(const bundle *b, const char *key, json_t **out, rill_error *error) {
    const char *text;
    TRY(bundle_need_meta(b, key, &text, error));
    if (json_read(bytes_of(text), bundle_name(b), out, NULL) < 0) return damaged(b, error, key);
    return 0;
}

static int load_options(tag_model *m, bundle *b, rill_error *error) {
    json_t *config = NULL;
    rill_error why = {0};
    TRY(options_defaults(&tag_option_table, &m->options, error));
    TRY(load_json(b, "config", &config, error));
    int status = options_restore(&tag_option_table, &m->options, config, &why);
    json_decref(config);
    if (status == RILL_ENOMEM) return status_nomem(error);
    if (status < 0) {
        return status_set(error, RILL_EMODEL, bundle_name(b), 0, 0, "field config: %s", why.message);
    }
    tag_options_size(&m->options);
    const char *form = m->options.normalize;
    m->lexicon.form = !strcmp(form, "nfc")    ? UNICODE_NFC
                      : !strcmp(form, "nfkc") ? UNICODE_NFKC
                                              : UNICODE_NONE;
    return 0;
}

static int load_vocab(bundle *b, const char *name, vocab *v, rill_error *error) {
    char counts[32];
    bytes text;
    const int64_t *start;
    size_t count;
    const bundle_entry *entry;
    TRY(bundle_list(b, name, &text, &start, &count, error));
    snprintf(counts, sizeof counts, "%s.count", name);
    int64_t shape[] = {(int64_t)count};
    TRY(bundle_tensor(b, counts, BUNDLE_I64, 1, shape, &entry, error));
    TRY(vocab_restore(v, text, start, entry->data, count, error));
    return v->specials == 1 ? 0 : damaged(b, error, name);
}

static int load_rules(tag_lexicon *l, bundle *b, rill_error *error) {
    bytes text;
    const int64_t *start;
    size_t count;
    TRY(bundle_list(b, "rules", &text, &start, &count, error));
    if (count != 1) return damaged(b, error, "rules");
    int status = tokenizer_new(text, l->form, bundle_name(b), &l->tokenizer, error);
    if (status < 0 && status != RILL_ENOMEM) {
        status = RILL_EMODEL;
        if (error) error->code = status;
    }
    return status;
}

/* The groups of the values: each begins with "A=". */
static bool find_groups(tag_column *c) {
    int32_t A = c->attributes.count, a = -1;
    c->group = mem_new((size_t)A + 1, sizeof *c->group);
    if (!c->group) return false;
    for (int32_t v = 0; v < c->values.count; v++) {
        bytes value = strmap_get(&c->values, v);
        const char *equal = memchr(value.data, '=', value.size);
        if (!equal) return false;
        bytes name = bytes_slice(value, 0, (size_t)(equal - value.data));
        if (name.size + 1 == value.size) {
            if (++a >= A) return false;
            c->group[a] = v;
        }
        if (a < 0 || !bytes_equal(name, strmap_get(&c->attributes, a))) return false;
    }
    c->group[A] = c->values.count;
    return a == A - 1;
}

static int load_frequent(tag_model *m, bundle *b, int i, rill_error *error) {
    tag_column *c = &m->lexicon.column[i];
    char name[48];
    int64_t shape[] = {vocab_size(&m->lexicon.forms)};
    const bundle_entry *entry;
    snprintf(name, sizeof name, "frequent.%d", i);
    TRY(bundle_tensor(b, name, BUNDLE_I32, 1, shape, &entry, error));
    c->frequent = mem_new(entry->count, sizeof *c->frequent);
    if (!c->frequent) return status_nomem(error);
    memcpy(c->frequent, entry->data, entry->size);
    for (size_t f = 0; f < entry->count; f++) {
        if (c->frequent[f] < 0 || c->frequent[f] >= c->labels.count) return damaged(b, error, name);
    }
    return 0;
}

static int load_column(tag_model *m, bundle *b, int i, const json_t *json, rill_error *error) {
    tag_column *c = &m->lexicon.column[i];
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *kind = json_string_value(json_object_get(json, "kind"));
    const char *marks = json_string_value(json_object_get(json, "scheme"));
    char field[48];
    m->lexicon.columns = i + 1;
    if (!name || !*name || !kind || !marks || !scheme_find(bytes_of(marks), &c->scheme)) {
        return damaged(b, error, "columns");
    }
    for (int k = 0; k < i; k++) {
        if (!strcmp(m->lexicon.column[k].name, name)) return damaged(b, error, "columns");
    }
    c->kind = !strcmp(kind, "entity") ? TAG_ENTITY : !strcmp(kind, "features") ? TAG_FEATURES
                                                                               : TAG_PLAIN;
    c->name = mem_text(name, strlen(name));
    if (!c->name) return status_nomem(error);
    snprintf(field, sizeof field, "labels.%d", i);
    TRY(bundle_strings(b, field, &c->labels, error));
    if (c->labels.count == 0 || strcmp(kinds[c->kind], kind)) return damaged(b, error, field);
    TRY(load_frequent(m, b, i, error));
    if (c->kind == TAG_ENTITY && tag_column_allow(c) < 0) return status_nomem(error);
    if (c->kind == TAG_FEATURES) {
        snprintf(field, sizeof field, "attributes.%d", i);
        TRY(bundle_strings(b, field, &c->attributes, error));
        snprintf(field, sizeof field, "values.%d", i);
        TRY(bundle_strings(b, field, &c->values, error));
        if (!find_groups(c)) return damaged(b, error, field);
    }
    return tag_column_values(c) < 0 ? status_nomem(error) : 0;
}

static int load_columns(tag_model *m, bundle *b, rill_error *error) {
    json_t *list = NULL;
    TRY(load_json(b, "columns", &list, error));
    size_t count = json_array_size(list);
    int status = count >= 1 && count <= TAG_HEADS ? 0 : damaged(b, error, "columns");
    for (size_t i = 0; status == 0 && i < count; i++) {
        status = load_column(m, b, (int)i, json_array_get(list, i), error);
    }
    json_decref(list);
    return status;
}

static int load_lexicon(tag_model *m, bundle *b, rill_error *error) {
    tag_lexicon *l = &m->lexicon;
    TRY(load_rules(l, b, error));
    TRY(load_vocab(b, "forms", &l->forms, error));
    TRY(load_vocab(b, "letters", &l->letters, error));
    TRY(load_vocab(b, "affixes", &l->affixes, error));
    const bundle_entry *table = bundle_find(b, "vector.weight");
    if (table) {
        if (table->rank != 2 || table->shape[1] < 1 || table->shape[1] > 65536) {
            return damaged(b, error, "vector.weight");
        }
        l->vector_dim = (int)table->shape[1];
        TRY(bundle_strings(b, "vectors", &l->vector_words, error));
        if (l->vector_words.count == 0) return damaged(b, error, "vectors");
    }
    return load_columns(m, b, error);
}

/* All shapes are checked before memory is taken, so a small file can't ask for a large one. */
static int load_weights(tag_model *m, bundle *b, rill_error *error) {
    params *p = &m->net.params;
    const bundle_entry *entry;
    for (size_t i = 0; i < p->count; i++) {
        int64_t shape[] = {p->list[i].rows, p->list[i].cols};
        TRY(bundle_tensor(b, p->list[i].name, BUNDLE_F32, 2, shape, &entry, error));
    }
    if (params_alloc(p, false) < 0) return status_nomem(error);
    for (size_t i = 0; i < p->count; i++) {
        entry = bundle_find(b, p->list[i].name);
        memcpy(params_value(p, (int)i), entry->data, entry->size);
    }
    const compute plain = {.k = cpu_kernels()};
    return params_pack(p, &plain) < 0 ? status_nomem(error) : 0;
}

static int load_model(tag_model *m, bundle *b, rill_error *error) {
    const char *text;
    TRY(bundle_need_meta(b, "task", &text, error));
    if (strcmp(text, "tag")) {
        return status_set(error, RILL_EMODEL, bundle_name(b), 0, 0,
                          "found a model of task \"%s\", expected \"tag\"", text);
    }
    TRY(bundle_need_meta(b, "summary", &text, error));
    m->summary = bytes_of(text);
    TRY(load_options(m, b, error));
    TRY(load_lexicon(m, b, error));
    tag_net_config config;
    tag_model_shape(&m->options, &m->lexicon, &config);
    if (tag_net_build(&m->net, &config) < 0) return status_nomem(error);
    TRY(load_weights(m, b, error));
    return bundle_all_used(b, error);
}

int tag_model_open(bundle *b, tag_model **out, rill_error *error) {
    tag_model *m = mem_new(1, sizeof *m);
    if (!m) {
        bundle_close(b);
        return status_nomem(error);
    }
    m->bundle = b;
    int status = load_model(m, b, error);
    if (status < 0) {
        tag_model_free(m);
        return status;
    }
    *out = m;
    return 0;
}

void tag_model_free(tag_model *m) {
    if (!m) return;
    options_free(&tag_option_table, &m->options);
    tag_lexicon_free(&m->lexicon);
    tag_net_free(&m->net);
    bundle_close(m->bundle);
    free(m);
}

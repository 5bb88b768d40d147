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
#include "task/store.h"
#include "task/tag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tag_model_shape(const tag_options *o, const tag_lexicon *l, tag_net_config *config) {
    *config = (tag_net_config){
        .cell = store_cell(o->cell), .form_dim = (int)o->form_dim, .char_dim = (int)o->char_dim,
        .char_hidden = (int)o->char_hidden, .affix_dim = (int)o->affix_dim,
        .hidden = (int)o->hidden, .layers = (int)o->layers, .norm = o->norm,
        .residual = o->residual, .dropout = o->dropout, .recurrent = o->recurrent_dropout,
        .smoothing = o->smoothing, .agree = o->r_drop, .forms = vocab_size(&l->forms),
        .letters = vocab_size(&l->letters), .affixes = vocab_size(&l->affixes),
        .vectors = l->vector_words.count, .vector_dim = l->vector_dim, .heads = l->columns};
    config->chars = !strcmp(o->chars, "rnn")    ? TAG_CHARS_RNN
                    : !strcmp(o->chars, "conv") ? TAG_CHARS_CONV
                                                : TAG_CHARS_NONE;
    for (int i = 0; i < l->columns; i++) {
        const tag_column *c = &l->column[i];
        bool automatic = !strcmp(o->crf, "auto") && c->kind == TAG_ENTITY;
        bool wanted = !strcmp(o->crf, "yes") && c->kind != TAG_FEATURES;
        config->head[i] = (tag_head_shape){.labels = c->labels.count, .crf = automatic || wanted,
                                           .attributes = c->attributes.count, .group = c->group};
    }
}

int tag_model_allow(tag_lexicon *l, tag_net *net) {
    for (int i = 0; i < l->columns; i++) {
        if (!net->config.head[i].crf || l->column[i].kind != TAG_ENTITY) continue;
        TRY(tag_column_allow(&l->column[i]));
        net->config.head[i].allowed = l->column[i].allowed;
    }
    return 0;
}

/* ---- saving */

static const char *const kinds[] = {"plain", "entity", "features"};

static json_t *columns_json(const tag_lexicon *l) {
    json_t *list = json_array();
    for (int i = 0; i < l->columns; i++) {
        const tag_column *c = &l->column[i];
        json_add(&list, json_pack("{ss ss ss}", "name", c->name, "kind", kinds[c->kind], "scheme",
                                  scheme_name(c->scheme)));
    }
    return list;
}

/* The baseline's label of every form. */
static int add_frequent(bundle_writer *w, const tag_lexicon *l, int i, rill_error *error) {
    char name[48];
    int64_t shape[] = {vocab_size(&l->forms)};
    snprintf(name, sizeof name, "frequent.%d", i);
    return bundle_writer_tensor(w, name, BUNDLE_I32, 1, shape, l->column[i].frequent, error);
}

static int add_lexicon(bundle_writer *w, const tag_lexicon *l, int64_t rules[2],
                       rill_error *error) {
    char name[48];
    TRY(store_text(w, "rules", tokenizer_rules(l->tokenizer), rules, error));
    TRY(store_vocab(w, "forms", &l->forms, error));
    TRY(store_vocab(w, "letters", &l->letters, error));
    TRY(store_vocab(w, "affixes", &l->affixes, error));
    TRY(store_vectors(w, &l->vector_words, error));
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

static int fill_model(bundle_writer *w, const tag_options *o, const tag_lexicon *l,
                      const tag_net *net, const real *weights, bytes summary,
                      int64_t rules[2], rill_error *error) {
    TRY(store_head(w, "tag", &tag_option_table, o, summary, error));
    TRY(store_json(w, "columns", columns_json(l), error));
    TRY(add_lexicon(w, l, rules, error));
    return store_weights(w, &net->params, weights, error);
}

int tag_model_save(const tag_options *o, const tag_lexicon *l, const tag_net *net,
                   const real *weights, bytes summary, const char *path, rill_error *error) {
    bundle_writer *w = NULL;
    int64_t rules[2];
    TRY(bundle_writer_new(&w, error));
    int status = fill_model(w, o, l, net, weights, summary, rules, error);
    if (status == 0) status = bundle_writer_save(w, path, error);
    bundle_writer_free(w);
    return status;
}

/* ---- loading */

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
        if (c->frequent[f] < 0 || c->frequent[f] >= c->labels.count) return load_damaged(b, error, name);
    }
    return 0;
}

static int load_features(tag_column *c, bundle *b, int i, rill_error *error) {
    char field[48];
    snprintf(field, sizeof field, "attributes.%d", i);
    TRY(bundle_strings(b, field, &c->attributes, error));
    snprintf(field, sizeof field, "values.%d", i);
    TRY(bundle_strings(b, field, &c->values, error));
    if (!find_groups(c)) return load_damaged(b, error, field);
    snprintf(field, sizeof field, "labels.%d", i);
    int status = tag_column_pairs(c);
    if (status == RILL_EMODEL) return load_damaged(b, error, field);
    return status < 0 ? status_nomem(error) : 0;
}

static int load_column(tag_model *m, bundle *b, int i, const json_t *json, rill_error *error) {
    tag_column *c = &m->lexicon.column[i];
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *kind = json_string_value(json_object_get(json, "kind"));
    const char *marks = json_string_value(json_object_get(json, "scheme"));
    char field[48];
    m->lexicon.columns = i + 1;
    if (!name || !*name || !kind || !marks || !scheme_find(bytes_of(marks), &c->scheme)) {
        return load_damaged(b, error, "columns");
    }
    for (int k = 0; k < i; k++) {
        if (!strcmp(m->lexicon.column[k].name, name)) return load_damaged(b, error, "columns");
    }
    c->kind = !strcmp(kind, "entity") ? TAG_ENTITY : !strcmp(kind, "features") ? TAG_FEATURES
                                                                               : TAG_PLAIN;
    c->name = mem_text(name, strlen(name));
    if (!c->name) return status_nomem(error);
    snprintf(field, sizeof field, "labels.%d", i);
    TRY(bundle_strings(b, field, &c->labels, error));
    if (c->labels.count == 0 || strcmp(kinds[c->kind], kind)) return load_damaged(b, error, field);
    TRY(load_frequent(m, b, i, error));
    return c->kind == TAG_FEATURES ? load_features(c, b, i, error) : 0;
}

static int load_columns(tag_model *m, bundle *b, rill_error *error) {
    json_t *list = NULL;
    TRY(load_json(b, "columns", &list, error));
    size_t count = json_array_size(list);
    int status = count >= 1 && count <= TAG_HEADS ? 0 : load_damaged(b, error, "columns");
    for (size_t i = 0; status == 0 && i < count; i++) {
        status = load_column(m, b, (int)i, json_array_get(list, i), error);
    }
    json_decref(list);
    return status;
}

static int load_lexicon(tag_model *m, bundle *b, rill_error *error) {
    tag_lexicon *l = &m->lexicon;
    TRY(load_rules(b, l->form, &l->tokenizer, error));
    TRY(load_vocab(b, "forms", &l->forms, error));
    TRY(load_vocab(b, "letters", &l->letters, error));
    TRY(load_vocab(b, "affixes", &l->affixes, error));
    TRY(load_vectors(b, &l->vector_words, &l->vector_dim, error));
    return load_columns(m, b, error);
}

int tag_model_load(void *model, bundle *b, rill_error *error) {
    tag_model *m = model;
    TRY(load_head(b, "tag", &tag_option_table, &m->options, &m->summary, error));
    tag_options_size(&m->options);
    m->lexicon.form = store_form(m->options.normalize);
    TRY(load_lexicon(m, b, error));
    tag_net_config config;
    tag_model_shape(&m->options, &m->lexicon, &config);
    if (tag_net_build(&m->net, &config) < 0) return status_nomem(error);
    TRY(load_weights(b, &m->net.params, error));
    if (tag_model_allow(&m->lexicon, &m->net) < 0) return status_nomem(error);
    return bundle_all_used(b, error);
}

void tag_model_unload(void *model) {
    tag_model *m = model;
    options_free(&tag_option_table, &m->options);
    tag_lexicon_free(&m->lexicon);
    tag_net_free(&m->net);
}

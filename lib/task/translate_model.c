/* translate_model: the translator in a model file.
 *
 *     metadata   task, config (options as JSON), summary
 *     strings    source.units, and target.units where they are not the same: files of units as
 *                text/subword.h has them
 *     F32        the weights, under the names of the parameters
 */
#include "task/store.h"
#include "task/translate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static translate_tie tie_of(const translate_options *o, const translate_lexicon *l) {
    bool shared = l->source == l->target;
    if (!strcmp(o->tie, "none")) return TIE_NONE;
    if (!strcmp(o->tie, "target")) return TIE_TARGET;
    return shared ? TIE_ALL : TIE_TARGET;
}

static translate_attention attention_of(const char *name) {
    return !strcmp(name, "dot")       ? ATTENTION_DOT
           : !strcmp(name, "general") ? ATTENTION_GENERAL
                                      : ATTENTION_ADDITIVE;
}

void translate_model_shape(const translate_options *o, const translate_lexicon *l,
                           translate_net_config *config) {
    *config = (translate_net_config){
        .cell = store_cell(o->cell), .source_words = subword_size(l->source),
        .target_words = subword_size(l->target), .tie = tie_of(o, l), .embed = (int)o->embed,
        .encoder_hidden = (int)o->encoder_hidden, .encoder_layers = (int)o->encoder_layers,
        .decoder_hidden = (int)o->decoder_hidden, .decoder_layers = (int)o->decoder_layers,
        .norm = o->norm, .residual = o->residual, .attention = attention_of(o->attention),
        .heads = (int)o->heads, .dropout = o->dropout, .recurrent = o->recurrent_dropout,
        .smoothing = o->smoothing, .agree = o->r_drop, .coverage = o->coverage_loss};
}

/* ---- saving */

/* Texts and offsets that must live until the file is written. */
typedef struct stored {
    buffer units[SIDES];
    int64_t range[SIDES][2];
} stored;

static int add_units(bundle_writer *w, const translate_lexicon *l, stored *s, rill_error *error) {
    subword_write(l->source, &s->units[SOURCE]);
    TRY(buffer_status(&s->units[SOURCE], error));
    TRY(store_text(w, "source.units", buffer_view(&s->units[SOURCE]), s->range[SOURCE], error));
    if (l->target == l->source) return 0;
    subword_write(l->target, &s->units[TARGET]);
    TRY(buffer_status(&s->units[TARGET], error));
    return store_text(w, "target.units", buffer_view(&s->units[TARGET]), s->range[TARGET], error);
}

int translate_model_save(const translate_options *o, const translate_lexicon *l,
                         const translate_net *net, const real *weights, bytes summary,
                         const char *path, rill_error *error) {
    bundle_writer *w = NULL;
    stored s = {0};
    TRY(bundle_writer_new(&w, error));
    int status = store_head(w, "translate", &translate_option_table, o, summary, error);
    if (status == 0) status = add_units(w, l, &s, error);
    if (status == 0) status = store_weights(w, &net->params, weights, error);
    if (status == 0) status = bundle_writer_save(w, path, error);
    bundle_writer_free(w);
    for (int side = 0; side < SIDES; side++) buffer_free(&s.units[side]);
    return status;
}

/* ---- loading */

static int load_units(bundle *b, const char *field, subword **out, rill_error *error) {
    bytes text;
    rill_error why = {0};
    TRY(load_text(b, field, &text, error));
    int status = subword_read(text, field, out, &why);
    if (status == 0) return 0;
    if (status == RILL_ENOMEM) return status_nomem(error);
    return status_set(error, RILL_EMODEL, bundle_name(b), 0, 0, "field %s, line %zu: %s", field,
                      why.line, why.message);
}

static bool has_text(const bundle *b, const char *field) {
    char name[64];
    snprintf(name, sizeof name, "%s.text", field);
    return bundle_find(b, name) != NULL;
}

static int load_lexicon(translate_lexicon *l, bundle *b, rill_error *error) {
    TRY(load_units(b, "source.units", &l->source, error));
    if (has_text(b, "target.units")) return load_units(b, "target.units", &l->target, error);
    l->target = l->source;
    return 0;
}

int translate_model_load(void *model, bundle *b, rill_error *error) {
    translate_model *m = model;
    translate_net_config config;
    TRY(load_head(b, "translate", &translate_option_table, &m->options, &m->summary, error));
    TRY(load_lexicon(&m->lexicon, b, error));
    translate_model_shape(&m->options, &m->lexicon, &config);
    if (config.encoder_hidden % 2 || config.decoder_hidden % config.heads ||
        config.encoder_hidden % config.heads) {
        return load_damaged(b, error, "config");
    }
    if (translate_net_build(&m->net, &config) < 0) return status_nomem(error);
    TRY(load_weights(b, &m->net.params, error));
    return bundle_all_used(b, error);
}

void translate_model_unload(void *model) {
    translate_model *m = model;
    options_free(&translate_option_table, &m->options);
    translate_lexicon_free(&m->lexicon);
    translate_net_free(&m->net);
}

/* classify_model: the classifier in a bundle.
 *
 *     metadata   task "classify", config, summary, decision: {"multi", "bayes", "temperature"}
 *     strings    rules, subwords (units subword), forms, affixes, vectors, labels, grams
 *     I64        forms.count, affixes.count
 *     F32        thresholds [K], bayes.weight [G,K], bayes.prior [2,K]; the weights of the network
 */
#include "task/classify_bayes.h"
#include "task/store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static unsigned pooling_of(const char *name) {
    static const struct {
        const char *name;
        unsigned set;
    } rows[] = {{"last", CLASSIFY_LAST}, {"mean", CLASSIFY_MEAN}, {"max", CLASSIFY_MAX},
                {"attention", CLASSIFY_ATTENTION}, {"max+attention", CLASSIFY_MAX | CLASSIFY_ATTENTION},
                {"max+mean", CLASSIFY_MAX | CLASSIFY_MEAN}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!strcmp(name, rows[i].name)) return rows[i].set;
    }
    return CLASSIFY_MAX;
}

void classify_model_shape(const classify_options *o, const classify_lexicon *l,
                          classify_net_config *config) {
    *config = (classify_net_config){
        .cell = store_cell(o->cell), .forms = vocab_size(&l->forms),
        .affixes = vocab_size(&l->affixes), .vectors = l->vector_words.count,
        .form_dim = (int)o->form_dim, .affix_dim = (int)o->affix_dim, .vector_dim = l->vector_dim,
        .hidden = (int)o->hidden, .layers = (int)o->layers, .labels = l->labels.count,
        .norm = o->norm, .residual = o->residual, .multi = l->multi, .bayes = o->ngrams > 0,
        .pooling = pooling_of(o->pool), .conv_width = (int)o->conv_width,
        .conv_stride = (int)o->conv_stride, .conv_filters = (int)o->conv_filters,
        .dropout_in = o->dropout_in, .dropout = o->dropout, .recurrent = o->recurrent_dropout,
        .smoothing = o->smoothing, .agree = o->r_drop};
}

/* ---- saving */

typedef struct parts {
    const classify_options *o;
    const classify_lexicon *l;
    const classify_net *net;
    const classify_decision *decision;
    int64_t rules[2], range[2];
    buffer subwords; /* as text */
} parts;

static int store_tables(bundle_writer *w, const parts *p, rill_error *error) {
    int64_t K = p->l->labels.count, one[] = {K}, table[] = {p->l->grams.count, K}, two[] = {2, K};
    TRY(bundle_writer_tensor(w, "thresholds", BUNDLE_F32, 1, one, p->decision->threshold, error));
    TRY(bundle_writer_tensor(w, "bayes.weight", BUNDLE_F32, 2, table, p->l->gram, error));
    return bundle_writer_tensor(w, "bayes.prior", BUNDLE_F32, 2, two, p->l->prior, error);
}

static int fill_model(bundle_writer *w, parts *p, const real *weights, bytes summary,
                      rill_error *error) {
    const classify_lexicon *l = p->l;
    TRY(store_head(w, "classify", &classify_option_table, p->o, summary, error));
    TRY(store_json(w, "decision",
                   json_pack("{sb sf sf}", "multi", l->multi, "bayes", p->decision->bayes,
                             "temperature", p->decision->temperature), error));
    TRY(store_text(w, "rules", tokenizer_rules(l->tokenizer), p->rules, error));
    if (l->subwords) {
        subword_write(l->subwords, &p->subwords);
        TRY(buffer_status(&p->subwords, error));
        TRY(store_text(w, "subwords", buffer_view(&p->subwords), p->range, error));
    }
    TRY(store_vocab(w, "forms", &l->forms, error));
    TRY(store_vocab(w, "affixes", &l->affixes, error));
    TRY(store_vectors(w, &l->vector_words, error));
    TRY(bundle_writer_strings(w, "labels", &l->labels, error));
    TRY(bundle_writer_strings(w, "grams", &l->grams, error));
    TRY(store_tables(w, p, error));
    return store_weights(w, &p->net->params, weights, error);
}

int classify_model_save(const classify_options *o, const classify_lexicon *l,
                        const classify_net *net, const real *weights,
                        const classify_decision *decision, bytes summary, const char *path,
                        rill_error *error) {
    bundle_writer *w = NULL;
    parts p = {.o = o, .l = l, .net = net, .decision = decision};
    TRY(bundle_writer_new(&w, error));
    int status = fill_model(w, &p, weights, summary, error);
    if (status == 0) status = bundle_writer_save(w, path, error);
    bundle_writer_free(w);
    buffer_free(&p.subwords);
    return status;
}

/* ---- loading */

static int load_floats(bundle *b, const char *name, int rank, const int64_t *shape, float **out,
                       rill_error *error) {
    const bundle_entry *entry;
    TRY(bundle_tensor(b, name, BUNDLE_F32, rank, shape, &entry, error));
    *out = mem_new(entry->count, sizeof **out);
    if (!*out) return status_nomem(error);
    memcpy(*out, entry->data, entry->size);
    return 0;
}

static int load_tables(classify_model *m, bundle *b, rill_error *error) {
    classify_lexicon *l = &m->lexicon;
    int64_t K = l->labels.count, one[] = {K}, table[] = {l->grams.count, K}, two[] = {2, K};
    TRY(load_floats(b, "thresholds", 1, one, &m->decision.threshold, error));
    TRY(load_floats(b, "bayes.weight", 2, table, &l->gram, error));
    TRY(load_floats(b, "bayes.prior", 2, two, &l->prior, error));
    l->single = mem_new((size_t)l->grams.count, sizeof *l->single);
    if (!l->single) return status_nomem(error);
    for (int32_t g = 0; g < l->grams.count; g++) {
        l->single[g] = classify_is_single(strmap_get(&l->grams, g));
    }
    return 0;
}

static int load_decision(classify_model *m, bundle *b, rill_error *error) {
    json_t *json = NULL;
    int multi;
    TRY(load_json(b, "decision", &json, error));
    classify_decision *d = &m->decision;
    int bad = json_unpack(json, "{sb sF sF}", "multi", &multi, "bayes", &d->bayes, "temperature",
                          &d->temperature);
    json_decref(json);
    bool good = !bad && d->temperature > 0 && isfinite(d->temperature) && isfinite(d->bayes);
    if (good) m->lexicon.multi = multi;
    return good ? 0 : load_damaged(b, error, "decision");
}

static int load_subwords(classify_model *m, bundle *b, rill_error *error) {
    bytes text;
    if (strcmp(m->options.units, "subword")) return 0;
    TRY(load_text(b, "subwords", &text, error));
    int status = subword_read(text, bundle_name(b), &m->lexicon.subwords, error);
    if (status < 0 && status != RILL_ENOMEM) return load_damaged(b, error, "subwords");
    return status;
}

static int load_lexicon(classify_model *m, bundle *b, rill_error *error) {
    classify_lexicon *l = &m->lexicon;
    l->form = store_form(m->options.normalize);
    l->chars = !strcmp(m->options.units, "char");
    l->lower = m->options.lower;
    l->order = m->options.ngrams > 0 ? (int)m->options.ngrams : 1;
    l->stems = m->options.ngrams > 0 ? (int)m->options.stems : 0;
    l->letters = m->options.ngrams > 0 ? (int)m->options.letters : 0;
    TRY(load_decision(m, b, error));
    TRY(load_subwords(m, b, error));
    TRY(load_rules(b, l->form, &l->tokenizer, error));
    TRY(load_vocab(b, "forms", &l->forms, error));
    TRY(load_vocab(b, "affixes", &l->affixes, error));
    TRY(load_vectors(b, &l->vector_words, &l->vector_dim, error));
    TRY(bundle_strings(b, "labels", &l->labels, error));
    TRY(bundle_strings(b, "grams", &l->grams, error));
    if (l->labels.count < 1) return load_damaged(b, error, "labels");
    return load_tables(m, b, error);
}

int classify_model_load(void *model, bundle *b, rill_error *error) {
    classify_model *m = model;
    classify_net_config config;
    TRY(load_head(b, "classify", &classify_option_table, &m->options, &m->summary, error));
    TRY(load_lexicon(m, b, error));
    classify_model_shape(&m->options, &m->lexicon, &config);
    if (classify_net_build(&m->net, &config) < 0) return status_nomem(error);
    TRY(load_weights(b, &m->net.params, error));
    return bundle_all_used(b, error);
}

void classify_model_unload(void *model) {
    classify_model *m = model;
    options_free(&classify_option_table, &m->options);
    classify_lexicon_free(&m->lexicon);
    classify_net_free(&m->net);
    free(m->decision.threshold);
}

/* classify_session: texts in, probabilities out.
 *
 * Texts are cut and run in portions of at most `budget` units (one longer than that alone), so memory
 * is that of a portion. Within a portion every distinct form has one row of input.
 *
 *     text -> units -> forms -> unique rows [U]   index [N]   n-gram scores [B,K]   -> logits [B,K]
 *
 * Of several models the probabilities are averaged.
 */
#include "task/classify.h"

#include <stdlib.h>
#include <string.h>

enum { DEFAULT_BUDGET = 2048, FORMS = 100000 /* kept in the cache */ };

/* One model at work. */
typedef struct member {
    const classify_lexicon *lexicon;
    const classify_net *net;
    classify_net own; /* a copy over other weights, while training */
    size_t chunk, longest;
    const classify_decision *decision;
    classify_cutter cutter;
    classify_forms forms;
    classify_grams grams;
    int32_t *row; /* [forms] row in the portion, or -1 */
    size_t row_room;
    tape tape;
    /* the portion */
    int32_t *index; /* [N] row */
    int32_t *form;  /* [U] number of the form */
    int32_t *length; /* [C] of chunks */
    int32_t *chunks; /* [B+1] first chunk of each text */
    real *bayes;    /* [B,K] */
    size_t units, rows, chunk_count, texts;
    size_t index_room, form_room, length_room, chunks_room, bayes_room;
} member;

struct classify_session {
    member *m;
    size_t members, budget;
    const float *threshold;
    arena memory;
};

/* ---- opening */

static int session_open(size_t members, pool *pool, classify_session **out, rill_error *error) {
    classify_session *s = mem_new(1, sizeof *s);
    if (s) s->m = mem_new(members, sizeof *s->m);
    if (!s || !s->m) {
        free(s);
        return status_nomem(error);
    }
    s->members = members;
    s->budget = DEFAULT_BUDGET;
    for (size_t i = 0; i < members; i++) {
        s->m[i].tape.c = (compute){.k = cpu_kernels(), .pool = pool};
    }
    *out = s;
    return 0;
}

static int set_member(member *m, const classify_lexicon *l, const classify_options *o,
                      rill_error *error) {
    m->lexicon = l;
    m->chunk = (size_t)o->chunk;
    m->longest = (size_t)o->max_length;
    return classify_cutter_new(&m->cutter, l, error);
}

static bool equal_labels(const strmap *a, const strmap *b) {
    if (a->count != b->count) return false;
    for (int32_t i = 0; i < a->count; i++) {
        if (!bytes_equal(strmap_get(a, i), strmap_get(b, i))) return false;
    }
    return true;
}

static int open_models(classify_session *s, classify_model *const *models, rill_error *error) {
    const classify_lexicon *first = &models[0]->lexicon;
    for (size_t i = 0; i < s->members; i++) {
        const classify_model *m = models[i];
        if (!equal_labels(&first->labels, &m->lexicon.labels) || first->multi != m->lexicon.multi) {
            return status_set(error, RILL_EUSAGE, bundle_name(m->bundle), 0, 0,
                              "the labels of the models differ");
        }
        s->m[i].net = &m->net;
        s->m[i].decision = &m->decision;
        TRY(set_member(&s->m[i], &m->lexicon, &m->options, error));
    }
    s->threshold = models[0]->decision.threshold;
    return 0;
}

int classify_session_new(classify_model *const *models, size_t count, const classify_options *o,
                         pool *pool, classify_session **out, rill_error *error) {
    TRY(session_open(count, pool, out, error));
    if (o->common.batch > 0) (*out)->budget = (size_t)o->common.batch;
    int status = open_models(*out, models, error);
    if (status == 0) return 0;
    classify_session_free(*out);
    *out = NULL;
    return status;
}

int classify_session_train(const classify_options *o, const classify_lexicon *l,
                           const classify_net *net, const real *weights, pool *pool,
                           classify_session **out, rill_error *error) {
    TRY(session_open(1, pool, out, error));
    member *m = &(*out)->m[0];
    m->own = *net;
    m->net = &m->own;
    bool packed = params_borrow(&net->params, weights, &m->tape.c, &m->own.params) == 0;
    int status = packed ? set_member(m, l, o, error) : status_nomem(error);
    if (status == 0) return 0;
    classify_session_free(*out);
    *out = NULL;
    return status;
}

static void member_free(member *m) {
    params_return(&m->own.params);
    classify_cutter_free(&m->cutter);
    classify_forms_free(&m->forms);
    classify_grams_free(&m->grams);
    free(m->row);
    free(m->index);
    free(m->form);
    free(m->length);
    free(m->chunks);
    free(m->bayes);
    tape_free(&m->tape);
}

void classify_session_free(classify_session *s) {
    if (!s) return;
    for (size_t i = 0; i < s->members; i++) member_free(&s->m[i]);
    free(s->m);
    arena_free(&s->memory);
    free(s);
}

const classify_lexicon *classify_session_lexicon(const classify_session *s) {
    return s->m[0].lexicon;
}

const float *classify_session_threshold(const classify_session *s) { return s->threshold; }

/* ---- filling a portion */

static void empty_portion(member *m) {
    for (size_t i = 0; i < m->rows; i++) m->row[m->form[i]] = -1;
    m->units = m->rows = m->chunk_count = m->texts = 0;
    if (m->forms.map.count > FORMS) classify_forms_clear(&m->forms);
}

static int add_unit(member *m, bytes form) {
    int32_t f;
    TRY(classify_forms_add(&m->forms, m->lexicon, form, &f));
    size_t before = m->row_room;
    TRY(mem_grow(&m->row, &m->row_room, (size_t)f + 1, sizeof *m->row));
    for (size_t i = before; i < m->row_room; i++) m->row[i] = -1;
    TRY(mem_grow(&m->index, &m->index_room, m->units + 1, sizeof *m->index));
    if (m->row[f] < 0) {
        TRY(mem_grow(&m->form, &m->form_room, m->rows + 1, sizeof *m->form));
        m->row[f] = (int32_t)m->rows;
        m->form[m->rows++] = f;
    }
    m->index[m->units++] = m->row[f];
    return 0;
}

/* Chunks of a text of n units; an empty text is one empty chunk. */
static int add_chunks(member *m, size_t n) {
    TRY(mem_grow(&m->chunks, &m->chunks_room, m->texts + 2, sizeof *m->chunks));
    m->chunks[m->texts] = (int32_t)m->chunk_count;
    do {
        size_t size = m->chunk > 0 && n > m->chunk ? m->chunk : n;
        TRY(mem_grow(&m->length, &m->length_room, m->chunk_count + 1, sizeof *m->length));
        m->length[m->chunk_count++] = (int32_t)size;
        n -= size;
    } while (n > 0);
    m->chunks[++m->texts] = (int32_t)m->chunk_count;
    return 0;
}

/* Adds the text that was just cut. */
static int add_text(member *m) {
    const classify_cutter *c = &m->cutter;
    size_t K = (size_t)m->lexicon->labels.count;
    size_t units = m->longest > 0 && c->units > m->longest ? m->longest : c->units;
    if (units > INT32_MAX / 2) return RILL_ELIMIT;
    for (size_t i = 0; i < units; i++) TRY(add_unit(m, c->unit[i].form));
    TRY(mem_grow(&m->bayes, &m->bayes_room, (m->texts + 1) * K, sizeof *m->bayes));
    if (m->net->config.bayes) {
        strmap *grams = (strmap *)&m->lexicon->grams; /* not grown */
        TRY(classify_grams_find(&m->grams, m->lexicon, grams, false, c->unit, c->units));
        classify_bayes(m->lexicon, &m->grams, m->bayes + m->texts * K, NULL);
    }
    return add_chunks(m, units);
}

/* ---- running a portion */

static int fill_batch(member *m, arena *a, classify_batch *b) {
    int32_t *id = arena_alloc(a, m->rows, sizeof *id), *vector = arena_alloc(a, m->rows, sizeof *id);
    int32_t *affix = arena_alloc(a, m->rows * CLASSIFY_AFFIXES, sizeof *affix);
    if (!id || !vector || !affix) return RILL_ENOMEM;
    *b = (classify_batch){.chunk = m->chunks, .texts = (int32_t)m->texts,
                          .rows = (int32_t)m->rows, .form = id, .vector = vector,
                          .index = m->index, .bayes = m->bayes};
    for (size_t i = 0; i < m->rows; i++) {
        size_t f = (size_t)m->form[i];
        id[i] = m->forms.id[f];
        vector[i] = m->forms.vector[f];
        for (size_t k = 0; k < CLASSIFY_AFFIXES; k++) {
            affix[k * m->rows + i] = m->forms.affix[f * CLASSIFY_AFFIXES + k];
        }
    }
    for (size_t k = 0; k < CLASSIFY_AFFIXES; k++) b->affix[k] = affix + k * m->rows;
    return pack_make(a, m->length, NULL, (int32_t)m->chunk_count, &b->chunks);
}

void classify_probabilities(const kernels *k, bool multi, int K, const classify_decision *d,
                            const real *logits, const real *score, real *out) {
    for (int i = 0; i < K; i++) {
        double beside = score ? d->bayes * (double)score[i] : 0;
        out[i] = (real)(((double)logits[i] + beside) / d->temperature);
    }
    if (multi) k->sigmoid(K, out, out);
    else k->softmax(K, out, out);
}

/* One text's share of the average over the models. */
static void add_probabilities(const member *m, const real *logits, const real *score, double share,
                              real *scratch, float *out) {
    int K = m->lexicon->labels.count;
    classify_probabilities(m->tape.c.k, m->lexicon->multi, K, m->decision, logits,
                           m->net->config.bayes ? score : NULL, scratch);
    for (int i = 0; i < K; i++) out[i] += (float)(share * (double)scratch[i]);
}

static int run_portion(classify_session *s, member *m, float *out, bool logits, rill_error *error) {
    classify_batch batch;
    size_t K = (size_t)m->lexicon->labels.count;
    arena_reset(&s->memory);
    real *scratch = arena_alloc(&s->memory, K, sizeof *scratch);
    if (!scratch || fill_batch(m, &s->memory, &batch) < 0) return status_nomem(error);
    tape_reset(&m->tape);
    var y = classify_net_logits(m->net, &m->tape, &batch);
    if (m->tape.status < 0 || !y) return status_nomem(error);
    const real *value = tape_value(&m->tape, y);
    for (size_t i = 0; i < m->texts; i++) {
        if (logits) memcpy(out + i * K, value + i * K, K * sizeof *out);
        else add_probabilities(m, value + i * K, m->bayes + i * K, 1.0 / (double)s->members,
                               scratch, out + i * K);
    }
    empty_portion(m);
    return 0;
}

static int run_member(classify_session *s, member *m, const bytes *text, size_t count, float *out,
                      bool logits, rill_error *error) {
    size_t K = (size_t)m->lexicon->labels.count, done = 0;
    empty_portion(m);
    for (size_t i = 0; i < count; i++) {
        TRY(classify_cut(&m->cutter, text[i], error));
        bool full = m->texts > 0 && m->units + m->cutter.units > s->budget;
        if (full) {
            size_t texts = m->texts;
            TRY(run_portion(s, m, out + done * K, logits, error));
            done += texts;
        }
        if (add_text(m) < 0) return status_nomem(error);
    }
    return m->texts > 0 ? run_portion(s, m, out + done * K, logits, error) : 0;
}

int classify_session_run(classify_session *s, const bytes *text, size_t count, float *probability,
                         bool logits, rill_error *error) {
    size_t K = (size_t)s->m[0].lexicon->labels.count;
    memset(probability, 0, count * K * sizeof *probability);
    for (size_t i = 0; i < s->members; i++) {
        TRY(run_member(s, &s->m[i], text, count, probability, logits, error));
    }
    return 0;
}

/* ---- beside the network */

/* The baseline's answer from its scores. */
static void answer(const classify_lexicon *l, const real *score, int32_t *label) {
    int32_t best = 0, K = l->labels.count;
    for (int32_t k = 0; k < K; k++) {
        if (score[k] > score[best]) best = k;
        if (l->multi) label[k] = score[k] > 0;
    }
    if (!l->multi) *label = best;
}

int classify_session_bayes(classify_session *s, const bytes *text, size_t count, float *score,
                           int32_t *baseline, rill_error *error) {
    member *m = &s->m[0];
    const classify_lexicon *l = m->lexicon;
    size_t K = (size_t)l->labels.count, width = l->multi ? K : 1;
    real *single = mem_new(K, sizeof *single);
    int status = single ? 0 : status_nomem(error);
    for (size_t i = 0; status == 0 && i < count; i++) {
        status = classify_cut(&m->cutter, text[i], error);
        if (status == 0 && classify_grams_find(&m->grams, l, (strmap *)&l->grams, false,
                                               m->cutter.unit, m->cutter.units) < 0) {
            status = status_nomem(error);
        }
        if (status < 0) break;
        classify_bayes(l, &m->grams, score ? score + i * K : NULL, single);
        if (baseline) answer(l, single, baseline + i * width);
    }
    free(single);
    return status;
}

int classify_session_units(classify_session *s, bytes text, const classify_unit **unit,
                           size_t *count, rill_error *error) {
    TRY(classify_cut(&s->m[0].cutter, text, error));
    *unit = s->m[0].cutter.unit;
    *count = s->m[0].cutter.units;
    return 0;
}

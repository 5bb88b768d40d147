/* tag_session: words in, labels out, for one model or an ensemble.
 *
 *     form -> (first seen: tag_net_forms) -> row of its member's store [forms, I]
 *     batch -> rows of its distinct forms -> states -> probabilities, averaged over the members
 *           -> labels: argmax | best chain | best feature string
 *
 * Everything a form needs is computed once and kept, until the store has grown too large.
 * Answers don't depend on the batch: every step works on rows by themselves.
 *
 * Memory is that of the batch, some 10 kB a word. A sentence that would take more than there is,
 * such as an endless one of a broken file, is cut: each LONGEST words are tagged as if they were a
 * sentence, fewer where rows of input are far wider than usual. No more words run together.
 */
#include "task/tag.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    STORE_FORMS = 50000, /* forms kept at most, and bytes of their strings */
    STORE_BYTES = 1 << 26,
    STORE_ROWS = 1 << 28, /* bytes of their rows */
    FORM_CHUNK = 512,     /* forms computed together */
    FORM_LETTERS = 48,    /* of a long form no more are looked at */
    LONGEST = 1 << 14,    /* words tagged in one piece */
    PIECE_ROWS = 1 << 26, /* bytes of the rows of either, where that is less */
    CANDIDATES = 8        /* feature strings that are weighed */
};

typedef struct member {
    const tag_lexicon *lexicon;
    const tag_net *net;
    tag_net own; /* over weights still in training: only its packed weights are owned */
    tag_forms forms;
    real *row; /* [forms, I] */
    size_t row_room;
    int32_t *place; /* [forms] position among the distinct forms of the batch, -1: not there */
    size_t place_room, placed;
    tape tape;
} member;

struct tag_session {
    member *m;
    size_t members;
    bool probs;
    int64_t nbest;
    arena memory; /* of the answers, until the next run */
    arena kept;   /* of the answers of sentences that were cut */
    buffer text;
};

/* One batch on its way. */
typedef struct job {
    tag_session *s;
    tag_sentence *sentence;
    size_t count;
    int32_t total;   /* N */
    int32_t *token;  /* [N] form index, then row */
    pack words;
    real *prob[TAG_HEADS];      /* [N,K]; scores of a lone model's CRF */
    real *attribute[TAG_HEADS]; /* [N,A] */
} job;

const tag_lexicon *tag_session_lexicon(const tag_session *s) { return s->m[0].lexicon; }

/* ---- making one */

static bool same_strings(const strmap *a, const strmap *b) {
    if (a->count == 0 || b->count == 0) return a->count == b->count;
    return a->count == b->count && bytes_equal(buffer_view(&a->text), buffer_view(&b->text)) &&
           !memcmp(a->start, b->start, ((size_t)a->count + 1) * sizeof *a->start);
}

static bool same_columns(const tag_lexicon *a, const tag_lexicon *b) {
    if (a->columns != b->columns) return false;
    for (int i = 0; i < a->columns; i++) {
        const tag_column *x = &a->column[i], *y = &b->column[i];
        if (strcmp(x->name, y->name) || x->kind != y->kind || x->scheme != y->scheme) return false;
        if (!same_strings(&x->labels, &y->labels) || !same_strings(&x->values, &y->values)) {
            return false;
        }
    }
    return true;
}

static int session_open(size_t members, pool *pool, tag_session **out, rill_error *error) {
    tag_session *s = mem_new(1, sizeof *s);
    if (s) s->m = mem_new(members, sizeof *s->m);
    if (!s || !s->m) {
        tag_session_free(s);
        return status_nomem(error);
    }
    s->members = members;
    for (size_t i = 0; i < members; i++) {
        s->m[i].tape.c = (compute){.k = cpu_kernels(), .pool = pool};
    }
    *out = s;
    return 0;
}

int tag_session_new(tag_model *const *models, size_t count, const tag_options *o, pool *pool,
                    tag_session **out, rill_error *error) {
    for (size_t i = 1; i < count; i++) {
        if (same_columns(&models[0]->lexicon, &models[i]->lexicon)) continue;
        return status_fail(error, RILL_EUSAGE, "\"%s\" and \"%s\" don't have the same labels",
                           bundle_name(models[0]->bundle), bundle_name(models[i]->bundle));
    }
    TRY(session_open(count, pool, out, error));
    for (size_t i = 0; i < count; i++) {
        (*out)->m[i].lexicon = &models[i]->lexicon;
        (*out)->m[i].net = &models[i]->net;
    }
    (*out)->probs = o->probs;
    (*out)->nbest = o->nbest;
    return 0;
}

int tag_session_train(const tag_lexicon *l, const tag_net *net, const real *weights, pool *pool,
                      tag_session **out, rill_error *error) {
    TRY(session_open(1, pool, out, error));
    member *m = &(*out)->m[0];
    m->own = *net;
    m->lexicon = l;
    m->net = &m->own;
    if (params_borrow(&net->params, weights, &m->tape.c, &m->own.params) == 0) return 0;
    tag_session_free(*out);
    return status_nomem(error);
}

void tag_session_free(tag_session *s) {
    if (!s) return;
    for (size_t i = 0; i < s->members; i++) {
        member *m = &s->m[i];
        params_return(&m->own.params);
        tag_forms_free(&m->forms);
        free(m->row);
        free(m->place);
        tape_free(&m->tape);
    }
    free(s->m);
    arena_free(&s->memory);
    arena_free(&s->kept);
    buffer_free(&s->text);
    free(s);
}

/* ---- forms to rows */

/* So many rows of that many numbers, fewer where they would be large. */
static int32_t rows_at_once(int32_t usual, size_t width) {
    size_t most = PIECE_ROWS / (width * sizeof(real));
    return most < 1 ? 1 : most < (size_t)usual ? (int32_t)most : usual;
}

static bool store_full(const member *m) {
    size_t row = (size_t)tag_net_inputs(&m->net->config) * sizeof(real);
    return m->forms.map.count > STORE_FORMS || m->forms.map.text.size > STORE_BYTES ||
           (size_t)m->forms.map.count * row > STORE_ROWS;
}

static void forget_forms(member *m) {
    tag_forms_clear(&m->forms);
    m->placed = 0;
}

/* Rows of forms from..from+count-1. */
static int compute_rows(job *j, member *m, int32_t from, int32_t count) {
    size_t inputs = (size_t)tag_net_inputs(&m->net->config);
    tag_batch batch = {0};
    tape_reset(&m->tape);
    arena_mark mark = arena_here(&j->s->memory);
    int32_t *index = arena_alloc(&j->s->memory, (size_t)count, sizeof *index);
    if (!index) return RILL_ENOMEM;
    for (int32_t i = 0; i < count; i++) index[i] = from + i;
    TRY(tag_forms_batch(&m->forms, index, count, 0, &j->s->memory, &batch));
    TRY(mem_grow(&m->row, &m->row_room, (size_t)(from + count) * inputs, sizeof *m->row));
    var rows = tag_net_forms(m->net, &m->tape, &batch);
    if (!rows) return RILL_ENOMEM;
    memcpy(m->row + (size_t)from * inputs, tape_value(&m->tape, rows),
           (size_t)count * inputs * sizeof *m->row);
    arena_back(&j->s->memory, mark);
    return 0;
}

/* Form index of every token; rows of forms not seen before. */
static int look_up(job *j, member *m) {
    if (store_full(m)) forget_forms(m);
    int32_t before = m->forms.map.count, at = 0;
    for (size_t s = 0; s < j->count; s++) {
        for (int32_t w = 0; w < j->sentence[s].count; w++) {
            TRY(tag_forms_add(&m->forms, m->lexicon, j->sentence[s].form[w], &j->token[at++]));
        }
    }
    const tag_net_config *c = &m->net->config;
    size_t letters = c->chars == TAG_CHARS_NONE ? 0 : (size_t)c->char_dim * FORM_LETTERS;
    int32_t after = m->forms.map.count;
    int32_t chunk = rows_at_once(FORM_CHUNK, (size_t)tag_net_inputs(c) + letters);
    for (int32_t from = before; from < after; from += chunk) {
        int32_t count = after - from < chunk ? after - from : chunk;
        int status = compute_rows(j, m, from, count);
        if (status < 0) {
            forget_forms(m); /* some have no row */
            return status;
        }
    }
    return 0;
}

/* token[] becomes the position among distinct forms; which forms those are goes to *form. */
static int distinct_forms(job *j, member *m, int32_t **form, int32_t *count) {
    size_t forms = (size_t)m->forms.map.count;
    TRY(mem_grow(&m->place, &m->place_room, forms, sizeof *m->place));
    for (; m->placed < forms; m->placed++) m->place[m->placed] = -1;
    *form = arena_alloc(&j->s->memory, (size_t)j->total, sizeof **form);
    if (!*form) return RILL_ENOMEM;
    *count = 0;
    for (int32_t i = 0; i < j->total; i++) {
        int32_t f = j->token[i];
        if (m->place[f] < 0) {
            m->place[f] = *count;
            (*form)[(*count)++] = f;
        }
        j->token[i] = m->place[f];
    }
    for (int32_t i = 0; i < *count; i++) m->place[(*form)[i]] = -1;
    return 0;
}

/* ---- probabilities */

/* Softmax of `count` columns of each row from `begin` on. */
static void normalise(const kernels *k, real *x, int rows, int ld, int begin, int count) {
    for (int i = 0; i < rows; i++) {
        real *row = x + (size_t)i * (size_t)ld + begin;
        k->softmax(count, row, row);
    }
}

static void normalise_groups(const kernels *k, const tag_column *c, real *x, int rows) {
    int ld = c->group[c->attributes.count];
    for (int32_t a = 0; a < c->attributes.count; a++) {
        normalise(k, x, rows, ld, c->group[a], c->group[a + 1] - c->group[a]);
    }
}

/* Marginals of every sentence in place of the scores of a CRF. */
static int chain_marginals(job *j, member *m, int head, real *x) {
    const tag_head_shape *h = &m->net->config.head[head];
    const params *p = &m->net->params;
    const real *trans = params_value(p, m->net->trans[head]);
    const real *ends = params_value(p, m->net->ends[head]);
    size_t K = (size_t)h->labels;
    for (size_t s = 0; s < j->count; s++) {
        int T = j->sentence[s].count;
        real *row = x + (size_t)j->words.start[s] * K;
        arena_mark mark = arena_here(&j->s->memory);
        double *marginal = arena_alloc(&j->s->memory, (size_t)T * K, sizeof *marginal), log_z;
        if (!marginal) return RILL_ENOMEM;
        TRY(crf_marginals(&j->s->memory, T, (int)K, row, trans, ends, h->allowed, marginal,
                          &log_z));
        for (size_t i = 0; i < (size_t)T * K; i++) row[i] = (real)marginal[i];
        arena_back(&j->s->memory, mark);
    }
    return 0;
}

/* Adds x/members to the sum; the first member starts it. */
static int gather(job *j, real **sum, const real *x, size_t size) {
    const kernels *k = j->s->m[0].tape.c.k;
    bool first = !*sum;
    if (first) *sum = arena_zero(&j->s->memory, size, sizeof **sum);
    if (!*sum) return RILL_ENOMEM;
    if (j->s->members == 1) memcpy(*sum, x, size * sizeof **sum);
    else k->axpy((int64_t)size, 1 / (real)j->s->members, x, *sum);
    return 0;
}

static int head_probabilities(job *j, member *m, var states, int head) {
    const tag_column *c = &m->lexicon->column[head];
    const tag_head_shape *h = &m->net->config.head[head];
    size_t N = (size_t)j->total;
    var scores = tag_net_scores(m->net, &m->tape, states, head);
    if (!scores) return RILL_ENOMEM;
    real *x = tape_value(&m->tape, scores);
    if (!h->crf) normalise(m->tape.c.k, x, j->total, h->labels, 0, h->labels);
    else if (j->s->members > 1) TRY(chain_marginals(j, m, head, x));
    TRY(gather(j, &j->prob[head], x, N * (size_t)h->labels));
    if (h->attributes == 0) return 0;
    scores = tag_net_attributes(m->net, &m->tape, states, head);
    if (!scores) return RILL_ENOMEM;
    x = tape_value(&m->tape, scores);
    normalise_groups(m->tape.c.k, c, x, j->total);
    return gather(j, &j->attribute[head], x, N * (size_t)h->group[h->attributes]);
}

static int run_member(job *j, member *m) {
    int32_t *form, forms;
    TRY(look_up(j, m));
    TRY(distinct_forms(j, m, &form, &forms));
    tape_reset(&m->tape);
    int inputs = tag_net_inputs(&m->net->config);
    var store = op_input(&m->tape, m->forms.map.count, inputs, m->row, false);
    var rows = op_embed(&m->tape, store, form, forms);
    var states = tag_net_states(m->net, &m->tape, rows, &j->words, j->token);
    if (!states) return RILL_ENOMEM;
    for (int i = 0; i < m->net->config.heads; i++) TRY(head_probabilities(j, m, states, i));
    return 0;
}

/* ---- decoding */

static int32_t best_of(const real *x, int n) {
    int32_t best = 0;
    for (int32_t i = 1; i < n; i++) best = x[i] > x[best] ? i : best;
    return best;
}

static void decode_plain(const tag_column *c, const real *prob, int32_t n, bytes *label,
                         float *probability) {
    for (int32_t w = 0; w < n; w++) {
        const real *row = prob + (size_t)w * (size_t)c->labels.count;
        int32_t best = best_of(row, c->labels.count);
        label[w] = strmap_get(&c->labels, best);
        if (probability) probability[w] = (float)row[best];
    }
}

/* The best values of all attributes as one string. */
static int compose(job *j, const tag_column *c, const real *attribute, double *score, bytes *out) {
    buffer *text = &j->s->text;
    buffer_clear(text);
    for (int32_t a = 0; a < c->attributes.count; a++) {
        const real *row = attribute + c->group[a];
        int32_t best = best_of(row, c->group[a + 1] - c->group[a]);
        *score *= (double)row[best];
        if (best == 0) continue;
        if (text->size > 0) buffer_add_char(text, '|');
        buffer_add_bytes(text, strmap_get(&c->values, c->group[a] + best));
    }
    if (text->size == 0) buffer_add_char(text, '_');
    char *copy = text->failed ? NULL : arena_alloc(&j->s->memory, text->size, 1);
    if (!copy) return RILL_ENOMEM;
    memcpy(copy, text->data, text->size);
    *out = (bytes){copy, text->size};
    return 0;
}

/* p(string k) * product of p(its values). value: room for one of each attribute. */
static double listed_score(const tag_column *c, int32_t k, const real *prob, const real *attribute,
                           int32_t *value) {
    double score = (double)prob[k];
    memset(value, 0, (size_t)c->attributes.count * sizeof *value);
    for (size_t p = c->first_pair[k]; p < c->first_pair[k + 1]; p++) {
        value[c->pair[p].attribute] = c->pair[p].value;
    }
    for (int32_t a = 0; a < c->attributes.count; a++) {
        score *= (double)attribute[c->group[a] + value[a]];
    }
    return score;
}

/* Feature string of one word. A listed string scores p(string) * product of p(its values); the best
 * combination of values scores p(<rare>) * product. Products, not logarithms: libm's logarithm may
 * differ between processors. */
static int decode_features(job *j, const tag_column *c, const real *prob, const real *attribute,
                           bytes *label, float *probability) {
    double sum = (double)prob[0], most;
    TRY(compose(j, c, attribute, &sum, label));
    most = sum;
    arena_mark mark = arena_here(&j->s->memory);
    int32_t *value = arena_alloc(&j->s->memory, (size_t)c->attributes.count, sizeof *value);
    if (!value) return RILL_ENOMEM;
    int32_t top[CANDIDATES], found = 0;
    for (int32_t k = 1; k < c->labels.count; k++) {
        int32_t at = found < CANDIDATES ? found++ : CANDIDATES;
        while (at > 0 && prob[k] > prob[top[at - 1]]) {
            if (at < CANDIDATES) top[at] = top[at - 1];
            at--;
        }
        if (at < CANDIDATES) top[at] = k;
    }
    for (int32_t i = 0; i < found; i++) {
        double score = listed_score(c, top[i], prob, attribute, value);
        sum += score;
        if (score <= most) continue;
        most = score;
        *label = strmap_get(&c->labels, top[i]);
    }
    arena_back(&j->s->memory, mark);
    if (probability) *probability = (float)(sum > 0 ? most / sum : 0);
    return 0;
}

/* Labels of a path; entity labels go back to the scheme of the training data. */
static int spell_path(job *j, const tag_column *c, const int32_t *path, int32_t n, bytes *label) {
    for (int32_t w = 0; w < n; w++) label[w] = strmap_get(&c->labels, path[w]);
    if (c->kind != TAG_ENTITY || c->scheme == SCHEME_BIOES) return 0;
    TRY(scheme_convert(c->scheme, label, (size_t)n, &j->s->text));
    for (int32_t w = 0; w < n; w++) {
        char *copy = arena_alloc(&j->s->memory, label[w].size, 1);
        if (!copy) return RILL_ENOMEM;
        memcpy(copy, label[w].data, label[w].size);
        label[w].data = copy;
    }
    return 0;
}

typedef struct chain_weights {
    const real *x, *trans, *ends;
} chain_weights;

/* Of an ensemble: logarithms of the averaged marginals, no transitions but the forbidden ones. */
static int chain_of(job *j, int head, size_t s, chain_weights *out) {
    const member *m = &j->s->m[0];
    size_t K = (size_t)m->net->config.head[head].labels;
    size_t size = (size_t)j->sentence[s].count * K;
    const real *x = j->prob[head] + (size_t)j->words.start[s] * K;
    if (j->s->members == 1) {
        *out = (chain_weights){x, params_value(&m->net->params, m->net->trans[head]),
                               params_value(&m->net->params, m->net->ends[head])};
        return 0;
    }
    real *zero = arena_zero(&j->s->memory, K * K + 2 * K, sizeof *zero);
    real *logs = arena_alloc(&j->s->memory, size, sizeof *logs);
    if (!zero || !logs) return RILL_ENOMEM;
    for (size_t i = 0; i < size; i++) logs[i] = (real)log((double)x[i] + 1e-30);
    *out = (chain_weights){logs, zero, zero + K * K};
    return 0;
}

static int chain_probabilities(job *j, const tag_head_shape *h, const chain_weights *c,
                               const int32_t *path, int32_t n, float *probability) {
    size_t K = (size_t)h->labels;
    double log_z, *marginal = arena_alloc(&j->s->memory, (size_t)n * K, sizeof *marginal);
    if (!marginal) return RILL_ENOMEM;
    TRY(crf_marginals(&j->s->memory, n, h->labels, c->x, c->trans, c->ends, h->allowed, marginal,
                      &log_z));
    for (int32_t w = 0; w < n; w++) {
        probability[w] = (float)marginal[(size_t)w * K + (size_t)path[w]];
    }
    return 0;
}

/* The k best paths of the first column. */
static int spell_nbest(job *j, const tag_column *c, const tag_head_shape *h, const chain_weights *w,
                       const int32_t *path, const double *score, int found, tag_sentence *s) {
    size_t n = (size_t)s->count;
    double log_z;
    bytes *label = arena_alloc(&j->s->memory, (size_t)found * n, sizeof *label);
    double *p = arena_alloc(&j->s->memory, (size_t)found, sizeof *p);
    if (!label || !p) return RILL_ENOMEM;
    TRY(crf_marginals(&j->s->memory, s->count, h->labels, w->x, w->trans, w->ends, h->allowed, NULL,
                      &log_z));
    for (int i = 0; i < found; i++) {
        p[i] = exp(score[i] - log_z);
        TRY(spell_path(j, c, path + (size_t)i * n, s->count, label + (size_t)i * n));
    }
    s->paths = found;
    s->path = label;
    s->path_probability = p;
    return 0;
}

static int decode_chain(job *j, int head, size_t at, bytes *label, float *probability) {
    const member *m = &j->s->m[0];
    const tag_column *c = &m->lexicon->column[head];
    const tag_head_shape *h = &m->net->config.head[head];
    tag_sentence *s = &j->sentence[at];
    chain_weights w;
    if (s->count == 0) return 0;
    int k = head == 0 && j->s->nbest > 1 ? (int)j->s->nbest : 1;
    int32_t *path = arena_alloc(&j->s->memory, (size_t)k * (size_t)s->count, sizeof *path);
    double *score = arena_alloc(&j->s->memory, (size_t)k, sizeof *score);
    if (!path || !score) return RILL_ENOMEM;
    TRY(chain_of(j, head, at, &w));
    int found = crf_best(&j->s->memory, s->count, h->labels, w.x, w.trans, w.ends, h->allowed, k,
                         path, score);
    if (found < 0) return found;
    if (found == 0) memset(path, 0, (size_t)s->count * sizeof *path); /* nothing is allowed */
    TRY(spell_path(j, c, path, s->count, label));
    if (probability) TRY(chain_probabilities(j, h, &w, path, s->count, probability));
    if (head == 0 && j->s->nbest > 0) {
        TRY(spell_nbest(j, c, h, &w, path, score, found > 0 ? found : 1, s));
    }
    return 0;
}

static int decode_sentence(job *j, size_t at, int head) {
    const tag_column *c = &j->s->m[0].lexicon->column[head];
    tag_sentence *s = &j->sentence[at];
    size_t n = (size_t)s->count, first = (size_t)j->words.start[at];
    bytes *label = arena_alloc(&j->s->memory, n, sizeof *label);
    float *probability = j->s->probs ? arena_alloc(&j->s->memory, n, sizeof *probability) : NULL;
    if (!label || (j->s->probs && !probability)) return RILL_ENOMEM;
    s->label[head] = label;
    s->probability[head] = probability;
    if (j->s->m[0].net->config.head[head].crf) return decode_chain(j, head, at, label, probability);
    const real *prob = j->prob[head] + first * (size_t)c->labels.count;
    if (c->attributes.count == 0) {
        decode_plain(c, prob, s->count, label, probability);
        return 0;
    }
    size_t A = (size_t)c->group[c->attributes.count];
    for (size_t w = 0; w < n; w++) {
        TRY(decode_features(j, c, prob + w * (size_t)c->labels.count,
                            j->attribute[head] + (first + w) * A, &label[w],
                            probability ? &probability[w] : NULL));
    }
    return 0;
}

static int run_job(job *j) {
    int32_t *length = arena_alloc(&j->s->memory, j->count, sizeof *length);
    int64_t total = 0;
    if (!length) return RILL_ENOMEM;
    for (size_t i = 0; i < j->count; i++) total += length[i] = j->sentence[i].count;
    TRY(pack_make(&j->s->memory, length, NULL, (int32_t)j->count, &j->words));
    j->total = (int32_t)total;
    j->token = arena_alloc(&j->s->memory, (size_t)total, sizeof *j->token);
    if (!j->token) return RILL_ENOMEM;
    for (size_t i = 0; total > 0 && i < j->s->members; i++) TRY(run_member(j, &j->s->m[i]));
    for (size_t i = 0; i < j->count; i++) {
        j->sentence[i].paths = 0;
        for (int head = 0; head < j->s->m[0].lexicon->columns; head++) {
            TRY(decode_sentence(j, i, head));
        }
    }
    return 0;
}

/* ---- sentences that are cut */

/* Room for the answers of a whole sentence. */
static int keep_room(tag_session *s, tag_sentence *whole) {
    size_t n = (size_t)whole->count;
    for (int head = 0; head < s->m[0].lexicon->columns; head++) {
        whole->label[head] = arena_alloc(&s->kept, n, sizeof(bytes));
        whole->probability[head] = s->probs ? arena_alloc(&s->kept, n, sizeof(float)) : NULL;
        if (!whole->label[head] || (s->probs && !whole->probability[head])) return RILL_ENOMEM;
    }
    return 0;
}

/* Copies the answers of a piece to their place. */
static int keep_piece(tag_session *s, const tag_sentence *piece, tag_sentence *whole, int32_t at) {
    for (int head = 0; head < s->m[0].lexicon->columns; head++) {
        bytes *label = (bytes *)whole->label[head] + at;
        for (int32_t w = 0; w < piece->count; w++) {
            bytes given = piece->label[head][w];
            char *copy = arena_alloc(&s->kept, given.size, 1);
            if (!copy) return RILL_ENOMEM;
            memcpy(copy, given.data, given.size);
            label[w] = (bytes){copy, given.size};
        }
        if (!s->probs) continue;
        memcpy((float *)whole->probability[head] + at, piece->probability[head],
               (size_t)piece->count * sizeof(float));
    }
    return 0;
}

/* Words that run together, of one sentence or of several. */
static int32_t words_at_once(const tag_session *s) {
    size_t widest = 1;
    for (size_t i = 0; i < s->members; i++) {
        size_t width = (size_t)tag_net_inputs(&s->m[i].net->config);
        if (width > widest) widest = width;
    }
    return rows_at_once(LONGEST, widest);
}

/* One piece after the other. Of an n-best list only the best path is left. */
static int run_pieces(tag_session *s, tag_sentence *whole, int32_t most) {
    double *p = arena_alloc(&s->kept, 1, sizeof *p);
    if (!p) return RILL_ENOMEM;
    *p = 1;
    TRY(keep_room(s, whole));
    for (int32_t at = 0; at < whole->count; at += most) {
        int32_t left = whole->count - at;
        tag_sentence piece = {.form = whole->form + at, .count = left < most ? left : most};
        job j = {.s = s, .sentence = &piece, .count = 1};
        arena_mark mark = arena_here(&s->memory);
        TRY(run_job(&j));
        TRY(keep_piece(s, &piece, whole, at));
        whole->paths = piece.paths > 0;
        if (piece.paths > 0) *p *= piece.path_probability[0];
        arena_back(&s->memory, mark);
    }
    whole->path = whole->label[0];
    whole->path_probability = p;
    return 0;
}

/* As many sentences together as may be; one that is longer than that by itself, in pieces. */
static int run_all(tag_session *s, tag_sentence *sentence, size_t count) {
    const int32_t most = words_at_once(s);
    for (size_t at = 0, n = 0; at < count; at += n) {
        int64_t words = 0;
        for (n = 0; at + n < count; n++) {
            words += sentence[at + n].count;
            if (n > 0 && words > most) break;
        }
        job j = {.s = s, .sentence = sentence + at, .count = n};
        bool cut = sentence[at].count > most;
        TRY(cut ? run_pieces(s, &sentence[at], most) : run_job(&j));
    }
    return 0;
}

int tag_session_run(tag_session *s, tag_sentence *sentence, size_t count, rill_error *error) {
    arena_reset(&s->memory);
    arena_reset(&s->kept);
    if (count > INT32_MAX) return status_fail(error, RILL_ELIMIT, "too many sentences at once");
    int status = run_all(s, sentence, count);
    if (status == RILL_ENOMEM) return status_nomem(error);
    if (status == RILL_ELIMIT) return status_fail(error, status, "a batch with too many words");
    return status;
}

/* translate_session: ids in, answers out, for one model or an ensemble.
 *
 *     sources -> each member's encoder -> memory: keys [M,A], values [M,C], first states [B,W]
 *     search  -> rows of hypotheses -> each member's step -> log probabilities, averaged
 *
 * A member keeps the states of the rows of the last two steps and swaps them; row r of a step
 * begins with the state of the row that it continues. Weights of the attention are averaged over
 * the members too.
 *
 * Memory: the memory of the encoder, and for each row V scores and W state numbers.
 */
#include "task/translate.h"
#include "model/consensus.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct member {
    const translate_net *net;
    tape tape;
    real *keys, *values, *first; /* of the present batch */
    int width;                   /* W */
    real *state[2];              /* [rows, W] before and after a step */
    int rows_room;
} member;

struct translate_session {
    member *m;
    size_t members;
    search_config config;
    int64_t shortest, longest;
    int wanted;   /* answers, of those that the search finds */
    bleu *likes;  /* for --mbr, or NULL */
    arena memory; /* of the answers, until the next run */
    /* the batch that is being searched */
    translate_batch batch;
    arena step; /* packs of one step */
};

/* ---- making one */

static int check_decoding(const translate_options *o, rill_error *error) {
    if (o->mbr != 0 && o->mbr < o->nbest) {
        return status_fail(error, RILL_EUSAGE,
                           "--nbest %lld asks for more answers than the %lld of --mbr",
                           (long long)o->nbest, (long long)o->mbr);
    }
    if (o->max_length != 0 && o->max_length < o->min_length) {
        return status_fail(error, RILL_EUSAGE, "--min-length %lld is above --max-length %lld",
                           (long long)o->min_length, (long long)o->max_length);
    }
    if (o->dictionary && !o->replace_unk) {
        return status_fail(error, RILL_EUSAGE, "--dictionary is for --replace-unk");
    }
    bool drawn = o->temperature != 1 || o->top_k != 0 || o->top_p != 1;
    if (!drawn || o->sample) return 0;
    return status_fail(error, RILL_EUSAGE, "--temperature, --top-k and --top-p are for --sample");
}

static int session_open(size_t members, const translate_options *o, translate_session **out,
                        rill_error *error) {
    TRY(check_decoding(o, error));
    translate_session *s = mem_new(1, sizeof *s);
    if (s) s->m = mem_new(members, sizeof *s->m);
    if (!s || !s->m) {
        translate_session_free(s);
        return status_nomem(error);
    }
    s->members = members;
    for (size_t i = 0; i < members; i++) s->m[i].tape.c = (compute){.k = cpu_kernels()};
    s->config = (search_config){.beam = (int)o->beam,
                                .nbest = (int)o->nbest,
                                .power = o->length_power,
                                .coverage = o->coverage,
                                .no_repeat = (int)o->no_repeat,
                                .sample = o->sample,
                                .attention = o->replace_unk || o->align || translate_draws(o),
                                .temperature = o->temperature,
                                .top_k = (int)o->top_k,
                                .top_p = o->top_p,
                                .seed = (uint64_t)o->common.seed,
                                .begin = SUBWORD_BEGIN,
                                .end = SUBWORD_END,
                                .barred = o->replace_unk ? -1 : SUBWORD_UNKNOWN};
    s->wanted = s->config.nbest;
    if (o->mbr > 0) s->config.nbest = (int)o->mbr;
    if (s->config.nbest > s->config.beam || o->sample) s->config.beam = s->config.nbest;
    s->shortest = o->min_length;
    s->longest = o->max_length;
    int status = o->mbr > 0 ? bleu_new(NULL, &s->likes, error) : 0;
    if (status == 0)
        *out = s;
    else
        translate_session_free(s);
    return status;
}

static bool same_units(const subword *a, const subword *b) {
    if (subword_size(a) != subword_size(b)) return false;
    for (int32_t i = 0; i < subword_size(a); i++) {
        if (!bytes_equal(subword_piece(a, i), subword_piece(b, i))) return false;
    }
    return true;
}

static void set_net(member *m, const translate_net *net) {
    m->net = net;
    m->width = translate_net_state(&net->config);
}

int translate_session_new(translate_model *const *models, size_t count, const translate_options *o,
                          translate_session **out, rill_error *error) {
    for (size_t i = 1; i < count; i++) {
        if (same_units(models[0]->lexicon.source, models[i]->lexicon.source) &&
            same_units(models[0]->lexicon.target, models[i]->lexicon.target)) {
            continue;
        }
        return status_fail(error, RILL_EUSAGE, "\"%s\" and \"%s\" don't have the same units",
                           bundle_name(models[0]->bundle), bundle_name(models[i]->bundle));
    }
    TRY(session_open(count, o, out, error));
    for (size_t i = 0; i < count; i++) set_net(&(*out)->m[i], &models[i]->net);
    return 0;
}

int translate_session_train(const translate_net *net, const translate_options *o,
                            translate_session **out, rill_error *error) {
    TRY(session_open(1, o, out, error));
    set_net(&(*out)->m[0], net);
    return 0;
}

void translate_session_free(translate_session *s) {
    if (!s) return;
    for (size_t i = 0; s->m && i < s->members; i++) {
        tape_free(&s->m[i].tape);
        free(s->m[i].state[0]);
        free(s->m[i].state[1]);
    }
    free(s->m);
    bleu_free(s->likes);
    arena_free(&s->memory);
    arena_free(&s->step);
    free(s);
}

/* ---- the encoder */

static real *copy_value(arena *a, const tape *t, var v) {
    const node *n = v ? tape_node(t, v) : NULL;
    size_t size = n ? (size_t)n->rows * (size_t)n->cols : 0;
    real *copy = n ? arena_alloc(a, size, sizeof *copy) : NULL;
    if (copy) memcpy(copy, n->value, size * sizeof *copy);
    return copy;
}

static int encode(translate_session *s, member *m) {
    tape_reset(&m->tape);
    translate_memory memory =
        translate_net_encode(m->net, &m->tape, s->batch.source_id, &s->batch.source);
    m->keys = copy_value(&s->memory, &m->tape, memory.keys);
    m->values = copy_value(&s->memory, &m->tape, memory.values);
    m->first = copy_value(&s->memory, &m->tape, memory.first);
    return m->keys && m->values && m->first ? 0 : RILL_ENOMEM;
}

/* ---- a step */

static int grow_states(member *m, int rows) {
    if (rows <= m->rows_room) return 0;
    size_t size = (size_t)rows * (size_t)m->width;
    for (int i = 0; i < 2; i++) {
        real *wider = mem_new(size, sizeof *wider);
        if (!wider) return RILL_ENOMEM;
        if (m->state[i]) {
            memcpy(wider, m->state[i], (size_t)m->rows_room * (size_t)m->width * sizeof *wider);
        }
        free(m->state[i]);
        m->state[i] = wider;
    }
    m->rows_room = rows;
    return 0;
}

/* The state that each row begins with goes to state[0]; the step's results will go to state[1]. */
static void gather_states(member *m, int rows, const int32_t *item, const int32_t *parent) {
    size_t W = (size_t)m->width;
    for (int r = 0; r < rows; r++) {
        const real *from =
            parent[r] < 0 ? m->first + (size_t)item[r] * W : m->state[1] + (size_t)parent[r] * W;
        memcpy(m->state[0] + (size_t)r * W, from, W * sizeof *from);
    }
}

/* Rows of each live item, and rows as sequences of one word. */
typedef struct step_shape {
    pack rows, each;
    int32_t *sentence;
    size_t weights; /* attention numbers of all rows */
} step_shape;

static int shape_step(translate_session *s, int rows, const int32_t *item, step_shape *out) {
    arena_reset(&s->step);
    int32_t *length = arena_alloc(&s->step, (size_t)rows, sizeof *length);
    int32_t *one = arena_alloc(&s->step, (size_t)rows, sizeof *one), live = 0;
    out->sentence = arena_alloc(&s->step, (size_t)rows, sizeof *out->sentence);
    out->weights = 0;
    if (!length || !one || !out->sentence) return RILL_ENOMEM;
    for (int r = 0; r < rows; r++) {
        if (r == 0 || item[r] != item[r - 1]) {
            out->sentence[live] = item[r];
            length[live++] = 0;
        }
        length[live - 1]++;
        one[r] = 1;
        out->weights += (size_t)pack_length(&s->batch.source, item[r]);
    }
    TRY(pack_make(&s->step, length, NULL, live, &out->rows));
    return pack_make(&s->step, one, NULL, rows, &out->each);
}

/* Adds the member's share of log softmax(scores) to every row of logp. */
static void add_logp(translate_session *s, const kernels *k, int rows, int V, const real *scores,
                     bool first, real *scratch, real *logp) {
    real share = 1 / (real)s->members;
    for (int r = 0; r < rows; r++) {
        const real *x = scores + (size_t)r * (size_t)V;
        real *y = logp + (size_t)r * (size_t)V, log_z = k->softmax(V, x, scratch);
        for (int w = 0; w < V; w++) {
            real p = (x[w] - log_z) * share;
            y[w] = first ? p : y[w] + p;
        }
    }
}

static int step_member(translate_session *s, member *m, const step_shape *shape, int rows,
                       const int32_t *item, const int32_t *parent, const int32_t *last, real *logp,
                       real *attention) {
    const translate_net_config *c = &m->net->config;
    tape *t = &m->tape;
    bool first = m == s->m;
    TRY(grow_states(m, rows));
    gather_states(m, rows, item, parent);
    tape_reset(t);
    translate_step step = {
        .keys = op_input(t, s->batch.source.total, c->decoder_hidden, m->keys, false),
        .values = op_input(t, s->batch.source.total, c->encoder_hidden, m->values, false),
        .source = &s->batch.source,
        .rows = &shape->rows,
        .sentence = shape->sentence,
        .each = &shape->each,
        .previous = last,
        .state = m->state[0],
        .next = m->state[1]};
    if (attention) {
        step.weights = first ? attention : arena_alloc(&s->step, shape->weights, sizeof(real));
        if (!step.weights) return RILL_ENOMEM;
    }
    var scores = translate_net_step(m->net, t, &step);
    real *scratch = scores ? tape_keep(t, (size_t)c->target_words, sizeof *scratch) : NULL;
    if (!scratch) return RILL_ENOMEM;
    add_logp(s, t->c.k, rows, c->target_words, tape_value(t, scores), first, scratch, logp);
    if (attention && !first) t->c.k->add((int64_t)shape->weights, step.weights, attention);
    return 0;
}

static int step(void *self, int rows, const int32_t *item, const int32_t *parent,
                const int32_t *last, real *logp, real *attention) {
    translate_session *s = self;
    step_shape shape;
    TRY(shape_step(s, rows, item, &shape));
    for (size_t i = 0; i < s->members; i++) {
        TRY(step_member(s, &s->m[i], &shape, rows, item, parent, last, logp, attention));
    }
    real share = 1 / (real)s->members;
    for (size_t i = 0; attention && s->members > 1 && i < shape.weights; i++) attention[i] *= share;
    return 0;
}

/* ---- a batch */

static void set_item(const translate_session *s, const translate_source *source,
                     search_item *item) {
    enum { BESIDE = 20 };
    int64_t longest = s->longest > 0 ? s->longest : 2 * (int64_t)source->count + BESIDE;
    if (longest < source->prefix_length) longest = source->prefix_length;
    if (longest < s->shortest) longest = s->shortest;
    *item = (search_item){.shortest = (int)s->shortest,
                          .longest = (int)longest,
                          .prefix = source->prefix,
                          .prefix_length = source->prefix_length,
                          .source = source->count + 1,
                          .name = source->name};
}

static int search_batch(translate_session *s, const translate_source *source, size_t count,
                        search_result *results) {
    search_item *item = arena_alloc(&s->memory, count, sizeof *item);
    if (!item) return RILL_ENOMEM;
    TRY(translate_sources_make(&s->memory, source, count, &s->batch));
    for (size_t i = 0; i < count; i++) set_item(s, &source[i], &item[i]);
    for (size_t i = 0; i < s->members; i++) TRY(encode(s, &s->m[i]));
    const search_scorer scorer = {
        .self = s, .words = s->m[0].net->config.target_words, .step = step};
    TRY(search_run(&s->config, &scorer, s->m[0].tape.c.k, item, (int)count, &s->memory, results));
    for (size_t i = 0; i < count; i++) {
        if (s->likes) TRY(consensus_sort(s->likes, s->config.sample, &s->memory, &results[i]));
        if (results[i].count > s->wanted) results[i].count = s->wanted;
    }
    return 0;
}

int translate_session_run(translate_session *s, const translate_source *source, size_t count,
                          search_result *results, rill_error *error) {
    arena_reset(&s->memory);
    int status = count > 0 ? search_batch(s, source, count, results) : 0;
    if (status == RILL_ELIMIT) return status_fail(error, status, "the text is too long");
    return status < 0 ? status_nomem(error) : 0;
}

/* ---- given answers */

/* Adds the member's share of the log probability of every gold word to `sum` [N]. */
static int score_member(translate_session *s, member *m, const translate_batch *b, double *sum) {
    int V = m->net->config.target_words;
    tape_reset(&m->tape);
    var v = translate_net_scores(m->net, &m->tape, b);
    real *scratch = v ? tape_keep(&m->tape, (size_t)V, sizeof *scratch) : NULL;
    if (!scratch) return RILL_ENOMEM;
    for (int32_t i = 0; i < b->target.total; i++) {
        const real *x = tape_value(&m->tape, v) + (size_t)i * (size_t)V;
        sum[i] +=
            (double)(x[b->gold[i]] - m->tape.c.k->softmax(V, x, scratch)) / (double)s->members;
    }
    return 0;
}

static int score_batch(translate_session *s, translate_pair *pair, size_t count) {
    translate_batch b;
    TRY(translate_batch_make(&s->memory, pair, count, &b));
    double *sum = arena_zero(&s->memory, (size_t)b.target.total, sizeof *sum);
    if (!sum) return RILL_ENOMEM;
    for (size_t i = 0; i < s->members; i++) TRY(score_member(s, &s->m[i], &b, sum));
    for (size_t i = 0; i < count; i++) {
        double length = (double)pair[i].length + 1;
        pair[i].logp = 0;
        for (int32_t at = b.target.start[i]; at < b.target.start[i + 1]; at++) {
            pair[i].logp += sum[at];
        }
        pair[i].score = pair[i].logp / (s->config.power == 0 ? 1 : pow(length, s->config.power));
    }
    return 0;
}

int translate_session_score(translate_session *s, translate_pair *pair, size_t count,
                            rill_error *error) {
    arena_reset(&s->memory);
    int status = count > 0 ? score_batch(s, pair, count) : 0;
    if (status == RILL_ELIMIT) return status_fail(error, status, "the text is too long");
    return status < 0 ? status_nomem(error) : 0;
}

/* op_cross: attention of the rows of one side over the rows of the other (Bahdanau et al. 2015, Luong et
 * al. 2015, heads as in Vaswani et al. 2017), sentence by sentence, so no padding exists.
 *
 * Sentence b: queries q [T,A], keys k [S,A], values v [S,C]. Head h sees columns h*A/heads.. of q and k
 * and h*C/heads.. of v.
 *
 *     dot        score[i,j] = q[i] . k[j] / sqrt(A/heads)
 *     additive   score[i,j] = u . tanh(q[i] + k[j])
 *     a[i] = softmax over j of score[i],   y[i] = sum over j of a[i,j] v[j]
 *
 * back:  da[i,j] = dy[i] . v[j],  ds = a * (da - sum of a*da),  dv[j] += a[i,j] dy[i]
 *     dot        dq[i] += ds k[j] / sqrt(..),  dk[j] += ds q[i] / sqrt(..)
 *     additive   e = tanh(q[i] + k[j]), du += ds e,  g = ds u (1 - e*e),  dq[i] += g,  dk[j] += g
 *
 * Coverage (See et al. 2017) charges for looking twice at the same place: with m[i] the mean over heads of
 * a[i] and c[i] = sum of m[i'], i' < i,
 *
 *     loss = weight sum min(m[i,j], c[i,j])
 *     dm[i,j] = weight ([m[i,j] < c[i,j]] + number of later i' with c[i',j] <= m[i',j])
 *
 * and each head's da gets a share of dm.
 *
 * Saved: a, sentence after sentence, [T][heads][S] each. Products have T and S rows of some dozens and are
 * a few parts in a thousand of the layers around them, so they are plain dots and axpys; sentences are
 * shared out to threads. e is made anew on the way back: keeping it would cost [T,S,A].
 */
#include "math/vmath.h"
#include "tape/tape.h"

#include <math.h>
#include <string.h>

typedef struct cross_run {
    const kernels *k;
    cross_spec spec;
    pack query, key;
    int A, C;
    const real *q, *keys, *v, *u;
    real *y, *a;
    size_t *at; /* [B+1] where the weights of a sentence begin in a */
    real *work; /* [B, room] temporaries of a sentence */
    size_t room;
    /* backward */
    const real *dy;
    real *dq, *dk, *dv, *du; /* du [B,A]: a part from every sentence */
    real *dm;                /* from op_coverage: gradient of a query's mean weights [T,S], sentence
                                after sentence, or NULL */
} cross_run;

/* What one head of one sentence works on: pointers to its columns. */
typedef struct cross_part {
    int T, S, A, C;          /* columns of this head */
    const real *q, *k, *v, *u;
    size_t first_q, first_k; /* rows where the sentence begins on either side */
    size_t column_a, column_c;
    real scale;
} cross_part;

static int key_of(const cross_run *r, int b) {
    return r->spec.of ? r->spec.of[b] : b;
}

static cross_part part_of(const cross_run *r, int b, int head) {
    int s = key_of(r, b), A = r->A / r->spec.heads, C = r->C / r->spec.heads;
    cross_part p = {.T = pack_length(&r->query, b), .S = pack_length(&r->key, s), .A = A, .C = C};
    p.first_q = (size_t)r->query.start[b], p.first_k = (size_t)r->key.start[s];
    p.column_a = (size_t)head * (size_t)A, p.column_c = (size_t)head * (size_t)C;
    p.q = r->q + p.first_q * (size_t)r->A + p.column_a;
    p.k = r->keys + p.first_k * (size_t)r->A + p.column_a;
    p.v = r->v + p.first_k * (size_t)r->C + p.column_c;
    p.u = r->u ? r->u + p.column_a : NULL;
    p.scale = 1 / (real)sqrt((double)A);
    return p;
}

static real *weights_of(const cross_run *r, int b, int i, int head, int S) {
    return r->a + r->at[b] + ((size_t)i * (size_t)r->spec.heads + (size_t)head) * (size_t)S;
}

/* e = tanh(q + k) */
static void mix(const cross_run *r, const cross_part *p, const real *q, const real *k, real *e) {
    memcpy(e, q, (size_t)p->A * sizeof *e);
    r->k->add(p->A, k, e);
    r->k->tanh(p->A, e, e);
}

/* Weights of one query, and their mean of the values. */
static void attend_row(const cross_run *r, const cross_part *p, int i, real *a, real *y, real *e) {
    const real *q = p->q + (size_t)i * (size_t)r->A;
    for (int j = 0; j < p->S; j++) {
        const real *k = p->k + (size_t)j * (size_t)r->A;
        if (r->u) {
            mix(r, p, q, k, e);
            a[j] = r->k->dot(p->A, p->u, e);
        } else {
            a[j] = r->k->dot(p->A, q, k) * p->scale;
        }
    }
    r->k->softmax(p->S, a, a);
    for (int j = 0; j < p->S; j++) r->k->axpy(p->C, a[j], p->v + (size_t)j * (size_t)r->C, y);
}

static void forward_sentences(void *data, int64_t begin, int64_t end) {
    const cross_run *r = data;
    for (int b = (int)begin; b < (int)end; b++) {
        real *e = r->work + (size_t)b * r->room;
        for (int head = 0; head < r->spec.heads; head++) {
            cross_part p = part_of(r, b, head);
            for (int i = 0; i < p.T && p.S > 0; i++) {
                real *y = r->y + (p.first_q + (size_t)i) * (size_t)r->C + p.column_c;
                attend_row(r, &p, i, weights_of(r, b, i, head, p.S), y, e);
            }
        }
    }
}

/* The mean over heads of the weights of a query of sentence b. */
static void mean_weights(const cross_run *r, int b, int i, int S, real *m) {
    memset(m, 0, (size_t)S * sizeof *m);
    for (int head = 0; head < r->spec.heads; head++) {
        r->k->axpy(S, 1 / (real)r->spec.heads, weights_of(r, b, i, head, S), m);
    }
}

/* Those of every query, for whoever asked. */
static void tell_weights(const cross_run *r) {
    real *out = r->spec.weights;
    for (int b = 0; out && b < r->query.count; b++) {
        int S = pack_length(&r->key, key_of(r, b));
        for (int i = 0; i < pack_length(&r->query, b); i++, out += S) mean_weights(r, b, i, S, out);
    }
}

/* Kept when a gradient is wanted, or op_coverage will read it. */
static void *save(tape *t, var v, bool covered, size_t count, size_t size) {
    return covered ? tape_keep(t, count, size) : tape_save(t, v, count, size);
}

static bool take(tape *t, var v, cross_run *r) {
    size_t B = (size_t)r->query.count, total = 0;
    r->at = save(t, v, r->spec.covered, B + 1, sizeof *r->at);
    r->room = r->u ? ((size_t)r->A + 15) / 16 * 16 : 0;
    r->work = tape_scratch(t, B * r->room, sizeof(real));
    if (!r->at || !r->work) return false;
    for (int b = 0; b < r->query.count; b++) {
        r->at[b] = total;
        total += (size_t)pack_length(&r->query, b) * (size_t)r->spec.heads *
                 (size_t)pack_length(&r->key, key_of(r, b));
    }
    r->at[B] = total;
    r->a = save(t, v, r->spec.covered, total, sizeof(real));
    return r->a != NULL;
}

var op_cross(tape *t, var q, var k, var v, var u, const cross_spec *spec) {
    if (!q || !k || !v) return 0;
    const var in[] = {q, k, v, u};
    var out = tape_push(t, OP_CROSS, tape_node(t, q)->rows, tape_node(t, v)->cols, in, 4);
    cross_run *r = out ? save(t, out, spec->covered, 1, sizeof *r) : NULL;
    if (!r) return 0;
    node *y = tape_node(t, out);
    *r = (cross_run){.k = t->c.k, .spec = *spec, .query = *spec->query, .key = *spec->key,
                     .A = tape_node(t, q)->cols, .C = y->cols, .q = tape_value(t, q),
                     .keys = tape_value(t, k), .v = tape_value(t, v), .u = tape_value(t, u),
                     .y = y->value};
    y->saved = r;
    if (!take(t, out, r)) return 0;
    memset(y->value, 0, (size_t)y->rows * (size_t)y->cols * sizeof(real));
    vmath_blocks(&t->c, r->query.count, 1, forward_sentences, r);
    tell_weights(r);
    return out;
}

/* ds of one query into `ds`, which holds what coverage sends; the gradient of the values on the way. */
static void weights_back(const cross_run *r, const cross_part *p, const real *a, const real *dy,
                         real *ds) {
    for (int j = 0; j < p->S; j++) {
        ds[j] += r->k->dot(p->C, dy, p->v + (size_t)j * (size_t)r->C);
        if (!r->dv) continue;
        real *dv = r->dv + (p->first_k + (size_t)j) * (size_t)r->C + p->column_c;
        r->k->axpy(p->C, a[j], dy, dv);
    }
    real mean = r->k->dot(p->S, a, ds);
    for (int j = 0; j < p->S; j++) ds[j] = a[j] * (ds[j] - mean);
}

/* One pair of rows: ds to q, k and u. e: [A] of temporary memory. */
static void additive_back(const cross_run *r, const cross_part *p, const real *q, const real *k,
                          real ds, real *dq, real *dk, real *du, real *e) {
    mix(r, p, q, k, e);
    if (du) r->k->axpy(p->A, ds, e, du);
    for (int d = 0; d < p->A; d++) e[d] = ds * p->u[d] * (1 - e[d] * e[d]);
    if (dq) r->k->add(p->A, e, dq);
    if (dk) r->k->add(p->A, e, dk);
}

static void scores_back(const cross_run *r, const cross_part *p, int b, int i, const real *ds,
                        real *e) {
    size_t A = (size_t)r->A, row = p->first_q + (size_t)i;
    const real *q = p->q + (size_t)i * A;
    real *dq = r->dq ? r->dq + row * A + p->column_a : NULL;
    real *du = r->du ? r->du + (size_t)b * A + p->column_a : NULL;
    for (int j = 0; j < p->S; j++) {
        const real *k = p->k + (size_t)j * A;
        real *dk = r->dk ? r->dk + (p->first_k + (size_t)j) * A + p->column_a : NULL;
        if (r->u) {
            additive_back(r, p, q, k, ds[j], dq, dk, du, e);
            continue;
        }
        if (dq) r->k->axpy(p->A, ds[j] * p->scale, k, dq);
        if (dk) r->k->axpy(p->A, ds[j] * p->scale, q, dk);
    }
}

/* Where the mean weights of a query stand among those of all [T,S]. */
static size_t mean_at(const cross_run *r, int b, int i, int S) {
    return r->at[b] / (size_t)r->spec.heads + (size_t)i * (size_t)S;
}

/* What coverage sends to one head's weights of a query. */
static void covered_back(const cross_run *r, int b, int i, int S, real *da) {
    memset(da, 0, (size_t)S * sizeof *da);
    if (r->dm) r->k->axpy(S, 1 / (real)r->spec.heads, r->dm + mean_at(r, b, i, S), da);
}

static void backward_sentences(void *data, int64_t begin, int64_t end) {
    const cross_run *r = data;
    for (int b = (int)begin; b < (int)end; b++) {
        real *e = r->work + (size_t)b * r->room, *ds = e + r->A;
        for (int head = 0; head < r->spec.heads; head++) {
            cross_part p = part_of(r, b, head);
            for (int i = 0; i < p.T && p.S > 0; i++) {
                const real *dy = r->dy + (p.first_q + (size_t)i) * (size_t)r->C + p.column_c;
                covered_back(r, b, i, p.S, ds);
                weights_back(r, &p, weights_of(r, b, i, head, p.S), dy, ds);
                scores_back(r, &p, b, i, ds, e);
            }
        }
    }
}

void cross_back(tape *t, node *y) {
    cross_run *r = y->saved;
    size_t B = (size_t)r->query.count, A = (size_t)r->A;
    real *du = tape_flow(t, y->in[3]);
    r->dy = y->grad;
    r->dq = tape_flow(t, y->in[0]);
    r->dk = tape_flow(t, y->in[1]);
    r->dv = tape_flow(t, y->in[2]);
    r->room = A + (size_t)r->key.steps;
    r->work = tape_scratch(t, B * r->room, sizeof(real));
    r->du = du ? tape_scratch(t, B * A, sizeof(real)) : NULL;
    if (!r->work || (du && !r->du)) return;
    if (du) memset(r->du, 0, B * A * sizeof(real));
    vmath_blocks(&t->c, r->query.count, 1, backward_sentences, r);
    if (du) t->c.k->colsum((int)B, r->A, r->du, r->A, du);
}

/* ---- coverage */

typedef struct cover_run {
    cross_run *cross;
    real weight;
    double *loss; /* [B] */
    real *sum;    /* [B, longest source]: c */
    real *dm;     /* as in cross_run, or NULL */
} cover_run;

/* Forward leaves 1 in dm where the own weight is the smaller one and -1 where the sum is; backward counts
 * the latter from the last query to the first. */
static void cover_sentence(const cover_run *run, int b) {
    const cross_run *r = run->cross;
    const int T = pack_length(&r->query, b), S = pack_length(&r->key, key_of(r, b));
    real *c = run->sum + (size_t)b * (size_t)r->key.steps;
    memset(c, 0, (size_t)S * sizeof *c);
    for (int i = 0; i < T; i++) {
        real *m = run->dm + mean_at(r, b, i, S);
        mean_weights(r, b, i, S, m);
        for (int j = 0; j < S; j++) {
            const real own = m[j];
            run->loss[b] += (double)(own < c[j] ? own : c[j]);
            m[j] = own < c[j] ? 1 : -1;
            c[j] += own;
        }
    }
    memset(c, 0, (size_t)S * sizeof *c); /* from here on: later queries that cost their sums */
    for (int i = T - 1; i >= 0; i--) {
        real *m = run->dm + mean_at(r, b, i, S);
        for (int j = 0; j < S; j++) {
            const bool own = m[j] > 0;
            m[j] = run->weight * ((real)own + c[j]);
            c[j] += (real)!own;
        }
    }
}

static void cover_sentences(void *data, int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; b++) cover_sentence(data, (int)b);
}

var op_coverage(tape *t, var cross, double weight) {
    if (!cross) return 0;
    const var v = tape_push(t, OP_COVERAGE, 1, 1, &cross, 1);
    if (!v) return 0;
    cross_run *r = tape_node(t, cross)->saved;
    const size_t B = (size_t)r->query.count;
    cover_run run = {.cross = r, .weight = (real)weight};
    run.loss = tape_scratch(t, B, sizeof *run.loss);
    run.sum = tape_scratch(t, B * (size_t)r->key.steps, sizeof(real));
    run.dm = tape_save(t, v, r->at[B] / (size_t)r->spec.heads, sizeof(real));
    if (!run.loss || !run.sum || !run.dm) return 0;
    for (size_t b = 0; b < B; b++) run.loss[b] = 0;
    vmath_blocks(&t->c, (int64_t)B, 1, cover_sentences, &run);
    double sum = 0;
    for (size_t b = 0; b < B; b++) sum += run.loss[b];
    tape_node(t, v)->saved = run.dm;
    tape_value(t, v)[0] = (real)(weight * sum);
    return v;
}

/* dy is 1, see tape.h. The attention's own way back takes dm along. */
void coverage_back(tape *t, node *y) {
    cross_run *r = tape_node(t, y->in[0])->saved;
    if (tape_flow(t, y->in[0])) r->dm = y->saved;
}

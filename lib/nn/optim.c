/* optim: one update of the whole slab. See optim.h. */
#include "nn/optim.h"
#include "math/vmath.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 32768 }; /* elements per task */

int optim_new(optim *o, const optim_config *config, const params *p) {
    *o = (optim){.config = *config, .size = p->size};
    o->m = mem_new(p->size, sizeof *o->m);
    if (config->kind != OPTIM_SGD) o->v = mem_new(p->size, sizeof *o->v);
    if (config->ema > 0) o->ema = mem_new(p->size, sizeof *o->ema);
    bool ok = o->m && (o->v || config->kind == OPTIM_SGD) && (o->ema || config->ema <= 0);
    if (!ok) {
        optim_free(o);
        return RILL_ENOMEM;
    }
    if (o->ema) memcpy(o->ema, p->value, p->size * sizeof *o->ema);
    return 0;
}

void optim_free(optim *o) {
    free(o->m);
    free(o->v);
    free(o->ema);
    o->m = o->v = o->ema = NULL;
}

typedef struct update {
    const optim *o;
    params *p;
    const kernels *k;
    real scale, rate, c1, c2, keep;
} update;

static void update_block(void *data, int64_t begin, int64_t end) {
    update *u = data;
    const optim_config *c = &u->o->config;
    real *w = u->p->value + begin, *g = u->p->grad + begin, *m = u->o->m + begin;
    real *ema = u->o->ema ? u->o->ema + begin : NULL;
    int64_t n = end - begin;
    if (c->kind == OPTIM_SGD) {
        u->k->sgd(n, w, g, m, ema, u->scale, u->rate, (real)c->momentum, (real)c->decay, u->keep);
        return;
    }
    bool coupled = c->kind == OPTIM_ADAM && c->decay > 0;
    if (coupled) u->k->axpy(n, (real)c->decay / u->scale, w, g);
    u->k->adam(n, w, g, m, u->o->v + begin, ema, u->scale, u->rate, (real)c->beta1, (real)c->beta2,
               u->c1, u->c2, (real)c->epsilon, coupled ? 0 : (real)c->decay, u->keep);
}

double optim_step(optim *o, params *p, const compute *c, double rate, double scale) {
    const optim_config *f = &o->config;
    double norm = sqrt(vmath_sumsq(c, (int64_t)p->size, p->grad)) * scale;
    if (!isfinite(norm)) return norm;
    if (f->clip > 0 && norm > f->clip) scale *= f->clip / norm;
    double step = (double)++o->step, keep = (1 + step) / (10 + step);
    update u = {.o = o, .p = p, .k = c->k, .scale = (real)scale, .rate = (real)rate,
                .c1 = (real)(1 - pow(f->beta1, step)), .c2 = (real)(1 - pow(f->beta2, step)),
                .keep = (real)(keep < f->ema ? keep : f->ema)};
    vmath_blocks(c, (int64_t)p->size, BLOCK, update_block, &u);
    return norm;
}

double schedule_rate(const schedule *s, int64_t step) {
    double at = (double)step + 1, warm = s->warmup > 0 ? (double)s->warmup : 1;
    if (step < s->warmup) return s->rate * at / warm;
    double span = (double)(s->total - s->warmup);
    double done = span > 0 ? fmin(1, (double)(step - s->warmup) / span) : 1;
    switch (s->kind) {
    case SCHEDULE_INVERSE_SQRT: return s->rate * sqrt(warm / at);
    case SCHEDULE_COSINE:
        return s->rate * (s->floor + (1 - s->floor) * 0.5 * (1 + cos(3.14159265358979323846 * done)));
    case SCHEDULE_LINEAR: return s->rate * (1 - (1 - s->floor) * done);
    case SCHEDULE_PLATEAU: return s->rate * s->factor;
    case SCHEDULE_CONSTANT: break;
    }
    return s->rate;
}

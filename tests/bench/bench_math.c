/* bench_math: the math floor against the limits of this machine.
 *
 * The limit (`peak`, fused multiply-adds that never leave the registers) is measured again beside
 * every figure, because a shared machine changes its mind by the second; shares of it are what to
 * look at. Each figure is the best of several short runs.
 *
 *     bench_math [KERNELS]     plain, avx2 or avx512; without: what the library would choose
 */
#include "math/cpu.h"
#include "math/gemm.h"
#include "math/panel.h"
#include "math/vmath.h"
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TRIES = 40 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* One piece of work: run(data) does `flops` operations, or handles `elements` elements. */
typedef struct work {
    void (*run)(void *data);
    void *data;
} work;

/* How often w must run for half a millisecond: short enough to fall between the moments at which
 * other programs get the processor. */
static int repeats(work w) {
    w.run(w.data);
    double start = now();
    w.run(w.data);
    return (int)(0.0005 / (now() - start + 1e-9)) + 1;
}

/* Seconds of one run, the least so far. */
static void least(work w, int times, double *best) {
    double start = now();
    for (int t = 0; t < times; t++) w.run(w.data);
    double took = (now() - start) / times;
    if (took < *best) *best = took;
}

/* ---- the limit */

enum { THREADS = 2, ROUNDS = 40000 };

typedef struct peak_job {
    const compute *c;
    double flops[THREADS];
} peak_job;

static void peak_task(void *data, int task, int worker) {
    (void)worker;
    peak_job *j = data;
    j->flops[task] = j->c->k->peak(ROUNDS);
}

static void peak_run(void *data) {
    peak_job *j = data;
    pool_run(j->c->pool, pool_threads(j->c->pool), peak_task, j);
}

/* Times w and the limit in turns, so that both meet the same clock and the same neighbours. */
static void print_share(const compute *c, const char *what, double flops, work w) {
    peak_job job = {.c = c};
    double took = 1e9, took_peak = 1e9, limit = 0;
    for (int i = 0, times = repeats(w); i < TRIES; i++) {
        least(w, times, &took);
        least((work){peak_run, &job}, 1, &took_peak);
    }
    for (int i = 0; i < pool_threads(c->pool); i++) limit += job.flops[i] / took_peak;
    printf("%-40s %7.1f GFLOP/s  %5.1f %% of peak (%.0f)\n", what, flops / took * 1e-9,
           100 * flops / took / limit, limit * 1e-9);
    fflush(stdout);
}

/* ---- products */

static real *numbers(size_t size) {
    real *x = aligned_alloc(64, (size * sizeof(real) + 63) / 64 * 64);
    if (!x) exit(1);
    for (size_t i = 0; i < size; i++) x[i] = (real)((double)(i * 2654435761u % 1000) / 1000 - 0.5);
    return x;
}

typedef struct product_job {
    const compute *c;
    int n, ldx;
    panels w;
    real *x, *y;
} product_job;

static void product_run(void *data) {
    const product_job *j = data;
    panel_multiply(j->c, j->n, j->x, j->ldx, &j->w, NULL, j->y, j->w.outputs, false);
}

static void bench_product(const compute *c, int n, int K, int O) {
    real *weights = numbers((size_t)O * (size_t)K), *packed = numbers(panel_size(O, K));
    product_job job = {c, n, K, {O, K, packed}, numbers((size_t)n * (size_t)K), NULL};
    job.y = numbers((size_t)n * (size_t)O);
    panel_pack(c, O, K, weights, K, false, packed);
    char what[80];
    snprintf(what, sizeof what, "panel  N %4d  K %4d  O %4d  threads %d", n, K, O,
             pool_threads(c->pool));
    print_share(c, what, 2.0 * n * K * O, (work){product_run, &job});
    free(weights);
    free(packed);
    free(job.x);
    free(job.y);
}

typedef struct outer_work {
    const compute *c;
    int n, outputs, inputs;
    real *dy, *x, *dw, *room;
} outer_work;

static void outer_run(void *data) {
    const outer_work *j = data;
    gemm_outer(j->c, j->n, j->dy, j->outputs, j->outputs, j->x, j->inputs, j->inputs, j->dw,
               j->inputs, j->room);
}

/* The same by OpenBLAS: the peer. OPENBLAS_CORETYPE, where it is set, holds it to older kernels. */
static void outer_blas(void *data) {
    const outer_work *j = data;
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, j->outputs, j->inputs, j->n, 1, j->dy,
                j->outputs, j->x, j->inputs, 1, j->dw, j->inputs);
}

static void bench_outer(const compute *c, int n, int outputs, int inputs) {
    outer_work job = {.c = c, .n = n, .outputs = outputs, .inputs = inputs};
    job.dy = numbers((size_t)n * (size_t)outputs);
    job.x = numbers((size_t)n * (size_t)inputs);
    job.dw = numbers((size_t)outputs * (size_t)inputs);
    job.room = numbers(gemm_room(c, n, outputs, inputs));
    char what[80];
    snprintf(what, sizeof what, "outer  N %4d  O %4d  I %4d  threads %d", n, outputs, inputs,
             pool_threads(c->pool));
    print_share(c, what, 2.0 * n * outputs * inputs, (work){outer_run, &job});
    snprintf(what, sizeof what, "  OpenBLAS, threads %d", pool_threads(c->pool));
    openblas_set_num_threads(pool_threads(c->pool));
    print_share(c, what, 2.0 * n * outputs * inputs, (work){outer_blas, &job});
    free(job.dy);
    free(job.x);
    free(job.dw);
    free(job.room);
}

/* ---- elementwise */

enum { ELEMENTS = 4096, ROWS = 16 }; /* a working set that stays in the caches */

typedef struct map_job {
    const kernels *k;
    real *x, *y, *z, *u, *v;
} map_job;

static void tanh_run(void *data) {
    const map_job *j = data;
    j->k->tanh(ELEMENTS, j->x, j->y);
}
static void sigmoid_run(void *data) {
    const map_job *j = data;
    j->k->sigmoid(ELEMENTS, j->x, j->y);
}
static void softmax_run(void *data) {
    const map_job *j = data;
    j->k->softmax(ELEMENTS, j->x, j->y);
}
static void lstm_run(void *data) {
    const map_job *j = data;
    j->k->lstm_state(ROWS, ELEMENTS / ROWS, j->z, j->x, j->y);
    j->k->lstm_out(ROWS, ELEMENTS / ROWS, j->z, j->y, j->u, j->v);
}
static void gru_run(void *data) {
    const map_job *j = data;
    j->k->gru(ROWS, ELEMENTS / ROWS, j->z, j->u, j->x, j->y);
}
static void norm_run(void *data) {
    const map_job *j = data;
    j->k->norm(ROWS, ELEMENTS / ROWS, j->x, j->v, NULL, j->y, j->u);
}
static void mask_run(void *data) {
    const map_job *j = data;
    j->k->mask(ELEMENTS, 1, 2, 3, 0, (real)0.5, j->y);
}
static void adam_run(void *data) {
    const map_job *j = data;
    j->k->adam(ELEMENTS, j->x, j->y, j->z, j->u, NULL, 1, (real)1e-9, (real)0.9, (real)0.999, 1, 1,
               (real)1e-8, 0, 0);
}

static void bench_elements(const compute *c) {
    static const struct {
        const char *name;
        void (*run)(void *);
    } rows[] = {{"tanh", tanh_run},      {"sigmoid", sigmoid_run},
                {"softmax", softmax_run}, {"lstm cell", lstm_run}, {"gru cell", gru_run},
                {"norm", norm_run},       {"mask", mask_run},      {"adam", adam_run}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        map_job job = {c->k,
                       numbers(ELEMENTS),
                       numbers(ELEMENTS),
                       numbers(4 * ELEMENTS),
                       numbers(3 * ELEMENTS),
                       numbers(ELEMENTS)};
        for (int e = 0; e < 3 * ELEMENTS; e++) job.u[e] = (real)0.25; /* also variances */
        double took = 1e9;
        work w = {rows[i].run, &job};
        for (int t = 0, times = repeats(w); t < TRIES; t++) least(w, times, &took);
        printf("%-12s %6.3f ns/element\n", rows[i].name, took / ELEMENTS * 1e9);
        free(job.x);
        free(job.y);
        free(job.z);
        free(job.u);
        free(job.v);
    }
}

static void bench_threads(const kernels *k, int threads) {
    static const int rows[] = {1, 2, 3, 4, 6, 8, 16, 32, 64, 128, 512};
    static const int outers[][3] = {{128, 1024, 256},  {512, 1024, 256},  {512, 2048, 512},
                                    {2048, 1088, 272}, {2048, 256, 2048}, {600, 272, 272},
                                    {600, 64, 96}};
    compute c = {k, NULL};
    if (pool_new(threads, &c.pool, NULL) < 0) exit(1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) bench_product(&c, rows[i], 512, 2048);
    bench_product(&c, 1, 256, 1024);
    bench_product(&c, 32, 272, 1088);
    bench_product(&c, 32, 1088, 272);
    bench_product(&c, 64, 1024, 1024);
    bench_product(&c, 64, 2048, 512);
    bench_product(&c, 512, 272, 18);
    for (size_t i = 0; i < sizeof outers / sizeof *outers; i++) {
        bench_outer(&c, outers[i][0], outers[i][1], outers[i][2]);
    }
    pool_free(c.pool);
}

int main(int argc, char **argv) {
    const kernels *k = argc > 1 ? cpu_kernels_named(argv[1]) : cpu_kernels();
    if (!k) {
        fprintf(stderr, "bench_math: this processor has no kernels \"%s\"\n", argv[1]);
        return 2;
    }
    printf("kernels: %s\n", k->name);
    bench_elements(&(compute){k, NULL});
    bench_threads(k, 1);
    bench_threads(k, THREADS);
    return 0;
}

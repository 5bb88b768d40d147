/* gemm: the weight gradient dW += dY^T X, tile by tile, and the only user of cblas.h.
 *
 * OpenBLAS packs both operands of a product for itself, which pays when dW is large. Each tile of
 * dW is one call on one thread; tiles follow the shape alone and the n rows are never split, so
 * every number of threads gives the same bytes. Columns stay whole while they can: a tile's share
 * of the packing of X is then smallest.
 *
 * The double twin multiplies in plain loops.
 */
#include "math/gemm.h"

#ifdef RILL_DOUBLE

void gemm_outer(const compute *c, int n, const real *dy, int ldy, int outputs, const real *x,
                int ldx, int inputs, real *dw, int ldw) {
    for (int64_t row = 0; row < n; row++) {
        for (int64_t o = 0; o < outputs; o++) {
            c->k->axpy(inputs, dy[row * ldy + o], x + row * ldx, dw + o * ldw);
        }
    }
}

void gemm_threads(int n) {
    (void)n;
}

void gemm_warm(pool *p) {
    (void)p;
}

#else
#include <cblas.h>

/* Below this many multiply-adds OpenBLAS spends more on packing than on the product. */
enum { GEMM_SMALL = 20000 };

typedef struct outer_job {
    int n, ldy, outputs, ldx, inputs, ldw;
    const real *dy, *x;
    real *dw;
    int tile_outputs, tile_inputs, across; /* size of a tile, tiles side by side */
} outer_job;

static int least(int a, int b) {
    return a < b ? a : b;
}

static void outer_task(void *data, int task, int worker) {
    (void)worker;
    const outer_job *j = data;
    int o = task / j->across * j->tile_outputs, i = task % j->across * j->tile_inputs;
    int rows = least(j->tile_outputs, j->outputs - o),
        columns = least(j->tile_inputs, j->inputs - i);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, rows, columns, j->n, 1, j->dy + o, j->ldy,
                j->x + i, j->ldx, 1, j->dw + (int64_t)o * j->ldw + i, j->ldw);
}

/* How often dW is halved: a tile should take a millisecond or so, or the packing, which every tile
 * repeats for the side that was not cut, is felt. */
static int halvings(const outer_job *j) {
    static const double more[] = {0x1p18, 0x1p30, 0x1p32, 0x1p34}; /* multiply-adds */
    const double work = (double)j->n * j->outputs * j->inputs;
    int count = 0;
    while (count < 4 && work >= more[count]) count++;
    return count;
}

static int half(int length) {
    return (length / 2 + 15) / 16 * 16;
}

/* Halves the longer side of the tile each time. Returns the number of tiles. */
static int choose_tiles(outer_job *j) {
    enum { LEAST = 32 };
    j->tile_outputs = j->outputs;
    j->tile_inputs = j->inputs;
    for (int left = halvings(j); left > 0; left--) {
        int *longer = j->tile_outputs >= j->tile_inputs ? &j->tile_outputs : &j->tile_inputs;
        if (*longer >= LEAST) *longer = half(*longer);
    }
    j->across = (j->inputs + j->tile_inputs - 1) / j->tile_inputs;
    return j->across * ((j->outputs + j->tile_outputs - 1) / j->tile_outputs);
}

static void outer_small(const compute *c, const outer_job *j) {
    for (int64_t row = 0; row < j->n; row++) {
        for (int64_t o = 0; o < j->outputs; o++) {
            c->k->axpy(j->inputs, j->dy[row * j->ldy + o], j->x + row * j->ldx, j->dw + o * j->ldw);
        }
    }
}

void gemm_outer(const compute *c, int n, const real *dy, int ldy, int outputs, const real *x,
                int ldx, int inputs, real *dw, int ldw) {
    outer_job job = {n, ldy, outputs, ldx, inputs, ldw, dy, x, dw, 0, 0, 0};
    if (n <= 0 || outputs <= 0 || inputs <= 0) return;
    if ((double)n * outputs * inputs < GEMM_SMALL) {
        outer_small(c, &job);
        return;
    }
    pool_run(c->pool, choose_tiles(&job), outer_task, &job);
}

void gemm_threads(int n) {
    openblas_set_num_threads(n);
}

/* A product of some hundred microseconds on every thread at once, so that each maps a buffer. */
static void warm_task(void *data, int task, int worker) {
    (void)data;
    (void)task;
    (void)worker;
    enum { SIDE = 128, ROUNDS = 8 };
    float x[SIDE * SIDE] = {0}, y[SIDE * SIDE];
    for (int round = 0; round < ROUNDS; round++) {
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, SIDE, SIDE, SIDE, 1, x, SIDE, x, SIDE,
                    0, y, SIDE);
    }
}

void gemm_warm(pool *p) {
    pool_run(p, pool_threads(p), warm_task, NULL);
}

#endif

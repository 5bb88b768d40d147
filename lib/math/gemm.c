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

/* The size that cuts `length` evenly into parts of at most `most`, in whole multiples of 16. */
static int even_tile(int length, int most) {
    int parts = (length + most - 1) / most, size = (length + parts - 1) / parts;
    return (size + 15) / 16 * 16;
}

/* Tiles of at most 512 x 512; where that gives fewer than four, they are halved, so that two or
 * four threads share a product evenly. */
static int choose_tiles(outer_job *j) {
    enum { MOST = 512, LEAST = 64, ENOUGH = 4 };
    int most_outputs = MOST, most_inputs = MOST, count;
    for (;;) {
        j->tile_outputs = even_tile(j->outputs, most_outputs);
        j->tile_inputs = even_tile(j->inputs, most_inputs);
        j->across = (j->inputs + j->tile_inputs - 1) / j->tile_inputs;
        count = j->across * ((j->outputs + j->tile_outputs - 1) / j->tile_outputs);
        int *longer = j->tile_outputs >= j->tile_inputs ? &most_outputs : &most_inputs;
        if (count >= ENOUGH || *longer <= LEAST) return count;
        *longer /= 2;
    }
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

/* vmath: big arrays cut into fixed blocks, the blocks shared out to a pool.
 *
 * Where results are combined, the blocks are too, in their order: how many threads there are makes
 * no difference to a single bit.
 */
#include "math/vmath.h"

typedef struct blocks_job {
    int64_t n, block;
    vmath_range *work;
    void *data;
} blocks_job;

static void blocks_task(void *data, int task, int worker) {
    (void)worker;
    const blocks_job *j = data;
    int64_t begin = task * j->block, end = begin + j->block;
    j->work(j->data, begin, end < j->n ? end : j->n);
}

void vmath_blocks(const compute *c, int64_t n, int64_t block, vmath_range *work, void *data) {
    blocks_job job = {n, PORTION(block, block < 2 ? block : 2), work, data};
    int64_t count = n > 0 ? (n - 1) / job.block + 1 : 0;
    pool_run(count > 1 ? c->pool : NULL, (int)count, blocks_task, &job);
}

typedef struct colsum_job {
    const kernels *k;
    int n, ldx;
    const real *x;
    real *y;
} colsum_job;

static void colsum_range(void *data, int64_t begin, int64_t end) {
    const colsum_job *j = data;
    j->k->colsum(j->n, (int)(end - begin), j->x + begin, j->ldx, j->y + begin);
}

void vmath_colsum(const compute *c, int n, int D, const real *x, int ldx, real *y) {
    enum { COLUMNS = 128 }; /* eight cache lines of a row */
    colsum_job job = {c->k, n, ldx, x, y};
    /* A small sum is over before another thread has woken up. */
    const compute alone = {c->k, NULL};
    const bool small = (int64_t)n * D < 1 << 16;
    vmath_blocks(small ? &alone : c, D, COLUMNS, colsum_range, &job);
}

enum { SUMSQ_BLOCK = PORTION(1 << 14, 2), SUMSQ_BATCH = 64 };

typedef struct sumsq_job {
    const kernels *k;
    const real *x;
    double part[SUMSQ_BATCH];
} sumsq_job;

static void sumsq_range(void *data, int64_t begin, int64_t end) {
    sumsq_job *j = data;
    j->part[begin / SUMSQ_BLOCK] = (double)j->k->dot(end - begin, j->x + begin, j->x + begin);
}

double vmath_sumsq(const compute *c, int64_t n, const real *x) {
    double sum = 0;
    for (int64_t from = 0; from < n; from += (int64_t)SUMSQ_BLOCK * SUMSQ_BATCH) {
        int64_t size = n - from;
        if (size > (int64_t)SUMSQ_BLOCK * SUMSQ_BATCH) size = (int64_t)SUMSQ_BLOCK * SUMSQ_BATCH;
        sumsq_job job = {.k = c->k, .x = x + from};
        vmath_blocks(c, size, SUMSQ_BLOCK, sumsq_range, &job);
        for (int i = 0; (int64_t)i * SUMSQ_BLOCK < size; i++) sum += job.part[i];
    }
    return sum;
}

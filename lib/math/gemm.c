/* gemm: the sharing out of a weight gradient.
 *
 * dW is cut into a part for each thread, as near to squares as they come. A thread packs what its
 * part needs by itself and waits for nobody: what another core has just written is slow to read. A
 * number's bits do not depend on the part it falls into, so the cut may follow the number of
 * threads.
 */
#include "math/gemm.h"

enum { ALONE = 50000 }; /* fewer multiply-adds are over before another thread has woken up */

typedef struct outer_job {
    const kernels *k;
    int n, ldy, outputs, ldx, inputs, ldw;
    const real *dy, *x;
    real *dw, *room;
    int down, across;            /* parts: of the outputs, of the inputs */
    int tile_outputs, tile_inputs; /* size of a part */
} outer_job;

static int least(int a, int b) {
    return a < b ? a : b;
}

static int share(int length, int parts) {
    return ((length - 1) / parts / PANEL + 1) * PANEL; /* whole panels */
}

/* As many parts as threads, with the least to pack. */
static void choose_cut(const compute *c, outer_job *j) {
    const double most = (double)j->n * j->outputs * j->inputs / ALONE;
    int threads = pool_threads(c->pool), best = 0;
    if (threads > most) threads = most > 1 ? (int)most : 1;
    for (int down = 1; down <= threads; down++) {
        if (threads % down) continue;
        int high = share(j->outputs, down), wide = share(j->inputs, threads / down);
        if (best && high + wide >= best) continue;
        best = high + wide;
        j->down = down;
        j->across = threads / down;
        j->tile_outputs = high;
        j->tile_inputs = wide;
    }
}

static void outer_task(void *data, int task, int worker) {
    (void)worker;
    const outer_job *j = data;
    const int o = task / j->across * j->tile_outputs, i = task % j->across * j->tile_inputs;
    const int outputs = least(j->tile_outputs, j->outputs - o);
    const int inputs = least(j->tile_inputs, j->inputs - i);
    if (outputs <= 0 || inputs <= 0) return;
    real *room = j->room + j->k->outer_room(j->n, j->tile_outputs, j->tile_inputs) * (size_t)task;
    j->k->outer(j->n, j->dy + o, j->ldy, outputs, j->x + i, j->ldx, inputs,
                j->dw + (int64_t)o * j->ldw + i, j->ldw, room);
}

size_t gemm_room(const compute *c, int n, int outputs, int inputs) {
    outer_job j = {.n = n, .outputs = outputs, .inputs = inputs};
    choose_cut(c, &j);
    return c->k->outer_room(n, j.tile_outputs, j.tile_inputs) * (size_t)(j.down * j.across);
}

void gemm_outer(const compute *c, int n, const real *dy, int ldy, int outputs, const real *x,
                int ldx, int inputs, real *dw, int ldw, real *room) {
    if (n <= 0 || outputs <= 0 || inputs <= 0) return;
    outer_job job = {c->k, n, ldy, outputs, ldx, inputs, ldw, dy, x, dw, room, 0, 0, 0, 0};
    choose_cut(c, &job);
    pool_run(c->pool, job.down * job.across, outer_task, &job);
}

/* panel: packing of weights, and the sharing out of products with them.
 *
 *     W [O,K], row-major        panel p: [K][32], element (k, i) = W[32 p + i][k], 0 past O
 *
 * A product is cut into tasks by outputs (each thread then reads its own part of the weights, which
 * stays in its cache from one time step to the next) or, where there are too few panels for that,
 * by rows. A number's bits depend on neither, so the cut may follow the number of threads.
 */
#include "math/panel.h"
#include <string.h>

/* Below this many multiply-adds a product is over before another thread has woken up. */
enum { PANEL_ALONE = 50000 };

static int panel_count(int outputs) {
    return (outputs + PANEL - 1) / PANEL;
}

size_t panel_size(int outputs, int depth) {
    return (size_t)panel_count(outputs) * PANEL * (size_t)depth;
}

/* ---- packing */

typedef struct pack_job {
    int outputs, depth, ldw;
    const real *w;
    bool transposed;
    real *data;
} pack_job;

/* Panels of the transpose: their rows stand in w already. */
static void pack_straight(const pack_job *j, int first, int count, real *to) {
    for (int64_t k = 0; k < j->depth; k++, to += PANEL) {
        memcpy(to, j->w + k * j->ldw + first, (size_t)count * sizeof(real));
        memset(to + count, 0, (size_t)(PANEL - count) * sizeof(real));
    }
}

/* Sixteen columns of w at a time, so that each cache line is read once. */
static void pack_turned(const pack_job *j, int first, int count, real *to) {
    enum { COLUMNS = 16 };
    for (int64_t begin = 0; begin < j->depth; begin += COLUMNS) {
        int64_t end = begin + COLUMNS < j->depth ? begin + COLUMNS : j->depth;
        for (int i = 0; i < count; i++) {
            const real *from = j->w + (int64_t)(first + i) * j->ldw;
            for (int64_t k = begin; k < end; k++) to[k * PANEL + i] = from[k];
        }
        for (int i = count; i < PANEL; i++) {
            for (int64_t k = begin; k < end; k++) to[k * PANEL + i] = 0;
        }
    }
}

static void pack_task(void *data, int task, int worker) {
    (void)worker;
    const pack_job *j = data;
    int first = task * PANEL, count = j->outputs - first < PANEL ? j->outputs - first : PANEL;
    real *to = j->data + (int64_t)task * PANEL * j->depth;
    if (j->transposed) {
        pack_straight(j, first, count, to);
    } else {
        pack_turned(j, first, count, to);
    }
}

void panel_pack(const compute *c, int outputs, int depth, const real *w, int ldw, bool transposed,
                real *data) {
    pack_job job = {outputs, depth, ldw, w, transposed, data};
    bool small = (int64_t)outputs * depth < PANEL_ALONE;
    pool_run(small ? NULL : c->pool, panel_count(outputs), pack_task, &job);
}

/* ---- products */

typedef struct multiply_job {
    const kernels *k;
    int n, ldx, ldy;
    const real *x, *bias;
    const panels *w;
    real *y;
    bool add;
    int parts;    /* tasks */
    bool by_rows; /* cut by rows, not by panels */
} multiply_job;

/* Where part i of count things in `parts` even parts begins. */
static int part_start(int count, int parts, int i) {
    return (int)((int64_t)count * i / parts);
}

static void multiply_rows(const multiply_job *j, int begin, int end) {
    const real *x = j->x + (int64_t)begin * j->ldx;
    real *y = j->y + (int64_t)begin * j->ldy;
    j->k->panel(end - begin, j->w->depth, j->w->outputs, x, j->ldx, j->w->data, j->bias, y, j->ldy,
                j->add);
}

static void multiply_panels(const multiply_job *j, int begin, int end) {
    int first = begin * PANEL, last = end * PANEL;
    if (last > j->w->outputs) last = j->w->outputs;
    const real *data = j->w->data + (int64_t)first * j->w->depth;
    const real *bias = j->bias ? j->bias + first : NULL;
    j->k->panel(j->n, j->w->depth, last - first, j->x, j->ldx, data, bias, j->y + first, j->ldy,
                j->add);
}

static void multiply_task(void *data, int task, int worker) {
    (void)worker;
    const multiply_job *j = data;
    int count = j->by_rows ? j->n : panel_count(j->w->outputs);
    int begin = part_start(count, j->parts, task), end = part_start(count, j->parts, task + 1);
    if (j->by_rows) {
        multiply_rows(j, begin, end);
    } else {
        multiply_panels(j, begin, end);
    }
}

/* Panels are the better cut when each thread gets several; rows, when there are plenty of those.
 * Several parts for each thread, so that whoever is held up loses some of them to the others. */
static void choose_cut(multiply_job *j, int threads) {
    enum { ROWS = 32, PANELS = 6, SHARES = 4 }; /* enough for one thread; its parts */
    int panels = panel_count(j->w->outputs);
    j->by_rows = panels / threads < PANELS && j->n / threads >= ROWS;
    int most = j->by_rows ? j->n / (ROWS / SHARES) : panels;
    j->parts = threads * SHARES < most ? threads * SHARES : most;
}

void panel_multiply(const compute *c, int n, const real *x, int ldx, const panels *w,
                    const real *bias, real *y, int ldy, bool add) {
    multiply_job job = {c->k, n, ldx, ldy, x, bias, w, y, add, 1, true};
    if (n <= 0) return;
    if ((double)n * w->depth * w->outputs < PANEL_ALONE || pool_threads(c->pool) == 1) {
        multiply_rows(&job, 0, n);
        return;
    }
    choose_cut(&job, pool_threads(c->pool));
    pool_run(c->pool, job.parts, multiply_task, &job);
}

/* kernels_panel: y = x P with packed weights, the product behind every layer. Part of kernels.c.
 *
 * A tile is R rows by C groups of 16 outputs, all R*C accumulators in registers; each step of k
 * loads C groups of weights, broadcasts R elements of x, and does R*C fused multiply-adds. Every
 * output has one accumulator and meets k in order, so its bits do not depend on the tile it falls
 * into. Two FMA units of latency 4 need 8 independent chains, so few rows take more groups at a
 * time:
 *
 *     rows                 1   2   3   4   5-6   7-14
 *     groups, AVX-512      8   8   8   6   4     2      (32 registers)
 *     groups, AVX2         4   2   2   1   1            (16 registers, two a group)
 *
 * Memory: panel p of P is [K][32] and holds groups 2p and 2p+1. Rows are worked off in blocks that
 * stay in the second cache while all panels pass by; a deep product is worked off in chunks of k,
 * so that blocks have many rows then too (the sums wait in y). Weights are fetched ahead in two
 * distances: a few k ahead into the first cache by tiles of PANEL_NEAR rows or more (fewer rows are
 * bound by the caches' bandwidth, not their latency), and the next panel into the second cache by
 * tiles of PANEL_FAR rows, which have the time for it.
 */
#ifndef RILL_MATH_KERNELS_PANEL_H
#define RILL_MATH_KERNELS_PANEL_H

#include "math/cpu.h"
#include "math/lanes.h"
#include <limits.h>
#include <string.h>

/* Rows and groups of the tiles that exist, T(R, C). */
#if defined(__AVX512F__) && !defined(RILL_DOUBLE)
#define PANEL_TILES(T)                                                                             \
    T(1, 8)                                                                                        \
    T(2, 8)                                                                                        \
    T(3, 8)                                                                                        \
    T(4, 6) T(5, 4) T(6, 4) T(7, 2) T(8, 2) T(9, 2) T(10, 2) T(11, 2) T(12, 2) T(13, 2) T(14, 2)
enum { PANEL_ROWS = 14, PANEL_NEAR = 4, PANEL_FAR = 9 };
#elif defined(LANES_OUT_OF_LINE)
#define PANEL_TILES(T) T(1, 1) T(2, 1)
enum { PANEL_ROWS = 2, PANEL_NEAR = 3, PANEL_FAR = 3 };
#else
#define PANEL_TILES(T) T(1, 4) T(2, 2) T(3, 2) T(4, 1) T(5, 1) T(6, 1)
enum { PANEL_ROWS = 6, PANEL_NEAR = 4, PANEL_FAR = 5 };
#endif
enum {
    PANEL_DEPTH = 1024,    /* k of a chunk, at most */
    PANEL_BLOCK = 1 << 17, /* elements of a chunk of x that stay in the second cache */
};

typedef struct panel_job {
    int K, O, ldx, ldy;
    int at, depth; /* the chunk of k that is worked off: at, ..., at + depth - 1 */
    const real *x, *P, *bias;
    real *y;
    bool add;
} panel_job;

/* What one tile is to do: rows of x by groups first, first + 1, ... of P. Groups past the last
 * repeat it and are not stored: cheaper than more kinds of tiles, since few groups are bound by
 * latency anyway. All groups are 16 wide here. */
typedef struct panel_part {
    int K, depth, first, last; /* depth: steps of k, of K in all */
    const real *x, *P;
    int64_t ldx;
    const real *from; /* where the sums start: rows of y, of a bias, of zeros */
    int64_t ld_from;  /* 0: the same row again and again */
    real *y;
    int64_t ldy;
    const real *ahead; /* fetched into the second cache on the way: a line for every k */
    int64_t ahead_step;
} panel_part;

/* Weights of one group: [K] rows of 16, PANEL apart. */
INLINE const real *panel_group(const real *P, int K, int group) {
    return P + (int64_t)(group / 2) * K * PANEL + group % 2 * LANES;
}

/* R and C are constants wherever this is inlined. x is read through one pointer per five rows, so
 * that the offsets of the rows fit into the general registers. */
INLINE void panel_tile(const int R, const int C, const panel_part *p) {
    enum { SHARE = 5, SOON = 8 };
    const real *x[] = {p->x, p->x + SHARE * p->ldx, p->x + 2 * SHARE * p->ldx}, *w[8];
    lanes sum[28];
#pragma GCC unroll 16
    for (int c = 0; c < C; c++) {
        int group = p->first + c < p->last ? p->first + c : p->last;
        const real *from = p->from + (group - p->first) * LANES;
        w[c] = panel_group(p->P, p->K, group);
#pragma GCC unroll 16
        for (int r = 0; r < R; r++) sum[r * C + c] = lanes_load(from + r * p->ld_from);
    }
    const int64_t depth = p->depth, ldx = p->ldx, step = p->ahead_step;
    const real *ahead = p->ahead;
    for (int64_t k = 0; k < depth; k++) {
        lanes weight[8];
        if (R >= PANEL_FAR) __builtin_prefetch(ahead + k * step, 0, 2);
#pragma GCC unroll 16
        for (int c = 0; c < C; c++) {
            weight[c] = lanes_load(w[c] + k * PANEL);
            if (R >= PANEL_NEAR) __builtin_prefetch(w[c] + (k + SOON) * PANEL, 0, 3);
        }
#pragma GCC unroll 16
        for (int r = 0; r < R; r++) {
            lanes a = lanes_set(x[r / SHARE][r % SHARE * ldx]);
#pragma GCC unroll 16
            for (int c = 0; c < C; c++) sum[r * C + c] = lanes_fma(a, weight[c], sum[r * C + c]);
        }
        for (int i = 0; i < 3; i++) x[i]++;
    }
#pragma GCC unroll 16
    for (int c = 0; c < C; c++) {
        if (p->first + c > p->last) break;
#pragma GCC unroll 16
        for (int r = 0; r < R; r++) lanes_store(p->y + r * p->ldy + c * LANES, sum[r * C + c]);
    }
}

#define PANEL_DEFINE(R, C)                                                                         \
    static void panel_tile_##R(const panel_part *p) {                                              \
        panel_tile(R, C, p);                                                                       \
    }
PANEL_TILES(PANEL_DEFINE)

#define PANEL_ENTRY(R, C) {panel_tile_##R, R, C},
static const struct panel_entry {
    void (*run)(const panel_part *p);
    int rows, groups;
} panel_entries[PANEL_ROWS + 1] = {{NULL, 0, 0}, PANEL_TILES(PANEL_ENTRY)};

static const real panel_zeros[8 * LANES];

/* A tile whose last group is narrower than 16 works on full groups in a buffer of its own. */
static void panel_edge(const struct panel_entry *tile, panel_part *p, int outputs) {
    real room[28 * LANES];
    const int64_t wide = (p->last - p->first + 1) * LANES;
    const int used = outputs - p->first * LANES;
    real *const y = p->y;
    memset(room, 0, sizeof room);
    for (int r = 0; r < tile->rows; r++) {
        memcpy(room + r * wide, p->from + r * p->ld_from, (size_t)used * sizeof(real));
    }
    p->from = p->y = room;
    const int64_t ldy = p->ldy;
    p->ld_from = p->ldy = wide;
    tile->run(p);
    for (int r = 0; r < tile->rows; r++) {
        memcpy(y + r * ldy, room + r * wide, (size_t)used * sizeof(real));
    }
}

/* The tile at (row, group), fetching group `next` ahead unless it is past the last. */
static void panel_place(const panel_job *j, const struct panel_entry *tile, int row, int group,
                        int next) {
    const real *P = j->P + (int64_t)j->at * PANEL;
    const bool add = j->add || j->at > 0;
    panel_part p = {.K = j->K, .first = group, .last = (j->O - 1) / LANES, .P = P};
    p.depth = j->depth;
    p.x = j->x + (int64_t)row * j->ldx + j->at;
    p.y = j->y + (int64_t)row * j->ldy + group * LANES;
    p.ldx = j->ldx;
    p.ldy = j->ldy;
    p.from = add ? p.y : j->bias ? j->bias + group * LANES : panel_zeros;
    p.ld_from = add ? p.ldy : 0;
    p.ahead = next <= p.last ? panel_group(P, j->K, next) : P;
    p.ahead_step = next <= p.last ? PANEL : 0;
    if ((group + tile->groups) * LANES > j->O && j->O % LANES) {
        panel_edge(tile, &p, j->O);
    } else {
        tile->run(&p);
    }
}

/* n things in even shares of at most `most`: how many shares. */
static int panel_shares(int n, int most) {
    return (n + most - 1) / most;
}

/* `tiles` tiles of `rows` rows each, the first `more` of a row more, against all panels. A panel
 * meets all rows before it goes, and while it meets the first ones, the groups that come next are
 * fetched, one by each tile. */
static void panel_rows(const panel_job *j, int row, int tiles, int rows, int more) {
    const int groups = panel_entries[rows].groups;
    for (int group = 0; group * LANES < j->O; group += groups) {
        for (int t = 0, at = row; t < tiles; t++) {
            const struct panel_entry *tile = &panel_entries[rows + (t < more)];
            panel_place(j, tile, at, group, t < groups ? group + groups + t : INT_MAX);
            at += tile->rows;
        }
    }
}

static void panel_block(const panel_job *j, int row, int count) {
    int tiles = panel_shares(count, PANEL_ROWS), rows = count / tiles, more = count - tiles * rows;
    if (more && panel_entries[rows].groups != panel_entries[rows + 1].groups) {
        panel_rows(j, row, more, rows + 1, 0);
        panel_rows(j, row + more * (rows + 1), tiles - more, rows, 0);
    } else {
        panel_rows(j, row, tiles, rows, more);
    }
}

static void panel(int n, int K, int O, const real *x, int ldx, const real *P, const real *bias,
                  real *y, int ldy, bool add) {
    panel_job job = {K, O, ldx, ldy, 0, 0, x, P, bias, y, add};
    for (int chunks = panel_shares(K, PANEL_DEPTH); chunks > 0; chunks--, job.at += job.depth) {
        job.depth = (K - job.at) / chunks;
        int row = 0, blocks = panel_shares(n, PANEL_BLOCK / job.depth);
        for (; blocks > 0; blocks--) {
            int count = (n - row) / blocks;
            panel_block(&job, row, count);
            row += count;
        }
    }
}

#endif

/* kernels_panel: y = x P with packed weights, the product behind every layer. Part of kernels.c.
 *
 * A tile is R rows by C groups of 16 outputs, all R*C accumulators in registers; each step of k
 * loads C groups of weights, broadcasts R elements of x, and does R*C fused multiply-adds. Every
 * output has one accumulator and meets k in order, so its bits do not depend on the tile it falls
 * into. Two FMA units of latency 4 need 8 independent chains, so few rows take more groups at a
 * time:
 *
 *     rows                 1   2   3   4   5-6   7-14
 *     groups, AVX-512      8   8   8   6   4     2      (32 registers, two of them a group pair)
 *     groups, AVX2         4   2   2   1   1            (16 registers, two to a group)
 *
 * Memory: panel p of P is [K][32] and holds groups 2p and 2p+1. Rows are worked off in blocks that
 * stay in the second cache while all panels pass by.
 */
#ifndef RILL_MATH_KERNELS_PANEL_H
#define RILL_MATH_KERNELS_PANEL_H

#include "math/cpu.h"
#include "math/lanes.h"

/* Rows and groups of the tiles that exist, T(R, C). */
#if defined(__AVX512F__) && !defined(RILL_DOUBLE)
#define PANEL_TILES(T)                                                                             \
    T(1, 8)                                                                                        \
    T(2, 8) T(3, 8) T(4, 6) T(5, 4) T(6, 4) T(7, 2) T(8, 2) T(9, 2) T(10, 2) T(11, 2) T(12, 2)     \
        T(13, 2) T(14, 2)
enum { PANEL_ROWS = 14 };
#else
#define PANEL_TILES(T) T(1, 4) T(2, 2) T(3, 2) T(4, 1) T(5, 1) T(6, 1)
enum { PANEL_ROWS = 6 };
#endif
enum { PANEL_BLOCK = 1 << 16 }; /* elements of x that are kept in the second cache */

typedef struct panel_job {
    int K, O, ldx, ldy;
    const real *x, *P, *bias;
    real *y;
    bool add;
} panel_job;

/* Outputs that exist in a group: 16, fewer in the last one, none past the end. */
INLINE int panel_width(const panel_job *j, int group) {
    int left = j->O - group * LANES;
    return left >= LANES ? LANES : left > 0 ? left : 0;
}

/* Where the sum of one group starts: y, bias or 0. */
INLINE lanes panel_start(const panel_job *j, int row, int group) {
    int width = panel_width(j, group), at = group * LANES;
    if (j->add) return lanes_get(j->y + (int64_t)row * j->ldy + at, width);
    return j->bias ? lanes_get(j->bias + at, width) : lanes_set(0);
}

/* R and C are constants wherever this is inlined. Groups past the last repeat it and are not
 * stored: cheaper than more tiles, since few groups are bound by latency anyway. */
INLINE void panel_tile(const int R, const int C, const panel_job *j, int row, int group) {
    const int last = (j->O - 1) / LANES;
    const real *x = j->x + (int64_t)row * j->ldx, *w[8];
    lanes sum[28];
#pragma GCC unroll 16
    for (int c = 0; c < C; c++) {
        int g = group + c < last ? group + c : last;
        w[c] = j->P + (int64_t)(g / 2) * j->K * PANEL + g % 2 * LANES;
#pragma GCC unroll 16
        for (int r = 0; r < R; r++) sum[r * C + c] = panel_start(j, row + r, g);
    }
    for (int64_t k = 0; k < j->K; k++) {
        lanes weight[8];
#pragma GCC unroll 16
        for (int c = 0; c < C; c++) weight[c] = lanes_load(w[c] + k * PANEL);
#pragma GCC unroll 16
        for (int r = 0; r < R; r++) {
            lanes a = lanes_set(x[(int64_t)r * j->ldx + k]);
#pragma GCC unroll 16
            for (int c = 0; c < C; c++) sum[r * C + c] = lanes_fma(a, weight[c], sum[r * C + c]);
        }
    }
#pragma GCC unroll 16
    for (int c = 0; c < C; c++) {
#pragma GCC unroll 16
        for (int r = 0; r < R; r++) {
            real *y = j->y + (int64_t)(row + r) * j->ldy + (group + c) * LANES;
            lanes_put(y, panel_width(j, group + c), sum[r * C + c]);
        }
    }
}

#define PANEL_DEFINE(R, C)                                                                         \
    static void panel_tile_##R(const panel_job *j, int row, int group) {                           \
        panel_tile(R, C, j, row, group);                                                           \
    }
PANEL_TILES(PANEL_DEFINE)

#define PANEL_ENTRY(R, C) {panel_tile_##R, C},
static const struct panel_entry {
    void (*run)(const panel_job *j, int row, int group);
    int groups;
} panel_entries[PANEL_ROWS + 1] = {{NULL, 0}, PANEL_TILES(PANEL_ENTRY)};

/* `tiles` tiles of `rows` rows each, against all panels; a panel meets all rows before it goes. */
static void panel_rows(const panel_job *j, int row, int tiles, int rows) {
    const struct panel_entry tile = panel_entries[rows];
    for (int group = 0; group * LANES < j->O; group += tile.groups) {
        for (int t = 0; t < tiles; t++) tile.run(j, row + t * rows, group);
    }
}

static void panel(int n, int K, int O, const real *x, int ldx, const real *P, const real *bias,
                  real *y, int ldy, bool add) {
    const panel_job job = {K, O, ldx, ldy, x, P, bias, y, add};
    int block = PANEL_BLOCK / K / PANEL_ROWS;
    block = PANEL_ROWS * (block > 2 ? block : 2);
    for (int row = 0; row < n; row += block) {
        /* Even shares: `more` tiles have one row more than the others. */
        int count = n - row < block ? n - row : block;
        int tiles = (count + PANEL_ROWS - 1) / PANEL_ROWS, rows = count / tiles;
        int more = count - tiles * rows;
        if (more) panel_rows(&job, row, more, rows + 1);
        panel_rows(&job, row + more * (rows + 1), tiles - more, rows);
    }
}

#endif

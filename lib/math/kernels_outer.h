/* kernels_outer: dw += dy^T x, the gradient of a weight. Part of kernels.c.
 *
 * A tile is R outputs by C groups of 16 inputs of dw, all in registers; each row n of the batch
 * loads C groups of x, broadcasts R elements of dy, and does R*C fused multiply-adds. Every element
 * of dw has one accumulator and meets the rows in order, so its bits do not depend on the tile it
 * falls into. Rows are worked off in chunks (the sums wait in dw), outputs in blocks; what is multiplied
 * stands packed, row after row, in the second cache or the third:
 *
 *     room    | panels of x: ceil(I/32) of [n][32] | strips of dy's block: ceil(O/R) of [n][R] |
 *
 * zero-filled past O and I.
 */
#ifndef RILL_MATH_KERNELS_OUTER_H
#define RILL_MATH_KERNELS_OUTER_H

#include "math/cpu.h"
#include "math/lanes.h"
#include <string.h>

#if defined(__AVX512F__) && !defined(RILL_DOUBLE)
enum { OUTER_ROWS = 14, OUTER_GROUPS = 2 }; /* 28 sums, 2 groups of x, in 32 registers */
#elif defined(LANES_OUT_OF_LINE)
enum { OUTER_ROWS = 2, OUTER_GROUPS = 1 };
#else
enum { OUTER_ROWS = 6, OUTER_GROUPS = 1 }; /* 6 sums of two registers each, of 16 */
#endif

enum {
    OUTER_CHUNK = 512, /* rows, at most */
    OUTER_BLOCK = 504  /* outputs that are packed together: whole strips of every width */
};

typedef struct outer_part {
    int n;
    const real *strip, *panel;
    real *dw;
    int64_t ldw;
} outer_part;

/* Columns of a matrix `width` at a time (a constant where this is inlined), each strip [n][width].
 * Few rows after each other for all strips, so that every cache line is read once. */
INLINE void outer_pack(int n, const real *from, int ld, int columns, const int width, real *to) {
    enum { ROWS = 16 };
    for (int begin = 0; begin < n; begin += ROWS) {
        const int end = begin + ROWS < n ? begin + ROWS : n;
        const real *row = from + (int64_t)begin * ld;
        int first = 0;
        for (; first + width <= columns; first += width) {
            real *at = to + (int64_t)first * n + (int64_t)begin * width;
            const real *x = row + first;
            for (int i = begin; i < end; i++, at += width, x += ld) {
                memcpy(at, x, (size_t)width * sizeof(real));
            }
        }
        const int rest = columns - first;
        real *at = to + (int64_t)first * n + (int64_t)begin * width;
        for (int i = begin; rest > 0 && i < end; i++, at += width) {
            memcpy(at, from + (int64_t)i * ld + first, (size_t)rest * sizeof(real));
            memset(at + rest, 0, (size_t)(width - rest) * sizeof(real));
        }
    }
}

static void outer_tile(const outer_part *p) {
    enum { R = OUTER_ROWS, C = OUTER_GROUPS };
    lanes sum[R * C];
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
#pragma GCC unroll 2
        for (int c = 0; c < C; c++) sum[r * C + c] = lanes_load(p->dw + r * p->ldw + c * LANES);
    }
    /* The next strip's sums are fetched on the way. */
    const real *next = p->dw + R * p->ldw, *dy = p->strip, *x = p->panel;
    for (int r = 0; r < R; r++) {
        for (int c = 0; c < C; c++) __builtin_prefetch(next + r * p->ldw + c * LANES, 1, 3);
    }
    for (int row = 0; row < p->n; row++, dy += R, x += PANEL) {
        lanes group[C];
#pragma GCC unroll 2
        for (int c = 0; c < C; c++) group[c] = lanes_load(x + c * LANES);
#pragma GCC unroll 16
        for (int r = 0; r < R; r++) {
            const lanes a = lanes_set(dy[r]);
#pragma GCC unroll 2
            for (int c = 0; c < C; c++) sum[r * C + c] = lanes_fma(a, group[c], sum[r * C + c]);
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
#pragma GCC unroll 2
        for (int c = 0; c < C; c++) lanes_store(p->dw + r * p->ldw + c * LANES, sum[r * C + c]);
    }
}

/* A tile that reaches past dw works in a buffer of its own. */
static void outer_edge(outer_part *p, int rows, int columns) {
    real room[OUTER_ROWS * OUTER_GROUPS * LANES] = {0};
    const int64_t wide = OUTER_GROUPS * LANES, ldw = p->ldw;
    const size_t bytes = (size_t)columns * sizeof(real);
    real *const dw = p->dw;
    for (int r = 0; r < rows; r++) memcpy(room + r * wide, dw + r * ldw, bytes);
    p->dw = room;
    p->ldw = wide;
    outer_tile(p);
    for (int r = 0; r < rows; r++) memcpy(dw + r * ldw, room + r * wide, bytes);
}

/* The strips [n][R] of a block against all panels. */
static void outer_chunk(int n, const real *strips, int O, const real *panels, int I, real *dw,
                        int ldw) {
    enum { WIDE = OUTER_GROUPS * LANES };
    for (int i = 0; i < I; i += WIDE) {
        const real *panel = panels + (int64_t)(i / PANEL) * n * PANEL + i % PANEL;
        for (int o = 0; o < O; o += OUTER_ROWS) {
            outer_part p = {n, strips + (int64_t)o * n, panel, dw + (int64_t)o * ldw + i, ldw};
            const int rows = O - o < OUTER_ROWS ? O - o : OUTER_ROWS;
            const int columns = I - i < WIDE ? I - i : WIDE;
            if (rows == OUTER_ROWS && columns == WIDE) {
                outer_tile(&p);
            } else {
                outer_edge(&p, rows, columns);
            }
        }
    }
}

static void outer(int n, const real *dy, int ldy, int O, const real *x, int ldx, int I, real *dw,
                  int ldw, real *room) {
    const int chunks = (n + OUTER_CHUNK - 1) / OUTER_CHUNK;
    for (int chunk = 0, at = 0; chunk < chunks; chunk++) {
        const int count = (n - at) / (chunks - chunk);
        real *strips = room + (int64_t)(I + PANEL - 1) / PANEL * PANEL * count;
        outer_pack(count, x + (int64_t)at * ldx, ldx, I, PANEL, room);
        for (int o = 0; o < O; o += OUTER_BLOCK) {
            const int outputs = O - o < OUTER_BLOCK ? O - o : OUTER_BLOCK;
            outer_pack(count, dy + (int64_t)at * ldy + o, ldy, outputs, OUTER_ROWS, strips);
            outer_chunk(count, strips, outputs, room, I, dw + (int64_t)o * ldw, ldw);
        }
        at += count;
    }
}

/* Elements of room: those of the longest chunk, in whole cache lines. */
static size_t outer_room(int n, int O, int I) {
    const size_t most = (size_t)(n < OUTER_CHUNK ? n : OUTER_CHUNK);
    const size_t outputs = (size_t)(O < OUTER_BLOCK ? O : OUTER_BLOCK);
    const size_t size = most * (outputs + OUTER_ROWS + (size_t)I + PANEL);
    return (size / LANES + 1) * LANES;
}

#endif

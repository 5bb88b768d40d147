/* panel: products with packed weights, y = x W^T, spread over a pool.
 *
 * Used by every forward product, in training and in inference alike, so that validation and `apply`
 * see the very numbers of training; the bytes do not depend on threads, batch or instruction set.
 * Layout of packed data: ceil(O/32) panels, each [K][32], the last one zero-filled.
 */
#ifndef RILL_MATH_PANEL_H
#define RILL_MATH_PANEL_H

#include "math/cpu.h"
#include <stddef.h>

typedef struct panels {
    int outputs, depth; /* O, K */
    const real *data;   /* 64-byte aligned */
} panels;

/* Elements that packing needs (a multiple of 16). */
size_t panel_size(int outputs, int depth);
/* Packs W [O,K] (ldw >= K) into data. With `transposed`, w is [K,O] (ldw >= O) and the panels hold
 * its transpose, which serves x W. */
void panel_pack(const compute *c, int outputs, int depth, const real *w, int ldw, bool transposed,
                real *data);
/* y[n,O] = x[n,K] W^T + bias, or += when add. */
void panel_multiply(const compute *c, int n, const real *x, int ldx, const panels *w,
                    const real *bias, real *y, int ldy, bool add);

#endif

/* gemm: the weight gradient, the only user of cblas.h.
 *
 * dW[O,I] += dY[n,O]^T X[n,I]. Both operands are one-off, so packing them ourselves buys nothing:
 * OpenBLAS does it on fixed tiles of dW, each tile by one thread. The tiling is a function of (n,
 * O, I) only and n is never split, so the bytes do not depend on the number of threads. The double
 * twin uses plain loops.
 */
#ifndef RILL_MATH_GEMM_H
#define RILL_MATH_GEMM_H

#include "math/cpu.h"

void gemm_outer(const compute *c, int n, const real *dy, int ldy, int outputs, const real *x,
                int ldx, int inputs, real *dw, int ldw);

/* Sets OpenBLAS's own threads, for the whole process (the library wants 1), and has it map its
 * buffers now, on every thread of the pool, where a failure can still be seen. */
void gemm_threads(int n);
void gemm_warm(pool *p);

#endif

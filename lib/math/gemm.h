/* gemm: the weight gradient dW[O,I] += dY[n,O]^T X[n,I].
 *
 * Both operands are copied into strips and panels first (kernels_outer.h), which costs n(O+I)
 * copies beside n*O*I multiply-adds. Every element of dW has one accumulator and meets the rows in
 * order: its bits depend on neither threads nor instruction set.
 */
#ifndef RILL_MATH_GEMM_H
#define RILL_MATH_GEMM_H

#include "math/cpu.h"
#include <stddef.h>

/* Elements of room that gemm_outer needs. */
size_t gemm_room(const compute *c, int n, int outputs, int inputs);
void gemm_outer(const compute *c, int n, const real *dy, int ldy, int outputs, const real *x,
                int ldx, int inputs, real *dw, int ldw, real *room);

#endif

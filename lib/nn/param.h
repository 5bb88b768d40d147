/* param: all weights of a network in one slab, all gradients in another.
 *
 *     value: | name 0 [rows,cols] |pad| name 1 |pad| ...     each starts at a multiple of 16 elements
 *     grad:  the same layout, only in training
 *
 * So the optimiser, clipping, averaging, saving and summing over machines are one loop each. Padding is
 * zero and stays zero.
 */
#ifndef RILL_NN_PARAM_H
#define RILL_NN_PARAM_H

#include "tape/tape.h"

typedef enum init_kind {
    INIT_ZERO,
    INIT_ONE,
    INIT_NORMAL,     /* standard deviation `scale` */
    INIT_XAVIER,     /* uniform in +-scale*sqrt(6/(rows+cols)) (Glorot and Bengio 2010) */
    INIT_ORTHOGONAL  /* each square block of `cols` rows orthogonal (Saxe et al. 2014), times scale */
} init_kind;

enum { PARAM_NAME = 96 };

typedef struct param {
    char name[PARAM_NAME]; /* PyTorch's name */
    int32_t rows, cols;
    size_t offset; /* in elements */
    init_kind init;
    double scale;
} param;

typedef struct params {
    param *list;
    size_t count, room;
    size_t size; /* elements in the slab, padding included */
    real *value; /* [size] */
    real *grad;  /* [size] or NULL */
    panels (*packed)[2]; /* [count] after params_pack: weight and (unused) transpose */
    real *packed_data;
} params;

/* Registers a parameter; its number, or a negative code. Numbers ascend from 0. */
MUST_USE int params_add(params *p, int rows, int cols, init_kind init, double scale,
                        const char *format, ...) PRINTF_LIKE(6, 7);
/* Slabs of zeros for what was registered. */
MUST_USE int params_alloc(params *p, bool gradients);
/* Initial weights: a function of (seed, number of the parameter) only. */
MUST_USE int params_init(params *p, uint64_t seed);
/* Packs every parameter with more than one row for inference: shared, read-only from then on. Again: after
 * the weights have changed, when nobody reads. */
MUST_USE int params_pack(params *p, const compute *c);
size_t params_weights(const params *p); /* weights, padding not counted */
void params_free(params *p);
static inline real *params_value(const params *p, int number) {
    return p->value + p->list[number].offset;
}
/* The parameter as a value on the tape. Negative numbers give 0 (an absent optional input). */
var params_var(const params *p, tape *t, int number);

#endif

/* param: the slab of weights. See param.h. */
#include "nn/param.h"
#include "base/rng.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 16 }; /* elements */

int params_add(params *p, int *number, int rows, int cols, init_kind init, double scale,
               const char *format, ...) {
    TRY(mem_grow(&p->list, &p->room, p->count + 1, sizeof *p->list));
    param *it = &p->list[p->count];
    *it = (param){.rows = rows, .cols = cols, .offset = p->size, .init = init, .scale = scale};
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(it->name, sizeof it->name, format, arguments);
    va_end(arguments);
    size_t elements;
    if (length < 0 || length >= PARAM_NAME || rows < 0 || cols < 0) return RILL_ELIMIT;
    if (!size_mul((size_t)rows, (size_t)cols, &elements)) return RILL_ELIMIT;
    if (!size_add(p->size, (elements + ALIGN - 1) / ALIGN * ALIGN, &p->size)) return RILL_ELIMIT;
    *number = (int)p->count++;
    return 0;
}

int params_table(params *p, int *number, int rows, int cols, double scale, const char *name) {
    TRY(params_add(p, number, rows, cols, INIT_NORMAL, scale, "%s", name));
    p->list[*number].table = true;
    return 0;
}

/* Zeroed reals at a multiple of 64 bytes. */
static real *slab_new(size_t size) {
    size_t bytes;
    if (!size_mul(size + ALIGN, sizeof(real), &bytes)) return NULL;
    real *slab = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (slab) memset(slab, 0, size * sizeof *slab);
    return slab;
}

int params_alloc(params *p, bool gradients) {
    p->value = slab_new(p->size);
    if (gradients) p->grad = slab_new(p->size);
    return p->value && (p->grad || !gradients) ? 0 : RILL_ENOMEM;
}

enum { STRIP = 8 }; /* rows side by side: sums enough to hide the latency of an addition */

/* Takes from each row of a strip [cols][STRIP] its part along q [cols]. */
static void strip_clear(int cols, double *strip, const double *q) {
    double dot[STRIP] = {0};
    for (int d = 0; d < cols; d++) {
#pragma GCC unroll 8
        for (int r = 0; r < STRIP; r++) dot[r] += strip[d * STRIP + r] * q[d];
    }
    for (int d = 0; d < cols; d++) {
#pragma GCC unroll 8
        for (int r = 0; r < STRIP; r++) strip[d * STRIP + r] -= dot[r] * q[d];
    }
}

/* Row r of a strip, at length 1. */
static void strip_row(int cols, const double *strip, int r, double *row) {
    double norm = 0;
    for (int d = 0; d < cols; d++) row[d] = strip[d * STRIP + r];
    for (int d = 0; d < cols; d++) norm += row[d] * row[d];
    norm = norm > 0 ? 1 / sqrt(norm) : 0;
    for (int d = 0; d < cols; d++) row[d] *= norm;
}

/* Rows of w [n,cols] made orthonormal by modified Gram-Schmidt, in double. n <= cols. What a strip still
 * holds of a row that is done is of no matter. */
static void orthonormal(double *w, int n, int cols, double *strip) {
    for (int from = 0; from < n; from += STRIP) {
        const int end = from + STRIP < n ? from + STRIP : n;
        for (int r = from; r < end; r++) {
            const double *row = w + (size_t)r * (size_t)cols;
            for (int d = 0; d < cols; d++) strip[d * STRIP + r - from] = row[d];
        }
        for (int i = 0; i < end; i++) {
            double *row = w + (size_t)i * (size_t)cols;
            if (i >= from) strip_row(cols, strip, i - from, row);
            strip_clear(cols, strip, row);
        }
    }
}

/* Blocks of `cols` rows, each a random rotation. */
static int init_orthogonal(const param *it, rng *r, real *value) {
    size_t cols = (size_t)it->cols;
    double *block = mem_new(cols * (cols + STRIP), sizeof *block);
    if (!block) return RILL_ENOMEM;
    for (int from = 0; from < it->rows; from += it->cols) {
        int n = it->rows - from < it->cols ? it->rows - from : it->cols;
        for (size_t i = 0; i < (size_t)n * cols; i++) block[i] = rng_normal(r);
        orthonormal(block, n, it->cols, block + cols * cols);
        for (size_t i = 0; i < (size_t)n * cols; i++) {
            value[(size_t)from * cols + i] = (real)(it->scale * block[i]);
        }
    }
    free(block);
    return 0;
}

static int init_one(const param *it, uint64_t seed, size_t number, real *value) {
    rng r = rng_make(seed, number, 0);
    size_t size = (size_t)it->rows * (size_t)it->cols;
    double bound = it->scale * sqrt(6.0 / ((double)it->rows + it->cols));
    switch (it->init) {
    case INIT_ZERO: break;
    case INIT_ONE:
        for (size_t i = 0; i < size; i++) value[i] = 1;
        break;
    case INIT_NORMAL:
        for (size_t i = 0; i < size; i++) value[i] = (real)(it->scale * rng_normal(&r));
        break;
    case INIT_XAVIER:
        for (size_t i = 0; i < size; i++) value[i] = (real)(bound * (2 * rng_uniform(&r) - 1));
        break;
    case INIT_ORTHOGONAL: return init_orthogonal(it, &r, value);
    }
    return 0;
}

int params_init(params *p, uint64_t seed) {
    for (size_t i = 0; i < p->count; i++) {
        TRY(init_one(&p->list[i], seed, i, p->value + p->list[i].offset));
    }
    return 0;
}

/* Elements of its panels; vectors are no products' matrices. */
static size_t packed_size(const param *it) {
    return it->table || it->rows <= 1 ? 0 : panel_size(it->rows, it->cols);
}

int params_pack(params *p, const compute *c) {
    size_t total = 0;
    for (size_t i = 0; i < p->count; i++) total += packed_size(&p->list[i]);
    if (!p->packed) p->packed = mem_new(p->count, sizeof *p->packed);
    if (!p->packed_data) p->packed_data = slab_new(total);
    if (!p->packed || !p->packed_data) return RILL_ENOMEM;
    real *at = p->packed_data;
    for (size_t i = 0; i < p->count; i++) {
        const param *it = &p->list[i];
        if (packed_size(it) == 0) continue;
        panel_pack(c, it->rows, it->cols, p->value + it->offset, it->cols, false, at);
        p->packed[i] = (panels){it->rows, it->cols, at};
        at += packed_size(it);
    }
    return 0;
}

int params_borrow(const params *p, const real *weights, const compute *c, params *out) {
    *out = *p;
    out->value = (real *)weights;
    out->grad = NULL;
    out->packed = NULL;
    out->packed_data = NULL;
    int status = params_pack(out, c);
    if (status < 0) params_return(out);
    return status;
}

void params_return(params *p) {
    free(p->packed);
    free(p->packed_data);
    p->packed = NULL;
    p->packed_data = NULL;
}

size_t params_weights(const params *p) {
    size_t total = 0;
    for (size_t i = 0; i < p->count; i++) {
        total += (size_t)p->list[i].rows * (size_t)p->list[i].cols;
    }
    return total;
}

void params_free(params *p) {
    params_return(p);
    free(p->list);
    free(p->value);
    free(p->grad);
    *p = (params){0};
}

var params_var(const params *p, tape *t, int number) {
    if (number < 0) return 0;
    const param *it = &p->list[number];
    return op_param(t, it->rows, it->cols, p->value + it->offset,
                    p->grad ? p->grad + it->offset : NULL, p->packed ? &p->packed[number] : NULL);
}

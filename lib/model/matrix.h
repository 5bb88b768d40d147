/* matrix: a confusion matrix, drawn in text and as an SVG picture of our own.
 *
 * Rows are the gold labels, columns the given ones; count[g*n + s] texts of gold g were given s.
 */
#ifndef RILL_MODEL_MATRIX_H
#define RILL_MODEL_MATRIX_H

#include "base/bytes.h"

typedef struct matrix {
    const strmap *labels; /* the first n are drawn */
    int n;
    const int64_t *count; /* [n,n] */
} matrix;

/* A table; labels are shortened to fit. */
void matrix_text(const matrix *m, buffer *out);
/* Shades say the share of the row. */
void matrix_svg(const matrix *m, buffer *out);

#endif

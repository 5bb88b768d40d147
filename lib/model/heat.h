/* heat: where a decoder looked, as a picture: a matrix of weights between the pieces of a source
 * and of a target, as text for a terminal or as SVG.
 */
#ifndef RILL_MODEL_HEAT_H
#define RILL_MODEL_HEAT_H

#include "base/bytes.h"
#include "math/real.h"

/* Weights are taken as 0..1: what is below, or no number, counts 0, what is above counts 1. Pieces
 * are valid UTF-8. */
typedef struct heat {
    const bytes *source; /* [S] columns */
    size_t sources;
    const bytes *target; /* [T] rows */
    size_t targets;
    const real *weight; /* [T,S] */
} heat;

/* Appends the drawing. A column is two characters wide, source pieces stand upright above it:
 *
 *         T c s
 *         h a a
 *         e t t
 *     Die ██
 *     Katze ▒▒██
 *
 * (here squeezed). Shades: nothing below 0.1, then ░ ▒ from 0.3, ▓ from 0.5, █ from 0.75. */
void heat_text(const heat *h, buffer *out);

/* Appends an SVG picture: a square for each weight of at least 0.005, as dark as it is large, with
 * both pieces and the weight as its title. It can be read on white and on black. */
void heat_svg(const heat *h, buffer *out);

#endif

/* tape_rig: leaves, packs and runs. See tape_rig.h. */
#include "tape_rig.h"

#include "base/rng.h"

#include <string.h>

/* Lengths of the sequences, and on the far side; returns how many there are. */
static int rig_lengths(rig_shape shape, int32_t length[RIG_SEQUENCES], int32_t far[RIG_SEQUENCES]) {
    static const int32_t ragged[] = {2, 1, 0, 4, 1, 3}; /* the longest is not in front */
    static const int32_t other[] = {3, 0, 2, 1, 2, 5};
    switch (shape) {
    case RIG_SMALL:
        memcpy(length, ragged, sizeof ragged);
        memcpy(far, other, sizeof other);
        return (int)(sizeof ragged / sizeof *ragged);
    case RIG_BIG:
        for (int b = 0; b < RIG_SEQUENCES; b++) {
            length[b] = (b * 7 + 3) % 29;
            far[b] = (b * 11 + 5) % 37;
        }
        return RIG_SEQUENCES;
    case RIG_ONE:
        length[0] = 1;
        far[0] = 3;
        return 1;
    case RIG_EMPTY:
        memset(length, 0, 3 * sizeof *length);
        far[0] = far[1] = 0;
        far[2] = 2;
        return 3;
    case RIG_NONE:
        break;
    }
    return 0;
}

void rig_open(rig *r, rig_shape shape) {
    *r = (rig){.big = shape == RIG_BIG, .only = -1, .chosen = -1};
    int32_t length[RIG_SEQUENCES], far[RIG_SEQUENCES];
    uint64_t name[RIG_SEQUENCES];
    int count = rig_lengths(shape, length, far);
    for (int b = 0; b < count; b++) name[b] = 1000 + 17 * (uint64_t)b;
    r->failed = pack_make(&r->own, length, name, count, &r->all) < 0 ||
                pack_make(&r->own, far, name, count, &r->far_all) < 0;
    r->t.c.k = cpu_kernels();
    r->t.noise = true;
    r->t.seed = 7;
    rig_choose(r, -1);
}

void rig_close(rig *r) {
    tape_free(&r->t);
    arena_free(&r->own);
}

static void choose_side(rig *r, const pack *all, pack *chosen) {
    *chosen = *all;
    if (r->only < 0) return;
    int32_t length = pack_length(all, r->only);
    r->failed |= pack_make(&r->own, &length, all->name + r->only, 1, chosen) < 0;
}

void rig_choose(rig *r, int only) {
    r->only = only;
    choose_side(r, &r->all, &r->seq);
    choose_side(r, &r->far_all, &r->far);
}

/* The side whose rows the leaf has, or NULL. */
static const pack *side_of(const rig *r, rig_span span) {
    return span == RIG_ROWS ? &r->all : span == RIG_FAR ? &r->far_all : NULL;
}

/* Rows that a leaf has with all sequences, and the range of them in this run. */
static int full_rows(const rig *r, rig_span span, int rows) {
    const pack *side = side_of(r, span);
    return side ? side->total : span == RIG_EACH ? r->all.count : rows;
}

static int first_row(const rig *r, rig_span span) {
    const pack *side = side_of(r, span);
    if (r->only < 0 || span == RIG_WHOLE) return 0;
    return side ? side->start[r->only] : r->only;
}

static int run_rows(const rig *r, rig_span span, int rows) {
    const pack *side = side_of(r, span);
    if (r->only < 0 || span == RIG_WHOLE) return full_rows(r, span, rows);
    return side ? pack_length(side, r->only) : 1;
}

/* The leaf of this call; a new one is left without numbers. */
static rig_leaf *next_leaf(rig *r, rig_span span, int rows, int cols, bool *fresh) {
    rig_leaf *l = &r->leaf[r->next];
    *fresh = r->next++ == r->leaves;
    if (!*fresh) return l;
    r->leaves++;
    *l = (rig_leaf){.span = span, .rows = full_rows(r, span, rows), .cols = cols};
    return l;
}

var rig_real(rig *r, rig_span span, int rows, int cols) {
    bool fresh;
    int number = r->next;
    rig_leaf *l = next_leaf(r, span, rows, cols, &fresh);
    size_t size = (size_t)l->rows * (size_t)cols;
    if (fresh) {
        l->value = arena_zero(&r->own, size, sizeof(real));
        l->grad = arena_zero(&r->own, size, sizeof(real));
        if (!l->value || !l->grad) {
            r->failed = true;
            return 0;
        }
        rng random = rng_make(1, (uint64_t)number, 0);
        for (size_t i = 0; i < size; i++) {
            double u = 2 * rng_uniform(&random) - 1;
            l->value[i] = (real)(u < 0 ? 0.95 * u - 0.05 : 0.95 * u + 0.05);
        }
    }
    bool wanted = r->chosen < 0 || r->chosen == number;
    const real *value = l->value + (size_t)first_row(r, span) * (size_t)cols;
    int n = run_rows(r, span, rows);
    r->at[number] = r->params ? op_param(&r->t, n, cols, value, wanted ? l->grad : NULL, NULL)
                              : op_input(&r->t, n, cols, value, wanted);
    return r->at[number];
}

const int32_t *rig_numbers(rig *r, rig_span span, int rows, int cols, int low, int high) {
    bool fresh;
    int number = r->next;
    rig_leaf *l = next_leaf(r, span, rows, cols, &fresh);
    if (fresh) {
        size_t size = (size_t)l->rows * (size_t)cols;
        l->number = arena_zero(&r->own, size, sizeof *l->number);
        if (!l->number) {
            r->failed = true;
            return NULL;
        }
        rng random = rng_make(2, (uint64_t)number, 0);
        for (size_t i = 0; i < size; i++) {
            l->number[i] = low + (int32_t)rng_below(&random, (uint64_t)(high - low + 1));
        }
    }
    return l->number + (size_t)first_row(r, span) * (size_t)cols;
}

var rig_build(rig *r, const rig_case *c, int variant, bool record) {
    tape_reset(&r->t);
    r->t.record = record;
    r->next = 0;
    return c->build(r, variant);
}

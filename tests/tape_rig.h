/* tape_rig: a bench on which every operation of the tape can be mounted, and the table of cases.
 *
 * check_grad (real = double) and check_tape (real = float) share it. A case builds one operation
 * from leaves that the rig hands out; the same call gets the same leaf each time, so a case can be
 * run again with other numbers in its leaves, on another tape, with other threads, or with one of
 * its sequences alone:
 *
 *     leaf, per row       [N,cols]   rows of the chosen sequences
 *     leaf, per far row   [M,cols]   rows of the chosen sequences on the far side
 *     leaf, per sequence  [B,cols]   rows of the chosen sequences
 *     leaf, whole         [rows,cols]
 */
#ifndef RILL_TESTS_TAPE_RIG_H
#define RILL_TESTS_TAPE_RIG_H

#include "tape/tape.h"

enum { RIG_LEAVES = 32, RIG_SEQUENCES = 48 };

/* Which sequences stand in a rig. */
typedef enum rig_shape {
    RIG_SMALL, /* a few ragged ones, one of length 1, one empty */
    RIG_BIG,   /* many, with widths of some dozens, so that the work is cut between threads */
    RIG_ONE,   /* one sequence of one row */
    RIG_EMPTY, /* three sequences without rows */
    RIG_NONE   /* no sequence */
} rig_shape;

/* The far side has other lengths; where one side has rows, the other may have none. */
typedef enum rig_span { RIG_ROWS, RIG_FAR, RIG_EACH, RIG_WHOLE } rig_span;

typedef struct rig_leaf {
    rig_span span;
    int rows, cols;
    real *value, *grad; /* [rows,cols]; grad: slab of a parameter */
    int32_t *number;    /* leaves of whole numbers have these instead */
} rig_leaf;

typedef struct rig {
    tape t;
    arena own;   /* leaves and packs, until rig_close */
    pack all;    /* every sequence */
    pack seq;    /* the sequences of this run: all of them or one */
    pack far_all, far; /* what the same sequences have on the far side */
    int only;    /* that one, or -1 */
    bool big;    /* wide and long enough for the work to be cut between threads */
    bool params; /* real leaves are parameters with a slab, else inputs */
    int chosen;  /* the only leaf that wants a gradient, or -1 for all */
    rig_leaf leaf[RIG_LEAVES];
    var at[RIG_LEAVES]; /* where the leaf stands on the tape */
    int leaves, next;
    rnn_spec rnn; /* of the last recurrent layer built, for comparison with textbook loops */
    var rnn_input;
    bool failed; /* no memory for leaves: the test itself is broken */
} rig;

typedef struct rig_case {
    const char *name;
    op_kind kind;
    var (*build)(rig *r, int variant);
    int variants;
    bool parts; /* one sequence at a time gives the rows of all at once */
} rig_case;

extern const rig_case rig_cases[];
extern const int rig_case_count;

void rig_open(rig *r, rig_shape shape);
void rig_close(rig *r);
/* Chooses one sequence, or all (-1). */
void rig_choose(rig *r, int only);
/* Builds the case on a fresh tape; its result, 0 when memory ran out. */
var rig_build(rig *r, const rig_case *c, int variant, bool record);

/* For cases: a leaf of random numbers with 0.05 <= |x| <= 1 (away from the kink of relu). */
var rig_real(rig *r, rig_span span, int rows, int cols);
/* A leaf of random whole numbers, low..high. */
const int32_t *rig_numbers(rig *r, rig_span span, int rows, int cols, int low, int high);
/* The wider choice in a big rig. */
static inline int rig_size(const rig *r, int small, int big) {
    return r->big ? big : small;
}

#endif

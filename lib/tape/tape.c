/* tape: the list of operations, its memory, and the walk back. See tape.h. */
#include "tape/tape.h"
#include "math/gemm.h"

#include <stdlib.h>
#include <string.h>

static const char *const op_names[] = {
#define OP(NAME, name) #name,
#include "tape/ops.def"
#undef OP
};

static void (*const op_backs[])(tape *, node *) = {
#define OP(NAME, name) name##_back,
#include "tape/ops.def"
#undef OP
};

const char *tape_op_name(op_kind kind) {
    return op_names[kind];
}

void tape_reset(tape *t) {
    arena_reset(&t->keep);
    arena_reset(&t->scratch);
    t->status = 0;
    t->count = 1;
}

void tape_free(tape *t) {
    arena_free(&t->keep);
    arena_free(&t->scratch);
    free(t->nodes);
    t->nodes = NULL;
    t->count = t->capacity = 0;
}

void *tape_keep(tape *t, size_t count, size_t size) {
    void *memory = arena_alloc(&t->keep, count, size);
    if (!memory) t->status = RILL_ENOMEM;
    return memory;
}

void *tape_scratch(tape *t, size_t count, size_t size) {
    void *memory = arena_alloc(&t->scratch, count, size);
    if (!memory) t->status = RILL_ENOMEM;
    return memory;
}

void *tape_save(tape *t, var v, size_t count, size_t size) {
    return tape_needs(t, v) ? tape_keep(t, count, size) : tape_scratch(t, count, size);
}

/* A node without a value. */
static var push_bare(tape *t, op_kind kind, int rows, int cols, const var *in, int inputs) {
    if (t->status < 0) return 0;
    t->status = mem_grow(&t->nodes, &t->capacity, t->count + 1, sizeof *t->nodes);
    if (!t->record) inputs = 0;
    var *copy = t->status < 0 || !inputs ? NULL : tape_keep(t, (size_t)inputs, sizeof *copy);
    if (t->status < 0) return 0;
    node *n = &t->nodes[t->count];
    *n = (node){.kind = kind, .rows = rows, .cols = cols, .in = copy, .inputs = inputs};
    for (int i = 0; i < inputs; i++) {
        copy[i] = in[i];
        n->needs |= tape_needs(t, in[i]);
    }
    return (var)t->count++;
}

var tape_push(tape *t, op_kind kind, int rows, int cols, const var *in, int inputs) {
    var v = push_bare(t, kind, rows, cols, in, inputs);
    if (!v) return 0;
    arena_reset(&t->scratch);
    real *value = tape_keep(t, (size_t)rows * (size_t)cols, sizeof *value);
    tape_node(t, v)->value = value;
    return value ? v : 0;
}

var op_param(tape *t, int rows, int cols, const real *value, real *grad, const panels *packed) {
    var v = push_bare(t, OP_PARAM, rows, cols, NULL, 0);
    if (!v) return 0;
    node *n = tape_node(t, v);
    n->value = (real *)value;
    n->grad = grad;
    n->needs = t->record && grad;
    if (packed) n->packed[0] = *packed;
    return v;
}

var op_input(tape *t, int rows, int cols, const real *value, bool needs) {
    var v = push_bare(t, OP_INPUT, rows, cols, NULL, 0);
    if (!v) return 0;
    tape_node(t, v)->value = (real *)value;
    tape_node(t, v)->needs = t->record && needs;
    return v;
}

/* Leaves have nowhere to send a gradient. */
void param_back(tape *t, node *y) {
    (void)t, (void)y;
}
void input_back(tape *t, node *y) {
    (void)t, (void)y;
}

/* Memory for a gradient is taken when the first one arrives, so that what no loss depends on costs
 * nothing. */
real *tape_flow(tape *t, var v) {
    if (!tape_needs(t, v)) return NULL;
    node *n = tape_node(t, v);
    if (!n->grad) {
        size_t count = (size_t)n->rows * (size_t)n->cols;
        n->grad = tape_keep(t, count, sizeof(real));
        if (n->grad) memset(n->grad, 0, count * sizeof(real));
    }
    return n->grad;
}

/* Packed once per tape and node; a parameter may bring panels of its own (inference). */
const panels *tape_panels(tape *t, var w, bool transposed) {
    node *n = tape_node(t, w);
    panels *p = &n->packed[transposed];
    if (p->data) return p;
    int outputs = transposed ? n->cols : n->rows, depth = transposed ? n->rows : n->cols;
    real *data = tape_keep(t, panel_size(outputs, depth), sizeof(real));
    if (!data) return NULL;
    panel_pack(&t->c, outputs, depth, n->value, n->cols, transposed, data);
    *p = (panels){.outputs = outputs, .depth = depth, .data = data};
    return p;
}

void tape_outer(tape *t, int n, const real *dy, int outputs, const real *x, int inputs, real *dw) {
    const arena_mark mark = arena_here(&t->scratch);
    real *room = tape_scratch(t, gemm_room(&t->c, n, outputs, inputs), sizeof *room);
    if (room) gemm_outer(&t->c, n, dy, outputs, outputs, x, inputs, inputs, dw, inputs, room);
    arena_back(&t->scratch, mark);
}

/* Every node stands after its inputs, so by the time the walk reaches it all its readers have sent
 * their share. */
void tape_backward(tape *t, var loss) {
    real *seed = tape_flow(t, loss);
    if (!seed) return;
    seed[0] = 1;
    for (size_t i = (size_t)loss; i > 0 && t->status == 0; i--) {
        node *n = &t->nodes[i];
        if (!n->needs || !n->grad) continue;
        arena_reset(&t->scratch);
        op_backs[n->kind](t, n);
    }
}

/* tape_cases: the operations of the tape, each mounted on the rig in all its variants.
 *
 * A variant number is taken apart with `digit`: digit(&v, 3) is its last digit in base 3.
 */
#include "tape_rig.h"

static int digit(int *variant, int base) {
    int d = *variant % base;
    *variant /= base;
    return d;
}

/* ---- elementwise and shape */

static var build_embed(rig *r, int v) {
    int rows = 5, D = rig_size(r, 3, 70);
    var table = rig_real(r, RIG_WHOLE, rows, D);
    if (digit(&v, 2)) table = op_tanh(&r->t, table); /* any value may be the table */
    return op_embed(&r->t, table, rig_numbers(r, RIG_ROWS, 0, 1, -1, rows - 1), r->seq.total);
}

static var build_linear(rig *r, int v) {
    int inputs = rig_size(r, 3, 70), outputs = rig_size(r, digit(&v, 2) ? 35 : 2, 90);
    var x = rig_real(r, RIG_ROWS, 0, inputs), w = rig_real(r, RIG_WHOLE, outputs, inputs);
    return op_linear(&r->t, x, w, digit(&v, 2) ? rig_real(r, RIG_WHOLE, 1, outputs) : 0);
}

static var build_add(rig *r, int v) {
    var a = rig_real(r, RIG_ROWS, 0, rig_size(r, 3, 70));
    return op_add(&r->t, a, digit(&v, 2) ? a : rig_real(r, RIG_ROWS, 0, rig_size(r, 3, 70)));
}

static var build_mul(rig *r, int v) {
    var a = rig_real(r, RIG_ROWS, 0, rig_size(r, 3, 70));
    return op_mul(&r->t, a, digit(&v, 2) ? a : rig_real(r, RIG_ROWS, 0, rig_size(r, 3, 70)));
}

static var build_concat(rig *r, int v) {
    var a = rig_real(r, RIG_ROWS, 0, 2), b = rig_real(r, RIG_ROWS, 0, rig_size(r, 1, 50));
    const var parts[] = {a, b, a};
    return op_concat(&r->t, parts, 1 + digit(&v, 3));
}

static var build_slice(rig *r, int v) {
    static const int cut[][2] = {{0, 5}, {0, 2}, {1, 4}, {4, 5}};
    int wide = rig_size(r, 1, 9), c = digit(&v, 4);
    var x = rig_real(r, RIG_ROWS, 0, 5 * wide);
    return op_slice(&r->t, x, cut[c][0] * wide, cut[c][1] * wide);
}

static var build_tanh(rig *r, int v) {
    (void)v;
    return op_tanh(&r->t, rig_real(r, RIG_ROWS, 0, rig_size(r, 3, 70)));
}

static var build_sigmoid(rig *r, int v) {
    (void)v;
    return op_sigmoid(&r->t, rig_real(r, RIG_ROWS, 0, rig_size(r, 3, 70)));
}

static var build_relu(rig *r, int v) {
    (void)v;
    return op_relu(&r->t, rig_real(r, RIG_ROWS, 0, rig_size(r, 3, 70)));
}

static var build_dropout(rig *r, int v) {
    static const dropout_mode mode[] = {DROPOUT_ELEMENTS, DROPOUT_SEQUENCES, DROPOUT_ROWS};
    dropout_mode m = mode[digit(&v, 3)];
    var x = rig_real(r, m == DROPOUT_ROWS ? RIG_EACH : RIG_ROWS, 0, rig_size(r, 7, 70));
    return op_dropout(&r->t, x, 0.4, 3, &r->seq, m);
}

static var build_sum(rig *r, int v) {
    var parts[3] = {0};
    int count = 1 + digit(&v, 3);
    for (int i = 0; i < count; i++) parts[i] = rig_real(r, RIG_WHOLE, 1, 1);
    if (digit(&v, 2)) parts[count > 1] = parts[0]; /* the same one twice */
    return op_sum(&r->t, parts, count);
}

/* ---- recurrent layers */

enum { RNN_VARIANTS = 4 * 2 * 3 * 2 * 2 };

static void rnn_weights_for(rig *r, rnn_spec *s, int direction, int inputs, int norm, bool states) {
    rnn_weights *w = &s->w[direction];
    int H = s->hidden, G = cell_gates(s->cell) * H;
    bool lstm = s->cell == CELL_LSTM;
    w->wx = rig_real(r, RIG_WHOLE, G, inputs);
    w->wh = rig_real(r, RIG_WHOLE, G, H);
    w->bx = rig_real(r, RIG_WHOLE, 1, G);
    w->bh = rig_real(r, RIG_WHOLE, 1, G);
    if (norm) {
        w->nx = rig_real(r, RIG_WHOLE, 1, G);
        w->nh = rig_real(r, RIG_WHOLE, 1, G);
    }
    if (norm == 2 && lstm) {
        w->nc = rig_real(r, RIG_WHOLE, 1, H);
        w->bc = rig_real(r, RIG_WHOLE, 1, H);
    }
    if (states) w->h0 = rig_real(r, RIG_EACH, 0, H);
    if (states && lstm) w->c0 = rig_real(r, RIG_EACH, 0, H);
}

static var build_rnn(rig *r, int v) {
    static const cell_kind cell[] = {CELL_TANH, CELL_RELU, CELL_LSTM, CELL_GRU};
    rnn_spec s = {.cell = cell[digit(&v, 4)], .hidden = rig_size(r, 5, 37), .site = 5};
    s.directions = 1 + digit(&v, 2);
    int norm = digit(&v, 3), inputs = rig_size(r, 2, 40);
    bool states = digit(&v, 2);
    s.dropout = digit(&v, 2) ? 0.4 : 0;
    var x = rig_real(r, RIG_ROWS, 0, inputs);
    for (int d = 0; d < s.directions; d++) rnn_weights_for(r, &s, d, inputs, norm, states);
    r->rnn = s;
    r->rnn_input = x;
    return op_rnn(&r->t, x, &s, &r->seq);
}

/* ---- from rows to sequences */

static var build_pool(rig *r, int v) {
    static const pool_kind kind[] = {POOL_LAST, POOL_MEAN, POOL_MAX, POOL_ENDS};
    var x = rig_real(r, RIG_ROWS, 0, rig_size(r, 4, 70));
    return op_pool(&r->t, x, kind[digit(&v, 4)], &r->seq);
}

static var build_attend(rig *r, int v) {
    (void)v;
    var x = rig_real(r, RIG_ROWS, 0, rig_size(r, 4, 70));
    return op_attend(&r->t, x, rig_real(r, RIG_ROWS, 0, 1), &r->seq);
}

/* Sentences look at themselves, or at a far side of other lengths. */
static var build_cross(rig *r, int v) {
    bool additive = digit(&v, 2);
    int sides = digit(&v, 3);
    int heads = 1 + digit(&v, 2), A = heads * rig_size(r, 3, 20), C = heads * rig_size(r, 2, 18);
    bool same = sides == 0, far = sides == 2;
    rig_span keys = far ? RIG_FAR : RIG_ROWS;
    cross_spec s = {.query = &r->seq, .key = far ? &r->far : &r->seq, .heads = heads};
    var q = rig_real(r, RIG_ROWS, 0, A), k = same ? q : rig_real(r, keys, 0, A);
    var values = rig_real(r, keys, 0, C);
    return op_cross(&r->t, q, k, values, additive ? rig_real(r, RIG_WHOLE, 1, A) : 0, &s);
}

/* An attention whose looks are counted. */
static var covered_cross(rig *r, int heads, bool far, bool additive) {
    const cross_spec s = {.query = &r->seq, .key = far ? &r->far : &r->seq, .heads = heads,
                          .covered = true};
    const rig_span keys = far ? RIG_FAR : RIG_ROWS;
    const int A = 2 * heads;
    var q = rig_real(r, RIG_ROWS, 0, A), k = rig_real(r, keys, 0, A), values = rig_real(r, keys, 0, A);
    return op_cross(&r->t, q, k, values, additive ? rig_real(r, RIG_WHOLE, 1, A) : 0, &s);
}

static var build_coverage(rig *r, int v) {
    const int heads = 1 + digit(&v, 2);
    return op_coverage(&r->t, covered_cross(r, heads, digit(&v, 2), false), 0.6);
}

/* Beside a loss of what the attention gives, so that both flow back together. */
static var build_covered(rig *r, int v) {
    const int heads = 1 + digit(&v, 2);
    bool far = digit(&v, 2);
    var y = covered_cross(r, heads, far, digit(&v, 2));
    const entropy_spec s = {.target = rig_numbers(r, RIG_ROWS, 0, 1, 0, 2), .groups = 1, .weight = 1};
    const var part[] = {op_coverage(&r->t, y, 0.6),
                        op_entropy(&r->t, y, rig_real(r, RIG_WHOLE, 3, 2 * heads), 0, &s)};
    return op_sum(&r->t, part, 2);
}

static var build_conv(rig *r, int v) {
    static const conv_spec spec[] = {{1, 1, 1, false}, {3, 1, 1, false}, {2, 1, 1, true},
                                     {3, 2, 1, false}, {3, 1, 2, false}, {2, 3, 2, true},
                                     {4, 2, 2, false}, {4, 1, 1, true}};
    const conv_spec *s = &spec[digit(&v, 8)];
    int inputs = rig_size(r, 2, 30), outputs = rig_size(r, 3, 40);
    var x = rig_real(r, RIG_ROWS, 0, inputs);
    var w = rig_real(r, RIG_WHOLE, outputs, s->width * inputs);
    var b = digit(&v, 2) ? rig_real(r, RIG_WHOLE, 1, outputs) : 0;
    pack out;
    return op_conv(&r->t, x, w, b, s, &r->seq, &out);
}

/* ---- losses */

/* Label 2 may neither begin nor end nor follow 0. Targets then keep to 0 and 1, which may always
 * stand beside each other. */
static const uint8_t crf_allowed[5 * 5] = {
    1, 1, 0, 0, 1, /* from 0 */
    1, 1, 1, 0, 1, /* from 1 */
    1, 1, 1, 0, 0, /* from 2 */
    1, 1, 0, 0, 0, /* from the start */
    0, 0, 0, 0, 0, /* from the end */
};

static var build_crf(rig *r, int v) {
    enum { K = 3 };
    crf_spec s = {.weight = digit(&v, 2) ? 0.3 : 1};
    bool rules = digit(&v, 2);
    var x = rig_real(r, RIG_ROWS, 0, K), trans = rig_real(r, RIG_WHOLE, K, K);
    var ends = rig_real(r, RIG_WHOLE, 2, K);
    s.target = rig_numbers(r, RIG_ROWS, 0, 1, 0, rules ? K - 2 : K - 1);
    s.allowed = rules ? crf_allowed : NULL;
    return op_crf(&r->t, x, trans, ends, &s, &r->seq);
}

/* Weights of targets 0, 1, 2, ...: enough for the widest case. */
static const real *balance_of(int targets) {
    static real weight[256];
    for (int i = 0; i < targets; i++) weight[i] = (real)0.5 + (real)(i % 3);
    return weight;
}

/* Weights of rows, some of them negative. */
static const real *worth_of_rows(const tape *t, var x) {
    static real worth[1 << 14];
    for (int i = 0; i < tape_node(t, x)->rows; i++) worth[i & ((1 << 14) - 1)] = (real)(i % 3) - (real)0.7;
    return worth;
}

static var build_binary(rig *r, int v) {
    binary_spec s = {.smoothing = digit(&v, 2) ? 0.1 : 0};
    s.weight = digit(&v, 2) ? 0.3 : 1;
    int K = rig_size(r, 3, 70);
    var x = rig_real(r, RIG_ROWS, 0, K);
    if (digit(&v, 2)) s.balance = balance_of(K);
    s.target = rig_numbers(r, RIG_ROWS, 0, K, digit(&v, 2) ? -1 : 0, 1);
    return op_binary(&r->t, x, &s);
}

static var build_agree(rig *r, int v) {
    int K = rig_size(r, 3, 70);
    var a = rig_real(r, RIG_ROWS, 0, K), b = rig_real(r, RIG_ROWS, 0, K);
    return op_agree(&r->t, a, b, digit(&v, 2) ? 0.3 : 1);
}

/* The rows of x, and as second readings the same rows from the last to the first, squashed. */
static var read_again(rig *r, var x) {
    const int N = tape_node(&r->t, x)->rows;
    int32_t *index = arena_alloc(&r->own, 4 * (size_t)N + 1, sizeof *index), *back = index + 2 * N;
    if (!index) {
        r->failed = true;
        return 0;
    }
    for (int i = 0; i < 2 * N; i++) {
        index[i] = i < N ? i : -1;
        back[i] = i < N ? -1 : 2 * N - 1 - i;
    }
    return op_add(&r->t, op_embed(&r->t, x, index, 2 * N), op_tanh(&r->t, op_embed(&r->t, x, back, 2 * N)));
}

static var build_entropy(rig *r, int v) {
    static const int32_t cut[] = {0, 2, 5};
    entropy_spec s = {.groups = 1, .smoothing = digit(&v, 2) ? 0.1 : 0};
    s.weight = digit(&v, 2) ? 0.3 : 1;
    bool bias = digit(&v, 2), some = digit(&v, 2);
    int V = 5, D = rig_size(r, 3, 40);
    if (digit(&v, 2))
        s.groups = 2, s.group = cut;
    else
        V = rig_size(r, 5, 200);
    var x = rig_real(r, RIG_ROWS, 0, D), w = rig_real(r, RIG_WHOLE, V, D);
    var b = bias ? rig_real(r, RIG_WHOLE, 1, V) : 0;
    if (digit(&v, 2)) {
        s.balance = balance_of(V);
        s.worth = worth_of_rows(&r->t, x);
    }
    s.target = rig_numbers(r, RIG_ROWS, 0, s.groups, some ? -1 : 0, s.groups == 2 ? 1 : V - 1);
    if (digit(&v, 2)) {
        s.agree = 0.7;
        x = read_again(r, x);
    }
    return op_entropy(&r->t, x, w, b, &s);
}

const rig_case rig_cases[] = {
    {"embed", OP_EMBED, build_embed, 2, true},
    {"linear", OP_LINEAR, build_linear, 4, true},
    {"add", OP_ADD, build_add, 2, true},
    {"mul", OP_MUL, build_mul, 2, true},
    {"concat", OP_CONCAT, build_concat, 3, true},
    {"slice", OP_SLICE, build_slice, 4, true},
    {"tanh", OP_TANH, build_tanh, 1, true},
    {"sigmoid", OP_SIGMOID, build_sigmoid, 1, true},
    {"relu", OP_RELU, build_relu, 1, true},
    {"dropout", OP_DROPOUT, build_dropout, 3, true},
    {"rnn", OP_RNN, build_rnn, RNN_VARIANTS, true},
    {"pool", OP_POOL, build_pool, 4, true},
    {"attend", OP_ATTEND, build_attend, 1, true},
    {"cross", OP_CROSS, build_cross, 12, true},
    {"coverage", OP_COVERAGE, build_coverage, 4, false},
    {"covered", OP_SUM, build_covered, 8, false},
    {"conv", OP_CONV, build_conv, 16, true},
    {"crf", OP_CRF, build_crf, 4, false},
    {"entropy", OP_ENTROPY, build_entropy, 128, false},
    {"binary", OP_BINARY, build_binary, 16, false},
    {"agree", OP_AGREE, build_agree, 2, false},
    {"sum", OP_SUM, build_sum, 6, false},
};

const int rig_case_count = (int)(sizeof rig_cases / sizeof *rig_cases);

/* check_task_translate_risk: a translator's own answers, drawn and judged, and trainings that begin with
 * another model's weights. */
#include "check_task.h"

#include "base/pool.h"
#include "model/consensus.h"
#include "task/translate_risk.h"

#include <math.h>

/* ---- draws */

enum { PAIRS = 12, DRAWS = 4 };

typedef struct material {
    translate_options o;
    translate_data data;
    translate_pair pair[PAIRS];
    arena memory;
} material;

/* Pairs of the toy language, as ids of the suite's translator; hot enough that draws differ. */
static void open_material(material *m) {
    rill_error e = {0};
    buffer text = {0};
    *m = (material){0};
    task_pairs(PAIRS, 9, &text);
    const char *files[] = {task_file("risk.tsv", buffer_view(&text))};
    task_translate_set(&m->o, "risk=2", "risk-samples=4", NULL);
    ck_assert_int_eq(translate_data_read(&m->data, files, 1, true, 1 << 20, &e), 0);
    ck_assert_int_eq(
        translate_data_encode(&m->data, &task_translator()->lexicon, 0, 0, 0, &e), 0);
    for (size_t i = 0; i < PAIRS; i++) {
        const size_t *s = m->data.at[SOURCE] + i, *t = m->data.at[TARGET] + i;
        m->pair[i] = (translate_pair){
            .source = {.id = m->data.id[SOURCE] + s[0], .count = (int32_t)(s[1] - s[0]), .name = i + 5},
            .target = m->data.id[TARGET] + t[0], .length = (int32_t)(t[1] - t[0])};
    }
    buffer_free(&text);
}

static void close_material(material *m) {
    task_translate_free(&m->o);
    translate_data_free(&m->data);
    arena_free(&m->memory);
}

static translate_batch draw(material *m, const translate_net *net, int threads) {
    rill_error e = {0};
    translate_risk *risk;
    translate_batch b;
    pool *p;
    ck_assert_int_eq(pool_new(threads, &p, &e), 0);
    ck_assert_msg(translate_risk_new(net, &m->o, p, &risk, &e) == 0, "%s", e.message);
    for (int again = 0; again < 2; again++) { /* twice: what is kept between batches changes nothing */
        ck_assert_msg(translate_risk_draw(risk, m->pair, PAIRS, &m->memory, &b, &e) == 0, "%s",
                      e.message);
    }
    translate_risk_free(risk);
    pool_free(p);
    return b;
}

/* A network that knows nothing yet, of the suite's shape: its draws are all different. */
static void fresh_net(translate_net *net) {
    ck_assert_int_eq(translate_net_build(net, &task_translator()->net.config), 0);
    ck_assert_int_eq(params_alloc(&net->params, false), 0);
    ck_assert_int_eq(params_init(&net->params, 4), 0);
}

/* The pair that answer k was drawn for: the only one with its source. */
static const translate_pair *pair_of(const material *m, const translate_batch *b, int k) {
    const int32_t *id = b->source_id + b->source.start[k], n = pack_length(&b->source, k) - 1;
    for (int i = 0; i < PAIRS; i++) {
        const translate_source *s = &m->pair[i].source;
        if (s->count == n && !memcmp(s->id, id, (size_t)n * sizeof *id)) return &m->pair[i];
    }
    ck_abort_msg("answer %d has a source that is nobody's", k);
}

START_TEST(answers_and_their_merits) {
    material m;
    translate_net net;
    bleu *judge;
    double sum[PAIRS] = {0}, like;
    open_material(&m);
    fresh_net(&net);
    ck_assert_int_eq(bleu_new(NULL, &judge, NULL), 0);
    translate_batch b = draw(&m, &net, 1);
    ck_assert_int_gt(b.target.count, PAIRS);
    ck_assert_int_le(b.target.count, PAIRS * DRAWS);
    const translate_pair *before = m.pair;
    double before_like = -1, before_worth = 0;
    int cuts = 0;
    for (int k = 0; k < b.target.count; k++) {
        const translate_pair *p = pair_of(&m, &b, k);
        const int32_t at = b.target.start[k], n = pack_length(&b.target, k) - 1;
        ck_assert_int_eq(b.source_id[b.source.start[k + 1] - 1], SUBWORD_END);
        ck_assert_int_eq(b.previous[at], SUBWORD_BEGIN);
        ck_assert_int_eq(b.gold[at + n], SUBWORD_END);
        for (int j = 0; j < n; j++) ck_assert_int_eq(b.previous[at + j + 1], b.gold[at + j]);
        for (int j = 1; j < n; j++) ck_assert(b.worth[at + j] == b.worth[at]);
        bool cut = n == 2 * p->source.count + 20; /* as long as answers get: nobody drew its end */
        ck_assert(n == 0 || b.worth[at + n] == (cut ? 0 : b.worth[at]));
        cuts += cut;
        ck_assert_int_eq(consensus_bleu(judge, b.gold + at, n, p->target, p->length, &like), 0);
        sum[p - m.pair] += (double)b.worth[at];
        if (p == before && before_like >= 0) { /* what is more like the target is worth more */
            double rise = (double)b.worth[at] - before_worth;
            ck_assert_double_eq_tol(rise, 2.0 / (DRAWS - 1) * (like - before_like), 1e-5);
        }
        before = p;
        before_like = like;
        before_worth = (double)b.worth[at];
    }
    for (int i = 0; i < PAIRS; i++) ck_assert_double_eq_tol(sum[i], 0, 1e-5);
    ck_assert_int_gt(cuts, 0);
    bleu_free(judge);
    translate_net_free(&net);
    close_material(&m);
}
END_TEST

/* What is set for decoding, as a common config file may, is nothing to the draws. */
START_TEST(draws_are_plain) {
    material m;
    translate_net net;
    rill_error e = {0};
    static const char *const ways[] = {"mbr=9", "top-k=2", "beam=9", "temperature=0.1", "max-length=1",
                                       "no-repeat=1"};
    open_material(&m);
    fresh_net(&net);
    translate_batch plain = draw(&m, &net, 1);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        bytes value = bytes_of(ways[i]), name;
        ck_assert(bytes_split(&value, '=', &name));
        ck_assert_int_eq(options_set(&translate_option_table, &m.o, name, value, &e), 0);
    }
    translate_batch b = draw(&m, &net, 1);
    ck_assert_int_eq(b.target.total, plain.target.total);
    ck_assert_int_eq(memcmp(b.gold, plain.gold, (size_t)b.target.total * sizeof *b.gold), 0);
    translate_net_free(&net);
    close_material(&m);
}
END_TEST

/* Words that weigh nothing lose nothing, whatever else a network's loss has. */
START_TEST(worth_is_all) {
    material m;
    translate_net net;
    tape t = {.c = {.k = cpu_kernels()}};
    open_material(&m);
    fresh_net(&net);
    net.config.coverage = 1;
    translate_batch b = draw(&m, &net, 1);
    real *none = arena_zero(&m.memory, (size_t)b.target.total, sizeof *none);
    b.worth = none;
    tape_reset(&t);
    ck_assert(*tape_value(&t, translate_net_loss(&net, &t, &b)) == 0);
    b.worth = NULL;
    ck_assert(*tape_value(&t, translate_net_loss(&net, &t, &b)) > 0);
    tape_free(&t);
    translate_net_free(&net);
    close_material(&m);
}
END_TEST

START_TEST(threads_draw_the_same) {
    material m;
    translate_net net;
    open_material(&m);
    fresh_net(&net);
    translate_batch one = draw(&m, &net, 1);
    for (int threads = 2; threads < 5; threads++) {
        translate_batch b = draw(&m, &net, threads);
        ck_assert_int_eq(b.target.total, one.target.total);
        ck_assert_int_eq(b.source.total, one.source.total);
        size_t n = (size_t)b.target.total;
        ck_assert_int_eq(memcmp(b.gold, one.gold, n * sizeof *b.gold), 0);
        ck_assert_int_eq(memcmp(b.worth, one.worth, n * sizeof *b.worth), 0);
    }
    translate_net_free(&net);
    close_material(&m);
}
END_TEST

/* Between two batches the weights change, and with them the draws. */
START_TEST(draws_follow_the_weights) {
    material m;
    translate_net net;
    translate_risk *risk;
    translate_batch now, then;
    rill_error e = {0};
    open_material(&m);
    fresh_net(&net);
    ck_assert_int_eq(translate_risk_new(&net, &m.o, NULL, &risk, &e), 0);
    ck_assert_int_eq(translate_risk_draw(risk, m.pair, PAIRS, &m.memory, &now, &e), 0);
    ck_assert_int_eq(params_init(&net.params, 5), 0);
    ck_assert_int_eq(translate_risk_draw(risk, m.pair, PAIRS, &m.memory, &now, &e), 0);
    translate_risk_free(risk);
    then = draw(&m, &net, 1);
    ck_assert_int_eq(now.target.total, then.target.total);
    ck_assert_int_eq(memcmp(now.gold, then.gold, (size_t)now.target.total * sizeof *now.gold), 0);
    translate_net_free(&net);
    close_material(&m);
}
END_TEST

/* ---- trainings */

static int train(const char *model, const rill_hooks *hooks, rill_error *e, const char *first,
                 const char *const s[4]) {
    translate_options o;
    char target[256], init[256];
    const char *files[] = {task_path("risky.tsv")};
    snprintf(target, sizeof target, "model=%s", model);
    snprintf(init, sizeof init, "init=%s", first ? first : "");
    task_translate_set(&o, "epochs=2", "batch=64", "force=true", target, first ? init : "epochs=2", s[0],
                       s[1], s[2], s[3], NULL);
    int status = translate_train(&o, files, 1, hooks, e);
    task_translate_free(&o);
    return status;
}

static const char *pairs_file(void) {
    buffer text = {0};
    task_pairs(80, 4, &text);
    const char *path = task_file("risky.tsv", buffer_view(&text));
    buffer_free(&text);
    return path;
}

static const char *first_model(void) {
    static const char *const s[] = {"dropout=0", "epochs=4", "seed=2", "seed=2"};
    rill_error e = {0};
    const char *path = task_path("first.rill");
    pairs_file();
    ck_assert_msg(train(path, NULL, &e, NULL, s) == 0, "%s", e.message);
    return path;
}

START_TEST(risk_same_bytes) {
    static const char *const ways[][4] = {{"risk=4", "dropout=0.2", "threads=1", "r-drop=1"},
                                          {"risk=4", "dropout=0.2", "threads=2", "r-drop=1"},
                                          {"risk=0", "dropout=0.2", "threads=2", "r-drop=1"}};
    rill_error e = {0};
    const char *first = first_model(), *one = task_path("risk1.rill"), *two = task_path("risk2.rill");
    ck_assert_msg(train(one, NULL, &e, first, ways[0]) == 0, "%s", e.message);
    ck_assert_msg(train(two, NULL, &e, first, ways[1]) == 0, "%s", e.message);
    ck_assert(task_same_tensors(one, two));
    int stop = 3;
    const rill_hooks hooks = {.data = &stop, .stop = task_stop_at};
    ck_assert_int_eq(train(two, &hooks, &e, first, ways[1]), RILL_EINTERRUPTED);
    translate_options o;
    char from[256];
    snprintf(from, sizeof from, "resume=%s.ckpt", two);
    task_translate_set(&o, from, NULL);
    ck_assert_msg(translate_train(&o, NULL, 0, NULL, &e) == 0, "%s", e.message);
    task_translate_free(&o);
    ck_assert(task_same_tensors(one, two));
    ck_assert_msg(train(two, NULL, &e, first, ways[2]) == 0, "%s", e.message);
    ck_assert(!task_same_tensors(one, two)); /* the answers do weigh something */
}
END_TEST

/* What draws of a model are worth on average: their BLEU against the targets. */
static double worth_of_draws(const char *model) {
    rill_error e = {0};
    translate_model *t = task_translate_open(model);
    buffer text = {0}, out = {0};
    double sum = 0;
    bleu *judge;
    size_t lines = 0;
    ck_assert_int_eq(bleu_new(NULL, &judge, NULL), 0);
    task_pairs(80, 4, &text);
    bytes rest = buffer_view(&text), line, source;
    buffer in = {0};
    while (bytes_split(&rest, '\n', &line) && bytes_split(&line, '\t', &source)) {
        for (int i = 0; i < 8; i++) {
            buffer_add_bytes(&in, source);
            buffer_add_char(&in, '\n');
        }
    }
    ck_assert_int_eq(run_translator(t, buffer_view(&in), &out, &e, "sample=true", NULL), 0);
    bytes answers = buffer_view(&out), answer;
    rest = buffer_view(&text);
    while (bytes_split(&rest, '\n', &line) && bytes_split(&line, '\t', &source)) {
        for (int i = 0; i < 8; i++) {
            bleu_stats stats;
            const bleu_options options = {.smoothing = BLEU_ADD};
            ck_assert(bytes_split(&answers, '\n', &answer));
            ck_assert_int_eq(bleu_count(judge, answer, &line, 1, &stats, &e), 0);
            sum += bleu_score(&stats, &options).score;
            lines++;
        }
    }
    task_model_free(&task_translate, t);
    bleu_free(judge);
    buffer_free(&text);
    buffer_free(&out);
    buffer_free(&in);
    return sum / (double)lines;
}

/* Beside the same training without them, judged answers make draws better. */
START_TEST(risk_makes_draws_better) {
    static const char *const ways[][4] = {{"risk=10", "epochs=10", "rate=0.01", "risk-samples=16"},
                                          {"risk=0", "epochs=10", "rate=0.01", "risk-samples=16"}};
    rill_error e = {0};
    const char *first = first_model(), *with = task_path("with.rill"), *without = task_path("without.rill");
    ck_assert_msg(train(with, NULL, &e, first, ways[0]) == 0, "%s", e.message);
    ck_assert_msg(train(without, NULL, &e, first, ways[1]) == 0, "%s", e.message);
    double a = worth_of_draws(with), b = worth_of_draws(without);
    ck_assert_msg(a > b + 1, "with risk %.2f, without %.2f", a, b);
}
END_TEST

/* Hardly moved, the model is the one that training began with, whatever sizes the options name. */
START_TEST(begins_with_a_model) {
    static const char *const still[] = {"rate=1e-9", "encoder-hidden=5", "source-units=char", "ema=0"};
    rill_error e = {0};
    const char *first = first_model(), *again = task_path("again.rill");
    ck_assert_msg(train(again, NULL, &e, first, still) == 0, "%s", e.message);
    translate_model *a = task_translate_open(first), *b = task_translate_open(again);
    const params *p = &a->net.params, *q = &b->net.params;
    ck_assert_uint_eq(p->size, q->size);
    for (size_t i = 0; i < p->size; i++) {
        ck_assert_double_eq_tol((double)p->value[i], (double)q->value[i], 1e-4);
    }
    ck_assert_int_eq(b->options.encoder_hidden, a->options.encoder_hidden);
    ck_assert_str_eq(b->options.units, "word");
    ck_assert_ptr_null(b->options.source_units);
    task_model_free(&task_translate, a);
    task_model_free(&task_translate, b);
}
END_TEST

START_TEST(no_model_to_begin_with) {
    static const char *const s[] = {"seed=1", "seed=1", "seed=1", "seed=1"},
                             *const units[] = {"subwords=x", "seed=1", "seed=1", "seed=1"},
                             *const cut[] = {"bpe-dropout=0.1", "risk=1", "seed=1", "seed=1"};
    rill_error e = {0};
    const char *first = first_model(), *model = task_path("none.rill");
    ck_assert_int_eq(train(model, NULL, &e, "no-such-file", s), RILL_EIO);
    ck_assert_int_eq(train(model, NULL, &e, pairs_file(), s), RILL_EMODEL);
    ck_assert_ptr_nonnull(strstr(e.file, "risky.tsv"));
    ck_assert_int_eq(train(model, NULL, &e, first, units), RILL_EUSAGE);
    ck_assert_ptr_nonnull(strstr(e.message, "--subwords"));
    ck_assert_int_eq(train(model, NULL, &e, first, cut), RILL_EUSAGE);
    ck_assert_ptr_nonnull(strstr(e.message, "--bpe-dropout"));
}
END_TEST

TCase *translate_risk_cases(void) {
    TCase *t = tcase_create("translate risk");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, answers_and_their_merits);
    tcase_add_test(t, draws_are_plain);
    tcase_add_test(t, worth_is_all);
    tcase_add_test(t, threads_draw_the_same);
    tcase_add_test(t, draws_follow_the_weights);
    tcase_add_test(t, risk_same_bytes);
    tcase_add_test(t, risk_makes_draws_better);
    tcase_add_test(t, begins_with_a_model);
    tcase_add_test(t, no_model_to_begin_with);
    return t;
}

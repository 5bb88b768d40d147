/* bench_work: the works that are measured: a training step, tagging by sessions, raw text to
 * CoNLL-U, and opening a model; between their pieces, the machine's limit.
 *
 * What one thread does alone is timed by the processor time it took, which on a quiet machine is
 * the time on the wall and on a busy one stays near it. What several threads do together can only
 * be timed on the wall, unless they do not wait for each other.
 */
#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOADS = 5, PEAK_ROUNDS = 200000 /* some milliseconds */ };

static double seconds_of(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Of work on so many threads, seen from the process that waits for it. */
static double now(int threads) {
    return seconds_of(threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC);
}

static void need(int status, const char *what, const rill_error *error) {
    if (status < 0) bench_fail(what, error->message);
}

static void keep_least(double *least, double seconds) {
    if (*least == 0 || seconds < *least) *least = seconds;
}

void series_add(series *s, int piece, double seconds) {
    if (piece >= PIECES) bench_fail("text", "it is too long for the bench");
    keep_least(&s->seconds[piece], seconds);
    if (piece >= s->pieces) s->pieces = piece + 1;
}

double series_total(const series *s) {
    double sum = 0;
    for (int i = 0; i < s->pieces; i++) sum += s->seconds[i];
    return sum;
}

/* ---- the limit */

typedef struct limit {
    const kernels *k;
    pool *pool;
    double speed[THREADS]; /* flop/s of each thread, all at once */
} limit;

static limit limit_new(int threads) {
    limit l = {.k = cpu_kernels()};
    rill_error error;
    need(pool_new(threads, &l.pool, &error), "threads", &error);
    return l;
}

/* Each thread by its own clock: all run at once, unless others want the processor. */
static void limit_task(void *data, int task, int worker) {
    (void)worker;
    limit *l = data;
    double start = seconds_of(CLOCK_THREAD_CPUTIME_ID), flops = l->k->peak(PEAK_ROUNDS);
    l->speed[task] = flops / (seconds_of(CLOCK_THREAD_CPUTIME_ID) - start);
}

/* Beside piece `piece` of a kind: as many tries as that piece has, so that neither is luckier. */
static void limit_measure(limit *l, results *r, int kind, int piece) {
    int threads = pool_threads(l->pool);
    double all = 0;
    pool_run(l->pool, threads, limit_task, l);
    for (int i = 0; i < threads; i++) all += l->speed[i];
    series_add(&r->peak[kind][threads], piece, 1e9 / all);
}

double peak_beside(const results *r, int kind, int threads) {
    const series *s = &r->peak[kind][threads];
    return 1e9 * s->pieces / series_total(s);
}

/* ---- a training step: the tagger's own loop asks `stop` before every update */

typedef struct watch {
    series *s;
    results *r;
    limit limit;
    int step;     /* negative: not measured */
    double began; /* of the step, 0 before the first */
} watch;

static void end_step(watch *w) {
    double end = now(pool_threads(w->limit.pool));
    if (w->began == 0) return;
    if (w->step >= 0) series_add(w->s, w->step, end - w->began);
    w->step++;
}

static bool on_stop(void *data) {
    watch *w = data;
    end_step(w);
    if (w->step >= 0) limit_measure(&w->limit, w->r, TRAIN, w->step);
    w->began = now(pool_threads(w->limit.pool));
    return false;
}

static void on_event(void *data, const rill_event *event) {
    if (event->kind == RILL_EVENT_EPOCH) end_step(data);
}

static void set_number(rill_options *o, const char *name, int value, rill_error *error) {
    char text[16];
    snprintf(text, sizeof text, "%d", value);
    need(rill_options_set(o, name, text, error), name, error);
}

static rill_options *options_for(int threads) {
    rill_options *o;
    rill_error error;
    need(rill_options_new("tag", &o, &error), "options", &error);
    set_number(o, "threads", threads, &error);
    return o;
}

void do_training(bench *b) {
    watch w = {.s = &b->r->of[TRAIN][b->threads],
               .r = b->r,
               .limit = limit_new(b->threads),
               .step = -WARM_STEPS};
    const rill_hooks hooks = {&w, on_event, on_stop};
    const char *files[] = {b->train};
    rill_options *o = options_for(b->threads);
    rill_error error;
    need(rill_options_set(o, "model", b->model, &error), "model", &error);
    need(rill_options_set(o, "force", "true", &error), "force", &error);
    set_number(o, "epochs", 1, &error);
    set_number(o, "batch", TRAIN_TOKENS, &error);
    set_number(o, "r-drop", 0, &error);
    need(rill_train("tag", o, files, 1, &hooks, &error), "training", &error);
}

/* ---- tagging: sessions over portions of sentences, as the workers of `apply` have them */

typedef struct tagging {
    const text *t;
    const batch_plan *plan;
    bytes *form;            /* [tokens] */
    tag_sentence *sentence; /* [sentences] */
    tag_session *session[THREADS];
    size_t portion; /* of worker 0 */
    double seconds[THREADS];
} tagging;

tag_model *open_tagger(const char *path) {
    bundle *file;
    void *m;
    rill_error error;
    need(bundle_open(path, &file, &error), path, &error);
    need(task_model_open(&task_tag, file, &m, &error), path, &error);
    return m;
}

static tagging make_sentences(const bench *b) {
    const text *t = &b->tag_text;
    tagging g = {.t = t, .plan = &b->tagging};
    g.form = mem_new(t->tokens, sizeof *g.form);
    g.sentence = mem_new(t->sentences, sizeof *g.sentence);
    if (!g.form || !g.sentence) bench_fail("tagging", "out of memory");
    for (size_t i = 0; i < t->tokens; i++) g.form[i] = strmap_get(&t->forms, t->token[i]);
    for (size_t i = 0; i < t->sentences; i++) {
        g.sentence[i] = (tag_sentence){.form = g.form + t->start[i], .count = t->length[i]};
    }
    return g;
}

static void tag_task(void *data, int task, int worker) {
    (void)worker;
    tagging *g = data;
    size_t portion = g->portion + (size_t)task;
    int32_t from = g->plan->start[portion], to = g->plan->start[portion + 1];
    rill_error error;
    double start = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    need(tag_session_run(g->session[task], g->sentence + from, (size_t)(to - from), &error),
         "tagging", &error);
    g->seconds[task] = seconds_of(CLOCK_THREAD_CPUTIME_ID) - start;
}

/* Every thread takes the next portion; together they are one piece, which takes as long as the
 * slower one, for nobody waits within it. */
void do_tagging(bench *b) {
    tag_model *m = open_tagger(b->model);
    tag_options o;
    rill_error error;
    memset(&o, 0, sizeof o);
    need(options_defaults(&tag_option_table, &o, &error), "options", &error);
    tagging g = make_sentences(b);
    limit l = limit_new(b->threads);
    for (int i = 0; i < b->threads; i++) {
        need(tag_session_new(&m, 1, &o, NULL, &g.session[i], &error), "session", &error);
    }
    int pieces = (int)b->tagging.batches / b->threads;
    for (int i = 0; i < pieces; i++) {
        limit_measure(&l, b->r, TAG, i);
        g.portion = (size_t)(i * b->threads);
        pool_run(l.pool, b->threads, tag_task, &g);
        double slower = 0;
        for (int k = 0; k < b->threads; k++) slower = g.seconds[k] > slower ? g.seconds[k] : slower;
        series_add(&b->r->of[TAG][b->threads], i, slower);
    }
}

/* ---- text in, CoNLL-U out */

static int open_file(const char *path, int flags) {
    int fd = open(path, flags, 0600);
    if (fd < 0) bench_fail(path, "cannot be opened");
    return fd;
}

void do_stream(bench *b) {
    rill_model *m;
    rill_error error;
    need(rill_model_open(b->model, &m, &error), b->model, &error);
    const rill_model *models[] = {m};
    rill_options *o = options_for(b->threads);
    need(rill_options_set(o, "input", "text", &error), "input", &error);
    int in = open_file(b->raw, O_RDONLY), out = open_file(b->out, O_WRONLY | O_CREAT | O_TRUNC);
    double start = now(b->threads);
    need(rill_filter(models, 1, o, in, b->raw, out, NULL, &error), "filter", &error);
    series_add(&b->r->of[STREAM][b->threads], 0, now(b->threads) - start);
}

/* Opening a model beside reading the bytes of its file, which is what no loader can avoid. */
void do_load(bench *b) {
    rill_error error;
    for (int i = 0; i < LOADS; i++) {
        rill_model *m;
        buffer copy = {0};
        double start = now(1);
        need(rill_model_open(b->model, &m, &error), b->model, &error);
        keep_least(&b->r->load, now(1) - start);
        rill_model_free(m);
        start = now(1);
        need(file_slurp(b->model, 0, &copy, &error), b->model, &error);
        keep_least(&b->r->copy, now(1) - start);
        buffer_free(&copy);
    }
}

/* ---- children */

void run_child(bench *b, int threads, void (*job)(bench *), series *s) {
    struct rusage usage;
    int status;
    b->threads = threads;
    pid_t child = fork();
    if (child == 0) {
        job(b);
        _exit(0);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) < 0) bench_fail("child", "cannot be run");
    if (status != 0) exit(1); /* it has said why */
    double memory = 1024.0 * (double)usage.ru_maxrss;
    if (s && memory > s->memory) s->memory = memory;
}

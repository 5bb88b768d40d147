/* bench_report: the figures of a text: words per second, as a share of the machine's peak, beside
 * one thread and beside PyTorch. */
#include "bench.h"

#include <stdio.h>
#include <sys/stat.h>

/* A work on some threads, and what it is compared with: itself on one thread, and PyTorch. */
typedef struct row {
    const char *name;
    int kind, limit, peer; /* peer 0: none; limit: the kind beside which the peak was measured */
    int threads;
    double words, flops, single_words, peer_words;
} row;

static const series *series_of(const bench *b, int kind, int threads) {
    return &b->r->of[kind][threads];
}

/* 0 when it was not measured. */
static double speed(const series *s, double words) {
    return s->pieces > 0 ? words / series_total(s) : 0;
}

/* PyTorch's fastest on at most so many threads. */
static double peer_speed(const bench *b, const row *r) {
    double best = 0;
    for (int n = 1; r->peer && n <= r->threads; n++) {
        double now = speed(series_of(b, r->peer, n), r->peer_words);
        best = now > best ? now : best;
    }
    return best;
}

static void print_ratio(double a, double b) {
    if (b > 0)
        printf(" %9.2f", a / b);
    else
        printf(" %9s", "");
}

static void print_row(const bench *b, row r) {
    const series *s = series_of(b, r.kind, r.threads);
    double own = speed(s, r.words);
    if (own <= 0) return;
    double share = r.flops / series_total(s) / peak_beside(b->r, r.limit, r.threads);
    printf("%-24s %7d %10.0f %9.1f %%", r.name, r.threads, own, 100 * share);
    print_ratio(own, r.threads > 1 ? speed(series_of(b, r.kind, 1), r.single_words) : 0);
    print_ratio(own, peer_speed(b, &r));
    printf(" %8.0f MB\n", s->memory / 1e6);
}

static void print_training(const bench *b) {
    work w = plan_work(&b->train_text, &b->training, 1);
    row r = {.name = "training step",
             .kind = TRAIN,
             .limit = TRAIN,
             .peer = PEER_TRAIN,
             .words = w.words,
             .single_words = w.words,
             .peer_words = w.words};
    r.flops = flops_training(&b->macs, &w);
    for (r.threads = 1; r.threads <= THREADS; r.threads++) print_row(b, r);
    r.name = "  PyTorch", r.kind = PEER_TRAIN, r.peer = 0;
    for (r.threads = 1; r.threads <= THREADS; r.threads++) print_row(b, r);
}

/* Work of the portions that make whole pieces. */
static work whole_pieces(const bench *b, int threads) {
    batch_plan plan = b->tagging;
    plan.batches -= plan.batches % (size_t)threads;
    return plan_work(&b->tag_text, &plan, threads);
}

static void print_tagging(const bench *b) {
    work one = whole_pieces(b, 1);
    row r = {.name = "tagging, sessions",
             .kind = TAG,
             .limit = TAG,
             .peer = PEER_TAG,
             .single_words = one.words,
             .peer_words = one.words};
    for (r.threads = 1; r.threads <= THREADS; r.threads++) {
        work w = whole_pieces(b, r.threads);
        r.words = w.words, r.flops = flops_shared(&b->macs, &w);
        print_row(b, r);
    }
    r.name = "  PyTorch, no text", r.kind = PEER_TAG, r.peer = 0;
    r.words = one.words, r.flops = flops_forward(&b->macs, &one);
    for (r.threads = 1; r.threads <= THREADS; r.threads++) print_row(b, r);
}

/* The words are those that the tokenizer made, so they are read from the output. */
static void print_stream(const bench *b) {
    text found = {0};
    batch_plan plan = {0};
    text_read(&found, b->out);
    plan_tagging(&found, &plan);
    row r = {.name = "raw text to CoNLL-U",
             .kind = STREAM,
             .limit = TAG,
             .peer = PEER_TAG,
             .peer_words = whole_pieces(b, 1).words};
    for (r.threads = 1; r.threads <= THREADS; r.threads++) {
        work w = plan_work(&found, &plan, r.threads);
        r.words = r.single_words = w.words, r.flops = flops_shared(&b->macs, &w);
        print_row(b, r);
    }
    text_free(&found);
    batch_free(&plan);
}

static void print_load(const bench *b) {
    struct stat file;
    if (stat(b->model, &file)) bench_fail(b->model, "cannot be read");
    printf("model of %.1f MB opened in %.1f ms: %.0f MB/s, %.1f times reading the bytes alone\n",
           (double)file.st_size / 1e6, 1e3 * b->r->load, (double)file.st_size / b->r->load / 1e6,
           b->r->load / b->r->copy);
}

static void print_formulas(const bench *b) {
    const macs *m = &b->macs;
    work w = plan_work(&b->tag_text, &b->tagging, 1);
    double n = (double)b->tagging.batches;
    printf("multiply-adds: %.3f M a word, %.3f M of them in the first projection; %.3f M a letter",
           m->word / 1e6, m->first / 1e6, m->letter / 1e6);
    if (m->form > 0) printf("; %.3f M a form", m->form / 1e6);
    printf("\ntagging flops: 2 x (words x %.3f M + distinct forms of a portion x %.3f M + letters "
           "of forms new to the thread x %.3f M)\n",
           (m->word - m->first) / 1e6, m->first / 1e6, m->letter / 1e6);
    printf("tagging text: portions of %.0f words, %.0f distinct forms, %.0f new ones\n",
           w.words / n, w.forms / n, w.new_forms / n);
    if (!b->own) return;
    w = plan_work(&b->train_text, &b->training, 1), n = (double)b->training.batches;
    printf("training flops: 6 x (words x %.3f M + letters of a batch's distinct forms x %.3f M), "
           "forward and two products back\n",
           m->word / 1e6, m->letter / 1e6);
    printf("training text: batches of %.0f words, %.0f distinct forms, %.1f letters a form; the first "
           "%d are not measured\n",
           w.words / n, w.forms / n, w.letters / w.forms, WARM_STEPS);
}

void print_report(const bench *b, int rounds) {
    double one = peak_beside(b->r, TAG, 1), all = peak_beside(b->r, TAG, THREADS);
    printf("\n%s text, %s; least time of each piece in %d rounds\n", b->own ? "invented" : "given",
           b->own ? "default network" : b->model, rounds);
    print_formulas(b);
    printf("PyTorch: %s\n\n", b->peer_name);
    printf("f32 peak, %s kernels: %.0f GFLOP/s on 1 thread, %.0f on %d at once (%.2f times)\n\n",
           cpu_kernels()->name, one / 1e9, all / 1e9, THREADS, all / one);
    printf("%-24s %7s %10s %11s %9s %9s %11s\n", "", "threads", "words/s", "of peak", "x 1 thr.",
           "x PyTorch", "memory");
    if (b->own) print_training(b);
    print_tagging(b);
    print_stream(b);
    print_load(b);
    fflush(stdout);
}

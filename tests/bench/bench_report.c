/* bench_report: the figures of a text: words per second, as a share of the machine's peak, beside
 * one thread and beside PyTorch. */
#include "bench.h"

#include <stdio.h>
#include <sys/stat.h>

typedef struct row {
    const char *name;
    int threads;
    double words, flops;
    const series *s, *single, *peer; /* itself on one thread, and PyTorch, or NULL */
    double single_words, peer_words;
} row;

static double speed(const series *s, double words) {
    return s && s->pieces > 0 ? words / series_total(s) : 0;
}

static void print_row(const bench *b, const row *r) {
    double own = speed(r->s, r->words), one = speed(r->single, r->single_words),
           peer = speed(r->peer, r->peer_words);
    double share = r->flops / series_total(r->s) / b->r->peak[r->threads];
    if (own <= 0) return;
    printf("%-32s %7d %10.0f %9.1f %%", r->name, r->threads, own, 100 * share);
    if (one > 0)
        printf(" %8.2f", own / one);
    else
        printf(" %8s", "");
    if (peer > 0)
        printf(" %9.2f", own / peer);
    else
        printf(" %9s", "");
    printf(" %8.0f MB\n", r->s->memory / 1e6);
}

/* PyTorch's series of a kind with most words per second on at most `threads` threads. */
static const series *best_peer(const bench *b, int kind, int threads) {
    const series *best = &b->r->of[kind][1], *two = &b->r->of[kind][THREADS];
    return threads > 1 && two->pieces > 0 && series_total(two) < series_total(best) ? two : best;
}

static void print_training(const bench *b) {
    work w = plan_work(&b->train_text, &b->training, 1);
    double flops = flops_training(&b->macs, &w);
    for (int n = 1; n <= THREADS; n++) {
        row r = {"training step",
                 n,
                 w.words,
                 flops,
                 &b->r->of[TRAIN][n],
                 n > 1 ? &b->r->of[TRAIN][1] : NULL,
                 best_peer(b, PEER_TRAIN, n),
                 w.words,
                 w.words};
        print_row(b, &r);
    }
    for (int n = 1; n <= THREADS; n++) {
        row r = {"  PyTorch",
                 n,
                 w.words,
                 flops,
                 &b->r->of[PEER_TRAIN][n],
                 n > 1 ? &b->r->of[PEER_TRAIN][1] : NULL,
                 NULL,
                 w.words,
                 0};
        print_row(b, &r);
    }
}

/* Work of the portions that make whole pieces. */
static work whole_pieces(const bench *b, int threads) {
    batch_plan plan = b->tagging;
    plan.batches -= plan.batches % (size_t)threads;
    return plan_work(&b->tag_text, &plan, threads);
}

static void print_tagging(const bench *b) {
    work one = whole_pieces(b, 1);
    for (int n = 1; n <= THREADS; n++) {
        work w = whole_pieces(b, n);
        row r = {"tagging, sessions",
                 n,
                 w.words,
                 flops_shared(&b->macs, &w),
                 &b->r->of[TAG][n],
                 n > 1 ? &b->r->of[TAG][1] : NULL,
                 best_peer(b, PEER_TAG, n),
                 one.words,
                 one.words};
        print_row(b, &r);
    }
    for (int n = 1; n <= THREADS; n++) {
        row r = {"  PyTorch, no text",
                 n,
                 one.words,
                 flops_forward(&b->macs, &one),
                 &b->r->of[PEER_TAG][n],
                 n > 1 ? &b->r->of[PEER_TAG][1] : NULL,
                 NULL,
                 one.words,
                 0};
        print_row(b, &r);
    }
}

/* The words are those that the tokenizer made, so they are read from the output. */
static void print_stream(const bench *b) {
    text found = {0};
    batch_plan plan = {0};
    text_read(&found, b->out);
    plan_tagging(&found, &plan);
    for (int n = 1; n <= THREADS; n++) {
        work w = plan_work(&found, &plan, n), gold = whole_pieces(b, 1);
        row r = {"raw text to CoNLL-U",
                 n,
                 w.words,
                 flops_shared(&b->macs, &w),
                 &b->r->of[STREAM][n],
                 n > 1 ? &b->r->of[STREAM][1] : NULL,
                 best_peer(b, PEER_TAG, n),
                 w.words,
                 gold.words};
        print_row(b, &r);
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
    printf("training text: batches of %.0f words, %.0f distinct forms, %.1f letters a form\n",
           w.words / n, w.forms / n, w.letters / w.forms);
}

void print_report(const bench *b, int rounds) {
    printf("\n%s text, %s; least time of each piece in %d rounds\n", b->own ? "invented" : "given",
           b->own ? "default network" : b->model, rounds);
    print_formulas(b);
    printf("PyTorch: %s\n\n", b->peer_name);
    printf("f32 peak, %s kernels: %.0f GFLOP/s on 1 thread, %.0f on %d at once (%.2f times)\n\n",
           cpu_kernels()->name, b->r->peak[1] / 1e9, b->r->peak[THREADS] / 1e9, THREADS,
           b->r->peak[THREADS] / b->r->peak[1]);
    printf("%-32s %7s %10s %11s %8s %9s %11s\n", "", "threads", "words/s", "of peak", "x 1 thr.",
           "x PyTorch", "memory");
    if (b->own) print_training(b);
    print_tagging(b);
    print_stream(b);
    print_load(b);
    fflush(stdout);
}

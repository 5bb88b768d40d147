/* bench_translate: the translator's training step and decoding beside the machine's own limit and the same
 * network in PyTorch, in one run.
 *
 * The network is one that others have been measured with: source and target of 20 tokens, 64
 * sentences, vocabulary 8,000, vectors 256, encoder of 2 bidirectional layers of 256 each way,
 * decoder of 2 layers of 512, one attention. Work is counted in multiply-adds of the products (a
 * step is three forward passes); cells, softmax and optimiser are left out, so that a share of the
 * limit is never flattered. Rounds take turns; each figure is the best round's. One thread is timed by
 * the processor time it took, two on the wall, where a busy machine shows.
 *
 * Usage: bench_translate bench_torch_translate.py
 */
#include "math/gemm.h"
#include "nn/optim.h"
#include "task/translate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    THREADS = 2, ROUNDS = 4, STEPS = 3, SENTENCES = 64, LENGTH = 20, WORDS = 8000,
    PEAK_ROUNDS = 2000000
};

static const translate_net_config shape = {
    .cell = CELL_LSTM, .source_words = WORDS, .target_words = WORDS, .tie = TIE_TARGET, .embed = 256,
    .encoder_hidden = 512, .encoder_layers = 2, .decoder_hidden = 512, .decoder_layers = 2,
    .attention = ATTENTION_DOT, .heads = 1, .dropout = 0.2, .smoothing = 0.1};

/* Shared with the children. */
typedef struct results {
    double peak[THREADS + 1]; /* flop/s */
    double step[THREADS + 1], memory[THREADS + 1]; /* least seconds; bytes */
    double decode[2][2], decode_memory; /* sentences/s: greedy, beam 5; batch 1, 64 */
} results;

static void need(bool good, const char *what) {
    if (good) return;
    fprintf(stderr, "bench_translate: %s\n", what);
    exit(1);
}

static double seconds(int threads) {
    struct timespec t;
    clock_gettime(threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void least(double *best, double value) {
    if (*best == 0 || value < *best) *best = value;
}

static void most(double *best, double value) {
    if (value > *best) *best = value;
}

/* ---- the limit: all threads at once, each by its own clock */

typedef struct limit {
    const kernels *k;
    double speed[THREADS];
} limit;

static void limit_task(void *data, int task, int worker) {
    (void)worker;
    limit *l = data;
    struct timespec a, b;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
    double flops = l->k->peak(PEAK_ROUNDS);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
    l->speed[task] = flops / ((double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec));
}

static void measure_limit(const compute *c, double *best) {
    limit l = {.k = c->k};
    double sum = 0;
    pool_run(c->pool, pool_threads(c->pool), limit_task, &l);
    for (int i = 0; i < pool_threads(c->pool); i++) sum += l.speed[i];
    most(best, sum);
}

/* ---- the network and its batch */

typedef struct rig {
    translate_net net;
    translate_batch batch;
    arena memory;
    int32_t id[SENTENCES * LENGTH];
} rig;

static void build(rig *g, bool gradients) {
    static int32_t length[SENTENCES];
    static uint64_t name[SENTENCES];
    for (int i = 0; i < SENTENCES; i++) length[i] = LENGTH, name[i] = (uint64_t)i;
    for (int i = 0; i < SENTENCES * LENGTH; i++) g->id[i] = (int32_t)((unsigned)i * 2654435761u % WORDS);
    need(translate_net_build(&g->net, &shape) == 0, "no memory");
    need(params_alloc(&g->net.params, gradients) == 0, "no memory");
    need(params_init(&g->net.params, 1) == 0, "no memory");
    need(pack_make(&g->memory, length, name, SENTENCES, &g->batch.source) == 0, "no memory");
    g->batch.target = g->batch.source;
    g->batch.source_id = g->batch.previous = g->batch.gold = g->id;
}

/* Multiply-adds of a forward pass for one source and one target token. */
static double macs(void) {
    const translate_net_config *c = &shape;
    double E = c->embed, C = c->encoder_hidden, H = c->decoder_hidden, V = c->target_words, h = C / 2;
    double encoder = 2 * 4 * h * (E + h) + 2 * 4 * h * (C + h) * (c->encoder_layers - 1) + C * H;
    double decoder = 4 * H * (E + H) + 4 * H * (H + C + H) * (c->decoder_layers - 1) + H * H +
                     2 * LENGTH * H + (H + C) * E + E * V;
    return encoder + decoder;
}

static void train(rig *g, const compute *c, results *r) {
    int threads = pool_threads(c->pool);
    const optim_config config = {.kind = OPTIM_ADAMW, .beta1 = 0.9, .beta2 = 0.98, .epsilon = 1e-8,
                                 .decay = 0.01, .clip = 1, .ema = 0.999};
    optim o;
    tape t = {.c = *c, .record = true, .noise = true, .seed = 1};
    need(optim_new(&o, &config, &g->net.params) == 0, "no memory");
    for (int i = 0; i < STEPS + 2; i++) {
        measure_limit(c, &r->peak[threads]);
        double start = seconds(threads);
        tape_reset(&t);
        var loss = translate_net_loss(&g->net, &t, &g->batch);
        need(loss != 0, "no memory");
        tape_backward(&t, loss);
        optim_step(&o, &g->net.params, c, 1e-4, 1.0 / (SENTENCES * LENGTH));
        if (i >= 2) least(&r->step[threads], seconds(threads) - start); /* memory is warm by then */
    }
}

/* ---- decoding on one thread: answers of exactly LENGTH words, whatever the weights say */

static double decode(rig *g, int beam, int together) {
    translate_options o = {.beam = beam, .nbest = 1, .length_power = 1, .min_length = LENGTH,
                           .max_length = LENGTH, .temperature = 1, .top_p = 1};
    translate_session *s = NULL;
    translate_source source[SENTENCES];
    search_result found[SENTENCES];
    rill_error e = {0};
    need(translate_session_train(&g->net, &o, &s, &e) == 0, e.message);
    for (int i = 0; i < SENTENCES; i++) {
        source[i] = (translate_source){.id = g->id + i * LENGTH, .count = LENGTH};
    }
    double start = seconds(1);
    int done = 0;
    for (; done < SENTENCES && seconds(1) - start < 1.5; done += together) {
        need(translate_session_run(s, source + done, (size_t)together, found, &e) == 0, e.message);
    }
    double speed = done / (seconds(1) - start);
    translate_session_free(s);
    return speed;
}

/* ---- children, so that each has its own memory to be measured */

static void child_train(results *r, int threads) {
    static rig g;
    rill_error e = {0};
    pool *p = NULL;
    need(pool_new(threads, &p, &e) == 0, e.message);
    const compute c = {.k = cpu_kernels(), .pool = p};
    build(&g, true);
    train(&g, &c, r);
}

static void child_decode(results *r, int unused) {
    static rig g;
    const compute c = {.k = cpu_kernels()};
    (void)unused;
    build(&g, false);
    need(params_pack(&g.net.params, &c) == 0, "no memory");
    for (int wide = 0; wide < 2; wide++) {
        most(&r->decode[0][wide], decode(&g, 1, wide ? SENTENCES : 1));
        most(&r->decode[1][wide], decode(&g, 5, wide ? SENTENCES : 1));
    }
}

static double run_child(results *r, void (*job)(results *, int), int threads) {
    struct rusage usage;
    int status;
    fflush(NULL);
    pid_t child = fork();
    need(child >= 0, "cannot fork");
    if (child == 0) {
        job(r, threads);
        _exit(0);
    }
    need(wait4(child, &status, 0, &usage) == child && status == 0, "a part failed");
    return (double)usage.ru_maxrss * 1024;
}

/* Seconds of a step of the peer and its memory, or false. */
static bool ask_peer(const char *script, int threads, double *step, double *memory, char name[64]) {
    char command[1024];
    double s, m;
    const char *python = getenv("PYTHON");
    if (!python) python = "/usr/bin/python3"; /* Debian's own, which sees python3-torch */
    snprintf(command, sizeof command, "'%s' '%s' %d %d 2>&1", python, script, threads, STEPS);
    FILE *peer = popen(command, "r");
    bool good = peer && fscanf(peer, "%63s %lf %lf", name, &s, &m) == 3;
    if (peer) pclose(peer);
    if (!good) return false;
    least(step, s);
    most(memory, m);
    return true;
}

static void print_decoding(const results *r) {
    printf("\ndecoding, one thread, answers of %d words   batch 1   batch %d\n", LENGTH, SENTENCES);
    printf("  greedy, sentences/s                     %9.1f %10.1f\n", r->decode[0][0], r->decode[0][1]);
    printf("  beam 5, sentences/s                     %9.1f %10.1f\n", r->decode[1][0], r->decode[1][1]);
    printf("  most memory %.0f MB\n", r->decode_memory / 1e6);
}

int main(int argc, char **argv) {
    results *r = mmap(NULL, sizeof *r, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    double peer[THREADS + 1] = {0}, peer_memory = 0, flops = 6 * macs() * SENTENCES * LENGTH;
    char name[64] = "";
    bool asked = argc > 1;
    need(r != MAP_FAILED, "no memory");
    for (int round = 0; round < ROUNDS; round++) {
        for (int threads = 1; threads <= THREADS; threads++) {
            most(&r->memory[threads], run_child(r, child_train, threads));
            if (asked) asked = ask_peer(argv[1], threads, &peer[threads], &peer_memory, name);
        }
        most(&r->decode_memory, run_child(r, child_decode, 1));
    }
    printf("training step: %d sentences of %d + %d tokens, %.1f GFLOP of products\n", SENTENCES, LENGTH,
           LENGTH, flops / 1e9);
    for (int n = 1; n <= THREADS; n++) {
        printf("  %d thread%s  %.3f s  %6.0f target tokens/s  %5.1f GFLOP/s  %4.1f %% of %.0f", n,
               n > 1 ? "s" : " ", r->step[n], SENTENCES * LENGTH / r->step[n],
               flops / r->step[n] / 1e9, 100 * flops / r->step[n] / r->peak[n], r->peak[n] / 1e9);
        if (asked) {
            printf("  %s %.3f s, %4.1f %%: %.2f times as fast", name, peer[n],
                   100 * flops / peer[n] / r->peak[n], peer[n] / r->step[n]);
        }
        putchar('\n');
    }
    printf("  two threads are %.2f times one; most memory %.0f MB", r->step[1] / r->step[2],
           r->memory[2] / 1e6);
    if (asked) printf(", %s %.0f MB\n", name, peer_memory / 1e6);
    else printf("\n  PyTorch: absent (python3-torch), not compared\n");
    print_decoding(r);
    return 0;
}
